// Reads the assignment that a member of a classic consumer group holds.
// ConsumerProtocolAssignment => version:int16 [topic:string [partition:int32]] user_data:bytes

/**
 * @param bytes as DescribeGroups gives them; empty while the group rebalances
 * @returns the partitions by topic; empty where the bytes are cut short or not a consumer's
 */
export function decodeAssignment(bytes: Buffer): { topic: string; partitions: number[] }[] {
  const topics: { topic: string; partitions: number[] }[] = []
  if (bytes.length < 6) {
    return topics
  }
  try {
    let at = 2
    const count = bytes.readInt32BE(at)
    at += 4
    for (let i = 0; i < count; i++) {
      const length = bytes.readInt16BE(at)
      at += 2
      const topic = bytes.toString('utf8', at, at + length)
      at += length
      const size = bytes.readInt32BE(at)
      at += 4
      const partitions: number[] = []
      for (let p = 0; p < size; p++) {
        partitions.push(bytes.readInt32BE(at))
        at += 4
      }
      topics.push({ topic, partitions: partitions.sort((a, b) => a - b) })
    }
  } catch (error) {
    // A member of another kind (`connect`, a custom protocol) may write anything here: no partitions can be told.
    if (error instanceof RangeError) {
      return []
    }
    throw error
  }
  return topics.sort((a, b) => (a.topic < b.topic ? -1 : 1))
}
