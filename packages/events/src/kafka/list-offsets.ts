// Questions about the log of one partition: where it begins and ends, and where an epoch of its leadership ended.
import type { KafkaClient } from './client.ts'
import { readCommitted } from './fetch-request.ts'
import type { Position, TopicPartition } from './topic-partition.ts'

interface ListOffsetsResponse {
  readonly topics: readonly { readonly partitions: readonly { readonly offset: bigint }[] }[]
}

const consumer = -1
const timestamps = { earliest: -2n, latest: -1n } as const

/** The first offset of a partition, or the one after its last. @param leader the node to ask */
export async function listOffset(
  client: KafkaClient,
  { topic, partition }: TopicPartition,
  leader: number,
  at: 'earliest' | 'latest',
): Promise<bigint> {
  const asked = { partitionIndex: partition, currentLeaderEpoch: -1, timestamp: timestamps[at] }
  const response = await client.call<ListOffsetsResponse>(leader, 'ListOffsets', () => [
    consumer,
    readCommitted,
    [{ name: topic, partitions: [asked] }],
  ])
  return response.topics[0]!.partitions[0]!.offset
}

interface EpochResponse {
  readonly topics: readonly {
    readonly partitions: readonly { readonly leaderEpoch: number; readonly endOffset: bigint }[]
  }[]
}

/**
 * Where an epoch ended, or where the newest before it did that the log knows (OffsetForLeaderEpoch, KIP-320).
 * @param leader the node to ask
 * @param leaderEpoch of the record before a position
 * @returns null when the log never had this epoch
 */
export async function endOfEpoch(
  client: KafkaClient,
  { topic, partition }: TopicPartition,
  leader: number,
  leaderEpoch: number,
): Promise<Position | null> {
  const asked = { partitionIndex: partition, currentLeaderEpoch: -1, leaderEpoch }
  const response = await client.call<EpochResponse>(leader, 'OffsetForLeaderEpoch', () => [
    consumer,
    [{ name: topic, partitions: [asked] }],
  ])
  const found = response.topics[0]!.partitions[0]!
  if (found.endOffset < 0n || found.leaderEpoch < 0) return null
  return { offset: found.endOffset, leaderEpoch: found.leaderEpoch }
}
