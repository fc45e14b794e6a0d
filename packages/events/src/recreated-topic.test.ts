// A topic that is deleted and created again under the same name, and a committed offset that lies past the end of the log.
import { Kafka, logLevel } from 'kafkajs'
import { expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { until, useEvents } from '../../../test/support/events.ts'

describeEngines('a topic that is created again', (engine) => {
  const rig = useEvents(engine)

  const isThere = async (topic: string): Promise<boolean> =>
    (await rig.cluster.listTopics()).some(({ name }) => name === topic)

  async function recreate(topic: string): Promise<void> {
    await rig.cluster.deleteTopics([topic])
    await until('the topic is gone', async () => !(await isThere(topic)))
    await rig.cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
  }

  const committed = async (group: string): Promise<bigint | null> =>
    (await rig.cluster.groupLag(group))[0]?.committedOffset ?? null

  async function handling(topic: string, group: string, from: 'earliest' | 'latest' = 'earliest') {
    const stream = await rig.connect({ group, from })
    const seen: number[] = []
    stream.on(topic, 'counted', ({ data }) => void seen.push((data as { i: number }).i))
    await stream.run()
    return { stream, seen }
  }

  const emit = async (topic: string, from: number, count: number): Promise<void> => {
    const producer = await rig.connect()
    const events = Array.from({ length: count }, (_, i) => ({ topic, eventType: 'counted', data: { i: from + i } }))
    await producer.emitMany(events.map((event) => ({ ...event, userId: 'u' })))
    await producer.close()
  }

  for (const count of [20, 150]) {
    it(`is read from its beginning by a member that had read 100 events of its predecessor, with ${count} new events`, {
      timeout: 60_000,
    }, async () => {
      const topic = await rig.topic('user.events', { partitions: 1 })
      const group = rig.unique('group')
      const { stream, seen } = await handling(topic, group)
      await emit(topic, 0, 100)
      await until('the first events', () => seen.length === 100)
      await recreate(topic)
      await emit(topic, 1000, count)
      await until('every new event', () => seen.length === 100 + count)
      expect(seen.slice(100)).toEqual(Array.from({ length: count }, (_, i) => 1000 + i))
      await until('the commit', async () => (await committed(group)) === BigInt(count))
      expect(stream.health()).toMatchObject({ ready: true, problems: [] })
      const warning = rig.logs.find(({ level, message }) => level === 'warn' && message.includes('created again'))
      expect(warning?.context).toMatchObject({ topic, partition: 0, from: '100', to: '0' })
    })
  }

  it('is read from its beginning when the committed offset lies past its end at the start', async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const group = rig.unique('group')
    const kafka = new Kafka({ brokers: engine.bootstrapServers.split(','), logLevel: logLevel.NOTHING })
    const admin = kafka.admin()
    await admin.connect()
    await admin.setOffsets({ groupId: group, topic, partitions: [{ partition: 0, offset: '100' }] })
    await admin.disconnect()
    await emit(topic, 0, 20)
    const { seen } = await handling(topic, group)
    await until('every event', () => seen.length === 20)
    await until('the commit', async () => (await committed(group)) === 20n)
    expect(rig.logs.some(({ level, message }) => level === 'warn' && message.includes('the log ends before'))).toBe(
      true,
    )
  })

  it('a group with `from: latest` reads only events that are emitted after the topic was created again', {
    timeout: 60_000,
  }, async () => {
    const topic = await rig.topic('user.events', { partitions: 1 })
    const { seen } = await handling(topic, rig.unique('group'), 'latest')
    await emit(topic, 0, 100)
    await until('the first events', () => seen.length === 100)
    await recreate(topic)
    await until('the warning', () => rig.logs.some(({ message }) => message.includes('created again')), 40_000)
    await emit(topic, 1000, 5)
    await until('the new events', () => seen.length === 105)
  })

  it('a service that knew four partitions emits to the one that the topic has after it was created again', {
    timeout: 60_000,
  }, async () => {
    const topic = await rig.topic('user.events', { partitions: 4 })
    const stream = await rig.connect()
    const users = Array.from({ length: 20 }, (_, i) => `u${i}`)
    const emitAll = () => Promise.allSettled(users.map((userId) => stream.emit(topic, 'a', {}, { userId })))
    expect((await emitAll()).every(({ status }) => status === 'fulfilled')).toBe(true)
    await recreate(topic)
    // What was on its way to a partition that is no more fails, long before its delivery timeout, and says why.
    const reasons = (await emitAll()).flatMap((one) => (one.status === 'rejected' ? [String(one.reason)] : []))
    expect(reasons.length).toBeLessThan(users.length)
    for (const reason of reasons) expect(reason).toContain('the topic was created again without its partition')
    const results = await emitAll()
    expect(results.map((one) => (one.status === 'fulfilled' ? one.value.partition : String(one.reason)))).toEqual(
      users.map(() => 0),
    )
  })
})
