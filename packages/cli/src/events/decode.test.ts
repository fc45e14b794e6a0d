import { createCodec } from '@selfmonitor/events'
import type { RegistryClient, SchemaDefinition } from '@selfmonitor/registry'
import avro from 'avsc'
import { describe, expect, it } from 'vitest'
import { createDecoder } from './decode.ts'

const cart = {
  type: 'record',
  name: 'Cart',
  namespace: 'shop',
  fields: [{ name: 'items', type: { type: 'array', items: 'string' } }],
}
const envelope = {
  type: 'record',
  name: 'UserEvent',
  fields: [
    ...['event_id', 'event_type', 'user_id', 'data'].map((name) => ({ name, type: 'string' })),
    { name: 'timestamp', type: 'long' },
  ],
}
const schemas: SchemaDefinition[] = [
  { schema: JSON.stringify(cart) },
  { schema: JSON.stringify(envelope) },
  { schema: '"string"' },
  { schema: '{"type":"object"}', schemaType: 'JSON' },
  { schema: 'syntax = "proto3";', schemaType: 'PROTOBUF' },
]
const registry = {
  async getById(id: number): Promise<SchemaDefinition> {
    const found = schemas[id - 1]
    if (found === undefined) throw Object.assign(new Error('Schema not found'), { errorCode: 40403 })
    return found
  },
} as unknown as RegistryClient
const decoder = createDecoder(createCodec(registry), registry)
const framed = (id: number, payload: Buffer): Buffer => Buffer.concat([Buffer.from([0, 0, 0, 0, id]), payload])
const encode = (schema: object | string, value: unknown): Buffer =>
  avro.Type.forSchema(schema as avro.Schema).toBuffer(value)
const event = { event_id: 'e', event_type: 'user_created', user_id: 'u', data: '{"a":1}', timestamp: 5 }

describe('a value in a tail', () => {
  it.each<[string, Buffer | null, object]>([
    [
      'an event in its envelope',
      framed(2, encode(envelope, event)),
      { kind: 'event', envelope: event, data: { a: 1 } },
    ],
    [
      'any other Avro record',
      framed(1, encode(cart, { items: ['apple'] })),
      { kind: 'value', format: 'avro', schema: 'shop.Cart', value: { items: ['apple'] } },
    ],
    [
      'an Avro text',
      framed(3, encode('string', 'hello')),
      { kind: 'value', format: 'avro', schema: 'string', value: 'hello' },
    ],
    ['JSON with a JSON Schema', framed(4, Buffer.from('{"a":1}')), { kind: 'value', format: 'json', value: { a: 1 } }],
    ['plain JSON', Buffer.from('[1, 2]'), { kind: 'value', format: 'json', value: [1, 2] }],
    ['plain text', Buffer.from('Grüße\n'), { kind: 'value', format: 'text', value: 'Grüße\n' }],
    ['empty text', Buffer.alloc(0), { kind: 'value', format: 'text', value: '' }],
    ['a tombstone', null, { kind: 'value', format: 'tombstone', value: null }],
    ['an unknown schema', framed(9, Buffer.from('x')), { kind: 'undecodable', reason: 'no schema has the id 9' }],
    ['Protobuf', framed(5, Buffer.from('x')), { kind: 'undecodable', reason: 'schema 5 is PROTOBUF' }],
    [
      'bytes that do not fit their schema',
      framed(1, Buffer.from('x')),
      { kind: 'undecodable', reason: expect.stringContaining('does not fit schema 1') },
    ],
    [
      'an event whose data is not JSON',
      framed(2, encode(envelope, { ...event, data: '{' })),
      { kind: 'undecodable', reason: 'its data is not JSON: {' },
    ],
    ['bytes', Buffer.from([0xff, 0xfe]), { kind: 'undecodable', reason: expect.stringContaining('neither text nor') }],
    [
      'bytes below space',
      Buffer.from([1, 2]),
      { kind: 'undecodable', reason: expect.stringContaining('neither text nor') },
    ],
  ])('can be %s', async (_, value, expected) => {
    expect(await decoder.decode(value)).toMatchObject(expected)
  })

  it('ends the tail when the trouble is the registry’s, not the record’s', async () => {
    const down = { getById: () => Promise.reject(new Error('registry down')) } as unknown as RegistryClient
    const failing = createDecoder(createCodec(down), down)
    await expect(failing.decode(framed(1, Buffer.from('x')))).rejects.toThrow('registry down')
  })
})
