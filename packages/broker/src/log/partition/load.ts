// Opens a partition log from its folder: finds its segments and its end. After a crash `recover.ts` reads it.
import { join } from 'node:path'
import { createProducerTable } from '../producers/producer-state.ts'
import type { ScanOptions } from '../segment/scan.ts'
import { newSegment, noteBatch, type Segment, scanSegment } from '../segment/segment.ts'
import {
  baseOffsetsIn,
  filesOf,
  isLeftover,
  logFile,
  offsetIndexFile,
  timeIndexFile,
} from '../segment/segment-files.ts'
import { createSegmentIndex, indexProblem } from '../segment/segment-index.ts'
import type { PartitionRef } from '../types.ts'
import type { LogContext } from './context.ts'
import { partitionName } from './folders.ts'
import { loadProducers } from './load-producers.ts'
import { recoverLog, reportMissingOffsets } from './recover.ts'
import { startOver } from './segment-list.ts'
import { activeSegment, type LogState } from './state.ts'
import { writeGroup } from './write-group.ts'
import { createWriteQueue, loading } from './write-queue.ts'

/** @param clean whether the broker was shut down properly: then the end of the log needs no checksums */
export async function loadLog(context: LogContext, ref: PartitionRef, clean: boolean): Promise<LogState> {
  const dir = join(context.dir, partitionName(ref))
  const config = context.configOf(ref.topic)
  const names = await context.fs.list(dir)
  const bases = baseOffsetsIn(names)
  if (names.length === 0) {
    // As in Kafka, a partition without a folder begins at 0: values in the checkpoints belong to one that was deleted.
    context.logStarts.delete(ref.topic, ref.partition)
    context.recoveryPoints.delete(ref.topic, ref.partition)
  }
  const checkpointedStart = context.logStarts.get(ref.topic, ref.partition) ?? 0n
  await removeLeftovers(context, dir, names, new Set(bases))

  const segments: Segment[] = []
  for (const base of bases) {
    const segment = newSegment(dir, base, context.clock.now())
    const stat = await context.fs.stat(logFile(segment))
    segment.sizeBytes = stat?.sizeBytes ?? 0
    segment.createdMs = stat?.modifiedMs ?? context.clock.now()
    segment.index = undefined
    segment.maxTimestamp = undefined
    segments.push(segment)
  }
  const onDisk = segments.length > 0
  if (!onDisk) segments.push(newSegment(dir, checkpointedStart, context.clock.now()))

  const state: LogState = {
    ref,
    dir,
    config,
    segments,
    onDisk,
    logStartOffset: checkpointedStart > segments[0]!.baseOffset ? checkpointedStart : segments[0]!.baseOffset,
    highWatermark: segments[0]!.baseOffset,
    snapshotOffset: undefined,
    recoveryPoint: context.recoveryPoints.get(ref.topic, ref.partition) ?? 0n,
    producers: createProducerTable(),
    tail: context.tails.openTail(),
    listeners: new Set(),
    queue: createWriteQueue((waiting, turn) => writeGroup(context, state, waiting, turn)),
    appendedBytes: 0,
    unflushedRecords: 0,
    unsyncedNames: false,
    partialWrite: false,
    syncFailed: false,
    syncing: Promise.resolve(),
    finishing: Promise.resolve(),
    used: true,
    closedReason: undefined,
  }
  if (onDisk) {
    const isSound = clean && (await openActive(context, state))
    const ends = isSound ? new Map<Segment, bigint>() : await recoverLog(context, state, names)
    await reportMissingOffsets(context, state, ends)
  }
  if (state.logStartOffset > state.highWatermark) {
    // More is missing than had been deleted. The next record still gets a higher offset than any before.
    await startEmptyAt(context, state, state.logStartOffset)
  }
  if (onDisk) await loadProducers(context, state, names)
  return state
}

/** Removes index files without a log, and files that were being deleted or written when the broker stopped. */
async function removeLeftovers(
  context: LogContext,
  dir: string,
  names: readonly string[],
  bases: Set<bigint>,
): Promise<void> {
  for (const name of names) {
    if (isLeftover(name, bases)) await context.fs.remove(join(dir, name))
  }
}

/**
 * Finds the end of a log that was shut down properly: from the last index entry on, headers only.
 * @returns false when something differs from what a proper shutdown leaves, so that the log has to be recovered
 */
async function openActive(context: LogContext, state: LogState): Promise<boolean> {
  const segment = activeSegment(state)
  const size = segment.sizeBytes
  const offsets = (await context.fs.readFile(offsetIndexFile(segment))) ?? Buffer.alloc(0)
  const times = (await context.fs.readFile(timeIndexFile(segment))) ?? Buffer.alloc(0)
  if (indexProblem(offsets, times, size) !== undefined) return false
  const index = createSegmentIndex(offsets, times)
  segment.index = index
  segment.maxTimestamp = index.lastTime?.timestamp ?? -1n
  segment.offsetOfMaxTimestamp = segment.baseOffset + BigInt(index.lastTime?.relativeOffset ?? 0)
  const scan = (from: number, onBatch: ScanOptions['onBatch']) =>
    context.files.use(logFile(segment), (fd) =>
      scanSegment(context, fd, { baseOffset: segment.baseOffset, sizeBytes: size }, { from, onBatch }),
    )
  if (size > 0) {
    await scan(0, (header) => {
      segment.firstTimestamp = header.maxTimestamp
      return false
    })
  }
  const from = index.lastPosition
  // The batch of the last index entry is already in the index; only later ones are noted.
  const end = await scan(from, (header, position) => {
    if (position === from && index.entries > 0) segment.bytesSinceEntry = header.sizeBytes
    else noteBatch(segment, header, position, state.config.indexIntervalBytes)
    return true
  })
  // Noting batches changed it; a recovery has to read the whole file.
  segment.sizeBytes = size
  if (end.problem !== undefined) return false
  state.highWatermark = end.nextOffset
  // The broker that shut down only read what is after the recovery point: it is complete, but need not have been synced.
  return end.nextOffset === state.recoveryPoint
}

async function startEmptyAt(context: LogContext, state: LogState, offset: bigint): Promise<void> {
  for (const segment of startOver(state, loading, newSegment(state.dir, offset, context.clock.now()))) {
    for (const file of filesOf(segment)) {
      await context.files.forget(file)
      await context.fs.remove(file)
    }
  }
  state.onDisk = false
  state.highWatermark = offset
  state.recoveryPoint = offset
}
