// Reading live partitions, on both engines.
import { randomBytes } from 'node:crypto'
import { Producer } from '@platformatic/kafka'
import { startBroker } from '@selfmonitor/broker'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { connectCluster } from '../cluster.ts'
import type { ReadEvent, ReadOptions, ReadPosition, ReadRange, ReadRecord } from '../read-types.ts'
import type { Cluster } from '../types.ts'
import { noticeText } from './notice-text.ts'
import { type ReadWindow, readRanges } from './ranges.ts'

interface Message {
  readonly topic: string
  readonly partition?: number
  readonly value: string | Buffer
  readonly timestampMs?: number
}

function producerFor(bootstrapServers: string) {
  return new Producer<string, Buffer, string, string>({
    clientId: 'reader-test',
    bootstrapBrokers: bootstrapServers.split(','),
    // On a busy machine a broker takes its time to know all partitions of a new topic.
    retries: 20,
    idempotent: true,
    serializers: {
      key: (text) => Buffer.from(text!),
      value: (value) => value,
      headerKey: (text) => Buffer.from(text!),
      headerValue: (text) => Buffer.from(text!),
    },
  })
}

/** Everything that a reading gives. */
async function collect(events: AsyncIterable<ReadEvent>) {
  const records: ReadRecord[] = []
  const positions: ReadPosition[] = []
  const said: string[] = []
  for await (const event of events) {
    if (event.kind === 'records') {
      records.push(...event.records)
      positions.push(...event.positions)
    } else said.push(noticeText(event.notice))
  }
  return { records, positions, said, values: records.map(({ value }) => String(value)) }
}

/** Reads until so many records have come, and stops. */
async function first(events: AsyncIterable<ReadEvent>, count: number): Promise<ReadRecord[]> {
  const records: ReadRecord[] = []
  for await (const event of events) {
    if (event.kind === 'records') records.push(...event.records)
    if (records.length >= count) break
  }
  return records
}

const whole: ReadWindow = { from: { kind: 'earliest' }, until: { kind: 'latest' } }

describeEngines('reading partitions', (engine) => {
  const id = `reader-${Date.now().toString(36)}`
  let cluster: Cluster
  let producer: ReturnType<typeof producerFor>

  beforeAll(() => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    producer = producerFor(engine.bootstrapServers)
  })
  afterAll(async () => {
    await producer.close()
    const mine = (await cluster.listTopics()).filter(({ name }) => name.startsWith(id))
    await cluster.deleteTopics(mine.map(({ name }) => name))
    await cluster.close()
  })

  const create = async (name: string, partitions = 1, config: Record<string, string> = {}): Promise<string> => {
    const topic = `${id}.${name}`
    // Some records are older than any retention.
    await cluster.createTopics([
      { name: topic, partitions, replicationFactor: 1, config: { 'retention.ms': '-1', ...config } },
    ])
    return topic
  }
  const write = async (
    messages: readonly Message[],
    compression: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd' = 'none',
  ) => {
    await producer.send({
      compression,
      messages: messages.map(({ topic, partition = 0, value, timestampMs }) => ({
        topic,
        partition,
        key: 'k',
        value: Buffer.from(value),
        headers: { a: 'b' },
        ...(timestampMs === undefined ? {} : { timestamp: BigInt(timestampMs) }),
      })),
    })
  }
  const put = (topic: string, ...values: string[]) => write(values.map((value) => ({ topic, value })))
  const range = (topic: string, next: bigint, end: bigint | null): ReadRange => ({ topic, partition: 0, next, end })
  const window = async (topic: string, wanted: ReadWindow = whole) =>
    readRanges(cluster, await cluster.describeTopics([topic]), wanted)
  const read = (ranges: readonly ReadRange[], options?: ReadOptions) => collect(cluster.read(ranges, options))

  it('gives records with all their fields, in the order of their offsets', async () => {
    const topic = await create('fields')
    await put(topic, 'a', 'b')
    const { records, positions } = await read(await window(topic))
    expect(records.map(({ timestampMs, ...rest }) => rest)).toEqual(
      ['a', 'b'].map((value, offset) => ({
        topic,
        partition: 0,
        offset: BigInt(offset),
        key: Buffer.from('k'),
        value: Buffer.from(value),
        headers: [{ key: 'a', value: Buffer.from('b') }],
      })),
    )
    expect(positions).toEqual([{ topic, partition: 0, next: 2n, limit: 2n }])
  })

  it.each(['gzip', 'snappy', 'lz4', 'zstd'] as const)('reads batches compressed with %s', async (compression) => {
    const topic = await create(`codec.${compression}`)
    const values = Array.from({ length: 500 }, (_, index) => `${index} ${randomBytes(40).toString('hex')}`)
    await write(
      values.map((value) => ({ topic, value })),
      compression,
    )
    expect((await read(await window(topic))).values).toEqual(values)
  })

  it('gives the broker’s time of a topic with LogAppendTime, and the producer’s of others', async () => {
    const longAgo = Date.parse('2020-01-01T00:00:00Z')
    const before = Date.now()
    for (const type of ['LogAppendTime', 'CreateTime'] as const) {
      const topic = await create(type, 1, { 'message.timestamp.type': type })
      await write(['a', 'b'].map((value) => ({ topic, value, timestampMs: longAgo })))
      const times = (await read([range(topic, 0n, 2n)])).records.map(({ timestampMs }) => timestampMs)
      const expected = type === 'CreateTime' ? (ms: number) => ms === longAgo : (ms: number) => ms >= before
      expect({ type, times: times.map(expected) }).toEqual({ type, times: [true, true] })
    }
  })

  it('begins and ends at places, offsets, times and so many before the end', async () => {
    const topic = await create('places')
    const at = Date.parse('2026-01-01T00:00:00Z')
    await write(['0', '1', '2', '3', '4'].map((value, index) => ({ topic, value, timestampMs: at + index * 1000 })))
    const between = async (from: ReadWindow['from'], until: ReadWindow['until']) =>
      (await read(await window(topic, { from, until }))).values.join('')
    expect(await between({ kind: 'offset', offset: 2n }, { kind: 'offset', offset: 4n })).toBe('23')
    expect(await between({ kind: 'time', timestampMs: at + 1500 }, { kind: 'time', timestampMs: at + 4000 })).toBe('23')
    expect(await between({ kind: 'last', offsets: 2 }, { kind: 'latest' })).toBe('34')
    expect(await between({ kind: 'last', offsets: 99 }, { kind: 'offset', offset: 99n })).toBe('01234')
    expect(await between({ kind: 'time', timestampMs: at + 9000 }, { kind: 'latest' })).toBe('')
    expect(await window(topic, { from: { kind: 'latest' }, until: null })).toEqual([range(topic, 5n, null)])
  })

  it('merges partitions in the order of their times, whatever the order of their answers is', async () => {
    const topic = await create('merged', 3)
    const at = Date.parse('2026-01-01T00:00:00Z')
    const messages = Array.from({ length: 3000 }, (_, index) => ({
      topic,
      partition: (index * 7) % 3,
      value: String(index),
      timestampMs: at + index,
    }))
    for (const partition of [2, 0, 1]) await write(messages.filter((message) => message.partition === partition))
    const { values, positions } = await read(await window(topic), { order: 'time', maxBufferedBytes: 100_000 })
    expect(values).toEqual(messages.map(({ value }) => value))
    const last = new Map(positions.map(({ partition, next }) => [partition, next]))
    expect([...last.values()]).toEqual([1000n, 1000n, 1000n])
  })

  it('follows, in the order of arrival and of time, until it is told to stop', async () => {
    const topic = await create('follow', 2)
    await put(topic, 'old')
    for (const order of ['arrival', 'time'] as const) {
      const stop = new AbortController()
      const ranges = await window(topic, { from: { kind: 'latest' }, until: null })
      const seen: string[] = []
      const reading = (async () => {
        for await (const event of cluster.read(ranges, { order, signal: stop.signal })) {
          if (event.kind !== 'records') continue
          for (const { value } of event.records) seen.push(String(value))
          if (seen.length >= 2) stop.abort()
        }
      })()
      await put(topic, `new ${order}`)
      await write([{ topic, partition: 1, value: `other ${order}` }])
      await reading
      expect(seen.toSorted()).toEqual([`new ${order}`, `other ${order}`])
    }
  })

  it('ends at once when it is stopped while it waits', async () => {
    const topic = await create('stopped')
    const stop = new AbortController()
    const reading = collect(cluster.read([range(topic, 0n, null)], { signal: stop.signal, maxWaitMs: 25_000 }))
    const asked = () => engine.broker?.requests.list().some(({ api }) => api === 'Fetch') ?? true
    await expect.poll(asked).toBe(true)
    stop.abort()
    expect((await reading).records).toEqual([])
  })

  it('reads records of 10 MB, larger than what it asks for at a time', { timeout: 60_000 }, async () => {
    const topic = await create('large', 2, { 'max.message.bytes': String(12 * 1024 * 1024) })
    const large = randomBytes(10 * 1024 * 1024)
    for (const partition of [0, 1, 0])
      await write([
        { topic, partition, value: large },
        { topic, partition, value: 'small' },
      ])
    for (const order of ['arrival', 'time'] as const) {
      const { records } = await read(await window(topic), { order, maxBufferedBytes: 1024 * 1024 })
      const whole = records.filter(({ value }) => value!.equals(large))
      expect({ order, records: records.length, large: whole.length }).toEqual({ order, records: 6, large: 3 })
    }
  })

  it('reads a thousand partitions', { timeout: 120_000 }, async () => {
    const partitions = engine.name === 'embedded' ? 1000 : 200
    const topic = await create('thousand', partitions)
    await write(Array.from({ length: partitions }, (_, partition) => ({ topic, partition, value: String(partition) })))
    for (const order of ['arrival', 'time'] as const) {
      const { values, positions } = await read(await window(topic), { order })
      expect(new Set(values).size).toBe(partitions)
      expect(new Set(positions.map(({ partition }) => partition)).size).toBe(partitions)
    }
  })

  it('asks for no more than it may hold while its caller takes its time', async () => {
    const topic = await create('slow', 4)
    const value = randomBytes(100_000)
    for (let round = 0; round < 20; round++) {
      await write([0, 1, 2, 3].map((partition) => ({ topic, partition, value })))
    }
    const held: number[] = []
    let reached = 0n
    const ranges = await window(topic)
    for await (const event of cluster.read(ranges, { maxBufferedBytes: 300_000 })) {
      if (event.kind !== 'records') continue
      held.push(event.records.reduce((sum, record) => sum + record.value!.length, 0))
      reached += BigInt(event.records.length)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(reached).toBe(ranges.reduce((sum, { end }) => sum + end!, 0n))
    // A part is at most what was asked for, or one batch.
    expect(Math.max(...held)).toBeLessThanOrEqual(300_000)
  })

  it('goes past records that were deleted before they were read, and says so', async () => {
    const topic = await create('retention')
    await put(topic, 'a', 'b', 'c', 'd')
    await cluster.deleteRecords([{ topic, partition: 0, offset: 3n }])
    const { values, said } = await read([range(topic, 1n, 4n)])
    expect(values).toEqual(['d'])
    expect(said).toEqual([`${topic}[0]: the records from offset 1 to 3 were deleted before they were read.`])
    await expect(read([range(topic, 1n, 4n)], { policy: { outOfRange: 'fail' } })).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
      resource: `topic ${topic} partition 0`,
    })
  })

  it('ends where the log ends, when it is shorter than the range', async () => {
    const topic = await create('short')
    await put(topic, 'a')
    const { values, said } = await read([range(topic, 0n, 5n)])
    expect(values).toEqual(['a'])
    expect(said).toEqual([expect.stringContaining('cut back to offset 1')])
  })

  it('ends when its topic is deleted and created again, and follows the new one from its start', {
    timeout: 60_000,
  }, async () => {
    const topic = await create('again')
    await put(topic, 'a')
    const finite = cluster.read([range(topic, 0n, 5n)])
    const following = cluster.read([range(topic, 0n, null)])
    expect((await first(take(finite, 1), 1)).map(({ value }) => String(value))).toEqual(['a'])
    expect((await first(take(following, 1), 1)).map(({ value }) => String(value))).toEqual(['a'])
    await cluster.deleteTopics([topic])
    await create('again')
    await put(topic, 'new')
    const rest = await collect(finite)
    expect(rest).toMatchObject({ values: [], said: [expect.stringMatching(/created again|cut back/)] })
    expect((await first(following, 1)).map(({ value }) => String(value))).toEqual(['new'])
  })

  it('says of a topic that is not there that it is not', async () => {
    const policy = { missingMs: 100 }
    await expect(read([range(`${id}.absent`, 0n, 5n)], { policy })).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      resource: `topic ${id}.absent partition 0`,
    })
  })
})

/** The first events that have records, without ending the iteration. */
async function* take(events: AsyncGenerator<ReadEvent>, count: number): AsyncGenerator<ReadEvent> {
  for (let taken = 0; taken < count; ) {
    const { value, done } = await events.next()
    if (done) return
    if (value.kind === 'records' && value.records.length > 0) taken++
    yield value
  }
}

describe('reading from three brokers that fail', () => {
  it('continues at the new leader, after lost connections, and while answers are errors', async () => {
    const broker = await startBroker({ brokers: 3 })
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers, timeoutMs: 5_000 })
    const producer = producerFor(broker.bootstrapServers)
    try {
      await cluster.createTopics([{ name: 'orders', partitions: 6, replicationFactor: 1 }])
      const messages = Array.from({ length: 60 }, (_, index) => ({
        topic: 'orders',
        partition: index % 6,
        key: 'k',
        value: Buffer.from(String(index)),
      }))
      await producer.send({ messages })
      const ranges = await readRanges(cluster, await cluster.describeTopics(['orders']), whole)
      for (const action of [
        { error: 'NOT_LEADER_OR_FOLLOWER' },
        { error: 'KAFKA_STORAGE_ERROR' },
        { close: true },
      ] as const) {
        broker.faults.add({ api: 'Fetch', nth: 1, action })
        broker.faults.add({ api: 'Fetch', nth: 3, action })
        const { values } = await collect(cluster.read(ranges))
        expect({ action, read: values.length, different: new Set(values).size }).toEqual({
          action,
          read: 60,
          different: 60,
        })
        broker.faults.clear()
      }
    } finally {
      await producer.close()
      await cluster.close()
      await broker.close()
    }
  })

  it('says once that it cannot read, and once that it can again', async () => {
    const broker = await startBroker()
    const cluster = connectCluster({ bootstrapServers: broker.bootstrapServers, timeoutMs: 5_000 })
    try {
      await cluster.createTopics([{ name: 'orders', partitions: 6, replicationFactor: 1 }])
      const topics = await cluster.describeTopics(['orders'])
      const ranges = await readRanges(cluster, topics, { from: { kind: 'earliest' }, until: null })
      broker.faults.add({ api: 'Fetch', action: { error: 'TOPIC_AUTHORIZATION_FAILED' } })
      const said: string[] = []
      for await (const event of cluster.read(ranges, { policy: { denied: 'retry' }, maxWaitMs: 50 })) {
        if (event.kind !== 'notice') continue
        said.push(event.notice.kind)
        if (event.notice.kind === 'trouble') {
          expect(event.notice.code).toBe('TOPIC_AUTHORIZATION_FAILED')
          broker.faults.clear()
        }
        if (event.notice.kind === 'recovered') break
      }
      expect(said).toEqual(['trouble', 'recovered'])
      broker.faults.add({ api: 'Fetch', action: { error: 'TOPIC_AUTHORIZATION_FAILED' } })
      await expect(collect(cluster.read(ranges))).rejects.toMatchObject({ reason: 'not-allowed' })
    } finally {
      await cluster.close()
      await broker.close()
    }
  })
})
