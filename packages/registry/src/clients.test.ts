// Third-party registry clients that services use, against our server, and our client with them.
//
// The parts of @confluentinc/schemaregistry are named one by one: its index also loads encryption, whose packages export
// TypeScript under the condition `source`, which these tests set.
import { fileURLToPath } from 'node:url'
import { create, createFileRegistry, createMutableRegistry, fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorProtoSchema, file_google_protobuf_timestamp } from '@bufbuild/protobuf/wkt'
import { SchemaRegistryClient } from '@confluentinc/schemaregistry/dist/schemaregistry-client.js'
import { AvroDeserializer, AvroSerializer } from '@confluentinc/schemaregistry/dist/serde/avro.js'
import { ProtobufDeserializer, ProtobufSerializer } from '@confluentinc/schemaregistry/dist/serde/protobuf.js'
import { SerdeType } from '@confluentinc/schemaregistry/dist/serde/serde.js'
import { SchemaRegistry, SchemaType } from '@kafkajs/confluent-schema-registry'
import { run } from '@selfmonitor/apache'
import avsc from 'avsc'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { goProgram } from '../../../test/support/go.ts'
import { pythonWith } from '../../../test/support/python.ts'
import {
  createRegistryClient,
  decodeFrame,
  frameHeaderBytes,
  type RegistryClient,
  type RegistryServer,
  startRegistry,
  writeFrameHeader,
} from './index.ts'
import { describeFile, linkText } from './protobuf/index.ts'
import { ownTopic } from './test-support/app.ts'

const schema = {
  type: 'record',
  name: 'UserEvent',
  namespace: 'selfmonitor',
  fields: [
    { name: 'event_id', type: 'string' },
    { name: 'event_type', type: 'string' },
    { name: 'user_id', type: 'string' },
    { name: 'timestamp', type: 'long' },
    { name: 'data', type: 'string' },
  ],
}
const text = JSON.stringify(schema)
const event = {
  event_id: '01J',
  event_type: 'user_created',
  user_id: 'größe',
  timestamp: 1_700_000_000_000,
  data: '{"a":1}',
}

const testSupport = (name: string) => fileURLToPath(new URL(`./test-support/${name}`, import.meta.url))
const python = await pythonWith('confluent-kafka-avro')
const franzGo = await goProgram(testSupport('franz-go'))

describeEngines('registry clients against our server', (engine) => {
  let server: RegistryServer
  let ours: RegistryClient
  beforeAll(async () => {
    server = await startRegistry({ bootstrapServers: engine.bootstrapServers, topic: ownTopic(), port: 0 })
    ours = createRegistryClient({ url: server.url })
  })
  afterAll(() => server.close())

  const type = avsc.Type.forSchema(schema as avsc.Schema)
  const encodeOurs = async (subject: string) => {
    const header = Buffer.alloc(frameHeaderBytes)
    writeFrameHeader(header, (await ours.register(subject, { schema: text })).id)
    return Buffer.concat([header, type.toBuffer(event)])
  }
  const decodeOurs = async (bytes: Buffer) => {
    const { id, payload } = decodeFrame(bytes)
    const writer = avsc.Type.forSchema(JSON.parse((await ours.getById(id)).schema))
    return { ...(writer.fromBuffer(payload) as object) }
  }

  describe('@kafkajs/confluent-schema-registry', () => {
    const client = () => new SchemaRegistry({ host: server.url })

    it('registers, finds by id, by subject and by schema', async () => {
      const registry = client()
      const { id } = await registry.register({ type: SchemaType.AVRO, schema: text }, { subject: 'kafkajs-value' })
      expect((await ours.getVersion('kafkajs-value', 'latest'))?.id).toBe(id)
      expect(await registry.getLatestSchemaId('kafkajs-value')).toBe(id)
      expect(await registry.getRegistryId('kafkajs-value', 1)).toBe(id)
      expect(await registry.getRegistryIdBySchema('kafkajs-value', { type: SchemaType.AVRO, schema: text })).toBe(id)
      expect(JSON.stringify(await client().getSchema(id))).toContain('UserEvent')
    })

    it('reads what we write, and we read what it writes', async () => {
      const registry = client()
      expect({ ...(await registry.decode(await encodeOurs('kafkajs-a-value'))) }).toEqual(event)
      const { id } = await registry.register({ type: SchemaType.AVRO, schema: text }, { subject: 'kafkajs-b-value' })
      expect(await decodeOurs(await registry.encode(id, event))).toEqual(event)
    })

    it('is told that a schema is incompatible', async () => {
      await ours.register('kafkajs-c-value', { schema: text })
      const other = JSON.stringify({ ...schema, fields: [{ name: 'event_id', type: 'int' }] })
      const registering = client().register({ type: SchemaType.AVRO, schema: other }, { subject: 'kafkajs-c-value' })
      await expect(registering).rejects.toThrow(/incompatible with an earlier schema/)
    })
  })

  describe('@confluentinc/schemaregistry', () => {
    const client = () => new SchemaRegistryClient({ baseURLs: [server.url] })

    it('registers, looks up, lists, checks, configures and deletes', async () => {
      const registry = client()
      const subject = 'confluent-älpha-value'
      const id = await registry.register(subject, { schemaType: 'AVRO', schema: text })
      expect(await registry.getId(subject, { schemaType: 'AVRO', schema: text })).toBe(id)
      expect((await registry.getBySubjectAndId(subject, id)).schema).toBe((await ours.getById(id)).schema)
      expect(await registry.getVersion(subject, { schemaType: 'AVRO', schema: text })).toBe(1)
      expect((await registry.getLatestSchemaMetadata(subject)).id).toBe(id)
      expect((await registry.getSchemaMetadata(subject, 1)).version).toBe(1)
      expect(await registry.getAllVersions(subject)).toEqual([1])
      expect(await registry.getAllSubjects()).toContain(subject)
      expect(await registry.testCompatibility(subject, 1, { schemaType: 'AVRO', schema: '"int"' })).toBe(false)
      expect(await registry.testSubjectCompatibility(subject, { schemaType: 'AVRO', schema: text })).toBe(true)
      expect(String(await registry.updateCompatibility(subject, 'FULL' as never))).toBe('FULL')
      expect(String(await registry.getCompatibility(subject))).toBe('FULL')
      expect((await registry.getDefaultConfig()).compatibilityLevel).toBe('BACKWARD')
      expect(await registry.deleteSubjectVersion(subject, 1)).toBe(1)
      expect(await ours.versions(subject)).toEqual([])
    })

    it('reads what we write, and we read what it writes', async () => {
      const deserializer = new AvroDeserializer(client(), SerdeType.VALUE, {})
      expect({ ...(await deserializer.deserialize('confluent-a', await encodeOurs('confluent-a-value'))) }).toEqual(
        event,
      )
      const serializer = new AvroSerializer(client(), SerdeType.VALUE, { useLatestVersion: true })
      await ours.register('confluent-b-value', { schema: text })
      expect(await decodeOurs(await serializer.serialize('confluent-b', event))).toEqual(event)
    })

    it('uses a schema that refers to another', async () => {
      const money = '{"type":"record","name":"Money","fields":[{"name":"cents","type":"long"}]}'
      const order = '{"type":"record","name":"Order","fields":[{"name":"price","type":"Money"}]}'
      await ours.register('money', { schema: money })
      await ours.register('confluent-c-value', {
        schema: order,
        references: [{ name: 'Money', subject: 'money', version: 1 }],
      })
      const serializer = new AvroSerializer(client(), SerdeType.VALUE, { useLatestVersion: true })
      const bytes = await serializer.serialize('confluent-c', { price: { cents: 5 } })
      const deserializer = new AvroDeserializer(client(), SerdeType.VALUE, {})
      expect(JSON.parse(JSON.stringify(await deserializer.deserialize('confluent-c', bytes)))).toEqual({
        price: { cents: 5 },
      })
    })
  })

  describe('@confluentinc/schemaregistry with JSON Schema', () => {
    const client = () => new SchemaRegistryClient({ baseURLs: [server.url] })
    const person = '{ "type": "object", "properties": { "name": { "type": "string" } }, "additionalProperties": false }'
    const info = (schema: string) => ({ schemaType: 'JSON', schema })

    it('registers, looks up, checks and reads the text', async () => {
      const registry = client()
      const subject = 'confluent-json-value'
      const id = await registry.register(subject, info(person))
      expect(await registry.getId(subject, info(person))).toBe(id)
      expect(await registry.getBySubjectAndId(subject, id)).toMatchObject({
        schemaType: 'JSON',
        schema: person.replaceAll(' ', ''),
      })
      const wider = person.replace('{ "name"', '{ "age": { "type": "integer" }, "name"')
      expect(await registry.testSubjectCompatibility(subject, info(wider))).toBe(true)
      expect(await registry.testSubjectCompatibility(subject, info(person.replace('string', 'null')))).toBe(false)
      await expect(registry.register(subject, info(person.replace('string', 'null')))).rejects.toThrow(
        /TYPE_CHANGED.*at path '#\/properties\/name'/,
      )
    })

    it('writes and reads values, with a schema that refers to another', async () => {
      await ours.register('confluent-json-address', { schema: '{"type":"string","minLength":2}', schemaType: 'JSON' })
      await ours.register('confluent-json-b-value', {
        schema: '{"type":"object","properties":{"home":{"$ref":"address.json"}}}',
        schemaType: 'JSON',
        references: [{ name: 'address.json', subject: 'confluent-json-address', version: 1 }],
      })
      const { stdout, stderr } = await run(process.execPath, [
        testSupport('confluent-json.ts'),
        server.url,
        'confluent-json-b',
      ])
      expect(stderr).toBe('')
      const { bytes, invalid, value } = JSON.parse(stdout)
      expect(JSON.parse(decodeFrame(Buffer.from(bytes, 'hex')).payload.toString())).toEqual({ home: 'Hof 1' })
      expect(value).toEqual({ home: 'Hof 1' })
      expect(invalid).toContain('Invalid message')
    })
  })

  describe.skipIf('missing' in python)("confluent-kafka's registry client in Python", () => {
    it.each([
      ['the default context', '', ''],
      ['a context', '/contexts/.python', ':.python:'],
    ])(
      'walks through the life of a subject in %s',
      async (_name, path, prefix) => {
        if ('missing' in python) throw new Error(python.missing)
        expect(JSON.parse(await python.value.run(testSupport('confluent_registry.py'), [server.url + path]))).toEqual({
          found: [`${prefix}python-value`, 1, true],
          versions: [1, 2],
          latest: [2, true],
          text: '{"type":"record","name":"A","fields":[{"name":"x","type":"int"},{"name":"y","type":"int","default":0}]}',
          compatible: [true, false],
          invalid: [422, 42201],
          'missing version': [404, 40402],
          'missing subject': [404, 40401],
          'not soft-deleted': [404, 40405],
          level: [{ compatibility: 'FULL' }, 'FULL'],
          contexts: expect.arrayContaining(['.']),
          frame: [0, true],
          value: { x: 1, y: 2 },
          deleted: [1, [2]],
          gone: [404, 40401],
          'deleted for good': [1, 2],
        })
      },
      60_000,
    )
  })

  describe.skipIf('missing' in franzGo)("franz-go's registry client in Go", () => {
    it.each([
      ['the default context', [], ''],
      ['a context', ['.go'], ':.go:'],
    ])('walks through the life of a subject in %s', async (_name, args, prefix) => {
      if ('missing' in franzGo) throw new Error(franzGo.missing)
      const { exitCode, stdout, stderr } = await run(franzGo.value, [server.url, ...args])
      expect(exitCode, stderr).toBe(0)
      expect(JSON.parse(stdout)).toEqual({
        created: [`${prefix}go-value`, 1, 2, true],
        found: true,
        'by id':
          '{"type":"record","name":"A","fields":[{"name":"x","type":"int"},{"name":"y","type":"int","default":0}]}',
        'subjects of the id': [`${prefix}go-value`],
        versions: [1, 2],
        latest: 2,
        compatible: false,
        'missing version': 40402,
        'missing subject': 40401,
        'not soft-deleted': 40405,
        level: 'FULL',
        'read-only': 'READONLY',
        'while read-only': 42205,
        'mode before': 'READONLY',
        deleted: [1, 2],
        'registered again': 3,
        'with deleted': [2, 3],
      })
    })
  })

  describe('@confluentinc/schemaregistry with Protobuf', () => {
    const client = () => new SchemaRegistryClient({ baseURLs: [server.url] })
    const proto = `syntax = "proto3"; package acme; import "google/protobuf/timestamp.proto"; import "acme/money.proto";
      message First { Money price = 1; }
      message Order { message Line { string sku = 1; int32 count = 2; } map<string, int32> totals = 4;
        string id = 1; google.protobuf.Timestamp at = 2; repeated Line lines = 3; }`

    const money = 'syntax = "proto3"; package acme; message Money { int64 cents = 1; }'

    it('registers a descriptor with its import, and reads the records it writes, also of a nested message', async () => {
      const descriptor = (text: string, name: string) =>
        fromBinary(
          FileDescriptorProtoSchema,
          describeFile(linkText(text, new Map([['acme/money.proto', money]])), name),
        )
      const files = createFileRegistry(descriptor(proto, 'acme/order.proto'), (name) =>
        name === 'acme/money.proto' ? descriptor(money, name) : file_google_protobuf_timestamp,
      )
      const registry = createMutableRegistry(files)
      const serializer = new ProtobufSerializer(client(), SerdeType.VALUE, { autoRegisterSchemas: true, registry })
      const deserializer = new ProtobufDeserializer(client(), SerdeType.VALUE, {})
      const line = { sku: 'a', count: 2 }
      const order = { id: '1', at: { seconds: 5n, nanos: 7 }, lines: [line], totals: { eur: 3 } }

      const written = await serializer.serialize('proto-a', create(files.getMessage('acme.Order')!, order as never))
      expect(await deserializer.deserialize('proto-a', written)).toMatchObject(order)
      const nested = await serializer.serialize('proto-a', create(files.getMessage('acme.Order.Line')!, line as never))
      expect(await deserializer.deserialize('proto-a', nested)).toMatchObject(line)

      expect((await ours.getVersion('acme/money.proto', 1))?.schemaType).toBe('PROTOBUF')
      const stored = (await ours.getVersion('proto-a-value', 'latest'))!
      expect(stored.references?.map(({ name }) => name)).toEqual(['acme/money.proto'])
      expect(stored.schema).toContain('  .google.protobuf.Timestamp at = 2;\n')
      const { schema, schemaType, references = [] } = stored
      expect(
        await client().getId('proto-a-value', { schema, schemaType: schemaType!, references: [...references] }),
      ).toBe(stored.id)
    })

    it('is refused an incompatible schema', async () => {
      const text = 'syntax = "proto3"; message A { int32 a = 1; }'
      await client().register('proto-b-value', { schemaType: 'PROTOBUF', schema: text })
      const wrong = { schemaType: 'PROTOBUF', schema: text.replace('int32', 'string') }
      await expect(client().register('proto-b-value', wrong)).rejects.toThrow(/FIELD_SCALAR_KIND_CHANGED/)
    })
  })

  describe('our client', () => {
    it('walks through the life of a subject', async () => {
      const subject = 'ours-value'
      expect(await ours.getVersion(subject, 'latest')).toBeNull()
      expect(await ours.lookup(subject, { schema: text })).toBeNull()
      expect(await ours.versions(subject)).toEqual([])
      expect(await ours.check(subject, { schema: text })).toEqual({ compatible: true, messages: [] })
      const { id } = await ours.register(subject, { schema: text })
      expect(await ours.lookup(subject, { schema: text })).toMatchObject({
        subject,
        version: 1,
        id,
        schemaType: 'AVRO',
      })
      expect(await ours.getById(id)).toMatchObject({ schemaType: 'AVRO', references: [] })
      expect((await ours.check(subject, { schema: '"int"' })).messages[0]).toContain('TYPE_MISMATCH')
      await expect(ours.register(subject, { schema: '"int"' })).rejects.toMatchObject({
        code: 'REGISTRY_INCOMPATIBLE',
        errorCode: 40901,
        status: 409,
      })
      expect(await ours.getCompatibility(subject, { defaultToGlobal: false })).toBeNull()
      expect(await ours.getCompatibility(subject)).toBe('BACKWARD')
      await ours.setCompatibility('NONE', subject)
      expect(await ours.getCompatibility(subject)).toBe('NONE')
      await ours.register(subject, { schema: '"int"' })
      expect(await ours.versions(subject)).toEqual([1, 2])
      expect(await ours.deleteVersion(subject, 'latest')).toBe(2)
      expect(await ours.deleteSubject(subject)).toEqual([1])
      expect(await ours.subjects({ deleted: true })).toContain(subject)
      expect(await ours.subjects()).not.toContain(subject)
      expect(await ours.versions(subject, { deleted: true })).toEqual([1, 2])
      expect(await ours.deleteSubject(subject, { permanent: true })).toEqual([1, 2])
      await expect(ours.deleteSubject(subject)).rejects.toMatchObject({ code: 'REGISTRY_REFUSED', errorCode: 40401 })
    })
  })
})
