// Making a log durable: the only code that moves the recovery point, the offset before which everything survives a loss of
// power. Syncs of one log run one after the other, each from the recovery point on and without a gap, so that the point
// never passes a segment that could not be synced.
//
// After a failed sync the bytes after the recovery point cannot be trusted: Linux marks the pages that it could not write as
// clean, so that the next fdatasync succeeds without them (see fsync(2), "errors"). Kafka takes the log directory offline.
// This broker takes no records for the log until those bytes have been read again, checked, written again and synced.
import { join } from 'node:path'
import { readFully, writeFully } from '../disk/fs.ts'
import { LogError } from '../errors.ts'
import { indexOf, replaceIndex, type Segment, saveIndex, scanSegment } from '../segment/segment.ts'
import { logFile, offsetIndexFile, timeIndexFile } from '../segment/segment-files.ts'
import type { LogContext } from './context.ts'
import { metadataFile, partitionName } from './folders.ts'
import { activeSegment, type LogState } from './state.ts'

const pieceBytes = 1024 * 1024

/**
 * Makes everything durable that is written when the sync starts, or everything before `end`.
 * @throws LogError KAFKA_STORAGE_ERROR, or the system's error; the recovery point does not change then
 */
export function syncLog(context: LogContext, state: LogState, end?: bigint): Promise<void> {
  const done = state.syncing.then(() => syncNow(context, state, end ?? state.highWatermark))
  // The caller gets the error of this sync; the next one only waits for its end.
  state.syncing = done.catch(() => {})
  return done
}

/** Makes everything that is written now durable, and cancels a sync that was due later. @throws as `syncLog` */
export function syncAll(context: LogContext, state: LogState): Promise<void> {
  context.deadlines.cancel(state)
  return syncLog(context, state)
}

async function syncNow(context: LogContext, state: LogState, end: bigint): Promise<void> {
  if (!state.onDisk || state.closedReason !== undefined) return
  const active = activeSegment(state)
  // Bytes of a write under way may already be behind the end; only the count shows them.
  const nothingNew = end <= state.recoveryPoint && state.unflushedRecords === 0 && !state.unsyncedNames
  if (nothingNew && !state.syncFailed) return
  const records = state.unflushedRecords
  const unsynced = state.segments.filter(
    (segment, at) =>
      (segment === active || segment.baseOffset < end) &&
      (state.segments[at + 1]?.baseOffset ?? end) >= state.recoveryPoint,
  )
  const again = state.syncFailed
  const startedMs = performance.now()
  try {
    for (const segment of unsynced) await syncSegment(context, state, segment, again)
    await syncNames(context, state)
  } catch (error) {
    if (!state.syncFailed) {
      context.logger.error(
        { partition: partitionName(state.ref), err: error },
        'a log could not be synced to disk: it takes no records until everything since its last sync has been written and synced again',
      )
    }
    state.syncFailed = true
    throw error
  }
  const nowMs = performance.now()
  context.counters.flushes.record(nowMs - startedMs, nowMs)
  state.syncFailed = false
  state.unflushedRecords -= records
  if (end > state.recoveryPoint) {
    state.recoveryPoint = end
    context.recoveryPoints.set(state.ref.topic, state.ref.partition, end)
  }
}

async function syncSegment(context: LogContext, state: LogState, segment: Segment, again: boolean): Promise<void> {
  const isActive = segment === activeSegment(state)
  try {
    if (again) await writeAgain(context, state, segment)
    await context.files.sync(logFile(segment))
    if (isActive) return
    // A recovery does not read segments before the recovery point, so their indexes have to be complete.
    if (again) await replaceIndex(context, segment, await indexOf(context, segment))
    else await saveIndex(context, segment)
    for (const file of [offsetIndexFile(segment), timeIndexFile(segment)]) {
      await context.files.sync(file)
    }
  } catch (error) {
    // Unless retention has deleted it in between.
    if (!state.segments.includes(segment)) return
    throw error
  }
}

/** Writes the segment's batches from the recovery point on again, in place, so that the next sync writes them to the disk. */
async function writeAgain(context: LogContext, state: LogState, segment: Segment): Promise<void> {
  const index = await indexOf(context, segment)
  const from = index.positionFor(Math.max(0, Number(state.recoveryPoint - segment.baseOffset)))
  const to = segment.sizeBytes
  await context.files.use(logFile(segment), async (fd) => {
    const { problem, position } = await scanSegment(context, fd, segment, {
      from,
      crcFrom: state.recoveryPoint,
      onBatch: () => true,
    })
    if (problem !== undefined) {
      throw new LogError(
        'KAFKA_STORAGE_ERROR',
        `${logFile(segment)} lost bytes at ${position} when a sync failed (${problem}): restart the broker, which then ends ` +
          'the log before them and keeps the rest beside it',
      )
    }
    const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, Math.max(1, to - from)))
    for (let at = from; at < to; at += piece.length) {
      const bytes = piece.subarray(0, Math.min(piece.length, to - at))
      await readFully(context.fs, fd, bytes, at)
      await writeFully(context.fs, fd, [bytes], at)
    }
  })
}

/** Makes the names of new files durable, and the folder with its metadata. */
async function syncNames(context: LogContext, state: LogState): Promise<void> {
  if (!state.unsyncedNames) return
  // Before the first wait, because a file that is created during it needs another sync.
  state.unsyncedNames = false
  try {
    const metadata = join(state.dir, metadataFile)
    await context.files.sync(metadata)
    await context.files.forget(metadata)
    await context.fs.syncDir(state.dir)
    await context.fs.syncDir(context.dir)
  } catch (error) {
    state.unsyncedNames = true
    throw error
  }
}
