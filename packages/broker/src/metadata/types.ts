// What the rest of the broker knows of topics and settings: reads are synchronous and always current; each mutation is
// on disk before its promise resolves.
import type { Uuid } from '@selfmonitor/protocol'

export interface PartitionMetadata {
  readonly partition: number
  /** Node id of the presented broker that leads it. */
  readonly leader: number
  /** Fixed at 0 while nothing moves: there is one node. */
  readonly leaderEpoch: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
}

export interface TopicMetadata {
  readonly name: string
  readonly id: Uuid
  /** `__consumer_offsets`, `__transaction_state`. */
  readonly internal: boolean
  /** Index = partition number. */
  readonly partitions: readonly PartitionMetadata[]
  /** What was set on the topic itself, by Kafka's names, as the strings that were given. */
  readonly overrides: ReadonlyMap<string, string>
  /** Overrides, then broker settings, then defaults, as typed values. A new object after each change. */
  readonly config: TopicConfig
}

/**
 * A topic's settings by Kafka's names, resolved. Longs are numbers: a value over 2^53 (Long.MAX for "never") loses its
 * last digits, which no comparison notices. -1 keeps Kafka's meaning (no limit).
 */
export interface TopicConfig {
  readonly 'cleanup.policy': readonly ('delete' | 'compact')[]
  readonly 'compression.gzip.level': number
  readonly 'compression.lz4.level': number
  readonly 'compression.type': 'uncompressed' | 'zstd' | 'lz4' | 'snappy' | 'gzip' | 'producer'
  readonly 'compression.zstd.level': number
  readonly 'delete.retention.ms': number
  readonly 'file.delete.delay.ms': number
  readonly 'flush.messages': number
  readonly 'flush.ms': number
  readonly 'index.interval.bytes': number
  readonly 'max.compaction.lag.ms': number
  readonly 'max.message.bytes': number
  readonly 'message.timestamp.after.max.ms': number
  readonly 'message.timestamp.before.max.ms': number
  readonly 'message.timestamp.type': 'CreateTime' | 'LogAppendTime'
  readonly 'min.cleanable.dirty.ratio': number
  readonly 'min.compaction.lag.ms': number
  readonly 'min.insync.replicas': number
  readonly preallocate: boolean
  readonly 'retention.bytes': number
  readonly 'retention.ms': number
  readonly 'segment.bytes': number
  readonly 'segment.index.bytes': number
  readonly 'segment.jitter.ms': number
  readonly 'segment.ms': number
  readonly 'unclean.leader.election.enable': boolean
}

/** Everything that was said about brokers, most specific first. */
export interface BrokerLayers {
  /** Changed while running, on one broker. */
  readonly dynamic: ReadonlyMap<string, string>
  /** Changed while running, for all brokers. */
  readonly dynamicDefault: ReadonlyMap<string, string>
  /** Given when the broker was started. */
  readonly static: ReadonlyMap<string, string>
}

/** Broker-level settings by Kafka's names: given at the start, changed by AlterConfigs, else Kafka's default. */
export interface BrokerConfig {
  /** @throws when the name is not in the table of `config/` or is not a number: a mistake in our code. */
  number(name: string): number
  boolean(name: string): boolean
  string(name: string): string
  list(name: string): readonly string[]
  /** A string setting that may be absent. */
  optionalString(name: string): string | null
}

export interface NewTopic {
  readonly name: string
  /** Replicas of each partition, by node id, the first one leads. */
  readonly assignments: readonly (readonly number[])[]
  readonly configs: ReadonlyMap<string, string>
}

export type MetadataChange =
  | { readonly kind: 'topic-created'; readonly topic: TopicMetadata }
  | { readonly kind: 'topic-deleted'; readonly topic: TopicMetadata }
  | { readonly kind: 'partitions-added'; readonly topic: TopicMetadata; readonly firstNew: number }
  | { readonly kind: 'topic-config-changed'; readonly topic: TopicMetadata }
  | { readonly kind: 'broker-config-changed' }

/** Whose settings: a topic, one broker (`'1'`) or all (`''`), a group, or a client metrics subscription. */
export interface ConfigResource {
  readonly type: 'topic' | 'broker' | 'group' | 'client-metrics'
  readonly name: string
}

export interface MetadataStore {
  topic(name: string): TopicMetadata | undefined
  topicById(id: Uuid): TopicMetadata | undefined
  /** Every topic, sorted by name. */
  topics(): readonly TopicMetadata[]
  /**
   * Whether this was the id of a topic that was deleted, and whose records may still be on the disk. An id that is neither
   * this nor a topic's is unknown, which is no reason to delete anything.
   */
  isDeleted(id: Uuid): boolean
  /** All of them. */
  deletedTopics(): readonly Uuid[]
  /** To be called once nothing of these deleted topics is on the disk any more. */
  forgetDeleted(ids: readonly Uuid[]): void
  /** The topic that is called so, or like it but for dots and underscores, which metric names do not tell apart. */
  collision(name: string): string | undefined
  /** What was set on a resource while running; nothing for one that is not known. */
  overrides(resource: ConfigResource): ReadonlyMap<string, string>
  /** The groups or client metrics subscriptions on which something was set, sorted by name. */
  configured(type: 'group' | 'client-metrics'): readonly string[]
  readonly brokerConfig: BrokerConfig
  /** Where broker settings come from, for those who show it. */
  brokerLayers(): BrokerLayers

  /**
   * Runs `work` alone: no other `work` runs meanwhile. For whoever must validate and then change without anybody in
   * between. Not reentrant.
   */
  exclusively<T>(work: () => Promise<T>): Promise<T>
  /** All or nothing, one durable write. The caller has validated. @throws KafkaError TOPIC_ALREADY_EXISTS on a race. */
  createTopics(topics: readonly NewTopic[]): Promise<readonly TopicMetadata[]>
  /** Unknown ids are passed over. */
  deleteTopics(ids: readonly Uuid[]): Promise<void>
  /** Adds the partitions after the present ones. */
  createPartitions(topic: string, assignments: readonly (readonly number[])[]): Promise<TopicMetadata>
  /** Replaces what is set on each resource. */
  alterConfigs(
    changes: readonly { readonly resource: ConfigResource; readonly configs: ReadonlyMap<string, string> }[],
  ): Promise<void>
  /**
   * The internal topic, created by the broker's settings (`offsets.topic.num.partitions`, …) when it is first needed.
   * Concurrent callers get the same topic.
   */
  ensureInternalTopic(name: '__consumer_offsets' | '__transaction_state'): Promise<TopicMetadata>
  /** A producer id that no producer has had, also across restarts and crashes. */
  nextProducerId(): Promise<bigint>

  /**
   * Calls `listener` in order after each durable change, before the mutation's promise resolves; a promise that it
   * returns is awaited. A listener must not wait for
   * another mutation. Returns the function that ends it.
   */
  onChange(listener: (change: MetadataChange) => void | Promise<void>): () => void
  /** Waits for writes under way and closes the file. */
  close(): Promise<void>
}
