// The one error that reading and writing the Kafka protocol may raise: what is wrong, and in which field.

/** The kind of error, stable across releases. */
export type ProtocolErrorCode =
  /** The bytes end before the value does, or a length says more than what remains. */
  | 'TRUNCATED'
  /** A value that the format does not allow: a negative length, an overlong varint, a null where none may be. */
  | 'MALFORMED'
  /** Bytes remain after the message. */
  | 'TRAILING_BYTES'
  /** The API key is not one that this package declares. */
  | 'UNKNOWN_API'
  /** The message has no such version. */
  | 'UNSUPPORTED_VERSION'
  /** Writing: a value does not fit its type, or the version cannot carry it. */
  | 'INVALID_VALUE'
  /** A checksum does not match the bytes. */
  | 'CORRUPT'
  /** Compressed data, or its codec, is not valid. */
  | 'BAD_COMPRESSION'
  /** Decompressed data would be larger than the caller allows. */
  | 'TOO_LARGE'
  /** Record data in a format (magic) that is no longer accepted. */
  | 'UNSUPPORTED_RECORD_FORMAT'

/** Raised for any bytes that are not valid Kafka protocol, and for any value that cannot be written as such. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError'
  readonly code: ProtocolErrorCode
  /** The problem, without the place. */
  readonly reason: string
  /** The field, from the message's name down: `FetchRequest v12: topics[3].partitions[0].fetchOffset`. */
  path: string

  constructor(code: ProtocolErrorCode, reason: string, path = '') {
    super(path === '' ? reason : `${path}: ${reason}`)
    this.code = code
    this.reason = reason
    this.path = path
  }
}

/** Puts a field's name in front of a ProtocolError's path on its way up; leaves every other error as it is. */
export function within(error: unknown, segment: string): unknown {
  if (!(error instanceof ProtocolError)) return error
  const glue = error.path === '' || error.path.startsWith('[') ? '' : segment.endsWith(':') ? ' ' : '.'
  error.path = segment + glue + error.path
  error.message = `${error.path}${error.path.endsWith(':') ? '' : ':'} ${error.reason}`
  return error
}

const bufferErrors: ReadonlySet<unknown> = new Set(['ERR_OUT_OF_RANGE', 'ERR_INVALID_ARG_TYPE'])

/** Turns what Node's Buffer raises for a number that does not fit into a ProtocolError; for the writing side only. */
export function asInvalidValue(error: unknown): unknown {
  const isBufferError = error instanceof Error && 'code' in error && bufferErrors.has(error.code)
  return isBufferError ? new ProtocolError('INVALID_VALUE', error.message) : error
}
