// Errors of getting and starting Apache Kafka, each with its remedy.

export type ApacheErrorCode =
  | 'JAVA_MISSING'
  | 'MAVEN_MISSING'
  | 'DOWNLOAD_FAILED'
  | 'FORMAT_FAILED'
  | 'START_FAILED'
  | 'ALREADY_RUNNING'
  | 'UNKNOWN_TOOL'
  | 'INTERRUPTED'

/** @throws ApacheError INTERRUPTED once the signal has fired. */
export function unlessInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new ApacheError('INTERRUPTED', 'The start was interrupted', 'Start it again')
}

/** Thrown by everything in this package. `message` says what happened, `remedy` what to do next. */
export class ApacheError extends Error {
  override readonly name = 'ApacheError'
  readonly code: ApacheErrorCode
  readonly remedy: string

  constructor(code: ApacheErrorCode, message: string, remedy: string) {
    super(`${message}. ${remedy}`)
    this.code = code
    this.remedy = remedy
  }
}
