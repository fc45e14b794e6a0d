// Where partitions are: the ids and leaders of topics, and the ends of logs where they are needed.
import { errorName } from '@selfmonitor/protocol/errors'
import { apis } from '../apis.ts'
import type { Isolation } from '../read-types.ts'
import { topicIdText } from '../topics.ts'
import type { Transport } from '../transport/transport.ts'
import type { Cluster } from '../types.ts'
import type { Located, PartitionReading } from './partition.ts'

/**
 * Looks partitions up.
 * @param needsEnds whether the ends of a partition's log are wanted, given the id of its topic now
 * @returns for each partition where it is, or Kafka's name of the reason why that cannot be said
 * @throws ClusterError when no broker answers
 */
export type Locator = (
  readings: readonly PartitionReading[],
  needsEnds: (reading: PartitionReading, topicIdNow: string) => boolean,
) => Promise<(reading: PartitionReading) => Located | string>

interface TopicNow {
  readonly topicId: string
  /** Kafka's name; null when there is none. */
  readonly error: string | null
  readonly leaders: ReadonlyMap<number, number>
}

const topicsPerRequest = 2_000

export function createLocator(
  transport: Transport,
  listOffsets: Cluster['listOffsets'],
  isolation: Isolation,
): Locator {
  return async (readings, needsEnds) => {
    await transport.refresh()
    const topics = await describe(transport, [...new Set(readings.map(({ topic }) => topic))])
    const asked = readings.filter((reading) => {
      const topic = topics.get(reading.topic)
      const hasLeader = (topic?.leaders.get(reading.partition) ?? -1) >= 0
      return hasLeader && needsEnds(reading, topic!.topicId)
    })
    const [earliest, latest] = await Promise.all([
      ends(listOffsets, asked, 'earliest', isolation),
      // The end of the log, whatever the isolation: a reading does not end before an open transaction.
      ends(listOffsets, asked, 'latest', 'read_uncommitted'),
    ])
    return (reading) => {
      const topic = topics.get(reading.topic)
      if (topic === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION'
      if (topic.error !== null) return topic.error
      const leader = topic.leaders.get(reading.partition)
      if (leader === undefined) return 'UNKNOWN_TOPIC_OR_PARTITION'
      return { topicId: topic.topicId, leader, earliest: earliest(reading), latest: latest(reading) }
    }
  }
}

async function describe(transport: Transport, names: readonly string[]): Promise<Map<string, TopicNow>> {
  const topics = new Map<string, TopicNow>()
  for (let start = 0; start < names.length; start += topicsPerRequest) {
    const part = names.slice(start, start + topicsPerRequest)
    const response = await transport.send('any', apis.metadata, part, false, false)
    for (const { name, topicId, errorCode, partitions } of response.topics) {
      topics.set(name ?? '', {
        topicId: topicIdText(topicId),
        error: errorCode === 0 ? null : errorName(errorCode),
        leaders: new Map(partitions.map(({ partitionIndex, leaderId }) => [partitionIndex, leaderId])),
      })
    }
  }
  return topics
}

async function ends(
  listOffsets: Cluster['listOffsets'],
  readings: readonly PartitionReading[],
  at: 'earliest' | 'latest',
  isolation: Isolation,
): Promise<(reading: PartitionReading) => bigint | null> {
  if (readings.length === 0) return () => null
  const partitions = readings.map(({ topic, partition }) => ({ topic, partition }))
  const found = await listOffsets(partitions, at, { isolation })
  const byPartition = new Map(found.map(({ topic, partition, offset }) => [`${partition}:${topic}`, offset]))
  return ({ topic, partition }) => byPartition.get(`${partition}:${topic}`) ?? null
}
