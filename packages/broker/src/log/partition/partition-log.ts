// The log of one partition, as API handlers, the group coordinator and the manager use it. What it does to its state is in the
// modules beside this one: load, append, read, timestamps, retention, sync, close.
import type { Uuid } from '@selfmonitor/protocol'
import { inspectRecords } from '../batch/inspect.ts'
import { checkBatch } from '../batch/validate.ts'
import type {
  AppendOptions,
  AppendResult,
  PartitionRef,
  ProducerInfo,
  ReadOptions,
  ReadResult,
  TimestampAndOffset,
} from '../types.ts'
import { closeLog, moveAway, stopUse } from './close.ts'
import type { LogContext } from './context.ts'
import type { ClosedFolder } from './folders.ts'
import { loadLog } from './load.ts'
import { asReadError, checkRange, readCached, readLog } from './read.ts'
import { enforceRetention, raiseLogStart } from './retention.ts'
import type { LogState } from './state.ts'
import { syncAll } from './sync.ts'
import { findMaxTimestamp, findTimestamp } from './timestamps.ts'

/**
 * @param clean whether the log was closed properly; otherwise its end is checked
 * @throws LogError KAFKA_STORAGE_ERROR when the folder cannot be read or is damaged where no recovery helps
 */
export async function openPartitionLog(context: LogContext, ref: PartitionRef, clean: boolean): Promise<PartitionLog> {
  return new PartitionLog(context, await loadLog(context, ref, clean))
}

/**
 * The log of one partition. Reads and appends may overlap freely; appends are written in the order of the calls.
 * Every method that can fail rejects with a `LogError`, whose `code` is the Kafka error's name.
 */
export class PartitionLog {
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  /** The one leader epoch of an embedded broker's partition: 0. */
  readonly leaderEpoch = 0
  private readonly context: LogContext
  private readonly state: LogState

  constructor(context: LogContext, state: LogState) {
    this.topic = state.ref.topic
    this.topicId = state.ref.topicId
    this.partition = state.ref.partition
    this.context = context
    this.state = state
  }

  /** First offset that can be read. */
  get logStartOffset(): bigint {
    return this.state.logStartOffset
  }

  /** End (exclusive) of what is written and may be read. On one node it is also the log end offset. */
  get highWatermark(): bigint {
    return this.state.highWatermark
  }

  /** Equal to the high watermark as long as there are no transactions. */
  get lastStableOffset(): bigint {
    return this.state.highWatermark
  }

  /** Bytes of all segments on disk. */
  get sizeBytes(): number {
    return this.state.segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  }

  /** Bytes appended since the log was opened. Its growth between two calls shows how much more there is to read. */
  get appendedBytes(): number {
    return this.state.appendedBytes
  }

  /**
   * Appends one record batch (magic 2) and resolves once it is written, and synced where `flush.messages` demands it.
   * The buffer belongs to the log until then: the base offset and leader epoch are patched in place.
   *
   * The batch is checked here and waits in `state.queue`; `writeGroup` of `write-group.ts` writes it.
   *
   * @throws LogError CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE, INVALID_TIMESTAMP, OUT_OF_ORDER_SEQUENCE_NUMBER,
   *   INVALID_PRODUCER_EPOCH, KAFKA_STORAGE_ERROR (disk full or broken: nothing was appended)
   */
  append(records: Buffer, { origin = 'client' }: AppendOptions = {}): Promise<AppendResult> {
    // As in Kafka, whose coordinators write by the same way as producers. The handler counts those of clients.
    if (origin === 'internal') this.context.counters.produce.total++
    const { context, state } = this
    state.used = true
    try {
      const header = checkBatch(records, state.config, origin)
      const inspected =
        origin === 'client'
          ? inspectRecords(records, header, state.config, context.clock.now(), context.largeBatches)
          : header
      const checking = inspected instanceof Promise ? inspected : undefined
      // A rejection is reported when the batch's turn in the queue comes.
      checking?.catch(() => {})
      return new Promise((resolve, reject) => {
        const checked = inspected instanceof Promise ? header : inspected
        state.queue.push({ batch: records, header: checked, checking, origin, resolve, reject })
      })
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Reads whole batches from the one that contains `offset`; empty at the end of the log.
   * @throws LogError OFFSET_OUT_OF_RANGE, CORRUPT_MESSAGE, KAFKA_STORAGE_ERROR
   */
  read(offset: bigint, options: ReadOptions): Promise<ReadResult> {
    this.state.used = true
    return readLog(this.context, this.state, offset, options)
  }

  /** As `read`, when memory can answer (tail of the log, or nothing to read); undefined when the disk is needed. */
  readCached(offset: bigint, options: ReadOptions): ReadResult | undefined {
    this.state.used = true
    return readCached(this.context, this.state, offset, options)
  }

  /**
   * Calls `listener` whenever the high watermark has moved, or the log is deleted or closed. It must not throw.
   * @returns the function that ends the subscription
   */
  onAdvance(listener: () => void): () => void {
    const { listeners } = this.state
    listeners.add(listener)
    return () => void listeners.delete(listener)
  }

  /** First record whose timestamp is ≥ `timestamp` (ListOffsets); undefined when there is none. */
  offsetForTimestamp(timestamp: bigint): Promise<TimestampAndOffset | undefined> {
    return this.lookUp(() => findTimestamp(this.context, this.state, timestamp))
  }

  /** The record with the greatest timestamp (ListOffsets -3, KIP-734); undefined when the log is empty. */
  offsetOfMaxTimestamp(): Promise<TimestampAndOffset | undefined> {
    return this.lookUp(() => findMaxTimestamp(this.context, this.state))
  }

  private async lookUp<T>(find: () => Promise<T>): Promise<T> {
    this.state.used = true
    checkRange(this.state, this.state.highWatermark)
    try {
      return await find()
    } catch (error) {
      throw asReadError(this.context, this.state, error)
    }
  }

  /**
   * Moves the log start offset up (DeleteRecords); durable when it resolves. -1n means "to the high watermark".
   * @returns the new log start offset
   * @throws LogError OFFSET_OUT_OF_RANGE
   */
  async deleteRecordsBefore(offset: bigint): Promise<bigint> {
    const { context, state } = this
    const target = offset === -1n ? state.highWatermark : offset
    if (target < state.logStartOffset) return state.logStartOffset
    checkRange(state, target)
    raiseLogStart(context, state, target)
    // Also when another call has already moved it: no caller is answered before it is durable.
    await context.logStarts.write()
    return state.logStartOffset
  }

  /** Syncs everything appended so far to the disk. */
  flush(): Promise<void> {
    return syncAll(this.context, this.state)
  }

  /** What idempotent producers did last (DescribeProducers). */
  producers(): readonly ProducerInfo[] {
    return this.state.producers.describe()
  }

  // What follows is for the manager.

  /** Takes over the topic's settings as they are now. */
  configChanged(): void {
    this.state.config = this.context.configOf(this.topic)
  }

  /** Removes expired segments, and producers that were last seen before `producersBeforeMs`. */
  enforceRetention(producersBeforeMs: number): Promise<void> {
    return enforceRetention(this.context, this.state, producersBeforeMs)
  }

  /**
   * Syncs everything and leaves it as a proper shutdown does. A log that was only read is left as it was found, unless
   * checking it again would take long.
   * @returns what is left of the log; undefined when it never had a folder
   */
  close(): Promise<ClosedFolder | undefined> {
    return closeLog(this.context, this.state)
  }

  /** Whether anything has used the log since the last call, or waits for it to grow. */
  takeUsed(): boolean {
    const { state } = this
    const was = state.used || state.listeners.size > 0
    state.used = false
    return was
  }

  /** Ends all further use. @param reason the message that users get */
  stopUse(reason: string): void {
    stopUse(this.context, this.state, reason)
  }

  /** Ends all further use and renames the folder. @returns the folder that remains to be removed */
  moveAway(name: string): Promise<string | undefined> {
    return moveAway(this.context, this.state, name)
  }
}
