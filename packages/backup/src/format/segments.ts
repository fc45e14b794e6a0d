// Segments: collected in memory, written whole, and read whole with hash and checksums checked, so that nothing of a damaged one is used.
import { Readable } from 'node:stream'
import { promisify } from 'node:util'
import { constants, createZstdCompress, zstdDecompress } from 'node:zlib'
import type { ReadBatch } from '@selfmonitor/cluster'
import { ProtocolError } from '@selfmonitor/protocol/protocol-error'
import { iterateBatches, verifyBatchCrc } from '@selfmonitor/protocol/records'
import { StoreError } from '../store/store-error.ts'
import { damaged, sha256 } from './documents.ts'
import { type BackupStore, seal, unseal } from './sealing.ts'
import type { Segment } from './types.ts'

const decompress = promisify(zstdDecompress)
const pieceBytes = 1024 * 1024
/** Node's own 16 KiB for each piece of the result would cross from thread to thread thousands of times. */
const fastest = { params: { [constants.ZSTD_c_compressionLevel]: 1 }, chunkSize: pieceBytes }

const maxPieceBytes = 64 * 1024 * 1024

/** What is collected of a segment. Coverage is [from, next). */
export interface Collected {
  readonly from: bigint
  next: bigint
  /** The log in pieces of one size, the last one not full. */
  readonly pieces: Buffer[]
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
    pieces: [],
    sizeBytes: 0,
    records: 0,
    batches: 0,
    transactional: 0,
    minTimestampMs: null,
    maxTimestampMs: null,
    aborted: 0,
  }
}

/** What it holds in memory, in bytes. */
export const memoryOf = ({ pieces }: Collected): number => pieces.length * pieceBytes

/** Copies the batch: it is a view of an answer of megabytes. */
export function addBatch(segment: Collected, { header, bytes }: ReadBatch): void {
  for (let copied = 0; copied < bytes.length; ) {
    const at = segment.sizeBytes % pieceBytes
    if (at === 0) segment.pieces.push(Buffer.allocUnsafeSlow(pieceBytes))
    const now = bytes.copy(segment.pieces.at(-1)!, at, copied)
    copied += now
    segment.sizeBytes += now
  }
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
  const { key, bytes: stored } = await seal(store, place.key, await compress(collected))
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
    logBytes: collected.sizeBytes,
    storedBytes: stored.length,
    storedSha256: sha256(stored),
  }
}

async function compress({ pieces, sizeBytes }: Collected): Promise<Buffer> {
  const rest = sizeBytes % pieceBytes
  const whole = rest === 0 ? pieces : [...pieces.slice(0, -1), pieces.at(-1)!.subarray(0, rest)]
  return Buffer.concat(await Readable.from(whole).pipe(createZstdCompress(fastest)).toArray())
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
