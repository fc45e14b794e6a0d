// Waiting that can be cut short.

/** Resolves after a time, or at once when the signal is aborted.  */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const finish = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', finish)
      resolve()
    }
    const timer = setTimeout(finish, ms)
    signal.addEventListener('abort', finish)
  })
}

/** The wait before attempt n of anything that failed: 50 ms doubling to 1 s. */
export function backoffMs(failures: number): number {
  return Math.min(1000, 50 * 2 ** Math.min(Math.max(0, failures - 1), 6))
}
