// A log line that clients cause, as often as they like.

export interface SparingLogger {
  warn(context: object, message: string): void
}

/** What happens again and again is logged this often. */
const logEveryMs = 60_000

/**
 * Logs the first line of a kind, then one a minute, with the number of those that were left out.
 * @returns the function that logs; `kind` is one of a few
 */
export function logSparingly(
  logger: SparingLogger | undefined,
): (kind: string | number, context: object, message: string) => void {
  const last = new Map<string | number, { atMs: number; leftOut: number }>()
  return (kind, context, message) => {
    const before = last.get(kind)
    const now = performance.now()
    if (before && now - before.atMs < logEveryMs) {
      before.leftOut++
      return
    }
    last.set(kind, { atMs: now, leftOut: 0 })
    logger?.warn({ ...context, leftOut: before?.leftOut ?? 0 }, message)
  }
}
