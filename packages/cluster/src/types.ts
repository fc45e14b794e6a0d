// The package's public types: connection options, the read model, the operations and their previews.
// Offsets are bigint, times are milliseconds, sizes are bytes.
import type { AclOperation, AclResourceType } from '@selfmonitor/protocol/acl'
import type { ClusterInfo, ConfigEntry, GroupMember, GroupState, TopicInfo } from './model.ts'
import type {
  Isolation,
  ReadBatchesEvent,
  ReadBatchesOptions,
  ReadEvent,
  ReadOptions,
  ReadRange,
} from './read-types.ts'
import type { ClusterSurvey } from './survey-types.ts'
import type { BatchAppender, ProducerIdentity } from './write-types.ts'

export type {
  BrokerInfo,
  ClusterInfo,
  ConfigEntry,
  ConfigSource,
  GroupMember,
  GroupState,
  PartitionInfo,
  TopicInfo,
} from './model.ts'

/** The subset of a pino logger that the packages of this project write to. */
export interface Logger {
  debug(context: object, message: string): void
  info(context: object, message: string): void
  warn(context: object, message: string): void
  error(context: object, message: string): void
}

/** How to prove who one is to the brokers. */
export interface SaslOptions {
  readonly mechanism: 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512'
  readonly username: string
  readonly password: string
}

/** Certificates and keys as PEM texts. */
export interface TlsOptions {
  /** Whom to trust; several certificates may follow each other. Default: the system's trust store. */
  readonly ca?: string
  /** The client's own certificate, its issuers behind it, for brokers that ask for one. */
  readonly cert?: string
  readonly key?: string
  readonly servername?: string
  /** `false` takes a certificate for any name, as Kafka's empty `ssl.endpoint.identification.algorithm`. Default true. */
  readonly verifyHostname?: boolean
}

export interface ClusterOptions {
  /** `host:port`, several joined with commas. */
  bootstrapServers: string
  /** Default `selfmonitor`. */
  clientId?: string
  /** Limit for one operation. Default 30000. */
  timeoutMs?: number
  sasl?: SaslOptions
  /** `true` for the system's trust store. Default: no TLS. */
  tls?: boolean | TlsOptions
}

export interface NewTopic {
  readonly name: string
  readonly partitions: number
  readonly replicationFactor: number
  readonly config?: Readonly<Record<string, string>>
}

export interface GroupInfo {
  readonly groupId: string
  readonly state: GroupState
  readonly protocolType: string
  /** The assignor's name, empty when the group is. */
  readonly protocol: string
  readonly members: readonly GroupMember[]
}

export interface GroupLag {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  /** null when nothing is committed for the partition. */
  readonly committedOffset: bigint | null
  readonly logEndOffset: bigint
  /** In messages, never negative; null when nothing is committed. */
  readonly lag: bigint | null
  readonly memberId: string | null
}

/** One of Kafka's own offset-reset scenarios (`kafka-consumer-groups --reset-offsets`). */
export type ResetStrategy =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'current' }
  | { readonly kind: 'offset'; readonly offset: bigint }
  | { readonly kind: 'shift-by'; readonly by: bigint }
  | { readonly kind: 'datetime'; readonly timestampMs: number }
  | { readonly kind: 'duration'; readonly ms: number }
  | { readonly kind: 'from-file'; readonly offsets: readonly { topic: string; partition: number; offset: bigint }[] }
  | { readonly kind: 'from-group'; readonly groupId: string }

/** One row of the preview that an offset reset shows before it is executed. */
export interface OffsetReset {
  readonly topic: string
  readonly partition: number
  readonly from: bigint | null
  readonly to: bigint
  /** `to` was outside the log and has been moved to its nearest end. */
  readonly clamped: boolean
}

export type ScramMechanism = 'SCRAM-SHA-256' | 'SCRAM-SHA-512'

/** An account that Kafka keeps itself (KIP-554). Its password cannot be read back. */
export interface ScramUser {
  readonly name: string
  readonly credentials: readonly { readonly mechanism: ScramMechanism; readonly iterations: number }[]
}

export type { AclOperation, AclResourceType }
export type AclPattern = 'literal' | 'prefixed'

/** One rule of the authorizer (KIP-11, KIP-290). The cluster's own resource is named `kafka-cluster`. */
export interface AclBinding {
  readonly resourceType: AclResourceType
  readonly resourceName: string
  readonly pattern: AclPattern
  /** `User:name`, or `User:*` for all users. */
  readonly principal: string
  /** An address, or `*`. */
  readonly host: string
  readonly operation: AclOperation
  readonly permission: 'allow' | 'deny'
}

/** Whom a quota is for (KIP-546): a user, a client id, both together, or an address. `name` null: all that have none of their own. */
export type QuotaEntity = readonly { readonly type: 'user' | 'client-id' | 'ip'; readonly name: string | null }[]

/** The quotas of one entity: `producer_byte_rate`, `consumer_byte_rate` in bytes a second, `request_percentage`, … */
export interface ClientQuota {
  readonly entity: QuotaEntity
  readonly values: Readonly<Record<string, number>>
}

/** An ordinary Kafka cluster, whichever engine is behind it. */
export interface Cluster extends ClusterSurvey {
  readonly bootstrapServers: string
  info(): Promise<ClusterInfo>

  listTopics(options?: { internal?: boolean }): Promise<TopicInfo[]>
  /** @throws ClusterError UNKNOWN_TOPIC_OR_PARTITION for the first name that does not exist. */
  describeTopics(names: readonly string[]): Promise<TopicInfo[]>
  /** Creates what it can; `validateOnly` changes nothing and throws the same errors. */
  createTopics(topics: readonly NewTopic[], options?: { validateOnly?: boolean }): Promise<void>
  deleteTopics(names: readonly string[]): Promise<void>
  /** Grows topics to `partitions` in total. `assignments` has the brokers of each new partition, the preferred leader first. */
  createPartitions(
    growth: readonly { topic: string; partitions: number; assignments?: readonly (readonly number[])[] }[],
    options?: { validateOnly?: boolean },
  ): Promise<void>
  /** Deletes records before the given offsets; -1n means up to the high watermark. Returns the new log start offsets. */
  deleteRecords(
    before: readonly { topic: string; partition: number; offset: bigint }[],
  ): Promise<{ topic: string; partition: number; lowWatermark: bigint }[]>

  topicConfigs(names: readonly string[]): Promise<Map<string, ConfigEntry[]>>
  brokerConfigs(brokerId: number): Promise<ConfigEntry[]>
  /** Sets (string) or deletes (null) single topic settings, leaving the others. KIP-339. */
  alterTopicConfigs(
    changes: readonly { topic: string; set: Readonly<Record<string, string | null>> }[],
    options?: { validateOnly?: boolean },
  ): Promise<void>

  /** Earliest (`-2`), latest (`-1`), or the first offset at or after a time; null where there is none. */
  listOffsets(
    partitions: readonly { topic: string; partition: number }[],
    at: 'earliest' | 'latest' | number,
    options?: { isolation?: Isolation },
  ): Promise<{ topic: string; partition: number; offset: bigint | null }[]>

  /**
   * Reads partitions without joining a group; nothing is committed. Ends when every range is read, or on the signal, also while
   * it waits. Fetches go over connections of their own, which are closed when the iteration ends.
   * @throws ClusterError when a partition cannot be read on under the policy (`OFFSET_OUT_OF_RANGE`, `TOPIC_RECREATED`,
   *   `TOPIC_AUTHORIZATION_FAILED`, `UNKNOWN_TOPIC_OR_PARTITION`, `CANNOT_CONNECT`, …), or when a batch is damaged
   *   (`CORRUPT_MESSAGE`); what came before is given out first
   */
  read(ranges: readonly ReadRange[], options?: ReadOptions): AsyncGenerator<ReadEvent, void, undefined>

  /** As `read`, but gives whole batches, neither decompressed nor decoded. */
  readBatches(
    ranges: readonly ReadRange[],
    options?: ReadBatchesOptions,
  ): AsyncGenerator<ReadBatchesEvent, void, undefined>
  /** A new producer id, for `appendBatches` (KIP-98). */
  initProducer(): Promise<ProducerIdentity>
  /** Opens connections over which finished record batches are appended to partitions. */
  appendBatches(): Promise<BatchAppender>

  listGroups(): Promise<{ groupId: string; state: GroupState; protocolType: string }[]>
  describeGroups(ids: readonly string[]): Promise<GroupInfo[]>
  groupLag(groupId: string): Promise<GroupLag[]>
  /** Computes a reset without doing it. */
  planOffsetReset(
    groupId: string,
    topics: readonly { topic: string; partitions?: readonly number[] }[] | 'all',
    strategy: ResetStrategy,
  ): Promise<OffsetReset[]>
  /** Commits a planned reset. @throws ClusterError NON_EMPTY_GROUP while the group has members. */
  resetOffsets(groupId: string, resets: readonly OffsetReset[]): Promise<void>
  /**
   * Commits offsets as no member: for a group whose partitions are assigned by hand.
   * @throws ClusterError NON_EMPTY_GROUP while the group has members
   */
  commitOffsets(
    groupId: string,
    offsets: readonly {
      readonly topic: string
      readonly partition: number
      readonly to: bigint
      /** What is kept beside the offset. Default: nothing. */
      readonly metadata?: string
    }[],
  ): Promise<void>
  /**
   * Sets where a share group begins in partitions (KIP-932); a group that does not exist begins to.
   * @throws ClusterError NON_EMPTY_GROUP while it has members; UNSUPPORTED_API from brokers without share groups
   */
  setShareGroupStarts(
    groupId: string,
    starts: readonly { readonly topic: string; readonly partition: number; readonly to: bigint }[],
  ): Promise<void>
  deleteGroups(ids: readonly string[]): Promise<void>
  deleteGroupOffsets(groupId: string, partitions: readonly { topic: string; partition: number }[]): Promise<void>

  logDirs(): Promise<
    {
      brokerId: number
      path: string
      error: string | null
      totalBytes: bigint | null
      usableBytes: bigint | null
      partitions: { topic: string; partition: number; sizeBytes: bigint }[]
    }[]
  >

  /** Every account with SCRAM credentials, by name. */
  users(): Promise<ScramUser[]>
  /**
   * Creates accounts or changes their passwords. Default SCRAM-SHA-512 with 8192 iterations. A new account shows when this
   * returns; a new password is committed then, and each broker takes it a moment later.
   */
  setUserPasswords(
    users: readonly { name: string; password: string; mechanism?: ScramMechanism; iterations?: number }[],
  ): Promise<void>
  /** Deletes every SCRAM credential of these accounts. @throws ClusterError RESOURCE_NOT_FOUND, with nothing deleted */
  deleteUsers(names: readonly string[]): Promise<void>
  /**
   * Whether the cluster accepts this name and password now, tried with a connection of its own.
   * @throws ClusterError when no answer could be had, or when this connection does not use SASL
   */
  authenticates(user: { name: string; password: string; mechanism?: ScramMechanism }): Promise<boolean>
  /** @throws ClusterError SECURITY_DISABLED when the cluster has no authorizer. */
  acls(): Promise<AclBinding[]>
  createAcls(bindings: readonly AclBinding[]): Promise<void>
  /** Deletes exactly these rules; one that does not exist is not an error. */
  deleteAcls(bindings: readonly AclBinding[]): Promise<void>
  /** Every client quota, by entity. @throws ClusterError CLUSTER_AUTHORIZATION_FAILED without DESCRIBE_CONFIGS on the cluster */
  clientQuotas(): Promise<ClientQuota[]>
  /** Sets (number) or removes (null) single quotas of entities, leaving the others. Needs ALTER_CONFIGS on the cluster. */
  alterClientQuotas(
    changes: readonly { readonly entity: QuotaEntity; readonly set: Readonly<Record<string, number | null>> }[],
    options?: { readonly validateOnly?: boolean },
  ): Promise<void>

  close(): Promise<void>
}
