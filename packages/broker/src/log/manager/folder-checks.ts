// The folders whose logs are closed: reading what is known of one, and checking all of them after a start: which topic they belong
// to and whether they are complete.
import { join } from 'node:path'
import { checkFolder } from '../partition/folder-check.ts'
import { type ClosedFolder, partitionName, readOwner } from '../partition/folders.ts'
import { forEachOf } from '../scheduling/work-limit.ts'
import type { CheckProgress } from '../types.ts'
import { openLog, removeLog, setAsideUnknown } from './lifecycle.ts'
import type { ManagerState } from './manager-state.ts'
import type { Slot } from './slots.ts'

/** How often the progress of checking folders is logged, in folders. */
const logEvery = 5000

/** @returns what is known of a folder whose log is closed, read on the first call; undefined when the log is not closed any more */
export async function inspectFolder(manager: ManagerState, slot: Slot): Promise<ClosedFolder | undefined> {
  const { state } = slot
  if (state.kind !== 'closed') return undefined
  if (state.folder.ages !== undefined) return state.folder
  const { context, limited } = manager
  const folder = await limited(async () => {
    const topicId = state.folder.topicId ?? (await readOwner(context.fs, join(context.dir, partitionName(slot))))
    const found = await checkFolder(context, slot.topic, slot.partition)
    return { topicId, isSound: !found.needsRepair, ages: found.ages, logStartOffset: found.logStartOffset }
  })
  // Unless it has been opened or deleted meanwhile.
  if (slot.state !== state) return undefined
  slot.state = { kind: 'closed', folder }
  return folder
}

/** Checks the folder of every closed log. @returns false when the broker was stopped meanwhile */
export async function checkFolders(
  manager: ManagerState,
  onProgress?: (progress: CheckProgress) => void,
): Promise<boolean> {
  const { cleanStart } = manager
  const { logger } = manager.context
  const closed = manager.slots.all().filter(({ state }) => state.kind === 'closed')
  const total = closed.length
  if (!cleanStart && total > 0) {
    logger.info({ partitions: total }, 'the broker was not shut down properly: partition logs are checked')
  }
  let done = 0
  await forEachOf(closed, async (slot) => {
    if (manager.closing) return
    await check(manager, slot)
    done++
    onProgress?.({ done, total })
    if (!cleanStart && done % logEvery === 0) logger.info({ done, total }, 'checking partition logs')
  })
  if (!cleanStart && done === total && total > 0) logger.info({ partitions: total }, 'partition logs are checked')
  return done === total
}

/** Checks which topic a folder belongs to and whether it is complete. Opens the log if it has to be repaired or reported. */
async function check(manager: ManagerState, slot: Slot): Promise<void> {
  try {
    const folder = await inspectFolder(manager, slot)
    // Without its metadata a folder waits for the first request, which knows the topic.
    if (folder?.topicId === undefined) return
    const { topicId } = folder
    switch (manager.options.ownerOf(slot.topic, topicId, slot.partition)) {
      case 'deleted':
        await removeLog(manager, slot)
        return
      case 'unknown':
        await setAsideUnknown(manager, slot, topicId)
        return
      case 'current':
        if (!folder.isSound) await openLog(manager, { ...slot, topicId })
        return
    }
  } catch (error) {
    if (manager.closing) return
    manager.context.logger.error({ partition: partitionName(slot), err: error }, 'a partition cannot be used')
  }
}
