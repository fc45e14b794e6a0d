// Log lines that clients can cause without end: the first of a kind is written at once, those of the next minute are counted and
// written as one.
import type { Clock, Logger } from './types.ts'

export interface LineLimiter {
  /** @param kind lines of one kind are counted together */
  log(level: 'info' | 'warn' | 'error', kind: string, context: object, message: string): void
  /** Writes what was counted. */
  close(): void
}

interface Kind {
  repeated: number
  last: () => void
  readonly cancel: () => void
}

const intervalMs = 60_000
/** When there are more kinds than this at a time, all others count as one. */
const maxKinds = 1000

export function createLineLimiter(logger: Logger, clock: Clock): LineLimiter {
  const kinds = new Map<string, Kind>()

  function end(name: string): void {
    const kind = kinds.get(name)
    kinds.delete(name)
    kind?.cancel()
    if (kind !== undefined && kind.repeated > 0) kind.last()
  }

  return {
    log(level, kind, context, message) {
      const name = kinds.has(kind) || kinds.size < maxKinds ? kind : 'others'
      const known = kinds.get(name)
      if (known === undefined) {
        const cancel = clock.setTimer(intervalMs, () => end(name))
        kinds.set(name, { repeated: 0, last() {}, cancel })
        logger[level](context, message)
        return
      }
      known.repeated++
      const { repeated } = known
      known.last = () =>
        logger[level](
          { ...context, repeated },
          `${message} (${repeated} more like this within a minute, the last one here)`,
        )
    },
    close() {
      for (const name of [...kinds.keys()]) end(name)
    },
  }
}
