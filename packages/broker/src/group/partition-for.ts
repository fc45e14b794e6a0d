// Which partition of `__consumer_offsets` holds a group.

/**
 * Kafka's own rule (`GroupCoordinator.partitionFor`): Java's `String.hashCode`, its absolute value, modulo. The one hash
 * that has no absolute value, -2^31, counts as 0.
 */
export function groupPartition(groupId: string, partitions: number): number {
  let hash = 0
  for (let i = 0; i < groupId.length; i++) hash = (Math.imul(hash, 31) + groupId.charCodeAt(i)) | 0
  return hash === -(2 ** 31) ? 0 : Math.abs(hash) % partitions
}
