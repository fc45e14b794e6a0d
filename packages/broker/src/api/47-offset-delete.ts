// OffsetDelete: deletes offsets that a group has committed for topics that it does not read (KIP-496).
//
// Behaviour: GROUP_SUBSCRIBED_TO_TOPIC on the partitions of topics that a consumer group with members reads;
// NON_EMPTY_GROUP for other groups with members. An offset that was never committed is deleted without an error.
import { codeOf, wrongCoordinator } from '../request/group-coordination.ts'
import type { ApiHandler } from '../request/handler.ts'

export const handleOffsetDelete: ApiHandler<'OffsetDelete'> = async (request, context) => {
  const misplaced = wrongCoordinator(context, request.groupId)
  if (misplaced) return { errorCode: codeOf(misplaced), topics: [] }
  const { error, topics } = await context.broker.groups.deleteOffsets({
    groupId: request.groupId,
    topics: request.topics.map(({ name, partitions }) => ({
      topic: name,
      partitions: partitions.map(({ partitionIndex }) => partitionIndex),
    })),
  })
  return {
    errorCode: codeOf(error),
    topics: topics.map(({ topic, partitions }) => ({
      name: topic,
      partitions: partitions.map(({ partition, error: why }) => ({
        partitionIndex: partition,
        errorCode: codeOf(why),
      })),
    })),
  }
}
