// A deadline for an operation with several steps.
import { StoreError } from './errors.ts'

export interface Deadline {
  remainingMs(): number
  /** The promise's outcome. The time until then does not count. */
  pausedFor<Result>(promise: Promise<Result>): Promise<Result>
  /** The promise's outcome, or a `STORE_TIMEOUT` that says what was being waited for. */
  race<Result>(promise: Promise<Result>, what: string): Promise<Result>
}

export function deadlineIn(timeoutMs: number): Deadline {
  let end = performance.now() + timeoutMs
  const remainingMs = () => Math.max(0, end - performance.now())
  return {
    remainingMs,
    async pausedFor(promise) {
      const began = performance.now()
      try {
        return await promise
      } finally {
        end += performance.now() - began
      }
    },
    async race(promise, what) {
      let timer: NodeJS.Timeout | undefined
      const expired = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new StoreError('STORE_TIMEOUT', `no answer in time: ${what}`)), remainingMs())
      })
      // Both may settle; a failure after the deadline is ignored.
      promise.catch(() => {})
      try {
        return await Promise.race([promise, expired])
      } finally {
        clearTimeout(timer)
      }
    },
  }
}
