// The topics that a producer knows, with a queue for each partition, as Metadata describes them.
import type { TopicMetadata } from './client.ts'
import { newQueue, type PartitionQueue } from './partition-queue.ts'

export interface ProducerTopic {
  id: string
  /** By partition number. */
  readonly partitions: PartitionQueue[]
  /** When it was last described, milliseconds since the epoch. */
  loadedMs: number
  /** It is being described again because that was long ago. */
  refreshing: boolean
}

export type ProducerTopics = Map<string, ProducerTopic>

/**
 * Learns where the partitions of a topic are, and which there are.
 * @returns queues of partitions that are no more: the topic was deleted and created again with fewer
 */
export function learnTopic(topics: ProducerTopics, metadata: TopicMetadata, nowMs: number): readonly PartitionQueue[] {
  if (metadata.error !== null) return []
  const topic = topics.get(metadata.name) ?? { id: metadata.id, partitions: [], loadedMs: 0, refreshing: false }
  topics.set(metadata.name, topic)
  topic.loadedMs = nowMs
  const gone = topic.id === metadata.id ? [] : topic.partitions.splice(metadata.partitions.length)
  for (const queue of gone) queue.removed = true
  topic.id = metadata.id
  metadata.partitions.forEach(({ leader }, index) => {
    const queue = topic.partitions[index]
    if (queue === undefined) topic.partitions[index] = newQueue(metadata.name, index, leader)
    else queue.leader = leader
  })
  return gone
}
