// The data of the topic commands: read once, shown as a table or as data.
import type { Cluster, ConfigEntry, TopicInfo } from '@selfmonitor/cluster'
import { CliError } from '../framework/errors.ts'
import { didYouMean } from '../framework/suggest.ts'

export interface PartitionView {
  readonly partition: number
  readonly leader: number
  readonly replicas: readonly number[]
  readonly isr: readonly number[]
  readonly earliestOffset: bigint | null
  readonly latestOffset: bigint | null
  /** The size of one replica: the leader's if it is known. */
  readonly sizeBytes: bigint | null
}

export interface TopicView {
  readonly name: string
  readonly id: string
  readonly internal: boolean
  readonly replicationFactor: number
  /** Partitions with fewer replicas in sync than they have; those without a leader are not counted here. */
  readonly underReplicated: number
  /** Partitions without a leader, which cannot be read or written. */
  readonly offline: number
  /** Offsets between the ends of the log: records, less what compaction and transactions took. */
  readonly records: bigint
  readonly sizeBytes: bigint | null
  readonly partitions: readonly PartitionView[]
  /** Settings that are the topic's own, by name. */
  readonly config: Readonly<Record<string, string | null>>
  /** Every setting that is in effect. */
  readonly effective: ReadonlyMap<string, ConfigEntry>
}

/** @throws CliError UNKNOWN_TOPIC naming the nearest name. */
export async function requireTopics(cluster: Cluster, names: readonly string[]): Promise<TopicInfo[]> {
  const all = await cluster.listTopics({ internal: true })
  const byName = new Map(all.map((topic) => [topic.name, topic]))
  return names.map((name) => {
    const found = byName.get(name)
    if (found !== undefined) return found
    throw new CliError('UNKNOWN_TOPIC', `There is no topic "${name}" on ${cluster.bootstrapServers}.`, {
      hint: didYouMean(name, [...byName.keys()]) ?? '`selfmonitor topics list` lists the existing ones.',
    })
  })
}

/**
 * Reads settings, ends of the logs and sizes of topics: one round of requests, however many topics. A partition without a
 * leader is shown without its offsets. One that loses its leader between the metadata and the offsets, as many do while a
 * broker is dying, is looked up once more, because users list topics in exactly that situation.
 */
export async function viewTopics(cluster: Cluster, topics: readonly TopicInfo[]): Promise<TopicView[]> {
  if (topics.length === 0) return []
  try {
    return await readTopics(cluster, topics)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'LEADER_NOT_AVAILABLE') throw error
    const wanted = new Set(topics.map(({ name }) => name))
    const again = await cluster.listTopics({ internal: true })
    return await readTopics(
      cluster,
      again.filter(({ name }) => wanted.has(name)),
    )
  }
}

async function readTopics(cluster: Cluster, topics: readonly TopicInfo[]): Promise<TopicView[]> {
  const withLeader = topics.flatMap(({ name, partitions }) =>
    partitions.filter(({ leader }) => leader >= 0).map(({ partition }) => ({ topic: name, partition })),
  )
  const [configs, earliest, latest, sizes] = await Promise.all([
    cluster.topicConfigs(topics.map(({ name }) => name)),
    cluster.listOffsets(withLeader, 'earliest'),
    cluster.listOffsets(withLeader, 'latest'),
    partitionSizes(cluster, topics),
  ])
  const key = (topic: string, partition: number): string => `${partition}:${topic}`
  const start = new Map(earliest.map(({ topic, partition, offset }) => [key(topic, partition), offset]))
  const end = new Map(latest.map(({ topic, partition, offset }) => [key(topic, partition), offset]))

  return topics.map((topic) => {
    const partitions = topic.partitions
      .map((info): PartitionView => {
        const of = key(topic.name, info.partition)
        return {
          partition: info.partition,
          leader: info.leader,
          replicas: info.replicas,
          isr: info.isr,
          earliestOffset: start.get(of) ?? null,
          latestOffset: end.get(of) ?? null,
          sizeBytes: sizes.get(of) ?? null,
        }
      })
      .sort((a, b) => a.partition - b.partition)
    const entries = configs.get(topic.name) ?? []
    return {
      name: topic.name,
      id: topic.id,
      internal: topic.internal,
      replicationFactor: topic.partitions[0]?.replicas.length ?? 0,
      underReplicated: partitions.filter(({ leader, isr, replicas }) => leader >= 0 && isr.length < replicas.length)
        .length,
      offline: partitions.filter(({ leader }) => leader < 0).length,
      records: partitions.reduce(
        (sum, { earliestOffset, latestOffset }) => sum + (latestOffset ?? 0n) - (earliestOffset ?? 0n),
        0n,
      ),
      sizeBytes: partitions.some(({ sizeBytes }) => sizeBytes !== null)
        ? partitions.reduce((sum, { sizeBytes }) => sum + (sizeBytes ?? 0n), 0n)
        : null,
      partitions,
      config: Object.fromEntries(
        entries.filter(({ source }) => source === 'topic').map(({ name, value }) => [name, value]),
      ),
      effective: new Map(entries.map((entry) => [entry.name, entry])),
    }
  })
}

async function partitionSizes(cluster: Cluster, topics: readonly TopicInfo[]): Promise<Map<string, bigint>> {
  const leaders = new Map<string, number>(
    topics.flatMap(({ name, partitions }) =>
      partitions.map(({ partition, leader }) => [`${partition}:${name}`, leader] as const),
    ),
  )
  const sizes = new Map<string, bigint>()
  for (const dir of await cluster.logDirs()) {
    for (const { topic, partition, sizeBytes } of dir.partitions) {
      const of = `${partition}:${topic}`
      const leader = leaders.get(of)
      if (leader === dir.brokerId || (leader !== undefined && !sizes.has(of))) sizes.set(of, sizeBytes)
    }
  }
  return sizes
}

/** A topic as `-o json` prints it. */
export function topicData(topic: TopicView): object {
  const { effective: _, ...data } = topic
  return data
}
