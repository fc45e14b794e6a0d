// The two clocks: the system's, and one that a test moves.
import type { Clock, ManualClock } from './types.ts'

/** Node's timers take at most this many milliseconds; longer ones are set again when they fire. */
const maxTimerMs = 0x7fffffff

/** The system's time. Its timers do not keep the process alive: the sockets do. */
export const systemClock: Clock = {
  now: () => Date.now(),
  setTimer(delayMs, callback) {
    const due = Date.now() + delayMs
    let timer: NodeJS.Timeout
    const schedule = (): void => {
      const left = due - Date.now()
      timer = left > maxTimerMs ? setTimeout(schedule, maxTimerMs) : setTimeout(callback, Math.max(0, left))
      timer.unref()
    }
    schedule()
    return () => clearTimeout(timer)
  },
}

/** A clock that is moved by hand. @param startMs where it begins; by default now, so that timestamps look real */
export function makeManualClock(startMs = Date.now()): ManualClock {
  interface Timer {
    readonly due: number
    readonly order: number
    readonly callback: () => void
  }
  let now = startMs
  let order = 0
  const timers = new Set<Timer>()
  const nextDue = (limit: number): Timer | undefined => {
    let first: Timer | undefined
    for (const timer of timers) {
      if (timer.due > limit) continue
      if (!first || timer.due < first.due || (timer.due === first.due && timer.order < first.order)) first = timer
    }
    return first
  }
  return {
    now: () => now,
    setTimer(delayMs, callback) {
      const timer = { due: now + Math.max(0, delayMs), order: order++, callback }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance(ms) {
      const end = now + ms
      for (let timer = nextDue(end); timer; timer = nextDue(end)) {
        timers.delete(timer)
        now = Math.max(now, timer.due)
        timer.callback()
      }
      now = end
    },
  }
}
