// OffsetForLeaderEpoch: where an epoch of leadership ended, from which a client sees that records which it has read were truncated
// (KIP-320). On one node the epoch never changes, and its end is the end of the log.
import { errorCodes, zeroUuid } from '@selfmonitor/protocol'
import { toKafkaError } from '../errors.ts'
import type { ApiHandler, RequestContext } from '../request/handler.ts'
import { findLedPartition, openLog } from '../request/partition-leader.ts'

export const handleOffsetForLeaderEpoch: ApiHandler<'OffsetForLeaderEpoch'> = async (request, context) => {
  const topics = request.topics.map(async ({ topic, partitions }) => ({
    topic,
    partitions: await Promise.all(
      partitions.map(async (wanted) => ({ partition: wanted.partition, ...(await endOf(context, topic, wanted)) })),
    ),
  }))
  return { topics: await Promise.all(topics) }
}

const unknown = { leaderEpoch: -1, endOffset: -1n }

async function endOf(
  context: RequestContext,
  topic: string,
  wanted: { readonly partition: number; readonly currentLeaderEpoch: number; readonly leaderEpoch: number },
): Promise<{ readonly errorCode: number; readonly leaderEpoch: number; readonly endOffset: bigint }> {
  const { partition, currentLeaderEpoch } = wanted
  const led = findLedPartition(context, { topic, topicId: zeroUuid, partition, currentLeaderEpoch })
  if (led.error !== undefined) {
    const error = led.error === 'UNKNOWN_TOPIC_ID' ? 'UNKNOWN_TOPIC_OR_PARTITION' : led.error
    return { errorCode: errorCodes[error], ...unknown }
  }
  try {
    const { leaderEpoch, highWatermark } = await openLog(context.broker, led)
    if (wanted.leaderEpoch !== leaderEpoch) return { errorCode: errorCodes.NONE, ...unknown }
    return { errorCode: errorCodes.NONE, leaderEpoch, endOffset: highWatermark }
  } catch (error) {
    return { errorCode: toKafkaError(error).code, ...unknown }
  }
}
