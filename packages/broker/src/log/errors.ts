// The error that partition logs throw: a Kafka error by name, with what happened and where.

/** Kafka's names of the errors that a log can answer with. */
export type LogErrorName =
  | 'CORRUPT_MESSAGE'
  | 'INVALID_PRODUCER_EPOCH'
  | 'INVALID_RECORD'
  | 'INVALID_TIMESTAMP'
  | 'INVALID_TXN_STATE'
  | 'KAFKA_STORAGE_ERROR'
  | 'MESSAGE_TOO_LARGE'
  | 'NOT_LEADER_OR_FOLLOWER'
  | 'OFFSET_OUT_OF_RANGE'
  | 'OUT_OF_ORDER_SEQUENCE_NUMBER'
  | 'RECORD_LIST_TOO_LARGE'
  | 'UNSUPPORTED_COMPRESSION_TYPE'
  | 'UNSUPPORTED_FOR_MESSAGE_FORMAT'

/** A record because of which its whole batch failed (KIP-467). */
export interface RecordProblem {
  /** Position of the record in its batch, from 0. */
  readonly batchIndex: number
  readonly message: string
}

export class LogError extends Error {
  override readonly name = 'LogError'
  /** Stable code: the Kafka error's name. */
  readonly code: LogErrorName
  readonly recordErrors: readonly RecordProblem[]

  constructor(
    code: LogErrorName,
    message: string,
    options: { readonly cause?: unknown; readonly recordErrors?: readonly RecordProblem[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.recordErrors = options.recordErrors ?? []
  }
}
