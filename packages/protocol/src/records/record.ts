// One record of a batch (magic 2): read as views of the batch's bytes, and written.
//
//   length varint, attributes int8, timestampDelta varlong, offsetDelta varint,
//   key length varint (-1: null) and bytes, value likewise,
//   header count varint, then of each header: key length varint and text, value length varint (-1: null) and bytes
import type { Reader } from '../codec/reader.ts'
import type { Writer } from '../codec/writer.ts'
import { ProtocolError } from '../protocol-error.ts'

export interface RecordHeader {
  readonly key: string
  /** The name as it was read, only where it is not UTF-8: `key` has replacement characters then, and writing uses these bytes. */
  readonly keyBytes?: Buffer
  readonly value: Buffer | null
}

export interface KafkaRecord {
  readonly offset: bigint
  /** Milliseconds since the epoch; -1 when there is none. */
  readonly timestamp: bigint
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly RecordHeader[]
}

export interface RawRecord extends Omit<KafkaRecord, 'offset' | 'timestamp'> {
  readonly offsetDelta: number
  readonly timestampDelta: bigint
}

/** Fewest bytes of a record after its length: attributes, two deltas, two lengths, a count. */
const minRecordBytes = 6

/** Reads the record at the reader's position. @throws ProtocolError MALFORMED, TRUNCATED */
export function readRecord(batch: Reader): RawRecord {
  const size = batch.varint()
  if (size < minRecordBytes) throw new ProtocolError('MALFORMED', `record of ${size} bytes`)
  const endOfBatch = batch.end
  const start = batch.take(size)
  // Nothing of this record may reach into the next one. An error leaves the limit as it is: the batch is given up then.
  batch.end = batch.position
  batch.position = start
  batch.int8() // attributes: none is in use
  const timestampDelta = batch.varlong()
  const offsetDelta = batch.varint()
  const key = readBytes(batch)
  const value = readBytes(batch)
  const headers = readHeaders(batch)
  if (batch.remaining > 0) {
    throw new ProtocolError('MALFORMED', `record says ${size} bytes, ${batch.remaining} of them are left over`)
  }
  batch.end = endOfBatch
  return { offsetDelta, timestampDelta, key, value, headers }
}

function readBytes(reader: Reader): Buffer | null {
  const size = reader.varint()
  if (size >= 0) return reader.view(size)
  if (size === -1) return null
  throw new ProtocolError('MALFORMED', `negative length ${size}`)
}

const noHeaders: readonly RecordHeader[] = []

function readHeaders(reader: Reader): readonly RecordHeader[] {
  const count = reader.varint()
  if (count === 0) return noHeaders
  // A header takes at least two bytes.
  if (count < 0 || count * 2 > reader.remaining) throw new ProtocolError('MALFORMED', `record with ${count} headers`)
  const headers: RecordHeader[] = []
  for (let index = 0; index < count; index++) {
    const keyBytes = readBytes(reader)
    if (keyBytes === null) throw new ProtocolError('MALFORMED', 'header without a key')
    const key = keyBytes.toString('utf8')
    const value = readBytes(reader)
    const isExact = !key.includes('\ufffd') || Buffer.from(key).equals(keyBytes)
    headers.push(isExact ? { key, value } : { key, keyBytes, value })
  }
  return headers
}

/** Writes a record, its length first. */
export function writeRecord(writer: Writer, record: RawRecord): void {
  writer.varint(recordBodyBytes(record))
  writer.int8(0)
  writer.varlong(record.timestampDelta)
  writer.varint(record.offsetDelta)
  writeBytes(writer, record.key)
  writeBytes(writer, record.value)
  writer.varint(record.headers.length)
  for (const { key, keyBytes = Buffer.from(key), value } of record.headers) {
    writeBytes(writer, keyBytes)
    writeBytes(writer, value)
  }
}

function writeBytes(writer: Writer, value: Buffer | null): void {
  if (value === null) {
    writer.varint(-1)
    return
  }
  writer.varint(value.length)
  writer.raw(value)
}

function recordBodyBytes(record: RawRecord): number {
  let size = 1 + varlongBytes(record.timestampDelta) + varintBytes(record.offsetDelta)
  size += sizedBytes(record.key?.length ?? -1) + sizedBytes(record.value?.length ?? -1)
  size += varintBytes(record.headers.length)
  for (const { key, keyBytes, value } of record.headers) {
    size += sizedBytes(keyBytes?.length ?? Buffer.byteLength(key)) + sizedBytes(value?.length ?? -1)
  }
  return size
}

function sizedBytes(length: number): number {
  return varintBytes(length) + Math.max(0, length)
}

function varintBytes(value: number): number {
  let rest = ((value << 1) ^ (value >> 31)) >>> 0
  let size = 1
  while (rest > 0x7f) {
    rest >>>= 7
    size++
  }
  return size
}

function varlongBytes(value: bigint): number {
  if (value >= -0x40000000n && value < 0x40000000n) return varintBytes(Number(value))
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
  let size = 1
  while (rest > 0x7fn) {
    rest >>= 7n
    size++
  }
  return size
}
