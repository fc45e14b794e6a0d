// All partition logs of a broker: opens them when they are first needed, closes them when they have not been used for a
// while, deletes them. What it does by the clock is in `housekeeping.ts`.
import { join } from 'node:path'
import type { Uuid } from '@selfmonitor/protocol'
import { createBufferPool } from '../buffer-pool.ts'
import { createLineLimiter } from '../line-limiter.ts'
import { openCheckpoint } from './checkpoint.ts'
import { writeSoon } from './checkpoint-soon.ts'
import { createDeadlines } from './deadlines.ts'
import type { LogEnv } from './env.ts'
import { LogError } from './errors.ts'
import {
  asideName,
  type ClosedFolder,
  isDeleted,
  isStray,
  parseFolderName,
  readOwner,
  unknownFolder,
} from './folders.ts'
import { nodeFs } from './fs.ts'
import { createHousekeeping } from './housekeeping.ts'
import { createIndexCache } from './index-cache.ts'
import { createTurns } from './inspect.ts'
import type { LogManagerOptions } from './manager-options.ts'
import { createOpenFiles } from './open-files.ts'
import { type ManagedLog, openPartitionLog } from './partition-log.ts'
import type { SegmentAge } from './retention.ts'
import { createSlots, type Slot, slotName } from './slots.ts'
import { createTailCache } from './tail-cache.ts'
import { createTurnstile, forEachOf } from './turnstile.ts'
import type { LogManager, PartitionLogInfo, PartitionRef } from './types.ts'

const cleanShutdownFile = 'clean-shutdown'
/** Enough for the answers that a few busy consumers wait for. */
const keptReadBytes = 16 * 1024 * 1024
/** How many logs are opened, closed or deleted at a time: each one may wait for the disk. */
const atOnce = 16

/** @throws Error when the folder cannot be read, or a newer version wrote its checkpoints */
export async function openLogManager(options: LogManagerOptions): Promise<LogManager> {
  const { dir, clock, logger } = options
  const fs = options.fs ?? nodeFs
  await fs.makeDir(dir)
  const env: LogEnv = {
    dir,
    fs,
    files: createOpenFiles(fs, options.maxOpenFiles ?? 512),
    clock,
    logger,
    tails: createTailCache(options.tailCacheBytes ?? 16 * 1024 * 1024),
    buffers: createBufferPool(keptReadBytes),
    indexes: createIndexCache(options.indexCacheBytes ?? 32 * 1024 * 1024),
    largeBatches: createTurns(),
    complaints: createLineLimiter(logger, clock),
    logStarts: await openCheckpoint(fs, join(dir, 'log-start-offset-checkpoint'), logger),
    recoveryPoints: await openCheckpoint(fs, join(dir, 'recovery-point-offset-checkpoint'), logger),
    deadlines: createDeadlines(clock),
    configOf: (topic) => options.configOf(topic),
  }
  const slots = createSlots()
  const pass = createTurnstile(atOnce)
  const background = new Set<Promise<void>>()
  let closing: Promise<void> | undefined

  const clean = (await fs.stat(join(dir, cleanShutdownFile))) !== undefined
  await fs.remove(join(dir, cleanShutdownFile))
  await fs.syncDir(dir)
  const strays: string[] = []
  for (const name of await fs.list(dir)) {
    if (isDeleted(name)) removeLater(join(dir, name))
    if (isStray(name)) strays.push(name)
    const found = parseFolderName(name)
    if (found === undefined) continue
    slots.add({ ...found, state: { kind: 'closed', folder: unknownFolder(clean) } })
  }
  if (strays.length > 0) {
    logger.warn(
      { dir, strays },
      'folders that were set aside are still there: move back what is needed, remove the others',
    )
  }

  function inBackground(work: Promise<unknown>, what: string): void {
    const done = work
      .then(
        () => {},
        (error) => logger.warn({ err: error }, what),
      )
      .finally(() => background.delete(done))
    background.add(done)
  }

  function removeLater(path: string): void {
    inBackground(fs.remove(path), 'cannot remove a deleted folder')
  }

  async function open(slot: Slot, ref: PartitionRef, folder: ClosedFolder | undefined): Promise<ManagedLog> {
    const name = slotName(slot)
    try {
      if (folder !== undefined) {
        const topicId = folder.topicId ?? (await readOwner(fs, join(dir, name)))
        if (topicId !== undefined && topicId !== ref.topicId) await clearTheWay(slot, topicId, ref.topicId)
      }
      return await openPartitionLog(env, ref, folder?.isSound ?? true)
    } catch (error) {
      if (error instanceof LogError) throw error
      logger.error({ partition: name, err: error }, 'cannot open a partition log')
      throw new LogError('KAFKA_STORAGE_ERROR', `cannot open ${name}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** The folder belongs to another topic of the same name: it goes if that one was deleted, and is left alone otherwise. */
  async function clearTheWay(slot: Slot, found: Uuid, wanted: Uuid): Promise<void> {
    if (options.ownerOf(slot.topic, found, slot.partition) === 'deleted') return await discardFolder(slot)
    const folder = join(dir, slotName(slot))
    throw new LogError(
      'KAFKA_STORAGE_ERROR',
      `${folder} belongs to a topic with id ${found}, which was never deleted; topic ${slot.topic} has id ${wanted}. If the ` +
        `file partition.metadata in it is damaged, stop the broker and write "topic_id: ${wanted}" into it; if the records ` +
        'are those of another topic, move the folder away',
    )
  }

  /** Gets the folder of a deleted topic out of the way. */
  async function discardFolder(slot: Slot): Promise<void> {
    logger.info({ partition: slotName(slot) }, 'removing the log of a topic that was deleted')
    const target = join(dir, asideName(slotName(slot), 'delete'))
    await fs.rename(join(dir, slotName(slot)), target)
    forgetOffsets(slot)
    removeLater(target)
  }

  function forgetOffsets({ topic, partition }: Slot): void {
    for (const checkpoint of [env.logStarts, env.recoveryPoints]) {
      checkpoint.delete(topic, partition)
      writeSoon(env, checkpoint)
    }
  }

  /** Takes a slot out of use while `work` closes its log or removes its folder. @param work tells what is left */
  function leave(
    slot: Slot,
    topicId: Uuid | undefined,
    work: () => Promise<ClosedFolder | undefined>,
  ): Promise<ClosedFolder | undefined> {
    const done = pass(work).then((folder) => {
      // Unless somebody has asked for the partition meanwhile.
      if (slot.state !== state) return folder
      if (folder === undefined) slots.remove(slot)
      else slot.state = { kind: 'closed', folder }
      return folder
    })
    const state = { kind: 'leaving', topicId, done } as const
    slot.state = state
    return done
  }

  function drop(slot: Slot): Promise<ClosedFolder | undefined> {
    const { state } = slot
    const name = slotName(slot)
    if (state.kind === 'leaving') return state.done
    if (state.kind === 'closed') {
      return leave(slot, undefined, async () => {
        await discardFolder(slot)
        return undefined
      })
    }
    state.log?.refuse(`the log of ${name} was deleted`)
    return leave(slot, undefined, async () => {
      // A log that could not be opened has a folder all the same.
      const log = await state.opening.catch(() => undefined)
      if (log === undefined) {
        if ((await fs.stat(join(dir, name))) !== undefined) await discardFolder(slot)
        return undefined
      }
      const target = await log.detach(asideName(name, 'delete'))
      forgetOffsets(slot)
      if (target !== undefined) removeLater(target)
      return undefined
    })
  }

  function getOpen(topic: string, topicId: Uuid, partition: number): ManagedLog | undefined {
    const state = slots.get(topic, partition)?.state
    return state?.kind === 'open' && state.ref.topicId === topicId ? state.log : undefined
  }

  /** The log, however long it takes to open it. */
  function openNow(ref: PartitionRef): Promise<ManagedLog> {
    const known = slots.get(ref.topic, ref.partition)
    if (known?.state.kind === 'open') {
      const { topicId } = known.state.ref
      if (topicId === ref.topicId) return known.state.opening
      // A request that was slow asks for a topic that is gone: the present one of that name is not to suffer for it.
      if (options.ownerOf(ref.topic, topicId, ref.partition) !== 'deleted') {
        const message = `${slotName(ref)} belongs to topic id ${topicId}, not ${ref.topicId}`
        return Promise.reject(new LogError('KAFKA_STORAGE_ERROR', message))
      }
    }
    if (closing !== undefined) return Promise.reject(new LogError('KAFKA_STORAGE_ERROR', 'the broker is stopping'))
    const slot: Slot = known ?? { topic: ref.topic, partition: ref.partition, state: nothing }
    if (known === undefined) slots.add(slot)
    const before = slot.state
    let folder: ClosedFolder | undefined
    const opening = (async () => {
      folder = before.kind === 'closed' ? before.folder : await (before.kind === 'open' ? drop(slot) : before.done)
      return await pass(() => open(slot, ref, folder))
    })()
    const state = { kind: 'open' as const, ref, opening, log: undefined as ManagedLog | undefined }
    slot.state = state
    opening.then(
      (log) => {
        state.log = log
      },
      // Whoever asked gets the error; the next one tries again.
      () => {
        if (slot.state !== state) return
        if (folder === undefined) slots.remove(slot)
        else slot.state = { kind: 'closed', folder }
      },
    )
    return opening
  }

  /** A log of gigabytes that has to be checked: clients come back for it, and meanwhile get on with their other partitions. */
  function get(ref: PartitionRef): Promise<ManagedLog> {
    const opening = openNow(ref)
    if (getOpen(ref.topic, ref.topicId, ref.partition) !== undefined) return opening
    return new Promise((resolve, reject) => {
      const cancel = clock.setTimer(options.openPatienceMs ?? 2000, () => {
        const message = `${slotName(ref)} is being checked, because the broker was not shut down properly: try again`
        reject(new LogError('NOT_LEADER_OR_FOLLOWER', message))
      })
      opening.then(resolve, reject).finally(cancel)
    })
  }

  /** Puts a folder that the metadata does not know out of the way, as Kafka does, and says so. */
  async function setAside(slot: Slot, topicId: Uuid): Promise<void> {
    await leave(slot, topicId, async () => {
      const name = asideName(slotName(slot), 'stray')
      await fs.rename(join(dir, slotName(slot)), join(dir, name))
      forgetOffsets(slot)
      logger.warn(
        { partition: slotName(slot), topicId, folder: join(dir, name) },
        'set aside the records of a partition that the metadata does not know and that was never deleted: if they are needed, ' +
          'stop the broker, restore metadata/metadata.log from a backup and give the folder its name back; remove it otherwise',
      )
      return undefined
    })
  }

  async function closeIdle(slot: Slot): Promise<void> {
    const { state } = slot
    if (state.kind !== 'open' || state.log === undefined) return
    const { log, ref } = state
    await leave(slot, ref.topicId, async () => {
      await log.close()
      return log.folder()
    }).catch((error) => {
      logger.error({ partition: slotName(slot), err: error }, 'a partition log was not closed properly')
      slot.state = { kind: 'closed', folder: unknownFolder(false) }
    })
  }

  const housekeeping = createHousekeeping({
    env,
    slots,
    clean,
    options,
    pass,
    inBackground,
    isClosing: () => closing !== undefined,
    openNow,
    drop,
    setAside,
    closeIdle,
  })

  async function close(): Promise<void> {
    env.deadlines.cancelAll()
    env.complaints.close()
    await Promise.all(background)
    let allSound = true
    const closeOne = async (slot: Slot) => {
      try {
        if (slot.state.kind === 'leaving') await slot.state.done
        if (slot.state.kind === 'open') await (await slot.state.opening).close()
        // A folder that is as doubtful as it was after a crash.
        if (slot.state.kind === 'closed' && !slot.state.folder.isSound) allSound = false
      } catch (error) {
        allSound = false
        logger.error({ partition: slotName(slot), err: error }, 'a partition log was not closed properly')
      }
    }
    await forEachOf(slots.all(), closeOne)
    await env.logStarts.write()
    await env.recoveryPoints.write()
    await env.files.closeAll()
    if (allSound) await fs.replaceFile(join(dir, cleanShutdownFile), 'all logs are complete and synced\n')
    await Promise.all(background)
  }

  return {
    dir,
    get,
    getOpen,

    async deleteTopic(topic, topicId) {
      const dropped: Promise<unknown>[] = []
      for (const slot of slots.ofTopic(topic)) {
        const { state } = slot
        if (state.kind === 'open' && state.ref.topicId === topicId) dropped.push(drop(slot))
        else if (state.kind === 'leaving' && state.topicId === topicId) {
          dropped.push(state.done.then((folder) => folder && dropClosed(slot, topicId)))
        } else if (state.kind === 'closed') dropped.push(dropClosed(slot, topicId))
      }
      await Promise.all(dropped)
    },

    configChanged(topic) {
      for (const { state } of slots.ofTopic(topic)) if (state.kind === 'open') state.log?.configChanged()
    },

    async describe() {
      const infos: PartitionLogInfo[] = []
      await forEachOf(slots.all(), async (slot) => {
        const { topic, partition } = slot
        if (slot.state.kind === 'leaving') await slot.state.done
        const ages = (await housekeeping.look(slot))?.ages
        const { state } = slot
        const log = state.kind === 'open' ? state.log : undefined
        if (state.kind !== 'leaving') infos.push({ topic, partition, sizeBytes: log?.sizeBytes ?? sizeOf(ages ?? []) })
      })
      return infos
    },

    volume: () => fs.volume(dir),
    enforceRetention: housekeeping.enforceRetention,
    checkFolders(onProgress) {
      const checked = housekeeping.checkFolders(onProgress)
      inBackground(checked, 'the folders of partitions could not be checked')
      return checked
    },

    close() {
      closing ??= close()
      return closing
    },
  }

  /** Drops a folder that nobody has opened, if it is the topic's or does not say whose it is. */
  async function dropClosed(slot: Slot, topicId: Uuid): Promise<void> {
    const found = await pass(() => readOwner(fs, join(dir, slotName(slot)))).catch(() => undefined)
    if (slot.state.kind === 'closed' && (found === undefined || found === topicId)) await drop(slot)
  }
}

const sizeOf = (ages: readonly SegmentAge[]): number => ages.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)

/** The state of a slot before its first use. */
const nothing = { kind: 'leaving', topicId: undefined, done: Promise.resolve(undefined) } as const
