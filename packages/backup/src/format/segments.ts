// Segments: collected in memory, written whole, and read whole with hash and checksums checked, so that nothing of a damaged one is used.
import { promisify } from 'node:util'
import { constants, zstdCompress, zstdDecompress } from 'node:zlib'
import type { ReadBatch } from '@selfmonitor/cluster'
import { ProtocolError } from '@selfmonitor/protocol/protocol-error'
import { iterateBatches, verifyBatchCrc } from '@selfmonitor/protocol/records'
import { StoreError } from '../store/store-error.ts'
import { damaged, sha256 } from './documents.ts'
import { type BackupStore, seal, unseal } from './sealing.ts'
import type { Segment } from './types.ts'

const compress = promisify(zstdCompress)
const decompress = promisify(zstdDecompress)
/** Node's own 16 KiB for each piece of the result would cross from thread to thread thousands of times. */
const fastest = { params: { [constants.ZSTD_c_compressionLevel]: 1 }, chunkSize: 1024 * 1024 }

const maxPieceBytes = 64 * 1024 * 1024

/** What is collected of a segment. Coverage is [from, next). */
export interface Collected {
  readonly from: bigint
  next: bigint
  readonly parts: Buffer[]
  sizeBytes: number
  records: number
  batches: number
  transactional: number
  minTimestampMs: number | null
  maxTimestampMs: number | null
  aborted: number
}

export function collect(from: bigint): Collected {
  return {
    from,
    next: from,
    parts: [],
    sizeBytes: 0,
    records: 0,
    batches: 0,
    transactional: 0,
    minTimestampMs: null,
    maxTimestampMs: null,
    aborted: 0,
  }
}

/** Copies the batch: it is a view of an answer of megabytes. */
export function addBatch(segment: Collected, { header, bytes }: ReadBatch): void {
  segment.parts.push(Buffer.from(bytes))
  segment.sizeBytes += bytes.length
  segment.batches++
  if (header.isTransactional) segment.transactional++
  if (header.isControl) return
  segment.records += header.recordsCount
  const last = Number(header.maxTimestamp)
  // The base is the first record's time where a producer set it and no compaction has used the field (KIP-534).
  const first = header.timestampType === 'CreateTime' && !header.hasDeleteHorizon ? Number(header.baseTimestamp) : last
  segment.minTimestampMs = Math.min(segment.minTimestampMs ?? first, first, last)
  segment.maxTimestampMs = Math.max(segment.maxTimestampMs ?? last, last)
}

/** @throws StoreError */
export async function writeSegment(
  store: BackupStore,
  place: Pick<Segment, 'topic' | 'topicId' | 'partition' | 'key'>,
  collected: Collected,
): Promise<Segment> {
  const log = Buffer.concat(collected.parts, collected.sizeBytes)
  const { key, bytes: stored } = await seal(store, place.key, await compress(log, fastest))
  await store.put(key, stored)
  const { from, next, records, batches, transactional, aborted } = collected
  const { minTimestampMs, maxTimestampMs } = collected
  return {
    ...place,
    key,
    from,
    next,
    records,
    batches,
    transactional,
    minTimestampMs,
    maxTimestampMs,
    without: { aborted, absent: Math.max(0, Number(next - from) - records - aborted) },
    logBytes: log.length,
    storedBytes: stored.length,
    storedSha256: sha256(stored),
  }
}

/** @throws BackupError DAMAGED, SEALED; StoreError other than NOT_FOUND */
export async function readSegment(store: BackupStore, segment: Segment): Promise<ReadBatch[]> {
  const { key, logBytes } = segment
  const compressed = await unseal(store, key, await readStored(store, segment))
  let log: Buffer
  try {
    // In one piece, with room to spare: one that is full makes room for another.
    log = await decompress(compressed, {
      maxOutputLength: Math.max(1, logBytes),
      chunkSize: Math.min(logBytes + 64, maxPieceBytes),
    })
  } catch (error) {
    throw damaged(store, key, `it cannot be decompressed: ${(error as Error).message}`, error)
  }
  if (log.length !== logBytes)
    throw damaged(store, key, `decompressed, it has ${log.length} bytes instead of ${logBytes}`)
  try {
    return [...iterateBatches(log)].map(({ position, header }) => {
      verifyBatchCrc(log, header, position)
      return { header, bytes: log.subarray(position, position + header.sizeBytes) }
    })
  } catch (error) {
    if (error instanceof ProtocolError) throw damaged(store, key, error.message, error)
    throw error
  }
}

/** The object as it is stored, compared with its hash: for that no key is needed. @throws BackupError DAMAGED */
export async function readStored(store: BackupStore, segment: Segment): Promise<Buffer> {
  const { key, storedBytes, storedSha256 } = segment
  const stored = await getStored(store, segment)
  const found = sha256(stored)
  if (found === storedSha256) return stored
  const has = `it has ${stored.length} bytes with SHA-256 ${found}`
  throw damaged(store, key, `${has}, the index says ${storedBytes} with ${storedSha256}`)
}

async function getStored(store: BackupStore, { key, storedBytes }: Segment): Promise<Buffer> {
  try {
    return await store.get(key, storedBytes)
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    if (error.code === 'NOT_FOUND') throw damaged(store, key, 'it is missing', error)
    if (error.code === 'DAMAGED') throw damaged(store, key, error.message, error)
    if (error.code === 'TOO_LARGE') throw damaged(store, key, `it has more than its ${storedBytes} bytes`, error)
    throw error
  }
}
