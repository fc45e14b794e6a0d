// Offsets of the logs themselves: their ends, and the first record at or after a time.
import { apis } from './apis.ts'
import { byTopic, chunks, groupBy, mapConcurrently } from './batch.ts'
import { brokerError } from './errors.ts'
import { type Isolation, isolationLevels } from './read-types.ts'
import { partitionLeaders } from './topics.ts'
import type { Deadline } from './transport/deadline.ts'
import type { Transport } from './transport/transport.ts'

export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  /** null where no record is at or after the time. */
  readonly offset: bigint | null
}

const partitionsPerRequest = 2_000
const noReplica = -1
const noEpoch = -1

/**
 * One request per leader (and 2,000 partitions), a few leaders at a time; a leader that moved meanwhile is looked up
 * again. Results come in the order asked for.
 */
export function listOffsets(
  transport: Transport,
  deadline: Deadline,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
  at: 'earliest' | 'latest' | number,
  { isolation = 'read_uncommitted' }: { readonly isolation?: Isolation } = {},
): Promise<PartitionOffset[]> {
  const timestamp = at === 'earliest' ? -2n : at === 'latest' ? -1n : BigInt(Math.floor(at))
  return transport.retrying(deadline, async () => {
    const leaderOf = await partitionLeaders(transport, deadline, [...new Set(partitions.map(({ topic }) => topic))])
    const requests = [...groupBy(partitions, ({ topic, partition }) => leaderOf(topic, partition))].flatMap(
      ([leader, own]) => chunks(own, partitionsPerRequest).map((part) => ({ leader, part })),
    )
    const found = new Map<string, bigint | null>()
    await mapConcurrently(requests, 4, async ({ leader, part }) => {
      const response = await transport.send(
        leader,
        apis.listOffsets,
        noReplica,
        isolationLevels[isolation],
        byTopic(part, ({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: noEpoch, timestamp })),
      )
      for (const { name, partitions: results } of response.topics) {
        for (const { partitionIndex, errorCode, offset } of results) {
          if (errorCode !== 0) {
            throw brokerError(errorCode, `topic ${name} partition ${partitionIndex}`)
          }
          found.set(`${name}/${partitionIndex}`, offset < 0n ? null : offset)
        }
      }
    })
    return partitions.map(({ topic, partition }) => ({
      topic,
      partition,
      offset: found.get(`${topic}/${partition}`) ?? null,
    }))
  })
}
