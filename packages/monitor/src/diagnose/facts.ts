// A snapshot, indexed for the checks: each question that several checks ask is answered here, once.
import type { BrokerInfo, ConfigEntry, PartitionInfo, TopicInfo } from '@selfmonitor/cluster'
import { groupKey } from '../snapshot/keys.ts'
import { lastValue } from '../snapshot/last-value.ts'
import { PartitionMap } from '../snapshot/partition-map.ts'
import type {
  Group,
  GroupPartition,
  GroupPartitionHistory,
  Metadata,
  PartitionOffsets,
  Snapshot,
} from '../snapshot/types.ts'

export { lastValue } from '../snapshot/last-value.ts'

export interface Facts {
  readonly snapshot: Snapshot
  readonly nowMs: number
  /** null when the metadata has never been read. */
  readonly metadata: Metadata | null
  readonly topics: readonly TopicInfo[]
  readonly brokers: ReadonlyMap<number, BrokerInfo>
  /** Brokers that have left, or to which replicas are assigned, by id; the value is when each was last seen, null where that is not known. */
  readonly missingBrokers: ReadonlyMap<number, number | null>
  readonly groups: readonly Group[]
  /** `host:port` of a broker that answers, for the options of Kafka's tools. */
  readonly bootstrap: string
  offsets(topic: string, partition: number): PartitionOffsets | undefined
  topicSetting(topic: string, name: string): ConfigEntry | undefined
  brokerSetting(name: string): string | undefined
  historyOf(group: string, topic: string, partition: number): GroupPartitionHistory | undefined
}

export function factsOf(snapshot: Snapshot, nowMs: number): Facts {
  const metadata = lastValue(snapshot.metadata)
  const configs = lastValue(snapshot.configs)
  const brokers = new Map((metadata?.brokers ?? []).map((broker) => [broker.id, broker]))
  const unreachable = new Set(
    (lastValue(snapshot.brokers) ?? []).filter(({ problem }) => problem !== null).map(({ brokerId }) => brokerId),
  )
  const answering = [...brokers.values()].find(({ id }) => !unreachable.has(id)) ?? metadata?.brokers[0]
  const offsets = PartitionMap.of(lastValue(snapshot.offsets) ?? [])
  return {
    snapshot,
    nowMs,
    metadata,
    topics: metadata?.topics ?? [],
    brokers,
    missingBrokers: missingBrokers(snapshot, metadata),
    groups: lastValue(snapshot.groups) ?? [],
    bootstrap: answering === undefined ? 'localhost:9092' : `${answering.host}:${answering.port}`,
    offsets: (topic, partition) => offsets.get(topic, partition),
    topicSetting: (topic, name) => configs?.topics.get(topic)?.find((entry) => entry.name === name),
    brokerSetting: (name) =>
      [...(configs?.brokers.values() ?? [])].flatMap((entries) => entries.filter((entry) => entry.name === name))[0]
        ?.value ?? undefined,
    historyOf: (group, topic, partition) => snapshot.history.groupPartitions.get(groupKey(group, topic, partition)),
  }
}

/** Brokers that are away: the replicas name them in a single snapshot, the history names those that were seen before. */
function missingBrokers(snapshot: Snapshot, metadata: Metadata | null): Map<number, number | null> {
  const missing = new Map<number, number | null>()
  if (metadata === null) return missing
  const present = new Set(metadata.brokers.map(({ id }) => id))
  for (const { partitions } of metadata.topics) {
    for (const { replicas } of partitions) {
      for (const id of replicas) if (!present.has(id)) missing.set(id, null)
    }
  }
  for (const [id, lastSeenMs] of snapshot.history.brokersLastSeen) {
    if (!present.has(id)) missing.set(id, lastSeenMs)
  }
  return missing
}

/** Replicas that are assigned and not in sync. */
export function outOfSync({ replicas, isr }: PartitionInfo): number[] {
  return replicas.filter((id) => !isr.includes(id))
}

export function numberSetting(entry: ConfigEntry | undefined): number | null {
  const value = entry?.value
  return value === undefined || value === null || value.trim() === '' || Number.isNaN(Number(value))
    ? null
    : Number(value)
}

/** Whether the group has something left to read there: markers of transactions count as lag and are never read. */
export function hasUnread({ lag, nextUnread }: GroupPartition): boolean {
  return lag !== null && lag > 0n && nextUnread !== 'none'
}

/** How long the next unread record has waited, by its own timestamp; null when that is not known. */
export function waitedMs({ nextUnread }: GroupPartition, nowMs: number): number | null {
  if (nextUnread === null || nextUnread === 'none' || nextUnread.timestampMs < 0) return null
  return Math.max(0, nowMs - nextUnread.timestampMs)
}

/** Consumers of records, whose members are given partitions: not Connect's workers, share groups or Streams. */
export function isConsumerGroup({ type, protocolType }: Group): boolean {
  return type === 'consumer' || (type === 'classic' && (protocolType === 'consumer' || protocolType === ''))
}

/** Kafka Streams' members, whose standby tasks need members without partitions of their own. */
export function isStreams(group: Group): boolean {
  return group.type === 'streams' || group.members.some(({ clientId }) => /-StreamThread-\d+(-|$)/.test(clientId))
}

export function sumBy<T>(items: readonly T[], amount: (item: T) => bigint): bigint {
  return items.reduce((sum, item) => sum + amount(item), 0n)
}
