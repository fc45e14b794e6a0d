// Which segments can be deleted: by time, by size, or because everything in them is before the log start offset. Pure.

export interface SegmentAge {
  readonly baseOffset: bigint
  readonly sizeBytes: number
  /** Greatest timestamp of its records, milliseconds; if there is none, when the file was last written. */
  readonly maxTimestampMs: number
}

export interface RetentionRules {
  /** Without `delete` in cleanup.policy only segments before the log start offset are deleted. */
  readonly delete: boolean
  readonly retentionMs: number
  readonly retentionBytes: number
}

/**
 * How many of the oldest segments can be deleted, as Kafka counts: a segment is deleted when all its records are older than
 * `retention.ms`, or when the log keeps at least `retention.bytes` without it.
 * @param segments oldest first; the last one is active and can be deleted, too (a new one is made then)
 */
export function expiredSegments(
  segments: readonly SegmentAge[],
  rules: RetentionRules,
  logStartOffset: bigint,
  nowMs: number,
): number {
  let excessBytes = segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) - rules.retentionBytes
  let count = 0
  for (const [at, segment] of segments.entries()) {
    const next = segments[at + 1]
    const beforeStart = next !== undefined && next.baseOffset <= logStartOffset
    const tooOld = rules.delete && segment.sizeBytes > 0 && nowMs - segment.maxTimestampMs > rules.retentionMs
    const tooMuch = rules.delete && segment.sizeBytes > 0 && excessBytes - segment.sizeBytes >= 0
    if (!beforeStart && !tooOld && !tooMuch) break
    excessBytes -= segment.sizeBytes
    count++
  }
  return count
}
