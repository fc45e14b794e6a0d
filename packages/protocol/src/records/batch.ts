// Record batches, magic 2, as they lie in a buffer: their header fields, where they begin and end, their checksum, and the
// few fields that a broker patches in place. Records themselves are not looked at here.
//
//   offset  field                  offset  field
//        0  baseOffset       int64      23  lastOffsetDelta  int32
//        8  batchLength      int32      27  baseTimestamp    int64
//       12  leaderEpoch      int32      35  maxTimestamp     int64
//       16  magic            int8       43  producerId       int64
//       17  crc              uint32     51  producerEpoch    int16
//       21  attributes       int16      53  baseSequence     int32
//                                       57  recordsCount     int32
//                                       61  records
//
// batchLength counts from offset 12; the CRC-32C covers everything from `attributes` on, so base offset and leader epoch
// can be patched without computing it again. https://kafka.apache.org/documentation/#recordbatch
import { type CompressionType, compressionTypeOf } from '../compression/compression-type.ts'
import { crc32c } from '../native.ts'
import { ProtocolError } from '../protocol-error.ts'

/** Bytes before the records of a batch. */
export const batchHeaderBytes = 61
/** Bytes of base offset and batch length, which `batchLength` does not count. */
export const batchLengthOverhead = 12

const at = {
  baseOffset: 0,
  batchLength: 8,
  partitionLeaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordsCount: 57,
} as const

const compressionMask = 0x07
const logAppendTimeFlag = 0x08
const transactionalFlag = 0x10
const controlFlag = 0x20
const deleteHorizonFlag = 0x40

export type TimestampType = 'CreateTime' | 'LogAppendTime'

export interface BatchHeader {
  readonly baseOffset: bigint
  readonly batchLength: number
  readonly partitionLeaderEpoch: number
  readonly magic: number
  readonly crc: number
  readonly attributes: number
  readonly compression: CompressionType
  readonly timestampType: TimestampType
  readonly isTransactional: boolean
  readonly isControl: boolean
  /** When set, `baseTimestamp` is the delete horizon of a compacted batch (KIP-534). */
  readonly hasDeleteHorizon: boolean
  readonly lastOffsetDelta: number
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  /** -1 when the producer is not idempotent. */
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordsCount: number
  /** Bytes of the whole batch: `batchLength` + 12. */
  readonly sizeBytes: number
}

/**
 * Reads the header of the batch at `offset`. Only the header is read: neither the checksum nor the records are checked.
 * @throws ProtocolError TRUNCATED when the buffer ends within the header, MALFORMED when the length or the compression is
 *   not possible, UNSUPPORTED_RECORD_FORMAT for magic 0 and 1
 */
export function readBatchHeader(buffer: Buffer, offset = 0): BatchHeader {
  const available = buffer.length - offset
  if (available < at.crc)
    throw new ProtocolError('TRUNCATED', `record batch header needs 61 bytes, ${available} remain`)
  const magic = buffer.readInt8(offset + at.magic)
  if (magic !== 2) throw badMagic(magic)
  if (available < batchHeaderBytes) {
    throw new ProtocolError('TRUNCATED', `record batch header needs 61 bytes, ${available} remain`)
  }
  const batchLength = buffer.readInt32BE(offset + at.batchLength)
  if (batchLength < batchHeaderBytes - batchLengthOverhead) {
    throw new ProtocolError('MALFORMED', `record batch length ${batchLength} is less than its header`)
  }
  const attributes = buffer.readInt16BE(offset + at.attributes)
  return {
    baseOffset: buffer.readBigInt64BE(offset),
    batchLength,
    partitionLeaderEpoch: buffer.readInt32BE(offset + at.partitionLeaderEpoch),
    magic,
    crc: buffer.readUInt32BE(offset + at.crc),
    attributes,
    compression: compressionTypeOf(attributes & compressionMask),
    timestampType: (attributes & logAppendTimeFlag) === 0 ? 'CreateTime' : 'LogAppendTime',
    isTransactional: (attributes & transactionalFlag) !== 0,
    isControl: (attributes & controlFlag) !== 0,
    hasDeleteHorizon: (attributes & deleteHorizonFlag) !== 0,
    lastOffsetDelta: buffer.readInt32BE(offset + at.lastOffsetDelta),
    baseTimestamp: buffer.readBigInt64BE(offset + at.baseTimestamp),
    maxTimestamp: buffer.readBigInt64BE(offset + at.maxTimestamp),
    producerId: buffer.readBigInt64BE(offset + at.producerId),
    producerEpoch: buffer.readInt16BE(offset + at.producerEpoch),
    baseSequence: buffer.readInt32BE(offset + at.baseSequence),
    recordsCount: buffer.readInt32BE(offset + at.recordsCount),
    sizeBytes: batchLength + batchLengthOverhead,
  }
}

function badMagic(magic: number): ProtocolError {
  if (magic === 0 || magic === 1) {
    return new ProtocolError(
      'UNSUPPORTED_RECORD_FORMAT',
      `records of magic ${magic}; only record batches (magic 2) are accepted`,
    )
  }
  return new ProtocolError('MALFORMED', `record batch with magic ${magic}`)
}

export interface BatchAt {
  /** Where the batch begins in the buffer. */
  readonly position: number
  readonly header: BatchHeader
}

/**
 * Walks through the whole batches of a buffer and stops before a truncated one, as a fetch may end in the middle of a batch.
 * @returns (when done) the bytes before the truncated tail: the buffer's length when there is none
 * @throws ProtocolError MALFORMED or UNSUPPORTED_RECORD_FORMAT for bytes that are not a batch
 */
export function* iterateBatches(buffer: Buffer, start = 0): Generator<BatchAt, number, undefined> {
  let position = start
  while (buffer.length - position >= batchHeaderBytes) {
    const header = readBatchHeader(buffer, position)
    if (header.sizeBytes > buffer.length - position) break
    yield { position, header }
    position += header.sizeBytes
  }
  if (position < buffer.length && buffer.length - position > at.magic) {
    // Too short for a header, but long enough to tell an old format from a cut-off batch.
    const magic = buffer.readInt8(position + at.magic)
    if (magic !== 2) throw badMagic(magic)
  }
  return position
}

/** Computes the CRC-32C of a batch from its bytes. @throws ProtocolError TRUNCATED when the batch is incomplete */
export function computeBatchCrc(buffer: Buffer, header: BatchHeader, offset = 0): number {
  const end = offset + header.sizeBytes
  if (end > buffer.length) {
    throw new ProtocolError('TRUNCATED', `record batch of ${header.sizeBytes} bytes, ${buffer.length - offset} remain`)
  }
  return crc32c(buffer.subarray(offset + at.attributes, end))
}

/** @throws ProtocolError CORRUPT when the checksum does not match, TRUNCATED when the batch is not whole */
export function verifyBatchCrc(buffer: Buffer, header: BatchHeader, offset = 0): void {
  const computed = computeBatchCrc(buffer, header, offset)
  if (computed !== header.crc) {
    throw new ProtocolError('CORRUPT', `record batch says CRC ${header.crc}, its bytes give ${computed}`)
  }
}

/** Sets the base offset of the batch at `offset`, in place. The checksum does not cover it. */
export function patchBaseOffset(buffer: Buffer, baseOffset: bigint, offset = 0): void {
  buffer.writeBigInt64BE(baseOffset, offset + at.baseOffset)
}

/** Sets the partition leader epoch, in place. The checksum does not cover it. */
export function patchLeaderEpoch(buffer: Buffer, leaderEpoch: number, offset = 0): void {
  buffer.writeInt32BE(leaderEpoch, offset + at.partitionLeaderEpoch)
}

/**
 * Sets the maximum timestamp and the timestamp type, in place, and computes the checksum again where they changed. With
 * LogAppendTime the maximum timestamp is the timestamp of every record of the batch.
 * @throws ProtocolError TRUNCATED when the batch is not whole
 */
export function patchTimestamp(buffer: Buffer, type: TimestampType, maxTimestamp: bigint, offset = 0): void {
  const header = readBatchHeader(buffer, offset)
  if (header.timestampType === type && header.maxTimestamp === maxTimestamp) return
  const attributes =
    type === 'LogAppendTime' ? header.attributes | logAppendTimeFlag : header.attributes & ~logAppendTimeFlag
  buffer.writeInt16BE(attributes, offset + at.attributes)
  buffer.writeBigInt64BE(maxTimestamp, offset + at.maxTimestamp)
  buffer.writeUInt32BE(computeBatchCrc(buffer, header, offset), offset + at.crc)
}

export interface ProducerStamp {
  readonly producerId: bigint
  readonly producerEpoch: number
  /** Sequence number of the first record. */
  readonly baseSequence: number
}

/**
 * Makes a batch that lay in a log one that this producer sends, in place: outside of any transaction, without a delete horizon. Its
 * records stay as they are; a broker takes them where their offsets are without gaps and their time is the producer's.
 * @throws ProtocolError TRUNCATED when the batch is not whole
 */
export function patchProducer(buffer: Buffer, stamp: ProducerStamp, offset = 0): void {
  const header = readBatchHeader(buffer, offset)
  const attributes = header.attributes & ~(transactionalFlag | deleteHorizonFlag)
  buffer.writeBigInt64BE(0n, offset + at.baseOffset)
  buffer.writeInt32BE(-1, offset + at.partitionLeaderEpoch)
  buffer.writeInt16BE(attributes, offset + at.attributes)
  buffer.writeBigInt64BE(stamp.producerId, offset + at.producerId)
  buffer.writeInt16BE(stamp.producerEpoch, offset + at.producerEpoch)
  buffer.writeInt32BE(stamp.baseSequence, offset + at.baseSequence)
  buffer.writeUInt32BE(computeBatchCrc(buffer, header, offset), offset + at.crc)
}

export interface NewBatch {
  readonly baseOffset: bigint
  readonly partitionLeaderEpoch: number
  readonly compressionCode: number
  readonly timestampType: TimestampType
  readonly isTransactional: boolean
  readonly isControl: boolean
  readonly lastOffsetDelta: number
  readonly baseTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly producerId: bigint
  readonly producerEpoch: number
  readonly baseSequence: number
  readonly recordsCount: number
  /** The records, compressed already. */
  readonly payload: Buffer
}

/** Puts a header with its checksum in front of encoded records. */
export function writeBatch(batch: NewBatch): Buffer {
  const buffer = Buffer.allocUnsafe(batchHeaderBytes + batch.payload.length)
  const attributes =
    batch.compressionCode |
    (batch.timestampType === 'LogAppendTime' ? logAppendTimeFlag : 0) |
    (batch.isTransactional ? transactionalFlag : 0) |
    (batch.isControl ? controlFlag : 0)
  buffer.writeBigInt64BE(batch.baseOffset, at.baseOffset)
  buffer.writeInt32BE(buffer.length - batchLengthOverhead, at.batchLength)
  buffer.writeInt32BE(batch.partitionLeaderEpoch, at.partitionLeaderEpoch)
  buffer.writeInt8(2, at.magic)
  buffer.writeInt16BE(attributes, at.attributes)
  buffer.writeInt32BE(batch.lastOffsetDelta, at.lastOffsetDelta)
  buffer.writeBigInt64BE(batch.baseTimestamp, at.baseTimestamp)
  buffer.writeBigInt64BE(batch.maxTimestamp, at.maxTimestamp)
  buffer.writeBigInt64BE(batch.producerId, at.producerId)
  buffer.writeInt16BE(batch.producerEpoch, at.producerEpoch)
  buffer.writeInt32BE(batch.baseSequence, at.baseSequence)
  buffer.writeInt32BE(batch.recordsCount, at.recordsCount)
  batch.payload.copy(buffer, batchHeaderBytes)
  buffer.writeUInt32BE(crc32c(buffer.subarray(at.attributes)), at.crc)
  return buffer
}
