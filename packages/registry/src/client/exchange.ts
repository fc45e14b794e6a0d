// One request and its answer over HTTP. Not `fetch`, of which a process's first call costs as much as a broker's start.

export interface Message {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
  /** PEM of the CAs to trust instead of the system's. */
  readonly ca?: string
}

export interface Answer {
  readonly status: number
  text(): Promise<string>
}

/** Resolves as `fetch` does, once the whole answer is there. @throws the signal's reason, or the system's error */
export async function exchange(url: string, message: Message): Promise<Answer> {
  const { status, location, body } = await send(url, message)
  // Where redirections may lead, and with what, has many rules: fetch knows them. It trusts the system's CAs alone.
  if (location !== undefined && status >= 300 && status < 400) return fetch(url, message)
  return { status, text: async () => body.toString() }
}

interface Received {
  readonly status: number
  readonly location: string | undefined
  readonly body: Buffer
}

function send(url: string, { method, headers, body, signal, ca }: Message): Promise<Received> {
  // Not imported: an import of node:http asks for all that it exports, and so loads undici, for 28 ms of CPU.
  const { request } = process.getBuiltinModule(url.startsWith('https:') ? 'node:https' : 'node:http')
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => reject(signal.aborted ? signal.reason : error)
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }
    const sent = request(
      url,
      { method, headers: { ...headers, ...length }, signal, ...(ca !== undefined && { ca }) },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.once('error', fail)
        response.once('end', () => {
          const { statusCode, headers } = response
          resolve({ status: statusCode!, location: headers.location, body: Buffer.concat(chunks) })
        })
      },
    )
    sent.once('error', fail)
    sent.end(body)
  })
}
