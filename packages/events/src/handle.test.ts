// Handling, end to end: order, retries, dead letters, commits, rebalances and closing.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { CompressionTypes, Kafka, logLevel, type Producer } from 'kafkajs'
import { describe, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { envelopeSchema, until, useEvents } from '../../../test/support/events.ts'
import { deadLetterHeaders, PermanentError, type ReceivedEvent, RetryLater } from './index.ts'

const gate = () => Promise.withResolvers<void>()

describeEngines('handling', (engine) => {
  const rig = useEvents(engine)

  async function withKafkajs(act: (producer: Producer) => Promise<void>): Promise<void> {
    const kafka = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING })
    const producer = kafka.producer()
    await producer.connect()
    await act(producer)
    await producer.disconnect()
  }

  /** Everything in a topic's dead letters, raw, once there are `count`. */
  async function deadLettersOf(
    topic: string,
    count: number,
  ): Promise<{ key: Buffer | null; value: Buffer | null; headers: Record<string, string>; partition: number }[]> {
    const kafka = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING })
    const consumer = kafka.consumer({ groupId: rig.unique('dlq-reader'), maxWaitTimeInMs: 100 })
    const letters: { key: Buffer | null; value: Buffer | null; headers: Record<string, string>; partition: number }[] =
      []
    await consumer.connect()
    await consumer.subscribe({ topic: `${topic}.dlq`, fromBeginning: true })
    await consumer.run({
      eachMessage: async ({ partition, message }) => {
        const headers = Object.fromEntries(
          Object.entries(message.headers ?? {}).map(([name, value]) => [name, String(value)]),
        )
        letters.push({ key: message.key, value: message.value, headers, partition })
      },
    })
    await until(`${count} dead letters of ${topic}`, () => letters.length >= count)
    await consumer.disconnect()
    return letters
  }

  const committed = async (group: string, topic: string): Promise<bigint> =>
    (await rig.cluster.groupLag(group))
      .filter((lag) => lag.topic === topic)
      .reduce((sum, { committedOffset }) => sum + (committedOffset ?? 0n), 0n)

  it('gives a handler what kafkajs with its registry client wrote, with an older or a newer schema', async () => {
    const newer = {
      ...envelopeSchema,
      fields: [...envelopeSchema.fields, { name: 'tenant', type: 'string', default: 'none' }],
    }
    const topic = await rig.topic('user.events')
    await rig.registry.register(`${topic}-value`, { schema: JSON.stringify(newer) })
    const theirs = new SchemaRegistry({ host: rig.registryUrl })
    const envelope = {
      event_id: 'e-1',
      event_type: 'user_created',
      user_id: 'u-1',
      timestamp: 1_700_000_000_000,
      data: '{"email":"a@b.c"}',
    }
    await withKafkajs(async (producer) => {
      const older = await theirs.getRegistryId(`${topic}-value`, 1)
      const latest = await theirs.getLatestSchemaId(`${topic}-value`)
      const values = [
        await theirs.encode(older, envelope),
        await theirs.encode(latest, { ...envelope, event_id: 'e-2', tenant: 'acme' }),
      ]
      await producer.send({
        topic,
        compression: CompressionTypes.GZIP,
        messages: values.map((value) => ({ key: 'u-1', value, headers: { source: 'python' } })),
      })
    })

    const events: ReceivedEvent[] = []
    const stream = await rig.connect()
    stream.on(topic, 'user_created', (event) => void events.push(event))
    await stream.run()
    await until('both events', () => events.length === 2)
    expect(events.map(({ eventId }) => eventId)).toEqual(['e-1', 'e-2'])
    expect(events[0]).toMatchObject({
      eventType: 'user_created',
      userId: 'u-1',
      timestampMs: 1_700_000_000_000,
      data: { email: 'a@b.c' },
      topic,
      key: 'u-1',
      attempt: 1,
      offset: 0n,
    })
    expect(events[0]!.headers.get('source')!.toString()).toBe('python')
  })

  it('runs keys beside each other, up to its concurrency, and the events of a key in order', async () => {
    const topic = await rig.topic('user.events', { partitions: 4 })
    const stream = await rig.connect({ concurrency: 5 })
    const seen = new Map<string, number[]>()
    const active = new Set<string>()
    let most = 0
    stream.on(topic, '*', async ({ userId, data }) => {
      expect(active.has(userId)).toBe(false)
      active.add(userId)
      most = Math.max(most, active.size)
      await new Promise((resolve) => setImmediate(resolve))
      seen.set(userId, [...(seen.get(userId) ?? []), (data as { i: number }).i])
      active.delete(userId)
    })
    await Promise.all(Array.from({ length: 400 }, (_, i) => stream.emit(topic, 'a', { i }, { userId: `u${i % 20}` })))
    await stream.run()
    await until('400 events', () => stream.stats().handled === 400)
    expect(most).toBe(5)
    for (const [userId, numbers] of seen) {
      expect(numbers).toEqual(Array.from({ length: 20 }, (_, n) => n * 20 + Number(userId.slice(1))))
    }
  })

  it('tries a failing event again while other keys continue, and counts its attempts', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const stream = await rig.connect({ retry: { attempts: 3, initialDelayMs: 20, jitter: false } })
    const log: string[] = []
    stream.on(topic, 'a', ({ userId, data, attempt }) => {
      log.push(`${userId}${(data as { i: number }).i}#${attempt}`)
      if ((data as { i: number }).i === 0 && attempt < 3) throw new Error('not yet')
    })
    for (const [i, userId] of ['x', 'y', 'x', 'y'].entries()) await stream.emit(topic, 'a', { i }, { userId })
    await stream.run()
    await until('4 events', () => stream.stats().handled === 4)
    expect(log.filter((line) => line.startsWith('x'))).toEqual(['x0#1', 'x0#2', 'x0#3', 'x2#1'])
    expect(log.indexOf('y3#1')).toBeLessThan(log.indexOf('x0#2'))
    expect(stream.stats()).toMatchObject({ retried: 2, deadLettered: 0 })
  })

  it('moves an event that keeps failing to the dead letters unchanged, with the cause, and continues', async () => {
    const topic = await rig.topic('payment.events', { partitions: 3 })
    const stream = await rig.connect({ service: 'payments', group: rig.unique('payments') })
    stream.on(topic, 'paid', ({ data }) => {
      if ((data as { n: number }).n === 1) throw new TypeError('card 4711 has no owner')
    })
    const failing = await stream.emit(
      topic,
      'paid',
      { n: 1 },
      { userId: 'u', headers: { tenant: 'acme' }, timestampMs: 1_700_000_000_000 },
    )
    await stream.emit(topic, 'paid', { n: 2 }, { userId: 'u' })
    await stream.run()
    await until('the second event', () => stream.stats().handled === 1)

    const [letter] = await deadLettersOf(topic, 1)
    expect(letter!.partition).toBe(failing.partition)
    expect(letter!.key!.toString()).toBe('u')
    const envelope = (await new SchemaRegistry({ host: rig.registryUrl }).decode(letter!.value!)) as {
      event_id: string
    }
    expect(envelope.event_id).toBe(failing.eventId)
    expect(letter!.headers).toMatchObject({
      tenant: 'acme',
      [deadLetterHeaders.topic]: topic,
      [deadLetterHeaders.partition]: String(failing.partition),
      [deadLetterHeaders.offset]: String(failing.offset),
      [deadLetterHeaders.timestamp]: '1700000000000',
      [deadLetterHeaders.errorClass]: 'TypeError',
      [deadLetterHeaders.errorMessage]: 'card 4711 has no owner',
      [deadLetterHeaders.attempts]: '3',
      [deadLetterHeaders.service]: 'payments',
    })
    expect(letter!.headers[deadLetterHeaders.fingerprint]).toMatch(/^[0-9a-f]{16}$/)
    const [source, dlq] = await rig.cluster.describeTopics([topic, `${topic}.dlq`])
    expect(dlq!.partitions.map(({ replicas }) => replicas.length)).toEqual(
      source!.partitions.map(({ replicas }) => replicas.length),
    )
    expect(stream.stats()).toMatchObject({ retried: 2, deadLettered: 1 })

    // The log says where and why: the stack once when it begins and once when it is given up, the payload never.
    const place = { topic, partition: failing.partition, offset: String(failing.offset), key: 'u' }
    const lines = rig.logs.filter(({ context }) => context.eventId === failing.eventId)
    expect(lines).toMatchObject([
      { level: 'warn', context: { ...place, attempt: 1, err: { stack: expect.stringContaining('handle.test.ts') } } },
      { level: 'warn', context: { ...place, attempt: 2, error: 'card 4711 has no owner' } },
      { level: 'error', context: { ...place, attempts: 3, err: { stack: expect.stringContaining('handle.test.ts') } } },
    ])
    expect(lines[1]!.context).not.toHaveProperty('err')
  })

  it('moves a record that is not an event to the dead letters byte for byte, without stopping', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const stream = await rig.connect()
    stream.on(topic, '*', () => {})
    await withKafkajs(async (producer) => {
      await producer.send({
        topic,
        messages: [
          { key: null, value: '{"plain":"json"}', headers: { a: 'b' } },
          { key: 'k', value: null },
          { key: Buffer.from([0xff, 0x01]), value: 'x' },
          { key: 'l'.repeat(1000), value: 'x' },
        ],
      })
    })
    await stream.emit(topic, 'a', {}, { userId: 'u' })
    await stream.run()
    await until('the event', () => stream.stats().handled === 1 && stream.stats().deadLettered === 4)
    const moved = rig.logs.filter(({ message }) => message.startsWith('the event was moved'))
    const keys = moved.map(({ context }) => context.key)
    expect(keys.toSorted()).toEqual(['0xff01', 'k', `${'l'.repeat(100)}…`, null])
    const letters = await deadLettersOf(topic, 4)
    const plain = letters.find(({ key }) => key === null)!
    expect(plain.value!.toString()).toBe('{"plain":"json"}')
    expect(plain.headers).toMatchObject({
      a: 'b',
      [deadLetterHeaders.errorClass]: 'UndecodableEventError',
      [deadLetterHeaders.attempts]: '1',
    })
    const tombstone = letters.find(({ key }) => key?.toString() === 'k')!
    expect(tombstone.value).toBeNull()
    expect(tombstone.headers[deadLetterHeaders.errorMessage]).toContain('tombstone')
  })

  it('gives up at once on a PermanentError, and waits as long as RetryLater says without counting it', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const stream = await rig.connect()
    const tries: string[] = []
    let postponed = 0
    stream.on(topic, 'never', () => {
      tries.push('never')
      throw new PermanentError('the account is closed')
    })
    stream.on(topic, 'later', ({ attempt }) => {
      tries.push(`later#${attempt}`)
      if (postponed++ < 5) throw new RetryLater(1)
    })
    await stream.emit(topic, 'never', {}, { userId: 'a' })
    await stream.emit(topic, 'later', {}, { userId: 'b' })
    await stream.run()
    await until('both', () => stream.stats().handled === 1 && stream.stats().deadLettered === 1)
    expect(tries.filter((one) => one === 'never').length).toBe(1)
    expect(tries.filter((one) => one === 'later#1').length).toBe(6)
  })

  it('skips and commits events that nothing here handles', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const group = rig.unique('group')
    const stream = await rig.connect({ group })
    stream.on(topic, 'wanted', () => {})
    for (const type of ['unwanted', 'wanted', 'unwanted']) await stream.emit(topic, type, {}, { userId: 'u' })
    await stream.run()
    await until('all committed', async () => (await committed(group, topic)) === 3n)
    expect(stream.stats()).toMatchObject({ handled: 1, skipped: 2, deadLettered: 0 })
  })

  it('commits nothing that is not handled, and another member starts there', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const group = rig.unique('group')
    const first = await rig.connect({ group, drainTimeoutMs: 50 })
    const stuck = gate()
    let aborted = false
    first.on(topic, 'a', async ({ data }, { signal }) => {
      if ((data as { i: number }).i !== 1) return
      signal.addEventListener('abort', () => {
        aborted = true
        stuck.resolve()
      })
      await stuck.promise
    })
    for (let i = 0; i < 4; i++) await first.emit(topic, 'a', { i }, { userId: `u${i}` })
    await first.run()
    await until('all but one', () => first.stats().handled === 3)
    await until('the commit of the first', async () => (await committed(group, topic)) === 1n)
    await first.close()
    expect(aborted).toBe(true)
    expect(await committed(group, topic)).toBe(1n)

    const second = await rig.connect({ group })
    const again: number[] = []
    second.on(topic, 'a', ({ data }) => void again.push((data as { i: number }).i))
    await second.run()
    await until('the rest', () => again.length === 3)
    expect(again.toSorted()).toEqual([1, 2, 3])
  })

  it('waits on close for handlers that are running, and commits them', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const group = rig.unique('group')
    const stream = await rig.connect({ group, commitIntervalMs: 60_000 })
    const [started, finish] = [gate(), gate()]
    stream.on(topic, 'a', async () => {
      started.resolve()
      await finish.promise
    })
    await stream.emit(topic, 'a', {}, { userId: 'u' })
    await stream.run()
    await started.promise
    const closing = stream.close()
    finish.resolve()
    await closing
    expect(await committed(group, topic)).toBe(1n)
    expect(stream.stats().handled).toBe(1)
  })

  it('begins at the end for a group that says so', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const stream = await rig.connect({ from: 'latest' })
    const seen: unknown[] = []
    stream.on(topic, 'a', ({ data }) => void seen.push(data))
    await stream.emit(topic, 'a', 'before', { userId: 'u' })
    await stream.run()
    await stream.emit(topic, 'a', 'after', { userId: 'u' })
    await until('an event', () => seen.length > 0)
    expect(seen).toEqual(['after'])
  })

  it('stops fetching when its queue is full', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const stream = await rig.connect({ concurrency: 1, maxQueued: 10, maxWaitingBytes: 200_000 })
    const open = gate()
    stream.on(topic, 'a', () => open.promise)
    // Well over what one fetch of a partition brings (1 MiB).
    const text = 'x'.repeat(100_000)
    for (let i = 0; i < 60; i++) await stream.emit(topic, 'a', { text }, { userId: 'u' })
    await stream.run()
    await until('a queue', () => stream.stats().queued > 5)
    await stream.emit(topic, 'b', {}, { userId: 'u' })
    expect(stream.stats().queued).toBeLessThan(30)
    open.resolve()
    await until('the rest', () => stream.stats().handled === 60)
  })

  it('says before it joins that a topic is not on the cluster', async () => {
    const stream = await rig.connect()
    stream.on('nowhere.events', 'a', () => {})
    await expect(stream.run()).rejects.toThrow('unknown topic "nowhere.events" (not on the cluster')
  })

  it('continues with the oldest remaining events when retention was faster than the group', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const group = rig.unique('group')
    const first = await rig.connect({ group })
    first.on(topic, 'a', () => {})
    await first.emit(topic, 'a', { i: 0 }, { userId: 'u' })
    await first.run()
    await until('the commit', async () => (await committed(group, topic)) === 1n)
    await first.close()

    const second = await rig.connect({ group })
    for (let i = 1; i < 6; i++) await second.emit(topic, 'a', { i }, { userId: 'u' })
    await rig.cluster.deleteRecords([{ topic, partition: 0, offset: 4n }])
    const seen: number[] = []
    second.on(topic, 'a', ({ data }) => void seen.push((data as { i: number }).i))
    await second.run()
    await until('the rest', () => seen.length === 2)
    expect(seen).toEqual([4, 5])
    expect(rig.logs.find(({ message }) => message.includes('deleted by retention'))).toMatchObject({
      level: 'warn',
      context: { topic, partition: 0, from: '1', to: '4' },
    })
  })

  it('waits for a registry that is down instead of giving its events up', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    let down = false
    const proxy = createServer(async (request, response) => {
      if (down) return response.destroy()
      const answer = await fetch(`${rig.registryUrl}${request.url}`)
      return response
        .writeHead(answer.status, { 'content-type': answer.headers.get('content-type')! })
        .end(await answer.text())
    }).listen(0, '127.0.0.1')
    await once(proxy, 'listening')
    try {
      const emitter = await rig.connect()
      await emitter.emit(topic, 'a', {}, { userId: 'u' })
      const stream = await rig.connect({ registryUrl: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` })
      stream.on(topic, 'a', () => {})
      down = true
      await stream.run()
      await until('a try', () =>
        rig.logs.some(({ message }) => message === 'the schema of an event cannot be read yet'),
      )
      expect(stream.stats()).toMatchObject({ handled: 0, deadLettered: 0 })
      down = false
      await until('the event', () => stream.stats().handled === 1)
    } finally {
      proxy.closeAllConnections()
      proxy.close()
    }
  })

  // The embedded broker has no transactions yet.
  if (engine.name === 'apache') {
    it('leaves out events of transactions that were aborted', async () => {
      const topic = await rig.topic('user.events', { partitions: 1 })
      const theirs = new SchemaRegistry({ host: rig.registryUrl })
      const id = await theirs.getLatestSchemaId(`${topic}-value`)
      const message = async (event_id: string) => {
        const envelope = { event_id, event_type: 'a', user_id: 'u', timestamp: 1, data: '{}' }
        return { topic, messages: [{ key: 'u', value: await theirs.encode(id, envelope) }] }
      }
      const kafka = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING })
      const producer = kafka.producer({ transactionalId: rig.unique('tx'), maxInFlightRequests: 1, idempotent: true })
      await producer.connect()
      for (const name of ['committed-1', 'aborted', 'committed-2']) {
        const transaction = await producer.transaction()
        await transaction.send(await message(name))
        await (name === 'aborted' ? transaction.abort() : transaction.commit())
      }
      await producer.disconnect()

      const group = rig.unique('group')
      const stream = await rig.connect({ group })
      const seen: string[] = []
      stream.on(topic, 'a', ({ eventId }) => void seen.push(eventId))
      await stream.run()
      // Three events and three control records.
      await until('everything is committed', async () => (await committed(group, topic)) === 6n)
      expect(seen).toEqual(['committed-1', 'committed-2'])
    })
  }

  describe('in a group', () => {
    it('shares the partitions with members that come and go, loses nothing and keeps the order of each key', async () => {
      const topic = await rig.topic('user.events', { partitions: 6 })
      const group = rig.unique('group')
      const seen = new Map<string, number[]>()
      const handler = async ({ userId, data }: ReceivedEvent): Promise<void> => {
        await new Promise((resolve) => setTimeout(resolve, 1))
        seen.set(userId, [...(seen.get(userId) ?? []), (data as { i: number }).i])
      }
      const member = async () => {
        const stream = await rig.connect({ group })
        stream.on(topic, '*', handler)
        await stream.run()
        return stream
      }

      const total = 3000
      const first = await member()
      const producing = (async () => {
        const emitter = await rig.connect()
        for (let i = 0; i < total; i += 10) {
          await Promise.all(
            Array.from({ length: 10 }, (_, j) =>
              emitter.emit(topic, 'a', { i: i + j }, { userId: `u${(i + j) % 30}` }),
            ),
          )
        }
      })()
      const second = await member()
      await until(
        'both have partitions',
        () => first.stats().assignedPartitions === 3 && second.stats().assignedPartitions === 3,
      )
      const third = await member()
      await until(
        'all three have partitions',
        () => third.stats().assignedPartitions === 2 && second.stats().assignedPartitions === 2,
      )
      await second.close()
      await producing
      await until(
        'every event',
        () => [...seen.values()].every((list) => new Set(list).size === total / 30) && seen.size === 30,
        30_000,
      )

      // An event may be handled again after a rebalance, but never before an earlier one of its key.
      for (const [userId, numbers] of seen) {
        const firsts = [...new Set(numbers)]
        expect(firsts).toEqual(Array.from({ length: total / 30 }, (_, n) => n * 30 + Number(userId.slice(1))))
      }
      // Orderly handovers: nothing was repeated.
      expect([...seen.values()].flat().length).toBe(total)
    })

    it('does not commit what a handler does for a partition that went to another member meanwhile', async () => {
      const topic = await rig.topic('user.events', { partitions: 2 })
      const group = rig.unique('group')
      const first = await rig.connect({ group, drainTimeoutMs: 100 })
      const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h']
      const emitted = await Promise.all(keys.map((userId) => first.emit(topic, 'paid', {}, { userId })))
      expect(new Set(emitted.map(({ partition }) => partition)).size).toBe(2)

      // Handlers of the first member hang until the partition is taken away, and then some.
      const reasons: string[] = []
      const open = gate()
      let started = 0
      first.on(topic, 'paid', async (_, { signal }) => {
        started++
        signal.addEventListener('abort', () => reasons.push((signal.reason as Error).message))
        await open.promise
      })
      await first.run()
      await until('all handlers run', () => started === keys.length)

      const second = await rig.connect({ group })
      const taken: { partition: number; offset: bigint }[] = []
      second.on(topic, 'paid', ({ partition, offset }) => void taken.push({ partition, offset }))
      await second.run()
      const moved = () => emitted.filter(({ partition }) => partition === taken[0]?.partition)
      await until(
        'the other member handles the partition that it got, from its start',
        () => taken.length > 0 && taken.length === moved().length,
      )
      expect(reasons.length).toBe(moved().length)
      expect(reasons[0]).toBe('the partition went to another member')

      open.resolve()
      await until('both partitions are committed', async () => (await committed(group, topic)) === BigInt(keys.length))
      expect(first.stats().handled).toBe(keys.length - moved().length)
      expect(second.stats().handled).toBe(moved().length)
    })

    it('can be closed while it is still joining, which also ends run()', async () => {
      const topic = await rig.topic('user.events')
      const stream = await rig.connect()
      stream.on(topic, '*', () => {})
      const running = stream.run()
      const closing = stream.close()
      await running
      await closing
      await expect(stream.run()).rejects.toMatchObject({ code: 'CLOSED' })
    })

    it('stays a member while a handler runs for longer than the session', async () => {
      const topic = await rig.topic('user.events', { partitions: 1 })
      const stream = await rig.connect({ sessionTimeoutMs: 6000, concurrency: 1 })
      const open = gate()
      let runs = 0
      stream.on(topic, 'a', async () => {
        runs++
        await open.promise
      })
      await stream.emit(topic, 'a', {}, { userId: 'u' })
      await stream.run()
      // Only time itself can show this: a session and a bit more.
      const started = Date.now()
      await until('the session is over', () => Date.now() - started > 7000)
      open.resolve()
      await until('the event', () => stream.stats().handled === 1)
      expect({ runs, rebalances: stream.stats().rebalances }).toEqual({ runs: 1, rebalances: 1 })
    })
  })
})
