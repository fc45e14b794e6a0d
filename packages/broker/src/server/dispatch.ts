// From a request frame to a response frame: header, version, decoding, faults, handler, errors, encoding. No sockets.
import {
  type Api,
  type ApiName,
  decodeRequest,
  encodeResponse,
  errorCodes,
  frameResponse,
  parseRequestHeader,
  type RequestOf,
} from '@selfmonitor/protocol'
import type { BrokerContext } from '../broker-context.ts'
import type { BufferPool } from '../buffer-pool.ts'
import { toKafkaError } from '../errors.ts'
import { countErrors, type RequestCounters } from '../metrics/index.ts'
import {
  CloseConnection,
  type Connection,
  EncodedResponse,
  type Handler,
  type RequestContext,
} from '../request/handler.ts'
import { type HandlerTable, supportedVersions } from '../request/handler-table.ts'
import type { Clock, FaultRule } from '../types.ts'
import { type AnsweredError, errorResponse } from './error-response.ts'
import type { Faults } from './faults.ts'
import type { RequestLog } from './request-log.ts'

/** The context that the requests of one connection share. */
export interface Peer {
  readonly brokerId: number
  readonly clientHost: string
  readonly connection: Connection
  readonly signal: AbortSignal
}

/** A request whose API is known; `run` handles it. */
export interface PreparedRequest {
  /** May run beside an earlier request of the same connection that is pipelined too. */
  readonly pipelined: boolean
  /** The response's buffers, or null for no answer. Rejects only with what must close the connection. */
  run(): Promise<Buffer[] | null>
  /** To be called once the answer is sent, or will never be sent: from then on other requests may use the memory of both. */
  done(): void
}

export interface Dispatcher {
  /**
   * @param buffers where the frame's memory may go back to
   * @throws CloseConnection, ProtocolError: the connection must be closed
   */
  prepare(frame: Buffer, peer: Peer, buffers?: BufferPool): PreparedRequest
}

export interface DispatcherOptions {
  readonly broker: BrokerContext
  readonly handlers: HandlerTable
  readonly faults: Faults
  readonly requests: RequestLog
}

/** A request on its way through its handler. */
interface Call {
  readonly api: Api<ApiName>
  readonly handle: Handler<unknown, unknown>
  readonly context: RequestContext
  readonly counters: RequestCounters
}

export function makeDispatcher(options: DispatcherOptions): Dispatcher {
  return { prepare: (frame, peer, buffers) => prepareRequest(options, frame, peer, buffers) }
}

function prepareRequest(
  options: DispatcherOptions,
  frame: Buffer,
  peer: Peer,
  buffers: BufferPool | undefined,
): PreparedRequest {
  const { broker, handlers, requests } = options
  const head = parseRequestHeader(frame)
  const { apiKey, apiVersion, correlationId, clientId, api } = head
  const row = api && handlers[api.name]
  if (!api || !row) {
    throw new CloseConnection(`API key ${apiKey} (version ${apiVersion}) is not supported by this broker`)
  }
  const { brokerId } = peer
  requests.add({ timestampMs: broker.clock.now(), api: api.name, apiVersion, clientId, correlationId, brokerId })
  const versions = supportedVersions(api, row)
  if (apiVersion < versions.min || apiVersion > versions.max) {
    // KIP-511: a client may send a version that this broker does not know, and gets an answer in version 0, which every client can read.
    if (api.name === 'ApiVersions') return unsupportedApiVersions(api, versions, correlationId)
    throw new CloseConnection(
      `${api.name} version ${apiVersion} is not supported, only ${versions.min} to ${versions.max}`,
    )
  }

  const counters = broker.counters.request(api.name)
  counters.byVersion[apiVersion]!++
  const arrivedMs = performance.now()
  /** Whether it was started, and its time is not recorded yet. */
  let started = false
  const releases: (() => void)[] = []
  if (row.keepsNothing === true) releases.push(() => buffers?.giveBack(frame))
  const context: RequestContext = {
    broker,
    brokerId,
    apiKey,
    apiVersion,
    correlationId,
    clientId,
    clientHost: peer.clientHost,
    principal: 'User:ANONYMOUS',
    connection: peer.connection,
    signal: peer.signal,
    afterAnswer: (release) => void releases.push(release),
  }
  const call: Call = { api, handle: row.handle as Handler<unknown, unknown>, context, counters }
  return {
    pipelined: row.pipelined === true,
    run() {
      started = true
      const nowMs = performance.now()
      counters.queue.record(nowMs - arrivedMs, nowMs)
      return runRequest(options, call, frame, head.bodyOffset)
    },
    done() {
      if (started) {
        const nowMs = performance.now()
        counters.total.record(nowMs - arrivedMs, nowMs)
        started = false
      }
      // Each is called once: memory that was given back may already be used by another request.
      for (const release of releases.splice(0)) release()
    },
  }
}

/** UNSUPPORTED_VERSION in the version 0 format of ApiVersions, with the versions of ApiVersions alone (KIP-511). */
function unsupportedApiVersions(
  api: Api<ApiName>,
  { min, max }: { readonly min: number; readonly max: number },
  correlationId: number,
): PreparedRequest {
  const body = {
    errorCode: errorCodes.UNSUPPORTED_VERSION,
    apiKeys: [{ apiKey: api.key, minVersion: min, maxVersion: max }],
  }
  const run = async () => encodeResponse('ApiVersions', 0, correlationId, body)
  return { pipelined: false, run, done() {} }
}

async function runRequest(
  { broker, faults }: DispatcherOptions,
  call: Call,
  frame: Buffer,
  bodyOffset: number,
): Promise<Buffer[] | null> {
  const { api, handle, context, counters } = call
  const { apiVersion, correlationId } = context
  const request = decodeRequest(api.name, apiVersion, frame, bodyOffset)
  const action = faults.actionFor({ api: api.name, request }, (id) => broker.metadata.topicById(id)?.name)
  if (action !== undefined) {
    const error = await applyFault(action, context.signal, broker.clock)
    if (error === 'dropped') return null
    if (error !== undefined) return encodeError(call, request, error)
  }
  try {
    const response = await handle(request, context)
    if (response instanceof EncodedResponse) return frameResponse(api.name, apiVersion, correlationId, response.body)
    if (response === null) return null
    countErrors(counters, api.name, response as object)
    return encodeResponse(api.name, apiVersion, correlationId, response as object)
  } catch (error) {
    if (error instanceof CloseConnection) throw error
    const known = toKafkaError(error)
    const about = { api: api.name, apiVersion, clientId: context.clientId, connection: context.connection.id, error }
    if (known.name === 'UNKNOWN_SERVER_ERROR') broker.logger.error(about, 'a request failed unexpectedly')
    else broker.logger.debug(about, 'a request failed')
    return encodeError(call, request, known)
  }
}

/** @throws CloseConnection when the API's response has no field for an error */
function encodeError({ api, context, counters }: Call, request: RequestOf<ApiName>, error: AnsweredError): Buffer[] {
  const { apiVersion, correlationId } = context
  const body = errorResponse(api.name, apiVersion, request, error)
  if (body !== undefined) {
    countErrors(counters, api.name, body)
    return encodeResponse(api.name, apiVersion, correlationId, body)
  }
  throw new CloseConnection(`${api.name} v${apiVersion} failed and has no field for an error: ${error.message}`)
}

/**
 * Does what a fault rule asks for.
 * @returns the error to answer, `dropped` for no answer, or undefined to handle the request
 * @throws CloseConnection
 */
async function applyFault(
  action: FaultRule['action'],
  signal: AbortSignal,
  clock: Clock,
): Promise<AnsweredError | 'dropped' | undefined> {
  if ('close' in action) throw new CloseConnection('a fault rule closes it')
  if ('error' in action) {
    return { code: errorCodes[action.error as keyof typeof errorCodes], message: 'a fault rule answers this error' }
  }
  await new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true })
    if ('delayMs' in action) {
      const cancel = clock.setTimer(action.delayMs, resolve)
      signal.addEventListener('abort', cancel, { once: true })
    }
    if (signal.aborted) resolve()
  })
  return 'drop' in action ? 'dropped' : undefined
}
