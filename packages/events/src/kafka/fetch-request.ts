// A Fetch request for some partitions of one node, and the answer, partition by partition.

import { errorName } from '@selfmonitor/protocol/errors'
import { EventsError } from '../errors.ts'
import { type KafkaClient, partialResponse } from './client.ts'
import type { AbortedTransaction, RecordBatch } from './fetched-records.ts'
import type { Reading, Wanted } from './reading.ts'
import { nameOf, type Position } from './topic-partition.ts'

/** A broker's answer about one partition. */
export interface PartitionAnswer {
  readonly wanted: Wanted
  /** Kafka's name of the error; null when there is none. */
  readonly error: string | null
  readonly batches: readonly RecordBatch[]
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** The log lost what lies before the position asked for: where the epoch of that position ends now. null when it did not. */
  readonly diverging: Position | null
}

interface FetchResponse {
  readonly errorCode: number
  readonly responses: readonly {
    readonly topicId: string
    readonly partitions: readonly {
      readonly partitionIndex: number
      readonly errorCode: number
      readonly divergingEpoch?: { readonly epoch: number; readonly endOffset: bigint }
      readonly abortedTransactions: readonly AbortedTransaction[] | null
      readonly records: readonly RecordBatch[] | null
    }[]
  }[]
}

const maxWaitMs = 500
const minBytes = 1
const maxBytes = 8 * 1024 * 1024
const maxPartitionBytes = 1024 * 1024
export const readCommitted = 1
const noSession = { id: 0, epoch: -1 }
const noRack = ''

/**
 * Asks one node for records. Waits up to half a second for some.
 *
 * @param wanted in the order in which the broker fills its answer, up to its limit
 * @throws EventsError FETCH_FAILED when the broker refuses the request as a whole; what the client throws when there is no
 *   answer, or none that can be read
 */
export async function fetchRecords(
  client: KafkaClient,
  node: number,
  wanted: readonly Wanted[],
): Promise<PartitionAnswer[]> {
  let usesIds = true
  const topicOnWire = ({ topic, topicId }: Reading): string => (usesIds ? topicId : topic)
  const response = await client
    .call<FetchResponse>(node, 'Fetch', (version) => {
      // Topics go by name up to version 12 and by id after that (KIP-516).
      usesIds = version > 12
      const topics = [...Map.groupBy(wanted, ({ reading }) => topicOnWire(reading))].map(([topicId, list]) => ({
        topicId,
        partitions: list.map(({ reading, from }) => ({
          partition: reading.partition,
          currentLeaderEpoch: reading.leaderEpoch,
          fetchOffset: from.offset,
          // A broker that finds another history than this one answers with the epoch where they diverge (KIP-595).
          lastFetchedEpoch: from.leaderEpoch,
          partitionMaxBytes: maxPartitionBytes,
        })),
      }))
      return [maxWaitMs, minBytes, maxBytes, readCommitted, noSession.id, noSession.epoch, topics, [], noRack]
    })
    .catch((error: unknown) => partialResponse<FetchResponse>(error))
  if (response.errorCode !== 0) throw new EventsError('FETCH_FAILED', errorName(response.errorCode))

  const byName = new Map(
    wanted.map((one) => [nameOf({ topic: topicOnWire(one.reading), partition: one.reading.partition }), one]),
  )
  return response.responses.flatMap(({ topicId, partitions }) =>
    partitions.flatMap(({ partitionIndex, errorCode, records, abortedTransactions, divergingEpoch }) => {
      const one = byName.get(nameOf({ topic: topicId, partition: partitionIndex }))
      if (one === undefined) return []
      const error = errorCode === 0 ? null : errorName(errorCode)
      const diverging =
        divergingEpoch === undefined || divergingEpoch.endOffset < 0n
          ? null
          : { offset: divergingEpoch.endOffset, leaderEpoch: divergingEpoch.epoch }
      return [{ wanted: one, error, batches: records ?? [], abortedTransactions: abortedTransactions ?? [], diverging }]
    }),
  )
}

/** The answer came, and this client cannot make sense of it: a batch that is damaged, or compressed in an unknown way. */
export function isUnreadable(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return (
    error instanceof Error &&
    !(typeof code === 'string' && connectionCodes.includes(code)) &&
    !(error instanceof EventsError)
  )
}

const connectionCodes = [
  'PLT_KFK_NETWORK',
  'PLT_KFK_TIMEOUT',
  'PLT_KFK_AUTHENTICATION',
  'PLT_KFK_MULTIPLE',
  'PLT_KFK_RESPONSE',
  'PLT_KFK_UNEXPECTED_CORRELATION_ID',
  'PLT_KFK_UNSUPPORTED_API',
]
