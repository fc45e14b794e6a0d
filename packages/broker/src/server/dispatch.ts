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
import { CloseConnection, type Connection, EncodedResponse, type Handler, type RequestContext } from '../api/handler.ts'
import { type ApiTable, supportedVersions } from '../api/table.ts'
import type { BufferPool } from '../buffer-pool.ts'
import { toKafkaError } from '../errors.ts'
import type { BrokerState } from '../state.ts'
import type { FaultRule } from '../types.ts'
import { type ErrorToSay, errorResponse } from './error-response.ts'
import type { Faults } from './faults.ts'
import type { RequestLog } from './request-log.ts'

/** What the requests of one connection have in common. */
export interface Peer {
  readonly brokerId: number
  readonly clientHost: string
  readonly connection: Connection
  readonly signal: AbortSignal
}

/** A request that was understood as far as its API; `run` handles it. */
export interface Prepared {
  /** May run beside an earlier request of the same connection that is pipelined too. */
  readonly pipelined: boolean
  /** The response's buffers, or null for no answer. Rejects only with what must close the connection. */
  run(): Promise<Buffer[] | null>
  /** To be called once the answer is sent, or will never be: from then on the frame and the answer are memory to be used again. */
  done(): void
}

export interface Dispatcher {
  /**
   * @param buffers where the frame's memory may go back to
   * @throws CloseConnection, ProtocolError: the connection must be closed
   */
  prepare(frame: Buffer, peer: Peer, buffers?: BufferPool): Prepared
}

export interface DispatcherOptions {
  readonly state: BrokerState
  readonly apis: ApiTable
  readonly faults: Faults
  readonly requests: RequestLog
}

export function makeDispatcher({ state, apis, faults, requests }: DispatcherOptions): Dispatcher {
  const topicName = (id: string) => state.metadata.topicById(id)?.name

  function prepare(frame: Buffer, peer: Peer, buffers?: BufferPool): Prepared {
    const head = parseRequestHeader(frame)
    const { apiKey, apiVersion, correlationId, clientId, api } = head
    const row = api && apis[api.name]
    if (!api || !row)
      throw new CloseConnection(`API key ${apiKey} (version ${apiVersion}) is not one that this broker has`)
    requests.add({
      timestampMs: state.clock.now(),
      api: api.name,
      apiVersion,
      clientId,
      correlationId,
      brokerId: peer.brokerId,
    })

    const versions = supportedVersions(api, row)
    if (apiVersion < versions.min || apiVersion > versions.max) {
      // KIP-511: the one request that every client may send in a version of its own gets an answer that all can read.
      if (api.name === 'ApiVersions') {
        const body = {
          errorCode: errorCodes.UNSUPPORTED_VERSION,
          apiKeys: [{ apiKey: api.key, minVersion: versions.min, maxVersion: versions.max }],
        }
        const run = async () => encodeResponse('ApiVersions', 0, correlationId, body)
        return { pipelined: false, run, done() {} }
      }
      throw new CloseConnection(
        `${api.name} version ${apiVersion} is not supported, only ${versions.min} to ${versions.max}`,
      )
    }

    const releases: (() => void)[] = []
    if (row.keepsNothing === true) releases.push(() => buffers?.giveBack(frame))
    const context: RequestContext = {
      broker: state,
      brokerId: peer.brokerId,
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
    const handle = row.handle as Handler<unknown, unknown>
    return {
      pipelined: row.pipelined === true,
      run: () => run(api, handle, frame, head.bodyOffset, context),
      done() {
        // Each once: memory that is given back may be somebody else's a moment later.
        for (const release of releases.splice(0)) release()
      },
    }
  }

  async function run(
    api: Api<ApiName>,
    handle: Handler<unknown, unknown>,
    frame: Buffer,
    bodyOffset: number,
    context: RequestContext,
  ): Promise<Buffer[] | null> {
    const { apiVersion, correlationId } = context
    const request = decodeRequest(api.name, apiVersion, frame, bodyOffset)
    const action = faults.strike({ api: api.name, request }, topicName)
    if (action !== undefined) {
      const error = await suffer(action, context)
      if (error === 'dropped') return null
      if (error !== undefined) {
        return refuse(api, request, context, error)
      }
    }
    try {
      const response = await handle(request, context)
      if (response instanceof EncodedResponse) return frameResponse(api.name, apiVersion, correlationId, response.body)
      return response === null ? null : encodeResponse(api.name, apiVersion, correlationId, response as object)
    } catch (error) {
      if (error instanceof CloseConnection) throw error
      const known = toKafkaError(error)
      const about = { api: api.name, apiVersion, clientId: context.clientId, connection: context.connection.id, error }
      if (known.name === 'UNKNOWN_SERVER_ERROR') state.logger.error(about, 'a request failed unexpectedly')
      else state.logger.debug(about, 'a request was refused')
      return refuse(api, request, context, known)
    }
  }

  function refuse(
    api: Api<ApiName>,
    request: RequestOf<ApiName>,
    { apiVersion, correlationId }: RequestContext,
    error: ErrorToSay,
  ): Buffer[] {
    const body = errorResponse(api.name, apiVersion, request, error)
    if (body !== undefined) return encodeResponse(api.name, apiVersion, correlationId, body)
    throw new CloseConnection(`${api.name} v${apiVersion} failed and has no place to say so: ${error.message}`)
  }

  /** Does what a fault says; returns the error to answer, `dropped`, or undefined to go on. */
  async function suffer(
    action: FaultRule['action'],
    { signal }: RequestContext,
  ): Promise<{ code: number; message: string } | 'dropped' | undefined> {
    if ('close' in action) throw new CloseConnection('a fault rule says so')
    if ('error' in action) {
      const code = errorCodes[action.error as keyof typeof errorCodes]
      return { code, message: 'a fault rule says so' }
    }
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
      if ('delayMs' in action) {
        const cancel = state.clock.setTimer(action.delayMs, resolve)
        signal.addEventListener('abort', cancel, { once: true })
      }
      if (signal.aborted) resolve()
    })
    return 'drop' in action ? 'dropped' : undefined
  }

  return { prepare }
}
