// One timer for any number of deadlines, so that thousands of partitions do not need a timer each.
import type { Clock } from '../../types.ts'

export interface Deadlines {
  /** Runs `action` after `delayMs`, unless the key has a deadline already. */
  ensure(key: object, delayMs: number, action: () => void): void
  cancel(key: object): void
  cancelAll(): void
}

export function createDeadlines(clock: Clock): Deadlines {
  const due = new Map<object, { readonly atMs: number; readonly action: () => void }>()
  let timer: { readonly atMs: number; readonly cancel: () => void } | undefined

  function schedule(atMs: number): void {
    if (timer !== undefined && timer.atMs <= atMs) return
    timer?.cancel()
    // Timers of more than 2^31 ms would fire at once, so a later deadline is checked again in between.
    const delayMs = Math.min(Math.max(0, atMs - clock.now()), 0x7fffffff)
    timer = { atMs, cancel: clock.setTimer(delayMs, fire) }
  }

  function fire(): void {
    timer = undefined
    const now = clock.now()
    let nextMs = Number.POSITIVE_INFINITY
    for (const [key, { atMs, action }] of [...due]) {
      if (atMs <= now) {
        due.delete(key)
        action()
      }
    }
    for (const { atMs } of due.values()) nextMs = Math.min(nextMs, atMs)
    if (nextMs < Number.POSITIVE_INFINITY) schedule(nextMs)
  }

  return {
    ensure(key, delayMs, action) {
      if (due.has(key)) return
      const atMs = clock.now() + delayMs
      due.set(key, { atMs, action })
      schedule(atMs)
    },
    cancel: (key) => void due.delete(key),
    cancelAll() {
      due.clear()
      timer?.cancel()
      timer = undefined
    },
  }
}
