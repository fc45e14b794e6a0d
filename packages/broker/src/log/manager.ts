// All partition logs of a broker: opens them when they are first needed, deletes them, and does the housekeeping.
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Uuid } from '@selfmonitor/protocol'
import { createBufferPool } from '../buffer-pool.ts'
import type { Clock, Logger } from '../types.ts'
import { openCheckpoint } from './checkpoint.ts'
import { createDeadlines } from './deadlines.ts'
import type { LogEnv } from './env.ts'
import { LogError } from './errors.ts'
import { metadataFile } from './folder.ts'
import { type LogFs, nodeFs } from './fs.ts'
import { createIndexCache } from './index-cache.ts'
import { createTurns } from './inspect.ts'
import { createOpenFiles } from './open-files.ts'
import { type ManagedLog, openPartitionLog } from './partition-log.ts'
import { createSharedRuns } from './shared-runs.ts'
import { createTailCache } from './tail-cache.ts'
import type { LogConfig, LogManager, PartitionLogInfo, PartitionRef } from './types.ts'

export interface LogManagerOptions {
  /** Folder for the partitions' folders; created when missing. */
  readonly dir: string
  readonly clock: Clock
  readonly logger: Logger
  /** The settings of a topic as they are now (`toLogConfig(topic.config)`). */
  configOf(topic: string): LogConfig
  /** `producer.id.expiration.ms`. Default 1 day. */
  readonly producerIdExpirationMs?: number
  /** `log.retention.check.interval.ms`. Default 5 minutes. */
  readonly retentionCheckIntervalMs?: number
  /** Most segment files open at once. Default 512. */
  readonly maxOpenFiles?: number
  /** Memory for the newest batches, over all partitions. Default 16 MiB. */
  readonly tailCacheBytes?: number
  /** Memory for indexes of older segments. Default 32 MiB. */
  readonly indexCacheBytes?: number
  /** Default: the real file system. */
  readonly fs?: LogFs
}

const cleanShutdownFile = 'clean-shutdown'
const folderPattern = /^(.+)-(\d+)$/
/** Enough for the answers that a few busy consumers wait for. */
const keptReadBytes = 16 * 1024 * 1024
const checkpointIntervalMs = 60_000
const firstRetentionCheckMs = 30_000

interface Entry {
  readonly ref: PartitionRef
  readonly opening: Promise<ManagedLog>
  log: ManagedLog | undefined
}

/** @throws Error when the folder or its checkpoints cannot be read, or were written by a newer version */
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
    logStarts: await openCheckpoint(fs, join(dir, 'log-start-offset-checkpoint')),
    recoveryPoints: await openCheckpoint(fs, join(dir, 'recovery-point-offset-checkpoint')),
    deadlines: createDeadlines(clock),
    configOf: (topic) => options.configOf(topic),
  }
  const entries = new Map<string, Entry>()
  /** Folders that were there at the start, by name; those not opened yet. */
  const unopened = new Set<string>()
  const background = new Set<Promise<void>>()
  let closing: Promise<void> | undefined

  const names = await fs.list(dir)
  const clean = (await fs.stat(join(dir, cleanShutdownFile))) !== undefined
  await fs.remove(join(dir, cleanShutdownFile))
  await fs.syncDir(dir)
  for (const name of names) {
    if (name.endsWith('-delete')) removeLater(join(dir, name))
    else if (folderPattern.test(name)) unopened.add(name)
  }
  if (!clean && unopened.size > 0) {
    logger.info({ partitions: unopened.size }, 'the broker was not shut down properly: partition logs are checked')
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

  async function open(ref: PartitionRef): Promise<ManagedLog> {
    const name = `${ref.topic}-${ref.partition}`
    try {
      if (unopened.has(name)) {
        const topicId = await topicIdOf(join(dir, name))
        if (topicId !== undefined && topicId !== ref.topicId) await discardFolder(name, ref)
      }
      const log = await openPartitionLog(env, ref, clean)
      unopened.delete(name)
      return log
    } catch (error) {
      if (error instanceof LogError) throw error
      logger.error({ partition: name, err: error }, 'cannot open a partition log')
      throw new LogError('KAFKA_STORAGE_ERROR', `cannot open ${name}: ${(error as Error).message}`, { cause: error })
    }
  }

  /** The topic that a partition folder belongs to; undefined when it does not say. */
  async function topicIdOf(folder: string): Promise<Uuid | undefined> {
    const content = (await fs.readFile(join(folder, metadataFile)))?.toString('utf8')
    // Empty: the machine lost power before the file was synced, and nothing of the log had been either.
    if (content === undefined || content.trim() === '') return undefined
    const version = /^version: (\d+)$/m.exec(content)?.[1]
    if (version !== '0') {
      throw new LogError(
        'KAFKA_STORAGE_ERROR',
        `${folder} has log format ${version ?? '?'}; this version reads format 0. It was written by a newer version.`,
      )
    }
    return /^topic_id: (\S+)$/m.exec(content)?.[1]
  }

  /** Gets the folder of a deleted topic out of the way. */
  async function discardFolder(
    name: string,
    { topic, partition }: { topic: string; partition: number },
  ): Promise<void> {
    logger.info({ partition: name }, 'removing the log of a topic that was deleted')
    const target = join(dir, deletedName(name))
    await fs.rename(join(dir, name), target)
    unopened.delete(name)
    env.logStarts.delete(topic, partition)
    env.recoveryPoints.delete(topic, partition)
    removeLater(target)
  }

  async function drop(name: string, entry: Entry): Promise<void> {
    entries.delete(name)
    // A log that could not be opened has a folder all the same.
    const log = await entry.opening.catch(() => undefined)
    if (log === undefined) {
      if ((await fs.stat(join(dir, name))) !== undefined) await discardFolder(name, entry.ref)
      return
    }
    const target = await log.detach(deletedName(name))
    env.logStarts.delete(entry.ref.topic, entry.ref.partition)
    env.recoveryPoints.delete(entry.ref.topic, entry.ref.partition)
    if (target !== undefined) removeLater(target)
  }

  function get(ref: PartitionRef): Promise<ManagedLog> {
    const name = `${ref.topic}-${ref.partition}`
    const known = entries.get(name)
    if (known !== undefined && known.ref.topicId === ref.topicId) return known.opening
    if (closing !== undefined) return Promise.reject(new LogError('KAFKA_STORAGE_ERROR', 'the broker is stopping'))
    const opening = known === undefined ? open(ref) : drop(name, known).then(() => open(ref))
    const entry: Entry = { ref, opening, log: undefined }
    entries.set(name, entry)
    opening.then(
      (log) => {
        entry.log = log
      },
      // Whoever asked gets the error; the next one tries again.
      () => {
        if (entries.get(name) === entry) entries.delete(name)
      },
    )
    return opening
  }

  /** One pass at a time: what two of them would drop, each would drop once more. */
  const enforceRetention = createSharedRuns(retentionPass)

  async function retentionPass(): Promise<void> {
    const producersBeforeMs = clock.now() - (options.producerIdExpirationMs ?? 86_400_000)
    for (const name of [...unopened]) await openFolder(name)
    for (const { opening, ref } of [...entries.values()]) {
      if (closing !== undefined) return
      try {
        await (await opening).enforceRetention(producersBeforeMs)
      } catch (error) {
        logger.error({ partition: `${ref.topic}-${ref.partition}`, err: error }, 'retention failed for a partition')
      }
    }
  }

  /** Opens a folder that nobody has asked for yet. */
  async function openFolder(name: string): Promise<void> {
    const parts = folderPattern.exec(name)
    if (parts === null || closing !== undefined || !unopened.has(name)) return
    const ref = { topic: parts[1]!, partition: Number(parts[2]) }
    try {
      const topicId = await topicIdOf(join(dir, name))
      // Without its metadata a folder waits for the first request, which knows the topic.
      if (topicId !== undefined) await get({ ...ref, topicId })
    } catch (error) {
      logger.error({ partition: name, err: error }, 'cannot open a partition log')
    }
  }

  const checkpoint = () => {
    inBackground(env.recoveryPoints.write(), 'cannot write the recovery points')
    inBackground(env.logStarts.write(), 'cannot write the log start offsets')
  }
  const retention = () => inBackground(enforceRetention(), 'retention failed')
  const repeat = (key: object, delayMs: number, intervalMs: number, action: () => void): void =>
    env.deadlines.ensure(key, delayMs, () => {
      action()
      repeat(key, intervalMs, intervalMs, action)
    })
  repeat({}, checkpointIntervalMs, checkpointIntervalMs, checkpoint)
  repeat({}, firstRetentionCheckMs, options.retentionCheckIntervalMs ?? 300_000, retention)

  async function close(): Promise<void> {
    env.deadlines.cancelAll()
    await Promise.all(background)
    const failed: unknown[] = []
    await forEachOf([...entries.values()], async ({ opening }) => {
      try {
        await (await opening).close()
      } catch (error) {
        failed.push(error)
      }
    })
    await env.logStarts.write()
    await env.recoveryPoints.write()
    await env.files.closeAll()
    // After a crash, a folder that was never opened is as doubtful as it was.
    const allSound = failed.length === 0 && (clean || unopened.size === 0)
    if (allSound) await fs.replaceFile(join(dir, cleanShutdownFile), 'all logs are complete and synced\n')
    for (const error of failed) logger.error({ err: error }, 'a partition log was not closed properly')
    await Promise.all(background)
  }

  return {
    dir,
    get,
    getOpen(topic, topicId, partition) {
      const entry = entries.get(`${topic}-${partition}`)
      return entry?.ref.topicId === topicId ? entry.log : undefined
    },

    async deleteTopic(topic, topicId) {
      for (const [name, entry] of [...entries]) {
        if (entry.ref.topic === topic && entry.ref.topicId === topicId) await drop(name, entry)
      }
      for (const name of [...unopened]) {
        const parts = folderPattern.exec(name)
        if (parts?.[1] !== topic || (await topicIdOf(join(dir, name))) !== topicId) continue
        await discardFolder(name, { topic, partition: Number(parts[2]) })
      }
      await env.logStarts.write()
      await env.recoveryPoints.write()
    },

    configChanged(topic) {
      for (const { ref, log } of entries.values()) if (ref.topic === topic) log?.configChanged()
    },

    async describe() {
      const infos: PartitionLogInfo[] = []
      for (const { ref, log } of entries.values()) {
        if (log !== undefined) infos.push({ topic: ref.topic, partition: ref.partition, sizeBytes: log.sizeBytes })
      }
      for (const name of [...unopened]) {
        const parts = folderPattern.exec(name)
        if (parts === null || entries.has(name)) continue
        infos.push({ topic: parts[1]!, partition: Number(parts[2]), sizeBytes: await folderBytes(fs, join(dir, name)) })
      }
      return infos
    },

    volume: () => fs.volume(dir),
    enforceRetention,

    async removeStrays(exists) {
      for (const name of [...unopened]) {
        const parts = folderPattern.exec(name)!
        const topic = parts[1]!
        const topicId = await topicIdOf(join(dir, name)).catch(() => undefined)
        if (topicId === undefined || exists(topic, topicId)) continue
        await discardFolder(name, { topic, partition: Number(parts[2]) })
      }
      // After a crash every log is looked at before anybody is served: what was cut is said at the start, not some day.
      if (!clean) await forEachOf([...unopened], openFolder)
    },

    close() {
      closing ??= close()
      return closing
    },
  }
}

/** Sixteen at a time: each one waits for the disk. */
async function forEachOf<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  const left = items.values()
  const work = async () => {
    for (const item of left) await action(item)
  }
  await Promise.all(Array.from({ length: 16 }, work))
}

/** Kafka's form; a topic name may have 249 characters, a file name 255. */
function deletedName(folder: string): string {
  return `${folder.slice(0, 200)}.${randomBytes(16).toString('hex')}-delete`
}

async function folderBytes(fs: LogFs, folder: string): Promise<number> {
  let total = 0
  for (const name of await fs.list(folder)) {
    if (name.endsWith('.log')) total += (await fs.stat(join(folder, name)))?.sizeBytes ?? 0
  }
  return total
}
