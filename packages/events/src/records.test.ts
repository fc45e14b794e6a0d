// Topics whose records have an Avro shape of their own: emitted and handled beside clients that are not ours.
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { Kafka, logLevel, type Message } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { until, useEvents } from '../../../test/support/events.ts'
import { connectEvents, type EventValidationError, type ReceivedRecord } from './index.ts'
import { startTestPlatform } from './testing.ts'

const order = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'order_id', type: 'string' },
    { name: 'total', type: { type: 'bytes', logicalType: 'decimal', precision: 9, scale: 2 } },
    {
      name: 'lines',
      type: { type: 'array', items: { type: 'record', name: 'Line', fields: [{ name: 'count', type: 'int' }] } },
    },
    { name: 'note', type: ['null', 'string'], default: null },
  ],
}
const value = { order_id: 'o-1', total: '12.30', lines: [{ count: 2 }] }

describeEngines('records of a shape of their own', (engine) => {
  const rig = useEvents(engine)
  const kafka = () => new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING })

  async function produce(topic: string, messages: Message[]): Promise<void> {
    const producer = kafka().producer()
    await producer.connect()
    await producer.send({ topic, messages })
    await producer.disconnect()
  }

  async function handled(topic: string, count: number): Promise<ReceivedRecord[]> {
    const records: ReceivedRecord[] = []
    const stream = await rig.connect()
    stream.on(topic, (record) => void records.push(record))
    await stream.run()
    await until(`${count} records`, () => records.length === count)
    return records
  }

  // The first group of a new Apache Kafka waits until __consumer_offsets is there.
  it('are written as kafkajs with its registry client reads them, defaults filled in', {
    timeout: 60_000,
  }, async () => {
    const topic = await rig.topic('shop.orders', { schema: order, partitions: 1 })
    const stream = await rig.connect()
    const result = await stream.emit(topic, value, {
      key: 'o-1',
      headers: { tenant: 'acme' },
      timestampMs: 1_700_000_000_000,
    })
    expect(result).toEqual({ topic, partition: 0, offset: 0n })

    const consumer = kafka().consumer({ groupId: rig.unique('reader'), maxWaitTimeInMs: 100 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const { promise, resolve } = Promise.withResolvers<{
      key: string
      value: Buffer
      headers: string
      timestamp: string
    }>()
    await consumer.run({
      eachMessage: async ({ message }) =>
        resolve({
          key: String(message.key),
          value: message.value!,
          headers: String(message.headers!.tenant),
          timestamp: message.timestamp,
        }),
    })
    const read = await promise
    await consumer.disconnect()
    expect(read).toMatchObject({ key: 'o-1', headers: 'acme', timestamp: '1700000000000' })
    const decoded = (await new SchemaRegistry({ host: rig.registryUrl }).decode(read.value)) as Record<string, unknown>
    expect({ ...decoded, total: (decoded.total as Buffer).toString('hex') }).toEqual({
      order_id: 'o-1',
      total: '04ce',
      lines: [{ count: 2 }],
      note: null,
    })
  })

  it('reach a handler with key, headers, time, partition and offset, also from another client', async () => {
    const topic = await rig.topic('shop.orders', { schema: order, partitions: 1 })
    const theirs = new SchemaRegistry({ host: rig.registryUrl })
    const id = await theirs.getLatestSchemaId(`${topic}-value`)
    const written = await theirs.encode(id, { ...value, total: Buffer.from('04ce', 'hex'), note: 'gift' })
    await produce(topic, [
      { key: Buffer.from([0xff]), value: written, headers: { a: 'b' }, timestamp: '1700000000000' },
    ])
    const [record] = await handled(topic, 1)
    expect(record).toMatchObject({
      value: { ...value, note: 'gift' },
      keyBytes: Buffer.from([0xff]),
      topic,
      partition: 0,
      offset: 0n,
      timestampMs: 1_700_000_000_000,
      attempt: 1,
    })
    expect(String(record!.headers.get('a'))).toBe('b')
  })

  it('are read as the service’s own schema has them: a field that the writer did not know has its default', async () => {
    const topic = await rig.topic('shop.orders', { schema: order, partitions: 1 })
    const writer = await rig.connect()
    await writer.emit(topic, value, { key: 'o-1' })
    const newer = {
      ...order,
      fields: [...order.fields.slice(0, 3), { name: 'channel', type: 'string', default: 'web' }],
    }
    const records: ReceivedRecord[] = []
    const reader = await rig.connect({ schemas: { [topic]: JSON.stringify(newer) } })
    reader.on(topic, (record) => void records.push(record))
    await reader.run()
    await until('the record', () => records.length === 1)
    expect(records[0]!.value).toEqual({ ...value, channel: 'web' })
  })

  it('that delete a key arrive as null, with the key', async () => {
    const topic = await rig.topic('shop.carts', {
      schema: order,
      partitions: 1,
      config: { 'cleanup.policy': 'compact' },
    })
    const stream = await rig.connect()
    await stream.emit(topic, value, { key: 'c-1' })
    await stream.emit(topic, null, { key: 'c-1' })
    await expect(stream.emit(topic, null, { key: null })).rejects.toMatchObject({
      code: 'INVALID_OPTION',
      field: 'key',
    })
    expect((await handled(topic, 2)).map((record) => [record.key, record.value === null])).toEqual([
      ['c-1', false],
      ['c-1', true],
    ])
  })

  it('of one key keep the order of the calls, also before the schema is known; those without a key use every partition', async () => {
    const topic = await rig.topic('shop.orders', { schema: order, partitions: 3 })
    const stream = await rig.connect({ maxWaitingBytes: 50_000 })
    const ids = Array.from({ length: 300 }, (_, i) => `o-${i}`)
    const changing = { ...value }
    const keyed = ids.map((order_id) => {
      changing.order_id = order_id
      return stream.emit(topic, changing, { key: 'all' })
    })
    const note = 'x'.repeat(1000)
    const keyless = Array.from({ length: 200 }, () => stream.emit(topic, { ...value, note }, { key: null }))
    await Promise.all(keyed)
    expect(new Set((await Promise.all(keyless)).map(({ partition }) => partition)).size).toBe(3)
    const records = await handled(topic, 500)
    const ofKey = records.filter(({ key }) => key === 'all').map((record) => (record.value as typeof value).order_id)
    expect(ofKey).toEqual(ids)
  })

  it('that do not fit the registered schema are refused before anything is sent, each mistake with its path', async () => {
    const topic = await rig.topic('shop.orders', { schema: order })
    const stream = await rig.connect()
    const wrong = { order_id: 5, total: '1.234', lines: [{ count: 'two' }], coupon: 'X' }
    const refused = async (): Promise<EventValidationError> =>
      (await stream.emit(topic, wrong, { key: null }).catch((error: unknown) => error)) as EventValidationError
    // Before the schema is known, and after.
    for (const error of [await refused(), await refused()]) {
      expect(error).toMatchObject({ code: 'EVENT_INVALID', topic, eventType: null })
      expect(error.problems).toEqual([
        { path: '/order_id', expected: 'must be string, it is 5' },
        {
          path: '/total',
          expected: expect.stringMatching(
            /\(precision 9, scale 2\); '1\.234' has 3 digits after the point, the schema allows 2$/,
          ),
        },
        { path: '/lines/0/count', expected: 'must be int, it is a string' },
        {
          path: '/coupon',
          expected: expect.stringMatching(/^is not in shop\.Order as it is registered \(schema \d+\)/),
        },
      ])
    }
    await expect(
      stream.emitMany([
        { topic, value, key: 'a' },
        { topic, value: { order_id: 'b' }, key: 'b' },
      ]),
    ).rejects.toMatchObject({
      code: 'EMIT_MANY_FAILED',
      outcomes: [
        { ok: false, error: { message: expect.stringContaining('not sent') } },
        { ok: false, error: { code: 'EVENT_INVALID' } },
      ],
    })
    const [one, two] = await stream.emitMany([
      { topic, value, key: 'a' },
      { topic, value, key: 'a' },
    ])
    expect([one!.offset, two!.offset]).toEqual([0n, 1n])
  })

  it('that cannot be decoded, and those whose handler fails, go to the dead letters as they came', async () => {
    const topic = await rig.topic('shop.orders', { schema: order, partitions: 1 })
    const letters: unknown[] = []
    const stream = await rig.connect({
      observer: { deadLettered: ({ offset, eventId, error }) => void letters.push([offset, eventId, error.message]) },
    })
    await produce(topic, [{ key: 'a', value: 'not framed' }])
    await stream.emit(topic, value, { key: 'b' })
    stream.on(topic, () => {
      throw new Error('no stock')
    })
    await stream.run()
    await until('two dead letters', () => letters.length === 2)
    expect(letters.sort()).toEqual([
      [0n, null, 'the value does not begin with a zero and a schema id (Confluent framing)'],
      [1n, null, 'no stock'],
    ])
  })

  it('cannot be emitted with the signature for events, nor events with theirs; the error names the right one', async () => {
    const own = await rig.topic('shop.orders', { schema: order })
    const events = await rig.topic('user.events')
    const stream = await rig.connect()
    await expect(stream.emit(own, 'order_placed', {}, { userId: 'u' })).rejects.toThrow(
      `${own}-value: the registered schema cannot carry events: it has no field event_id`,
    )
    await expect(stream.emit(events, { email: 'a@b.c' }, { key: 'u' })).rejects.toThrow(
      'the registered schema is the envelope: emit(topic, eventType, data, { userId })',
    )
    await expect(stream.emit(own, [] as never, { key: 'u' })).rejects.toMatchObject({ field: 'value' })
    await expect(stream.emit(own, value, {} as never)).rejects.toMatchObject({ field: 'key' })
    expect(() => stream.on(own, 'text' as never)).toThrow('is not a function')
    stream.on(own, () => {})
    expect(() => stream.on(own, () => {})).toThrow('has a handler already')
    expect(() => stream.on(own, '*', () => {})).toThrow('has a handler already')
  })
})

describe('the test platform', () => {
  it('knows records that have a shape of their own', async () => {
    const platform = await startTestPlatform({ topics: { orders: { schema: JSON.stringify(order), partitions: 1 } } })
    try {
      const stream = await connectEvents({ ...platform.options, service: 'shop' })
      stream.on('orders', () => {})
      await stream.run()
      const sent = await stream.emit('orders', value, { key: 'o-1' })
      expect(await platform.waitForHandled(sent)).toMatchObject({ key: 'o-1', value })
      expect(platform.emittedRecords).toEqual([{ ...sent, key: 'o-1', value }])
      await expect(stream.emit('orders', 'placed', {}, { userId: 'u' })).rejects.toThrow('orders has no event types')
      await expect(platform.waitForHandled({ ...sent, offset: 9n }, 20)).rejects.toThrow(
        'the record at orders-0@9 was not handled within 20 ms',
      )
      await stream.close()
    } finally {
      await platform.close()
    }
  })
})
