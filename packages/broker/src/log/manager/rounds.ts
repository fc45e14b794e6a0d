// What happens to all partition logs at intervals: retention, closing idle logs, writing checkpoints.

import { partitionName } from '../partition/folders.ts'
import { expiredSegments } from '../partition/retention-rules.ts'
import { createSharedRuns } from '../scheduling/shared-runs.ts'
import { forEachOf } from '../scheduling/work-limit.ts'
import { inspectFolder } from './folder-checks.ts'
import { closeIdle, openLog } from './lifecycle.ts'
import { type ManagerState, runInBackground } from './manager-state.ts'
import type { Slot } from './slots.ts'

const checkpointIntervalMs = 60_000
const firstRetentionCheckMs = 30_000
const defaultIntervalMs = 300_000
const defaultProducerIdExpirationMs = 86_400_000

/** Starts the rounds; `context.deadlines` ends them. @returns a function that runs the round of retention now */
export function startRounds(manager: ManagerState): () => Promise<void> {
  const { context, options } = manager
  // One round at a time: of two that overlap, each would delete the same segments.
  const runRetentionRound = createSharedRuns(() => deleteExpiredOfAll(manager))
  const closeIdleLogs = createSharedRuns(() => closeIdleAll(manager))
  repeat(manager, checkpointIntervalMs, checkpointIntervalMs, () => {
    runInBackground(manager, context.recoveryPoints.write(), 'cannot write the recovery points')
    runInBackground(manager, context.logStarts.write(), 'cannot write the log start offsets')
  })
  repeat(manager, firstRetentionCheckMs, options.retentionCheckIntervalMs ?? defaultIntervalMs, () =>
    runInBackground(manager, runRetentionRound(), 'retention failed'),
  )
  const idleMs = options.idleCheckIntervalMs ?? defaultIntervalMs
  repeat(manager, idleMs, idleMs, () => runInBackground(manager, closeIdleLogs(), 'closing idle logs failed'))
  return runRetentionRound
}

function repeat(manager: ManagerState, delayMs: number, intervalMs: number, action: () => void, key = {}): void {
  manager.context.deadlines.ensure(key, delayMs, () => {
    action()
    repeat(manager, intervalMs, intervalMs, action, key)
  })
}

async function deleteExpiredOfAll(manager: ManagerState): Promise<void> {
  const { context, options, slots } = manager
  const producersBeforeMs = context.clock.now() - (options.producerIdExpirationMs ?? defaultProducerIdExpirationMs)
  await forEachOf(slots.all(), async (slot) => {
    if (manager.closing) return
    try {
      await deleteExpired(manager, slot, producersBeforeMs)
    } catch (error) {
      context.logger.error({ partition: partitionName(slot), err: error }, 'retention failed for a partition')
    }
  })
}

/** Applies retention to one partition. A closed log is opened only if there is something to delete. */
async function deleteExpired(manager: ManagerState, slot: Slot, producersBeforeMs: number): Promise<void> {
  const folder = await inspectFolder(manager, slot)
  // Read last: a request may have opened it meanwhile.
  const { state } = slot
  if (state.kind === 'open' || state.kind === 'opening') return (await state.log).enforceRetention(producersBeforeMs)
  if (folder?.topicId === undefined || folder.ages === undefined) return
  const { topicId } = folder
  if (manager.options.ownerOf(slot.topic, topicId, slot.partition) !== 'current') return
  const { context } = manager
  const config = context.configOf(slot.topic)
  if (expiredSegments(folder.ages, config, folder.logStartOffset, context.clock.now()) === 0) return
  const log = await openLog(manager, { ...slot, topicId })
  await log.enforceRetention(producersBeforeMs)
}

/** Closes the logs that were not used since the last round. */
async function closeIdleAll(manager: ManagerState): Promise<void> {
  await forEachOf(manager.slots.all(), async (slot) => {
    const { state } = slot
    if (state.kind === 'open' && !manager.closing && !state.log.takeUsed()) await closeIdle(manager, slot)
  })
}
