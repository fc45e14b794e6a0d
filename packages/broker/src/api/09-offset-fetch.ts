// OffsetFetch: reads what groups have committed.
//
// Behaviour: an offset that was never committed is -1, also for a group that does not exist. This broker has no
// transactions and so no offsets of transactions under way: `requireStable` (v7, KIP-447) is always satisfied;
// the member id and epoch of v9 belong to the newer group protocol (KIP-848) and are ignored for classic groups.
// Versions: v2 allows all topics. v5 adds the leader epoch. v8 asks for several groups (KIP-709). v10 names topics by id.
import { errorCodes, type RequestOf, type ResponseInput } from '@selfmonitor/protocol'
import type { FetchedPartition } from '../group/types.ts'
import { codeOf, wrongCoordinator } from '../request/group-coordination.ts'
import type { ApiHandler, RequestContext } from '../request/handler.ts'

type RequestGroup = RequestOf<'OffsetFetch'>['groups'][number]
type GroupAnswer = NonNullable<ResponseInput<'OffsetFetch'>['groups']>[number]
type TopicAnswer = NonNullable<GroupAnswer['topics']>[number]

export const handleOffsetFetch: ApiHandler<'OffsetFetch'> = async (request, context) => {
  if (context.apiVersion >= 8) {
    return { groups: await Promise.all(request.groups.map((group) => fetchGroup(group, context))) }
  }
  const misplaced = wrongCoordinator(context, request.groupId)
  if (misplaced) return { topics: [], errorCode: codeOf(misplaced) }
  const wanted = request.topics?.map(({ name, partitionIndexes }) => ({ topic: name, partitions: partitionIndexes }))
  const { topics } = await context.broker.groups.fetchOffsets({ groupId: request.groupId, topics: wanted ?? null })
  return {
    topics: topics.map(({ topic, partitions }) => ({ name: topic, partitions: partitions.map(partitionAnswer) })),
  }
}

async function fetchGroup(group: RequestGroup, context: RequestContext): Promise<GroupAnswer> {
  const { groupId } = group
  const misplaced = wrongCoordinator(context, groupId)
  if (misplaced) return { groupId, topics: [], errorCode: codeOf(misplaced) }
  const { groups, metadata } = context.broker
  const usesIds = context.apiVersion >= 10

  if (group.topics === null) {
    const { topics } = await groups.fetchOffsets({ groupId, topics: null })
    const named = topics.map(({ topic, partitions }) => ({
      name: topic,
      topicId: metadata.topic(topic)?.id,
      partitions: partitions.map(partitionAnswer),
    }))
    return { groupId, topics: usesIds ? named.filter(({ topicId }) => topicId !== undefined) : named }
  }

  const answers: TopicAnswer[] = []
  for (const { name: givenName, topicId, partitionIndexes } of group.topics) {
    const topic = usesIds ? metadata.topicById(topicId)?.name : givenName
    if (topic === undefined) {
      const errorCode = errorCodes.UNKNOWN_TOPIC_ID
      const none = { committedOffset: -1n, committedLeaderEpoch: -1, metadata: '', errorCode }
      answers.push({ topicId, partitions: partitionIndexes.map((partitionIndex) => ({ partitionIndex, ...none })) })
      continue
    }
    const fetched = await groups.fetchOffsets({ groupId, topics: [{ topic, partitions: partitionIndexes }] })
    answers.push({ name: givenName, topicId, partitions: fetched.topics[0]!.partitions.map(partitionAnswer) })
  }
  return { groupId, topics: answers }
}

function partitionAnswer({ partition, offset, leaderEpoch, metadata }: FetchedPartition) {
  return {
    partitionIndex: partition,
    committedOffset: offset,
    committedLeaderEpoch: leaderEpoch,
    metadata,
    errorCode: 0,
  }
}
