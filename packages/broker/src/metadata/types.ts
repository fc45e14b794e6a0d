// Topics and changes to them, as the rest of the broker sees them.
import type { Uuid } from '@selfmonitor/protocol'
import type { TopicConfig } from '../config/types.ts'

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
  /** The topic's own settings, by Kafka's names, as the given strings. */
  readonly overrides: ReadonlyMap<string, string>
  /** Overrides, then broker settings, then defaults, as typed values. A new object after each change. */
  readonly config: TopicConfig
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
