// What a backup cannot read stays as it was, is named, and keeps nothing else from being backed up.
import { type Cluster, connectCluster, type ReadRange } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { readState } from './format/manifests.ts'
import { planRestore } from './restore/plan.ts'
import { runRestore } from './restore/run.ts'
import { takeBackup } from './take/take.ts'
import { type MemoryStore, memoryStore } from './test-support/memory-store.ts'
import { verifyBackup } from './verify.ts'

describeEngines('a backup of a cluster that cannot be read everywhere', (engine) => {
  const run = Date.now().toString(36)
  let cluster: Cluster
  let clusterId: string
  let topics = 0
  beforeAll(async () => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers })
    clusterId = (await cluster.info()).clusterId
  })
  afterAll(async () => cluster.close())

  async function newTopic(partitions = 2): Promise<string> {
    const name = `unreadable-${run}-${topics++}`
    await cluster.createTopics([{ name, partitions, replicationFactor: 1 }])
    return name
  }

  async function produce(topic: string, partition: number, ...values: string[]): Promise<void> {
    const identity = await cluster.initProducer()
    const appender = await cluster.appendBatches()
    for (const [baseSequence, value] of values.entries()) {
      const record = { value: Buffer.from(value), timestamp: BigInt(Date.now()) }
      await appender.append(topic, partition, encodeBatch([record], { ...identity, baseSequence }))
    }
    await appender.close()
  }

  async function valuesOf(topic: string, partition: number): Promise<string[]> {
    const [end] = await cluster.listOffsets([{ topic, partition }], 'latest')
    const values: string[] = []
    for await (const event of cluster.read([{ topic, partition, next: 0n, end: end!.offset! }])) {
      if (event.kind === 'records') values.push(...event.records.map(({ value }) => String(value)))
    }
    return values
  }

  const take = (store: MemoryStore, names: readonly string[], of: Cluster = cluster) =>
    takeBackup(of, store, {
      tool: 'test',
      include: (name) => names.includes(name),
      unavailableMs: 100,
      segmentBytes: 1,
    })

  const restore = async (store: MemoryStore, from: string) => {
    const to = `${from}.restored-${topics++}`
    const request = {
      point: { kind: 'latest' },
      nameOf: (topic: string) => (topic === from ? to : null),
      includeGroup: () => true,
      resume: false,
    } as const
    const plan = await planRestore(store, clusterId, cluster, request, Date.now())
    return { to, plan, restored: await runRestore(cluster, plan) }
  }

  const endsOf = ({ manifest }: Awaited<ReturnType<typeof take>>, topic: string) =>
    manifest.topics.find(({ name }) => name === topic)?.partitions.map(({ end }) => end)

  /** As when a broker that leads one partition is away. */
  const withoutLeader = (topic: string, partition: number): Cluster => ({
    ...cluster,
    partitionBounds: async (places) => {
      const isLost = (one: { topic: string; partition: number }) => one.topic === topic && one.partition === partition
      const bounds = await cluster.partitionBounds(places)
      const problem = { code: 'LEADER_NOT_AVAILABLE', message: 'The partition has no leader.' }
      return bounds.map((one) => (isLost(one) ? { ...one, start: null, lastStable: null, end: null, problem } : one))
    },
  })

  it('keeps a partition without a leader as it was, names it, and restores what there is with an error', async () => {
    const [topic, other] = [await newTopic(), await newTopic()]
    const store = memoryStore()
    await produce(topic, 0, 'a')
    await produce(topic, 1, 'b')
    const first = await take(store, [topic, other])
    await produce(topic, 0, 'c')
    await produce(topic, 1, 'd')
    await produce(other, 0, 'e')
    const second = await take(store, [topic, other], withoutLeader(topic, 1))
    expect(second.problems).toEqual([
      {
        part: `topic ${topic} partition 1`,
        code: 'LEADER_NOT_AVAILABLE',
        message: 'The partition has no leader.',
      },
    ])
    expect([endsOf(second, topic), endsOf(second, other)]).toEqual([
      [2n, 1n],
      [1n, 0n],
    ])
    expect(second.manifest.topics[0]!.partitions[1]!.asOfMs).toBe(first.manifest.cutAtMs)
    expect((await verifyBackup(store, clusterId)).findings).toEqual([])

    const { to, plan, restored } = await restore(store, topic)
    expect(restored.isComplete).toBe(false)
    expect(plan.missing).toEqual([expect.stringContaining(`topic ${topic} partition 1: LEADER_NOT_AVAILABLE`)])
    expect(plan.warnings).toEqual([expect.stringContaining(`topic ${topic} partition 1`)])
    expect([await valuesOf(to, 0), await valuesOf(to, 1)]).toEqual([['a', 'c'], ['b']])

    const third = await take(store, [topic, other])
    expect({ problems: third.problems, ends: endsOf(third, topic) }).toEqual({ problems: [], ends: [2n, 2n] })
    expect((await restore(store, topic)).restored.isComplete).toBe(true)
  })

  it('has nothing of a partition that was never readable, and says so', async () => {
    const topic = await newTopic()
    const store = memoryStore()
    await produce(topic, 0, 'a')
    const taken = await take(store, [topic], withoutLeader(topic, 1))
    expect(taken.problems).toHaveLength(1)
    // The manifest names it, so that its topic does not count as covered.
    expect(taken.manifest.topics[0]!.partitions).toMatchObject([
      { partition: 0, end: 1n },
      { partition: 1, end: 0n, records: 0n, asOfMs: null },
    ])
    const { to, restored } = await restore(store, topic)
    expect(restored.isComplete).toBe(false)
    expect((await cluster.describeTopics([to]))[0]!.partitions).toHaveLength(2)
    expect(endsOf(await take(store, [topic]), topic)).toEqual([1n, 0n])
  })

  it('keeps what was read of a partition that fails on the way, and goes on there', async () => {
    const topic = await newTopic()
    const store = memoryStore()
    await produce(topic, 0, 'a')
    await produce(topic, 1, 'b', 'c', 'd')
    const failing: Cluster = {
      ...cluster,
      async *readBatches(ranges: readonly ReadRange[], options) {
        // The reader gives what it has, then the notice.
        const cut = ranges.map((range) => (range.partition === 1 ? { ...range, end: 2n } : range))
        yield* cluster.readBatches(cut, options)
        const message = 'The disk is gone.'
        const kind = 'failed'
        yield { kind: 'notice', notice: { kind, topic, partition: 1, at: 2n, code: 'KAFKA_STORAGE_ERROR', message } }
      },
    }
    const first = await take(store, [topic], failing)
    expect(first.problems).toMatchObject([{ part: `topic ${topic} partition 1`, code: 'KAFKA_STORAGE_ERROR' }])
    expect(first.manifest.topics[0]!.partitions[1]).toMatchObject({ end: 2n, records: 2n, asOfMs: null })
    const second = await take(store, [topic])
    expect(second.added.records).toBe(1n)
    const { to, restored } = await restore(store, topic)
    expect(restored.isComplete).toBe(true)
    expect(await valuesOf(to, 1)).toEqual(['b', 'c', 'd'])
  })

  it('keeps a topic whose settings may not be read, and one that has turned to tiered storage', async () => {
    const [secret, tiered, open] = [await newTopic(1), await newTopic(1), await newTopic(1)]
    const store = memoryStore()
    await produce(secret, 0, 'a')
    await produce(tiered, 0, 'b')
    await take(store, [secret, tiered, open])
    await produce(open, 0, 'c')
    const changed: Cluster = {
      ...cluster,
      async topicConfigs(names) {
        if (names.includes(secret)) {
          throw new ClusterError('TOPIC_AUTHORIZATION_FAILED', 'no right', { reason: 'not-allowed' })
        }
        const configs = await cluster.topicConfigs(names)
        const entry = { name: 'remote.storage.enable', value: 'true', source: 'topic' } as never
        return new Map([...configs].map(([name, all]) => [name, name === tiered ? [...all, entry] : all]))
      },
    }
    const second = await take(store, [secret, tiered, open], changed)
    expect(second.problems.map(({ part, code }) => `${part} ${code}`)).toEqual([
      `topic ${secret} TOPIC_AUTHORIZATION_FAILED`,
      `topic ${tiered} TIERED_STORAGE`,
    ])
    expect([secret, tiered, open].map((name) => endsOf(second, name))).toEqual([[1n], [1n], [1n]])
    const state = await readState(store, second.manifest)
    expect(state.topics.map(({ name }) => name).sort()).toEqual([secret, tiered, open].sort())
    expect((await verifyBackup(store, clusterId)).findings).toEqual([])
    const { to, restored } = await restore(store, tiered)
    expect(restored.isComplete).toBe(false)
    expect(await valuesOf(to, 0)).toEqual(['b'])
  })

  it('names topics without an id, of brokers that speak an old protocol among themselves', async () => {
    const [old, open] = [await newTopic(1), await newTopic(1)]
    const listTopics: Cluster['listTopics'] = async (options) =>
      (await cluster.listTopics(options)).map((one) => (one.name === old ? { ...one, id: 'A'.repeat(22) } : one))
    const { problems, manifest } = await take(memoryStore(), [old, open], { ...cluster, listTopics })
    expect(problems).toEqual([expect.objectContaining({ part: `topic ${old}`, code: 'NO_TOPIC_ID' })])
    expect(manifest.topics.map(({ name }) => name)).toEqual([open])
  })

  it('restores a topic without the settings that the target does not know, and says which', async () => {
    const topic = await newTopic(1)
    const store = memoryStore()
    await produce(topic, 0, 'a')
    const foreign: Cluster = {
      ...cluster,
      async topicConfigs(names) {
        const entry = { name: 'confluent.tier.enable', value: 'false', source: 'topic' } as never
        return new Map([...(await cluster.topicConfigs(names))].map(([name, all]) => [name, [...all, entry]]))
      },
    }
    await take(store, [topic], foreign)
    const { to, plan, restored } = await restore(store, topic)
    expect(plan.warnings).toEqual([expect.stringContaining(`confluent.tier.enable=false is left out of ${to}`)])
    expect(restored.isComplete).toBe(true)
    expect(await valuesOf(to, 0)).toEqual(['a'])
  })

  it('keeps what it has of a log that was cut, grown again or not, and puts its groups back to the cut', async () => {
    const topic = await newTopic()
    const store = memoryStore()
    await produce(topic, 0, 'a', 'b', 'c')
    await produce(topic, 1, 'a', 'b', 'c')
    const group = `${topic}-group`
    await cluster.commitOffsets(group, [{ topic, partition: 0, to: 3n }])
    await take(store, [topic])
    await produce(topic, 1, 'd')
    // As after an unclean leader election: partition 0 has two records, and partition 1 a fourth behind another history.
    const cut: Cluster = {
      ...cluster,
      partitionBounds: async (places) =>
        (await cluster.partitionBounds(places)).map((one) =>
          one.topic === topic && one.partition === 0 ? { ...one, lastStable: 2n, end: 2n } : one,
        ),
      async *readBatches(ranges, options) {
        yield { kind: 'notice', notice: { kind: 'cut', topic, partition: 1, to: 1n, follows: true } }
        yield* cluster.readBatches(ranges, options)
      },
    }
    const second = await take(store, [topic], cut)
    expect(second.problems.map(({ part, code }) => `${part} ${code}`)).toEqual([
      `topic ${topic} partition 0 LOG_CUT`,
      `topic ${topic} partition 1 LOG_CUT`,
    ])
    expect(endsOf(second, topic)).toEqual([3n, 3n])
    expect(second.added.records).toBe(0n)
    expect((await verifyBackup(store, clusterId)).findings).toEqual([])
    const { to, restored } = await restore(store, topic)
    expect(restored.isComplete).toBe(false)
    expect(await valuesOf(to, 1)).toEqual(['a', 'b', 'c'])
    expect(restored.positions).toMatchObject([{ groupId: group, committed: 2n, position: 2n }])
  })
})
