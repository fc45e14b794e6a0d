// Closing all partition logs when the broker stops.
import type { LogContext } from '../partition/context.ts'
import { partitionName } from '../partition/folders.ts'
import { forEachOf } from '../scheduling/work-limit.ts'
import { writeCleanShutdownMarker } from './clean-shutdown.ts'
import type { ManagerState } from './manager-state.ts'
import type { Slot } from './slots.ts'

/** Closes every log and writes the checkpoints, and the marker of a proper shutdown if all logs are complete. */
export async function closeAll(manager: ManagerState): Promise<void> {
  const { context, background, slots } = manager
  manager.closing = true
  context.deadlines.cancelAll()
  context.limitedLog.close()
  await Promise.all(background)
  let allSound = true
  await forEachOf(slots.all(), async (slot) => {
    if (!(await closeSlot(context, slot))) allSound = false
  })
  await context.logStarts.write()
  await context.recoveryPoints.write()
  await context.files.closeAll()
  if (allSound) await writeCleanShutdownMarker(context)
  await Promise.all(background)
}

/** @returns whether the log needs no check at the next start */
async function closeSlot({ logger }: LogContext, slot: Slot): Promise<boolean> {
  try {
    if (slot.state.kind === 'leaving') await slot.state.done
    const { state } = slot
    if (state.kind === 'open' || state.kind === 'opening') await (await state.log).close()
    // A folder that nothing has checked after a crash is still unchecked.
    return state.kind !== 'closed' || state.folder.isSound
  } catch (error) {
    logger.error({ partition: partitionName(slot), err: error }, 'a partition log was not closed properly')
    return false
  }
}
