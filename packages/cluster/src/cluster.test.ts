// Every operation against a live cluster, on both engines.
import { Consumer, MessagesStreamModes, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeEngines } from '../../../test/support/engines.ts'
import { connectCluster } from './cluster.ts'
import type { Cluster } from './types.ts'

let counter = 0
const unique = (name: string) => `cluster-${name}-${process.pid}-${++counter}`

describeEngines('cluster', (engine) => {
  let cluster: Cluster
  beforeAll(() => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers, timeoutMs: 20_000 })
  })
  // The engine is shared: what a test leaves behind costs every other test file.
  const created: string[] = []
  afterAll(async () => {
    const left = (await cluster.listTopics()).map(({ name }) => name)
    await cluster.deleteTopics(created.filter((name) => left.includes(name)))
    await cluster.close()
  })

  async function newTopic(partitions: number, config: Record<string, string> = {}): Promise<string> {
    const name = unique('topic')
    await cluster.createTopics([{ name, partitions, replicationFactor: 1, config }])
    created.push(name)
    return name
  }

  /** Sends one record a timestamp to partition 0. */
  async function produce(topic: string, timestamps: readonly number[]): Promise<void> {
    const producer = new Producer({
      clientId: 'test',
      bootstrapBrokers: [engine.bootstrapServers],
      serializers: stringSerializers,
    })
    await producer.send({
      messages: timestamps.map((t) => ({ topic, partition: 0, value: `at ${t}`, timestamp: BigInt(t) })),
    })
    await producer.close()
  }

  async function consume(
    topic: string,
    groupId: string,
    groupProtocol: 'classic' | 'consumer' = 'classic',
  ): Promise<{ close(): Promise<void> }> {
    const consumer = new Consumer({
      groupId,
      groupProtocol,
      clientId: 'test-member',
      bootstrapBrokers: [engine.bootstrapServers],
      deserializers: stringDeserializers,
    })
    const stream = await consumer.consume({ topics: [topic], autocommit: false, mode: MessagesStreamModes.EARLIEST })
    return {
      async close() {
        await stream.close()
        await consumer.close()
      },
    }
  }

  it('tells the cluster id, the brokers and the controller', async () => {
    const info = await cluster.info()
    const [host, port] = engine.bootstrapServers.split(':')
    expect(info.clusterId).not.toBe('')
    expect(info.brokers).toContainEqual(expect.objectContaining({ host, port: Number(port) }))
    expect(info.brokers.map(({ id }) => id)).toContain(info.controllerId)
  })

  it('creates a topic that is there when the call returns, with its partitions, leaders and settings', async () => {
    const name = await newTopic(3, { 'retention.ms': '604800000', 'cleanup.policy': 'compact' })
    const [topic] = await cluster.describeTopics([name])
    expect(topic).toMatchObject({ name, internal: false })
    expect(topic!.id).toMatch(/^[A-Za-z0-9_-]{22}$/)
    expect(topic!.partitions.map(({ partition }) => partition)).toEqual([0, 1, 2])
    for (const { leader, replicas, isr } of topic!.partitions) {
      expect(replicas).toEqual([leader])
      expect(isr).toEqual([leader])
    }
    const configs = (await cluster.topicConfigs([name])).get(name)!
    expect(configs.find((c) => c.name === 'retention.ms')).toMatchObject({ value: '604800000', source: 'topic' })
    expect(configs.find((c) => c.name === 'cleanup.policy')).toMatchObject({ value: 'compact', source: 'topic' })
    expect(configs.find((c) => c.name === 'max.message.bytes')?.source).not.toBe('topic')
    expect((await cluster.listTopics()).map((t) => t.name)).toContain(name)
  })

  it('only validates when asked to, and throws what creating would', async () => {
    const name = unique('topic')
    const topic = { name, partitions: 2, replicationFactor: 1 }
    await cluster.createTopics([topic], { validateOnly: true })
    await expect(cluster.describeTopics([name])).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    await expect(
      cluster.createTopics([{ ...topic, replicationFactor: 9 }], { validateOnly: true }),
    ).rejects.toMatchObject({
      code: 'INVALID_REPLICATION_FACTOR',
      reason: 'invalid',
      resource: `topic ${name}`,
      kafkaError: { name: 'INVALID_REPLICATION_FACTOR', code: 38 },
    })
    await expect(
      cluster.createTopics([{ ...topic, config: { 'retention.ms': 'a week' } }], { validateOnly: true }),
    ).rejects.toMatchObject({ code: 'INVALID_CONFIG' })
  })

  it('refuses a topic that exists, naming it and the remedy', async () => {
    const name = await newTopic(1)
    const error = await cluster.createTopics([{ name, partitions: 1, replicationFactor: 1 }]).catch((e) => e)
    expect(error).toMatchObject({ code: 'TOPIC_ALREADY_EXISTS', resource: `topic ${name}` })
    expect(error.message).toContain(name)
    expect(error.hint).toContain('Alter')
  })

  it('creates what it can of several topics, and names every one that it could not', async () => {
    const [taken, fresh] = [await newTopic(1), unique('topic')]
    created.push(fresh)
    const topic = { partitions: 1, replicationFactor: 1 }
    const error = await cluster
      .createTopics([
        { ...topic, name: taken },
        { ...topic, name: fresh },
        { ...topic, name: 'no good' },
      ])
      .catch((e) => e)
    const errors = [error, ...error.others].map(({ code, resource }) => `${resource} ${code}`).sort()
    expect(errors).toEqual([`topic ${taken} TOPIC_ALREADY_EXISTS`, 'topic no good INVALID_TOPIC_EXCEPTION'].sort())
    await expect.poll(async () => (await cluster.listTopics()).map(({ name }) => name)).toContain(fresh)
  })

  it('grows partitions, and refuses to shrink them', async () => {
    const name = await newTopic(2)
    await cluster.createPartitions([{ topic: name, partitions: 5 }], { validateOnly: true })
    expect((await cluster.describeTopics([name]))[0]!.partitions).toHaveLength(2)
    await cluster.createPartitions([{ topic: name, partitions: 5 }])
    expect((await cluster.describeTopics([name]))[0]!.partitions).toHaveLength(5)
    await expect(cluster.createPartitions([{ topic: name, partitions: 3 }])).rejects.toMatchObject({
      code: 'INVALID_PARTITIONS',
    })
  })

  it('deletes topics, gone when the call returns', async () => {
    const names = [await newTopic(1), await newTopic(1)]
    await cluster.deleteTopics(names)
    const left = (await cluster.listTopics()).map((t) => t.name)
    expect(left.filter((name) => names.includes(name))).toEqual([])
    await expect(cluster.deleteTopics([names[0]!])).rejects.toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
  })

  it('changes single settings, leaves the others, and takes one back with null', async () => {
    const name = await newTopic(1, { 'retention.ms': '1000', 'max.message.bytes': '2000' })
    await cluster.alterTopicConfigs([{ topic: name, set: { 'retention.ms': '5000', 'max.message.bytes': null } }])
    const configs = (await cluster.topicConfigs([name])).get(name)!
    const own = configs.filter((c) => c.source === 'topic')
    expect(own.map((c) => [c.name, c.value])).toEqual([['retention.ms', '5000']])
    await expect(cluster.alterTopicConfigs([{ topic: name, set: { 'no.such.setting': '1' } }])).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
    })
  })

  it("reads a broker's settings", async () => {
    const { brokers } = await cluster.info()
    const configs = await cluster.brokerConfigs(brokers[0]!.id)
    expect(configs.find((c) => c.name === 'log.retention.hours' || c.name === 'log.retention.ms')).toBeDefined()
    await expect(cluster.brokerConfigs(99)).rejects.toMatchObject({ code: 'BROKER_NOT_AVAILABLE' })
  })

  it('tells the ends of a log and the first record at or after a time', async () => {
    const topic = await newTopic(2)
    await produce(topic, [1_000, 2_000, 3_000])
    const at = (when: 'earliest' | 'latest' | number) => cluster.listOffsets([{ topic, partition: 0 }], when)
    expect(await at('earliest')).toEqual([{ topic, partition: 0, offset: 0n }])
    expect(await at('latest')).toEqual([{ topic, partition: 0, offset: 3n }])
    expect((await at(1_500))[0]!.offset).toBe(1n)
    expect((await at(2_000))[0]!.offset).toBe(1n)
    expect((await at(4_000))[0]!.offset).toBeNull()
    expect(
      await cluster.listOffsets(
        [
          { topic, partition: 1 },
          { topic, partition: 0 },
        ],
        'latest',
      ),
    ).toEqual([
      { topic, partition: 1, offset: 0n },
      { topic, partition: 0, offset: 3n },
    ])
    await expect(cluster.listOffsets([{ topic, partition: 7 }], 'latest')).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
    })
  })

  it('deletes records before an offset, and all of them for -1', async () => {
    const topic = await newTopic(1)
    await produce(topic, [1, 2, 3, 4])
    expect(await cluster.deleteRecords([{ topic, partition: 0, offset: 2n }])).toEqual([
      { topic, partition: 0, lowWatermark: 2n },
    ])
    expect((await cluster.listOffsets([{ topic, partition: 0 }], 'earliest'))[0]!.offset).toBe(2n)
    expect(await cluster.deleteRecords([{ topic, partition: 0, offset: -1n }])).toMatchObject([{ lowWatermark: 4n }])
    await expect(cluster.deleteRecords([{ topic, partition: 0, offset: 9n }])).rejects.toMatchObject({
      code: 'OFFSET_OUT_OF_RANGE',
    })
  })

  it('plans and executes an offset reset, and shows the lag that results', async () => {
    const topic = await newTopic(2)
    const group = unique('group')
    await produce(topic, [1_000, 2_000, 3_000])
    const plan = await cluster.planOffsetReset(group, [{ topic }], { kind: 'datetime', timestampMs: 2_000 })
    expect(plan).toEqual([
      { topic, partition: 0, from: null, to: 1n, clamped: false },
      { topic, partition: 1, from: null, to: 0n, clamped: false },
    ])
    expect(await cluster.groupLag(group)).toEqual([])
    await cluster.resetOffsets(group, plan)
    expect(await cluster.groupLag(group)).toMatchObject([
      { groupId: group, topic, partition: 0, committedOffset: 1n, logEndOffset: 3n, lag: 2n, memberId: null },
      { partition: 1, committedOffset: 0n, logEndOffset: 0n, lag: 0n },
    ])
    const forward = await cluster.planOffsetReset(group, 'all', { kind: 'shift-by', by: 1n })
    expect(forward.map(({ from, to, clamped }) => [from, to, clamped])).toEqual([
      [1n, 2n, false],
      [0n, 0n, true],
    ])
    const copy = unique('group')
    const copied = await cluster.planOffsetReset(copy, 'all', { kind: 'from-group', groupId: group })
    expect(copied.map(({ to }) => to)).toEqual([1n, 0n])
    await cluster.resetOffsets(copy, copied)
    expect((await cluster.groupLag(copy)).map(({ committedOffset }) => committedOffset)).toEqual([1n, 0n])
  })

  it('refuses a reset that names a topic, a partition or a source group that does not exist', async () => {
    const topic = await newTopic(1)
    const group = unique('group')
    const earliest = { kind: 'earliest' } as const
    await expect(cluster.planOffsetReset(group, [{ topic: 'no-such' }], earliest)).rejects.toMatchObject({
      code: 'UNKNOWN_TOPIC_OR_PARTITION',
      resource: 'topic no-such',
    })
    await expect(cluster.planOffsetReset(group, [{ topic, partitions: [4] }], earliest)).rejects.toThrow(/partition 4/)
    await expect(cluster.planOffsetReset(group, 'all', earliest)).rejects.toThrow(/no committed offsets/)
    await expect(
      cluster.planOffsetReset(group, [{ topic }], { kind: 'from-group', groupId: 'no-such-group' }),
    ).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', resource: 'group no-such-group' })
  })

  it('describes an active group with its members, and refuses to reset or delete it until it is empty', async () => {
    const topic = await newTopic(2)
    const groupId = unique('group')
    await produce(topic, [1, 2])
    const member = await consume(topic, groupId)
    try {
      await expect
        .poll(async () => (await cluster.describeGroups([groupId]))[0]!.state, { timeout: 15_000 })
        .toBe('Stable')
      const [group] = await cluster.describeGroups([groupId])
      expect(group).toMatchObject({ groupId, protocolType: 'consumer' })
      expect(group!.protocol).not.toBe('')
      expect(group!.members).toHaveLength(1)
      expect(group!.members[0]).toMatchObject({ clientId: 'test-member', assignment: [{ topic, partitions: [0, 1] }] })
      expect(group!.members[0]!.host).toMatch(/127\.0\.0\.1/)
      expect(await cluster.listGroups()).toContainEqual({ groupId, state: 'Stable', protocolType: 'consumer' })
      expect(await cluster.groupLag(groupId)).toMatchObject([
        { partition: 0, committedOffset: null, lag: null, memberId: group!.members[0]!.memberId },
        { partition: 1, committedOffset: null, lag: null },
      ])
      const plan = await cluster.planOffsetReset(groupId, [{ topic }], { kind: 'latest' })
      await expect(cluster.resetOffsets(groupId, plan)).rejects.toMatchObject({ code: 'NON_EMPTY_GROUP' })
      await expect(cluster.deleteGroups([groupId])).rejects.toMatchObject({ code: 'NON_EMPTY_GROUP' })
    } finally {
      await member.close()
    }
    await expect
      .poll(async () => (await cluster.describeGroups([groupId]))[0]!.members.length, { timeout: 15_000 })
      .toBe(0)
    await cluster.resetOffsets(groupId, await cluster.planOffsetReset(groupId, [{ topic }], { kind: 'latest' }))
    expect((await cluster.groupLag(groupId)).map(({ lag }) => lag)).toEqual([0n, 0n])
    await cluster.deleteGroupOffsets(groupId, [{ topic, partition: 1 }])
    expect((await cluster.groupLag(groupId)).map(({ partition }) => partition)).toEqual([0])
    await cluster.deleteGroups([groupId])
    expect((await cluster.listGroups()).map((g) => g.groupId)).not.toContain(groupId)
    expect((await cluster.describeGroups([groupId]))[0]).toMatchObject({ state: 'Dead', members: [] })
  })

  if (engine.name === 'apache') {
    it('describes a group of the new consumer protocol (KIP-848) with its members and their partitions', async () => {
      const topic = await newTopic(2)
      const groupId = unique('group')
      const member = await consume(topic, groupId, 'consumer')
      try {
        await expect
          .poll(async () => (await cluster.describeGroups([groupId]))[0]!.members[0]?.assignment, { timeout: 15_000 })
          .toEqual([{ topic, partitions: [0, 1] }])
        const [group] = await cluster.describeGroups([groupId])
        expect(group).toMatchObject({ groupId, state: 'Stable', protocolType: 'consumer', protocol: 'uniform' })
        const plan = await cluster.planOffsetReset(groupId, [{ topic }], { kind: 'earliest' })
        await expect(cluster.resetOffsets(groupId, plan)).rejects.toMatchObject({ code: 'NON_EMPTY_GROUP' })
      } finally {
        await member.close()
      }
    })
  }

  it('refuses to delete a group that does not exist', async () => {
    await expect(cluster.deleteGroups(['no-such-group'])).rejects.toMatchObject({ code: 'GROUP_ID_NOT_FOUND' })
  })

  it('hides internal topics unless they are asked for', async () => {
    const topic = await newTopic(1)
    const group = unique('group')
    await cluster.resetOffsets(group, await cluster.planOffsetReset(group, [{ topic }], { kind: 'latest' }))
    expect((await cluster.listTopics()).map((t) => t.name)).not.toContain('__consumer_offsets')
    const offsets = (await cluster.listTopics({ internal: true })).find((t) => t.name === '__consumer_offsets')
    expect(offsets).toMatchObject({ internal: true })
  })

  it('shows how large each partition is on disk', async () => {
    const topic = await newTopic(1)
    await produce(topic, [1, 2, 3])
    const dirs = await cluster.logDirs()
    const partition = dirs.flatMap((dir) => dir.partitions).find((p) => p.topic === topic)
    expect(partition!.sizeBytes).toBeGreaterThan(0n)
    for (const dir of dirs) {
      expect(dir.error).toBeNull()
      expect(dir.totalBytes! >= dir.usableBytes!).toBe(true)
    }
  })

  it('answers for hundreds of partitions of several topics in one call, in the order asked for', async () => {
    const names = Array.from({ length: 4 }, () => unique('many'))
    await cluster.createTopics(names.map((name) => ({ name, partitions: 60, replicationFactor: 1 })))
    created.push(...names)
    const partitions = Array.from({ length: 60 }, (_, partition) => names.map((topic) => ({ topic, partition }))).flat()
    const ends = await cluster.listOffsets(partitions, 'latest')
    expect(ends).toEqual(partitions.map((partition) => ({ ...partition, offset: 0n })))
  })

  it('says of a cluster without an authorizer what to set', async () => {
    const binding = {
      ...({ resourceType: 'topic', resourceName: 'orders', pattern: 'literal' } as const),
      ...({ principal: 'User:billing', host: '*', operation: 'read', permission: 'allow' } as const),
    }
    for (const attempt of [
      () => cluster.acls(),
      () => cluster.createAcls([binding]),
      () => cluster.deleteAcls([binding]),
    ]) {
      await expect(attempt()).rejects.toMatchObject({
        code: 'SECURITY_DISABLED',
        message: expect.stringContaining('No Authorizer is configured'),
        hint: expect.stringContaining('authorizer.class.name'),
      })
    }
  })

  it('does not try passwords over a connection that has none', async () => {
    await expect(cluster.authenticates({ name: 'billing', password: 'x' })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      hint: expect.stringContaining('security.protocol=SASL_SSL'),
    })
  })

  it('says that a port does not use SASL, and what to set', async () => {
    const sasl = { mechanism: 'PLAIN', username: 'ann', password: 'secret' } as const
    const withSasl = connectCluster({ bootstrapServers: engine.bootstrapServers, sasl, timeoutMs: 20_000 })
    try {
      await expect(withSasl.info()).rejects.toMatchObject({
        code: 'AUTHENTICATION_FAILED',
        reason: 'not-allowed',
        message: expect.stringContaining('does not use SASL on this port'),
        hint: expect.stringContaining('security.protocol=PLAINTEXT'),
      })
    } finally {
      await withSasl.close()
    }
  })

  if (engine.name === 'embedded') {
    it('says that this cluster does not support SCRAM accounts, and names the API', async () => {
      for (const attempt of [
        () => cluster.users(),
        () => cluster.setUserPasswords([{ name: 'billing', password: 'secret' }]),
        () => cluster.deleteUsers(['billing']),
      ]) {
        await expect(attempt()).rejects.toMatchObject({
          code: 'UNSUPPORTED_API',
          message: expect.stringMatching(
            /^This cluster does not support SCRAM accounts: broker .* does not offer the API \w+UserScramCredentials$/,
          ),
        })
      }
    })
  }
})
