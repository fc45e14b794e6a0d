// The assignment that a member of a classic consumer group holds.
import { decodeAssignment as decode } from '@selfmonitor/protocol/consumer-protocol'
import { ProtocolError } from '@selfmonitor/protocol/protocol-error'

/**
 * @param bytes as DescribeGroups gives them; empty while the group rebalances
 * @returns the partitions by topic, in order; empty where the bytes are cut short or not a consumer's
 */
export function decodeAssignment(bytes: Buffer): { topic: string; partitions: number[] }[] {
  try {
    return decode(bytes)
      .value.assignedPartitions.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.toSorted((a, b) => a - b),
      }))
      .sort((a, b) => (a.topic < b.topic ? -1 : 1))
  } catch (error) {
    // A member of another kind (`connect`, a custom protocol) may write anything here: no partitions can be told.
    if (error instanceof ProtocolError) {
      return []
    }
    throw error
  }
}
