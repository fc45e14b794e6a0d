import type { RegisteredSchema, RegistryClient, SchemaDefinition } from '@selfmonitor/registry'
import avro from 'avsc'
import { describe, expect, it } from 'vitest'
import { createCodec } from './codec.ts'

const envelopeFields = [
  { name: 'event_id', type: 'string' },
  { name: 'event_type', type: 'string' },
  { name: 'user_id', type: 'string' },
  { name: 'timestamp', type: 'long' },
  { name: 'data', type: 'string' },
]
const record = (name: string, fields: object[]): string => JSON.stringify({ type: 'record', name, fields })
const plain = record('UserEvent', envelopeFields)
const envelope = {
  event_id: 'e1',
  event_type: 'user_created',
  user_id: 'u1',
  timestamp: 1_700_000_000_123,
  data: '{"a":1}',
}

/** A registry that holds the given schemas: by id from 1, the last one as the latest of every subject. */
function registryOf(...schemas: readonly (string | SchemaDefinition)[]): RegistryClient {
  const definitions = schemas.map((schema) => (typeof schema === 'string' ? { schema } : schema))
  const latest = definitions.at(-1)
  return {
    url: 'http://registry:8081',
    getVersion: async (subject: string, version: number | 'latest'): Promise<RegisteredSchema | null> => {
      const found = version === 'latest' ? latest : definitions[version - 1]
      return found === undefined ? null : { ...found, subject, version: 1, id: definitions.indexOf(found) + 1 }
    },
    getById: async (id: number): Promise<SchemaDefinition> => {
      const found = definitions[id - 1]
      if (found === undefined) throw Object.assign(new Error('Schema 9 not found'), { errorCode: 40403 })
      return found
    },
  } as unknown as RegistryClient
}

function framed(schemaId: number, schema: string, value: unknown): Buffer {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(schemaId, 1)
  return Buffer.concat([head, avro.Type.forSchema(JSON.parse(schema) as avro.Schema).toBuffer(value)])
}

describe('the codec', () => {
  it('writes a zero, the id of the registered schema, and Avro', async () => {
    const encoder = await createCodec(registryOf('"int"', plain)).encoderFor('user.events')
    expect(encoder.encode(envelope)).toEqual(framed(2, plain, envelope))
  })

  it('writes and reads events that are larger than its buffer', async () => {
    const codec = createCodec(registryOf(plain))
    const large = { ...envelope, data: JSON.stringify('ü'.repeat(100_000)) }
    const bytes = (await codec.encoderFor('user.events')).encode(large)
    expect(await codec.decode(bytes)).toEqual(large)
  })

  it('writes with a schema that has more fields, when they have defaults', async () => {
    const more = record('UserEvent', [...envelopeFields, { name: 'tenant', type: ['null', 'string'], default: null }])
    const codec = createCodec(registryOf(more))
    const bytes = (await codec.encoderFor('user.events')).encode(envelope)
    expect(await codec.decode(bytes)).toMatchObject(envelope)
  })

  it('reads what others wrote with fields in another order, more of them, and other names and logical types', async () => {
    const theirs = record('com.example.Envelope', [
      { name: 'data', type: 'string' },
      { name: 'trace', type: ['null', 'string'], default: null },
      { name: 'timestamp', type: { type: 'long', logicalType: 'timestamp-millis' } },
      { name: 'user_id', type: { type: 'string', 'avro.java.string': 'String' } },
      { name: 'event_type', type: 'string' },
      { name: 'event_id', type: 'string' },
    ])
    const codec = createCodec(registryOf(theirs))
    expect(await codec.decode(framed(1, theirs, { ...envelope, trace: 'x' }))).toMatchObject(envelope)
  })

  it('reads a schema that refers to another one', async () => {
    const tenant = JSON.stringify({ type: 'enum', name: 'Tenant', symbols: ['A', 'B'] })
    const theirs = record('Event', [...envelopeFields, { name: 'tenant', type: 'Tenant' }])
    const codec = createCodec(
      registryOf(tenant, { schema: theirs, references: [{ name: 'Tenant', subject: 'tenant', version: 1 }] }),
    )
    const inline = record('Event', [...envelopeFields, { name: 'tenant', type: JSON.parse(tenant) as object }])
    expect(await codec.decode(framed(2, inline, { ...envelope, tenant: 'B' }))).toMatchObject(envelope)
  })

  it.each([
    ['no value', null, 'tombstone'],
    ['a value that is too short', Buffer.from([0, 0]), 'Confluent framing'],
    ['another first byte', Buffer.from('{"json":true}'), 'Confluent framing'],
    ['an id that nobody registered', framed(9, plain, envelope), 'no schema has the id 9'],
    ['bytes that end early', framed(1, plain, envelope).subarray(0, 12), 'does not fit schema 1'],
    ['bytes left over', Buffer.concat([framed(1, plain, envelope), Buffer.from('x')]), 'does not fit schema 1'],
    ['a schema without the envelope', framed(2, '"string"', 'hello'), "the envelope's field event_id is missing"],
    ['a schema that is not Avro', framed(3, '"string"', 'hello'), 'schema 3 is JSON'],
  ])('says that %s cannot be decoded', async (_, value, message) => {
    const codec = createCodec(registryOf(plain, '"string"', { schema: '{}', schemaType: 'JSON' }))
    const decode = async (): Promise<unknown> => codec.decode(value)
    await expect(decode()).rejects.toThrow(message)
    await expect(decode()).rejects.toMatchObject({ code: 'EVENT_UNDECODABLE' })
  })

  it('passes on that the registry cannot be reached, which is not the fault of the record', async () => {
    const registry = { getById: () => Promise.reject(new Error('ECONNREFUSED')) } as unknown as RegistryClient
    await expect(createCodec(registry).decode(framed(1, plain, envelope))).rejects.toThrow('ECONNREFUSED')
  })

  it.each([
    ['"string"', 'not a record'],
    [record('E', envelopeFields.slice(1)), 'has no field event_id'],
    [record('E', envelopeFields.with(3, { name: 'timestamp', type: 'string' })), 'its field timestamp is not a long'],
    [record('E', [...envelopeFields, { name: 'tenant', type: 'string' }]), 'its field tenant has no default'],
    ['{"type":"record"}', 'is not a usable Avro schema'],
  ])('refuses to emit with a registered schema such as %s', async (schema, message) => {
    await expect(createCodec(registryOf(schema)).encoderFor('user.events')).rejects.toThrow(message)
  })

  it('says what to do when no schema is registered', async () => {
    await expect(createCodec(registryOf()).encoderFor('user.events')).rejects.toThrow(
      'user.events-value: no schema is registered at http://registry:8081: run `selfmonitor apply`',
    )
    await expect(createCodec(registryOf(), 'SCHEMA_REGISTRY_URL').encoderFor('user.events')).rejects.toThrow(
      'no schema is registered at http://registry:8081 (from SCHEMA_REGISTRY_URL): run',
    )
  })

  it.each([
    [
      { total: '12.555' },
      "/total must be a decimal as text, such as '0.12', of at most 5 digits, at most 2 of them after the point (precision 5, scale 2); '12.555' has 3 digits after the point, the schema allows 2",
    ],
    [{ total: '1234.5' }, "'1234.5' has 4 digits before the point, the schema allows 3"],
    [{ total: '12,50' }, "'12,50' is not written as one"],
    [{ total: 'Ann Smith, Bonn' }, '(precision 5, scale 2); the text is not a decimal'],
    [{ total: 12.5 }, '(precision 5, scale 2), it is 12.5'],
    [{ total: null }, '(precision 5, scale 2), it is null'],
    [
      { pieces: '1.5' },
      "/pieces must be a decimal as text, such as '12', of at most 3 digits, none of them after the point (precision 3, scale 0); '1.5' has 1 digit after the point, the schema allows 0",
    ],
    [{ small: '200' }, "'200' does not fit into the 1 bytes"],
    [
      { rebate: '1.234' },
      "/rebate must be a decimal as text, such as '0.12', of at most 5 digits, at most 2 of them after the point (precision 5, scale 2); '1.234' has 3 digits after the point, the schema allows 2",
    ],
    [{ status: 'PAYED' }, '/status must be one of OPEN, PAID (enum Status), it is "PAYED"'],
    [{ status: 'x'.repeat(1000) }, `it is "${'x'.repeat(40)}…"`],
    [{ status: 5 }, '/status must be one of OPEN, PAID (enum Status), it is 5'],
    [{ before: 'PAYED' }, '/before must be one of OPEN, PAID (enum Status), it is "PAYED"'],
    [{ name: 7 }, '/name must be string, it is 7'],
  ])('says of %j which rule it breaks', async (wrong, message) => {
    const decimal = (precision: number, scale: number) => ({ type: 'bytes', logicalType: 'decimal', precision, scale })
    const schema = record('Order', [
      { name: 'total', type: decimal(5, 2) },
      { name: 'pieces', type: decimal(3, 0) },
      { name: 'small', type: { type: 'fixed', name: 'Small', size: 1, logicalType: 'decimal', precision: 3 } },
      { name: 'rebate', type: ['null', decimal(5, 2)] },
      { name: 'status', type: { type: 'enum', name: 'Status', symbols: ['OPEN', 'PAID'] } },
      { name: 'before', type: ['null', 'Status'] },
      { name: 'name', type: 'string' },
    ])
    const encoder = await createCodec(registryOf(schema)).recordEncoderFor('orders')
    const right = { total: '1.5', pieces: '3', small: '1', rebate: null, status: 'OPEN', before: null, name: 'Ann' }
    expect(() => encoder.check(right)).not.toThrow()
    const refused = () => encoder.check({ ...right, ...wrong })
    expect(refused).toThrow(message)
    expect(refused).not.toThrow('Smith')
  })

  it('says of a field that is not registered which one was probably meant', async () => {
    const encoder = await createCodec(registryOf(record('Order', [{ name: 'total', type: 'int' }]))).recordEncoderFor(
      'orders',
    )
    const unregistered = '/totl is not in Order as it is registered (schema 1)'
    const remedy = 'new field is registered first, with `selfmonitor apply`'
    expect(() => encoder.check({ totl: 1 })).toThrow(`${unregistered}; did you mean "total"? A ${remedy}`)
    expect(() => encoder.check({ total: 1, totl: 1 })).toThrow(`${unregistered}; a ${remedy}`)
  })
})
