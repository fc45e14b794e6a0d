// The log of one partition, put together from its parts: loading, appending, reading, syncing, deleting.
import { join } from 'node:path'
import { type Appender, createAppender, type PendingAppend } from './append.ts'
import type { LogEnv } from './env.ts'
import type { ClosedFolder } from './folders.ts'
import { inspectRecords } from './inspect.ts'
import { loadLog } from './load.ts'
import { encodeProducers } from './producer-snapshot.ts'
import { asReadError, checkRange, readCached, readLog } from './read.ts'
import { expiredSegments, type SegmentAge } from './retention.ts'
import { rollSegment, writeProducerSnapshot } from './roll.ts'
import { filesOf, logFile, maxTimestampOf, type Segment, saveIndex } from './segment.ts'
import { dropOldestSegment } from './segment-list.ts'
import { activeSegment, partitionName } from './state.ts'
import { syncLog } from './sync.ts'
import { findMaxTimestamp, findTimestamp } from './timestamps.ts'
import type { PartitionLog, PartitionRef } from './types.ts'
import { checkBatch } from './validate.ts'
import { createWriteQueue, type Turn } from './write-queue.ts'

/** What the manager may ask of a log beyond what everybody may. */
export interface ManagedLog extends PartitionLog {
  configChanged(): void
  /** Removes expired segments, and producers not heard of since `producersBeforeMs`. */
  enforceRetention(producersBeforeMs: number): Promise<void>
  /**
   * Syncs everything and leaves it as a proper shutdown does. A log that was only read is left as it was found, unless
   * checking it again would take long.
   */
  close(): Promise<void>
  /** What is left of a log that was closed; undefined when it never had a folder. */
  folder(): ClosedFolder | undefined
  /** Whether anybody has used the log since the last call, or waits for it to grow. */
  takeUsed(): boolean
  /** Refuses all further use. @param reason what users are told */
  refuse(reason: string): void
  /** Refuses all further use, and moves the folder out of the way. @returns the folder that remains to be removed */
  detach(movedTo: string): Promise<string | undefined>
}

/** More than this is not read again at the next start only because nobody had the time to sync it. */
const longBytes = 16 * 1024 * 1024

/** @throws LogError KAFKA_STORAGE_ERROR when the folder cannot be read or is damaged where no recovery helps */
export async function openPartitionLog(env: LogEnv, ref: PartitionRef, clean: boolean): Promise<ManagedLog> {
  const state = await loadLog(env, ref, clean)

  /** Makes everything that is written now durable. */
  function sync(): Promise<void> {
    env.deadlines.cancel(state)
    return syncLog(env, state)
  }

  /** Kafka's tools read the index files of the active segment, too. */
  function saveActiveIndex(segment: Segment): void {
    const work = queue.exclusive(async () => {
      if (state.closed === undefined && segment === activeSegment(state)) await saveIndex(env, segment)
    })
    work.catch((error) => {
      env.complaints.log('warn', 'index', { file: logFile(segment), err: error }, 'cannot write the index of a segment')
    })
  }

  const appender: Appender = createAppender(env, state, sync, saveActiveIndex)
  const queue = createWriteQueue<PendingAppend>(appender.writeGroup)

  let used = true
  let closedAges: readonly SegmentAge[] | undefined

  function notify(): void {
    for (const listener of [...state.listeners]) listener()
  }

  async function lookup<T>(find: () => Promise<T>): Promise<T> {
    used = true
    checkRange(state, state.highWatermark)
    try {
      return await find()
    } catch (error) {
      throw asReadError(env, state, error)
    }
  }

  /** Moves the log start offset up, in memory: the retention's files are their own proof. */
  function raiseStart(offset: bigint): void {
    if (offset <= state.logStartOffset) return
    state.logStartOffset = offset
    env.logStarts.set(ref.topic, ref.partition, offset)
  }

  async function readAges(): Promise<readonly SegmentAge[]> {
    const ages: SegmentAge[] = []
    for (const segment of [...state.segments]) {
      const { timestamp } = segment.sizeBytes === 0 ? { timestamp: -1n } : await maxTimestampOf(env, segment)
      const maxTimestampMs = timestamp >= 0n ? Number(timestamp) : segment.createdMs
      ages.push({ baseOffset: segment.baseOffset, sizeBytes: segment.sizeBytes, maxTimestampMs })
    }
    return ages
  }

  async function countExpired(): Promise<number> {
    return expiredSegments(await readAges(), state.config, state.logStartOffset, env.clock.now())
  }

  function refuse(reason: string): void {
    if (state.closed !== undefined) return
    state.closed = reason
    env.deadlines.cancel(state)
    notify()
  }

  /** Takes the first `count` segments out of the log; their files go after `file.delete.delay.ms`. */
  async function dropOldest(turn: Turn, count: number): Promise<void> {
    const all = count >= state.segments.length
    if (all) await rollSegment(env, state, turn)
    // They may still be in the making.
    await state.finishing
    // The new segment's name is durable before the last old one is gone: the next record gets a higher offset whatever
    // happens.
    if (all) await sync()
    const next = state.segments[count]!
    raiseStart(next.baseOffset)
    while (state.segments[0] !== next) {
      await discard(state.segments[0]!)
      dropOldestSegment(state, turn)
    }
    env.logger.info(
      { partition: partitionName(ref), segments: count, logStartOffset: state.logStartOffset.toString() },
      'deleted old segments',
    )
  }

  async function forgetFiles(segment: Segment): Promise<void> {
    env.indexes.delete(logFile(segment))
    for (const file of filesOf(segment)) await env.files.forget(file)
  }

  async function discard(segment: Segment): Promise<void> {
    env.indexes.delete(logFile(segment))
    const removed: string[] = []
    for (const file of filesOf(segment)) {
      await env.files.forget(file)
      await env.fs.rename(file, `${file}.deleted`).catch(ignoreMissing)
      removed.push(`${file}.deleted`)
    }
    env.deadlines.ensure(segment, state.config.fileDeleteDelayMs, () => {
      for (const file of removed) {
        env.fs.remove(file).catch((error) => env.logger.warn({ file, err: error }, 'cannot remove a deleted segment'))
      }
    })
  }

  return {
    topic: ref.topic,
    topicId: ref.topicId,
    partition: ref.partition,
    leaderEpoch: 0,
    get logStartOffset() {
      return state.logStartOffset
    },
    get highWatermark() {
      return state.highWatermark
    },
    get lastStableOffset() {
      return state.highWatermark
    },
    get sizeBytes() {
      return state.segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
    },
    get appendedBytes() {
      return state.appendedBytes
    },

    append(records, options = {}) {
      used = true
      const origin = options.origin ?? 'client'
      try {
        const header = checkBatch(records, state.config, origin)
        const inspected =
          origin === 'client'
            ? inspectRecords(records, header, state.config, env.clock.now(), env.largeBatches)
            : header
        const checking = inspected instanceof Promise ? inspected : undefined
        // Its turn in the queue is what reports a rejection.
        checking?.catch(() => {})
        return new Promise((resolve, reject) => {
          const ready = inspected instanceof Promise ? header : inspected
          queue.push({ batch: records, header: ready, checking, origin, resolve, reject })
        })
      } catch (error) {
        return Promise.reject(error)
      }
    },

    read(offset, options) {
      used = true
      return readLog(env, state, offset, options)
    },
    readCached(offset, options) {
      used = true
      return readCached(env, state, offset, options)
    },

    onAdvance(listener) {
      state.listeners.add(listener)
      return () => void state.listeners.delete(listener)
    },

    offsetForTimestamp: (timestamp) => lookup(() => findTimestamp(env, state, timestamp)),
    offsetOfMaxTimestamp: () => lookup(() => findMaxTimestamp(env, state)),

    async deleteRecordsBefore(offset) {
      const target = offset === -1n ? state.highWatermark : offset
      if (target < state.logStartOffset) return state.logStartOffset
      checkRange(state, target)
      raiseStart(target)
      // Also when another call has raised it: nobody is answered before it is durable.
      await env.logStarts.write()
      return state.logStartOffset
    },

    flush: () => sync(),
    producers: () => state.producers.describe(),

    configChanged() {
      state.config = env.configOf(ref.topic)
    },

    async enforceRetention(producersBeforeMs) {
      if (state.closed !== undefined) return
      state.producers.expire(producersBeforeMs)
      if (!state.onDisk) return
      if (!state.config.delete && state.segments.length === 1) return
      // Judged first without the queue: reading old indexes must not hold up appends. What is dropped is judged in the
      // turn, when nothing else changes the segments.
      if ((await countExpired()) === 0) return
      await queue.exclusive(async (turn) => {
        if (state.closed !== undefined) return
        const count = await countExpired()
        if (count > 0) await dropOldest(turn, count)
      })
    },

    // In one turn: what comes meanwhile is refused, not written behind what was said to be the end.
    close: () =>
      queue.exclusive(async () => {
        if (state.closed !== undefined) return
        const isUntouched = state.appendedBytes === 0 && !state.syncFailed && activeSegment(state).sizeBytes < longBytes
        if (!isUntouched) await sync()
        await state.finishing
        if (state.onDisk && state.snapshotOffset !== state.highWatermark && !isUntouched) {
          await saveIndex(env, activeSegment(state))
          await writeProducerSnapshot(env, state, state.highWatermark, encodeProducers(state.producers))
        }
        closedAges = await readAges()
        refuse(`the log of ${partitionName(ref)} is closed`)
        state.tail.clear()
        for (const segment of state.segments) await forgetFiles(segment)
      }),

    folder: () =>
      state.onDisk && closedAges !== undefined
        ? { topicId: ref.topicId, isSound: true, ages: closedAges, logStartOffset: state.logStartOffset }
        : undefined,

    takeUsed() {
      const was = used || state.listeners.size > 0
      used = false
      return was
    },

    refuse,

    async detach(movedTo) {
      refuse(`the log of ${partitionName(ref)} was deleted`)
      await queue.drain()
      await state.finishing
      await state.syncing
      state.tail.clear()
      if (!state.onDisk) return undefined
      for (const segment of state.segments) {
        await forgetFiles(segment)
      }
      const target = join(env.dir, movedTo)
      await env.fs.rename(state.dir, target)
      return target
    },
  }
}

/** A file that is gone already is as good as renamed. */
function ignoreMissing(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}
