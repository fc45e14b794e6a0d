// DescribeTopicPartitions: topics and partitions in pages (KIP-966).
//
// Behaviour: topics in the order of their names, from the cursor on, until the page is full; the answer's cursor is
// the start of the next page. No topics in the request means all of them, without errors for those that are deleted meanwhile.
import { errorCodes, type ResponseInput } from '@selfmonitor/protocol'
import { KafkaError } from '../errors.ts'
import { type TopicMetadata, topicNameProblem } from '../metadata/index.ts'
import { allTopicOperations } from '../request/authorized-operations.ts'
import type { ApiHandler } from '../request/handler.ts'

type TopicAnswer = NonNullable<ResponseInput<'DescribeTopicPartitions'>['topics']>[number]

export const handleDescribeTopicPartitions: ApiHandler<'DescribeTopicPartitions'> = (request, { broker }) => {
  const { cursor } = request
  if (cursor !== null && cursor.partitionIndex < 0) {
    throw new KafkaError(
      'INVALID_REQUEST',
      `DescribeTopicPartitionsRequest cursor partition must be valid: ${cursor.topicName}-${cursor.partitionIndex}`,
    )
  }
  const wantsAll = request.topics.length === 0
  const names = wantsAll
    ? broker.metadata.topics().map(({ name }) => name)
    : [...new Set(request.topics.map(({ name }) => name))].sort()
  const limit = Math.min(broker.config.number('max.request.partition.size.limit'), request.responsePartitionLimit)
  let room = Math.max(limit, 1)
  const topics: TopicAnswer[] = []
  for (const name of names) {
    if (cursor !== null && name < cursor.topicName) continue
    if (room === 0) return { topics, nextCursor: { topicName: name, partitionIndex: 0 } }
    const topic = broker.metadata.topic(name)
    if (!topic) {
      if (!wantsAll) topics.push(unknown(name))
      continue
    }
    const first = cursor?.topicName === name ? cursor.partitionIndex : 0
    const end = Math.min(topic.partitions.length, first + room)
    topics.push(describe(topic, first, end))
    if (end < topic.partitions.length) return { topics, nextCursor: { topicName: name, partitionIndex: end } }
    room -= Math.max(0, end - first)
  }
  return { topics }
}

function unknown(name: string): TopicAnswer {
  const valid = topicNameProblem(name) === undefined
  return { errorCode: valid ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : errorCodes.INVALID_TOPIC_EXCEPTION, name }
}

function describe(topic: TopicMetadata, first: number, end: number): TopicAnswer {
  return {
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.slice(first, end).map(({ partition, leader, leaderEpoch, replicas, isr }) => ({
      partitionIndex: partition,
      leaderId: leader,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: isr,
      eligibleLeaderReplicas: [],
      lastKnownElr: [],
      offlineReplicas: replicas.filter((id) => !isr.includes(id)),
    })),
    topicAuthorizedOperations: allTopicOperations,
  }
}
