// The part of a Fetch response about one partition.
import { errorCodes, type KafkaErrorName, type ResponseInput } from '@selfmonitor/protocol'
import type { FetchedPartition } from '../fetch-sessions/sessions.ts'
import type { PartitionLog, ReadResult } from '../log/index.ts'

export type TopicAnswer = NonNullable<ResponseInput<'Fetch'>['responses']>[number]
export type PartitionAnswer = NonNullable<TopicAnswer['partitions']>[number]

/** @param isolationLevel 1 for read_committed, whose answers have a list of aborted transactions; here it is always empty */
export function recordsAnswer(
  isolationLevel: number,
  { partition }: FetchedPartition,
  { records, highWatermark, lastStableOffset, logStartOffset }: ReadResult,
): PartitionAnswer {
  return {
    partitionIndex: partition,
    errorCode: errorCodes.NONE,
    highWatermark,
    lastStableOffset,
    logStartOffset,
    abortedTransactions: isolationLevel === 1 ? [] : null,
    records,
  }
}

export function errorAnswer({ partition }: FetchedPartition, error: KafkaErrorName): PartitionAnswer {
  return {
    partitionIndex: partition,
    errorCode: errorCodes[error],
    highWatermark: -1n,
    lastStableOffset: -1n,
    logStartOffset: -1n,
    abortedTransactions: null,
    records: Buffer.alloc(0),
  }
}

/** The log's offsets without records: the response is full, but a client still learns that the partition has moved. */
export function offsetsOnly({ highWatermark, lastStableOffset, logStartOffset }: PartitionLog): ReadResult {
  return { records: [], sizeBytes: 0, highWatermark, lastStableOffset, logStartOffset, release() {} }
}

/**
 * The answer to a client whose last record has an epoch that ended earlier in this log, or that this log never had (KIP-595).
 * @returns undefined when the client has not diverged
 */
export function divergence(wanted: FetchedPartition, log: PartitionLog): PartitionAnswer | undefined {
  const { lastFetchedEpoch, fetchOffset } = wanted
  if (lastFetchedEpoch < 0) return undefined
  if (lastFetchedEpoch > log.leaderEpoch) return errorAnswer(wanted, 'OFFSET_OUT_OF_RANGE')
  if (fetchOffset <= log.highWatermark) return undefined
  return {
    ...recordsAnswer(0, wanted, offsetsOnly(log)),
    divergingEpoch: { epoch: log.leaderEpoch, endOffset: log.highWatermark },
  }
}
