// All partition logs of a broker, as the rest of the broker uses them: opened when they are first needed, closed when they have
// not been used for a while, deleted with their topics.
import { join } from 'node:path'
import type { Uuid } from '@selfmonitor/protocol'
import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import { createBufferPool } from '../../buffer-pool.ts'
import { createLineLimiter } from '../../line-limiter.ts'
import { BrokerCounters } from '../../metrics/index.ts'
import { openCheckpoint } from '../disk/checkpoint.ts'
import { type LogFs, nodeFs } from '../disk/fs.ts'
import { createOpenFiles } from '../disk/open-files.ts'
import type { LogContext } from '../partition/context.ts'
import { isDeleted, isStray, parseFolderName, partitionName, unknownFolder } from '../partition/folders.ts'
import type { PartitionLog } from '../partition/partition-log.ts'
import type { SegmentAge } from '../partition/retention-rules.ts'
import { createTailCache } from '../partition/tail-cache.ts'
import { createDeadlines } from '../scheduling/deadlines.ts'
import { createWorkLimit, forEachOf } from '../scheduling/work-limit.ts'
import type { SegmentIndex } from '../segment/segment-index.ts'
import type { CheckProgress, PartitionLogInfo, PartitionRef } from '../types.ts'
import { checkFolders, inspectFolder } from './folder-checks.ts'
import { openLogSoon, removeClosed, removeInBackground, removeLog } from './lifecycle.ts'
import type { LogManagerOptions } from './manager-options.ts'
import { type ManagerState, runInBackground } from './manager-state.ts'
import { startRounds } from './rounds.ts'
import { type Slot, Slots } from './slots.ts'

const cleanShutdownFile = 'clean-shutdown'
/** Enough for the answers that a few busy consumers wait for. */
const keptReadBytes = 16 * 1024 * 1024
/** How many logs are opened, closed or deleted at a time: each one may wait for the disk. */
const atOnce = 16

/** @throws Error when the folder cannot be read, or a newer version wrote its checkpoints */
export async function openLogManager(options: LogManagerOptions): Promise<LogManager> {
  const fs = options.fs ?? nodeFs
  await fs.makeDir(options.dir)
  const context = await createContext(options, fs)
  const cleanStart = await takeCleanShutdownMarker(context)
  const manager: ManagerState = {
    context,
    options,
    slots: new Slots(),
    cleanStart,
    limited: createWorkLimit(atOnce),
    background: new Set(),
    closing: false,
  }
  await listFolders(manager)
  return new LogManager(manager, startRounds(manager))
}

async function createContext(options: LogManagerOptions, fs: LogFs): Promise<LogContext> {
  const { dir, clock, logger } = options
  const deadlines = createDeadlines(clock)
  const checkpoint = (name: string) => openCheckpoint({ fs, path: join(dir, name), logger, deadlines })
  return {
    dir,
    fs,
    files: createOpenFiles(fs, options.maxOpenFiles ?? 512),
    clock,
    logger,
    tails: createTailCache(options.tailCacheBytes ?? 16 * 1024 * 1024),
    buffers: createBufferPool(keptReadBytes),
    indexes: new LRUCache({
      // The library does not accept a limit of 0; with 1 only empty indexes are kept.
      maxSize: Math.max(1, options.indexCacheBytes ?? 32 * 1024 * 1024),
      sizeCalculation: ({ sizeBytes }: SegmentIndex) => Math.max(1, sizeBytes),
    }),
    largeBatches: pLimit(1),
    limitedLog: createLineLimiter(logger, clock),
    logStarts: await checkpoint('log-start-offset-checkpoint'),
    recoveryPoints: await checkpoint('recovery-point-offset-checkpoint'),
    deadlines,
    counters: options.counters ?? new BrokerCounters(),
    configOf: (topic) => options.configOf(topic),
  }
}

/** Removes the marker of a proper shutdown. @returns whether it was there */
async function takeCleanShutdownMarker({ dir, fs }: LogContext): Promise<boolean> {
  const file = join(dir, cleanShutdownFile)
  const found = (await fs.stat(file)) !== undefined
  await fs.remove(file)
  await fs.syncDir(dir)
  return found
}

/** Makes a slot for each partition that has a folder, and continues to remove the folders of deleted topics. */
async function listFolders(manager: ManagerState): Promise<void> {
  const { dir, fs, logger } = manager.context
  const strays: string[] = []
  for (const name of await fs.list(dir)) {
    if (isDeleted(name)) removeInBackground(manager, join(dir, name))
    if (isStray(name)) strays.push(name)
    const found = parseFolderName(name)
    if (found === undefined) continue
    manager.slots.add({ ...found, state: { kind: 'closed', folder: unknownFolder(manager.cleanStart) } })
  }
  if (strays.length > 0) {
    logger.warn(
      { dir, strays },
      'folders that were set aside still exist: move back those that you need, and remove the others',
    )
  }
}

export class LogManager {
  /** The folder that holds the partition folders. */
  readonly dir: string
  /** Deletes what retention allows, in all logs, and forgets expired producers. Also runs on a timer. */
  readonly enforceRetention: () => Promise<void>
  private readonly state: ManagerState
  private closed: Promise<void> | undefined

  constructor(state: ManagerState, enforceRetention: () => Promise<void>) {
    this.dir = state.context.dir
    this.enforceRetention = enforceRetention
    this.state = state
  }

  /**
   * The log of a partition that exists, opened (and, when new, created) on first use. A folder left behind by a
   * deleted topic of the same name is recognised by its topic id and removed. A log that has not been used for some minutes
   * is closed: call this again for each use.
   * @throws LogError KAFKA_STORAGE_ERROR; NOT_LEADER_OR_FOLLOWER while opening or checking it takes long: try again
   */
  get(ref: PartitionRef): Promise<PartitionLog> {
    return openLogSoon(this.state, ref)
  }

  /** The same log when it is already open: no promise on the hot path. */
  getOpen(topic: string, topicId: Uuid, partition: number): PartitionLog | undefined {
    const state = this.state.slots.get(topic, partition)?.state
    return state?.kind === 'open' && state.ref.topicId === topicId ? state.log : undefined
  }

  /** Deletes the logs of a topic: the folders are renamed at once and removed soon after. Safe when there are none. */
  async deleteTopic(topic: string, topicId: Uuid): Promise<void> {
    await Promise.all(this.state.slots.ofTopic(topic).map((slot) => this.deletePartition(slot, topicId)))
  }

  private async deletePartition(slot: Slot, topicId: Uuid): Promise<void> {
    const { state } = slot
    switch (state.kind) {
      case 'open':
      case 'opening':
        if (state.ref.topicId === topicId) await removeLog(this.state, slot)
        return
      case 'leaving':
        if (state.topicId === topicId && (await state.done)) await removeClosed(this.state, slot, topicId)
        return
      case 'closed':
        await removeClosed(this.state, slot, topicId)
        return
    }
  }

  /** Tells the open logs of a topic that its configuration changed. */
  configChanged(topic: string): void {
    for (const { state } of this.state.slots.ofTopic(topic)) if (state.kind === 'open') state.log.configChanged()
  }

  /** Every partition with a folder, with its size on disk (DescribeLogDirs). */
  async describe(): Promise<readonly PartitionLogInfo[]> {
    const infos: PartitionLogInfo[] = []
    await forEachOf(this.state.slots.all(), async (slot) => {
      const { topic, partition } = slot
      if (slot.state.kind === 'leaving') await slot.state.done
      const ages = (await inspectFolder(this.state, slot))?.ages
      const { state } = slot
      if (state.kind === 'leaving') return
      const sizeBytes = state.kind === 'open' ? state.log.sizeBytes : totalBytes(ages ?? [])
      infos.push({ topic, partition, sizeBytes })
    })
    return infos
  }

  /** Total and usable bytes of the volume. */
  volume(): Promise<{ readonly totalBytes: bigint; readonly usableBytes: bigint }> {
    return this.state.context.fs.volume(this.dir)
  }

  /**
   * To be called once, when requests are already served: checks every folder that is not in use. Folders of deleted topics are
   * removed, those of unknown ones are set aside, and after a crash every log is checked and torn tails are cut. A log that a
   * request needs is checked first.
   * @returns false when it was ended by `close`
   */
  checkFolders(onProgress?: (progress: CheckProgress) => void): Promise<boolean> {
    const checked = checkFolders(this.state, onProgress)
    runInBackground(this.state, checked, 'the folders of partitions could not be checked')
    return checked
  }

  /** Waits for writes under way, syncs everything, writes snapshots and the clean-shutdown marker. Safe to call twice. */
  close(): Promise<void> {
    this.closed ??= closeAll(this.state)
    return this.closed
  }
}

async function closeAll(manager: ManagerState): Promise<void> {
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
  if (allSound) {
    await context.fs.replaceFile(join(context.dir, cleanShutdownFile), 'all logs are complete and synced\n')
  }
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

const totalBytes = (ages: readonly SegmentAge[]): number => ages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
