// Runs in the node's network namespace: does the TCP and HTTP probes that kubelet does from the node.
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'

export interface ProbeRequest {
  readonly id: number
  readonly host: string
  readonly port: number
  readonly timeoutMs: number
  /** Absent for a TCP probe. */
  readonly http?: { readonly scheme: 'HTTP' | 'HTTPS'; readonly path: string; readonly headers: Record<string, string> }
}

export interface ProbeAnswer {
  readonly id: number
  readonly ok: boolean
  readonly detail: string
}

process.on('disconnect', () => process.exit(0))
process.on('message', async (message) => {
  const probe = message as ProbeRequest
  const result = await (probe.http ? http(probe) : tcp(probe))
  process.send!({ id: probe.id, ...result } satisfies ProbeAnswer)
})
process.send!('ready')

function tcp({ host, port, timeoutMs }: ProbeRequest): Promise<{ ok: boolean; detail: string }> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs })
    const end = (ok: boolean, detail: string) => {
      socket.destroy()
      resolve({ ok, detail })
    }
    socket.once('connect', () => end(true, 'connected'))
    socket.once('timeout', () => end(false, `no connection within ${timeoutMs} ms`))
    socket.once('error', (error) => end(false, error.message))
  })
}

/** Like kubelet: any status from 200 to 399 is a success, and the certificate is not verified. */
function http({ host, port, timeoutMs, http }: ProbeRequest): Promise<{ ok: boolean; detail: string }> {
  const { scheme, path, headers } = http!
  return new Promise((resolve) => {
    const send = scheme === 'HTTPS' ? httpsRequest : httpRequest
    const request = send({ host, port, path, headers, timeout: timeoutMs, rejectUnauthorized: false }, (response) => {
      response.resume()
      const status = response.statusCode ?? 0
      resolve({ ok: status >= 200 && status < 400, detail: `status ${status}` })
    })
    request.once('timeout', () => request.destroy(new Error(`no answer within ${timeoutMs} ms`)))
    request.once('error', (error) => resolve({ ok: false, detail: error.message }))
    request.end()
  })
}
