// The HTTP server of the exporter. It answers from memory and never waits for Kafka.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { isIP } from 'node:net'
import type { Logger } from '@selfmonitor/cluster'
import { guard, isLoopback, negotiate } from '@selfmonitor/http'
import { metricsContentTypes, type TextFormat } from '@selfmonitor/http/metrics'
import type { Reading, Snapshot } from '../snapshot/types.ts'
import type { Pages } from './pages.ts'

export interface Listen {
  /** Default 127.0.0.1. */
  readonly host?: string
  /** 0 takes a free one. */
  readonly port: number
  /** Names that the server answers to besides its own; see `hostPolicy` of @selfmonitor/http. */
  readonly allowedHosts?: readonly string[]
  /** Allows an address that other machines can reach. The exporter has no login. */
  readonly insecure?: boolean
}

export class ExporterError extends Error {
  override readonly name = 'ExporterError'
  readonly code: string

  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

export interface MetricsServer {
  readonly url: string
  close(): Promise<void>
}

/** What the server shows. */
export interface Shown {
  readonly pages: Pages
  /** null before the first collection has ended. */
  snapshot(): Snapshot | null
  /** Metrics of the brokers themselves, where they are in this process. */
  readonly brokerMetrics?: (() => string) | undefined
  readonly logger: Logger
}

/**
 * @throws ExporterError LISTEN_INSECURE for an address that others can reach, without `insecure`; PORT_TAKEN
 * @throws HostPatternError
 */
export async function startMetricsServer(listen: Listen, shown: Shown): Promise<MetricsServer> {
  const { host = '127.0.0.1', port, allowedHosts, insecure = false } = listen
  if (!isLoopback(host) && !insecure) {
    throw new ExporterError(
      'LISTEN_INSECURE',
      `${host} can be reached from other machines, and the exporter has no login: listen on 127.0.0.1, or set insecure (--insecure).`,
    )
  }
  const { serverFactory } = guard({
    ...{ listensOn: host, allowedHosts, bodyLimitBytes: 0 },
    allowedHostsSetting: "the exporter's option allowedHosts (--allow-host)",
  })
  const server = serverFactory((request, response) => void answer(request, response, shown))
  await listening(server, host, port)
  const { address, port: found } = server.address() as AddressInfo
  return {
    url: `http://${isIP(address) === 6 ? `[${address}]` : address}:${found}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function listening(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) =>
      reject(
        error.code === 'EADDRINUSE'
          ? new ExporterError(
              'PORT_TAKEN',
              `Port ${port} on ${host} is taken by another process: name another (--listen).`,
            )
          : error,
      ),
    )
    server.listen(port, host, resolve)
  })
}

const types = {
  'text/plain': 'prometheus',
  'application/openmetrics-text': 'openmetrics',
} as const satisfies Record<string, TextFormat>

const routes: Readonly<
  Record<string, (request: IncomingMessage, response: ServerResponse, shown: Shown) => Promise<void> | void>
> = {
  '/metrics': sendMetrics,
  '/metrics/broker': (_, response, { brokerMetrics }) =>
    brokerMetrics === undefined
      ? sendText(
          response,
          404,
          "The brokers are not in this process: Apache Kafka's metrics come from its JMX agent.\n",
        )
      : sendText(response, 200, brokerMetrics(), metricsContentTypes.prometheus),
  // The process works, whatever Kafka does: to restart it would not help.
  '/-/healthy': (_, response) => sendText(response, 200, 'Healthy.\n'),
  '/-/ready': (_, response, { snapshot }) =>
    snapshot() === null
      ? sendText(response, 503, 'The first collection has not ended yet.\n')
      : sendText(response, 200, 'Ready.\n'),
  '/': (_, response, { snapshot }) => sendHtml(response, overview(snapshot())),
}

async function answer(request: IncomingMessage, response: ServerResponse, shown: Shown): Promise<void> {
  const path = (request.url ?? '/').split('?', 1)[0]!
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined
  if (route === undefined)
    return sendText(response, 404, 'There is /metrics, /metrics/broker, /-/healthy, /-/ready and /.\n')
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD')
    return sendText(response, 405, 'Only GET and HEAD.\n')
  }
  try {
    await route(request, response, shown)
  } catch (error) {
    shown.logger.error({ err: error, path }, 'A page could not be made')
    if (!response.headersSent)
      sendText(response, 500, 'The page could not be made; the log of the exporter says why.\n')
    else response.destroy()
  }
}

async function sendMetrics(request: IncomingMessage, response: ServerResponse, { pages }: Shown): Promise<void> {
  const format =
    types[negotiate(request.headers.accept, ['text/plain', 'application/openmetrics-text']) ?? 'text/plain']
  const isCompressed = acceptsGzip(request.headers['accept-encoding'])
  const page = pages.page(format, isCompressed)
  if (page === null) return sendText(response, 503, 'The first collection has not ended yet.\n')
  const { parts, sizeBytes } = await page
  response.writeHead(200, {
    'content-type': metricsContentTypes[format],
    'content-length': sizeBytes,
    vary: 'accept, accept-encoding',
    ...(isCompressed ? { 'content-encoding': 'gzip' } : {}),
  })
  if (request.method !== 'HEAD') {
    // All parts in one write; `end` lets them go.
    response.cork()
    for (const part of parts) response.write(part)
  }
  response.end()
}

function acceptsGzip(header: string | string[] | undefined): boolean {
  return String(header ?? '')
    .split(',')
    .map((part) => part.trim().toLowerCase())
    .some((part) => /^(gzip|\*)(;|$)/.test(part) && !/;\s*q=0(\.0*)?$/.test(part))
}

function sendText(
  response: ServerResponse,
  status: number,
  text: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, { 'content-type': contentType, 'content-length': Buffer.byteLength(text) })
  response.end(text)
}

function sendHtml(response: ServerResponse, text: string): void {
  response.writeHead(200, {
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'",
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

/** A plain page: what is collected, how old it is, and what is wrong. */
function overview(snapshot: Snapshot | null): string {
  const title = 'SelfMonitor exporter'
  const rows = snapshot === null ? [] : Object.entries(snapshot).flatMap(([part, reading]) => partRow(part, reading))
  const cluster = snapshot === null ? 'The first collection has not ended yet.' : `Cluster ${snapshot.cluster}`
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title}</title>
<style>body{font:16px system-ui;margin:2rem}td,th{text-align:left;padding:.2rem 1rem .2rem 0}</style></head>
<body><h1>${title}</h1><p>${html(cluster)}</p><p><a href="/metrics">/metrics</a></p>
<table><tr><th>Part</th><th>Read at</th><th>Took</th><th>Problem of the last attempt</th></tr>${rows.join('')}</table></body></html>\n`
}

function partRow(part: string, value: unknown): string[] {
  if (value === null || typeof value !== 'object' || !('state' in value)) return []
  const reading = value as Reading<unknown>
  const { problem } = reading
  const { atMs, tookMs } = reading.state === 'read' ? reading : {}
  const at = atMs === undefined ? 'never' : new Date(atMs).toISOString()
  const took = tookMs === undefined ? '' : `${Math.round(tookMs)} ms`
  const said = problem === null ? '' : `${problem.code}: ${problem.message}`
  return [`<tr>${[part, at, took, said].map((cell) => `<td>${html(cell)}</td>`).join('')}</tr>`]
}

const entities: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function html(text: string): string {
  return text.replaceAll(/[&<>"']/g, (found) => entities[found]!)
}
