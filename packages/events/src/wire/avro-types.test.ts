import avro from 'avsc'
import { describe, expect, it } from 'vitest'
import { avroType } from './avro-types.ts'

const type = (schema: unknown, role: 'reader' | 'writer' = 'reader') => avroType(JSON.stringify(schema), {}, role)
const plain = (schema: unknown) => avro.Type.forSchema(schema as avro.Schema)

describe('a decimal', () => {
  const money = { type: 'bytes', logicalType: 'decimal', precision: 20, scale: 2 }

  it.each([
    ['0.00', '00'],
    ['0.01', '01'],
    ['-0.01', 'ff'],
    ['1.27', '7f'],
    ['1.28', '0080'],
    ['-1.28', '80'],
    ['-1.29', 'ff7f'],
    ['123456789012345678.90', '00ab54a98ceb1f0ad2'],
  ])('%s is the unscaled value in two’s complement (%s)', (text, hex) => {
    const bytes = type(money).toBuffer(text)
    expect(plain('bytes').fromBuffer(bytes).toString('hex')).toBe(hex)
    expect(type(money).fromBuffer(bytes)).toBe(text)
  })

  it('takes fewer digits than its scale, and neither more nor too many', () => {
    expect(type(money).fromBuffer(type(money).toBuffer('5'))).toBe('5.00')
    for (const wrong of ['5.001', '1234567890123456789.00', '5,00', '', '1e3', 5, null]) {
      expect(type(money).isValid(wrong)).toBe(false)
    }
  })

  it('fills a fixed, with the sign in front', () => {
    const fixed = { type: 'fixed', name: 'F', size: 4, logicalType: 'decimal', precision: 8, scale: 1 }
    expect(type(fixed).toBuffer('-0.1').toString('hex')).toBe('ffffffff')
    expect(type(fixed).fromBuffer(Buffer.from('00000105', 'hex'))).toBe('26.1')
  })

  it('keeps the digits that it was written with when the reader has another scale', () => {
    const writer = type({ ...money, scale: 3 }, 'writer')
    const reader = type(money)
    expect(reader.fromBuffer(writer.toBuffer('1.234'), reader.createResolver(writer))).toBe('1.234')
  })
})

describe('a long', () => {
  const record = (long: unknown) => ({ type: 'record', name: 'R', fields: [{ name: 'n', type: long }] })
  const marked = { type: 'long', logicalType: 'bigint' }
  const big = 2n ** 62n
  const written = type(record(marked)).toBuffer({ n: big })

  it('is a bigint where the schema says so, also when the writer’s schema did not', () => {
    const reader = type(record(marked))
    for (const schema of ['long', marked, { type: 'long', logicalType: 'timestamp-micros' }]) {
      const writer = type(record(schema), 'writer')
      expect(reader.fromBuffer(written, reader.createResolver(writer))).toEqual({ n: big })
    }
    const ints = type(record('int'), 'writer')
    expect(reader.fromBuffer(ints.toBuffer({ n: 7 }), reader.createResolver(ints))).toEqual({ n: 7n })
    expect(reader.fromBuffer(reader.toBuffer({ n: 7 }))).toEqual({ n: 7n })
    expect(reader.isValid({ n: 2 ** 53 })).toBe(false)
    expect(reader.isValid({ n: 2n ** 63n })).toBe(false)
  })

  it('is a number elsewhere, and never a rounded one', () => {
    const reader = type(record('long'))
    const writer = type(record('long'), 'writer')
    expect(reader.fromBuffer(writer.toBuffer({ n: 7 }), reader.createResolver(writer))).toEqual({ n: 7 })
    expect(() => reader.fromBuffer(written, reader.createResolver(writer))).toThrow('precision loss')
  })

  it('can be shown whatever its size when only the writer’s schema is there', () => {
    expect(type(record('long'), 'writer').fromBuffer(written)).toEqual({ n: big })
  })

  it('is told apart in a union', () => {
    const reader = type(['null', 'string', marked])
    for (const value of [null, 'text', big]) expect(reader.fromBuffer(reader.toBuffer(value))).toEqual(value)
  })
})
