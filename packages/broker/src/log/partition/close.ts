// Ending the use of one log: closing it properly, or moving its folder away because its topic was deleted.
import { join } from 'node:path'
import { encodeProducers } from '../producers/producer-snapshot.ts'
import { saveIndex } from '../segment/segment.ts'
import { filesOf, logFile } from '../segment/segment-files.ts'
import type { LogContext } from './context.ts'
import { type ClosedFolder, partitionName } from './folders.ts'
import { readAges } from './retention.ts'
import { writeProducerSnapshot } from './roll.ts'
import { activeSegment, type LogState, notifyListeners } from './state.ts'
import { syncAll } from './sync.ts'

/** A log that was only read is not synced when it is closed, unless checking it again at the next start would take long. */
const longCheckBytes = 16 * 1024 * 1024

/** Ends all further use of the log. @param reason the message that its users get */
export function stopUse(context: LogContext, state: LogState, reason: string): void {
  if (state.closedReason !== undefined) return
  state.closedReason = reason
  context.deadlines.cancel(state)
  notifyListeners(state)
}

/**
 * Syncs everything and leaves the log as a proper shutdown does.
 * @returns what is left of it; undefined when it never had a folder, or its use had been ended before
 */
export function closeLog(context: LogContext, state: LogState): Promise<ClosedFolder | undefined> {
  // In one turn of the queue, so that no batch is written while the end of the log is recorded: such a batch fails.
  return state.queue.exclusive(async () => {
    if (state.closedReason !== undefined) return undefined
    const isUntouched =
      state.appendedBytes === 0 && !state.syncFailed && activeSegment(state).sizeBytes < longCheckBytes
    if (!isUntouched) await syncAll(context, state)
    await state.finishing
    if (state.onDisk && state.snapshotOffset !== state.highWatermark && !isUntouched) {
      await saveIndex(context, activeSegment(state))
      await writeProducerSnapshot(context, state, state.highWatermark, encodeProducers(state.producers))
    }
    const ages = await readAges(context, state)
    stopUse(context, state, `the log of ${partitionName(state.ref)} is closed`)
    await forgetFiles(context, state)
    if (!state.onDisk) return undefined
    return { topicId: state.ref.topicId, isSound: true, ages, logStartOffset: state.logStartOffset }
  })
}

/**
 * Ends all further use of the log of a deleted topic and renames its folder.
 * @param name the folder's new name
 * @returns the path of the folder that remains to be removed; undefined when the log never had a folder
 */
export async function moveAway(context: LogContext, state: LogState, name: string): Promise<string | undefined> {
  stopUse(context, state, `the log of ${partitionName(state.ref)} was deleted`)
  await state.queue.drain()
  await state.finishing
  await state.syncing
  if (!state.onDisk) {
    state.tail.clear()
    return undefined
  }
  await forgetFiles(context, state)
  const target = join(context.dir, name)
  await context.fs.rename(state.dir, target)
  return target
}

/** Closes the log's files and drops what is cached of it. */
async function forgetFiles(context: LogContext, state: LogState): Promise<void> {
  state.tail.clear()
  for (const segment of state.segments) {
    context.indexes.delete(logFile(segment))
    for (const file of filesOf(segment)) await context.files.forget(file)
  }
}
