import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { javaBatches } from '../../testing/java-vectors.ts'
import {
  decodeRecords,
  decompress,
  encodeBatch,
  ProtocolError,
  type RecordInput,
  type RecordRules,
  readBatchHeader,
  surveyRecords,
  walkRecords,
} from '../index.ts'

const anything: RecordRules = { keyRequired: false, oldestTimestamp: -Infinity, newestTimestamp: Infinity }

const survey = (batch: Buffer, rules = anything) => {
  const header = readBatchHeader(batch)
  return surveyRecords(header, decompress(header.compression, batch.subarray(61), 1 << 20), rules)
}

const problemOf = (run: () => unknown): string => {
  try {
    run()
    return 'none'
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError)
    return (error as ProtocolError).message
  }
}

const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
const timestamps = fc.oneof(
  { weight: 5, arbitrary: fc.bigInt({ min: 1_700_000_000_000n, max: 1_700_000_100_000n }) },
  { weight: 2, arbitrary: fc.constant(-1n) },
  { weight: 1, arbitrary: fc.bigInt({ min: 0n, max: 2n ** 53n }) },
)
const bytes = fc.option(
  fc.uint8Array({ maxLength: 200 }).map((array) => Buffer.from(array)),
  { nil: null },
)
const recordInput: fc.Arbitrary<RecordInput> = fc.record({
  timestamp: timestamps,
  key: bytes,
  value: bytes,
  headers: fc.array(fc.record({ key: fc.string({ maxLength: 100 }), value: bytes }), { maxLength: 3 }),
})

describe('a survey of records', () => {
  it('finds the greatest timestamp and the records without a key, as decoding them all does', () => {
    fc.assert(
      fc.property(fc.array(recordInput, { minLength: 1, maxLength: 200 }), (records) => {
        const batch = encodeBatch(records)
        const decoded = [...decodeRecords(batch)]
        const { maxTimestamp, violations } = survey(batch, { ...anything, keyRequired: true })
        expect(maxTimestamp).toBe(decoded.reduce((max, { timestamp }) => (timestamp > max ? timestamp : max), -1n))
        expect(violations.map(({ index }) => index)).toEqual(
          decoded.flatMap(({ key }, index) => (key === null ? [index] : [])),
        )
      }),
      { numRuns: 300 },
    )
  })

  it('adds up timestamps in 64 bits, as Java does', () => {
    fc.assert(
      fc.property(int64, int64, (base, other) => {
        const batch = encodeBatch([{ timestamp: base }, { timestamp: BigInt.asIntN(63, other) }])
        const header = readBatchHeader(batch)
        batch.writeBigInt64BE(other, 27)
        const delta = BigInt.asIntN(63, other) - header.baseTimestamp
        if (BigInt.asIntN(64, delta) !== delta) return
        const own = [other, BigInt.asIntN(64, other + delta)]
        expect(survey(batch).maxTimestamp).toBe(own.reduce((a, b) => (b > a ? b : a), -1n))
      }),
    )
  })

  it('does not trust the header or its timestamp type', () => {
    const batch = encodeBatch([{ timestamp: 5n }, { timestamp: 9n }, { timestamp: 7n }], {
      timestampType: 'LogAppendTime',
    })
    batch.writeBigInt64BE(1n, 35)
    expect(survey(batch).maxTimestamp).toBe(9n)
  })

  it.each(Object.entries(javaBatches))('reads what Apache Kafka wrote, %s', (_, base64) => {
    const batch = Buffer.from(base64, 'base64')
    expect(survey(batch, { ...anything, keyRequired: true })).toEqual({
      maxTimestamp: readBatchHeader(batch).maxTimestamp,
      violations: [{ index: 1, rule: 'keyRequired', timestamp: -1n }],
    })
  })

  it('names the records that are too old or too new; one without a timestamp is neither', () => {
    const batch = encodeBatch([-1n, 100n, 99n, 200n, 201n, -1n].map((timestamp) => ({ timestamp })))
    const rules = { keyRequired: false, oldestTimestamp: 100, newestTimestamp: 200 }
    expect(survey(batch, rules).violations).toEqual([
      { index: 2, rule: 'oldestTimestamp', timestamp: 99n },
      { index: 4, rule: 'newestTimestamp', timestamp: 201n },
    ])
    expect(survey(batch, { ...rules, keyRequired: true }).violations.map(({ rule }) => rule)).toEqual(
      Array.from({ length: 6 }, () => 'keyRequired'),
    )
  })

  it('names at most 1,000', () => {
    const batch = encodeBatch(Array.from({ length: 3000 }, () => ({ timestamp: 1n })))
    expect(survey(batch, { keyRequired: true, oldestTimestamp: 5, newestTimestamp: 9 }).violations).toHaveLength(1000)
  })

  it('can be made in steps', () => {
    const batch = encodeBatch(Array.from({ length: 25 }, (_, index) => ({ timestamp: BigInt(index) })))
    const walk = walkRecords(readBatchHeader(batch), batch.subarray(61), anything)
    expect([walk.advance(10), walk.advance(10)]).toEqual([undefined, undefined])
    expect(walk.advance(10)).toEqual({ maxTimestamp: 24n, violations: [] })
  })

  const one = encodeBatch([
    { timestamp: 3n, key: Buffer.from('k'), value: Buffer.from('v'), headers: [{ key: 'h', value: null }] },
  ])
  const changed = (change: (batch: Buffer) => void) => {
    const copy = Buffer.from(one)
    change(copy)
    return copy
  }
  it.each<[string, Buffer, string]>([
    [
      'a count above the records',
      changed((b) => b.writeInt32BE(1, b.writeInt32BE(2, 57) && 23)),
      '12 bytes cannot be 2 records',
    ],
    [
      'a count that the bytes cannot hold',
      changed((b) => b.writeInt32BE(0x7fffffff, 57)),
      '12 bytes cannot be 2147483647 records',
    ],
    [
      'a last offset delta that does not fit',
      changed((b) => b.writeInt32BE(9, 23)),
      '1 records with last offset delta 9',
    ],
    [
      'a record larger than the batch',
      changed((b) => b.writeUInt8(40, 61)),
      'records[0]: record of 20 bytes, 11 remain',
    ],
    ['a record of negative size', changed((b) => b.writeUInt8(1, 61)), 'records[0]: record of -1 bytes'],
    [
      'an offset delta that is not the next',
      changed((b) => b.writeUInt8(2, 64)),
      'records[0]: offset delta 1 of record 0',
    ],
    ['a negative key length', changed((b) => b.writeUInt8(3, 65)), 'records[0]: negative length -2'],
    [
      'a key longer than its record',
      changed((b) => b.writeUInt8(90, 65)),
      'records[0]: the bytes end within the record',
    ],
    [
      'fewer fields than the record has bytes',
      changed((b) => b.writeUInt8(0, 69)),
      'records[0]: record says 11 bytes, its fields have 8',
    ],
    ['more headers than fit', changed((b) => b.writeUInt8(100, 69)), 'records[0]: record with 50 headers'],
    ['a header without a key', changed((b) => b.writeUInt8(1, 70)), 'records[0]: header without a key'],
    ['bytes behind the records', Buffer.concat([one, Buffer.alloc(3)]), '3 bytes remain after 1 records'],
    ['a varint without an end', changed((b) => b.fill(0xff, 61, 67)), 'records[0]: varint is longer than 32 bits'],
    ['a timestamp without an end', changed((b) => b.fill(0xff, 63)), 'records[0]: varint is longer than 64 bits'],
  ])('refuses %s', (_, batch, problem) => {
    const header = readBatchHeader(batch)
    expect(problemOf(() => surveyRecords(header, batch.subarray(61), anything))).toBe(problem)
    // The decoder refuses the same; it does not look behind the batch's own size.
    if (batch.length === one.length)
      expect(problemOf(() => [...decodeRecords(batch, 0, { sequentialOffsets: true })])).not.toBe('none')
  })

  it('survives any damage, and agrees with the decoder on what is whole', () => {
    const whole = encodeBatch(
      Array.from({ length: 4 }, (_, index) => ({
        timestamp: 1000n + BigInt(index),
        key: Buffer.from('key'),
        value: Buffer.from('some value'),
      })),
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 61, max: whole.length - 1 }), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        (changes) => {
          const batch = Buffer.from(whole)
          for (const [at, value] of changes) batch[at] = value
          const surveyed = problemOf(() => survey(batch)) === 'none'
          const decoded = problemOf(() => [...decodeRecords(batch, 0, { sequentialOffsets: true })]) === 'none'
          expect(surveyed).toBe(decoded)
        },
      ),
      { numRuns: 3000 },
    )
  })
})
