// Which partition of `__consumer_offsets` holds a group.
import { javaStringHash } from '../java-hash.ts'

/**
 * Kafka's own rule (`GroupCoordinator.partitionFor`): Java's `String.hashCode`, its absolute value, modulo. The one hash
 * that has no absolute value, -2^31, counts as 0.
 */
export function groupPartition(groupId: string, partitions: number): number {
  const hash = javaStringHash(groupId)
  return hash === -(2 ** 31) ? 0 : Math.abs(hash) % partitions
}
