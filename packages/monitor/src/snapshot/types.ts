// The snapshot: everything the monitor knows of a cluster at one moment. Plain data, made by the collector (`collect/`), read by the
// metrics, the diagnosis and the console. Nothing here performs I/O.
// Offsets are bigint, times are milliseconds since the epoch, sizes are bytes.
import type {
  BrokerInfo,
  BrokerReach,
  ConfigEntry,
  GroupState,
  GroupType,
  OpenTransaction,
  Problem,
  QuorumReplica,
  SurveyedMember,
  TopicInfo,
} from '@selfmonitor/cluster'

import type { BackupOutcomes } from './backup-report.ts'

export type { GroupType, OpenTransaction, Problem, QuorumReplica } from '@selfmonitor/cluster'
export type { BackupOutcomes, BackupReport } from './backup-report.ts'

/**
 * One part of the snapshot. Parts are read at different intervals, and one may fail while the others succeed: then its last value
 * is kept, with the time at which it was read and the problem of the last attempt.
 */
export type Reading<T> =
  | { readonly state: 'never'; readonly problem: Problem | null }
  | {
      readonly state: 'read'
      readonly value: T
      /** When the value was read. */
      readonly atMs: number
      readonly tookMs: number
      /** Of the last attempt; null when it succeeded, and then `value` is its result. */
      readonly problem: Problem | null
    }

export interface Snapshot {
  /** The label `cluster` of every metric: the name that was given, else the cluster's id. */
  readonly cluster: string
  /** When this collection began and ended. */
  readonly startedAtMs: number
  readonly finishedAtMs: number
  /** How many brokers there should be: as configured, else the most that were seen within 24 hours. */
  readonly expectedBrokers: number
  readonly metadata: Reading<Metadata>
  readonly brokers: Reading<readonly BrokerStatus[]>
  readonly configs: Reading<Configs>
  readonly offsets: Reading<readonly PartitionOffsets[]>
  readonly logDirs: Reading<readonly LogDir[]>
  readonly groups: Reading<readonly Group[]>
  readonly quorum: Reading<Quorum>
  readonly transactions: Reading<readonly OpenTransaction[]>
  readonly certificates: Reading<readonly Certificate[]>
  /** Schema Registry, Connect, ksqlDB: those whose address was given. */
  readonly services: Reading<readonly ServiceHealth[]>
  /** The newest backup and drill of each target, from the topic in which they report. */
  readonly backups: Reading<readonly BackupOutcomes[]>
  /** null unless the end-to-end probe was asked for. */
  readonly probe: Probe | null
  /** What came before, as far as a metric or a verdict needs it. */
  readonly history: History
}

export interface Metadata {
  readonly clusterId: string
  /** -1 when there is none. */
  readonly controllerId: number
  readonly brokers: readonly BrokerInfo[]
  /** Internal topics included, in the order of their names. Those that the allow and deny patterns leave out are missing. */
  readonly topics: readonly TopicInfo[]
}

/** Whether a broker answers at the address that it advertises, and how. Its certificate is one of `certificates`. */
export interface BrokerStatus extends Omit<BrokerReach, 'apiVersions' | 'certificate'> {
  /** The highest version of each API it has, as `key:version`, joined: brokers of one version of Kafka have the same text. */
  readonly apiVersions: string | null
}

export interface Configs {
  /** Only what differs from the default or what a metric or verdict needs: all of them, as Kafka gives them. */
  readonly topics: ReadonlyMap<string, readonly ConfigEntry[]>
  readonly brokers: ReadonlyMap<number, readonly ConfigEntry[]>
}

/** Where the leader did not answer, the values are the last ones that were read. */
export interface PartitionOffsets {
  readonly topic: string
  readonly partition: number
  /** Why they were not read this time. */
  readonly problem: Problem | null
  /** The log start offset; null when it was never read. */
  readonly start: bigint | null
  /** The high watermark. */
  readonly end: bigint | null
  /** The last stable offset: where `read_committed` ends (KIP-98). */
  readonly lastStable: bigint | null
}

export interface LogDir {
  readonly brokerId: number
  readonly path: string
  readonly error: string | null
  /** null from brokers that do not say (KIP-827, Kafka 3.3). */
  readonly totalBytes: bigint | null
  readonly usableBytes: bigint | null
  readonly replicas: readonly { readonly topic: string; readonly partition: number; readonly sizeBytes: bigint }[]
}

export interface Group {
  readonly groupId: string
  readonly type: GroupType
  readonly state: GroupState
  /** `consumer`, `connect`, …; empty when it never had members. */
  readonly protocolType: string
  readonly coordinatorId: number | null
  /** Rises with each rebalance; null of a classic group, whose protocol does not tell it. */
  readonly epoch: number | null
  readonly members: readonly GroupMember[]
  /** What the group has committed or has assigned, by topic and partition. */
  readonly partitions: readonly GroupPartition[]
  /** Where the group's details could not be read (denied, coordinator loading): the rest is what was read last. */
  readonly problem: Problem | null
}

/** With the topics that it subscribes to, and the pattern (KIP-848). */
export type GroupMember = SurveyedMember

export interface GroupPartition {
  readonly topic: string
  readonly partition: number
  /** The next offset to read (a share group: its start offset); null when nothing is committed. */
  readonly committed: bigint | null
  /** Messages from `committed` to the end; never negative; null when it cannot be told. Committed offsets are read before end offsets. */
  readonly lag: bigint | null
  readonly memberId: string | null
  /**
   * The record at the committed offset, or the first after it. `none`: only transaction markers or aborted records are left, so the
   * group has caught up whatever its lag says. null when the lag is 0, or when it was not read.
   */
  readonly nextUnread: UnreadRecord | 'none' | null
}

export interface UnreadRecord {
  readonly offset: bigint
  readonly timestampMs: number
  readonly timestampType: 'CreateTime' | 'LogAppendTime'
}

/** DescribeQuorum (KIP-595). */
export interface Quorum {
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly highWatermark: bigint
  readonly voters: readonly QuorumReplica[]
  readonly observers: readonly QuorumReplica[]
  /** The leader's clock when it answered, which all times of the replicas are by; null from Kafka before 3.3. */
  readonly leaderTimeMs: number | null
  /** The leader's clock minus ours. Kafka tells the time of no other node. */
  readonly leaderClockOffsetMs: number | null
}

export interface Certificate {
  /** `broker 2 (kafka-2:9093)`, or the path of a file. */
  readonly where: string
  readonly subject: string
  readonly notAfterMs: number
}

export interface ServiceHealth {
  readonly service: 'schema-registry' | 'connect' | 'ksqldb'
  readonly url: string
  readonly problem: Problem | null
  readonly tookMs: number
  /** Of Connect only. */
  readonly connectors?: readonly {
    readonly name: string
    readonly state: string
    readonly tasks: readonly { readonly id: number; readonly state: string; readonly trace: string | null }[]
  }[]
}

/** The end-to-end probe: produces to each broker's partition of a topic of its own, consumes and commits. Totals since the start. */
export interface Probe {
  readonly topic: string
  readonly produced: number
  readonly produceFailures: number
  readonly consumed: number
  readonly lost: number
  readonly commits: number
  readonly commitFailures: number
  /** Seconds, with the buckets of `probeBuckets`: counts that are not cumulative, the last one above all bounds. */
  readonly produceLatency: Distribution
  readonly commitLatency: Distribution
  readonly roundTrip: Distribution
  readonly lastProblem: Problem | null
}

export interface Distribution {
  readonly counts: readonly number[]
  readonly sum: number
}

/** What several snapshots tell together. Entries of topics and groups that are gone are dropped. */
export interface History {
  /** When the collector started. */
  readonly sinceMs: number
  readonly collections: { readonly done: number; readonly failures: ReadonlyMap<string, number> }
  /** Key: `groupKey` of the group, topic and partition. */
  readonly groupPartitions: ReadonlyMap<string, GroupPartitionHistory>
  readonly groups: ReadonlyMap<string, GroupHistory>
  readonly topics: ReadonlyMap<string, TopicHistory>
  /** Key: `logDirKey`. Oldest first, at most one an interval of `diskPointEveryMs`. */
  readonly logDirs: ReadonlyMap<string, readonly { readonly atMs: number; readonly usedBytes: bigint }[]>
  /** When each broker that is missing now was last in the metadata. */
  readonly brokersLastSeen: ReadonlyMap<number, number>
}

export interface GroupPartitionHistory {
  /** When the committed offset was first seen. A commit of the same offset cannot be told from none. */
  readonly firstSeenMs: number
  /** When the committed offset was last seen to move, either way; null while it never has. */
  readonly movedAtMs: number | null
  /** Messages deleted by retention before the group had read them (its offset was below the log start), since `History.sinceMs`. */
  readonly lost: bigint
  /** Oldest first: one a minute and the newest, over at most 15 minutes. */
  readonly points: readonly { readonly atMs: number; readonly committed: bigint; readonly end: bigint }[]
  /** The committed offset went back, or jumped ahead while the group was empty: a reset. The last one. */
  readonly lastReset: { readonly atMs: number; readonly from: bigint; readonly to: bigint } | null
}

export interface GroupHistory {
  readonly firstSeenMs: number
  /**
   * Rebalances. Of a group with an epoch all of them; of a classic group what collections can tell: it began to rebalance, its assignment
   * changed, or the rebalance that it is in is not the one of the last time. Several between two collections are one.
   */
  readonly rebalances: number
  /** When collections saw that there had been any, at most `flapWindowMs` ago. */
  readonly rebalancedAtMs: readonly number[]
  /** Since when it has had no members; null while it has some. */
  readonly emptySinceMs: number | null
}

export interface TopicHistory {
  readonly id: string
  /** The id that a topic of this name had before, when the change was seen, and how often since; null when it was never created again. */
  readonly recreated: { readonly atMs: number; readonly previousId: string; readonly times: number } | null
  /** When a message was last seen to arrive; null when none has. */
  readonly lastMessageMs: number | null
  /** Messages that arrived since `History.sinceMs`, over recreations too. */
  readonly messages: bigint
  /** Between the last two readings of the offsets; null while there is one. */
  readonly messagesPerSecond: number | null
}
