// The registry and its topic: what a Confluent registry wrote is read, what we write is what it would have written.
import { Admin } from '@platformatic/kafka'
import { connectCluster, readRanges } from '@selfmonitor/cluster'
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { ownTopic, produce, registriesOfEachTest, silent, startTestRegistry } from '../test-support/app.ts'
import { TopicUnusableError } from './errors.ts'
import { openStore } from './store.ts'

/** All records of a topic's only partition. */
async function recordsOf(bootstrapServers: string, topic: string): Promise<[key: string, value: string | null][]> {
  const cluster = connectCluster({ bootstrapServers })
  try {
    const window = { from: { kind: 'earliest' }, until: { kind: 'latest' } } as const
    const records: [string, string | null][] = []
    for await (const event of cluster.read(await readRanges(cluster, await cluster.describeTopics([topic]), window))) {
      if (event.kind !== 'records') continue
      for (const { key, value } of event.records) records.push([String(key), value?.toString() ?? null])
    }
    return records
  } finally {
    await cluster.close()
  }
}

async function createTopic(bootstrapServers: string, topic: string, partitions: number, policy: string): Promise<void> {
  const cluster = connectCluster({ bootstrapServers })
  try {
    await cluster.createTopics([
      { name: topic, partitions, replicationFactor: 1, config: { 'cleanup.policy': policy } },
    ])
  } finally {
    await cluster.close()
  }
}

describeEngines('the registry topic', (engine) => {
  const start = registriesOfEachTest()

  it('is made compacted, with one partition and as many replicas as there are brokers', async () => {
    const { topic } = await start(engine.bootstrapServers)
    const admin = new Admin({ clientId: 'admin', bootstrapBrokers: [engine.bootstrapServers] })
    try {
      const metadata = await admin.metadata({ topics: [topic] })
      expect(metadata.topics.get(topic)!.partitions.map(({ replicas }) => replicas.length)).toEqual([1])
      const [described] = await admin.describeConfigs({ resources: [{ resourceType: 2, resourceName: topic }] })
      expect(described!.configs.find(({ name }) => name === 'cleanup.policy')?.value).toBe('compact')
    } finally {
      await admin.close()
    }
  })

  it.each([
    ['is not compacted', 1, 'delete', /cleanup\.policy is 'delete'.*Set it with: kafka-configs/],
    ['is compacted and deleted', 1, 'compact,delete', /cleanup\.policy is 'compact,delete'/],
    ['has two partitions', 2, 'compact', /should have only 1 partition but has 2/],
  ])('is refused when it %s', async (_, partitions, policy, message) => {
    const topic = ownTopic()
    await createTopic(engine.bootstrapServers, topic, partitions, policy)
    const opening = openStore({
      bootstrapServers: engine.bootstrapServers,
      topic,
      replicationFactor: 1,
      timeoutMs: 5000,
      startTimeoutMs: 10_000,
      logger: silent,
    })
    const error = await opening.then(
      () => undefined,
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(TopicUnusableError)
    expect((error as Error).message).toMatch(message)
  })

  it('gets, for each change, the records that a Confluent registry writes', async () => {
    const registry = await start(engine.bootstrapServers)
    const post = (subject: string, schema: string, more: object = {}) =>
      registry.call('POST', `/subjects/${subject}/versions`, { schema, ...more })
    const [a, b, c] = ['A', 'B', 'C'].map((name) => `{"type":"record","name":"${name}","fields":[]}`) as [
      string,
      string,
      string,
    ]
    await registry.call('PUT', '/config/t', { compatibility: 'NONE' })
    await post('t', a)
    await post('t', b)
    await registry.call('DELETE', '/subjects/t/versions/1')
    await registry.call('DELETE', '/subjects/t/versions/1?permanent=true')
    await post('d', a)
    await registry.call('DELETE', '/subjects/d')
    await registry.call('DELETE', '/subjects/d?permanent=true')
    await registry.call('PUT', '/mode/r', { mode: 'READONLY' })
    await registry.call('DELETE', '/mode/r')
    await registry.call('PUT', '/mode/i', { mode: 'IMPORT' })
    await post('i', c, { id: 42, version: 5 })

    // Recorded from Confluent Schema Registry 7.4.0 under the same requests (it starts with a second NOOP, for its election).
    const text = (name: string) => `{\\"type\\":\\"record\\",\\"name\\":\\"${name}\\",\\"fields\\":[]}`
    const records = await recordsOf(engine.bootstrapServers, registry.topic)
    // Announcements are NOOP records with a value, which every registry passes over.
    const others = records.filter(([key, value]) => !key.includes('NOOP') || value === null)
    expect(others).toEqual([
      ['{"keytype":"NOOP","magic":0}', null],
      ['{"keytype":"CONFIG","subject":"t","magic":0}', '{"subject":"t","compatibilityLevel":"NONE"}'],
      [
        '{"keytype":"SCHEMA","subject":"t","version":1,"magic":1}',
        `{"subject":"t","version":1,"id":1,"schema":"${text('A')}","deleted":false}`,
      ],
      [
        '{"keytype":"SCHEMA","subject":"t","version":2,"magic":1}',
        `{"subject":"t","version":2,"id":2,"schema":"${text('B')}","deleted":false}`,
      ],
      [
        '{"keytype":"SCHEMA","subject":"t","version":1,"magic":1}',
        `{"subject":"t","version":1,"id":1,"schema":"${text('A')}","deleted":true}`,
      ],
      ['{"keytype":"SCHEMA","subject":"t","version":1,"magic":1}', null],
      [
        '{"keytype":"SCHEMA","subject":"d","version":1,"magic":1}',
        `{"subject":"d","version":1,"id":3,"schema":"${text('A')}","deleted":false}`,
      ],
      ['{"keytype":"DELETE_SUBJECT","subject":"d","magic":0}', '{"subject":"d","version":1}'],
      ['{"keytype":"SCHEMA","subject":"d","version":1,"magic":1}', null],
      ['{"keytype":"MODE","subject":"r","magic":0}', '{"subject":"r","mode":"READONLY"}'],
      ['{"keytype":"MODE","subject":"r","magic":0}', null],
      ['{"keytype":"CLEAR_SUBJECT","subject":"i","magic":0}', '{"subject":"i"}'],
      ['{"keytype":"MODE","subject":"i","magic":0}', '{"subject":"i","mode":"IMPORT"}'],
      [
        '{"keytype":"SCHEMA","subject":"i","version":5,"magic":1}',
        `{"subject":"i","version":5,"id":42,"schema":"${text('C')}","deleted":false}`,
      ],
    ])
  })

  it('says once that a context is there, and loses the old version of a schema that is registered again', async () => {
    const registry = await start(engine.bootstrapServers)
    const register = () => registry.call('POST', '/subjects/:.lab:s/versions', { schema: '"int"' })
    await register()
    await registry.call('DELETE', '/subjects/:.lab:s')
    await register()
    const records = (await recordsOf(engine.bootstrapServers, registry.topic)).filter(([key]) => !key.includes('NOOP'))
    const version = (number: number) => `{"keytype":"SCHEMA","subject":":.lab:s","version":${number},"magic":1}`
    const value = (number: number) =>
      `{"subject":":.lab:s","version":${number},"id":1,"schema":"\\"int\\"","deleted":false}`
    expect(records).toEqual([
      ['{"keytype":"CONTEXT","tenant":"default","context":".lab","magic":0}', '{"tenant":"default","context":".lab"}'],
      [version(1), value(1)],
      ['{"keytype":"DELETE_SUBJECT","subject":":.lab:s","magic":0}', '{"subject":":.lab:s","version":1}'],
      [version(2), value(2)],
      [version(1), null],
    ])
  })

  it('is read as a Confluent registry left it, unknown records and other key orders included', async () => {
    const topic = ownTopic()
    await createTopic(engine.bootstrapServers, topic, 1, 'compact')
    await produce(engine.bootstrapServers, topic, [
      ['{"keytype":"NOOP","magic":0}', null],
      ['{"keytype":"NOOP","magic":0}', null],
      ['{"keytype":"CONFIG","subject":null,"magic":0}', '{"compatibilityLevel":"FULL"}'],
      [
        '{"keytype":"SCHEMA","subject":"av_money","version":1,"magic":1}',
        '{"subject":"av_money","version":1,"id":1,"schema":"{\\"type\\":\\"record\\",\\"name\\":\\"Money\\",\\"fields\\":[{\\"name\\":\\"cents\\",\\"type\\":\\"long\\"}]}","deleted":false}',
      ],
      [
        '{"keytype":"SCHEMA","subject":"av_order","version":1,"magic":1}',
        '{"subject":"av_order","version":1,"id":2,"references":[{"name":"Money","subject":"av_money","version":1}],"schema":"{\\"type\\":\\"record\\",\\"name\\":\\"Order\\",\\"fields\\":[{\\"name\\":\\"price\\",\\"type\\":\\"Money\\"}]}","deleted":false}',
      ],
      [
        '{"keytype":"SCHEMA","subject":"pb_money","version":1,"magic":1}',
        '{"subject":"pb_money","version":1,"id":3,"schemaType":"PROTOBUF","schema":"syntax = \\"proto3\\";\\npackage m;\\n\\nmessage Money {\\n  int64 cents = 1;\\n}\\n","deleted":false}',
      ],
      // Values of Protobuf and JSON schemas have been seen in this order too.
      [
        '{"keytype":"SCHEMA","subject":"js_amount","version":1,"magic":1}',
        '{"subject":"js_amount","version":1,"id":5,"schema":"{\\"type\\":\\"integer\\",\\"maximum\\":10}","schemaType":"JSON","deleted":false}',
      ],
      // Karapace writes keys in this order.
      [
        '{"subject":"old","version":1,"magic":1,"keytype":"SCHEMA"}',
        '{"subject":"old","version":1,"id":6,"deleted":false,"schema":"{\\"type\\": \\"int\\"}"}',
      ],
      [
        '{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}',
        '{"subject":"gone","version":1,"id":7,"schema":"\\"long\\"","deleted":false}',
      ],
      [
        '{"keytype":"SCHEMA","subject":"gone","version":2,"magic":1}',
        '{"subject":"gone","version":2,"id":8,"schema":"\\"double\\"","deleted":false}',
      ],
      ['{"keytype":"DELETE_SUBJECT","subject":"gone","magic":0}', '{"subject":"gone","version":2}'],
      ['{"keytype":"SCHEMA","subject":"gone","version":1,"magic":1}', null],
      ['{"keytype":"MODE","subject":"av_money","magic":0}', '{"subject":"av_money","mode":"READONLY"}'],
      ['{"keytype":"CONTEXT","tenant":"default","context":".lab","magic":0}', '{"tenant":"default","context":".lab"}'],
      ['{"keytype":"ASSOC","magic":0}', '{}'],
      ['not even JSON', 'nor this'],
    ])
    const registry = await start(engine.bootstrapServers, { topic })
    const get = async (path: string) => (await registry.call('GET', path)).body
    expect(await get('/subjects')).toEqual(['av_money', 'av_order', 'js_amount', 'old', 'pb_money'])
    expect(await get('/subjects?deletedOnly=true')).toEqual(['gone'])
    expect(await get('/subjects/gone/versions?deleted=true')).toEqual([2])
    expect(await get('/config')).toEqual({ compatibilityLevel: 'FULL' })
    expect(await get('/mode/av_money')).toEqual({ mode: 'READONLY' })
    expect(await get('/contexts')).toEqual(['.', '.lab'])
    expect(await get('/subjects/av_money/versions/1/referencedby')).toEqual([2])
    expect(await get('/schemas/ids/2')).toMatchObject({
      references: [{ name: 'Money', subject: 'av_money', version: 1 }],
      schema: '{"type":"record","name":"Order","fields":[{"name":"price","type":"Money"}]}',
    })
    expect(await get('/subjects/js_amount/versions/latest')).toMatchObject({
      subject: 'js_amount',
      version: 1,
      id: 5,
      schemaType: 'JSON',
      schema: '{"type":"integer","maximum":10}',
    })
    expect(await get('/schemas/ids/6')).toMatchObject({ schema: '{"type": "int"}' })
    const next = await registry.call('POST', '/subjects/new/versions', { schema: '"boolean"' })
    expect(next.body).toMatchObject({ id: 9 })
    const known = await registry.call('POST', '/subjects/old/versions', { schema: '"int"' })
    expect(known.body).toMatchObject({ id: 6 })
  })

  it('is all that a restart needs', async () => {
    const first = await startTestRegistry(engine.bootstrapServers)
    const schema = '{"type":"record","name":"A","fields":[{"name":"größe","type":"int"}]}'
    await first.call('POST', '/subjects/a/versions', { schema })
    await first.call('POST', '/subjects/b/versions', { schema: '"int"' })
    await first.call('DELETE', '/subjects/b')
    await first.call('PUT', '/config/a', { compatibility: 'FULL' })
    await first.call('PUT', '/mode/a', { mode: 'READONLY' })
    const paths = [
      '/schemas?deleted=true',
      '/subjects?deletedOnly=true',
      '/config/a',
      '/mode/a',
      '/schemas/ids/1',
      '/schemas/ids/2?fetchMaxId=true',
    ]
    const before = await Promise.all(paths.map(async (path) => (await first.call('GET', path)).text))
    await first.close()
    const second = await start(engine.bootstrapServers, { topic: first.topic })
    const after = await Promise.all(paths.map(async (path) => (await second.call('GET', path)).text))
    expect(after).toEqual(before)
  })
})

describe('a Kafka that is not there', () => {
  it('is an error after the time limit, with the address in the reason', async () => {
    const opening = openStore({
      bootstrapServers: '127.0.0.1:1',
      topic: 't',
      replicationFactor: 1,
      timeoutMs: 500,
      startTimeoutMs: 500,
      logger: silent,
    })
    await expect(opening).rejects.toMatchObject({
      code: 'STORE_TIMEOUT',
      message: expect.stringMatching(/127\.0\.0\.1:1|ECONNREFUSED/),
    })
  })
})
