// Questions about a batch's header that the protocol package does not answer.
import {
  type BatchHeader,
  batchHeaderBytes,
  computeBatchCrc,
  ProtocolError,
  readBatchHeader,
} from '@selfmonitor/protocol'

export { type BatchHeader, batchHeaderBytes }

export const lastOffsetOf = (header: BatchHeader): bigint => header.baseOffset + BigInt(header.lastOffsetDelta)

export const crcMatches = (bytes: Buffer, header: BatchHeader, start = 0): boolean =>
  computeBatchCrc(bytes, header, start) === header.crc

/**
 * The header at `start` of a buffer that has at least 61 bytes there, or why these bytes cannot be the header of a batch
 * on disk whose first offset is ≥ `minOffset`.
 */
export function readStoredHeader(bytes: Buffer, start: number, minOffset: bigint): BatchHeader | string {
  let header: BatchHeader
  try {
    header = readBatchHeader(bytes, start)
  } catch (error) {
    if (error instanceof ProtocolError) return error.reason
    throw error
  }
  if (header.lastOffsetDelta < 0) return `last offset delta ${header.lastOffsetDelta} is negative`
  if (header.baseOffset < minOffset) return `base offset ${header.baseOffset} where at least ${minOffset} was expected`
  return header
}
