// Each reason why a group has not received a record, caused for real. Those that need transactions, compaction, accounts or
// what was watched before are in broken-clusters.test.ts, secure.test.ts and groups.test.ts.
import type { Cluster } from '@selfmonitor/cluster'
import { PermanentError } from '@selfmonitor/events'
import { diagnoseEvent, type EventPlace, type GatherOptions, gatherEvidence, type Reason } from '@selfmonitor/monitor'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { describeEngines } from '../support/engines.ts'
import { until, useEvents } from '../support/events.ts'
import { type Members, members, write } from './members.ts'

const halfAnHour = 30 * 60_000

describeEngines('why a group has not received a record', (engine) => {
  const rig = useEvents(engine)
  let clients: Members
  beforeEach(() => {
    clients = members(engine.bootstrapServers)
  })
  afterEach(() => clients.close())

  const cluster = (): Cluster => rig.cluster
  const at = (topic: string, offset: bigint, partition = 0): EventPlace => ({ topic, partition, offset })
  const why = async (place: EventPlace, group: string, options: GatherOptions = {}): Promise<readonly Reason[]> =>
    diagnoseEvent(await gatherEvidence(cluster(), place, group, { lookEveryMs: 300, ...options }))
  const said = (reasons: readonly Reason[]): string[] => reasons.map(({ certainty, code }) => `${certainty} ${code}`)
  const committed = async (group: string, partition = 0): Promise<bigint | null> =>
    (await cluster().groupLag(group)).find((row) => row.partition === partition)?.committedOffset ?? null

  it('it is not there yet', async () => {
    const topic = await rig.topic('future')
    await write(clients.kafka, topic, 3)
    expect(said(await why(at(topic, 3n), 'nobody'))).toEqual(['certain NOT_THERE_YET'])
  })

  it('there is no such group; or it has no members any more', async () => {
    const topic = await rig.topic('empty')
    await write(clients.kafka, topic, 3)
    const group = rig.unique('empty')
    const [reason] = await why(at(topic, 1n), group)
    expect(reason).toMatchObject({ code: 'NO_MEMBERS', certainty: 'certain', message: `there is no group ${group}` })
    const consumer = await clients.join(group, [topic])
    await until('it has read all', async () => (await committed(group)) === 3n)
    await consumer.disconnect()
    await write(clients.kafka, topic, 1)
    expect(said(await why(at(topic, 3n), group))).toEqual(['certain NO_MEMBERS'])
    expect(said(await why(at(topic, 2n), group))).toEqual(['certain CONSUMED'])
  })

  it('it was deleted before anybody came', async () => {
    const topic = await rig.topic('deleted')
    await write(clients.kafka, topic, 5)
    await cluster().deleteRecords([{ topic, partition: 0, offset: 4n }])
    expect(said(await why(at(topic, 2n), rig.unique('none')))).toEqual([
      'certain DELETED_BY_RETENTION',
      'certain NO_MEMBERS',
    ])
  })

  it('nobody subscribes to the topic', async () => {
    const [topic, other] = [await rig.topic('unread'), await rig.topic('read')]
    await write(clients.kafka, topic, 1)
    const group = rig.unique('elsewhere')
    await clients.join(group, [other])
    const [reason] = await why(at(topic, 0n), group, { watchMs: 0 })
    expect(reason).toMatchObject({ code: 'NOT_SUBSCRIBED', certainty: 'certain' })
    expect(reason!.evidence[0]!.text).toContain(other)
  })

  it('the partition was added and nobody has it', async () => {
    const topic = await rig.topic('grown', { partitions: 1 })
    const group = rig.unique('grown')
    await clients.join(group, [topic])
    await cluster().createPartitions([{ topic, partitions: 2 }])
    await write(clients.kafka, topic, 1, { partition: 1 })
    expect(said(await why(at(topic, 0n, 1), group, { watchMs: 0 }))).toEqual(['certain UNASSIGNED'])
  })

  it('the group started at latest', async () => {
    const topic = await rig.topic('latest', { partitions: 1 })
    await write(clients.kafka, topic, 2)
    const group = rig.unique('latest')
    await clients.join(group, [topic], { fromBeginning: false })
    expect(said(await why(at(topic, 1n), group, { watchMs: 0 }))).toEqual(['likely STARTED_AT_LATEST'])
  })

  it('the handler hangs on a record, on this one or on one before it; or tries it again and again', {
    timeout: 60_000,
  }, async () => {
    const hanging = await rig.topic('poison', { partitions: 1 })
    await write(clients.kafka, hanging, 10, { timestampMs: Date.now() - halfAnHour })
    const group = rig.unique('poison')
    await clients.join(group, [hanging], { handle: ({ offset }, hang) => (offset === '4' ? hang : Promise.resolve()) })
    await until('it has come to the record', async () => (await committed(group)) === 4n)

    const retried = await rig.topic('retry', { partitions: 1 })
    const service = rig.unique('retrying')
    const stream = await rig.connect({ service, retry: { attempts: 1000, initialDelayMs: 100, maxDelayMs: 100 } })
    let tries = 0
    stream.on(retried, '*', ({ userId }) => {
      if (userId !== 'bad') return
      tries += 1
      throw new Error('not now')
    })
    await stream.run()
    await stream.emit(retried, 'deposit_made', {}, { userId: 'good' })
    await until('the first is committed', async () => (await committed(service)) === 1n)
    const { offset } = await stream.emit(retried, 'deposit_made', {}, { userId: 'bad' })
    await until('it was tried', () => tries > 1)

    const [poison, stuck, inRetry] = await Promise.all([
      why(at(hanging, 4n), group),
      why(at(hanging, 8n), group),
      why(at(retried, offset), service),
    ])
    expect([poison, stuck, inRetry].map(said)).toEqual([['likely POISON'], ['likely STUCK'], ['likely IN_RETRY']])
    expect(stuck[0]!.remedy.command).toBe(`selfmonitor why ${hanging} 0 4 --group ${group}`)
  })

  it('it became a dead letter', async () => {
    const topic = await rig.topic('dead', { partitions: 1 })
    const service = rig.unique('ledger')
    const stream = await rig.connect({ service })
    stream.on(topic, 'deposit_made', () => {
      throw new PermanentError('no such account')
    })
    await stream.run()
    const { offset } = await stream.emit(topic, 'deposit_made', { n: 1 }, { userId: 'u' })
    await until('it is put aside', async () => (await committed(service)) === offset + 1n)
    const reasons = await why(at(topic, offset), service)
    expect(said(reasons)).toEqual(['certain DEAD_LETTERED', 'certain CONSUMED'])
    expect(reasons[0]!.evidence.map(({ text }) => text).join()).toContain('no such account')
  })

  it('it waits in a topic for retries, where the framework of its service put it', async () => {
    const topic = await rig.topic('orders', { partitions: 1 })
    await write(clients.kafka, topic, 3)
    const group = rig.unique('billing')
    await cluster().resetOffsets(group, [{ topic, partition: 0, from: null, to: 2n, clamped: false }])
    await cluster().createTopics([{ name: `${topic}-retry-0`, partitions: 1, replicationFactor: 1 }])
    const producer = clients.kafka.producer()
    await producer.connect()
    // As Spring's RetryableTopic writes them.
    const headers = {
      'kafka_original-topic': topic,
      'kafka_original-partition': Buffer.from([0, 0, 0, 0]),
      'kafka_original-offset': Buffer.from([0, 0, 0, 0, 0, 0, 0, 1]),
      'retry_topic-attempts': Buffer.from([0, 0, 0, 2]),
      'kafka_exception-message': 'the ledger does not answer',
    }
    await producer.send({ topic: `${topic}-retry-0`, messages: [{ value: 'v1', headers }] })
    await producer.disconnect()
    const reasons = await why(at(topic, 1n), group)
    expect(said(reasons)).toEqual(['certain IN_RETRY', 'certain CONSUMED'])
    expect(reasons[0]!.evidence.map(({ text }) => text).slice(1)).toEqual([
      'after 2 attempts',
      'the ledger does not answer',
    ])
    expect(said(await why(at(topic, 0n), group))).toEqual(['certain CONSUMED'])
  })

  it('the group is on its way, and when it will be there', { timeout: 60_000 }, async () => {
    const topic = await rig.topic('slow', { partitions: 1 })
    await write(clients.kafka, topic, 2000)
    const group = rig.unique('slow')
    await clients.join(group, [topic], { handle: () => new Promise((resolve) => setTimeout(resolve, 20)) })
    await until('it has begun', async () => ((await committed(group)) ?? 0n) > 0n)
    const [reason] = await why(at(topic, 1900n), group, { watchMs: 2_000 })
    expect(reason).toMatchObject({ code: 'NOT_YET', certainty: 'certain' })
    expect(reason!.message).toMatch(/ will reach .*@1900 in about \d+ (s|min)/)
  })

  it('the group waits for a member that does not rejoin', { timeout: 60_000 }, async () => {
    const topic = await rig.topic('rebalancing', { partitions: 1 })
    await write(clients.kafka, topic, 2)
    const group = rig.unique('rebalancing')
    let handled = 0
    await clients.join(group, [topic], {
      sessionTimeoutMs: 60_000,
      handle: (_, hang) => (++handled > 1 ? hang : Promise.resolve()),
    })
    await until('its handler hangs', () => handled > 1)
    void clients.join(group, [topic], { sessionTimeoutMs: 60_000 }).catch(() => {})
    await until(
      'the rebalance begins',
      async () => (await cluster().describeGroups([group]))[0]!.state === 'PreparingRebalance',
    )
    expect(said(await why(at(topic, 1n), group, { watchMs: 1_000 }))).toEqual(['certain REBALANCING'])
  })

  it('members come and go', { timeout: 60_000 }, async () => {
    const topic = await rig.topic('flapping', { partitions: 2 })
    const group = rig.unique('flapping')
    await write(clients.kafka, topic, 5, { partition: 1 })
    await clients.join(group, [topic], { autoCommit: false })
    const watching = new AbortController()
    const flapping = (async () => {
      while (!watching.signal.aborted) await (await clients.join(group, [topic], { autoCommit: false })).disconnect()
    })()
    const reasons = await why(at(topic, 4n, 1), group, { watchMs: 8_000, lookEveryMs: 100 })
    watching.abort()
    await flapping
    expect(said(reasons)).toContain('certain FLAPPING')
  })
})
