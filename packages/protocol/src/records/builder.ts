// Builds record batches (magic 2) by appending to one growing buffer: a record is written once, at its place.
// Layout: https://kafka.apache.org/documentation/#recordbatch
import { crc32c } from '../native.ts'
import { batchHeaderBytes, batchLengthOverhead } from './batch.ts'

const initialBytes = 4096
const nativeCopy = Buffer.prototype.copy
const nothing = new Uint8Array(0)
const emptyHeader = Buffer.alloc(batchHeaderBytes)

/** Headers in their wire form (count, then length-prefixed keys and values), made once for many records. */
export type EncodedHeaders = Buffer

export const noHeaders: EncodedHeaders = Buffer.from([0])

/** @param entries names and values; null is Kafka's null value */
export function encodeHeaders(entries: readonly (readonly [string, string | Uint8Array | null])[]): EncodedHeaders {
  if (entries.length === 0) return noHeaders
  const parts: Uint8Array[] = [varint(entries.length)]
  for (const [name, value] of entries) {
    const key = Buffer.from(name)
    parts.push(varint(key.length), key)
    if (value === null) {
      parts.push(varint(-1))
    } else {
      const bytes = typeof value === 'string' ? Buffer.from(value) : value
      parts.push(varint(bytes.length), bytes)
    }
  }
  return Buffer.concat(parts)
}

export interface CompressedRecords {
  readonly code: number
  readonly bytes: Buffer
}

/** A batch that is being filled. */
export interface BatchBuilder {
  readonly count: number
  /** Bytes so far, header included. */
  readonly sizeBytes: number
  /** The buffer that it fills; it can be used for another batch when this one is no longer needed. */
  readonly buffer: Buffer
  /**
   * Adds a record. Lengths may be smaller than the buffers, so that a caller can use the same ones for all records.
   * @param keyLength bytes of `key` to take, -1 for a key that is null
   */
  append(
    key: Uint8Array,
    keyLength: number,
    value: Uint8Array,
    valueLength: number,
    headers: EncodedHeaders,
    timestampMs: number,
  ): void
  /** The records without the batch's header, as a compressor takes them: a view of the builder's buffer. */
  records(): Buffer
  /**
   * The finished batch. May be called again with another identity.
   * @param compressed the records, compressed, and the codec's number; null for the records as they are, which makes the
   *   batch a view of the builder's buffer
   */
  finish(producerId: bigint, producerEpoch: number, baseSequence: number, compressed: CompressedRecords | null): Buffer
  /** The same records as batches of one each, for a topic whose `max.message.bytes` the whole batch exceeds. */
  split(): BatchBuilder[]
}

/** @param spare a buffer to write into, that nothing else needs any more */
export function createBatchBuilder(spare?: Buffer): BatchBuilder {
  let buffer = spare ?? Buffer.allocUnsafe(initialBytes)
  let position = batchHeaderBytes
  let count = 0
  let baseTimestamp = 0
  let maxTimestamp = 0

  function reserve(bytes: number): void {
    if (position + bytes <= buffer.length) return
    const larger = Buffer.allocUnsafe(Math.max(buffer.length * 2, position + bytes))
    buffer.copy(larger, 0, 0, position)
    buffer = larger
  }

  return {
    get count() {
      return count
    },
    get sizeBytes() {
      return position
    },
    get buffer() {
      return buffer
    },

    append(key, keyLength, value, valueLength, headers, timestampMs) {
      if (count === 0) {
        baseTimestamp = timestampMs
        maxTimestamp = timestampMs
      } else if (timestampMs > maxTimestamp) {
        maxTimestamp = timestampMs
      }
      const delta = timestampMs - baseTimestamp
      const bodyBytes =
        1 +
        varlongSize(delta) +
        varintSize(count) +
        varintSize(keyLength) +
        Math.max(keyLength, 0) +
        varintSize(valueLength) +
        Math.max(valueLength, 0) +
        headers.length
      reserve(bodyBytes + 5)

      let at = writeVarint(buffer, position, bodyBytes)
      buffer[at++] = 0
      at = writeVarlong(buffer, at, delta)
      at = writeVarint(buffer, at, count)
      at = writeVarint(buffer, at, keyLength)
      for (let i = 0; i < keyLength; i++) buffer[at++] = key[i]!
      at = writeVarint(buffer, at, valueLength)
      if (valueLength > 0) {
        nativeCopy.call(value, buffer, at, 0, valueLength)
        at += valueLength
      }
      // Nearly always the one byte of "none".
      for (let i = 0; i < headers.length; i++) buffer[at++] = headers[i]!
      position = at
      count++
    },

    records: () => buffer.subarray(batchHeaderBytes, position),

    finish(producerId, producerEpoch, baseSequence, compressed) {
      const batch =
        compressed === null
          ? buffer.subarray(0, position)
          : Buffer.concat([emptyHeader, compressed.bytes], batchHeaderBytes + compressed.bytes.length)
      batch.writeBigInt64BE(0n, 0)
      batch.writeInt32BE(batch.length - batchLengthOverhead, 8)
      batch.writeInt32BE(-1, 12)
      batch[16] = 2
      batch.writeInt16BE(compressed?.code ?? 0, 21)
      batch.writeInt32BE(count - 1, 23)
      batch.writeBigInt64BE(BigInt(baseTimestamp), 27)
      batch.writeBigInt64BE(BigInt(maxTimestamp), 35)
      batch.writeBigInt64BE(producerId, 43)
      batch.writeInt16BE(producerEpoch, 51)
      batch.writeInt32BE(baseSequence, 53)
      batch.writeInt32BE(count, 57)
      batch.writeUInt32BE(crc32c(batch.subarray(21)), 17)
      return batch
    },

    split() {
      const singles: BatchBuilder[] = []
      let at = batchHeaderBytes
      for (let i = 0; i < count; i++) {
        const length = readVarlong(buffer, at)
        const end = length.next + length.value
        const delta = readVarlong(buffer, length.next + 1)
        const key = readBytes(buffer, readVarlong(buffer, delta.next).next)
        const value = readBytes(buffer, key.next)
        const single = createBatchBuilder()
        const timestamp = baseTimestamp + delta.value
        single.append(key.bytes, key.length, value.bytes, value.length, buffer.subarray(value.next, end), timestamp)
        singles.push(single)
        at = end
      }
      return singles
    },
  }
}

function varint(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(5)
  return bytes.subarray(0, writeVarint(bytes, 0, value))
}

function varintSize(value: number): number {
  const zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x200000 ? 3 : zigzag < 0x10000000 ? 4 : 5
}

function writeVarint(buffer: Uint8Array, at: number, value: number): number {
  let zigzag = ((value << 1) ^ (value >> 31)) >>> 0
  while (zigzag >= 0x80) {
    buffer[at++] = (zigzag & 0x7f) | 0x80
    zigzag >>>= 7
  }
  buffer[at++] = zigzag
  return at
}

// Timestamps may lie further apart than 32 bits hold; numbers are exact up to 2^53, which zigzag leaves room for here.
function varlongSize(value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return varintSize(value)
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1
  let size = 1
  while (zigzag >= 0x80) {
    zigzag = Math.floor(zigzag / 0x80)
    size++
  }
  return size
}

function writeVarlong(buffer: Uint8Array, at: number, value: number): number {
  if (value >= -0x40000000 && value < 0x40000000) return writeVarint(buffer, at, value)
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1
  while (zigzag >= 0x80) {
    buffer[at++] = (zigzag % 0x80) | 0x80
    zigzag = Math.floor(zigzag / 0x80)
  }
  buffer[at++] = zigzag
  return at
}

function readVarlong(buffer: Uint8Array, at: number): { value: number; next: number } {
  let zigzag = 0
  let scale = 1
  let byte: number
  do {
    byte = buffer[at++]!
    zigzag += (byte & 0x7f) * scale
    scale *= 0x80
  } while (byte >= 0x80)
  return { value: zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2, next: at }
}

function readBytes(buffer: Buffer, at: number): { bytes: Uint8Array; length: number; next: number } {
  const length = readVarlong(buffer, at)
  if (length.value < 0) return { bytes: nothing, length: -1, next: length.next }
  const next = length.next + length.value
  return { bytes: buffer.subarray(length.next, next), length: length.value, next }
}
