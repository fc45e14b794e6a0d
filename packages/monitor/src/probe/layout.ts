// Which partitions the probe's topic should have: each broker is the preferred leader of at least one. Pure.
export interface TopicLayout {
  readonly id: string
  readonly partitions: readonly { readonly partition: number; readonly replicas: readonly number[] }[]
}

/**
 * The replicas of a new partition for each broker that is the preferred leader of none, as many as the partitions there have (Kafka
 * wants the same of all). A broker that leads only while another one is away counts as one that has none.
 *
 * @param brokers ids of the brokers that are there
 * @returns for `Cluster.createPartitions`; empty when every broker has a partition
 */
export function brokersToCover(brokers: readonly number[], partitions: TopicLayout['partitions']): number[][] {
  const ids = [...brokers].sort((a, b) => a - b)
  const preferred = new Set(partitions.map(({ replicas }) => replicas[0]))
  const factor = Math.min(partitions[0]?.replicas.length ?? 1, ids.length)
  return ids.flatMap((id, at) =>
    preferred.has(id) ? [] : [Array.from({ length: factor }, (_, step) => ids[(at + step) % ids.length]!)],
  )
}

/** Whether it is the same topic with as many partitions. */
export const sameLayout = (one: TopicLayout, other: TopicLayout): boolean =>
  one.id === other.id && one.partitions.length === other.partitions.length
