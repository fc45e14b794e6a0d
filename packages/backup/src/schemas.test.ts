// The Schema Registry in a backup: our registry, on both engines.
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { createRegistryClient, type RegistryClient, type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { ownTopic } from '../../registry/src/test-support/app.ts'
import { startSecuredFront } from '../../registry/src/test-support/secured-front.ts'
import { readSchemas } from './format/manifests.ts'
import { withSealing } from './format/sealing.ts'
import { planPrune } from './prune.ts'
import { takeBackup } from './take/take.ts'
import { type MemoryStore, memoryStore } from './test-support/memory-store.ts'
import { verifyBackup } from './verify.ts'

const record = (name: string, ...fields: readonly string[]): string =>
  `{"type":"record","name":"${name}","fields":[${fields.map((field) => `{"name":"${field}","type":"int","default":0}`).join(',')}]}`

describeEngines('the schemas of a backup', (engine) => {
  let cluster: Cluster
  let server: RegistryServer
  let client: RegistryClient
  let topic: string
  beforeAll(async () => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    server = await startRegistry({ bootstrapServers: engine.bootstrapServers, topic: ownTopic(), port: 0 })
    client = createRegistryClient({ url: server.url, retries: 0 })
    topic = `schemas-${Date.now().toString(36)}`
    await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    await appender.append(
      topic,
      0,
      encodeBatch([{ value: Buffer.from('a'), timestamp: BigInt(Date.now()) }], { ...identity, baseSequence: 0 }),
    )
    await appender.close()
  })
  afterAll(async () => {
    await server?.close()
    await cluster?.close()
  })

  const take = (store: MemoryStore, registry: RegistryClient | null = client, mustBeOfCluster = false) =>
    takeBackup(cluster, store, {
      tool: 'test',
      include: (name) => name === topic,
      registry: registry === null ? null : { client: registry, mustBeOfCluster },
    })
  const schemaObjects = (store: MemoryStore) => [...store.objects.keys()].filter((key) => key.includes('/schemas/'))
  const put = (path: string, body: object) => client.request({ method: 'PUT', path, body })

  it('have every version with its id, also deleted ones, references, settings and contexts', async () => {
    const { id: first } = await client.register('a-value', { schema: record('A', 'x') })
    await client.register('a-value', { schema: record('A', 'x', 'y') })
    await client.deleteVersion('a-value', 1)
    await client.register('b-value', {
      schema: '{"type":"record","name":"B","fields":[{"name":"a","type":"A"}]}',
      references: [{ name: 'A', subject: 'a-value', version: 2 }],
    })
    await client.register('gone-value', { schema: record('Gone') })
    await client.deleteSubject('gone-value')
    await client.register(':.lab:a-value', { schema: record('Lab') })
    await client.setCompatibility('FULL', 'b-value')
    await client.setCompatibility('FORWARD')
    await put('/config/:.lab:', { compatibility: 'NONE' })
    await put('/mode/b-value', { mode: 'READONLY' })

    const store = memoryStore()
    const { manifest, problems } = await take(store)
    expect(problems).toEqual([])
    expect(manifest.schemas).toMatchObject({ subjects: 4, versions: 5 })
    const state = (await readSchemas(store, manifest))!
    const short = state.subjects.map(({ subject, versions, config, mode }) => ({
      subject,
      versions: versions.map(({ version, id, deleted }) => [version, id, deleted]),
      level: config?.compatibilityLevel ?? null,
      mode,
    }))
    expect(short).toEqual([
      { subject: ':.lab:a-value', versions: [[1, 1, false]], level: null, mode: null },
      {
        subject: 'a-value',
        versions: [
          [1, first, true],
          [2, 2, false],
        ],
        level: null,
        mode: null,
      },
      { subject: 'b-value', versions: [[1, 3, false]], level: 'FULL', mode: 'READONLY' },
      { subject: 'gone-value', versions: [[1, 4, true]], level: null, mode: null },
    ])
    expect(state.subjects[2]!.versions[0]).toMatchObject({
      schemaType: 'AVRO',
      schema: expect.stringContaining('"name":"B"'),
      references: [{ name: 'A', subject: 'a-value', version: 2 }],
    })
    const levels = state.contexts.map(({ name, config }) => [name, config?.compatibilityLevel])
    expect(levels).toEqual([
      ['', 'FORWARD'],
      [':.lab:', 'NONE'],
      [':.__GLOBAL:', 'BACKWARD'],
    ])
    await put('/mode/b-value', { mode: 'READWRITE' })
  })

  it('are written once as long as nothing changes in the registry', async () => {
    const store = memoryStore()
    await take(store)
    await take(store)
    expect(schemaObjects(store)).toHaveLength(1)
    await client.register('new-value', { schema: record('New') })
    const third = await take(store)
    expect(schemaObjects(store)).toHaveLength(2)
    // The older object is needed as long as a backup is kept that names it.
    const { clusterId } = third.manifest
    expect(
      (await planPrune(store, clusterId, { keepLast: 2 }, Date.now())).objects.map(({ key }) => key),
    ).not.toContain(schemaObjects(store)[0])
    expect((await planPrune(store, clusterId, { keepLast: 1 }, Date.now())).objects.map(({ key }) => key)).toContain(
      schemaObjects(store)[0],
    )
  })

  it('are null, with the reason, when the registry does not answer or refuses the password; the backup is taken', async () => {
    const store = memoryStore()
    await take(store)
    const down = await take(store, createRegistryClient({ url: 'http://127.0.0.1:1', retries: 0 }))
    expect(down.manifest.schemas).toBeNull()
    expect(down.problems).toEqual([
      { part: 'schemas', code: 'REGISTRY_UNREACHABLE', message: expect.stringContaining('127.0.0.1:1') },
    ])
    expect(down.manifest.topics[0]!.partitions[0]!.records).toBe(1n)
    const front = await startSecuredFront(server.url)
    const tls = { ca: front.ca }
    const auth = { username: front.username, password: front.password }
    const wrong = await take(
      store,
      createRegistryClient({ url: front.url, tls, auth: { ...auth, password: 'wrong' }, retries: 0 }),
    )
    expect(wrong.problems).toMatchObject([{ part: 'schemas', code: 'REGISTRY_REFUSED' }])
    expect(JSON.stringify(wrong.problems)).not.toContain(front.password)
    const right = await take(store, createRegistryClient({ url: front.url, tls, auth, retries: 0 }))
    expect(right.problems).toEqual([])
    await front.close()
  })

  it('are not taken from a registry that was not named and keeps its schemas in another cluster', async () => {
    const store = memoryStore()
    expect((await take(store, client, true)).problems).toEqual([])
    const other = { ...client, request: async () => ({ scope: { clusters: { 'kafka-cluster': 'another' } } }) }
    expect((await take(store, other, true)).problems).toMatchObject([{ part: 'schemas', code: 'OTHER_CLUSTER' }])
    expect((await take(store, null)).manifest.schemas).toBeUndefined()
  })

  it('are encrypted with the rest, and a flipped bit in them is named without a key', async () => {
    const plain = memoryStore()
    const identity = await generateX25519Identity()
    const store = await withSealing(plain, { recipients: [await identityToRecipient(identity)], identities: [] })
    const { manifest } = await takeBackup(cluster, store, {
      tool: 'test',
      include: (name) => name === topic,
      registry: { client, mustBeOfCluster: false },
    })
    expect((await verifyBackup(store, manifest.clusterId)).findings).toEqual([])
    const [key] = schemaObjects(plain)
    expect(key).toMatch(/\.json\.zst\.age$/)
    plain.objects.get(key!)![40]! ^= 4
    expect((await verifyBackup(store, manifest.clusterId)).findings).toMatchObject([{ subject: key }])
  })
})
