// ListOffsets: the ends of partitions, or the first record with a timestamp.
//
// Behaviour: -1 latest, -2 earliest, -3 the record with the greatest timestamp; -4 earliest local is the same as earliest
// without tiered storage; -5 latest tiered and -6 earliest not yet uploaded have no answer without it (offset -1). By time: the
// first record whose timestamp is not smaller, exactly; offset -1 when there is none.
//
// Versions: v4 adds leader epochs. v7 adds -3 (KIP-734), v8 -4 (KIP-405), v9 -5 (KIP-1005), v11 -6 (KIP-1023).
import { errorCodes, type KafkaErrorName, type RequestOf, type ResponseInput, zeroUuid } from '@selfmonitor/protocol'
import { toKafkaError } from '../errors.ts'
import type { PartitionLog } from '../log/index.ts'
import type { ApiHandler, RequestContext } from '../request/handler.ts'
import { findLedPartition, openLog } from '../request/partition-leader.ts'

type PartitionRequest = RequestOf<'ListOffsets'>['topics'][number]['partitions'][number]
type PartitionAnswer = NonNullable<NonNullable<ResponseInput<'ListOffsets'>['topics']>[number]['partitions']>[number]

const latest = -1n
const earliest = -2n
const maxTimestamp = -3n
const earliestLocal = -4n
const latestTiered = -5n
const earliestPendingUpload = -6n

const firstVersionOf = new Map([
  [latest, 0],
  [earliest, 0],
  [maxTimestamp, 7],
  [earliestLocal, 8],
  [latestTiered, 9],
  [earliestPendingUpload, 11],
])

export const handleListOffsets: ApiHandler<'ListOffsets'> = async (request, context) => {
  const seen = new Map<string, number>()
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${name}/${partitionIndex}`
      seen.set(key, (seen.get(key) ?? 0) + 1)
    }
  }
  const topics = request.topics.map(async ({ name, partitions }) => ({
    name,
    partitions: await Promise.all(
      partitions.map((partition) => {
        const twice = seen.get(`${name}/${partition.partitionIndex}`)! > 1
        return twice ? errorAnswer(partition, 'INVALID_REQUEST') : find(context, name, partition)
      }),
    ),
  }))
  return { topics: await Promise.all(topics) }
}

async function find(context: RequestContext, topic: string, wanted: PartitionRequest): Promise<PartitionAnswer> {
  const { partitionIndex, currentLeaderEpoch, timestamp } = wanted
  if (timestamp < 0n && context.apiVersion < (firstVersionOf.get(timestamp) ?? Number.POSITIVE_INFINITY)) {
    return errorAnswer(wanted, 'UNSUPPORTED_VERSION')
  }
  const led = findLedPartition(context, { topic, topicId: zeroUuid, partition: partitionIndex, currentLeaderEpoch })
  if (led.error !== undefined) {
    return errorAnswer(wanted, led.error === 'UNKNOWN_TOPIC_ID' ? 'UNKNOWN_TOPIC_OR_PARTITION' : led.error)
  }
  try {
    const found = await offsetOf(await openLog(context.broker, led), timestamp)
    const { leaderEpoch } = context.apiVersion >= 4 ? found : none
    return { partitionIndex, errorCode: errorCodes.NONE, ...found, leaderEpoch }
  } catch (error) {
    return errorAnswer(wanted, toKafkaError(error).name)
  }
}

const none = { timestamp: -1n, offset: -1n, leaderEpoch: -1 }

async function offsetOf(log: PartitionLog, timestamp: bigint): Promise<typeof none> {
  const { leaderEpoch } = log
  switch (timestamp) {
    case latest:
      return { timestamp: -1n, offset: log.highWatermark, leaderEpoch }
    case earliest:
    case earliestLocal:
      return { timestamp: -1n, offset: log.logStartOffset, leaderEpoch }
    case maxTimestamp:
      return (await log.offsetOfMaxTimestamp()) ?? none
    case latestTiered:
    case earliestPendingUpload:
      return none
    default:
      return (await log.offsetForTimestamp(timestamp)) ?? none
  }
}

function errorAnswer({ partitionIndex }: PartitionRequest, error: KafkaErrorName): PartitionAnswer {
  return { partitionIndex, errorCode: errorCodes[error], ...none }
}
