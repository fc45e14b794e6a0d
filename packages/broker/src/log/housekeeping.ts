// What happens to partition logs by the clock and after a start: checking folders, retention, closing idle logs, writing
// checkpoints.
import { join } from 'node:path'
import type { Uuid } from '@selfmonitor/protocol'
import type { LogEnv } from './env.ts'
import { checkFolder } from './folder-check.ts'
import { type ClosedFolder, readOwner } from './folders.ts'
import type { LogManagerOptions } from './manager-options.ts'
import type { ManagedLog } from './partition-log.ts'
import { expiredSegments } from './retention.ts'
import { createSharedRuns } from './shared-runs.ts'
import { type Slot, type Slots, slotName } from './slots.ts'
import { forEachOf } from './turnstile.ts'
import type { CheckProgress, PartitionRef } from './types.ts'

const checkpointIntervalMs = 60_000
const firstRetentionCheckMs = 30_000
/** How often the progress of checking folders is logged, in folders. */
const logEvery = 5000

export interface HousekeepingContext {
  readonly env: LogEnv
  readonly slots: Slots
  /** Whether the broker was shut down properly. */
  readonly clean: boolean
  readonly options: LogManagerOptions
  /** Lets a few pieces of work through at a time. */
  readonly pass: <T>(work: () => Promise<T>) => Promise<T>
  readonly inBackground: (work: Promise<unknown>, what: string) => void
  readonly isClosing: () => boolean
  /** Opens a log, however long it takes. */
  readonly openNow: (ref: PartitionRef) => Promise<ManagedLog>
  readonly drop: (slot: Slot) => Promise<unknown>
  readonly setAside: (slot: Slot, topicId: Uuid) => Promise<void>
  readonly closeIdle: (slot: Slot) => Promise<void>
}

export interface Housekeeping {
  enforceRetention(): Promise<void>
  checkFolders(onProgress?: (progress: CheckProgress) => void): Promise<boolean>
  /** What is known of a folder whose log is closed; looked up when nobody has yet. Undefined when it is not closed any more. */
  look(slot: Slot): Promise<ClosedFolder | undefined>
}

export function createHousekeeping(context: HousekeepingContext): Housekeeping {
  const { env, slots, clean, options, pass, isClosing } = context
  const { clock, logger, fs } = env

  async function look(slot: Slot): Promise<ClosedFolder | undefined> {
    const { state } = slot
    if (state.kind !== 'closed') return undefined
    if (state.folder.ages !== undefined) return state.folder
    const folder = await pass(async () => {
      const topicId = state.folder.topicId ?? (await readOwner(fs, join(env.dir, slotName(slot))))
      const found = await checkFolder(env, slot.topic, slot.partition)
      return { topicId, isSound: !found.isDoubtful, ages: found.ages, logStartOffset: found.logStartOffset }
    })
    // Unless it has been opened or deleted meanwhile.
    if (slot.state !== state) return undefined
    slot.state = { kind: 'closed', folder }
    return folder
  }

  /** Looks at one folder: whose it is, and whether it is whole. Opens the log where it has to be mended or reported. */
  async function check(slot: Slot): Promise<void> {
    try {
      const folder = await look(slot)
      // Without its metadata a folder waits for the first request, which knows the topic.
      if (folder?.topicId === undefined) return
      const { topicId } = folder
      switch (options.ownerOf(slot.topic, topicId, slot.partition)) {
        case 'deleted':
          await context.drop(slot)
          return
        case 'unknown':
          return await context.setAside(slot, topicId)
        case 'current':
          if (!folder.isSound) await context.openNow({ ...slot, topicId })
          return
      }
    } catch (error) {
      if (!isClosing()) logger.error({ partition: slotName(slot), err: error }, 'a partition cannot be used')
    }
  }

  async function checkFolders(onProgress?: (progress: CheckProgress) => void): Promise<boolean> {
    const closed = slots.all().filter(({ state }) => state.kind === 'closed')
    const total = closed.length
    if (!clean && total > 0) {
      logger.info({ partitions: total }, 'the broker was not shut down properly: partition logs are checked')
    }
    let done = 0
    await forEachOf(closed, async (slot) => {
      if (isClosing()) return
      await check(slot)
      done++
      onProgress?.({ done, total })
      if (!clean && done % logEvery === 0) logger.info({ done, total }, 'checking partition logs')
    })
    if (!clean && done === total && total > 0) logger.info({ partitions: total }, 'partition logs are checked')
    return done === total
  }

  /** One pass at a time: what two of them would drop, each would drop once more. */
  const enforceRetention = createSharedRuns(async () => {
    const producersBeforeMs = clock.now() - (options.producerIdExpirationMs ?? 86_400_000)
    await forEachOf(slots.all(), async (slot) => {
      if (isClosing()) return
      try {
        await retain(slot, producersBeforeMs)
      } catch (error) {
        logger.error({ partition: slotName(slot), err: error }, 'retention failed for a partition')
      }
    })
  })

  async function retain(slot: Slot, producersBeforeMs: number): Promise<void> {
    const folder = await look(slot)
    // Looked at last: somebody may have opened it meanwhile.
    if (slot.state.kind === 'open') return (await slot.state.opening).enforceRetention(producersBeforeMs)
    if (folder?.topicId === undefined || folder.ages === undefined) return
    const { topicId } = folder
    if (options.ownerOf(slot.topic, topicId, slot.partition) !== 'current') return
    const config = env.configOf(slot.topic)
    if (expiredSegments(folder.ages, config, folder.logStartOffset, clock.now()) === 0) return
    const log = await context.openNow({ ...slot, topicId })
    await log.enforceRetention(producersBeforeMs)
  }

  /** Closes what was not used since the last pass. */
  const closeIdleLogs = createSharedRuns(() =>
    forEachOf(slots.all(), async (slot) => {
      const log = slot.state.kind === 'open' ? slot.state.log : undefined
      if (log !== undefined && !isClosing() && !log.takeUsed()) await context.closeIdle(slot)
    }),
  )

  const repeat = (delayMs: number, intervalMs: number, action: () => void, key: object = {}): void =>
    env.deadlines.ensure(key, delayMs, () => {
      action()
      repeat(intervalMs, intervalMs, action, key)
    })
  const { inBackground } = context
  repeat(checkpointIntervalMs, checkpointIntervalMs, () => {
    inBackground(env.recoveryPoints.write(), 'cannot write the recovery points')
    inBackground(env.logStarts.write(), 'cannot write the log start offsets')
  })
  repeat(firstRetentionCheckMs, options.retentionCheckIntervalMs ?? 300_000, () =>
    inBackground(enforceRetention(), 'retention failed'),
  )
  const idleMs = options.idleCheckIntervalMs ?? 300_000
  repeat(idleMs, idleMs, () => inBackground(closeIdleLogs(), 'closing idle logs failed'))

  return { enforceRetention, checkFolders, look }
}
