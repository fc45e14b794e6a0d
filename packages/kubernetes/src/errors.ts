// The one error of this package: a stable code, what it is about, and what to do next.

/** How a caller should treat the error. */
export type KubernetesErrorReason = 'cannot-connect' | 'not-allowed' | 'timeout' | 'conflict' | 'invalid' | 'failed'

export interface KubernetesErrorOptions {
  readonly reason?: KubernetesErrorReason
  /** What the user can do now. */
  readonly hint?: string
  /** Where several mistakes were found at once: each of them. */
  readonly problems?: readonly string[]
  readonly cause?: unknown
}

/**
 * An error of a request to the API server, or of an object that was read from it.
 *
 * `code` is one of `NOT_IN_CLUSTER`, `API_UNREACHABLE`, `UNAUTHORIZED`, `FORBIDDEN`, `CONFLICT`, `API_ERROR`, `SPEC_INVALID`,
 * `SECRET_INVALID`, `IDENTITY_INVALID`, `NOT_FOUND`, `WAIT_TIMEOUT`, `FACT_INVALID`, `STORE_INVALID`, `NOT_CONVERGED`.
 */
export class KubernetesError extends Error {
  override readonly name = 'KubernetesError'
  readonly code: string
  readonly reason: KubernetesErrorReason
  readonly hint: string | undefined
  readonly problems: readonly string[] | undefined

  constructor(code: string, message: string, options: KubernetesErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.reason = options.reason ?? 'failed'
    this.hint = options.hint
    this.problems = options.problems
  }
}
