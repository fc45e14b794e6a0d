// Starting a new segment, and finishing the one before it.
import { join } from 'node:path'
import type { BatchHeader } from '../batch/batch.ts'
import { encodeProducers, outdatedSnapshots, snapshotFileName } from '../producers/producer-snapshot.ts'
import { newSegment, type Segment } from '../segment/segment.ts'
import { logFile } from '../segment/segment-files.ts'
import { offsetEntryBytes, timeEntryBytes } from '../segment/segment-index.ts'
import type { LogContext } from './context.ts'
import { metadataFile, partitionName } from './folders.ts'
import { addSegment, startOver } from './segment-list.ts'
import { activeSegment, type LogState } from './state.ts'
import { syncLog } from './sync.ts'
import type { Turn } from './write-queue.ts'

const maxRelativeOffset = 0x7fffffffn

/**
 * Whether the active segment is too full or too old for one more batch, as Kafka decides it: by `segment.bytes`,
 * `segment.ms` (in record time, so that replayed data rolls as it did the first time), a full index, or offsets that do not
 * fit into 31 bits.
 *
 * @param pendingBytes bytes that will be written before the batch
 */
export function rollIsDue(
  state: LogState,
  header: BatchHeader,
  nowMs: number,
  pendingBytes = 0,
  nextOffset: bigint = state.highWatermark,
): boolean {
  const segment = activeSegment(state)
  const { config } = state
  const size = segment.sizeBytes + pendingBytes
  if (size === 0) return false
  if (size + header.sizeBytes > config.segmentBytes) return true
  if (nextOffset + BigInt(header.lastOffsetDelta) - segment.baseOffset > maxRelativeOffset) return true
  // Positions in the index have 32 bits. segment.bytes is an int32 in Kafka, so they always fit.
  const entries = (segment.index?.entries ?? 0) + 1
  if (entries * Math.max(offsetEntryBytes, timeEntryBytes) > config.segmentIndexBytes) return true
  if (segment.firstTimestamp !== undefined && segment.firstTimestamp >= 0n && header.maxTimestamp >= 0n) {
    return Number(header.maxTimestamp - segment.firstTimestamp) > config.segmentMs
  }
  return nowMs - segment.createdMs > config.segmentMs
}

/** Makes a new active segment at the end of the log; the one before it is synced and indexed in the background. */
export async function rollSegment(context: LogContext, state: LogState, turn: Turn): Promise<void> {
  if (!state.onDisk) await createFolder(context, state)
  const segment = newSegment(state.dir, state.highWatermark, context.clock.now())
  await context.files.use(logFile(segment), (fd) => context.fs.truncate(fd, 0), true)
  state.unsyncedNames = true
  if (!state.onDisk) {
    startOver(state, turn, segment)
    state.onDisk = true
    return
  }
  const previous = activeSegment(state)
  addSegment(state, turn, segment)
  const snapshot = encodeProducers(state.producers)
  state.finishing = state.finishing
    .then(() => finishSegment(context, state, previous, segment.baseOffset, snapshot))
    .catch((error) => {
      // Nothing is lost: the recovery point stays where it is, so a restart reads the segment again.
      context.logger.error({ file: logFile(previous), err: error }, 'cannot finish a segment')
    })
}

/** Writes the folder's metadata before its first log file, so that its topic is always known. */
async function createFolder(context: LogContext, state: LogState): Promise<void> {
  // A crash must not leave the new log with the offsets of a deleted one of the same name.
  const { topic, partition } = state.ref
  await context.logStarts.forgotten(topic, partition)
  await context.recoveryPoints.forgotten(topic, partition)
  await context.fs.makeDir(state.dir)
  await context.fs.writeFile(join(state.dir, metadataFile), `version: 0\ntopic_id: ${state.ref.topicId}\n`)
}

async function finishSegment(
  context: LogContext,
  state: LogState,
  segment: Segment,
  endOffset: bigint,
  snapshot: Buffer,
): Promise<void> {
  if (state.closedReason !== undefined) return
  await syncLog(context, state, endOffset)
  await writeProducerSnapshot(context, state, endOffset, snapshot)
  context.recoveryPoints.writeSoon()
  const index = segment.index
  segment.index = undefined
  if (index !== undefined) context.indexes.set(logFile(segment), index)
  context.logger.debug({ partition: partitionName(state.ref), file: logFile(segment) }, 'finished a segment')
}

/** Writes a snapshot of the producers and removes outdated ones. */
export async function writeProducerSnapshot(
  context: LogContext,
  state: LogState,
  offset: bigint,
  snapshot: Buffer,
): Promise<void> {
  // Not synced: an incomplete snapshot is recognised by its checksum, and the log is read instead.
  await context.fs.writeFile(join(state.dir, snapshotFileName(offset)), snapshot)
  state.snapshotOffset = offset
  for (const old of outdatedSnapshots(await context.fs.list(state.dir))) await context.fs.remove(join(state.dir, old))
}
