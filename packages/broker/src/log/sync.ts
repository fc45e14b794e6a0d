// Making a log durable: the only code that moves the recovery point, the offset before which everything survives a loss of
// power. Syncs of one log run one after the other, each from the recovery point on and without a gap, so that the point
// never passes a segment that could not be synced.
//
// After a failed sync nothing after the recovery point can be trusted: Linux marks the pages that it could not write as
// clean, so that the next fdatasync succeeds without them (see fsync(2), "errors"). Kafka takes the log directory offline.
// Here the log takes no records until those bytes have been read again, checked, written again and synced.
import { join } from 'node:path'
import type { LogEnv } from './env.ts'
import { LogError } from './errors.ts'
import { metadataFile } from './folder.ts'
import { writeFully } from './fs.ts'
import { readFully, scanBatches } from './scan.ts'
import { indexOf, logFile, offsetIndexFile, replaceIndex, type Segment, saveIndex, timeIndexFile } from './segment.ts'
import { activeSegment, type LogState, partitionName } from './state.ts'

const pieceBytes = 1024 * 1024

/**
 * Makes everything durable that is written when its turn comes, or what lies before `end`.
 * @throws LogError KAFKA_STORAGE_ERROR, or the system's error. The recovery point is where it was then.
 */
export function syncLog(env: LogEnv, state: LogState, end?: bigint): Promise<void> {
  const done = state.syncing.then(() => syncNow(env, state, end ?? state.highWatermark))
  state.syncing = done.catch(() => {})
  return done
}

async function syncNow(env: LogEnv, state: LogState, end: bigint): Promise<void> {
  if (!state.onDisk || state.closed !== undefined) return
  const active = activeSegment(state)
  // Bytes of a write under way are behind the end already: only the count tells of them.
  const nothingNew = end <= state.recoveryPoint && state.unflushedRecords === 0 && !state.unsyncedNames
  if (nothingNew && !state.syncFailed) return
  const records = state.unflushedRecords
  const doubtful = state.segments.filter(
    (segment, at) =>
      (segment === active || segment.baseOffset < end) &&
      (state.segments[at + 1]?.baseOffset ?? end) >= state.recoveryPoint,
  )
  const again = state.syncFailed
  try {
    for (const segment of doubtful) await syncSegment(env, state, segment, again)
    await syncNames(env, state)
  } catch (error) {
    if (!state.syncFailed) {
      env.logger.error(
        { partition: partitionName(state.ref), err: error },
        'a log could not be synced to disk: it takes no records until what was written has been written and synced again',
      )
    }
    state.syncFailed = true
    throw error
  }
  state.syncFailed = false
  state.unflushedRecords -= records
  if (end > state.recoveryPoint) {
    state.recoveryPoint = end
    env.recoveryPoints.set(state.ref.topic, state.ref.partition, end)
  }
}

async function syncSegment(env: LogEnv, state: LogState, segment: Segment, again: boolean): Promise<void> {
  const isActive = segment === activeSegment(state)
  try {
    if (again) await writeAgain(env, state, segment)
    await env.files.use(logFile(segment), (fd) => env.fs.sync(fd))
    if (isActive) return
    // A recovery does not look at segments before its point: their indexes have to be whole.
    if (again) await replaceIndex(env, segment, await indexOf(env, segment))
    else await saveIndex(env, segment)
    for (const file of [offsetIndexFile(segment), timeIndexFile(segment)]) {
      await env.files.use(file, (fd) => env.fs.sync(fd))
    }
  } catch (error) {
    // Deleted by the retention meanwhile.
    if (!state.segments.includes(segment)) return
    throw error
  }
}

/** Writes the segment's batches from the recovery point on over themselves, so that the next sync takes them to the disk. */
async function writeAgain(env: LogEnv, state: LogState, segment: Segment): Promise<void> {
  const index = await indexOf(env, segment)
  const from = index.positionFor(Math.max(0, Number(state.recoveryPoint - segment.baseOffset)))
  const to = segment.sizeBytes
  await env.files.use(logFile(segment), async (fd) => {
    const minOffset = segment.baseOffset
    const { problem, position } = await scanBatches({
      fs: env.fs,
      fd,
      from,
      to,
      minOffset,
      crcFrom: state.recoveryPoint,
      onBatch: () => true,
    })
    if (problem !== undefined) {
      throw new LogError(
        'KAFKA_STORAGE_ERROR',
        `${logFile(segment)} lost bytes at ${position} when a sync failed (${problem}): restart the broker, which then ` +
          'ends the log before them and keeps what came after them',
      )
    }
    const piece = Buffer.allocUnsafeSlow(Math.min(pieceBytes, Math.max(1, to - from)))
    for (let at = from; at < to; at += piece.length) {
      const bytes = piece.subarray(0, Math.min(piece.length, to - at))
      await readFully(env.fs, fd, bytes, at)
      await writeFully(env.fs, fd, [bytes], at)
    }
  })
}

/** Makes the names of new files durable, and the folder with its metadata. */
async function syncNames(env: LogEnv, state: LogState): Promise<void> {
  if (!state.unsyncedNames) return
  // Before the first wait: a file that is created meanwhile needs the next sync.
  state.unsyncedNames = false
  try {
    const metadata = join(state.dir, metadataFile)
    await env.files.use(metadata, (fd) => env.fs.sync(fd))
    await env.files.forget(metadata)
    await env.fs.syncDir(state.dir)
    await env.fs.syncDir(env.dir)
  } catch (error) {
    state.unsyncedNames = true
    throw error
  }
}
