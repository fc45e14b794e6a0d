// How long something took during the last five minutes, as quantiles. Recording allocates nothing.
//
// Kafka keeps a sample of about five minutes, weighted towards the newest (Yammer's exponentially decaying reservoir). Here every time
// is counted, in buckets that are 5 % wide, in one slice for each minute.

const sliceMs = 60_000
const slices = 5
const lowestMs = 0.005
const growth = 1.05
/** Up to ten minutes; what takes longer is counted there. */
const buckets = Math.ceil(Math.log(600_000 / lowestMs) / Math.log(growth)) + 1
const perBucket = 1 / Math.log(growth)

export class RecentTimes {
  private readonly counts = new Uint32Array(slices * buckets)
  /** The minute that each slice has. */
  private readonly minutes = new Float64Array(slices).fill(-1)

  /** @param nowMs of a monotonic clock */
  record(durationMs: number, nowMs: number): void {
    const minute = Math.floor(nowMs / sliceMs)
    const slice = minute % slices
    if (this.minutes[slice] !== minute) {
      this.counts.fill(0, slice * buckets, (slice + 1) * buckets)
      this.minutes[slice] = minute
    }
    this.counts[slice * buckets + bucketOf(durationMs)]!++
  }

  /**
   * @param quantiles from 0 to 1, ascending
   * @returns the times in milliseconds that these shares took at most, within 3 %; 0 when nothing was recorded
   */
  quantiles(quantiles: readonly number[], nowMs: number): number[] {
    const minute = Math.floor(nowMs / sliceMs)
    const recent = [...this.minutes.keys()].filter((slice) => minute - this.minutes[slice]! < slices)
    const sums = Array.from({ length: buckets }, (_, bucket) =>
      recent.reduce((sum, slice) => sum + this.counts[slice * buckets + bucket]!, 0),
    )
    const total = sums.reduce((sum, count) => sum + count, 0)
    if (total === 0) return quantiles.map(() => 0)
    return quantiles.map((quantile) => {
      let bucket = 0
      for (let below = sums[0]!; below < quantile * total; below += sums[bucket]!) bucket++
      return middleOf(bucket)
    })
  }
}

function bucketOf(durationMs: number): number {
  if (durationMs <= lowestMs) return 0
  return Math.min(buckets - 1, Math.ceil(Math.log(durationMs / lowestMs) * perBucket))
}

const middleOf = (bucket: number): number => (bucket === 0 ? lowestMs : lowestMs * growth ** (bucket - 0.5))
