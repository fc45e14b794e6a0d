// The handler of one API: a function from a decoded request to its response. The server reads frames, decodes the request, calls
// the handler of `api/handlers.ts`, and writes what it returns.
import type { ApiName, RequestOf, ResponseInput } from '@selfmonitor/protocol'
import type { BrokerContext } from '../broker-context.ts'

/** The context of a request, for its handler. */
export interface RequestContext {
  readonly broker: BrokerContext
  /** Node id of the presented broker whose port the request came in on; a handler answers as that broker. */
  readonly brokerId: number
  readonly apiKey: number
  readonly apiVersion: number
  readonly correlationId: number
  readonly clientId: string | null
  /** Address of the client as Kafka prints it in group descriptions: `/127.0.0.1`. */
  readonly clientHost: string
  /** The client's principal: `User:ANONYMOUS` until authentication exists. */
  readonly principal: string
  /** The same object for all requests of a connection: a key for state that ends with the connection. */
  readonly connection: Connection
  /** Fires when the connection closes (also when the broker stops): a long poll ends then. */
  readonly signal: AbortSignal
  /** Calls `release` once the system has taken the answer's bytes, or there will be no answer: for the buffers that it is made of. */
  afterAnswer(release: () => void): void
}

/** State that lasts as long as one client connection. */
export interface Connection {
  /** Kafka's form, `127.0.0.1:9092-127.0.0.1:51234-0-7`. */
  readonly id: string
  /** From the client's ApiVersions request ≥ 3 (KIP-511); empty before. */
  clientSoftwareName: string
  clientSoftwareVersion: string
}

/**
 * Answers one request.
 *
 * A handler returns the response (or an `EncodedResponse`), or a promise of it, or `null` for "no answer" (Produce with acks=0). It throws
 * `CloseConnection` where Kafka would close the connection. Anything else that it throws is logged and answered with
 * UNKNOWN_SERVER_ERROR in the shape of that API's response; a `KafkaError` (any error whose `code` is the name of a Kafka error) is answered with its
 * own code in that shape.
 *
 * Requests of one connection are handled one after the other, as Kafka does: the next one starts when this one's answer
 * has been handed over. A row in `api/handlers.ts` may have `pipelined: true` (Produce): then the next request starts as
 * soon as the handler has returned its promise, so everything whose order matters must happen before its first `await`.
 */
export type Handler<Request, Response> = (
  request: Request,
  context: RequestContext,
) => Response | EncodedResponse | null | Promise<Response | EncodedResponse | null>

/** The handler of one API by Kafka's name: `ApiHandler<'Fetch'>`. */
export type ApiHandler<N extends ApiName> = Handler<RequestOf<N>, ResponseInput<N>>

/** An answer whose body is already encoded, because many clients get it: see `encodeResponseBody`. Its buffers must not change. */
export class EncodedResponse {
  readonly body: readonly Buffer[]
  constructor(body: readonly Buffer[]) {
    this.body = body
  }
}

/** Thrown by a handler to end the connection without an answer; `reason` is logged. */
export class CloseConnection extends Error {
  readonly code = 'CLOSE_CONNECTION'
  constructor(reason: string) {
    super(reason)
    this.name = 'CloseConnection'
  }
}
