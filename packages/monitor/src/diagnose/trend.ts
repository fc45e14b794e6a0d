// A straight line through measurements that a few wild ones do not bend.

export interface Point {
  readonly atMs: number
  readonly value: number
}

/** Pairs are quadratic in the number of points: more points than these are thinned out evenly. */
const mostPoints = 200

/**
 * The slope of the Theil-Sen line: the median of the slopes between all pairs of points. Up to 29 % of the points may be arbitrary without
 * effect on it (Sen 1968), so that one compaction, one deleted topic or one restore does not decide when a disk is full.
 *
 * @param points in any order
 * @returns the change of the value per millisecond; null with fewer than two different times
 */
export function robustSlope(points: readonly Point[]): number | null {
  const step = Math.ceil(points.length / mostPoints)
  const used = points.filter((_, at) => at % step === 0 || at === points.length - 1)
  const slopes: number[] = []
  for (const [at, first] of used.entries()) {
    for (const second of used.slice(at + 1)) {
      if (second.atMs !== first.atMs) slopes.push((second.value - first.value) / (second.atMs - first.atMs))
    }
  }
  return median(slopes)
}

/** null of nothing. */
export function median(values: readonly number[]): number | null {
  if (values.length === 0) return null
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}
