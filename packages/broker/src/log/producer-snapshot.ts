// The file that holds a partition's producer state at one offset (`<offset>.producers`), so that a restart need not
// read the whole log. Big-endian: format int16, CRC-32 of what follows uint32, count int32, entries. Unlike Kafka's
// `.snapshot` it keeps all five batches of a producer: a repetition of any of them is recognised after a restart, too.
import { crc32 } from 'node:zlib'
import { createProducerTable, type ProducedBatch, type ProducerTable, rememberedBatches } from './producer-state.ts'

const format = 1
const entryBytes = 8 + 2 + 8 + 1
const batchBytes = 4 + 4 + 8 + 8 + 8

export function encodeProducers(table: ProducerTable): Buffer {
  const entries = [...table.entries()]
  const batches = entries.reduce((sum, entry) => sum + entry.batches.length, 0)
  const bytes = Buffer.alloc(10 + entries.length * entryBytes + batches * batchBytes)
  bytes.writeInt16BE(format, 0)
  let at = bytes.writeInt32BE(entries.length, 6)
  for (const entry of entries) {
    at = bytes.writeBigInt64BE(entry.producerId, at)
    at = bytes.writeInt16BE(entry.producerEpoch, at)
    at = bytes.writeBigInt64BE(BigInt(Math.trunc(entry.lastSeenMs)), at)
    at = bytes.writeInt8(entry.batches.length, at)
    for (const batch of entry.batches) {
      at = bytes.writeInt32BE(batch.firstSequence, at)
      at = bytes.writeInt32BE(batch.lastSequence, at)
      at = bytes.writeBigInt64BE(batch.baseOffset, at)
      at = bytes.writeBigInt64BE(batch.lastOffset, at)
      at = bytes.writeBigInt64BE(batch.timestamp, at)
    }
  }
  bytes.writeUInt32BE(crc32(bytes.subarray(6)), 2)
  return bytes
}

/** The table in the file, or undefined when the bytes are not a whole snapshot that this version reads. */
export function decodeProducers(bytes: Buffer): ProducerTable | undefined {
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
      batches.push({
        firstSequence: bytes.readInt32BE(from),
        lastSequence: bytes.readInt32BE(from + 4),
        baseOffset: bytes.readBigInt64BE(from + 8),
        lastOffset: bytes.readBigInt64BE(from + 16),
        timestamp: bytes.readBigInt64BE(from + 24),
      })
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
