// The log of one partition, put together from its parts: loading, appending, reading, syncing, deleting.
import { join } from 'node:path'
import { type Appender, createAppender, type PendingAppend } from './append.ts'
import type { LogEnv } from './env.ts'
import { loadLog } from './load.ts'
import { encodeProducers } from './producer-snapshot.ts'
import { asReadError, checkRange, readCached, readLog } from './read.ts'
import { expiredSegments } from './retention.ts'
import { rollSegment, syncNames, writeProducerSnapshot } from './roll.ts'
import { logFile, maxTimestampOf, offsetIndexFile, type Segment, saveIndex, timeIndexFile } from './segment.ts'
import { activeSegment, partitionName } from './state.ts'
import { findMaxTimestamp, findTimestamp } from './timestamps.ts'
import type { PartitionLog, PartitionRef } from './types.ts'
import { checkBatch } from './validate.ts'
import { createWriteQueue } from './write-queue.ts'

/** What the manager may ask of a log beyond what everybody may. */
export interface ManagedLog extends PartitionLog {
  configChanged(): void
  /** Removes expired segments, and producers not heard of since `producersBeforeMs`. */
  enforceRetention(producersBeforeMs: number): Promise<void>
  /** Syncs everything and leaves it as a proper shutdown does. */
  close(): Promise<void>
  /** Refuses all further use, and moves the folder out of the way. @returns the folder that remains to be removed */
  detach(movedTo: string): Promise<string | undefined>
}

/** @throws LogError KAFKA_STORAGE_ERROR when the folder cannot be read or is damaged where no recovery helps */
export async function openPartitionLog(env: LogEnv, ref: PartitionRef, clean: boolean): Promise<ManagedLog> {
  const state = await loadLog(env, ref, clean)

  /** Makes everything that is written now durable. */
  async function sync(): Promise<void> {
    env.deadlines.cancel(state)
    if (!state.onDisk || state.closed !== undefined) return
    const end = state.highWatermark
    if (end === state.recoveryPoint && state.unflushedRecords === 0 && !state.unsyncedNames) return
    const records = state.unflushedRecords
    // Usually only the active one: a segment that is full is synced soon after.
    const unsynced = state.segments.filter(
      (_, at) => (state.segments[at + 1]?.baseOffset ?? end) >= state.recoveryPoint,
    )
    for (const segment of unsynced) await env.files.use(logFile(segment), (fd) => env.fs.sync(fd))
    await syncNames(env, state)
    state.unflushedRecords -= records
    if (end > state.recoveryPoint) {
      state.recoveryPoint = end
      env.recoveryPoints.set(ref.topic, ref.partition, end)
    }
  }

  const appender: Appender = createAppender(env, state, sync)
  const queue = createWriteQueue<PendingAppend>(appender.writeGroup)

  function notify(): void {
    for (const listener of [...state.listeners]) listener()
  }

  async function lookup<T>(find: () => Promise<T>): Promise<T> {
    checkRange(state, state.highWatermark)
    try {
      return await find()
    } catch (error) {
      throw asReadError(env, state, error)
    }
  }

  async function moveStart(offset: bigint): Promise<void> {
    if (offset <= state.logStartOffset) return
    state.logStartOffset = offset
    env.logStarts.set(ref.topic, ref.partition, offset)
    await env.logStarts.write()
  }

  /** Takes the first `count` segments out of the log; their files go after `file.delete.delay.ms`. */
  async function dropOldest(count: number): Promise<void> {
    if (count >= state.segments.length) await rollUnchanged(activeSegment(state), activeSegment(state).sizeBytes)
    const dropped = state.segments.slice(0, Math.min(count, state.segments.length - 1))
    if (dropped.length === 0) return
    const next = state.segments[dropped.length]!
    // The start is on disk before anything is gone: after a crash in between, the files are deleted again.
    await moveStart(next.baseOffset)
    state.segments.splice(0, dropped.length)
    // They may still be in the making; what is gone needs no index.
    await state.finishing
    for (const segment of dropped) await discard(segment)
    env.logger.info(
      { partition: partitionName(ref), segments: dropped.length, logStartOffset: state.logStartOffset.toString() },
      'deleted old segments',
    )
  }

  /** Starts a new segment, unless records have come in since the active one was judged. */
  function rollUnchanged(judged: Segment, sizeBytes: number): Promise<void> {
    return queue.exclusive(async () => {
      if (activeSegment(state) === judged && judged.sizeBytes === sizeBytes) await rollSegment(env, state)
    })
  }

  async function discard(segment: Segment): Promise<void> {
    env.indexes.delete(logFile(segment))
    const removed: string[] = []
    for (const file of [logFile(segment), offsetIndexFile(segment), timeIndexFile(segment)]) {
      await env.files.forget(file)
      await env.fs.rename(file, `${file}.deleted`)
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
      const origin = options.origin ?? 'client'
      try {
        const header = checkBatch(records, state.config, origin)
        return new Promise((resolve, reject) => {
          queue.push({ batch: records, header, origin, resolve, reject })
        })
      } catch (error) {
        return Promise.reject(error)
      }
    },

    read: (offset, options) => readLog(env, state, offset, options),
    readCached: (offset, options) => readCached(env, state, offset, options),

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
      await moveStart(target)
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
      const { config } = state
      if (!config.delete && state.segments.length === 1) return
      const ages = []
      for (const segment of [...state.segments]) {
        const { timestamp } = segment.sizeBytes === 0 ? { timestamp: -1n } : await maxTimestampOf(env, segment)
        const maxTimestampMs = timestamp >= 0n ? Number(timestamp) : segment.createdMs
        ages.push({ baseOffset: segment.baseOffset, sizeBytes: segment.sizeBytes, maxTimestampMs })
      }
      const count = expiredSegments(ages, config, state.logStartOffset, env.clock.now())
      if (count > 0) await dropOldest(count)
    },

    async close() {
      await queue.drain()
      if (state.closed !== undefined) return
      await sync()
      await state.finishing
      // A log that was only read is left as it was found.
      if (state.onDisk && state.snapshotOffset !== state.highWatermark) {
        await saveIndex(env, activeSegment(state))
        await writeProducerSnapshot(env, state, state.highWatermark, encodeProducers(state.producers))
      }
      state.closed = `the log of ${partitionName(ref)} is closed`
      state.tail.clear()
      notify()
    },

    async detach(movedTo) {
      state.closed = `the log of ${partitionName(ref)} was deleted`
      env.deadlines.cancel(state)
      await queue.drain()
      await state.finishing
      state.tail.clear()
      notify()
      if (!state.onDisk) return undefined
      for (const segment of state.segments) {
        env.indexes.delete(logFile(segment))
        for (const file of [logFile(segment), offsetIndexFile(segment), timeIndexFile(segment)]) {
          await env.files.forget(file)
        }
      }
      const target = join(env.dir, movedTo)
      await env.fs.rename(state.dir, target)
      return target
    },
  }
}
