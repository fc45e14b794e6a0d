// Schemas put back with records: into an empty registry, the same one, and one where others have the ids; on both engines, read by clients
// that services use.
//
// The parts of @confluentinc/schemaregistry are named one by one: its index also loads encryption, whose packages export TypeScript under
// the condition `source`, which these tests set.
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { SchemaRegistryClient } from '@confluentinc/schemaregistry/dist/schemaregistry-client.js'
import { AvroDeserializer, AvroSerializer } from '@confluentinc/schemaregistry/dist/serde/avro.js'
import { SerdeType } from '@confluentinc/schemaregistry/dist/serde/serde.js'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { type Cluster, connectCluster, type ReadRecord } from '@selfmonitor/cluster'
import { encodeBatch, type RecordInput } from '@selfmonitor/protocol/records'
import {
  createRegistryClient,
  type RegistryClient,
  type RegistryServer,
  type SchemaDefinition,
  startRegistry,
} from '@selfmonitor/registry'
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { ownTopic } from '../../registry/src/test-support/app.ts'
import { passOn } from '../../registry/src/test-support/basic-front.ts'
import { readRegistry } from './registry/read.ts'
import { planRestore, type RestorePlan, type RestoreRequest } from './restore/plan.ts'
import { runRestore } from './restore/run.ts'
import type { SchemaRequest } from './restore/schemas.ts'
import { takeBackup } from './take/take.ts'
import { type MemoryStore, memoryStore } from './test-support/memory-store.ts'

const now = Date.now()
const record = (name: string, ...fields: readonly string[]): SchemaDefinition => ({
  schema: `{"type":"record","name":"${name}","fields":[${fields.map((field) => `{"name":"${field}","type":"int","default":0}`).join(',')}]}`,
})
/** A frame with this id, and a byte of data. */
const frame = (id: number, data = 2): Buffer => Buffer.from([0, id >> 24, id >> 16, id >> 8, id, data])

describeEngines('schemas and records restored', (engine) => {
  let cluster: Cluster
  let clusterId: string
  let topics = 0
  const servers: RegistryServer[] = []
  let source: RegistryClient
  let target: RegistryClient
  let topic: string
  let store: MemoryStore
  beforeAll(async () => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    clusterId = (await cluster.info()).clusterId
  })
  afterAll(async () => cluster?.close())
  beforeEach(async () => {
    ;[source, target] = await Promise.all([newRegistry(), newRegistry()])
    store = memoryStore()
    topic = await newTopic()
  })
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.close()))
  })

  async function newRegistry(): Promise<RegistryClient> {
    const server = await startRegistry({ bootstrapServers: engine.bootstrapServers, topic: ownTopic(), port: 0 })
    servers.push(server)
    return createRegistryClient({ url: server.url, retries: 0 })
  }

  async function newTopic(): Promise<string> {
    const name = `registered-${now.toString(36)}-${topics++}`
    await cluster.createTopics([{ name, partitions: 1, replicationFactor: 1 }])
    return name
  }

  async function produce(to: string, ...records: readonly Omit<RecordInput, 'timestamp'>[]): Promise<void> {
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    const timed = records.map((one, at) => ({ ...one, timestamp: BigInt(now + at) }))
    await appender.append(to, 0, encodeBatch(timed, { ...identity, baseSequence: 0, compression: 'zstd' }))
    await appender.close()
  }

  async function read(from: string): Promise<ReadRecord[]> {
    const [end] = await cluster.listOffsets([{ topic: from, partition: 0 }], 'latest')
    const records: ReadRecord[] = []
    for await (const event of cluster.read([{ topic: from, partition: 0, next: 0n, end: end!.offset! }])) {
      if (event.kind === 'records') records.push(...event.records)
    }
    return records
  }
  const valuesOf = async (from: string) => (await read(from)).map(({ value }) => value)

  const take = (...names: string[]) =>
    takeBackup(cluster, store, {
      tool: 'test',
      include: (name) => names.includes(name),
      registry: { client: source, mustBeOfCluster: false },
    })

  async function plan(
    to: string,
    {
      into = target,
      resume = false,
      ...more
    }: Partial<SchemaRequest> & { into?: RegistryClient; resume?: boolean } = {},
  ): Promise<RestorePlan> {
    const request: RestoreRequest = {
      point: { kind: 'latest' },
      nameOf: (name) => (name === topic ? to : null),
      includeGroup: null,
      schemas: { registry: { client: into, mustBeOfCluster: false }, ids: 'keep', carries: new Map(), ...more },
      resume,
    }
    return planRestore(store, clusterId, cluster, request, now)
  }
  const kinds = ({ schemas }: RestorePlan) =>
    Object.fromEntries(schemas!.ids.map(({ id, to, kind }) => [id, kind === 'rewritten' ? to : kind]))
  const subjectsOf = async (registry: RegistryClient) => (await readRegistry(registry)).subjects
  const exists = async (name: string) => (await cluster.listTopics()).some((one) => one.name === name)

  it('into an empty registry: same ids and versions, references first, deleted ones deleted, settings as they were', async () => {
    // The subject of what is referred to comes behind the one that refers to it.
    await source.register('zz-common', record('Common', 'x'))
    await source.register('zz-common', record('Common', 'x', 'y'))
    await source.deleteVersion('zz-common', 1)
    const { id } = await source.register(`${topic}-value`, {
      schema: '{"type":"record","name":"Event","fields":[{"name":"common","type":"Common"}]}',
      references: [{ name: 'Common', subject: 'zz-common', version: 2 }],
    })
    await source.setCompatibility('FULL', `${topic}-value`)
    await source.request({ method: 'PUT', path: `/mode/${topic}-value`, body: { mode: 'READONLY' } })
    await source.setCompatibility('FORWARD')
    await produce(topic, { value: frame(id) }, { value: null }, { value: Buffer.from('plain') })
    await take(topic)
    const to = `${topic}.restored`
    const planned = await plan(to)
    expect(kinds(planned)).toEqual({ 1: 'created', 2: 'created', 3: 'created' })
    expect((await runRestore(cluster, planned)).isComplete).toBe(true)
    const before = await readRegistry(source)
    const after = await readRegistry(target)
    expect(after.contexts).toEqual(before.contexts)
    expect(after.subjects).toEqual(
      before.subjects.map((one) => (one.subject === `${topic}-value` ? { ...one, subject: `${to}-value` } : one)),
    )
    expect(await valuesOf(to)).toEqual(await valuesOf(topic))
    // Again: there is nothing to do.
    const again = await plan(`${topic}.again`)
    expect(again.schemas!.ids.every(({ kind }) => kind === 'there')).toBe(true)
    expect(again.schemas!.imports.map(({ subject }) => subject)).toEqual([`${topic}.again-value`])
  })

  it('with their contracts and those of the settings', async () => {
    const rule = { name: 'r', kind: 'CONDITION', mode: 'WRITE', type: 'CEL', expr: 'message.x > 0' } as const
    const metadata = { properties: { owner: 'a' }, tags: { 'A.x': ['PII'] } }
    const subject = `${topic}-value`
    const { id } = await source.register(subject, { ...record('A', 'x'), metadata, ruleSet: { domainRules: [rule] } })
    const other = await source.register(subject, { ...record('A', 'x'), metadata: { properties: { owner: 'b' } } })
    const config = { defaultMetadata: { properties: { team: 'c' } }, compatibilityGroup: 'owner' }
    await source.request({ method: 'PUT', path: `/config/${subject}`, body: config })
    await produce(topic, { value: frame(id) }, { value: frame(other.id) })
    await take(topic)
    await runRestore(cluster, await plan(topic.concat('.restored')))
    const restored = `${topic}.restored-value`
    expect(await target.getVersion(restored, 1)).toMatchObject({ id, metadata, ruleSet: { domainRules: [rule] } })
    expect(await target.getVersion(restored, 2)).toMatchObject({
      id: other.id,
      metadata: { properties: { owner: 'b' } },
    })
    expect((await subjectsOf(target))[0]!.config).toMatchObject(config)
    expect((await subjectsOf(target))[0]!.versions).toEqual((await subjectsOf(source))[0]!.versions)
  })

  it('in the same registry under another name: the new subject has the same ids', async () => {
    const { id } = await source.register(`${topic}-value`, record('A', 'x'))
    await source.register(`${topic}-key`, record('K', 'x'))
    await produce(topic, { key: frame(id + 1), value: frame(id) })
    await take(topic)
    await source.register('another', record('Younger'))
    const to = `${topic}.copy`
    await runRestore(cluster, await plan(to, { into: source }))
    expect(await source.getVersion(`${to}-value`, 1)).toMatchObject({ id })
    expect(await source.getVersion(`${to}-key`, 1)).toMatchObject({ id: id + 1 })
    // It registers as before: the mode is not IMPORT any more.
    expect(await source.register(`${to}-value`, record('A', 'x', 'y'))).toMatchObject({ id: id + 3 })
  })

  it('where others have the ids: refused, or rewritten, and both clients read the events', async () => {
    const kafkajs = new SchemaRegistry({ host: source.url })
    const { id } = await source.register(`${topic}-value`, record('Event', 'n'))
    const key = await source.register(`${topic}-key`, record('Key', 'k'))
    const inHeader = new AvroSerializer(new SchemaRegistryClient({ baseURLs: [source.url] }), SerdeType.VALUE, {
      useLatestVersion: true,
    })
    await produce(
      topic,
      { key: await kafkajs.encode(key.id, { k: 1 }), value: await kafkajs.encode(id, { n: 1 }) },
      { value: await inHeader.serialize(topic, { n: 2 }) },
      { key: null, value: Buffer.from([7, 0, 0, 0, id]) },
      {
        value: Buffer.from([2]),
        headers: [
          { key: '__value_schema_id', value: frame(id).subarray(0, 5) },
          { key: 'a', value: null },
        ],
      },
      { value: Buffer.from([0, 0, 0, 0, 99]), headers: [{ key: '__value_schema_id', value: Buffer.alloc(17, 1) }] },
    )
    await take(topic)
    await target.register('other-1', record('Other1'))
    await target.register('other-2', record('Other2'))
    const state = await readRegistry(target)
    const to = `${topic}.restored`
    const kept = await plan(to)
    await expect(runRestore(cluster, kept)).rejects.toMatchObject({
      code: 'SCHEMAS_DIFFER',
      message: expect.stringContaining(`${id} (${topic}-value 1)`),
      hint: expect.stringContaining('--schemas rewrite'),
    })
    expect(await readRegistry(target)).toEqual(state)
    expect(await exists(to)).toBe(false)

    const planned = await plan(to, { ids: 'rewrite' })
    expect(kinds(planned)).toEqual({ [id]: 4, [key.id]: 3 })
    expect((await runRestore(cluster, planned)).isComplete).toBe(true)
    const records = await read(to)
    const originals = await read(topic)
    const inTarget = new SchemaRegistry({ host: target.url })
    expect({ ...(await inTarget.decode(records[0]!.key!)) }).toEqual({ k: 1 })
    expect({ ...(await inTarget.decode(records[0]!.value!)) }).toEqual({ n: 1 })
    const confluent = new AvroDeserializer(new SchemaRegistryClient({ baseURLs: [target.url] }), SerdeType.VALUE, {})
    expect(await confluent.deserialize(to, records[1]!.value!)).toEqual({ n: 2 })
    // As it was: another first byte, and a header with a GUID.
    expect(records[2]!.value).toEqual(originals[2]!.value)
    expect(records[4]).toEqual({ ...originals[4], topic: to })
    const headers = Object.fromEntries(records[3]!.headers.map(({ key: name, value }) => [name, value]))
    expect(await confluent.deserialize(to, records[3]!.value!, headers as never)).toEqual({ n: 1 })
    expect(records.map(({ timestampMs }) => timestampMs)).toEqual(originals.map(({ timestampMs }) => timestampMs))
    // The schemas of the others are what they were.
    expect((await subjectsOf(target)).filter(({ subject }) => subject.startsWith('other-'))).toEqual(state.subjects)
  })

  it('where the subject has the schema under another id: that id is taken, and nothing is registered', async () => {
    const { id } = await source.register(`${topic}-value`, record('Event', 'n'))
    await produce(topic, { value: frame(id) })
    await take(topic)
    await target.register('other', record('Other'))
    const to = `${topic}.restored`
    const own = await target.register(`${to}-value`, record('Event', 'n'))
    const planned = await plan(to, { ids: 'rewrite' })
    expect(planned.schemas!.imports).toEqual([])
    await runRestore(cluster, planned)
    expect(await valuesOf(to)).toEqual([frame(own.id)])
  })

  it('refuses a record whose schema the backup does not have, with topic, offset and id', async () => {
    const { id } = await source.register(`${topic}-value`, record('Event', 'n'))
    await produce(topic, { value: frame(id) }, { value: frame(77) })
    await take(topic)
    await target.register('other', record('Other'))
    const planned = await plan(`${topic}.restored`, { ids: 'rewrite' })
    expect(planned.schemas!.refusals).toMatchObject([
      {
        code: 'SCHEMA_UNMAPPED',
        message: `the value at offset 1 of topic ${topic} partition 0 has the id 77 of a schema that the backup does not have`,
      },
    ])
    await expect(runRestore(cluster, planned)).rejects.toMatchObject({ code: 'SCHEMA_UNMAPPED' })
    expect(await exists(`${topic}.restored`)).toBe(false)
  })

  it('asks where records have ids and no subject has the name of their topic', async () => {
    const { id } = await source.register('com.acme.Order', record('Order', 'n'))
    await produce(topic, { key: Buffer.from([0, 0, 0, 0, 1, 9]), value: frame(id) })
    await take(topic)
    // With the same ids nothing has to be known.
    expect((await plan(`${topic}.same`)).schemas!.refusals).toEqual([])
    await target.register('other', record('Other'))
    const asked = await plan(`${topic}.restored`, { ids: 'rewrite' })
    expect(asked.schemas!.refusals.map(({ code }) => code)).toEqual(['SCHEMA_IDS', 'SCHEMA_IDS'])
    const said = await plan(`${topic}.restored`, { ids: 'rewrite', carries: new Map([[topic, ['value']]]) })
    await runRestore(cluster, said)
    const [restored] = await read(`${topic}.restored`)
    expect(restored).toMatchObject({ key: Buffer.from([0, 0, 0, 0, 1, 9]), value: frame(2) })
    expect(await target.getVersion('com.acme.Order', 1)).toMatchObject({ id: 2 })
  })

  it('asks no registry for topics without schemas, and needs one for others', async () => {
    await produce(topic, { value: Buffer.from('plain') })
    await take(topic)
    const down = createRegistryClient({ url: 'http://127.0.0.1:1', retries: 0 })
    expect((await plan(`${topic}.a`, { into: down })).schemas).toBeNull()
    await source.register(`${topic}-value`, record('Event'))
    await take(topic)
    await expect(plan(`${topic}.b`, { into: down })).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE' })
    await expect(plan(`${topic}.c`, { registry: null })).rejects.toMatchObject({ code: 'NO_REGISTRY' })
  })

  /** Passes requests on to the target until so many have changed something; then it refuses all. */
  async function failing(changes: number): Promise<{ client: RegistryClient; close: () => Promise<void> }> {
    let left = changes
    const pass = passOn(target.url, () => true)
    const server = http.createServer((request, response) => {
      if (request.method !== 'GET' && left-- <= 0) left = Number.NEGATIVE_INFINITY
      if (left < 0) request.destroy()
      else pass(request, response)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    return {
      client: createRegistryClient({ url: `http://127.0.0.1:${port}`, retries: 0 }),
      close: () => new Promise((resolve) => void server.close(() => resolve()).closeAllConnections()),
    }
  }

  it('goes on after a registry that failed in the middle, whenever it did, and leaves no subject in IMPORT mode', async () => {
    await source.register(`${topic}-value`, record('Event', 'n'))
    await source.register(`${topic}-value`, record('Event', 'n', 'm'))
    await source.deleteVersion(`${topic}-value`, 1)
    await source.setCompatibility('FULL', `${topic}-value`)
    await produce(topic, { value: frame(2) })
    await take(topic)
    const before = await subjectsOf(source)
    // Switch, two imports, a deletion, the level, the mode.
    for (let changes = 0; changes < 6; changes++) {
      target = await newRegistry()
      const to = `${topic}.after-${changes}`
      const { client, close } = await failing(changes)
      await expect(runRestore(cluster, await plan(to, { into: client }))).rejects.toMatchObject({
        code: 'REGISTRY_UNREACHABLE',
        message: expect.stringContaining(`the mode of ${to}-value may be IMPORT still`),
      })
      await close()
      expect(await exists(to)).toBe(false)
      const resumed = await plan(to, { resume: true })
      expect((await runRestore(cluster, resumed)).isComplete).toBe(true)
      expect(await subjectsOf(target)).toEqual(before.map((one) => ({ ...one, subject: `${to}-value` })))
    }
  })

  it('sets the mode back after a failure, and keeps what a subject had', async () => {
    await source.register(`${topic}-value`, record('Event', 'n'))
    await produce(topic, { value: frame(1) })
    await take(topic)
    const to = `${topic}.restored`
    const planned = await plan(to)
    // Between the plan and the restore another takes the id.
    await target.register('faster', record('Faster'))
    await expect(runRestore(cluster, planned)).rejects.toMatchObject({ code: 'REGISTRY_REFUSED' })
    expect(await target.request({ method: 'GET', path: `/mode/${to}-value?defaultToGlobal=true` })).toEqual({
      mode: 'READWRITE',
    })
    const { id } = await target.register(`${to}-value`, record('Event', 'n'))
    expect(id).toBe(2)
  })

  it('would rather not restore than lose a soft-deleted version of the target', async () => {
    await source.register(`${topic}-value`, record('Event', 'n'))
    await produce(topic, { value: frame(1) })
    await take(topic)
    const to = `${topic}.restored`
    await target.register(`${to}-value`, record('Event', 'old'))
    await target.deleteSubject(`${to}-value`)
    expect((await plan(to, { ids: 'rewrite' })).schemas!.refusals).toMatchObject([
      { code: 'SCHEMAS_DIFFER', message: expect.stringContaining('soft-deleted version 1') },
    ])
  })

  it('brings a subject back that was deleted softly', async () => {
    const { id } = await source.register(`${topic}-value`, record('Event', 'n'))
    await produce(topic, { value: frame(id) })
    await take(topic)
    await cluster.deleteTopics([topic])
    await source.deleteSubject(`${topic}-value`)
    expect((await runRestore(cluster, await plan(topic, { into: source }))).isComplete).toBe(true)
    expect(await source.getVersion(`${topic}-value`, 1)).toMatchObject({ id })
  })
})
