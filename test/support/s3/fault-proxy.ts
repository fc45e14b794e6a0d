// Sits between a client of S3 and its server, and does to requests what networks and busy servers do.
import { once } from 'node:events'
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'

export type Fault =
  /** Answers with an error of S3, and the server never sees the request. */
  | { readonly kind: 'answer'; readonly status: number; readonly code: string }
  /** Sends so many bytes of the body to the server, then closes both connections. */
  | { readonly kind: 'cut upload'; readonly afterBytes: number }
  /** Sends so many bytes of the answer's body to the client, then closes both connections. */
  | { readonly kind: 'cut download'; readonly afterBytes: number }
  /** The server does what was asked, and its answer never comes. */
  | { readonly kind: 'lose answer' }
  /** Answers later. */
  | { readonly kind: 'hold'; readonly until: Promise<void> }
  /** Leaves out headers of the request, as a server that does not know them does. */
  | { readonly kind: 'without headers'; readonly names: readonly string[] }
  /** Changes one byte of the answer's body. */
  | { readonly kind: 'flip a bit' }
  /** Gives this body instead of the server's. */
  | { readonly kind: 'replace answer'; readonly body: string }

export interface SeenRequest {
  readonly method: string
  /** Path and query. */
  readonly url: string
  readonly headers: IncomingMessage['headers']
}

export interface FaultProxy {
  readonly endpoint: string
  /** All requests, those that were answered with a fault too. */
  readonly seen: readonly SeenRequest[]
  /** The bodies of the server's answers by url, the last of each. */
  readonly answers: ReadonlyMap<string, string>
  /** From now on: what happens to a request; undefined lets it through. */
  use(fault: (seen: SeenRequest) => Fault | undefined): void
  close(): Promise<void>
}

/** @param upstream `http://127.0.0.1:port` */
export async function startFaultProxy(upstream: string): Promise<FaultProxy> {
  const seen: SeenRequest[] = []
  const answers = new Map<string, string>()
  const sockets = new Set<Socket>()
  let chosen: (one: SeenRequest) => Fault | undefined = () => undefined
  const server = createServer((incoming, outgoing) => {
    const one = { method: incoming.method!, url: incoming.url!, headers: incoming.headers }
    seen.push(one)
    const fault = chosen(one)
    const go = () => pass(upstream, one, fault, incoming, outgoing, answers)
    if (fault?.kind === 'hold') void fault.until.then(go)
    else go()
  })
  // Answered by the server behind, when it is asked.
  server.on('checkContinue', (incoming, outgoing) => {
    outgoing.writeContinue()
    server.emit('request', incoming, outgoing)
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    answers,
    use: (fault) => {
      chosen = fault
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

function pass(
  upstream: string,
  { method, url, headers }: SeenRequest,
  fault: Fault | undefined,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  answers: Map<string, string>,
): void {
  const hangUp = () => incoming.socket.destroy()
  if (fault?.kind === 'answer') {
    incoming.resume().on('end', () => {
      const body = `<?xml version="1.0"?><Error><Code>${fault.code}</Code><Message>injected</Message></Error>`
      outgoing.writeHead(fault.status, { 'content-type': 'application/xml' }).end(method === 'HEAD' ? undefined : body)
    })
    return
  }
  const { expect: _, ...kept } = headers
  if (fault?.kind === 'without headers') for (const name of fault.names) delete kept[name]
  const forwarded = request(`${upstream}${url}`, { method, headers: kept, agent: false })
  forwarded.on('error', hangUp)
  incoming.on('error', () => forwarded.destroy())

  let sent = 0
  incoming.on('data', (part: Buffer) => {
    if (fault?.kind !== 'cut upload') return void forwarded.write(part)
    forwarded.write(part.subarray(0, Math.max(0, fault.afterBytes - sent)))
    sent += part.length
    if (sent < fault.afterBytes) return
    forwarded.destroy()
    hangUp()
  })
  incoming.on('end', () => forwarded.end())

  forwarded.on('response', (answer) => {
    if (fault?.kind === 'lose answer') return void answer.resume().on('end', hangUp)
    if (fault?.kind === 'replace answer') {
      answer.resume()
      outgoing.writeHead(200, { 'content-type': 'application/xml' }).end(fault.body)
      return
    }
    outgoing.writeHead(answer.statusCode!, answer.headers)
    let received = 0
    const texts: string[] = []
    answer.on('data', (part: Buffer) => {
      if (fault?.kind === 'flip a bit' && received === 0) part[0]! ^= 1
      if (method === 'GET' && received < 1_000_000) texts.push(part.toString('latin1'))
      if (fault?.kind !== 'cut download') return void outgoing.write(part)
      const rest = fault.afterBytes - received
      received += part.length
      outgoing.write(part.subarray(0, Math.max(0, rest)), () => {
        if (received >= fault.afterBytes) hangUp()
      })
    })
    answer.on('end', () => {
      answers.set(url, texts.join(''))
      outgoing.end()
    })
    answer.on('error', hangUp)
  })
}
