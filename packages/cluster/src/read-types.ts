// The types of `Cluster.read`.
import type { BatchHeader, RecordHeader } from '@selfmonitor/protocol/records'

/**
 * One record. Key, value and header values are views of the response, which may be megabytes: copy them (`Buffer.from(value)`) if you
 * keep them for long.
 */
export interface ReadRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since the epoch: the broker's time in a topic with LogAppendTime (KIP-32), else the producer's; -1 for none. */
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** In their order; a name may be there twice. */
  readonly headers: readonly RecordHeader[]
}

/** One partition and the offsets to read: from `next` up to `end` (exclusive), or, where `end` is null, as they come. */
export interface ReadRange {
  readonly topic: string
  readonly partition: number
  readonly next: bigint
  readonly end: bigint | null
  /** Of the leader that wrote the record before `next`, where it is known: a log that has another history there is found out (KIP-320). */
  readonly leaderEpoch?: number
}

/** What to do when a partition cannot be read as requested. */
export interface ReadPolicy {
  /**
   * The log does not hold the position: its records were deleted before they were read, or the log was cut. `nearest` continues
   * at the nearest offset that is there, `restart` at the log's beginning.
   */
  readonly outOfRange: 'fail' | 'nearest' | 'restart'
  /** The topic was deleted and created again. `restart` reads the new one from its beginning, `end` reads nothing of it. */
  readonly recreated: 'fail' | 'end' | 'restart'
  /** The account may not read the topic, or not any more. `retry` tries again until it may. */
  readonly denied: 'fail' | 'retry'
  /** How long a partition may have no leader, or no broker that answers, in milliseconds; Infinity waits. */
  readonly unavailableMs: number
  /** The same for a topic that is not there, which may be about to be created again. */
  readonly missingMs: number
}

/** For a range that has an end: says what is missing, and does not wait long. */
export const finitePolicy: ReadPolicy = {
  outOfRange: 'nearest',
  recreated: 'end',
  denied: 'fail',
  unavailableMs: 30_000,
  missingMs: 5_000,
}

/** For reading on: waits for brokers, starts again with a topic that is created again, and fails when it is not. */
export const followingPolicy: ReadPolicy = {
  outOfRange: 'nearest',
  recreated: 'restart',
  denied: 'fail',
  unavailableMs: Number.POSITIVE_INFINITY,
  missingMs: 5_000,
}

export interface ReadOptions {
  /** Ends the reading, without an error. */
  readonly signal?: AbortSignal
  /** Default `read_uncommitted`. With `read_committed` records of aborted or open transactions are left out (KIP-98). */
  readonly isolation?: Isolation
  /**
   * `arrival` (default): as answers come. `time`: merged in the order of their timestamps as far as they are there, which keeps
   * a part of every partition in memory. Within a partition it is always the order of offsets.
   */
  readonly order?: 'arrival' | 'time'
  /** Default: `followingPolicy` where a range has no end, else `finitePolicy`; single rules replace theirs. */
  readonly policy?: Partial<ReadPolicy>
  /**
   * How much may be read ahead of the caller, in bytes as they come from the brokers. Default 32 MiB. More is held only for
   * single batches that are larger, one at a time, and in the order of time for one batch of each partition.
   */
  readonly maxBufferedBytes?: number
  /** How long a broker waits for news, in milliseconds. Default 500. */
  readonly maxWaitMs?: number
  /** The most that one batch may decompress to. Default 128 MiB; a larger one is damaged for this reading. */
  readonly maxDecompressedBytes?: number
}

/** Kafka's numbers for them (KIP-98). */
export const isolationLevels = { read_uncommitted: 0, read_committed: 1 } as const

export type Isolation = keyof typeof isolationLevels

interface At {
  readonly topic: string
  readonly partition: number
}

/** A notice for the reader of the records. */
export type ReadNotice =
  /** The records from `from` up to `to` were deleted before they were read. */
  | ({ readonly kind: 'deleted'; readonly from: bigint; readonly to: bigint } & At)
  /** The log ends at `to` now, before the position or the end of the range. */
  | ({ readonly kind: 'cut'; readonly to: bigint; readonly follows: boolean } & At)
  /** The log was cut or the topic created again, and is read from `next`, its beginning: earlier records are void. */
  | ({ readonly kind: 'restarted'; readonly why: 'recreated' | 'out of range'; readonly next: bigint } & At)
  /** The topic was deleted and created again: its range ends at `at`. */
  | ({ readonly kind: 'ended'; readonly at: bigint } & At)
  /** Reading fails and is tried again. `code` is Kafka's name or that of a ClusterError. */
  | ({ readonly kind: 'trouble'; readonly code: string; readonly message: string } & At)
  /** The partition was read up to `at` and cannot be read on; the others are (`keepsGoing`). */
  | ({ readonly kind: 'failed'; readonly at: bigint; readonly code: string; readonly message: string } & At)
  /** Nothing fails any more. */
  | { readonly kind: 'recovered' }

export interface ReadPosition {
  readonly topic: string
  readonly partition: number
  /** Every record of the range below this offset has been given out. */
  readonly next: bigint
  /** Where the partition ended when this was read: the last stable offset with `read_committed`, else the high watermark. */
  readonly limit: bigint
}

export type ReadEvent =
  /** `records` may be empty: positions move past control batches and aborted records too. */
  | { readonly kind: 'records'; readonly records: readonly ReadRecord[]; readonly positions: readonly ReadPosition[] }
  | { readonly kind: 'notice'; readonly notice: ReadNotice }

/** As `ReadOptions`, for reading whole batches. */
export interface ReadBatchesOptions extends Omit<ReadOptions, 'order'> {
  /** Also gives the control batches that commit a transaction (KIP-98). Default false. */
  readonly keepsCommits?: boolean
  /** A partition that cannot be read on ends with a notice, and the others are read on. Default false: it is an error. */
  readonly keepsGoing?: boolean
}

/** A record batch of magic 2 as it lies in the log, its checksum verified. */
export interface ReadBatch {
  readonly header: BatchHeader
  /** A view of the response: copy it to keep it. */
  readonly bytes: Buffer
}

export type ReadBatchesEvent =
  | {
      readonly kind: 'batches'
      readonly topic: string
      /** As Kafka prints it. */
      readonly topicId: string
      readonly partition: number
      /**
       * The first may begin before `from`, and the last end behind `next`, where the range begins or ends within a batch. May be empty:
       * positions move past control batches and aborted records too.
       */
      readonly batches: readonly ReadBatch[]
      /** Records of aborted transactions that lie between `from` and `next`. */
      readonly aborted: number
      readonly from: bigint
      readonly next: bigint
      /** As in `ReadPosition`. */
      readonly limit: bigint
      /** Of the leader that wrote the last batch before `next`; -1 when no batch ends there. */
      readonly leaderEpoch: number
    }
  | { readonly kind: 'notice'; readonly notice: ReadNotice }
