// The inputs and answers of the group coordinator, and what it needs. They use Kafka's terms and are independent of wire versions: a
// handler translates its versions to these.
import type { KafkaErrorName, Uuid } from '@selfmonitor/protocol'
import type { BrokerCounters } from '../metrics/index.ts'
import type { Clock, Logger } from '../types.ts'

/** A classic group's states, by the names that ListGroups and DescribeGroups show. */
export type GroupState = 'Empty' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead'

/** Why an operation failed: Kafka's name of the error and, for the log, its reason. */
export interface GroupError {
  /** Kafka's name of the error, `UNKNOWN_MEMBER_ID`. */
  readonly name: KafkaErrorName
  /** One clause for the log and for error messages, `session expired 312 ms ago`. */
  readonly reason: string
}

export interface GroupProtocol {
  readonly name: string
  readonly metadata: Buffer
}

export interface JoinInput {
  readonly groupId: string
  /** Empty on the first join. */
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  /** The peer's address as Kafka shows it, `/127.0.0.1`. */
  readonly clientHost: string
  readonly sessionTimeoutMs: number
  /** -1 (before v1 of JoinGroup) means the session timeout. */
  readonly rebalanceTimeoutMs: number
  readonly protocolType: string
  readonly protocols: readonly GroupProtocol[]
  readonly reason: string | null
  /** A first join without a member id is answered MEMBER_ID_REQUIRED (v4+, KIP-394). */
  readonly requireKnownMemberId: boolean
  /** The client understands `skipAssignment` (v9+, KIP-814). */
  readonly supportsSkippingAssignment: boolean
}

export interface JoinMember {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly metadata: Buffer
}

export interface JoinResult {
  readonly error?: GroupError
  /** -1 with an error. */
  readonly generationId: number
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly leader: string
  readonly skipAssignment: boolean
  readonly memberId: string
  /** All members for the leader, none for the others. */
  readonly members: readonly JoinMember[]
}

export interface SyncInput {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Null before v5: not checked. */
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignments: readonly { readonly memberId: string; readonly assignment: Buffer }[]
}

export interface SyncResult {
  readonly error?: GroupError
  readonly protocolType: string | null
  readonly protocolName: string | null
  readonly assignment: Buffer
}

export interface HeartbeatInput {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
}

export interface LeavingMember {
  /** Empty when a static member is named by its instance id only. */
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly reason: string | null
}

export interface LeaveInput {
  readonly groupId: string
  readonly members: readonly LeavingMember[]
}

export interface LeaveResult {
  /** About the group as a whole; the members are then empty. */
  readonly error?: GroupError
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly error?: GroupError
  }[]
}

export interface CommitPartition {
  readonly partition: number
  readonly offset: bigint
  /** -1 when unknown. */
  readonly leaderEpoch: number
  readonly metadata: string | null
  /** Given by the client (v1 of OffsetCommit): milliseconds since the epoch. */
  readonly commitTimestampMs?: number
}

export interface CommitInput {
  readonly groupId: string
  /** -1 with an empty member id: a simple consumer or an admin client, allowed while the group is empty. */
  readonly generationId: number
  readonly memberId: string
  readonly groupInstanceId: string | null
  /** Keep the offsets this long instead of `offsets.retention.minutes` (v2 to v4 of OffsetCommit). */
  readonly retentionTimeMs?: number
  /** A group that does not exist is answered GROUP_ID_NOT_FOUND (v9+); older clients expect ILLEGAL_GENERATION. */
  readonly knowsGroupIdNotFound: boolean
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly CommitPartition[]
  }[]
}

/** Results are in the order of the input. */
export interface CommitResult {
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly error?: GroupError }[]
  }[]
}

export interface CommittedOffset {
  readonly offset: bigint
  readonly leaderEpoch: number
  readonly metadata: string
  readonly commitTimestampMs: number
  /** Set only by old clients: milliseconds since the epoch. */
  readonly expireTimestampMs?: number
  /** The topic that it was committed for, so that a topic recreated under the same name does not inherit it. */
  readonly topicId?: Uuid
}

export interface FetchOffsetsInput {
  readonly groupId: string
  /** Null: everything that the group has committed. */
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[] | null
}

export interface FetchedPartition {
  readonly partition: number
  /** -1 when the group has committed nothing for it. */
  readonly offset: bigint
  readonly leaderEpoch: number
  readonly metadata: string
}

/** There is never an error for the whole group: one that does not exist has committed nothing, as in Kafka. */
export interface FetchOffsetsResult {
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly FetchedPartition[] }[]
}

export interface DeleteOffsetsInput {
  readonly groupId: string
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly number[] }[]
}

export interface DeleteOffsetsResult {
  readonly error?: GroupError
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partition: number; readonly error?: GroupError }[]
  }[]
}

export interface ListedGroup {
  readonly groupId: string
  readonly protocolType: string
  readonly state: GroupState
  /** `classic`: the only type so far. */
  readonly type: string
}

export interface DescribedGroup {
  readonly error?: GroupError
  readonly groupId: string
  /** `Dead` for a group that does not exist, as Kafka answers. */
  readonly state: GroupState
  readonly protocolType: string
  /** The chosen assignor while Stable, else empty. */
  readonly protocolName: string
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    readonly metadata: Buffer
    readonly assignment: Buffer
  }[]
}

/** An offset that was written and acknowledged. */
export interface CommitNotice {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** Settings, by Kafka's names in the comments; defaults are Kafka's. */
export interface GroupConfig {
  /** `group.min.session.timeout.ms`, 6000. */
  readonly minSessionTimeoutMs: number
  /** `group.max.session.timeout.ms`, 1800000. */
  readonly maxSessionTimeoutMs: number
  /** `group.initial.rebalance.delay.ms`, 3000 as in Kafka; `server.properties` files that Kafka ships set 0. */
  readonly initialRebalanceDelayMs: number
  /** `group.max.size`, unlimited (2^31 - 1). */
  readonly maxSize: number
  /** `offset.metadata.max.bytes`, 4096. */
  readonly offsetMetadataMaxBytes: number
  /** `offsets.retention.minutes`, 10080 (7 days), here in milliseconds. */
  readonly offsetsRetentionMs: number
  /** `offsets.retention.check.interval.ms`, 600000. */
  readonly offsetsRetentionCheckIntervalMs: number
  /** `offsets.topic.num.partitions`, 50. Used only when the topic is created. */
  readonly offsetsTopicPartitions: number
}

/** One record of `__consumer_offsets`; a null value is a tombstone. */
export interface GroupRecord {
  readonly key: Buffer
  readonly value: Buffer | null
}

/** A batch of `__consumer_offsets` as it is replayed. */
export interface ReplayedBatch {
  /** -1 without a producer. */
  readonly producerId: bigint
  readonly isTransactional: boolean
  /** Set on a control batch: how the producer's transaction ended. */
  readonly control?: 'commit' | 'abort'
  readonly records: readonly { readonly key: Buffer | null; readonly value: Buffer | null }[]
}

/** `__consumer_offsets` as the coordinator needs it. Calls for one partition follow one another, never overlap. */
export interface GroupLog {
  /** How many partitions the topic has, or will have when it is created. */
  readonly partitions: number
  /**
   * Appends the records as one batch; creates the topic on first use. Resolves when they are as durable as acks=all.
   * @throws an error whose `code` is Kafka's name of it
   */
  append(partition: number, records: readonly GroupRecord[], timestampMs: number): Promise<void>
  /** Appends the records and then deletes everything before them. They are all that the partition has to keep. */
  replace(partition: number, records: readonly GroupRecord[], timestampMs: number): Promise<void>
  /**
   * Calls back for every batch of every partition, oldest first within a partition. If the topic is missing, there are none.
   * Batches are verified; one that is damaged is left out, and its partition is among the result. If a partition cannot be read
   * at all, the others are read nevertheless.
   */
  replay(onBatch: (partition: number, batch: ReplayedBatch) => void): Promise<readonly DamagedPartition[]>
}

/** A partition of `__consumer_offsets` in which something cannot be read, so that none of its groups can be trusted. */
export interface DamagedPartition {
  readonly partition: number
  /** The folder of its log. */
  readonly folder: string
  /** The problem and its place. */
  readonly problem: string
}

export interface GroupCoordinatorOptions {
  readonly config: GroupConfig
  readonly clock: Clock
  readonly log: GroupLog
  readonly logger?: Logger
  /** The topic as it is now: commits for partitions that it does not have are answered UNKNOWN_TOPIC_OR_PARTITION. */
  readonly topic: (name: string) => { readonly id: Uuid; readonly partitions: number } | undefined
  /** Where events of groups are counted. Default: nowhere that is looked at. */
  readonly counters?: BrokerCounters
  /** A fresh random uuid for member ids. Default `crypto.randomUUID`. */
  readonly newUuid?: () => string
}
