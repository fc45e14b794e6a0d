// DeleteRecords: moves the log start offset of partitions up (KIP-107). Records before it cannot be read any more, and the next
// round of retention removes them from the disk. Offset -1 means everything. Not allowed for internal topics, nor without `delete`
// in cleanup.policy.
import { errorCodes, type KafkaErrorName, zeroUuid } from '@selfmonitor/protocol'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler, RequestContext } from '../request/handler.ts'
import { findLedPartition, openLog } from '../request/partition-leader.ts'

export const handleDeleteRecords: ApiHandler<'DeleteRecords'> = async (request, context) => {
  const topics = request.topics.map(async ({ name, partitions }) => ({
    name,
    partitions: await Promise.all(
      partitions.map(async ({ partitionIndex, offset }) => ({
        partitionIndex,
        ...(await deleteBefore(context, name, partitionIndex, offset)),
      })),
    ),
  }))
  return { topics: await Promise.all(topics) }
}

async function deleteBefore(
  context: RequestContext,
  topic: string,
  partition: number,
  offset: bigint,
): Promise<{ readonly lowWatermark: bigint; readonly errorCode: number }> {
  const led = findLedPartition(context, { topic, topicId: zeroUuid, partition, currentLeaderEpoch: -1 })
  if (led.error !== undefined)
    return errorAnswer(led.error === 'UNKNOWN_TOPIC_ID' ? 'UNKNOWN_TOPIC_OR_PARTITION' : led.error)
  if (led.topic.internal) return errorAnswer('INVALID_TOPIC_EXCEPTION')
  if (!led.topic.config['cleanup.policy'].includes('delete')) return errorAnswer('POLICY_VIOLATION')
  if (offset < -1n) return errorAnswer('OFFSET_OUT_OF_RANGE')
  try {
    const log = await openLog(context.broker, led)
    return { lowWatermark: await log.deleteRecordsBefore(offset), errorCode: errorCodes.NONE }
  } catch (error) {
    return errorAnswer(toKafkaError(error).name)
  }
}

function errorAnswer(error: KafkaErrorName): { readonly lowWatermark: bigint; readonly errorCode: number } {
  return { lowWatermark: -1n, errorCode: errorCodes[error] }
}
