import type { RegistryClient } from '@selfmonitor/registry'
import { describe, expect, it } from 'vitest'
import { avroToJson } from './avro-json.ts'
import { createCodec } from './codec.ts'

const schema = {
  type: 'record',
  name: 'Order',
  fields: [
    { name: 'id', type: 'long' },
    { name: 'price', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    { name: 'note', type: ['null', 'string'], default: null },
    { name: 'hash', type: { type: 'fixed', name: 'Hash', size: 2 } },
    { name: 'rate', type: 'double' },
    {
      name: 'lines',
      type: {
        type: 'array',
        items: { type: 'record', name: 'Line', fields: [{ name: 'sku', type: ['string', 'bytes'] }] },
      },
    },
    { name: 'tags', type: { type: 'map', values: 'int' } },
    {
      name: 'either',
      type: [
        { type: 'record', name: 'A', fields: [{ name: 'x', type: 'int' }] },
        { type: 'record', name: 'B', fields: [{ name: 'x', type: 'int' }] },
      ],
    },
  ],
}
const codec = createCodec({ getById: async () => ({ schema: JSON.stringify(schema) }) } as unknown as RegistryClient)

const order = {
  id: '9223372036854775807',
  price: '12.30',
  note: 'n',
  hash: { base64: 'AAE=' },
  rate: 'NaN',
  lines: [{ sku: 'a' }, { sku: { base64: '/w==' } }],
  tags: { a: 1 },
  either: { B: { x: 1 } },
}

describe('Avro values as JSON', () => {
  it('are encoded and decoded to the same', async () => {
    const bytes = await codec.encodeJson(7, order)
    const { value, schemaId } = await codec.decodeAny(bytes)
    expect(schemaId).toBe(7)
    expect(avroToJson(value)).toEqual(order)
    expect(await codec.encodeJson(7, JSON.parse(JSON.stringify(avroToJson(value))))).toEqual(bytes)
  })

  it('get defaults of fields that are missing', async () => {
    const { note: _, ...rest } = order
    expect((await codec.decodeAny(await codec.encodeJson(7, rest))).value).toMatchObject({ note: null })
  })

  it.each([
    [{ ...order, price: '1.234' }, /value\/price must be a decimal as text.*; '1\.234' has 3 digits after the point/],
    [{ ...order, colour: 'red' }, /value\/colour is not in schema 7/],
    [{ ...order, lines: [{ sku: 5 }] }, /value\/lines\/0\/sku must be/],
    [{ ...order, tags: undefined }, /value\/tags must be/],
  ])('that do not fit are refused, with their place', async (value, message) => {
    await expect(codec.encodeJson(7, value)).rejects.toThrow(message)
  })
})
