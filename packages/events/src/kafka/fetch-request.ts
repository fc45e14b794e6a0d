// A Fetch request for some partitions of one node, and the answer, partition by partition.
import { protocolApi } from '@selfmonitor/cluster/protocol-api'
import type { AbortedTransaction } from '@selfmonitor/cluster/records-of'
import { fetch } from '@selfmonitor/protocol/api/fetch'
import { errorName } from '@selfmonitor/protocol/errors'
import { EventsError } from '../errors.ts'
import type { KafkaClient } from './client.ts'
import type { Wanted } from './reading.ts'
import { toUuid } from './topic-id.ts'
import { nameOf, type Position } from './topic-partition.ts'

/** A broker's answer about one partition. */
export interface PartitionAnswer {
  readonly wanted: Wanted
  /** Kafka's name of the error; null when there is none. */
  readonly error: string | null
  /** Record batches, the last of which may be cut off. */
  readonly bytes: Buffer
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** The log lost what lies before the position asked for: where the epoch of that position ends now. null when it did not. */
  readonly diverging: Position | null
}

const maxWaitMs = 500
const minBytes = 1
const maxBytes = 8 * 1024 * 1024
const maxPartitionBytes = 1024 * 1024
export const readCommitted = 1
const noSession = { sessionId: 0, sessionEpoch: -1 }
const oldestVersion = 12
/** The newest whose fields this library knows what to do with. */
const newestVersion = 17
const noBytes = Buffer.alloc(0)

/**
 * Asks one node for records. Waits up to half a second for some.
 *
 * @param wanted in the order in which the broker fills its answer, up to its limit
 * @throws EventsError FETCH_FAILED when the broker refuses the request as a whole, BROKER_TOO_OLD; what the client throws when
 *   there is no answer
 */
export async function fetchRecords(
  client: KafkaClient,
  node: number,
  wanted: readonly Wanted[],
): Promise<PartitionAnswer[]> {
  const version = Math.min(await client.version('Fetch'), newestVersion)
  if (version < oldestVersion) throw new EventsError('BROKER_TOO_OLD', 'this library needs Apache Kafka 3.0 or newer')
  const byTopic = Map.groupBy(wanted, ({ reading }) => reading.topic)
  const response = await protocolApi(fetch, version).async(await client.connection(node), {
    maxWaitMs,
    minBytes,
    maxBytes,
    isolationLevel: readCommitted,
    ...noSession,
    // Topics go by name up to version 12 and by id after that (KIP-516).
    topics: [...byTopic].map(([topic, list]) => ({
      topic,
      topicId: toUuid(list[0]!.reading.topicId),
      partitions: list.map(({ reading, from }) => ({
        partition: reading.partition,
        currentLeaderEpoch: reading.leaderEpoch,
        fetchOffset: from.offset,
        // A broker that finds another history than this one answers with the epoch where they diverge (KIP-595).
        lastFetchedEpoch: from.leaderEpoch,
        partitionMaxBytes: maxPartitionBytes,
      })),
    })),
    forgottenTopicsData: [],
  })
  if (response.errorCode !== 0) throw new EventsError('FETCH_FAILED', errorName(response.errorCode))

  const names = new Map([...byTopic].map(([topic, list]) => [toUuid(list[0]!.reading.topicId), topic]))
  const byName = new Map(wanted.map((one) => [nameOf(one.reading), one]))
  return response.responses.flatMap(({ topic, topicId, partitions }) =>
    partitions.flatMap(({ partitionIndex, errorCode, records, abortedTransactions, divergingEpoch }) => {
      const name = topic === '' ? names.get(topicId) : topic
      const one = name === undefined ? undefined : byName.get(nameOf({ topic: name, partition: partitionIndex }))
      if (one === undefined) return []
      const { epoch: leaderEpoch, endOffset: offset } = divergingEpoch
      return [
        {
          wanted: one,
          error: errorCode === 0 ? null : errorName(errorCode),
          bytes: records ?? noBytes,
          abortedTransactions: abortedTransactions ?? [],
          diverging: offset < 0n ? null : { offset, leaderEpoch },
        },
      ]
    }),
  )
}
