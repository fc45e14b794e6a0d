// Deleting the oldest segments of one log: by retention (`retention-rules.ts`), and because everything in them is before the
// log start offset.

import { maxTimestampOf, type Segment } from '../segment/segment.ts'
import { deletedFile, filesOf, logFile } from '../segment/segment-files.ts'
import type { LogContext } from './context.ts'
import { partitionName } from './folders.ts'
import { expiredSegments, type SegmentAge } from './retention-rules.ts'
import { rollSegment } from './roll.ts'
import { removeOldestSegment } from './segment-list.ts'
import type { LogState } from './state.ts'
import { syncAll } from './sync.ts'
import type { Turn } from './write-queue.ts'

/** Removes expired segments, and producers that were last seen before `producersBeforeMs`. */
export async function enforceRetention(context: LogContext, state: LogState, producersBeforeMs: number): Promise<void> {
  if (state.closedReason !== undefined) return
  state.producers.expire(producersBeforeMs)
  if (!state.onDisk) return
  if (!state.config.delete && state.segments.length === 1) return
  // Counted first outside the queue, because reading old indexes must not hold up appends. They are counted again in the
  // queue's turn, when nothing else changes the segments.
  if ((await countExpired(context, state)) === 0) return
  await state.queue.exclusive(async (turn) => {
    if (state.closedReason !== undefined) return
    const count = await countExpired(context, state)
    if (count > 0) await removeOldestSegments(context, state, turn, count)
  })
}

async function countExpired(context: LogContext, state: LogState): Promise<number> {
  return expiredSegments(await readAges(context, state), state.config, state.logStartOffset, context.clock.now())
}

/** What retention has to know of each segment, oldest first. */
export async function readAges(context: LogContext, state: LogState): Promise<readonly SegmentAge[]> {
  const ages: SegmentAge[] = []
  for (const segment of [...state.segments]) {
    const { timestamp } = segment.sizeBytes === 0 ? { timestamp: -1n } : await maxTimestampOf(context, segment)
    const maxTimestampMs = timestamp >= 0n ? Number(timestamp) : segment.createdMs
    ages.push({ baseOffset: segment.baseOffset, sizeBytes: segment.sizeBytes, maxTimestampMs })
  }
  return ages
}

/** Moves the log start offset up, in memory: after retention the files themselves show it. */
export function raiseLogStart(context: LogContext, state: LogState, offset: bigint): void {
  if (offset <= state.logStartOffset) return
  state.logStartOffset = offset
  context.logStarts.set(state.ref.topic, state.ref.partition, offset)
}

/** Takes the first `count` segments out of the log; their files are removed after `file.delete.delay.ms`. */
async function removeOldestSegments(context: LogContext, state: LogState, turn: Turn, count: number): Promise<void> {
  const all = count >= state.segments.length
  if (all) await rollSegment(context, state, turn)
  // Their files may not be finished yet.
  await state.finishing
  // The new segment's name is durable before the last old one is removed, so that the next record gets a higher offset
  // whatever happens.
  if (all) await syncAll(context, state)
  const next = state.segments[count]!
  raiseLogStart(context, state, next.baseOffset)
  while (state.segments[0] !== next) {
    await removeFilesLater(context, state, state.segments[0]!)
    removeOldestSegment(state, turn)
  }
  context.logger.info(
    { partition: partitionName(state.ref), segments: count, logStartOffset: state.logStartOffset.toString() },
    'deleted old segments',
  )
}

/** Renames the segment's files, and removes them after `file.delete.delay.ms`. */
async function removeFilesLater(context: LogContext, state: LogState, segment: Segment): Promise<void> {
  context.indexes.delete(logFile(segment))
  const renamed: string[] = []
  for (const file of filesOf(segment)) {
    await context.files.forget(file)
    await context.fs.rename(file, deletedFile(file)).catch(ignoreMissing)
    renamed.push(deletedFile(file))
  }
  context.deadlines.ensure(segment, state.config.fileDeleteDelayMs, () => {
    for (const file of renamed) {
      context.fs
        .remove(file)
        .catch((error) => context.logger.warn({ file, err: error }, 'cannot remove the file of a deleted segment'))
    }
  })
}

/** A file that does not exist counts as renamed. */
function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
