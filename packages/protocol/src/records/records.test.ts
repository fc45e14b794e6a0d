import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { javaBatches, javaCommitMarker } from '../../testing/java-vectors.ts'
import {
  type BatchOptions,
  decodeRecords,
  encodeBatch,
  iterateBatches,
  ProtocolError,
  patchBaseOffset,
  patchLeaderEpoch,
  patchTimestamp,
  type RecordInput,
  readBatchHeader,
  readControlKey,
  verifyBatchCrc,
} from '../index.ts'

const codecs = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const

function codeOf(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError)
    return (error as ProtocolError).code
  }
  return 'none'
}

const records = (count: number): RecordInput[] =>
  Array.from({ length: count }, (_, index) => ({
    key: Buffer.from(`k${index}`),
    value: Buffer.from(`v${index}`),
    timestamp: 1000n + BigInt(index),
  }))

const batchOf = (count: number, options?: BatchOptions) => encodeBatch(records(count), options)

describe('batches that Apache Kafka wrote', () => {
  const expected = [0, 1, 2, 3].map((index) => ({
    offset: 42n + BigInt(index),
    timestamp: 1_700_000_000_000n + BigInt(index * 7),
    key: index === 1 ? null : Buffer.from(`key-${index}`),
    value: index === 2 ? null : Buffer.from(`value-${index}-${'x'.repeat(40)}`),
    headers: [{ key: `h${index}`, value: index === 3 ? null : Buffer.from(`v${index}`) }],
  }))

  it.each(codecs)('are read, %s', (codec) => {
    const batch = Buffer.from(javaBatches[codec], 'base64')
    const head = readBatchHeader(batch)
    expect(head).toMatchObject({
      baseOffset: 42n,
      partitionLeaderEpoch: 5,
      magic: 2,
      compression: codec,
      timestampType: 'CreateTime',
      isTransactional: false,
      isControl: false,
      lastOffsetDelta: 3,
      baseTimestamp: 1_700_000_000_000n,
      maxTimestamp: 1_700_000_000_021n,
      producerId: 9n,
      producerEpoch: 3,
      baseSequence: 17,
      recordsCount: 4,
      sizeBytes: batch.length,
    })
    verifyBatchCrc(batch, head)
    expect([...decodeRecords(batch, 0, { sequentialOffsets: true })]).toEqual(expected)
  })

  it('are written the same, byte for byte, where no compressor has a say', () => {
    const inputs = expected.map(({ offset: _offset, ...record }) => record)
    const ours = encodeBatch(inputs, {
      baseOffset: 42n,
      partitionLeaderEpoch: 5,
      producerId: 9n,
      producerEpoch: 3,
      baseSequence: 17,
    })
    expect(ours.toString('base64')).toBe(javaBatches.none)
  })

  it('hold commit markers that read and write the same', () => {
    const batch = Buffer.from(javaCommitMarker, 'base64')
    expect(readBatchHeader(batch)).toMatchObject({ isControl: true, isTransactional: true, producerId: 9n })
    expect([...decodeRecords(batch)].map(({ key }) => readControlKey(key))).toEqual(['commit'])
  })
})

describe('encoding and decoding', () => {
  it('gives the records back, with any codec', () => {
    const bytes = fc.option(
      fc.uint8Array({ maxLength: 50 }).map((value) => Buffer.from(value)),
      { nil: null },
    )
    const inputs = fc.array(
      fc.record({
        key: bytes,
        value: bytes,
        timestamp: fc.bigInt({ min: -1n, max: 2n ** 53n }),
        headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme' }), value: bytes }), { maxLength: 3 }),
      }),
      { minLength: 1, maxLength: 20 },
    )
    fc.assert(
      fc.property(
        inputs,
        fc.constantFrom(...codecs),
        fc.bigInt({ min: 0n, max: 2n ** 62n }),
        (list, compression, baseOffset) => {
          const batch = encodeBatch(list, { compression, baseOffset })
          const head = readBatchHeader(batch)
          verifyBatchCrc(batch, head)
          expect(head.maxTimestamp).toBe(
            list
              .map(({ timestamp }) => timestamp)
              .toSorted((a, b) => Number(a - b))
              .at(-1),
          )
          expect([...decodeRecords(batch, 0, { sequentialOffsets: true })]).toEqual(
            list.map((record, index) => ({ ...record, offset: baseOffset + BigInt(index) })),
          )
        },
      ),
    )
  })

  it('gives the bytes of a header name only where its text does not give them', () => {
    const headers = [Buffer.from('a\ufffdb'), Buffer.from([0x61, 0xff])].map((keyBytes) => ({
      key: keyBytes.toString(),
      keyBytes,
      value: null,
    }))
    const batch = encodeBatch([{ timestamp: 0n, key: null, value: null, headers }])
    const [record] = decodeRecords(batch)
    expect(record!.headers).toEqual([{ key: 'a\ufffdb', value: null }, headers[1]])
  })

  it('keeps the gaps that compaction leaves', () => {
    const [a, b] = records(2)
    const batch = encodeBatch(
      [
        { ...a!, offset: 12n },
        { ...b!, offset: 17n },
      ],
      { baseOffset: 10n, lastOffset: 19n },
    )
    expect(readBatchHeader(batch)).toMatchObject({ lastOffsetDelta: 9, recordsCount: 2 })
    expect([...decodeRecords(batch)].map(({ offset }) => offset)).toEqual([12n, 17n])
    expect(codeOf(() => [...decodeRecords(batch, 0, { sequentialOffsets: true })])).toBe('MALFORMED')
  })

  it('refuses to write no records, falling offsets, or a last offset before the last record', () => {
    const [a, b] = records(2)
    expect(codeOf(() => encodeBatch([]))).toBe('INVALID_VALUE')
    expect(
      codeOf(() =>
        encodeBatch([
          { ...a!, offset: 5n },
          { ...b!, offset: 5n },
        ]),
      ),
    ).toBe('INVALID_VALUE')
    expect(codeOf(() => encodeBatch(records(3), { lastOffset: 1n }))).toBe('INVALID_VALUE')
  })

  it('reads one record at a time', () => {
    const batch = batchOf(3)
    // The second record is damaged; the first one is read all the same.
    batch[61 + 11] = 0xff
    const reading = decodeRecords(batch)
    expect(reading.next().value).toMatchObject({ offset: 0n })
    expect(codeOf(() => [...reading])).not.toBe('none')
  })
})

describe('patching in place', () => {
  it('of base offset and leader epoch leaves the checksum right', () => {
    const batch = Buffer.concat([Buffer.alloc(7), batchOf(2)])
    patchBaseOffset(batch, 2n ** 40n, 7)
    patchLeaderEpoch(batch, 12, 7)
    const head = readBatchHeader(batch, 7)
    expect(head).toMatchObject({ baseOffset: 2n ** 40n, partitionLeaderEpoch: 12 })
    verifyBatchCrc(batch, head, 7)
    expect([...decodeRecords(batch, 7)].map(({ offset }) => offset)).toEqual([2n ** 40n, 2n ** 40n + 1n])
  })

  it('of the append time computes the checksum again, and every record then has that time', () => {
    const batch = batchOf(2, { compression: 'gzip' })
    patchTimestamp(batch, 'LogAppendTime', 5000n)
    const head = readBatchHeader(batch)
    expect(head).toMatchObject({ timestampType: 'LogAppendTime', maxTimestamp: 5000n, compression: 'gzip' })
    verifyBatchCrc(batch, head)
    expect([...decodeRecords(batch)].map(({ timestamp }) => timestamp)).toEqual([5000n, 5000n])
  })
})

describe('walking through batches', () => {
  const three = Buffer.concat([batchOf(2), batchOf(3, { baseOffset: 2n }), batchOf(1, { baseOffset: 5n })])

  function walk(buffer: Buffer, start = 0) {
    const seen: bigint[] = []
    const batches = iterateBatches(buffer, start)
    for (;;) {
      const { done, value } = batches.next()
      if (done) return { seen, wholeBytes: value }
      seen.push(value.header.baseOffset)
    }
  }

  it('finds each, and where they end', () => {
    expect(walk(three)).toEqual({ seen: [0n, 2n, 5n], wholeBytes: three.length })
    expect(walk(three, batchOf(2).length).seen).toEqual([2n, 5n])
    expect(walk(Buffer.alloc(0))).toEqual({ seen: [], wholeBytes: 0 })
  })

  it('stops before a truncated tail, wherever it was cut', () => {
    const whole = three.length - batchOf(1).length
    for (let length = whole; length < three.length; length++) {
      expect(walk(three.subarray(0, length))).toEqual({ seen: [0n, 2n], wholeBytes: whole })
    }
  })

  it('refuses message sets of magic 0 and 1 by name', () => {
    const old = Buffer.alloc(40)
    old.writeInt32BE(28, 8)
    old[16] = 1
    expect(codeOf(() => walk(old))).toBe('UNSUPPORTED_RECORD_FORMAT')
    expect(codeOf(() => readBatchHeader(old))).toBe('UNSUPPORTED_RECORD_FORMAT')
    old[16] = 9
    expect(codeOf(() => readBatchHeader(old))).toBe('MALFORMED')
  })

  it('refuses a length that is less than a header, and a codec that does not exist', () => {
    const short = batchOf(1)
    short.writeInt32BE(10, 8)
    expect(codeOf(() => walk(short))).toBe('MALFORMED')
    const strange = batchOf(1)
    strange.writeInt16BE(6, 21)
    expect(codeOf(() => readBatchHeader(strange))).toBe('MALFORMED')
  })
})

describe('batches with false headers', () => {
  it('fail the checksum if their bytes are damaged', () => {
    const batch = batchOf(2)
    batch[batch.length - 1]! ^= 1
    expect(codeOf(() => verifyBatchCrc(batch, readBatchHeader(batch)))).toBe('CORRUPT')
    expect(codeOf(() => verifyBatchCrc(batch.subarray(0, 70), readBatchHeader(batch)))).toBe('TRUNCATED')
  })

  it.each([
    ['more records than there are', 57, 3, 'TRUNCATED'],
    ['fewer records than there are', 57, 1, 'MALFORMED'],
    ['a negative number of records', 57, -1, 'MALFORMED'],
    ['two billion records', 57, 0x7fffffff, 'TRUNCATED'],
    ['a last offset before that of a record', 23, 0, 'MALFORMED'],
  ])('about %s are found', (_what, at, value, code) => {
    const batch = batchOf(2)
    batch.writeInt32BE(value, at)
    expect(codeOf(() => [...decodeRecords(batch)])).toBe(code)
  })

  it('about a record: its length, a key, its headers', () => {
    const patched = (at: number, byte: number) => {
      const batch = encodeBatch([{ key: Buffer.from('k'), value: Buffer.from('v'), timestamp: 1n }])
      batch[61 + at] = byte
      return codeOf(() => [...decodeRecords(batch)])
    }
    expect(patched(0, 16)).toBe('none')
    expect(patched(0, 0)).toBe('MALFORMED') // length 0
    expect(patched(0, 1)).toBe('MALFORMED') // length -1
    expect(patched(0, 0x7e)).toBe('TRUNCATED') // longer than the batch
    expect(patched(4, 0x7e)).toBe('TRUNCATED') // a key longer than the record
    expect(patched(4, 3)).toBe('MALFORMED') // key length -2
    expect(patched(8, 0x10)).not.toBe('none') // headers that are not there
  })
})

describe('control records', () => {
  it('that are neither commit nor abort are for readers to ignore', () => {
    expect(readControlKey(Buffer.from('00000000', 'hex'))).toBe('abort')
    expect(readControlKey(Buffer.from('00000003', 'hex'))).toBeUndefined()
    expect(codeOf(() => readControlKey(Buffer.from('0000', 'hex')))).toBe('TRUNCATED')
    expect(codeOf(() => readControlKey(null))).toBe('TRUNCATED')
  })
})
