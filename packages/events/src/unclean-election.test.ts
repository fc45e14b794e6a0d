// A real unclean leader election: three nodes of Apache Kafka, of which the one that has the latest records dies.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApacheCluster, startApache } from '@selfmonitor/apache'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { until, useEvents } from '../../../test/support/events.ts'

const config = {
  'unclean.leader.election.enable': 'true',
  'unclean.leader.election.interval.ms': '1000',
  'min.insync.replicas': '1',
  'offsets.topic.replication.factor': '3',
  'offsets.topic.num.partitions': '1',
  'replica.lag.time.max.ms': '3000',
  'broker.session.timeout.ms': '4000',
}

describe.skipIf('missing' in inject('apache'))('an unclean leader election', { timeout: 180_000 }, () => {
  let kafka: ApacheCluster
  let dataDir: string
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'events-unclean-'))
    kafka = await startApache({ dataDir, brokers: 3, port: 0, heapMb: 256, config })
  }, 120_000)
  afterAll(async () => {
    await kafka?.close()
    await rm(dataDir, { recursive: true, force: true })
  }, 60_000)
  const rig = useEvents({
    name: 'apache',
    broker: undefined,
    get bootstrapServers() {
      return kafka.bootstrapServers
    },
  })

  it('takes events from the log that were handled, and the new ones at their offsets are handled, too', async () => {
    const topic = await rig.topic('user.events', { partitions: 1, replicationFactor: 2 })
    const group = rig.unique('group')
    const partition = async () => (await rig.cluster.describeTopics([topic]))[0]!.partitions[0]!
    const committed = async () => (await rig.cluster.groupLag(group))[0]?.committedOffset
    const stream = await rig.connect({ group })
    const seen: string[] = []
    stream.on(topic, '*', ({ offset, data }) => void seen.push(`${offset} ${(data as { name: string }).name}`))
    await stream.run()
    const emit = async (...names: readonly string[]) => {
      for (const name of names) await stream.emit(topic, 'a', { name }, { userId: 'u' })
    }

    const { leader, replicas } = await partition()
    const follower = replicas.find((node) => node !== leader)!
    await emit('a', 'b', 'c')
    await kafka.stopNode(follower)
    await emit('d', 'e', 'f')
    await until('six events', async () => seen.length === 6 && (await committed()) === 6n, 60_000)
    await kafka.stopNode(leader, 'SIGKILL')
    await kafka.startNode(follower)
    const isElected = async () => (await partition().catch(() => null))?.leader === follower
    await until('the follower leads, without the latest events', isElected, 90_000)

    await emit('x', 'y', 'z', 'last')
    await until('the new events', () => seen.length >= 10, 60_000)
    expect(seen).toEqual(['0 a', '1 b', '2 c', '3 d', '4 e', '5 f', '3 x', '4 y', '5 z', '6 last'])
    await until('the commit', async () => (await committed()) === 7n)
    const warning = rig.logs.find(({ level, message }) => level === 'warn' && message.includes('the log was truncated'))
    expect(warning?.context).toMatchObject({ topic, partition: 0, from: '6', to: '3' })
  })
})
