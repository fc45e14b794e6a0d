// Reading a whole cluster at once, for those who watch it: 10,000 partitions and 1,000 groups in few requests. Whatever cannot be
// read is a problem of that broker, group or partition, and the rest is there.
import type { ClusterInfo, ConfigEntry, GroupMember, GroupState, TopicInfo } from './model.ts'

/** Why something could not be read. `code` is Kafka's name of the error, or that of a ClusterError. */
export interface Problem {
  readonly code: string
  readonly message: string
}

/** `classic`: JoinGroup and SyncGroup. `consumer`: KIP-848. `share`: KIP-932. `streams`: KIP-1071. */
export type GroupType = 'classic' | 'consumer' | 'share' | 'streams'

export interface SurveyedMember extends GroupMember {
  /** null when the protocol does not say: another protocol type, or a subscription that cannot be decoded. */
  readonly subscribedTopics: readonly string[] | null
  /** The pattern that a member of the consumer protocol subscribes to beside those topics (RE2, KIP-848). */
  readonly subscribedTopicRegex: string | null
}

export interface SurveyedGroup {
  readonly groupId: string
  readonly type: GroupType
  readonly state: GroupState
  /** `consumer`, `connect`, `share`, …; empty when it never had members. */
  readonly protocolType: string
  readonly coordinatorId: number
  /** Rises with each rebalance (KIP-848, KIP-932); null of a classic group, whose generation DescribeGroups does not tell. */
  readonly epoch: number | null
  readonly members: readonly SurveyedMember[]
  /** Why its members are not known; null when they are. */
  readonly problem: Problem | null
}

export interface GroupsSurvey {
  /** By name. */
  readonly groups: readonly SurveyedGroup[]
  /** Brokers that did not list their groups: those that they coordinate are missing. */
  readonly problems: readonly { readonly brokerId: number; readonly problem: Problem }[]
  /** In the order of `groups`; empty unless they were asked for. */
  readonly offsets: readonly GroupOffsets[]
}

export interface GroupOffsets {
  readonly groupId: string
  readonly offsets: readonly {
    readonly topic: string
    readonly partition: number
    /** The next offset to read; of a share group, its start offset. */
    readonly offset: bigint
    /** Of the leader that wrote the record before the offset, as the group committed it (KIP-320); -1 when it is not known. */
    readonly leaderEpoch: number
    /** What the group committed beside the offset; empty for nothing, and of a share group. */
    readonly metadata: string
    /** As the coordinator counts it: share groups on brokers with KIP-1226 only. */
    readonly lag: bigint | null
  }[]
  readonly problem: Problem | null
}

/** The partition to look up, with its leader by the metadata. */
export interface PlacedPartition {
  readonly topic: string
  readonly partition: number
  /** -1 when the partition has no leader. */
  readonly leader: number
}

export interface PartitionBounds {
  readonly topic: string
  readonly partition: number
  /** The log start offset. */
  readonly start: bigint | null
  /** The last stable offset: where `read_committed` ends (KIP-98). */
  readonly lastStable: bigint | null
  /** The high watermark; read last, so that it is never below the others. */
  readonly end: bigint | null
  /** Why some of them are null. */
  readonly problem: Problem | null
}

export interface UnreadPosition extends PlacedPartition {
  readonly topicId: string
  readonly offset: bigint
  /** The partition's end: nothing is looked for from there on. */
  readonly end: bigint
}

export type Unread =
  | {
      readonly kind: 'record'
      readonly offset: bigint
      readonly timestampMs: number
      readonly timestampType: 'CreateTime' | 'LogAppendTime'
    }
  /** Only transaction markers, and offsets whose records were compacted away, lie up to the end. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'problem'; readonly problem: Problem }

/** The metadata quorum (DescribeQuorum, KIP-595). */
export interface QuorumInfo {
  /** -1 when there is none: then nothing else is known. */
  readonly leaderId: number
  readonly leaderEpoch: number
  readonly highWatermark: bigint
  readonly voters: readonly QuorumReplica[]
  readonly observers: readonly QuorumReplica[]
  /** The leader's clock when it answered; null from Kafka before 3.3. */
  readonly leaderTimeMs: number | null
}

export interface QuorumReplica {
  readonly id: number
  readonly logEndOffset: bigint
  /** By the leader's clock; null when never, and for the leader. */
  readonly lastFetchMs: number | null
  readonly lastCaughtUpMs: number | null
}

/** A transaction that is open in a partition (DescribeProducers, DescribeTransactions; KIP-664). */
export interface OpenTransaction {
  readonly topic: string
  readonly partition: number
  readonly producerId: bigint
  /** null when no coordinator knows the producer id. */
  readonly transactionalId: string | null
  readonly startOffset: bigint
  /**
   * No coordinator has a transaction of this producer open in this partition: nothing will end it. That is what `kafka-transactions
   * find-hanging` looks for (KIP-664). It is also so, for a moment, of a transaction that ends while it is asked about. false where a
   * coordinator could not be asked.
   */
  readonly isHanging: boolean
  /** When the coordinator began it; where the coordinator has none, when its producer last wrote; null when neither is known. */
  readonly startedAtMs: number | null
  /** The producer's, in milliseconds; null when no coordinator has the transaction. */
  readonly timeoutMs: number | null
}

export interface TransactionsSurvey {
  readonly transactions: readonly OpenTransaction[]
  /** The first thing that could not be read; null when nothing is missing. */
  readonly problem: Problem | null
}

/** Whether a broker answers at the address that it advertises, over a connection of its own. */
export interface BrokerReach {
  readonly brokerId: number
  readonly host: string
  readonly port: number
  /** null when it answered. */
  readonly problem: Problem | null
  /** For the connection, TLS, the login and ApiVersions, in milliseconds. */
  readonly tookMs: number
  /** The highest version of each API that it offers, by API key; null when it did not answer. */
  readonly apiVersions: ReadonlyMap<number, number> | null
  /** The certificate that it showed; null without TLS. */
  readonly certificate: { readonly subject: string; readonly notAfterMs: number } | null
}

/** The parts of `Cluster` that read everything. */
export interface ClusterSurvey {
  /** The brokers and every topic, internal ones too, of one answer. */
  surveyMetadata(): Promise<ClusterInfo & { readonly topics: readonly TopicInfo[] }>
  /**
   * Every group with its type, coordinator and members: one ListGroups for each broker, then one describing request of its kind for
   * 1,000 groups. Groups of the streams protocol (KIP-1071) are listed without members.
   * @param options.include groups for which it returns false are left out
   * @param options.brokers ids of the cluster's brokers, where they were read just now; default: asks for them
   * @param options.offsets also reads what `groupOffsets` does, while the groups are described; default false
   * @throws ClusterError when no broker answers
   */
  surveyGroups(options?: {
    readonly include?: (groupId: string) => boolean
    readonly brokers?: readonly number[]
    readonly offsets?: boolean
  }): Promise<GroupsSurvey>
  /** The groups' committed offsets (for a share group, its start offsets): one request for 1,000 groups of a coordinator (KIP-709), in the order given. */
  groupOffsets(groups: readonly Pick<SurveyedGroup, 'groupId' | 'type' | 'coordinatorId'>[]): Promise<GroupOffsets[]>
  /**
   * Log start, last stable offset and high watermark: three requests for each leader and 50,000 partitions, in the order given.
   * @param options.after log starts are asked for at once, the others when this has resolved: then no end is older than what it waits
   *   for, such as committed offsets. It must not reject. Default: all at once
   */
  partitionBounds(
    partitions: readonly PlacedPartition[],
    options?: { readonly after?: Promise<void> },
  ): Promise<PartitionBounds[]>
  /**
   * The first record at or after each offset, with its time. Small batches come together; a batch over `batchBytes` is fetched alone.
   * @param options `batchBytes`: default 16 KiB; `budgetBytes`: what all batches that come alone may have, default 64 MiB:
   *   positions beyond it have the problem `BUDGET_USED`
   */
  unreadRecords(
    positions: readonly UnreadPosition[],
    options?: { batchBytes?: number; budgetBytes?: number },
  ): Promise<Unread[]>
  /**
   * The brokers pass the question on to the active controller. When it is not answered within 5 seconds, while they answer others,
   * there is none.
   * @throws ClusterError UNSUPPORTED_API from a cluster without a quorum: the embedded broker, ZooKeeper
   */
  quorum(): Promise<QuorumInfo>
  /**
   * The transactions that are open in these partitions; ask for those whose last stable offset is behind their end.
   * @throws ClusterError UNSUPPORTED_API from brokers without transactions
   */
  openTransactions(partitions: readonly PlacedPartition[]): Promise<TransactionsSurvey>
  /** Connects to every broker where it says it is, eight at a time. @throws ClusterError when the metadata cannot be read */
  reachBrokers(): Promise<BrokerReach[]>
  /** As `logDirs`, but that a broker that does not answer is a problem of its own. */
  surveyLogDirs(): Promise<LogDirsSurvey>
  /** Settings of topics, 500 a request, and of brokers. */
  surveyConfigs(of: { readonly topics: readonly string[]; readonly brokers: readonly number[] }): Promise<ConfigsSurvey>
  /** Requests sent so far, logins left out. */
  requestsSent(): number
}

export interface BrokerLogDir {
  readonly brokerId: number
  readonly path: string
  readonly error: string | null
  /** null from brokers that do not say (KIP-827, Kafka 3.3). */
  readonly totalBytes: bigint | null
  readonly usableBytes: bigint | null
  readonly partitions: readonly { readonly topic: string; readonly partition: number; readonly sizeBytes: bigint }[]
}

export interface LogDirsSurvey {
  readonly logDirs: readonly BrokerLogDir[]
  readonly problems: readonly { readonly brokerId: number; readonly problem: Problem }[]
}

export interface ConfigsSurvey {
  readonly topics: ReadonlyMap<string, readonly ConfigEntry[]>
  readonly brokers: ReadonlyMap<number, readonly ConfigEntry[]>
  /** The first topic or broker that could not be read (it was deleted meanwhile, or it may not be described). */
  readonly problem: Problem | null
}
