// How long to wait before an event is tried again.

export interface RetryPolicy {
  /** Tries in all, the first included. */
  readonly attempts: number
  readonly initialDelayMs: number
  readonly maxDelayMs: number
  readonly factor: number
  readonly jitter: boolean
}

/**
 * Exponential backoff; with jitter a random time between half of it and all of it ("equal jitter"), so that events that
 * failed together are not retried together.
 * @param attempt the attempt that failed, from 1
 * @param random from 0 to 1
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, random: number): number {
  const delay = Math.min(policy.maxDelayMs, policy.initialDelayMs * policy.factor ** (attempt - 1))
  return Math.round(policy.jitter ? delay / 2 + (delay / 2) * random : delay)
}
