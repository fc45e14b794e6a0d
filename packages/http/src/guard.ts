// An HTTP server that bounds what one client can take: time, connections, memory. In front of every route it checks who
// calls (admission.ts), and what does not parse gets an answer instead of a closed connection.
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { admissionRefusal } from './admission.ts'
import { type HostPolicy, hostPolicy } from './hosts.ts'
import { logSparingly } from './log-sparingly.ts'
import { type Refusal, refusalText } from './refusal.ts'
import { followTlsFiles, type TlsFiles, tlsContent, tlsOptions } from './tls.ts'

/** The subset of a pino logger that the guard writes to. */
export interface GuardLogger {
  warn(context: object, message: string): void
  info?(context: object, message: string): void
}

export interface GuardOptions {
  /** The name or address that the server will listen on. */
  readonly listensOn: string
  /** Names that the server answers to besides its own, see `hostPolicy`. */
  readonly allowedHosts?: readonly string[]
  /** Where a user sets `allowedHosts`, as error messages tell it: `the option allowedHosts`. */
  readonly allowedHostsSetting: string
  /** Largest body, in bytes. Bodies that are being received take sixteen times as much together. Default 1 MiB. */
  readonly bodyLimitBytes?: number
  /** Until a request's head is there, in milliseconds. Default 10 seconds. */
  readonly headersTimeoutMs?: number
  /** Until a request is there with its body, in milliseconds. Default 30 seconds. */
  readonly requestTimeoutMs?: number
  /** Until a connection on which nothing moves is closed, in milliseconds. Default 2 minutes. */
  readonly idleTimeoutMs?: number
  /** Default 1024; further ones are closed at once. */
  readonly maxConnections?: number
  /** The server's own form of errors. Default: a line of text. */
  readonly render?: (refusal: Refusal) => { readonly type: string; readonly body: string }
  readonly logger?: GuardLogger
  /** Default: plain HTTP. */
  readonly tls?: TlsFiles | undefined
}

/** Options for `Fastify()`; `serverFactory` makes the guarded server for any other handler, too. */
export interface Guard {
  readonly serverFactory: (handler: RequestListener) => Server
  /** The server answers directly. */
  readonly clientErrorHandler: () => void
  readonly bodyLimit: number
}

/** Concurrent bodies of the largest size that fit into the server's memory. */
const concurrentBodies = 16

/** The errors of Node's HTTP parser, and their answers. */
const parserRefusals: Readonly<Record<string, Refusal>> = {
  ERR_HTTP_REQUEST_TIMEOUT: { status: 408, message: 'The request was not complete in time' },
  HPE_HEADER_OVERFLOW: { status: 431, message: 'The headers of the request are too large' },
  HPE_CHUNK_EXTENSIONS_OVERFLOW: { status: 413, message: 'The chunk extensions of the request are too large' },
}
const notHttp: Refusal = { status: 400, message: 'The request is not HTTP/1.1' }

/**
 * @throws {HostPatternError} an entry of `allowedHosts` is not a host name
 * @throws {TlsFilesError} also by `serverFactory`, where a file has changed since
 */
export function guard(options: GuardOptions): Guard {
  const answersTo = hostPolicy(options.listensOn, options.allowedHosts)
  if (options.tls !== undefined) tlsOptions(options.tls)
  return {
    serverFactory: (handler) => guardedServer(handler, options, answersTo),
    clientErrorHandler() {},
    bodyLimit: bodyLimitOf(options),
  }
}

function guardedServer(handler: RequestListener, options: GuardOptions, answersTo: HostPolicy): Server {
  const requestTimeout = options.requestTimeoutMs ?? 30_000
  const limits = {
    requestTimeout,
    // Refused below, with a body.
    requireHostHeader: false,
    headersTimeout: Math.min(options.headersTimeoutMs ?? 10_000, requestTimeout),
    connectionsCheckingInterval: Math.min(1_000, requestTimeout),
    // Longer than the minute that load balancers keep a connection for: they must be the ones who close it.
    keepAliveTimeout: 72_000,
  }
  const { tls } = options
  // Before they are read: a change in between is seen as one.
  const since = tls === undefined ? '' : tlsContent(tls)
  const secured = tls === undefined ? undefined : createTlsServer({ ...limits, ...tlsOptions(tls) })
  const server: Server = secured ?? createServer(limits)
  server.maxConnections = options.maxConnections ?? 1024
  server.setTimeout(options.idleTimeoutMs ?? 120_000)

  const render = options.render ?? refusalText
  const logRefusal = logSparingly(options.logger)
  const warn = ({ status, message }: Refusal, context: object): void =>
    logRefusal(status, { ...context, status }, `refused a request: ${message}`)
  const bodies = bodyBudget(bodyLimitOf(options))
  const underWay = new WeakMap<Duplex, Set<ServerResponse>>()
  const isSecure =
    secured && followTlsFiles(secured, tls!, since, (socket) => underWay.get(socket) ?? [], options.logger)

  function onRequest(request: IncomingMessage, response: ServerResponse): void {
    const responses = underWay.get(request.socket) ?? new Set()
    underWay.set(request.socket, responses.add(response))
    const refusal = headRefusal(request) ?? bodies.reserve(request, response)
    response.once('close', () => responses.delete(response))
    if (!refusal) {
      handler(request, response)
      return
    }
    warn(refusal, { method: request.method, url: request.url, from: request.socket.remoteAddress })
    const { type, body } = render(refusal)
    const length = Buffer.byteLength(body)
    response.writeHead(refusal.status, { 'content-type': type, 'content-length': length, ...refusal.headers }).end(body)
  }

  function headRefusal(request: IncomingMessage): Refusal | undefined {
    const hosts = request.headersDistinct.host?.length ?? 0
    if (hosts > 1 || (hosts === 0 && request.httpVersion !== '1.0')) {
      return { status: 400, message: `The request has ${hosts === 0 ? 'no' : 'more than one'} Host header` }
    }
    const { method = '', url = '', headers } = request
    return admissionRefusal({ method, url, headers }, answersTo, options.allowedHostsSetting)
  }

  /** Answers on a connection whose next bytes cannot be read as a request, and closes it. */
  function refuse(socket: Duplex, refusal: Refusal): void {
    const responses = [...(underWay.get(socket) ?? [])]
    // Another answer is being written: this one cannot be sent.
    if (!socket.writable || responses.some((response) => response.headersSent)) {
      socket.destroy()
      return
    }
    warn(refusal, {})
    const { type, body } = render(refusal)
    const head = [
      `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
      `content-type: ${type}`,
      `content-length: ${Buffer.byteLength(body)}`,
      'connection: close',
    ]
    socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
  }

  return server
    .on('request', onRequest)
    .on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (isSecure?.(socket) === false) {
        logRefusal('tls', { from: (socket as Socket).remoteAddress, error: error.code }, 'a TLS handshake failed')
        socket.destroy()
      } else if (error.code === 'ECONNRESET') socket.destroy()
      else refuse(socket, parserRefusals[error.code ?? ''] ?? notHttp)
    })
    .on('connect', (_request, socket) => {
      refuse(socket, { status: 405, message: 'This server is not a proxy' })
    })
    .on('drop', () => {
      warn({ status: 503, message: `All ${server.maxConnections} connections are taken` }, {})
    })
}

function bodyLimitOf(options: GuardOptions): number {
  return options.bodyLimitBytes ?? 1024 * 1024
}

/** Bounds the memory for bodies: each counts with its declared length, one of unknown length with the largest. */
function bodyBudget(limitBytes: number) {
  let freeBytes = concurrentBodies * limitBytes
  return {
    reserve(request: IncomingMessage, response: ServerResponse): Refusal | undefined {
      const { 'transfer-encoding': chunked, 'content-length': declared = '0' } = request.headers
      const bytes = chunked === undefined ? Number(declared) : limitBytes
      if (bytes > limitBytes) {
        const message = `The body is larger than ${limitBytes} bytes`
        return { status: 413, message, headers: { connection: 'close' } }
      }
      if (bytes > freeBytes) {
        const message = 'The server is receiving as many bodies as it has memory for; try again'
        return { status: 503, message, headers: { 'retry-after': '1' } }
      }
      freeBytes -= bytes
      response.once('close', () => {
        freeBytes += bytes
      })
      return undefined
    },
  }
}
