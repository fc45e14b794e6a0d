import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { messages } from '../../testing/arbitrary.ts'
import { everyVersion } from '../../testing/every-version.ts'
import { ProtocolError } from '../protocol-error.ts'
import {
  array,
  bool,
  bytes,
  float64,
  int8,
  int16,
  int32,
  int64,
  message,
  records,
  string,
  struct,
  uint16,
  uuid,
} from './declaration.ts'
import { decode, encode, Reader, Writer, write } from './index.ts'

const hex = (buffer: Buffer) => buffer.toString('hex')
const fromHex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

function errorOf(run: () => unknown): ProtocolError {
  try {
    run()
  } catch (error) {
    expect(error).toBeInstanceOf(ProtocolError)
    return error as ProtocolError
  }
  throw new Error('expected an error')
}

describe('every API at every version', () => {
  it.each(everyVersion.map(({ message, version }) => [message.name, version, message] as const))(
    '%s v%i reads back what was written',
    (_name, version, message) => {
      fc.assert(
        fc.property(messages(message, version), (value) => {
          const bytes = encode(message, version, value)
          const back = decode(message, version, bytes)
          expect(back).toEqual(value)
          expect(encode(message, version, back)).toEqual(bytes)
        }),
        { numRuns: 25 },
      )
    },
  )

  it('declares more than 300 of them, so that none was lost on the way', () => {
    expect(everyVersion.length).toBeGreaterThan(300)
  })
})

const sample = message(
  'Sample',
  { versions: '0-3', flexible: '2+' },
  {
    text: string('0+', { nullable: '1+' }),
    numbers: array('0+', 'int32', { nullable: '1+' }),
    inner: struct('1+', { id: uuid('1+'), flag: bool('1+') }, { nullable: '1+', default: null }),
    ratio: float64('1+', { default: 1.5, ignorable: true }),
    port: uint16('2+'),
    tagged: int64('2+', { tag: 3, default: -1n }),
    early: array('3+', { x: int8('3+') }, { tag: 0 }),
  },
)

describe('the wire format', () => {
  it('writes int16 lengths in old versions and compact ones in flexible versions', () => {
    expect(hex(encode(sample, 0, { text: 'hi', numbers: [1] }))).toBe('0002' + '6869' + '00000001' + '00000001')
    expect(hex(encode(sample, 2, { text: 'hi', numbers: [1], port: 65535 }))).toBe(
      '03' + '6869' + '02' + '00000001' + 'ff' + '3ff8000000000000' + 'ffff' + '00',
    )
  })

  it('writes null as length -1, as compact length 0, and as a marker before a struct', () => {
    expect(hex(encode(sample, 1, { text: null, numbers: null }))).toBe('ffff' + 'ffffffff' + 'ff' + '3ff8000000000000')
    expect(hex(encode(sample, 2, { text: null, numbers: null })).slice(0, 6)).toBe('00' + '00' + 'ff')
  })

  it('writes tagged fields in the order of their tags, and only those that differ from their default', () => {
    const bytes = encode(sample, 3, { tagged: 5n, early: [{ x: 9 }] })
    expect(hex(bytes).slice(-32)).toBe('02' + '00' + '03' + '02' + '09' + '00' + '03' + '08' + '0000000000000005')
    expect(hex(encode(sample, 3, { tagged: -1n, early: [] })).slice(-2)).toBe('00')
  })

  it('gives a tagged field of more than 127 bytes a size of two bytes', () => {
    const early = Array.from({ length: 100 }, (_, index) => ({ x: index }))
    expect(decode(sample, 3, encode(sample, 3, { early, tagged: 7n }))).toMatchObject({ early, tagged: 7n })
  })

  it('skips unknown tags', () => {
    const withoutTags = encode(sample, 3, { text: 'a' }).subarray(0, -1)
    const bytes = Buffer.concat([withoutTags, fromHex('02 63 03 aabbcc 03 08 0000000000000007')])
    expect(decode(sample, 3, bytes)).toMatchObject({ text: 'a', tagged: 7n })
  })

  it('reads an absent field as its default, a new list each time', () => {
    const first = decode(sample, 0, encode(sample, 0, {}))
    const second = decode(sample, 0, encode(sample, 0, {}))
    expect(first).toEqual({ text: '', numbers: [], inner: null, ratio: 1.5, port: 0, tagged: -1n, early: [] })
    expect(first.early).not.toBe(second.early)
  })

  it('passes large record data through without copying it, and accepts it in parts', () => {
    const batch = message('Batch', { versions: '0', flexible: 'none' }, { records: records('0'), after: int16('0') })
    const parts = [Buffer.alloc(5000, 1), Buffer.alloc(10, 2), Buffer.alloc(2000, 3)]
    const writer = new Writer()
    write(batch, 0, writer, { records: parts, after: 4 })
    const chunks = writer.finish()
    expect(chunks[1]).toBe(parts[0])
    expect(chunks[3]).toBe(parts[2])
    expect(decode(batch, 0, Buffer.concat(chunks))).toEqual({ records: Buffer.concat(parts), after: 4 })
    const frame = Buffer.concat(chunks)
    expect(decode(batch, 0, frame).records!.buffer).toBe(frame.buffer)
  })
})

describe('writing what cannot be written', () => {
  it('refuses a value that the version cannot carry, unless it is the default or may be ignored', () => {
    expect(errorOf(() => encode(sample, 0, { port: 5 }))).toMatchObject({
      code: 'UNSUPPORTED_VERSION',
      path: 'Sample v0: port',
    })
    expect(errorOf(() => encode(sample, 0, { inner: { flag: true } })).code).toBe('UNSUPPORTED_VERSION')
    expect(encode(sample, 0, { port: 0, inner: null, tagged: -1n, ratio: 9 })).toHaveLength(6)
  })

  it('names the field of a value that does not fit', () => {
    expect(errorOf(() => encode(sample, 3, { early: [{ x: 1 }, { x: 128 }] }))).toMatchObject({
      code: 'INVALID_VALUE',
      path: 'Sample v3: early[1].x',
    })
    expect(errorOf(() => encode(sample, 0, { text: null })).message).toBe(
      'Sample v0: text: must not be null in this version',
    )
    expect(errorOf(() => encode(sample, 1, { inner: { id: 'short' } })).path).toBe('Sample v1: inner.id')
    expect(errorOf(() => encode(sample, 0, { text: 'x'.repeat(32768) })).code).toBe('INVALID_VALUE')
    expect(errorOf(() => encode(sample, 0, { numbers: [1.5] })).path).toBe('Sample v0: numbers[0]')
    expect(errorOf(() => encode(sample, 2, { tagged: 5 as unknown as bigint })).path).toBe('Sample v2: tagged')
  })

  it('refuses a version that the message does not have', () => {
    expect(errorOf(() => encode(sample, 4, {})).code).toBe('UNSUPPORTED_VERSION')
    expect(errorOf(() => decode(sample, -1, Buffer.alloc(9))).code).toBe('UNSUPPORTED_VERSION')
  })
})

describe('reading malformed bytes', () => {
  const blob = message(
    'Blob',
    { versions: '0-1', flexible: '1+' },
    { data: bytes('0+'), list: array('0+', { n: int32('0+') }) },
  )

  it.each([
    ['a string longer than what remains', sample, 0, '0010 6869', 'TRUNCATED', 'Sample v0: text'],
    [
      'bytes that as text are too long to be written again',
      sample,
      0,
      `2afb${'ff'.repeat(0x2afb)}`,
      'MALFORMED',
      'Sample v0: text',
    ],
    ['a negative string length', sample, 0, 'fffe', 'MALFORMED', 'Sample v0: text'],
    ['a null where none may be', sample, 0, 'ffff', 'MALFORMED', 'Sample v0: text'],
    ['a list of two billion elements', sample, 0, '0000 7fffffff 00000000', 'TRUNCATED', 'Sample v0: numbers'],
    ['a negative list length', sample, 1, '0000 fffffff0', 'MALFORMED', 'Sample v1: numbers'],
    ['a compact list of four billion elements', sample, 2, '01 ffffffff0f', 'TRUNCATED', 'Sample v2: numbers'],
    ['a varint of more than 32 bits', sample, 2, 'ffffffff1f', 'MALFORMED', 'Sample v2: text'],
    ['a varint without end', sample, 2, '808080808080', 'MALFORMED', 'Sample v2: text'],
    ['bytes longer than what remains', blob, 0, '7fffffff 00', 'TRUNCATED', 'Blob v0: data'],
    ['fewer bytes than the elements need', blob, 0, '00000000 00000003 0000000000000000', 'TRUNCATED', 'Blob v0: list'],
    ['bytes after the end', blob, 0, '00000000 00000000 ff', 'TRAILING_BYTES', 'Blob v0'],
    ['tagged fields beyond the end', blob, 1, '01 01 ffffffff0f', 'TRUNCATED', 'Blob v1'],
    [
      'a tagged field that is shorter than it says',
      sample,
      2,
      '01 01 ff 3ff8000000000000 0001 01 03 09 000000000000000000',
      'MALFORMED',
      'Sample v2: tagged',
    ],
    [
      'a tagged field that is longer than it says',
      sample,
      2,
      '01 01 ff 3ff8000000000000 0001 01 03 04 0000000000000000',
      'TRUNCATED',
      'Sample v2: tagged',
    ],
  ] as const)('reports %s', (_what, message, version, bytes, code, path) => {
    const error = errorOf(() => decode(message, version, fromHex(bytes)))
    expect(error).toMatchObject({ code })
    expect(error.path.replace(/:$/, '')).toBe(path)
  })

  it('bounds lists whose elements take no bytes by the bytes that remain', () => {
    const hollow = message('Hollow', { versions: '0', flexible: 'none' }, { list: array('0', { later: int32('1+') }) })
    expect(errorOf(() => decode(hollow, 0, fromHex('7fffffff'))).code).toBe('TRUNCATED')
  })
})

describe('64-bit numbers', () => {
  const edges = [0n, 1n, 2n ** 32n, 2n ** 53n, 2n ** 63n - 2n].flatMap((n) =>
    [-1n, 0n, 1n].flatMap((by) => [n + by, -(n + by)]),
  )
  const bytesOf = (value: bigint): Buffer => {
    const expected = Buffer.alloc(8)
    expected.writeBigInt64BE(value)
    return expected
  }

  it('are written and read as Node does, also where a number is not exact', () => {
    const check = (value: bigint): void => {
      const writer = new Writer()
      writer.int64(value)
      expect(hex(Buffer.concat(writer.finish()))).toBe(hex(bytesOf(value)))
      expect(new Reader(bytesOf(value)).int64()).toBe(value)
    }
    for (const value of [...edges, -(2n ** 63n)]) check(value)
    fc.assert(fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), check))
  })

  it('of more than 64 bits are refused', () => {
    for (const value of [2n ** 63n, -(2n ** 63n) - 1n]) expect(() => new Writer().int64(value)).toThrow(RangeError)
  })
})

describe('varints', () => {
  it('read back at every size', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.integer({ min: 0, max: 0xffffffff }),
        (small, large, unsigned) => {
          const writer = new Writer()
          writer.varint(small)
          writer.varlong(large)
          writer.unsignedVarint(unsigned)
          const reader = new Reader(Buffer.concat(writer.finish()))
          expect([reader.varint(), reader.varlong(), reader.unsignedVarint(), reader.remaining]).toEqual([
            small,
            large,
            unsigned,
            0,
          ])
        },
      ),
      { numRuns: 2000 },
    )
  })

  it.each([
    [0n, '00'],
    [-1n, '01'],
    [1n, '02'],
    [2n ** 63n - 1n, 'feffffffffffffffff01'],
    [-(2n ** 63n), 'ffffffffffffffffff01'],
  ])('%s is written as %s', (value, expected) => {
    const writer = new Writer()
    writer.varlong(value)
    expect(hex(Buffer.concat(writer.finish()))).toBe(expected)
  })

  it('of more than 64 bits are refused', () => {
    expect(errorOf(() => new Reader(fromHex('ffffffffffffffffff02')).varlong()).code).toBe('MALFORMED')
    expect(errorOf(() => new Reader(fromHex('8080808080808080808000')).varlong()).code).toBe('MALFORMED')
  })
})
