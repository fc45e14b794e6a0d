// From the bytes of a partition in a Fetch response to records: which batches count, and what is in them. Pure.
import {
  type CompressionType,
  decompress,
  decompressAsync,
  defaultMaxOutputBytes,
} from '@selfmonitor/protocol/compression'
import { ProtocolError } from '@selfmonitor/protocol/protocol-error'
import {
  type BatchHeader,
  batchHeaderBytes,
  decodePayload,
  iterateBatches,
  readControlKey,
  verifyBatchCrc,
} from '@selfmonitor/protocol/records'
import type { Isolation, ReadRecord } from '../read-types.ts'

/** A transaction that was aborted: its records lie between `firstOffset` and its control record (KIP-98). */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** A partition in a Fetch response, and what was wanted of it. */
export interface Fetched {
  readonly bytes: Buffer
  /** The offset that was asked for: brokers answer with whole batches, which may begin before it. */
  readonly from: bigint
  /** Exclusive; null for no end. */
  readonly end: bigint | null
  readonly isolation: Isolation
  readonly abortedTransactions: readonly AbortedTransaction[]
  /** Also gives the control batches that commit a transaction. Default false. */
  readonly keepsCommits?: boolean
}

/** A batch that is wanted, its checksum verified. */
export interface WholeBatch {
  readonly header: BatchHeader
  /** As it lies in the log. A view of the answer that it came in: copy it to keep it. */
  readonly bytes: Buffer
}

export interface FetchedBatches {
  readonly batches: readonly WholeBatch[]
  /** Records of aborted transactions that were left out. */
  readonly aborted: number
  /** The offset to continue from: behind the last whole batch, at most the end of the range. */
  readonly next: bigint
  /** Of the leader that wrote the last whole batch, counted or not; -1 when there is none. */
  readonly leaderEpoch: number
  /** Why the bytes at `next` cannot be read; null when they can, or when there are none. */
  readonly damage: ProtocolError | null
}

/** Finds the batches that count; what is cut off at the end comes again with the next fetch. */
export function batchesOf(fetched: Fetched): FetchedBatches {
  const { bytes, from, end, isolation, abortedTransactions, keepsCommits = false } = fetched
  const batches: WholeBatch[] = []
  const isAborted = isolation === 'read_committed' ? abortedBatches(abortedTransactions) : () => false
  let next = from
  let leaderEpoch = -1
  let aborted = 0
  try {
    for (const { position, header } of iterateBatches(bytes)) {
      const after = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n
      if (end !== null && header.baseOffset >= end) {
        next = end
        break
      }
      verifyBatchCrc(bytes, header, position)
      const whole = { header, bytes: bytes.subarray(position, position + header.sizeBytes) }
      if (isAborted(header)) aborted += header.recordsCount
      else if (after > from && header.recordsCount > 0 && (!header.isControl || (keepsCommits && isCommit(whole)))) {
        batches.push(whole)
      }
      if (after > next) next = end !== null && after > end ? end : after
      leaderEpoch = header.partitionLeaderEpoch
    }
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    return { batches, aborted, next, leaderEpoch, damage: error }
  }
  return { batches, aborted, next, leaderEpoch, damage: null }
}

function isCommit({ header, bytes }: WholeBatch): boolean {
  const [marker] = decodePayload(header, bytes.subarray(batchHeaderBytes))
  return marker !== undefined && readControlKey(marker.key) === 'commit'
}

/** Tells, batch after batch in their order, which belong to aborted transactions. Control batches end them. */
function abortedBatches(transactions: readonly AbortedTransaction[]): (header: BatchHeader) => boolean {
  const starts = transactions.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const aborted = new Set<bigint>()
  let started = 0
  return (header) => {
    const last = header.baseOffset + BigInt(header.lastOffsetDelta)
    for (; started < starts.length && starts[started]!.firstOffset <= last; started++) {
      aborted.add(starts[started]!.producerId)
    }
    if (header.isControl) {
      aborted.delete(header.producerId)
      return false
    }
    return header.isTransactional && aborted.has(header.producerId)
  }
}

/** Below this many compressed bytes another thread costs more than it takes off this one. */
const threadFromBytes = 16 * 1024

/**
 * The records of a batch, decompressed.
 * @returns at once where there is little to do, else a promise, whose work is done on another thread
 * @throws ProtocolError BAD_COMPRESSION, or TOO_LARGE for more than 128 MiB
 */
export function payloadOf(
  { header, bytes }: WholeBatch,
  maxOutputBytes = defaultMaxOutputBytes,
): Buffer | Promise<Buffer> {
  const type: CompressionType = header.compression
  const payload = bytes.subarray(batchHeaderBytes)
  if (type === 'none' || payload.length === 0) return payload
  return payload.length < threadFromBytes
    ? decompress(type, payload, maxOutputBytes)
    : decompressAsync(type, payload, maxOutputBytes)
}

export interface RecordRange {
  readonly topic: string
  readonly partition: number
  readonly from: bigint
  readonly end: bigint | null
}

/**
 * The records of one batch that lie in the range, with the time that Kafka's own consumers give them.
 * @param bytes the batch's records, decompressed
 * @throws ProtocolError MALFORMED, TRUNCATED
 */
export function recordsOf(header: BatchHeader, bytes: Buffer, range: RecordRange): ReadRecord[] {
  const { topic, partition, from, end } = range
  const records: ReadRecord[] = []
  for (const { offset, timestamp, key, value, headers } of decodePayload(header, bytes)) {
    if (offset < from) continue
    if (end !== null && offset >= end) break
    records.push({ topic, partition, offset, timestampMs: Number(timestamp), key, value, headers })
  }
  return records
}

/** As `recordsOf`, of a batch as it lies in the log. @throws ProtocolError also BAD_COMPRESSION, TOO_LARGE */
export async function recordsOfBatch(
  batch: WholeBatch,
  range: RecordRange,
  maxOutputBytes?: number,
): Promise<ReadRecord[]> {
  return recordsOf(batch.header, await payloadOf(batch, maxOutputBytes), range)
}
