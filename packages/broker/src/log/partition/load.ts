// Opens a partition log from its folder: finds its segments and its end, and, after a crash, cuts off bytes at its end that are
// not complete batches.
import { basename, join } from 'node:path'
import { lastOffsetOf } from '../batch/batch.ts'
import { LogError } from '../errors.ts'
import { decodeSnapshot, snapshotsIn } from '../producers/producer-snapshot.ts'
import { createProducerTable, type ProducerTable } from '../producers/producer-state.ts'
import { inspectClosedSegment } from '../segment/closed-segment.ts'
import type { ScanOptions } from '../segment/scan.ts'
import { newSegment, noteBatch, restoreIndex, type Segment, scanSegment } from '../segment/segment.ts'
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
import { writeGroup } from './append.ts'
import type { LogContext } from './context.ts'
import { cutLog } from './cut.ts'
import { partitionName } from './folders.ts'
import { startOver } from './segment-list.ts'
import { activeSegment, type LogState } from './state.ts'
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
    closed: undefined,
  }
  if (onDisk) {
    const isSound = clean && (await openActive(context, state))
    const ends = isSound ? new Map<Segment, bigint>() : await recover(context, state, names)
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

/**
 * Reads everything from the segment of the recovery point on, checks it, and rebuilds the indexes.
 * @returns the end offsets of the segments that it has read
 */
async function recover(
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
async function reportMissingOffsets(
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

/** Loads the producer state: the newest snapshot that is not damaged, then the headers of the batches after it. */
async function loadProducers(context: LogContext, state: LogState, names: readonly string[]): Promise<void> {
  let from = state.segments[0]!.baseOffset
  for (const snapshot of snapshotsIn(names)) {
    const { offset } = snapshot
    const file = join(state.dir, snapshot.name)
    // A snapshot at an offset that was cut off has batches that no longer exist.
    const table =
      offset > state.highWatermark
        ? undefined
        : decodeSnapshot(snapshot, (await context.fs.readFile(file)) ?? Buffer.alloc(0))
    if (table === undefined) {
      context.logger.warn({ file }, 'removing a producer snapshot that is damaged or past the end of the log')
      await context.fs.remove(file)
      continue
    }
    for (const entry of table.entries()) state.producers.put(entry)
    from = offset
    state.snapshotOffset = offset
    break
  }
  await replayProducers(context, state, from, state.producers)
}

async function replayProducers(
  context: LogContext,
  state: LogState,
  from: bigint,
  table: ProducerTable,
): Promise<void> {
  if (from >= state.highWatermark) return
  const first = Math.max(
    0,
    state.segments.findLastIndex((segment) => segment.baseOffset <= from),
  )
  for (const segment of state.segments.slice(first)) {
    const end = await context.files.use(logFile(segment), (fd) =>
      scanSegment(context, fd, segment, {
        onBatch(header) {
          if (lastOffsetOf(header) >= from) table.replay(header)
          return true
        },
      }),
    )
    if (end.problem !== undefined) {
      throw new LogError(
        'KAFKA_STORAGE_ERROR',
        `${logFile(segment)} is damaged at byte ${end.position}: ${end.problem}. Stop the broker and restore the file; or ` +
          'remove the clean-shutdown marker and the recovery point of the partition, and the next start cuts the log there',
      )
    }
  }
}
