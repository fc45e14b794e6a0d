// Makes a record batch of records.

import { Writer } from '../codec/writer.ts'
import { type CompressionType, compress, compressionCodeOf } from '../compression/index.ts'
import { ProtocolError } from '../protocol-error.ts'
import { type TimestampType, writeBatch } from './batch.ts'
import { type RecordHeader, writeRecord } from './record.ts'

export interface RecordInput {
  readonly key?: Buffer | null
  readonly value?: Buffer | null
  readonly headers?: readonly RecordHeader[]
  /** Milliseconds since the epoch. */
  readonly timestamp: bigint
  /** By default one more than the record before; needed only where offsets have gaps, as after compaction. */
  readonly offset?: bigint
}

export interface BatchOptions {
  /** Offset of the first record. Default 0, which is what a producer sends. */
  readonly baseOffset?: bigint
  /** Default `none`. */
  readonly compression?: CompressionType
  /** Default `CreateTime`. With `LogAppendTime`, readers see the batch's maximum timestamp for every record. */
  readonly timestampType?: TimestampType
  /** Default: the offset of the last record; a compacted batch keeps the one it had. */
  readonly lastOffset?: bigint
  /** Default -1. */
  readonly partitionLeaderEpoch?: number
  /** Default -1: not idempotent. */
  readonly producerId?: bigint
  /** Default -1. */
  readonly producerEpoch?: number
  /** Default -1. */
  readonly baseSequence?: number
  /** Default false. */
  readonly isTransactional?: boolean
  /** Default false. */
  readonly isControl?: boolean
}

/**
 * Encodes records as one batch with its checksum.
 * @throws ProtocolError INVALID_VALUE when there are no records, or when offsets do not rise or do not fit a batch
 */
export function encodeBatch(records: readonly RecordInput[], options: BatchOptions = {}): Buffer {
  const first = records[0]
  if (first === undefined) throw new ProtocolError('INVALID_VALUE', 'a record batch needs at least one record')
  const baseOffset = options.baseOffset ?? 0n
  const baseTimestamp = first.timestamp
  const writer = new Writer(4096)
  let maxTimestamp = baseTimestamp
  let lastDelta = -1
  for (const [index, record] of records.entries()) {
    const delta = record.offset === undefined ? lastDelta + 1 : Number(record.offset - baseOffset)
    if (delta <= lastDelta) throw new ProtocolError('INVALID_VALUE', 'offsets must rise', `records[${index}]`)
    lastDelta = delta
    if (record.timestamp > maxTimestamp) maxTimestamp = record.timestamp
    writeRecord(writer, {
      offsetDelta: delta,
      timestampDelta: record.timestamp - baseTimestamp,
      key: record.key ?? null,
      value: record.value ?? null,
      headers: record.headers ?? [],
    })
  }
  const lastOffsetDelta = options.lastOffset === undefined ? lastDelta : Number(options.lastOffset - baseOffset)
  if (lastOffsetDelta < lastDelta || lastOffsetDelta > 0x7fffffff) {
    throw new ProtocolError('INVALID_VALUE', `last offset delta ${lastOffsetDelta} does not fit the batch`)
  }
  const compression = options.compression ?? 'none'
  return writeBatch({
    baseOffset,
    partitionLeaderEpoch: options.partitionLeaderEpoch ?? -1,
    compressionCode: compressionCodeOf(compression),
    timestampType: options.timestampType ?? 'CreateTime',
    isTransactional: options.isTransactional ?? false,
    isControl: options.isControl ?? false,
    lastOffsetDelta,
    baseTimestamp,
    maxTimestamp,
    producerId: options.producerId ?? -1n,
    producerEpoch: options.producerEpoch ?? -1,
    baseSequence: options.baseSequence ?? -1,
    recordsCount: records.length,
    payload: compress(compression, Buffer.concat(writer.finish())),
  })
}
