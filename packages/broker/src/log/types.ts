// What API handlers, the group coordinator and the metadata exchange with the partition logs.
import type { Uuid } from '@selfmonitor/protocol'

/** Topic-level settings that the log obeys, parsed from Kafka's topic configuration. `Infinity` means "no limit". */
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

/** A partition of a topic in the metadata. */
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
  /** Whole batches in their order; the first one contains the requested offset. */
  readonly records: readonly Buffer[]
  readonly sizeBytes: number
  readonly highWatermark: bigint
  readonly lastStableOffset: bigint
  readonly logStartOffset: bigint
  /**
   * To be called when `records` are not used any more; the next read reuses their memory. Without the call the memory is
   * garbage-collected.
   */
  release(): void
}

export interface TimestampAndOffset {
  readonly timestamp: bigint
  readonly offset: bigint
  readonly leaderEpoch: number
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
 * The topic that a partition folder belongs to: it exists, it was deleted, or the metadata neither knows it nor has ever deleted
 * it.
 */
export type FolderOwner = 'current' | 'deleted' | 'unknown'

export interface CheckProgress {
  readonly done: number
  readonly total: number
}
