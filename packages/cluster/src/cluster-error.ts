// The one error of this package: a stable code, the resource, and a hint. It has no imports, so that code that only catches it loads
// no Kafka client.

/** How a caller should treat the error. The command line exits with 4 for the first two. */
export type ClusterErrorReason = 'cannot-connect' | 'not-allowed' | 'timeout' | 'invalid' | 'failed'

export interface ClusterErrorOptions {
  readonly reason?: ClusterErrorReason
  /** `topic user.events`, `group billing`, `broker 127.0.0.1:9092`. */
  readonly resource?: string
  /** What the user can do now. */
  readonly hint?: string
  readonly kafkaError?: { readonly name: string; readonly code: number }
  readonly others?: readonly ClusterError[]
  readonly isUnwritten?: boolean
  readonly cause?: unknown
}

/**
 * An error of an operation on a live cluster.
 *
 * `code` is Kafka's own error name (`TOPIC_ALREADY_EXISTS`) where a broker refused, else one of `CANNOT_CONNECT`,
 * `CONNECTION_CLOSED`, `TLS_FAILED`, `AUTHENTICATION_FAILED`, `UNSUPPORTED_SASL_MECHANISM`, `TIMEOUT`, `OUTCOME_UNKNOWN`,
 * `UNSUPPORTED_API`, `INVALID_ARGUMENT`, `INVALID_CLIENT_PROPERTIES`, `CLOSED`.
 */
export class ClusterError extends Error {
  override readonly name = 'ClusterError'
  readonly code: string
  readonly reason: ClusterErrorReason
  readonly resource: string | null
  readonly hint: string | null
  /** Kafka's name and number, when a broker said it. */
  readonly kafkaError: { readonly name: string; readonly code: number } | null
  /** Other errors of the same request, each about another resource. Resources that no error names were changed. */
  readonly others: readonly ClusterError[]
  /** Of a batch that was to be appended: it certainly is not in the log, because no sending of it is without an answer. */
  readonly isUnwritten: boolean

  constructor(code: string, message: string, options: ClusterErrorOptions = {}) {
    super(message, options.cause === undefined ? {} : { cause: options.cause })
    this.code = code
    this.reason = options.reason ?? 'failed'
    this.resource = options.resource ?? null
    this.hint = options.hint ?? null
    this.kafkaError = options.kafkaError ?? null
    this.others = options.others ?? []
    this.isUnwritten = options.isUnwritten ?? false
  }
}
