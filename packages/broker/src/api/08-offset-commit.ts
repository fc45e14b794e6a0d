// OffsetCommit: stores the offsets up to which a group has read.
//
// Behaviour: the answer is sent when the offsets are written to `__consumer_offsets`. Members name their id and generation;
// admin clients and consumers that assign their partitions themselves name neither, which is allowed while the group is
// empty. Each partition has its own error; an error of the group is repeated on all of them.
// Versions: v2 to v4 may ask for a retention of their own. v6 adds the leader epoch. v7 adds static members (KIP-345).
// v9 answers GROUP_ID_NOT_FOUND where older clients expect ILLEGAL_GENERATION. v10 names topics by id.
import { errorCodes, type RequestOf, type ResponseInput } from '@selfmonitor/protocol'
import type { CommitInput } from '../group/types.ts'
import { codeOf, wrongCoordinator } from '../request/group-coordination.ts'
import type { ApiHandler } from '../request/handler.ts'

type TopicAnswer = NonNullable<ResponseInput<'OffsetCommit'>['topics']>[number]
type RequestTopic = RequestOf<'OffsetCommit'>['topics'][number]

export const handleOffsetCommit: ApiHandler<'OffsetCommit'> = async (request, context) => {
  const { broker, apiVersion } = context
  const usesIds = apiVersion >= 10
  const refuse = (topic: RequestTopic, errorCode: number): TopicAnswer => ({
    name: topic.name,
    topicId: topic.topicId,
    partitions: topic.partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })),
  })
  const misplaced = wrongCoordinator(context, request.groupId)
  if (misplaced) return { topics: request.topics.map((topic) => refuse(topic, codeOf(misplaced))) }

  const known: { readonly asked: RequestTopic; readonly name: string }[] = []
  const answers = new Map<RequestTopic, TopicAnswer>()
  for (const asked of request.topics) {
    const name = usesIds ? broker.metadata.topicById(asked.topicId)?.name : asked.name
    if (name === undefined) answers.set(asked, refuse(asked, errorCodes.UNKNOWN_TOPIC_ID))
    else known.push({ asked, name })
  }
  const input: CommitInput = {
    groupId: request.groupId,
    generationId: request.generationIdOrMemberEpoch,
    memberId: request.memberId,
    groupInstanceId: request.groupInstanceId,
    retentionTimeMs: request.retentionTimeMs === -1n ? undefined : Number(request.retentionTimeMs),
    knowsGroupIdNotFound: apiVersion >= 9,
    topics: known.map(({ asked, name }) => ({
      topic: name,
      partitions: asked.partitions.map((partition) => ({
        partition: partition.partitionIndex,
        offset: partition.committedOffset,
        leaderEpoch: partition.committedLeaderEpoch,
        metadata: partition.committedMetadata,
      })),
    })),
  }
  const result = await broker.groups.commitOffsets(input)
  for (const [i, { partitions }] of result.topics.entries()) {
    const { asked } = known[i]!
    answers.set(asked, {
      name: asked.name,
      topicId: asked.topicId,
      partitions: partitions.map(({ partition, error }) => ({ partitionIndex: partition, errorCode: codeOf(error) })),
    })
  }
  return { topics: request.topics.map((topic) => answers.get(topic)!) }
}
