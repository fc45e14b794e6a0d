import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type BatchBuilder, createBatchBuilder, encodeHeaders, noHeaders } from './builder.ts'
import { decodeRecords, iterateBatches, readBatchHeader, verifyBatchCrc } from './index.ts'

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array))
const record = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.tuple(fc.string({ maxLength: 20 }), fc.option(bytes)), { maxLength: 4 }),
  timestampMs: fc.integer({ min: 0, max: 4_102_444_800_000 }),
})

function append(
  batch: BatchBuilder,
  key: Buffer | null,
  value: Buffer | null,
  headers: Buffer,
  timestampMs: number,
): void {
  const none = Buffer.alloc(0)
  batch.append(key ?? none, key?.length ?? -1, value ?? none, value?.length ?? -1, headers, timestampMs)
}

function read(bytes: Buffer) {
  return [...iterateBatches(bytes)].flatMap(({ position, header }) => {
    verifyBatchCrc(bytes, header, position)
    return [...decodeRecords(bytes, position)].map(({ offset, timestamp, key, value, headers }) => ({
      offset: Number(offset),
      timestampMs: Number(timestamp),
      key,
      value,
      headers: headers.map((header) => [header.key, header.value]),
    }))
  })
}

describe('a batch that is filled record by record', () => {
  it('reads back as the records that were appended', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 200 }), (records) => {
        const batch = createBatchBuilder()
        for (const { key, value, headers, timestampMs } of records) {
          append(batch, key, value, encodeHeaders(headers), timestampMs)
        }
        expect(read(batch.finish(7n, 1, 42, null))).toEqual(records.map((one, offset) => ({ offset, ...one })))
      }),
    )
  })

  it('reads back the same after it was split into batches of one record', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 1, maxLength: 20 }), (records) => {
        const batch = createBatchBuilder()
        for (const { key, value, headers, timestampMs } of records) {
          append(batch, key, value, encodeHeaders(headers), timestampMs)
        }
        const singles = batch.split().flatMap((single) => read(single.finish(7n, 1, 42, null)))
        expect(singles).toEqual(records.map((one) => ({ offset: 0, ...one })))
      }),
    )
  })

  it('carries the identity that makes a repeated batch recognisable', () => {
    const batch = createBatchBuilder()
    append(batch, null, Buffer.from('a'), noHeaders, 5)
    append(batch, null, Buffer.from('b'), noHeaders, 3)
    const written = readBatchHeader(batch.finish(9n, 3, 100, null))
    expect(written).toMatchObject({ producerId: 9n, producerEpoch: 3, baseSequence: 100, lastOffsetDelta: 1 })
    expect(written).toMatchObject({ magic: 2, baseTimestamp: 5n, maxTimestamp: 5n })
  })
})
