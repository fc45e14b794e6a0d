// A snapshot, indexed for the metrics. Arrays of labels' values are made once and shared by all metrics that have them: the encoder
// writes each once.
import type { ConfigEntry, PartitionInfo, TopicInfo } from '@selfmonitor/cluster'
import { groupKey } from '../snapshot/keys.ts'
import { lastValue } from '../snapshot/last-value.ts'
import { indexed, PartitionMap, type ReadonlyPartitionMap } from '../snapshot/partition-map.ts'
import type {
  Configs,
  Group,
  GroupPartition,
  GroupPartitionHistory,
  Metadata,
  PartitionOffsets,
  Reading,
  Snapshot,
} from '../snapshot/types.ts'

/** What the exporter knows of itself. */
export interface ExporterFacts {
  readonly version: string
  /** Requests sent to Kafka so far. */
  readonly requests: number
}

export interface ViewedPartition {
  /** topic, partition */
  readonly labels: readonly string[]
  readonly info: PartitionInfo
  /** undefined when it was never read. */
  readonly offsets: PartitionOffsets | undefined
  /** Of the largest replica, and of the leader's. */
  readonly sizeBytes: bigint | undefined
  readonly leaderBytes: bigint | undefined
}

export interface ViewedTopic {
  /** topic */
  readonly labels: readonly string[]
  readonly topic: TopicInfo
  readonly partitions: readonly ViewedPartition[]
}

export interface ViewedRow {
  /** group, topic, partition */
  readonly labels: readonly string[]
  readonly row: GroupPartition
  readonly at: ViewedPartition | undefined
  readonly history: GroupPartitionHistory | undefined
}

export interface ViewedGroup {
  readonly labels: readonly string[]
  readonly group: Group
  readonly topics: readonly { readonly labels: readonly string[]; readonly rows: readonly ViewedRow[] }[]
}

export interface View {
  readonly snapshot: Snapshot
  readonly exporter: ExporterFacts
  readonly metadata: Metadata | null
  readonly configs: Configs | null
  readonly topics: readonly ViewedTopic[]
  readonly groups: readonly ViewedGroup[]
  /** When the groups were read: what counts from now counts from then, so that a stale value stays what it was. */
  readonly groupsAtMs: number
  topicSetting(topic: string, name: string): string | undefined
}

export function viewOf(snapshot: Snapshot, exporter: ExporterFacts): View {
  const metadata = lastValue(snapshot.metadata)
  const configs = lastValue(snapshot.configs)
  const partitions = new PartitionMap<ViewedPartition>()
  const topics = viewTopics(snapshot, metadata, partitions)
  return {
    snapshot,
    exporter,
    metadata,
    configs,
    topics,
    groups: (lastValue(snapshot.groups) ?? []).map((group) => viewGroup(snapshot, group, partitions)),
    groupsAtMs: readAt(snapshot.groups, snapshot.finishedAtMs),
    topicSetting: (topic, name) => {
      const entries = configs?.topics.get(topic)
      return entries === undefined ? undefined : (settingsOf(entries).get(name) ?? undefined)
    },
  }
}

/** By list of entries, which many topics share and which several snapshots have: they are asked for each partition of each group. */
const settings = new WeakMap<readonly ConfigEntry[], ReadonlyMap<string, ConfigEntry['value']>>()

function settingsOf(entries: readonly ConfigEntry[]): ReadonlyMap<string, ConfigEntry['value']> {
  let byName = settings.get(entries)
  if (byName === undefined) {
    byName = new Map(entries.map(({ name, value }) => [name, value]))
    settings.set(entries, byName)
  }
  return byName
}

export function readAt(reading: Reading<unknown>, otherwiseMs: number): number {
  return reading.state === 'read' ? reading.atMs : otherwiseMs
}

function viewTopics(
  snapshot: Snapshot,
  metadata: Metadata | null,
  partitions: PartitionMap<ViewedPartition>,
): ViewedTopic[] {
  const offsets = indexed(lastValue(snapshot.offsets) ?? [])
  const sizes = new PartitionMap<{ broker: number; bytes: bigint }[]>()
  for (const { brokerId, replicas } of lastValue(snapshot.logDirs) ?? []) {
    for (const { topic, partition, sizeBytes } of replicas) {
      const known = sizes.get(topic, partition)
      if (known === undefined) sizes.set(topic, partition, [{ broker: brokerId, bytes: sizeBytes }])
      else known.push({ broker: brokerId, bytes: sizeBytes })
    }
  }
  return (metadata?.topics ?? []).map((topic) => ({
    labels: [topic.name],
    topic,
    partitions: topic.partitions.map((info): ViewedPartition => {
      const replicas = sizes.get(topic.name, info.partition) ?? []
      const viewed = {
        labels: [topic.name, String(info.partition)],
        info,
        offsets: offsets.get(topic.name, info.partition),
        sizeBytes: replicas.reduce<bigint | undefined>(
          (most, { bytes }) => (most === undefined || bytes > most ? bytes : most),
          undefined,
        ),
        leaderBytes: replicas.find(({ broker }) => broker === info.leader)?.bytes,
      }
      partitions.set(topic.name, info.partition, viewed)
      return viewed
    }),
  }))
}

function viewGroup(snapshot: Snapshot, group: Group, partitions: ReadonlyPartitionMap<ViewedPartition>): ViewedGroup {
  const byTopic = Map.groupBy(group.partitions, ({ topic }) => topic)
  return {
    labels: [group.groupId],
    group,
    topics: [...byTopic].map(([topic, rows]) => ({
      labels: [group.groupId, topic],
      rows: rows.map((row) => ({
        labels: [group.groupId, topic, String(row.partition)],
        row,
        at: partitions.get(topic, row.partition),
        history: snapshot.history.groupPartitions.get(groupKey(group.groupId, topic, row.partition)),
      })),
    })),
  }
}
