// A remembered batch of a producer as the snapshot files hold it. Big-endian: first and last sequence int32, first and last offset
// and timestamp int64.
import type { ProducedBatch } from './producer-state.ts'

export const batchBytes = 4 + 4 + 8 + 8 + 8

export function readBatch(bytes: Buffer, at: number): ProducedBatch {
  return {
    firstSequence: bytes.readInt32BE(at),
    lastSequence: bytes.readInt32BE(at + 4),
    baseOffset: bytes.readBigInt64BE(at + 8),
    lastOffset: bytes.readBigInt64BE(at + 16),
    timestamp: bytes.readBigInt64BE(at + 24),
  }
}

/** @returns the position after the batch */
export function writeBatch(bytes: Buffer, batch: ProducedBatch, start: number): number {
  let at = bytes.writeInt32BE(batch.firstSequence, start)
  at = bytes.writeInt32BE(batch.lastSequence, at)
  at = bytes.writeBigInt64BE(batch.baseOffset, at)
  at = bytes.writeBigInt64BE(batch.lastOffset, at)
  return bytes.writeBigInt64BE(batch.timestamp, at)
}
