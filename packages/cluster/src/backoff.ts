// How long to wait before something that failed is tried again: the one rule, and a wait that can be cut short.

export interface Backoff {
  /** Wait before the second attempt, in milliseconds. Default 50. */
  readonly firstMs?: number
  /** Longest wait, in milliseconds. Default 1000. */
  readonly maxMs?: number
}

/**
 * The wait after the nth failure in a row: 50 ms doubling to 1 s, as `retry.backoff.ms` and `retry.backoff.max.ms` of Kafka's
 * clients (KIP-580), without their jitter.
 * @param failures how many there were, from 1
 */
export function backoffMs(failures: number, { firstMs = 50, maxMs = 1000 }: Backoff = {}): number {
  return Math.min(maxMs, firstMs * 2 ** Math.min(Math.max(0, failures - 1), 30))
}

/** Resolves after a time in milliseconds, or at once when the signal is aborted. */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) {
      resolve()
      return
    }
    const finish = (): void => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    signal?.addEventListener('abort', finish)
  })
}
