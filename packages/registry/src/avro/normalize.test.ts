import { describe, expect, it } from 'vitest'
import { normalizeAvro } from './normalize.ts'
import { parseAvro } from './parse.ts'
import { printAvro } from './print.ts'

const normalized = (schema: unknown) =>
  printAvro(normalizeAvro(parseAvro(typeof schema === 'string' ? schema : JSON.stringify(schema))))

const record = (field: object, more: object = {}) => ({
  type: 'record',
  name: 'A',
  ...more,
  fields: [{ name: 'x', ...field }],
})

describe('a normalised Avro schema', () => {
  it('has its properties sorted, at every depth', () => {
    const schema = record({ type: 'int', z: 1, b: { d: 1, c: [{ f: 1, e: 2 }] } }, { q: 1, p: 2 })
    expect(normalized(schema)).toBe(
      '{"type":"record","name":"A","fields":[{"name":"x","type":"int","b":{"c":[{"e":2,"f":1}],"d":1},"z":1}],"p":2,"q":1}',
    )
  })

  it('has its aliases sorted', () => {
    const schema = {
      type: 'record',
      name: 'n.A',
      aliases: ['z', 'm.B', 'b'],
      fields: [{ name: 'x', type: 'int', aliases: ['d', 'c'] }],
    }
    expect(normalized(schema)).toBe(
      '{"type":"record","name":"A","namespace":"n","fields":[{"name":"x","type":"int","aliases":["c","d"]}],"aliases":["m.B","b","z"]}',
    )
  })

  it('puts a logical type before its parameters, whatever the order was', () => {
    expect(normalized('{"type":"bytes","scale":2,"owner":"x","precision":9,"logicalType":"decimal"}')).toBe(
      '{"type":"bytes","logicalType":"decimal","precision":9,"scale":2,"owner":"x"}',
    )
    expect(normalized('{"type":"long","adjust":false,"logicalType":"timestamp-millis"}')).toBe(
      '{"type":"long","logicalType":"timestamp-millis","adjust":false}',
    )
  })

  it('treats an invalid logical type as a property like others', () => {
    expect(normalized('{"type":"int","unit":"ms","logicalType":"timestamp-millis"}')).toBe(
      '{"type":"int","logicalType":"timestamp-millis","unit":"ms"}',
    )
    expect(normalized('{"type":"bytes","logicalType":"decimal","a":1,"precision":0}')).toBe(
      '{"type":"bytes","a":1,"logicalType":"decimal","precision":0}',
    )
  })

  it('drops empty docs of types and keeps those of fields', () => {
    expect(normalized(record({ type: 'int', doc: '' }, { doc: '' }))).toBe(
      '{"type":"record","name":"A","fields":[{"name":"x","type":"int","doc":""}]}',
    )
  })

  it('spells default numbers as their type does', () => {
    expect(normalized(record({ type: 'double', default: 0 }))).toContain('"default":0.0')
    expect(normalized(record({ type: 'float', default: 0.1 }))).toContain('"default":0.1')
    expect(normalized(record({ type: 'long', default: 5 }))).toContain('"default":5')
    expect(normalized(record({ type: ['double', 'null'], default: 1 }))).toContain('"default":1.0')
    expect(normalized(record({ type: { type: 'array', items: 'double' }, default: [1, 2] }))).toContain(
      '"default":[1.0,2.0]',
    )
  })

  it('keeps recursion', () => {
    const schema = { type: 'record', name: 'Node', fields: [{ name: 'next', type: ['null', 'Node'], default: null }] }
    expect(normalized(schema)).toBe(
      JSON.stringify({
        type: 'record',
        name: 'Node',
        fields: [{ name: 'next', type: ['null', 'Node'], default: null }],
      }),
    )
  })

  it('is normal already when it is normalised again', () => {
    const schema = record(
      { type: { type: 'bytes', scale: 1, precision: 3, logicalType: 'decimal' }, z: 1, a: 2 },
      { q: 1, aliases: ['C', 'B'] },
    )
    expect(normalized(normalized(schema))).toBe(normalized(schema))
  })
})
