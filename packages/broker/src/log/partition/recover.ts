// Reading a log that was not closed properly: what was not synced is checked, what is not complete is cut off, and offsets that are
// missing are reported.
import { basename } from 'node:path'
import { inspectClosedSegment } from '../segment/closed-segment.ts'
import { noteBatch, restoreIndex, type Segment, scanSegment } from '../segment/segment.ts'
import { logFile, offsetIndexFile, timeIndexFile } from '../segment/segment-files.ts'
import { createSegmentIndex } from '../segment/segment-index.ts'
import type { LogContext } from './context.ts'
import { cutLog } from './cut.ts'
import { partitionName } from './folders.ts'
import type { LogState } from './state.ts'

/**
 * Reads everything from the segment of the recovery point on, checks it, and rebuilds the indexes.
 * @returns the end offsets of the segments that it has read
 */
export async function recoverLog(
  context: LogContext,
  state: LogState,
  names: readonly string[],
): Promise<ReadonlyMap<Segment, bigint>> {
  const { segments } = state
  const ends = new Map<Segment, bigint>()
  const first = Math.max(
    0,
    segments.findLastIndex((segment) => segment.baseOffset <= state.recoveryPoint),
  )
  for (let at = first; at < segments.length; at++) {
    const segment = segments[at]!
    const size = segment.sizeBytes
    segment.index = createSegmentIndex()
    segment.maxTimestamp = -1n
    segment.firstTimestamp = undefined
    segment.bytesSinceEntry = 0
    segment.sizeBytes = 0
    const end = await context.files.use(logFile(segment), (fd) =>
      scanSegment(
        context,
        fd,
        { baseOffset: segment.baseOffset, sizeBytes: size },
        {
          crcFrom: state.recoveryPoint,
          onBatch(header, position) {
            noteBatch(segment, header, position, state.config.indexIntervalBytes)
            return true
          },
        },
      ),
    )
    state.highWatermark = end.nextOffset
    ends.set(segment, end.nextOffset)
    if (end.problem !== undefined) {
      await cutLog(context, state, at, { ...end, problem: end.problem, sizeBytes: size })
    }
    const isActive = at === segments.length - 1
    const hasFiles =
      names.includes(basename(offsetIndexFile(segment))) || names.includes(basename(timeIndexFile(segment)))
    if (segment.sizeBytes > 0) {
      segment.index.addTime(segment.maxTimestamp, Number(segment.offsetOfMaxTimestamp - segment.baseOffset))
    }
    // A small active segment has no entry yet; its index files are written with the next records.
    if (!isActive || hasFiles || segment.index.entries > 0) await restoreIndex(context, segment, segment.index)
    if (!isActive) segment.index = undefined
  }
  if (state.highWatermark < state.recoveryPoint) {
    context.logger.error(
      {
        partition: partitionName(state.ref),
        logEndOffset: state.highWatermark.toString(),
        recoveryPoint: state.recoveryPoint.toString(),
      },
      'the log ends before an offset that had been synced to disk: files were changed or lost while the broker was down',
    )
  }
  // As in Kafka it does not move up: what was found is complete, but need not be on the disk yet.
  if (state.highWatermark < state.recoveryPoint) {
    state.recoveryPoint = state.highWatermark
    context.recoveryPoints.set(state.ref.topic, state.ref.partition, state.recoveryPoint)
  }
  return ends
}

/**
 * Logs offsets that are missing between segments, because a file or its end was lost. Consumers get the next existing batch
 * without an error, as from Kafka, so the log is the only place where this can be seen.
 * @param known end offsets of segments that have been read
 */
export async function reportMissingOffsets(
  context: LogContext,
  state: LogState,
  known: ReadonlyMap<Segment, bigint>,
): Promise<void> {
  for (const [at, segment] of state.segments.entries()) {
    const next = state.segments[at + 1]
    if (next === undefined) return
    if (next.baseOffset <= state.logStartOffset) continue
    const end = known.get(segment) ?? (await inspectClosedSegment(context, segment))
    if (end === undefined || end === next.baseOffset) continue
    context.logger.error(
      {
        partition: partitionName(state.ref),
        from: end.toString(),
        to: (next.baseOffset - 1n).toString(),
        after: logFile(segment),
        before: logFile(next),
      },
      end < next.baseOffset
        ? 'offsets are missing between two segments of a log: a file was lost or emptied. Consumers skip them; stop the ' +
            'broker and restore the file from a backup to get them back'
        : 'two segments of a log overlap: files were changed while the broker was down',
    )
  }
}
