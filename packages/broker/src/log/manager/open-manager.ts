// Opens all partition logs of a broker: what they share, and a slot for each folder. The logs themselves are opened when they are
// first needed.
import { join } from 'node:path'
import { LRUCache } from 'lru-cache'
import pLimit from 'p-limit'
import { createBufferPool } from '../../buffer-pool.ts'
import { createLineLimiter } from '../../line-limiter.ts'
import { BrokerCounters } from '../../metrics/index.ts'
import { openCheckpoint } from '../disk/checkpoint.ts'
import { type LogFs, nodeFs } from '../disk/fs.ts'
import { createOpenFiles } from '../disk/open-files.ts'
import type { LogContext } from '../partition/context.ts'
import { isDeleted, isStray, parseFolderName, unknownFolder } from '../partition/folders.ts'
import { createTailCache } from '../partition/tail-cache.ts'
import { createDeadlines } from '../scheduling/deadlines.ts'
import { createWorkLimit } from '../scheduling/work-limit.ts'
import type { SegmentIndex } from '../segment/segment-index.ts'
import { takeCleanShutdownMarker } from './clean-shutdown.ts'
import { removeInBackground } from './lifecycle.ts'
import { LogManager } from './manager.ts'
import type { LogManagerOptions } from './manager-options.ts'
import type { ManagerState } from './manager-state.ts'
import { startRounds } from './rounds.ts'
import { Slots } from './slots.ts'

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
