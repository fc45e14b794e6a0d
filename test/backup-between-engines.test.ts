// From the embedded broker over a backup to Apache Kafka, and over a backup of that to another embedded broker: the same records, the
// same settings, schemas with the same ids, and groups before the same events.
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import {
  type BackupStore,
  openStore,
  planRestore,
  readManifest,
  readState,
  runRestore,
  takeBackup,
  verifyBackup,
} from '@selfmonitor/backup'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type Cluster, connectCluster, type ReadRecord } from '@selfmonitor/cluster'
import { encodeBatch, type RecordInput } from '@selfmonitor/protocol/records'
import { createRegistryClient, type RegistryClient, type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'

const run = Date.now().toString(36)
const topic = (name: string): string => `engines-${run}-${name}`
const group = (name: string): string => `engines-${run}-${name}`
const compressions = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const
const startMs = Date.now() - 3_600_000

interface Place {
  readonly cluster: Cluster
  readonly clusterId: string
  readonly registry: RegistryClient
  readonly server: RegistryServer
}

const apache = inject('apache')

describe.skipIf('missing' in apache)('a cluster that moves between engines', { timeout: 240_000 }, () => {
  const brokers: Broker[] = []
  const places: Place[] = []
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'engines-'))
    brokers.push(...(await Promise.all([startBroker(), startBroker()])))
    const addresses = [brokers[0]!, apache as { bootstrapServers: string }, brokers[1]!]
    for (const { bootstrapServers } of addresses) {
      const cluster = connectCluster({ bootstrapServers })
      const server = await startRegistry({ bootstrapServers, topic: topic('registry'), port: 0 })
      const registry = createRegistryClient({ url: server.url })
      places.push({ cluster, clusterId: (await cluster.info()).clusterId, registry, server })
    }
  }, 120_000)
  afterAll(async () => {
    const [, second] = places
    await second?.cluster.deleteTopics(
      (await second.cluster.listTopics()).map(({ name }) => name).filter((name) => name.startsWith(topic(''))),
    )
    await second?.cluster.deleteGroups(Object.keys(commits).map(group))
    await Promise.all(places.map(({ server }) => server.close()))
    await Promise.all(places.map(({ cluster }) => cluster.close()))
    await Promise.all(brokers.map((broker) => broker.close()))
    await rm(folder, { recursive: true, force: true })
  })

  async function produce(to: string, partition: number, batches: readonly (readonly RecordInput[])[]): Promise<void> {
    const { cluster } = places[0]!
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    let baseSequence = 0
    for (const [at, records] of batches.entries()) {
      const compression = compressions[at % compressions.length]
      await appender.append(to, partition, encodeBatch(records, { ...identity, baseSequence, compression }))
      baseSequence += records.length
    }
    await appender.close()
  }

  const record = (at: number, more: Partial<RecordInput> = {}): RecordInput => ({
    key: Buffer.from(`key ${at}`),
    value: Buffer.from(`value ${at} `.repeat(20)),
    timestamp: BigInt(startMs + 7 * at),
    ...more,
  })

  const odd: readonly RecordInput[] = [
    record(0, { value: null }),
    record(1, { key: null }),
    record(2, { key: null, value: null, headers: [{ key: 'only', value: null }] }),
    record(3, { key: Buffer.alloc(0), value: Buffer.alloc(0) }),
    record(4, {
      headers: [
        { key: 'b', value: Buffer.from('1') },
        { key: 'a', value: Buffer.from([0, 255, 128]) },
        { key: 'b', value: Buffer.from('2') },
        { key: '', value: Buffer.alloc(0) },
        { key: 'b', value: null },
        { key: 'größe', value: Buffer.from('ü') },
      ],
    }),
    // Neither rising nor equal.
    record(5, { timestamp: BigInt(startMs - 86_400_000) }),
    record(6, { timestamp: BigInt(startMs + 1) }),
  ]

  /** A record as one text: everything but the offset. */
  function printed({ timestampMs, key, value, headers }: ReadRecord): string {
    const hash = (bytes: Buffer | null): string | null =>
      bytes === null ? null : `${bytes.length} ${createHash('sha256').update(bytes).digest('hex')}`
    const fields = headers.map((header) => [header.key, header.value?.toString('hex') ?? null])
    return JSON.stringify([timestampMs, hash(key), hash(value), fields])
  }

  async function recordsOf(at: number, name: string, partition: number): Promise<ReadonlyMap<bigint, string>> {
    const { cluster } = places[at]!
    const place = [{ topic: name, partition }]
    const [first] = await cluster.listOffsets(place, 'earliest')
    const [end] = await cluster.listOffsets(place, 'latest')
    const found = new Map<bigint, string>()
    for await (const event of cluster.read([{ ...place[0]!, next: first!.offset!, end: end!.offset! }])) {
      if (event.kind === 'records') for (const one of event.records) found.set(one.offset, printed(one))
    }
    return found
  }

  async function compressionsOf(at: number, name: string): Promise<string[]> {
    const { cluster } = places[at]!
    const place = { topic: name, partition: 0 }
    const [first] = await cluster.listOffsets([place], 'earliest')
    const [end] = await cluster.listOffsets([place], 'latest')
    const found: string[] = []
    for await (const event of cluster.readBatches([{ ...place, next: first!.offset!, end: end!.offset! }])) {
      if (event.kind === 'batches')
        found.push(...event.batches.map(({ header }) => `${header.recordsCount} ${header.compression}`))
    }
    return found
  }

  /** Committed offsets in `mixed`, partition 0, which begins with 3 and ends with 60. */
  const commits = { deleted: 1n, start: 3n, within: 17n, last: 59n, end: 60n }

  /** The event that each group gets next. */
  async function nextEvents(at: number): Promise<Record<string, string>> {
    const records = await recordsOf(at, topic('mixed'), 0)
    const events: Record<string, string> = {}
    for (const name of Object.keys(commits)) {
      const lags = await places[at]!.cluster.groupLag(group(name))
      const own = lags.find((lag) => lag.topic === topic('mixed'))!
      const next = [...records].find(([offset]) => offset >= own.committedOffset!)
      events[name] = next?.[1] ?? `the end, lag ${own.lag}`
    }
    return events
  }

  async function move(store: BackupStore, from: Place, to: Place): Promise<void> {
    const isOurs = (name: string): boolean => name.startsWith(topic('')) && name !== topic('registry')
    const { problems, manifest } = await takeBackup(from.cluster, store, {
      tool: 'test',
      include: isOurs,
      access: false,
      registry: { client: from.registry, mustBeOfCluster: false },
      segmentBytes: 4_000_000,
    })
    expect(problems).toEqual([])
    expect((await verifyBackup(store, manifest.clusterId)).findings).toEqual([])
    const plan = await planRestore(
      store,
      from.clusterId,
      to.cluster,
      {
        point: { kind: 'latest' },
        nameOf: (name) => (isOurs(name) ? name : null),
        includeGroup: (name) => name.startsWith(group('')),
        schemas: { registry: { client: to.registry, mustBeOfCluster: false }, ids: 'keep', carries: new Map() },
        resume: false,
      },
      Date.now(),
    )
    const restored = await runRestore(to.cluster, plan)
    expect(restored.positions.filter(({ problem }) => problem !== null)).toEqual([])
    expect(restored).toMatchObject({ isComplete: true, held: [] })
  }

  it('keeps every byte of every record, the settings, the schemas and the place of each group', async () => {
    const [first, second, third] = places as [Place, Place, Place]
    await first.cluster.createTopics([
      { name: topic('mixed'), partitions: 2, replicationFactor: 1, config: { 'retention.ms': '864000000' } },
      { name: topic('large'), partitions: 1, replicationFactor: 1, config: { 'max.message.bytes': '12000000' } },
      { name: topic('table'), partitions: 1, replicationFactor: 1, config: { 'cleanup.policy': 'compact' } },
      {
        name: topic('times'),
        partitions: 1,
        replicationFactor: 1,
        config: { 'message.timestamp.type': 'LogAppendTime' },
      },
      { name: topic('events'), partitions: 1, replicationFactor: 1 },
      { name: topic('empty'), partitions: 3, replicationFactor: 1 },
    ])
    const many = Array.from({ length: 60 }, (_, at) => record(at))
    await produce(
      topic('mixed'),
      0,
      Array.from({ length: 20 }, (_, at) => many.slice(3 * at, 3 * at + 3)),
    )
    await produce(topic('mixed'), 1, [odd, odd, odd, odd, odd])
    await first.cluster.deleteRecords([{ topic: topic('mixed'), partition: 0, offset: 3n }])
    const large = (at: number): RecordInput =>
      record(at, { value: createHash('shake256', { outputLength: 10_000_000 }).update(`${at}`).digest() })
    await produce(topic('large'), 0, [[large(0)], [large(1)], [record(2)]])
    await produce(topic('table'), 0, [
      [record(1), record(2)],
      [record(1, { value: null })],
      odd.filter(({ key }) => key !== null),
    ])
    await produce(topic('times'), 0, [[record(1), record(2)], [record(3)]])
    const { id } = await first.registry.register(`${topic('events')}-value`, {
      schema: '{"type":"record","name":"Event","fields":[{"name":"n","type":"int"}]}',
    })
    const encoder = new SchemaRegistry({ host: first.registry.url })
    await produce(topic('events'), 0, [[record(1, { value: await encoder.encode(id, { n: 7 }) })]])
    for (const [name, to] of Object.entries(commits)) {
      await first.cluster.commitOffsets(group(name), [{ topic: topic('mixed'), partition: 0, to }])
    }

    const stores = await Promise.all(['there', 'back'].map((name) => openStore(join(folder, name))))
    await move(stores[0]!, first, second)
    await move(stores[1]!, second, third)

    const all = ['mixed', 'large', 'table', 'times', 'events']
    for (const name of all.map(topic)) {
      for (const partition of name === topic('mixed') ? [0, 1] : [0]) {
        const original = [...(await recordsOf(0, name, partition)).values()]
        expect(original.length).toBeGreaterThan(0)
        for (const at of [1, 2]) {
          expect([name, partition, [...(await recordsOf(at, name, partition)).values()]]).toEqual([
            name,
            partition,
            original,
          ])
        }
      }
    }
    expect(await compressionsOf(2, topic('mixed'))).toEqual(await compressionsOf(0, topic('mixed')))
    expect((await compressionsOf(2, topic('mixed'))).length).toBe(19)
    const states = await Promise.all(
      stores.map(async (store, at) => {
        const { manifest } = await readManifest(store, places[at]!.clusterId, 1)
        const { topics } = await readState(store, manifest)
        return topics.map(({ id: _, ...state }) => state).toSorted((a, b) => (a.name < b.name ? -1 : 1))
      }),
    )
    expect(states[1]).toEqual(states[0])
    const next = await nextEvents(0)
    expect(next.end).toBe('the end, lag 0')
    expect(await nextEvents(1)).toEqual(next)
    expect(await nextEvents(2)).toEqual(next)
    // Everything of the log lies behind it: it sees every event that is left.
    expect(next.deleted).toBe(next.start)
    const [value] = await valuesOf(2, topic('events'))
    const decoder = new SchemaRegistry({ host: third.registry.url })
    expect({ ...(await decoder.decode(value!)) }).toEqual({ n: 7 })
    await Promise.all(stores.map((store) => store.close()))
  })

  async function valuesOf(at: number, name: string): Promise<Buffer[]> {
    const values: Buffer[] = []
    const [end] = await places[at]!.cluster.listOffsets([{ topic: name, partition: 0 }], 'latest')
    for await (const event of places[at]!.cluster.read([{ topic: name, partition: 0, next: 0n, end: end!.offset! }])) {
      if (event.kind === 'records') values.push(...event.records.map(({ value }) => Buffer.from(value!)))
    }
    return values
  }
})
