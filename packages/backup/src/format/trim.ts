// Batches that are needed in part: at the beginning of a log, at a cut, and where a producer's rules differ from a log's.
import type { ReadBatch, ReadRecord } from '@selfmonitor/cluster'
import { recordsOfBatch } from '@selfmonitor/cluster/records-of'
import { type BatchHeader, encodeBatch, readBatchHeader } from '@selfmonitor/protocol/records'

/** The most that a batch may decompress to: a broker takes any, and so may a backup have any. */
export const maxDecompressedBytes = 2 ** 31 - 1

/** The records of a batch in [from, end), decompressed. @throws ProtocolError */
export function recordsBetween(batch: ReadBatch, from: bigint, end: bigint): Promise<ReadRecord[]> {
  return recordsOfBatch(batch, { topic: '', partition: 0, from, end }, maxDecompressedBytes)
}

/**
 * The part of a batch in [from, end), with the offsets, times and producer that it has in its log.
 * @returns null when there is no record in it
 * @throws ProtocolError
 */
export async function trimBatch(batch: ReadBatch, from: bigint, end: bigint): Promise<ReadBatch | null> {
  const { header } = batch
  const records = await recordsBetween(batch, from, end)
  if (records.length === 0) return null
  const last = header.baseOffset + BigInt(header.lastOffsetDelta)
  return encodeAgain(header, records, last < end ? last : end - 1n)
}

/** A batch of these records, with the compression and producer of another. @param lastOffset the end of its range */
export function encodeAgain(header: BatchHeader, records: readonly ReadRecord[], lastOffset: bigint): ReadBatch {
  const { compression, timestampType, partitionLeaderEpoch, producerId, producerEpoch, isTransactional } = header
  const bytes = encodeBatch(
    records.map(({ offset, timestampMs, key, value, headers }) => ({
      offset,
      timestamp: BigInt(timestampMs),
      key,
      value,
      headers,
    })),
    {
      baseOffset: records[0]!.offset,
      lastOffset,
      compression,
      timestampType,
      partitionLeaderEpoch,
      producerId,
      producerEpoch,
      isTransactional,
    },
  )
  return { header: readBatchHeader(bytes), bytes }
}
