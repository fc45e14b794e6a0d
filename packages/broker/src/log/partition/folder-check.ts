// Checking a partition's folder without leaving its log open: which segments it has and how old they are, and, after a crash,
// whether what was not synced yet is complete. It only reads; if anything is wrong, the log is opened, which repairs and reports
// it.
import { join } from 'node:path'
import { withFile } from '../disk/fs.ts'
import { inspectClosedSegment } from '../segment/closed-segment.ts'
import { newSegment, type Segment, scanSegment } from '../segment/segment.ts'
import { baseOffsetsIn, logFile } from '../segment/segment-files.ts'
import type { LogContext } from './context.ts'
import { partitionName } from './folders.ts'
import type { SegmentAge } from './retention-rules.ts'

export interface FolderCheck {
  /** Oldest first. */
  readonly ages: readonly SegmentAge[]
  readonly logStartOffset: bigint
  /** Whether the log has to be opened to be repaired or reported. */
  readonly needsRepair: boolean
}

/** Verifies the checksums of everything after the recovery point, which is very little after a proper shutdown. */
export async function checkFolder(context: LogContext, topic: string, partition: number): Promise<FolderCheck> {
  const dir = join(context.dir, partitionName({ topic, partition }))
  const recoveryPoint = context.recoveryPoints.get(topic, partition) ?? 0n
  const bases = baseOffsetsIn(await context.fs.list(dir))
  const checkpointed = context.logStarts.get(topic, partition) ?? 0n
  const logStartOffset = bases[0] !== undefined && bases[0] > checkpointed ? bases[0] : checkpointed
  const ages: SegmentAge[] = []
  let needsRepair = false
  for (const [at, base] of bases.entries()) {
    const segment = newSegment(dir, base, context.clock.now())
    const stat = await context.fs.stat(logFile(segment))
    segment.sizeBytes = stat?.sizeBytes ?? 0
    segment.createdMs = stat?.modifiedMs ?? segment.createdMs
    const next = bases[at + 1]
    const isSettled = next !== undefined && next <= recoveryPoint
    const end = isSettled ? await inspectClosedSegment(context, segment) : await endOf(context, segment, recoveryPoint)
    // The last segment ends the log, which must not end before an offset that was once synced.
    if (end === undefined || (next === undefined ? end < recoveryPoint : end !== next)) needsRepair = true
    const maxTimestampMs = (segment.maxTimestamp ?? -1n) >= 0n ? Number(segment.maxTimestamp) : segment.createdMs
    ages.push({ baseOffset: base, sizeBytes: segment.sizeBytes, maxTimestampMs })
  }
  return { ages, logStartOffset, needsRepair }
}

/** @returns the offset after the last batch; undefined when it is followed by bytes that are not a complete batch */
async function endOf(context: LogContext, segment: Segment, crcFrom: bigint): Promise<bigint | undefined> {
  segment.maxTimestamp = -1n
  const { nextOffset, problem } = await withFile(context.fs, logFile(segment), (fd) =>
    scanSegment(context, fd, segment, {
      crcFrom,
      onBatch({ maxTimestamp }) {
        if (maxTimestamp > segment.maxTimestamp!) segment.maxTimestamp = maxTimestamp
        return true
      },
    }),
  )
  return problem === undefined ? nextOffset : undefined
}
