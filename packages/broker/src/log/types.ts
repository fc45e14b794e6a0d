// What the rest of the broker may ask of the partition logs: the interface that API handlers and the coordinators use.
import type { Uuid } from '@selfmonitor/protocol'

/** Topic-level settings that the log obeys, parsed from Kafka's topic configuration. `Infinity` stands for "no limit". */
export interface LogConfig {
  readonly segmentBytes: number
  readonly segmentMs: number
  readonly segmentIndexBytes: number
  readonly indexIntervalBytes: number
  readonly retentionMs: number
  readonly retentionBytes: number
  readonly fileDeleteDelayMs: number
  readonly maxMessageBytes: number
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
  readonly timestampBeforeMaxMs: number
  readonly timestampAfterMaxMs: number
  readonly flushMessages: number
  readonly flushMs: number
  readonly compact: boolean
  readonly delete: boolean
}

/** A partition as the metadata knows it. */
export interface PartitionRef {
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
}

export interface AppendOptions {
  /**
   * `'client'` (default): every check that Kafka makes on a produced batch. `'internal'`: the broker's own batches
   * (coordinators), which may be control batches and skip the size limit.
   */
  readonly origin?: 'client' | 'internal'
}

export interface AppendResult {
  /** Offset of the batch's first record. For a duplicate: that of the original. */
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  /** Milliseconds when the topic stamps on append, else -1. */
  readonly logAppendTimeMs: bigint
  readonly logStartOffset: bigint
  /** The batch had been appended before (idempotent producer); nothing was written. */
  readonly duplicate: boolean
}

export interface ReadOptions {
  /** Upper bound of the answer's size. */
  readonly maxBytes: number
  /** Return the first batch even if it alone exceeds `maxBytes` (KIP-74). */
  readonly minOneBatch: boolean
}

export interface ReadResult {
  /** Whole batches, the first of which contains the offset asked for. Several views that follow one another. */
  readonly records: readonly Buffer[]
  readonly sizeBytes: number
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
  /**
   * Says that `records` are not used any more; their memory serves the next read. Not calling it is harmless: the memory is
   * collected then.
   */
  release(): void
}

export interface TimestampAndOffset {
  readonly timestamp: bigint
  readonly offset: bigint
  readonly leaderEpoch: number
}

/**
 * The log of one partition. Reads and appends may overlap freely; appends are written in the order of the calls.
 * Every method that can fail rejects with a `LogError`, whose `code` is the Kafka error's name.
 */
export interface PartitionLog {
  readonly topic: string
  readonly topicId: Uuid
  readonly partition: number
  /** The one leader epoch of an embedded broker's partition: 0. */
  readonly leaderEpoch: number
  /** First offset that can be read. */
  readonly logStartOffset: bigint
  /** End (exclusive) of what is written and may be read. On one node it is also the log end offset. */
  readonly highWatermark: bigint
  /** Equal to the high watermark as long as there are no transactions. */
  readonly lastStableOffset: bigint
  /** Bytes of all segments on disk. */
  readonly sizeBytes: number
  /** Bytes appended since the log was opened; the growth between two looks tells how much more there is to read. */
  readonly appendedBytes: number

  /**
   * Appends one record batch (magic 2) and resolves once it is written, and synced where `flush.messages` demands it.
   * The buffer belongs to the log until then: the base offset and leader epoch are patched in place.
   *
   * @throws LogError CORRUPT_MESSAGE, INVALID_RECORD, MESSAGE_TOO_LARGE, INVALID_TIMESTAMP, OUT_OF_ORDER_SEQUENCE_NUMBER,
   *   INVALID_PRODUCER_EPOCH, KAFKA_STORAGE_ERROR (disk full or broken: nothing was appended)
   */
  append(records: Buffer, options?: AppendOptions): Promise<AppendResult>

  /**
   * Reads whole batches from the one that contains `offset`; empty at the end of the log.
   * @throws LogError OFFSET_OUT_OF_RANGE, CORRUPT_MESSAGE, KAFKA_STORAGE_ERROR
   */
  read(offset: bigint, options: ReadOptions): Promise<ReadResult>

  /** As `read`, when memory can answer (tail of the log, or nothing to read); undefined when the disk is needed. */
  readCached(offset: bigint, options: ReadOptions): ReadResult | undefined

  /**
   * Calls `listener` whenever the high watermark has moved, or the log is deleted or closed. It must not throw.
   * @returns the function that ends the subscription
   */
  onAdvance(listener: () => void): () => void

  /** First record whose timestamp is ≥ `timestamp` (ListOffsets); undefined when there is none. */
  offsetForTimestamp(timestamp: bigint): Promise<TimestampAndOffset | undefined>
  /** The record with the greatest timestamp (ListOffsets -3, KIP-734); undefined when the log is empty. */
  offsetOfMaxTimestamp(): Promise<TimestampAndOffset | undefined>
  /**
   * Moves the log start offset up (DeleteRecords); durable when it resolves. -1n means "to the high watermark".
   * @returns the new log start offset
   * @throws LogError OFFSET_OUT_OF_RANGE
   */
  deleteRecordsBefore(offset: bigint): Promise<bigint>

  /** Forces everything appended so far to the disk. */
  flush(): Promise<void>

  /** What idempotent producers did last (DescribeProducers). */
  producers(): readonly ProducerInfo[]
}

export interface ProducerInfo {
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly lastSequence: number
  readonly lastTimestamp: bigint
}

export interface PartitionLogInfo {
  readonly topic: string
  readonly partition: number
  readonly sizeBytes: number
}

/**
 * Whose a partition folder is: a topic's that exists, one's that was deleted, or one's that the metadata does not know and
 * has never deleted.
 */
export type FolderOwner = 'current' | 'deleted' | 'unknown'

export interface CheckProgress {
  readonly done: number
  readonly total: number
}

export interface LogManager {
  /** The folder that holds the partition folders. */
  readonly dir: string

  /**
   * The log of a partition that exists, opened (and, when new, created) on first use. A folder left behind by a
   * deleted topic of the same name is recognised by its topic id and removed. A log that nobody uses is closed after some
   * minutes: to be asked for again by whoever comes back to it.
   * @throws LogError KAFKA_STORAGE_ERROR, NOT_LEADER_OR_FOLLOWER (it is being checked after a crash: try again)
   */
  get(ref: PartitionRef): Promise<PartitionLog>
  /** The same log when it is open already: no promise on the hot path. */
  getOpen(topic: string, topicId: Uuid, partition: number): PartitionLog | undefined

  /** Deletes the logs of a topic: the folders are renamed at once and removed soon after. Safe when there are none. */
  deleteTopic(topic: string, topicId: Uuid): Promise<void>
  /** To be called after a topic's configuration changed: open logs ask for it again. */
  configChanged(topic: string): void
  /** Every partition with a folder, with its size on disk (DescribeLogDirs). */
  describe(): Promise<readonly PartitionLogInfo[]>
  /** Total and usable bytes of the volume. */
  volume(): Promise<{ readonly totalBytes: bigint; readonly usableBytes: bigint }>

  /** Deletes what retention allows, in all logs, and forgets expired producers. Also runs on a timer. */
  enforceRetention(): Promise<void>
  /**
   * To be called once, when requests are served already: looks at every folder that is not in use. Folders of deleted topics are
   * removed, those of unknown ones are set aside, and after a crash every log is checked and torn tails are cut. A log that
   * is asked for meanwhile is checked first.
   * @returns false when it was ended by `close`
   */
  checkFolders(onProgress?: (progress: CheckProgress) => void): Promise<boolean>
  /** Waits for writes under way, syncs everything, writes snapshots and the clean-shutdown marker. */
  close(): Promise<void>
}
