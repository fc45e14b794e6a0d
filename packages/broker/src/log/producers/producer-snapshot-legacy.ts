// The producer snapshots (`<offset>.producers`) that earlier development versions wrote, read so that no producer state is lost at the first
// start of a newer one. Big-endian: format int16, CRC-32 of what follows uint32, count int32, entries.
import { crc32 } from 'node:zlib'
import { batchBytes, readBatch } from './produced-batch.ts'
import { createProducerTable, type ProducedBatch, type ProducerTable, rememberedBatches } from './producer-state.ts'

const format = 1
const entryBytes = 8 + 2 + 8 + 1

/** The table in the file, or undefined when the bytes are not a complete snapshot that this version reads. */
export function decodeLegacyProducers(bytes: Buffer): ProducerTable | undefined {
  if (bytes.length < 10 || bytes.readInt16BE(0) !== format) return undefined
  if (crc32(bytes.subarray(6)) !== bytes.readUInt32BE(2)) return undefined
  const table = createProducerTable()
  const count = bytes.readInt32BE(6)
  let at = 10
  for (let index = 0; index < count; index++) {
    if (at + entryBytes > bytes.length) return undefined
    const batchCount = bytes.readInt8(at + 18)
    if (batchCount < 1 || batchCount > rememberedBatches) return undefined
    const end = at + entryBytes + batchCount * batchBytes
    if (end > bytes.length) return undefined
    const batches: ProducedBatch[] = []
    for (let from = at + entryBytes; from < end; from += batchBytes) {
      batches.push(readBatch(bytes, from))
    }
    table.put({
      producerId: bytes.readBigInt64BE(at),
      producerEpoch: bytes.readInt16BE(at + 8),
      batches,
      lastSeenMs: Number(bytes.readBigInt64BE(at + 10)),
    })
    at = end
  }
  return table
}
