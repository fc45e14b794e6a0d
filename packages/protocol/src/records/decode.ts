// Reads the records of a batch, one at a time, and checks what the header says of them.
import { Reader } from '../codec/reader.ts'
import { decompress, defaultMaxOutputBytes } from '../compression/index.ts'
import { ProtocolError } from '../protocol-error.ts'
import { type BatchHeader, batchHeaderBytes, readBatchHeader } from './batch.ts'
import { type KafkaRecord, readRecord } from './record.ts'

export interface DecodeOptions {
  /** The most that a compressed batch may decompress to. Default 128 MiB. */
  readonly maxOutputBytes?: number
  /**
   * Whether offset deltas must be 0, 1, 2, …, as in a batch that a producer sends. Default false: a compacted batch has
   * gaps, and deltas must only rise.
   */
  readonly sequentialOffsets?: boolean
}

/**
 * The records of the batch at `offset`. Keys and values are views of the (decompressed) bytes. The checksum is not
 * verified here: see `verifyBatchCrc`.
 * @throws ProtocolError while iterating: MALFORMED, TRUNCATED, BAD_COMPRESSION, TOO_LARGE
 */
export function* decodeRecords(
  buffer: Buffer,
  offset = 0,
  options: DecodeOptions = {},
): Generator<KafkaRecord, void, undefined> {
  const header = readBatchHeader(buffer, offset)
  const end = offset + header.sizeBytes
  if (end > buffer.length) {
    throw new ProtocolError('TRUNCATED', `record batch of ${header.sizeBytes} bytes, ${buffer.length - offset} remain`)
  }
  const payload = buffer.subarray(offset + batchHeaderBytes, end)
  const maxOutputBytes = options.maxOutputBytes ?? defaultMaxOutputBytes
  // A compacted batch may hold no record at all; some clients then leave out even the compressed frame.
  const bytes = payload.length === 0 ? payload : decompress(header.compression, payload, maxOutputBytes)
  yield* decodePayload(header, bytes, options.sequentialOffsets)
}

/**
 * The records of a batch that is decompressed already.
 * @param bytes what the batch holds behind its header, decompressed
 * @throws ProtocolError while iterating: MALFORMED, TRUNCATED
 */
export function* decodePayload(
  header: BatchHeader,
  bytes: Buffer,
  sequential = false,
): Generator<KafkaRecord, void, undefined> {
  const { recordsCount, baseOffset, baseTimestamp, lastOffsetDelta } = header
  if (recordsCount < 0) throw new ProtocolError('MALFORMED', `record batch with ${recordsCount} records`)
  if (sequential && lastOffsetDelta !== recordsCount - 1) {
    throw new ProtocolError('MALFORMED', `${recordsCount} records with last offset delta ${lastOffsetDelta}`)
  }
  const reader = new Reader(bytes)
  let lastDelta = -1
  for (let index = 0; index < recordsCount; index++) {
    const { offsetDelta, timestampDelta, key, value, headers } = readRecord(reader)
    const expected = sequential ? offsetDelta === lastDelta + 1 : offsetDelta > lastDelta
    if (!expected || offsetDelta > lastOffsetDelta) {
      throw new ProtocolError('MALFORMED', `offset delta ${offsetDelta} after ${lastDelta}`, `records[${index}]`)
    }
    lastDelta = offsetDelta
    const timestamp = header.timestampType === 'LogAppendTime' ? header.maxTimestamp : baseTimestamp + timestampDelta
    yield { offset: baseOffset + BigInt(offsetDelta), timestamp, key, value, headers }
  }
  if (reader.remaining > 0) {
    throw new ProtocolError('MALFORMED', `${reader.remaining} bytes remain after ${recordsCount} records`)
  }
}
