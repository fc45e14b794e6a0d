// Where replicas go: round the presented brokers, from a start that depends on the topic's name, so that the leaders of
// many small topics spread as well.

/**
 * Replicas of each new partition, by node id, the leader first.
 * @param first number of the first new partition, so that growing a topic goes on where it left off
 */
export function placeReplicas(
  topic: string,
  first: number,
  count: number,
  replicationFactor: number,
  brokerIds: readonly number[],
): readonly (readonly number[])[] {
  const start = nameHash(topic) % brokerIds.length
  return Array.from({ length: count }, (_, index) =>
    Array.from(
      { length: replicationFactor },
      (_, replica) => brokerIds[(start + first + index + replica) % brokerIds.length]!,
    ),
  )
}

/** Java's `String.hashCode`, made positive as Kafka does (`Utils.abs`). */
export function nameHash(text: string): number {
  let hash = 0
  for (let index = 0; index < text.length; index++) hash = (Math.imul(hash, 31) + text.charCodeAt(index)) | 0
  return hash & 0x7fffffff
}
