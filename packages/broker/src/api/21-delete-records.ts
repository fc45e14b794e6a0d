// DeleteRecords: moves the start of partitions up (KIP-107); what lies before is gone for readers at once, from the disk with the
// next retention run. Offset -1 means everything. Refused for internal topics and where cleanup.policy has no `delete`.
import { errorCodes, type KafkaErrorName, zeroUuid } from '@selfmonitor/protocol'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler, RequestContext } from '../request/handler.ts'
import { findLed, openLog } from '../request/partition-leader.ts'

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
  const led = findLed(context, { topic, topicId: zeroUuid, partition, currentLeaderEpoch: -1 })
  if (led.error !== undefined)
    return refused(led.error === 'UNKNOWN_TOPIC_ID' ? 'UNKNOWN_TOPIC_OR_PARTITION' : led.error)
  if (led.topic.internal) return refused('INVALID_TOPIC_EXCEPTION')
  if (!led.topic.config['cleanup.policy'].includes('delete')) return refused('POLICY_VIOLATION')
  if (offset < -1n) return refused('OFFSET_OUT_OF_RANGE')
  try {
    const log = await openLog(context.broker, led)
    return { lowWatermark: await log.deleteRecordsBefore(offset), errorCode: errorCodes.NONE }
  } catch (error) {
    return refused(toKafkaError(error).name)
  }
}

function refused(error: KafkaErrorName): { readonly lowWatermark: bigint; readonly errorCode: number } {
  return { lowWatermark: -1n, errorCode: errorCodes[error] }
}
