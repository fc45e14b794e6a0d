// Where replicas go: in turn over the presented brokers, from a start that depends on the topic's name, so that the leaders of
// many small topics are spread, too.
import { javaStringHash } from '../java-hash.ts'

/**
 * Replicas of each new partition, by node id, the leader first.
 * @param first number of the first new partition, so that a topic that grows continues the sequence
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

/** The Java hash of a name, without its sign. */
export function nameHash(name: string): number {
  return javaStringHash(name) & 0x7fffffff
}
