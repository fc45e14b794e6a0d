// The topics as the rest of the broker sees them: what is stored of them, with their settings resolved, found by name, by id and
// by the name of their metrics.
import type { Uuid } from '@selfmonitor/protocol'
import { type BrokerLayers, resolveTopicConfig } from '../config/index.ts'
import { internalTopicNames } from './internal-topics.ts'
import type { StoredTopic } from './records.ts'
import { metricName } from './topic-names.ts'
import type { PartitionMetadata, TopicMetadata } from './types.ts'

export class TopicViews {
  private readonly byName = new Map<string, TopicMetadata>()
  private readonly byId = new Map<Uuid, TopicMetadata>()
  private readonly byMetricName = new Map<string, string>()
  private sorted: readonly TopicMetadata[] | undefined

  get(name: string): TopicMetadata | undefined {
    return this.byName.get(name)
  }

  withId(id: Uuid): TopicMetadata | undefined {
    return this.byId.get(id)
  }

  /** The topic whose metrics have the same name as those of a topic called `name`. */
  withMetricName(name: string): string | undefined {
    return this.byMetricName.get(metricName(name))
  }

  names(): readonly string[] {
    return [...this.byName.keys()]
  }

  /** Every topic, sorted by name. */
  all(): readonly TopicMetadata[] {
    this.sorted ??= [...this.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
    return this.sorted
  }

  put(topic: TopicMetadata): TopicMetadata {
    this.byName.set(topic.name, topic)
    this.byId.set(topic.id, topic)
    this.byMetricName.set(metricName(topic.name), topic.name)
    this.sorted = undefined
    return topic
  }

  remove({ id, name }: TopicMetadata): void {
    this.byId.delete(id)
    this.byName.delete(name)
    this.byMetricName.delete(metricName(name))
    this.sorted = undefined
  }
}

/** @param brokerIds node ids of the presented brokers */
export function topicView(stored: StoredTopic, layers: BrokerLayers, brokerIds: readonly number[]): TopicMetadata {
  return {
    name: stored.name,
    id: stored.id,
    internal: internalTopicNames.has(stored.name),
    partitions: stored.assignments.map((replicas, partition) => partitionView(partition, replicas, brokerIds)),
    overrides: stored.configs,
    config: resolveTopicConfig(layers, stored.configs),
  }
}

/**
 * A partition as clients see it. Its leader is the first of its replicas that is presented. When the data directory was made
 * with more brokers than are presented now and none of the replicas is, another broker leads, since all of them have the data.
 */
function partitionView(
  partition: number,
  replicas: readonly number[],
  brokerIds: readonly number[],
): PartitionMetadata {
  const isr = replicas.filter((id) => brokerIds.includes(id))
  if (isr.length > 0) return { partition, leader: isr[0]!, leaderEpoch: 0, replicas, isr }
  const leader = brokerIds[partition % brokerIds.length]!
  return { partition, leader, leaderEpoch: 0, replicas: [leader], isr: [leader] }
}
