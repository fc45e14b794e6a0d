// Emitting, judged by other clients: what arrives, where, in which order, and what is refused.
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { envelopeSchema, type RawRecord, until, useEvents } from '../../../test/support/events.ts'
import { EmitError, type EmitManyError } from './errors.ts'
import { connectEvents } from './index.ts'

/** Reads a topic from its start with kafkajs until it has `count` records. */
async function readWithKafkajs(bootstrapServers: string, topic: string, count: number): Promise<RawRecord[]> {
  const kafka = new Kafka({ brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `${topic}-reader`, maxWaitTimeInMs: 100 })
  const records: RawRecord[] = []
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    eachMessage: async ({ partition, message }) => {
      const headers = Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)] as const)
      records.push({
        partition,
        offset: BigInt(message.offset),
        key: message.key,
        value: message.value,
        headers: new Map(headers),
      })
    },
  })
  await until(`${count} records of ${topic}`, () => records.length >= count)
  await consumer.disconnect()
  return records
}

describeEngines('emit', (engine) => {
  const rig = useEvents(engine)

  it('writes what kafkajs with its registry client reads', async () => {
    const topic = await rig.topic('user.events')
    const stream = await rig.connect()
    const result = await stream.emit(
      topic,
      'user_created',
      { email: 'ada@example.com' },
      { userId: 'user-1', headers: { tenant: 'acme' }, timestampMs: 1_700_000_000_000 },
    )

    const [record] = await readWithKafkajs(engine.bootstrapServers, topic, 1)
    expect(record).toMatchObject({
      partition: result.partition,
      offset: result.offset,
      headers: new Map([['tenant', 'acme']]),
    })
    expect(record!.key!.toString()).toBe('user-1')
    expect(await new SchemaRegistry({ host: rig.registryUrl }).decode(record!.value!)).toEqual({
      event_id: result.eventId,
      event_type: 'user_created',
      user_id: 'user-1',
      timestamp: 1_700_000_000_000,
      data: '{"email":"ada@example.com"}',
    })
  })

  it("puts a key where Kafka's default partitioner puts it", async () => {
    const topic = await rig.topic('user.events', { partitions: 12 })
    const stream = await rig.connect()
    const keys = Array.from({ length: 40 }, (_, i) => `user-${i}`)
    const ours = await Promise.all(keys.map((key) => stream.emit(topic, 'a', {}, { userId: key })))

    const kafka = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING })
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner })
    await producer.connect()
    await producer.send({ topic, messages: keys.map((key) => ({ key, value: 'theirs' })) })
    await producer.disconnect()

    const records = await readWithKafkajs(engine.bootstrapServers, topic, 80)
    const theirs = new Map(
      records.filter(({ value }) => value!.toString() === 'theirs').map((one) => [one.key!.toString(), one.partition]),
    )
    expect(ours.map(({ partition }) => partition)).toEqual(keys.map((key) => theirs.get(key)))
  })

  it('keeps the order of a key, also of events that are emitted before the topic is known', async () => {
    const topic = await rig.topic('user.events')
    const stream = await rig.connect()
    const emitted: Promise<unknown>[] = []
    for (let i = 0; i < 3000; i++) {
      emitted.push(stream.emit(topic, 'counted', { i }, { userId: `user-${i % 7}` }))
      if (i % 500 === 0) await new Promise((resolve) => setImmediate(resolve))
    }
    await Promise.all(emitted)

    const records = await readWithKafkajs(engine.bootstrapServers, topic, 3000)
    const registry = new SchemaRegistry({ host: rig.registryUrl })
    const numbers = new Map<string, number[]>()
    for (const { key, value } of records) {
      const { data } = (await registry.decode(value!)) as { data: string }
      numbers.set(key!.toString(), [...(numbers.get(key!.toString()) ?? []), (JSON.parse(data) as { i: number }).i])
    }
    expect(records.length).toBe(3000)
    for (const [key, list] of numbers) {
      expect(list).toEqual(Array.from({ length: list.length }, (_, n) => n * 7 + Number(key.slice(5))))
    }
  })

  it('holds events back when too many are unacknowledged, and sends all of them in the end', async () => {
    const topic = await rig.topic('user.events')
    const stream = await rig.connect({ maxWaitingBytes: 10_000 })
    const results = await Promise.all(
      Array.from({ length: 2000 }, (_, i) =>
        stream.emit(topic, 'counted', { i, text: 'x'.repeat(100) }, { userId: 'u' }),
      ),
    )
    expect(results.map(({ offset }) => offset)).toEqual(Array.from({ length: 2000 }, (_, i) => BigInt(i)))
    expect(stream.stats()).toMatchObject({ emitted: 2000, emitFailed: 0, emitWaiting: 0 })
  })

  it('flushes what was emitted before, also what waited for room, while more keeps coming', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const stream = await rig.connect({ maxWaitingBytes: 2000 })
    let settled = 0
    const before = Array.from({ length: 200 }, (_, i) =>
      stream.emit(topic, 'a', { i, text: 'x'.repeat(100) }, { userId: 'u' }).then(() => settled++),
    )
    let steady = true
    const again = async (): Promise<void> => {
      while (steady) await stream.emit(topic, 'later', { text: 'x'.repeat(100) }, { userId: 'u' })
    }
    const flushed = stream.flush()
    const load = Array.from({ length: 30 }, again)
    await flushed
    expect(settled).toBe(200)
    expect(stream.stats().emitWaiting).toBeGreaterThan(0)
    steady = false
    await Promise.all([...before, ...load])
    await stream.flush()
    expect(stream.stats().emitWaiting).toBe(0)
  })

  it('gives every topic its turn when all wait for room', async () => {
    const long = await rig.topic('long.events', { partitions: 1 })
    const short = await rig.topic('short.events', { partitions: 1 })
    const stream = await rig.connect({ maxWaitingBytes: 2000 })
    await stream.emit(long, 'a', {}, { userId: 'u' })
    await stream.emit(short, 'a', {}, { userId: 'u' })
    const order: string[] = []
    const send = (topic: string) =>
      stream.emit(topic, 'a', { text: 'x'.repeat(500) }, { userId: 'u' }).then(() => order.push(topic))
    const all = [...Array.from({ length: 2000 }, () => send(long)), ...Array.from({ length: 10 }, () => send(short))]
    await Promise.all(all)
    expect(order.lastIndexOf(short)).toBeLessThan(1000)
  })

  it('splits a batch that is larger than the topic takes, and refuses an event that is', async () => {
    const topic = await rig.topic('user.events', { partitions: 1, config: { 'max.message.bytes': '2000' } })
    const stream = await rig.connect()
    const results = await Promise.allSettled(
      [100, 1000, 5000, 1000, 100].map((size) =>
        stream.emit(topic, 'sized', { text: 'x'.repeat(size) }, { userId: 'u' }),
      ),
    )
    expect(results.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ])
    const error = (results[2] as PromiseRejectedResult).reason as EmitError
    expect(error).toBeInstanceOf(EmitError)
    expect(error).toMatchObject({
      code: 'EMIT_REFUSED',
      topic,
      partition: 0,
      kafkaError: 'MESSAGE_TOO_LARGE',
      maybeWritten: false,
    })
    expect((await stream.emit(topic, 'sized', {}, { userId: 'u' })).offset).toBe(4n)
  })

  it('says that a topic is not on the cluster, and sends once it is', async () => {
    const stream = await rig.connect()
    const name = rig.unique('later.events')
    await rig.registry.register(`${name}-value`, {
      schema: JSON.stringify(envelopeSchema),
    })
    await expect(stream.emit(name, 'a', {}, { userId: 'u' })).rejects.toThrow(
      `unknown topic "${name}" (not on the cluster`,
    )
    await rig.cluster.createTopics([{ name, partitions: 1, replicationFactor: 1 }])
    await until('the topic is there', async () => {
      const result = await stream.emit(name, 'a', {}, { userId: 'u' }).catch(() => null)
      return result !== null
    })
  })

  it('says that no schema is registered', async () => {
    const name = rig.unique('bare.events')
    await rig.cluster.createTopics([{ name, partitions: 1, replicationFactor: 1 }])
    const stream = await rig.connect()
    await expect(stream.emit(name, 'a', {}, { userId: 'u' })).rejects.toMatchObject({
      code: 'SCHEMA_UNUSABLE',
      subject: `${name}-value`,
      message: expect.stringContaining(
        `no schema is registered at ${rig.registryUrl} (from the option registryUrl): run \`selfmonitor apply\``,
      ),
    })
  })

  it('validates payloads before it sends, and with emitMany sends all or says which failed', async () => {
    const topic = await rig.topic('user.events')
    const schemas = {
      [topic]: { user_created: { type: 'object', required: ['email'], properties: { email: { type: 'string' } } } },
    }
    const stream = await rig.connect({ schemas })
    await expect(stream.emit(topic, 'user_created', { email: 5 }, { userId: 'u' })).rejects.toMatchObject({
      code: 'EVENT_INVALID',
    })
    await expect(stream.emit(topic, 'user_creatd', {}, { userId: 'u' })).rejects.toThrow('did you mean "user_created"?')
    await expect(stream.emit(topic, 'user_created', { email: 'a' }, { userId: '' })).rejects.toThrow(
      'userId: must be a non-empty string; got an empty one',
    )

    const event = (email: unknown) => ({ topic, eventType: 'user_created', data: { email }, userId: 'u' })
    const error = (await stream
      .emitMany([event('a'), event(1), event('b')])
      .catch((thrown: unknown) => thrown)) as EmitManyError
    expect(error).toMatchObject({ code: 'EMIT_MANY_FAILED' })
    expect(error.message).toContain('nothing was sent')
    expect(error.outcomes.map((outcome) => (outcome.ok ? 'sent' : (outcome.error as { code?: string }).code))).toEqual([
      'INVALID_OPTION',
      'EVENT_INVALID',
      'INVALID_OPTION',
    ])
    expect(stream.stats().emitted).toBe(0)

    const results = await stream.emitMany([event('a'), event('b'), event('c')])
    expect(results.map(({ offset }) => offset)).toEqual([0n, 1n, 2n])
  })

  it('acknowledges what was emitted before close, and refuses what comes after it', async () => {
    const topic = await rig.topic('user.events')
    const stream = await rig.connect()
    const before = Array.from({ length: 100 }, (_, i) => stream.emit(topic, 'a', { i }, { userId: 'u' }))
    await stream.close()
    expect((await Promise.all(before)).length).toBe(100)
    await expect(stream.emit(topic, 'a', {}, { userId: 'u' })).rejects.toMatchObject({ code: 'CLOSED' })
  })
})

describe('connecting', () => {
  it('says which address does not answer, and what to do', async () => {
    const connect = connectEvents({ service: 'a', bootstrapServers: '127.0.0.1:1' })
    await expect(connect).rejects.toMatchObject({ code: 'BROKER_UNREACHABLE', address: '127.0.0.1:1' })
    await expect(connect).rejects.toThrow(
      /No Kafka broker answers at 127\.0\.0\.1:1, from the option bootstrapServers \(.*ECONNREFUSED.*\); start one with `selfmonitor up`, or set the option bootstrapServers to where it is/,
    )
    const origins = { bootstrapServers: 'KAFKA_BOOTSTRAP_SERVERS' }
    await expect(connectEvents({ service: 'a', bootstrapServers: '127.0.0.1:1', origins })).rejects.toThrow(
      /at 127\.0\.0\.1:1, from KAFKA_BOOTSTRAP_SERVERS \(.*or set KAFKA_BOOTSTRAP_SERVERS to where it is/,
    )
  })
})

describeEngines('connecting with a broker but no registry', (engine) => {
  it('says which address does not answer, and what to do', async () => {
    const connect = connectEvents({
      service: 'a',
      bootstrapServers: engine.bootstrapServers,
      registryUrl: 'http://ann:s3cret@127.0.0.1:1',
    })
    await expect(connect).rejects.toMatchObject({ code: 'REGISTRY_UNREACHABLE', address: 'http://127.0.0.1:1' })
    await expect(connect).rejects.toThrow('answers at http://127.0.0.1:1, from the option registryUrl (')
    await expect(connect).rejects.not.toThrow('s3cret')
  })
})
