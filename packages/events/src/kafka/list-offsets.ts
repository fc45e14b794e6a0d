// ListOffsets for one partition.
import type { KafkaClient } from './client.ts'
import { readCommitted } from './fetch-request.ts'
import type { TopicPartition } from './topic-partition.ts'

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
