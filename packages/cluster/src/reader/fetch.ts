// Fetch requests and responses, in the codec of @selfmonitor/protocol: the client's own parses every record into objects before
// it is known which of them are wanted.
import { fetch } from '@selfmonitor/protocol/api/fetch'
import { errorName } from '@selfmonitor/protocol/errors'
import { type Isolation, isolationLevels } from '../read-types.ts'
import { protocolApi } from '../transport/protocol-api.ts'
import type { Transport } from '../transport/transport.ts'
import type { AbortedTransaction } from './records-of.ts'

/** Newest first. Version 12 is the oldest broker's (3.0); up to it topics go by name, from 13 on by id (KIP-516). */
const fetchVersions = [17, 16, 15, 14, 13, 12].map((version) => protocolApi(fetch, version))
const noSession = { sessionId: 0, sessionEpoch: -1 }

export interface FetchPosition {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly next: bigint
  /** Of the leader that wrote what lies before it; -1 when that is not known. */
  readonly leaderEpoch: number
}

export interface FetchLimits {
  readonly isolation: Isolation
  readonly maxWaitMs: number
  readonly maxBytes: number
  readonly partitionMaxBytes: number
}

export interface FetchAnswer {
  readonly topic: string
  readonly partition: number
  /** Kafka's name of it; null when there is none. */
  readonly error: string | null
  /** Nothing came because a quota is used up: ask again after so many milliseconds; 0 otherwise. */
  readonly throttledMs: number
  readonly highWatermark: bigint
  /** How far records are given out with this isolation. */
  readonly limit: bigint
  /** Where the leader's log and that which was read part; null when they do not. */
  readonly divergesAt: bigint | null
  readonly abortedTransactions: readonly AbortedTransaction[]
  readonly bytes: Buffer
}

const nothing = Buffer.alloc(0)

/**
 * Asks a leader for records, in the order of the positions: the first that has any gets at least one batch, of any size (KIP-74).
 * @throws ClusterError when there is no answer, or when it is an error as a whole
 */
export async function fetchFrom(
  transport: Transport,
  leader: number,
  positions: readonly FetchPosition[],
  { isolation, maxWaitMs, maxBytes, partitionMaxBytes }: FetchLimits,
): Promise<FetchAnswer[]> {
  const byTopic = Map.groupBy(positions, ({ topic }) => topic)
  const response = await transport.send(leader, fetchVersions, {
    maxWaitMs,
    minBytes: 1,
    maxBytes,
    isolationLevel: isolationLevels[isolation],
    ...noSession,
    topics: [...byTopic].map(([topic, wanted]) => ({
      topic,
      topicId: wanted[0]!.topicId,
      partitions: wanted.map(({ partition, next, leaderEpoch }) => ({
        partition,
        fetchOffset: next,
        // A broker that finds another history than this one answers with where they part (KIP-595).
        lastFetchedEpoch: leaderEpoch,
        partitionMaxBytes,
      })),
    })),
    forgottenTopicsData: [],
  })
  if (response.errorCode !== 0) {
    // The whole request was refused: so is each partition of it.
    return positions.map(({ topic, partition }) => refusal(topic, partition, errorName(response.errorCode)))
  }
  if (response.responses.length === 0 && response.throttleTimeMs > 0) {
    // The quota is used up: the broker gives nothing, and no error, and reads no request of this connection so long (KIP-219).
    return positions.map(({ topic, partition }) => ({
      ...refusal(topic, partition, 'THROTTLING_QUOTA_EXCEEDED'),
      throttledMs: response.throttleTimeMs,
    }))
  }
  const names = new Map(positions.map(({ topic, topicId }) => [topicId, topic]))
  return response.responses.flatMap((answered) => {
    const topic = answered.topic === '' ? names.get(answered.topicId) : answered.topic
    if (topic === undefined) return []
    return answered.partitions.map((answer) => ({
      topic,
      partition: answer.partitionIndex,
      error: answer.errorCode === 0 ? null : errorName(answer.errorCode),
      throttledMs: 0,
      highWatermark: answer.highWatermark,
      limit:
        isolation === 'read_committed' && answer.lastStableOffset >= 0n
          ? answer.lastStableOffset
          : answer.highWatermark,
      divergesAt: answer.divergingEpoch.endOffset < 0n ? null : answer.divergingEpoch.endOffset,
      abortedTransactions: answer.abortedTransactions ?? [],
      bytes: answer.records ?? nothing,
    }))
  })
}

function refusal(topic: string, partition: number, error: string): FetchAnswer {
  return {
    topic,
    partition,
    error,
    throttledMs: 0,
    highWatermark: -1n,
    limit: -1n,
    divergesAt: null,
    abortedTransactions: [],
    bytes: nothing,
  }
}
