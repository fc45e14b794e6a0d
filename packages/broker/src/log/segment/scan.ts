// Walks over the batches of one segment file, reading it in large pieces.
import { type BatchHeader, batchHeaderBytes, crcMatches, lastOffsetOf, readStoredHeader } from '../batch/batch.ts'
import { type LogFs, readFully } from '../disk/fs.ts'

const pieceBytes = 1024 * 1024

/** The file of a segment. */
export interface ScannedFile {
  readonly fs: LogFs
  readonly fd: number
  /** No batch may start below this offset; after the first one: below the offset that follows its predecessor. */
  readonly baseOffset: bigint
  /** Where the file's content ends. */
  readonly sizeBytes: number
}

export interface ScanOptions {
  /** Position of the first batch to read. Default 0. */
  readonly from?: number
  /** Checksums are verified for batches that end at this offset or later. Default: for none. */
  readonly crcFrom?: bigint
  /** @returns whether to continue */
  onBatch(header: BatchHeader, position: number): boolean
}

export interface ScanEnd {
  /** End of the last good batch. */
  readonly position: number
  /** Why the scan ended before `to`; undefined when it reached `to` or `onBatch` stopped it. */
  readonly problem: string | undefined
  /** The least offset that a batch at `position` may have. */
  readonly nextOffset: bigint
}

export async function scanBatches(file: ScannedFile, options: ScanOptions): Promise<ScanEnd> {
  const { fs, fd, sizeBytes: to } = file
  const { from = 0, crcFrom, onBatch } = options
  let piece = Buffer.alloc(0)
  let pieceStart = from
  let position = from
  let nextOffset = file.baseOffset

  /** Makes `length` bytes at `position` available in `piece`, reading ahead. */
  async function ensure(length: number): Promise<boolean> {
    if (position + length <= pieceStart + piece.length) return true
    if (position + length > to) return false
    const bytes = Buffer.allocUnsafeSlow(Math.min(to - position, Math.max(length, pieceBytes)))
    piece = bytes.subarray(0, await readFully(fs, fd, bytes, position))
    pieceStart = position
    return length <= piece.length
  }

  while (position < to) {
    if (!(await ensure(batchHeaderBytes))) {
      return { position, nextOffset, problem: `${to - position} bytes are too few for the header of a batch` }
    }
    const header = readStoredHeader(piece, position - pieceStart, nextOffset)
    if (typeof header === 'string') return { position, nextOffset, problem: header }
    if (position + header.sizeBytes > to) {
      const problem = `a batch of ${header.sizeBytes} bytes has only ${to - position} bytes in the file`
      return { position, nextOffset, problem }
    }
    if (crcFrom !== undefined && lastOffsetOf(header) >= crcFrom) {
      if (!(await ensure(header.sizeBytes))) return { position, nextOffset, problem: 'the file became shorter' }
      if (!crcMatches(piece, header, position - pieceStart)) {
        return { position, nextOffset, problem: 'the checksum of the batch does not match its bytes' }
      }
    }
    const proceed = onBatch(header, position)
    position += header.sizeBytes
    nextOffset = lastOffsetOf(header) + 1n
    if (!proceed) break
  }
  return { position, nextOffset, problem: undefined }
}

/**
 * Looks for a complete batch with the right checksum after `from`. If there is one, the bytes at `from` are damage in the middle of
 * the log, not the torn tail of an interrupted write.
 * @returns its position, in bytes
 */
export async function findBatchAfter(
  fs: LogFs,
  fd: number,
  from: number,
  to: number,
  minOffset: bigint,
): Promise<number | undefined> {
  for (let start = from + 1; start < to; start += pieceBytes) {
    // Pieces overlap by a header, so that no header is cut in two.
    const bytes = Buffer.allocUnsafeSlow(Math.min(to - start, pieceBytes + batchHeaderBytes))
    const length = await readFully(fs, fd, bytes, start)
    for (let at = 0; at + batchHeaderBytes <= length; at++) {
      if (bytes[at + 16] !== 2) continue
      const header = readStoredHeader(bytes, at, minOffset)
      if (typeof header === 'string' || start + at + header.sizeBytes > to) continue
      const batch = Buffer.allocUnsafeSlow(header.sizeBytes)
      if ((await readFully(fs, fd, batch, start + at)) < batch.length) continue
      if (crcMatches(batch, header)) return start + at
    }
  }
  return undefined
}
