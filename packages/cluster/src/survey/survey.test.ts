// Reading a whole cluster at once, on both engines.
import { CompressionAlgorithms, Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka'
import { fetchDistribution, runTool } from '@selfmonitor/apache'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { pythonWith } from '../../../../test/support/python.ts'
import { connectCluster } from '../cluster.ts'
import type { PlacedPartition, UnreadPosition } from '../survey-types.ts'
import type { Cluster } from '../types.ts'

let counter = 0
const unique = (name: string) => `survey-${name}-${process.pid}-${++counter}`

/** Every partition of the topics, where the metadata says it is. */
async function placed(cluster: Cluster, names: readonly string[]): Promise<(PlacedPartition & { topicId: string })[]> {
  const topics = await cluster.describeTopics(names)
  return topics.flatMap(({ name, id, partitions }) =>
    partitions.map(({ partition, leader }) => ({ topic: name, topicId: id, partition, leader })),
  )
}

const committedBeside = { leaderEpoch: expect.any(Number), metadata: expect.any(String) }

describeEngines('a survey', (engine) => {
  let cluster: Cluster
  let producer: Producer<Buffer, Buffer, Buffer, Buffer>
  const created: string[] = []
  beforeAll(() => {
    cluster = connectCluster({ bootstrapServers: engine.bootstrapServers, timeoutMs: 20_000 })
    producer = new Producer({ clientId: 'test', bootstrapBrokers: [engine.bootstrapServers] })
  })
  afterAll(async () => {
    await producer.close()
    await cluster.deleteTopics(created)
    await cluster.close()
  })

  async function newTopic(partitions = 1, config: Record<string, string> = {}): Promise<string> {
    const name = unique('topic')
    await cluster.createTopics([
      { name, partitions, replicationFactor: 1, config: { 'retention.ms': '-1', ...config } },
    ])
    created.push(name)
    return name
  }

  /** One batch, with a record for each time. */
  async function produce(topic: string, times: readonly number[], bytes = 10, compression?: 'gzip'): Promise<void> {
    await producer.send({
      acks: -1,
      ...(compression === undefined ? {} : { compression: CompressionAlgorithms.GZIP }),
      messages: times.map((at) => ({ topic, partition: 0, value: Buffer.alloc(bytes, 120), timestamp: BigInt(at) })),
    })
  }

  async function unread(
    topic: string,
    offsets: readonly bigint[],
    options?: { batchBytes?: number; budgetBytes?: number },
  ) {
    const [at] = await placed(cluster, [topic])
    const [bounds] = await cluster.partitionBounds([at!])
    const positions = offsets.map((offset): UnreadPosition => ({ ...at!, offset, end: bounds!.end! }))
    return cluster.unreadRecords(positions, options)
  }

  it('tells where logs begin and end, in the order asked for', async () => {
    const topic = await newTopic(3)
    await produce(topic, [1_000, 2_000, 3_000])
    await cluster.deleteRecords([{ topic, partition: 0, offset: 1n }])
    const partitions = (await placed(cluster, [topic])).reverse()
    const empty = { topic, start: 0n, lastStable: 0n, end: 0n, problem: null }
    expect(await cluster.partitionBounds(partitions)).toEqual([
      { ...empty, partition: 2 },
      { ...empty, partition: 1 },
      { topic, partition: 0, start: 1n, lastStable: 3n, end: 3n, problem: null },
    ])
  })

  it('reads no end before that which it is to come after', async () => {
    const topic = await newTopic(1)
    const partitions = await placed(cluster, [topic])
    const { promise: after, resolve } = Promise.withResolvers<void>()
    const reading = cluster.partitionBounds(partitions, { after })
    await produce(topic, [1_000, 2_000])
    resolve()
    expect(await reading).toEqual([{ topic, partition: 0, start: 0n, lastStable: 2n, end: 2n, problem: null }])
  })

  it('tells of a partition that is gone or has no leader what is wrong, and the rest', async () => {
    const topic = await newTopic(1)
    const [there] = await placed(cluster, [topic])
    const gone = { topic: unique('gone'), partition: 0, leader: there!.leader }
    expect(await cluster.partitionBounds([gone, there!, { ...there!, leader: -1 }])).toMatchObject([
      { start: null, end: null, problem: { code: 'UNKNOWN_TOPIC_OR_PARTITION' } },
      { start: 0n, end: 0n, problem: null },
      { start: null, end: null, problem: { code: 'LEADER_NOT_AVAILABLE' } },
    ])
  })

  it('finds when the next unread record was written, from its batch’s header or from within the batch', async () => {
    const topic = await newTopic()
    await produce(topic, [5_000, 4_000, 6_000])
    await produce(topic, [7_000, 8_000], 10, 'gzip')
    const record = (offset: bigint, timestampMs: number) => ({
      kind: 'record',
      offset,
      timestampMs,
      timestampType: 'CreateTime',
    })
    expect(await unread(topic, [0n, 1n, 2n, 3n, 4n, 5n])).toEqual([
      record(0n, 5_000),
      record(1n, 4_000),
      record(2n, 6_000),
      record(3n, 7_000),
      record(4n, 8_000),
      { kind: 'nothing' },
    ])
  })

  it('gives the broker’s time in a topic with LogAppendTime', async () => {
    const topic = await newTopic(1, { 'message.timestamp.type': 'LogAppendTime' })
    const before = Date.now()
    await produce(topic, [5_000, 6_000])
    const [first, second] = await unread(topic, [0n, 1n])
    expect(first).toMatchObject({ kind: 'record', offset: 0n, timestampType: 'LogAppendTime' })
    expect(second).toMatchObject({ kind: 'record', offset: 1n, timestampType: 'LogAppendTime' })
    expect((second as { timestampMs: number }).timestampMs).toBeGreaterThanOrEqual(before - 1)
  })

  it('fetches a large batch alone, and stops at its budget', async () => {
    const topic = await newTopic()
    await produce(topic, [1_000, 2_000], 40_000)
    await produce(topic, [3_000], 40_000)
    await produce(topic, [4_000])
    const small = { batchBytes: 1_000 }
    expect(await unread(topic, [0n, 2n, 3n], small)).toMatchObject([
      { kind: 'record', offset: 0n, timestampMs: 1_000 },
      { kind: 'record', offset: 2n, timestampMs: 3_000 },
      { kind: 'record', offset: 3n, timestampMs: 4_000 },
    ])
    expect(await unread(topic, [3n], { ...small, budgetBytes: 0 })).toMatchObject([{ kind: 'record', offset: 3n }])
  })

  it('says of a position below the log start, and of a partition without a leader, why there is no time', async () => {
    const topic = await newTopic()
    await produce(topic, [1_000, 2_000])
    await cluster.deleteRecords([{ topic, partition: 0, offset: 1n }])
    const [at] = await placed(cluster, [topic])
    const position = { ...at!, offset: 0n, end: 2n }
    expect(
      await cluster.unreadRecords([position, { ...position, leader: -1 }, { ...position, offset: 1n }]),
    ).toMatchObject([
      { kind: 'problem', problem: { code: 'OFFSET_OUT_OF_RANGE' } },
      { kind: 'problem', problem: { code: 'LEADER_NOT_AVAILABLE' } },
      { kind: 'record', timestampMs: 2_000 },
    ])
  })

  it('asks about many groups of a coordinator at once, and counts what it asks', { timeout: 60_000 }, async () => {
    const topic = await newTopic()
    await produce(topic, [1_000])
    const ids = Array.from({ length: 60 }, (_, i) => `${topic}-group-${i}`)
    await Promise.all(ids.map((id) => cluster.commitOffsets(id, [{ topic, partition: 0, to: 1n }])))
    const { groups } = await cluster.surveyGroups({ include: (id) => id.startsWith(`${topic}-group-`) })
    const before = cluster.requestsSent()
    const offsets = await cluster.groupOffsets(groups)
    expect(cluster.requestsSent() - before).toBe(1)
    expect(offsets).toHaveLength(ids.length)
    for (const { problem, offsets: own } of offsets) {
      expect(problem).toBeNull()
      expect(own).toEqual([{ topic, partition: 0, offset: 1n, lag: null, ...committedBeside }])
    }
    await cluster.deleteGroups(ids)
  })

  it('counts the requests of connections that it makes for a question', async () => {
    const before = cluster.requestsSent()
    const reached = await cluster.reachBrokers()
    // Metadata here, and on each broker's own connection which versions it has.
    expect(cluster.requestsSent() - before).toBe(1 + reached.length)
  })

  it('tells groups with their coordinator, type, members and what they subscribe to, and what they have committed', async () => {
    const topic = await newTopic(2)
    await produce(topic, [1_000, 2_000, 3_000])
    const empty = unique('empty')
    await cluster.resetOffsets(empty, await cluster.planOffsetReset(empty, [{ topic }], { kind: 'latest' }))
    const active = unique('active')
    const consumer = new Consumer({ groupId: active, clientId: 'member', bootstrapBrokers: [engine.bootstrapServers] })
    const stream = await consumer.consume({ topics: [topic], autocommit: false, mode: MessagesStreamModes.EARLIEST })
    try {
      const include = (groupId: string) => [empty, active].includes(groupId)
      const read = async () => (await cluster.surveyGroups({ include })).groups
      await expect.poll(async () => (await read())[0]?.state, { timeout: 10_000 }).toBe('Stable')
      const groups = await read()
      const brokers = (await cluster.info()).brokers.map(({ id }) => id)
      expect(groups).toMatchObject([
        {
          groupId: active,
          type: 'classic',
          protocolType: 'consumer',
          problem: null,
          members: [
            {
              clientId: 'member',
              subscribedTopics: [topic],
              subscribedTopicRegex: null,
              assignment: [{ topic, partitions: [0, 1] }],
            },
          ],
        },
        { groupId: empty, type: 'classic', state: 'Empty', members: [], problem: null },
      ])
      for (const { coordinatorId } of groups) expect(brokers).toContain(coordinatorId)
      const survey = await cluster.surveyGroups({
        include: (id) => groups.some(({ groupId }) => groupId === id),
        offsets: true,
      })
      expect(survey.offsets).toEqual(await cluster.groupOffsets(groups))
      const offsets = await cluster.groupOffsets(groups.toReversed())
      expect(offsets).toEqual([
        {
          groupId: empty,
          problem: null,
          offsets: expect.arrayContaining([
            { topic, partition: 0, offset: 3n, lag: null, ...committedBeside },
            { topic, partition: 1, offset: 0n, lag: null, ...committedBeside },
          ]),
        },
        { groupId: active, problem: null, offsets: [] },
      ])
    } finally {
      await stream.close()
      await consumer.close()
    }
  })

  it('reaches every broker where it says it is', async () => {
    const [first] = await cluster.reachBrokers()
    const [host, port] = engine.bootstrapServers.split(':')
    expect(first).toMatchObject({ host, port: Number(port), problem: null, certificate: null })
    expect(first!.apiVersions!.get(18)).toBeGreaterThanOrEqual(3)
  })

  it('tells the settings of topics and brokers, and that one topic is not there', async () => {
    const topic = await newTopic(1, { 'retention.ms': '7200000' })
    const [broker] = (await cluster.info()).brokers
    const { topics, brokers, problem } = await cluster.surveyConfigs({
      topics: [topic, unique('gone')],
      brokers: [broker!.id],
    })
    expect(problem).toMatchObject({ code: 'UNKNOWN_TOPIC_OR_PARTITION' })
    expect([...topics.keys()]).toEqual([topic])
    expect(topics.get(topic)).toContainEqual(expect.objectContaining({ name: 'retention.ms', value: '7200000' }))
    expect(brokers.get(broker!.id)!.length).toBeGreaterThan(10)
  })

  it('tells the sizes of volumes and logs', async () => {
    const topic = await newTopic()
    await produce(topic, [1_000], 5_000)
    const { logDirs, problems } = await cluster.surveyLogDirs()
    expect(problems).toEqual([])
    const size = logDirs[0]!.partitions.find((one) => one.topic === topic)?.sizeBytes
    expect(size).toBeGreaterThan(5_000n)
    expect(logDirs[0]!.usableBytes).toBeLessThanOrEqual(logDirs[0]!.totalBytes!)
  })

  it('tells the quorum and open transactions where the cluster has them, and says so where not', async () => {
    const topic = await newTopic()
    if (engine.name === 'embedded') {
      await expect(cluster.quorum()).rejects.toMatchObject({ code: 'UNSUPPORTED_API' })
      await expect(cluster.openTransactions(await placed(cluster, [topic]))).rejects.toMatchObject({
        code: 'UNSUPPORTED_API',
      })
      return
    }
    const quorum = await cluster.quorum()
    // Its connection is kept.
    const before = cluster.requestsSent()
    await cluster.quorum()
    expect(cluster.requestsSent() - before).toBe(1)
    expect(quorum.voters.map(({ id }) => id)).toContain(quorum.leaderId)
    expect(quorum.leaderEpoch).toBeGreaterThan(0)
    expect(Math.abs(quorum.leaderTimeMs! - Date.now())).toBeLessThan(60_000)
    expect(await cluster.openTransactions(await placed(cluster, [topic]))).toEqual({ transactions: [], problem: null })
  })
})

describe.skipIf('missing' in inject('apache'))('groups of the newer protocols', { timeout: 60_000 }, () => {
  const { bootstrapServers } = inject('apache') as { bootstrapServers: string }
  let cluster: Cluster
  let topic: string
  beforeAll(async () => {
    if (bootstrapServers === undefined) return
    cluster = connectCluster({ bootstrapServers })
    topic = unique('newer')
    await cluster.createTopics([{ name: topic, partitions: 2, replicationFactor: 1 }])
    const producer = new Producer({ clientId: 'test', bootstrapBrokers: [bootstrapServers] })
    await producer.send({ messages: [1, 2, 3].map(() => ({ topic, partition: 0, value: Buffer.from('v') })) })
    await producer.close()
  })
  afterAll(async () => {
    await cluster?.deleteTopics([topic])
    await cluster?.close()
  })
  const readGroup = async (id: string) => (await cluster.surveyGroups({ include: (one) => one === id })).groups[0]

  it('are told with their type and members: consumer (KIP-848)', async () => {
    const groupId = unique('consumer')
    const consumer = new Consumer({
      ...{ groupId, groupProtocol: 'consumer', clientId: 'new-member', bootstrapBrokers: [bootstrapServers] },
    })
    const stream = await consumer.consume({ topics: [topic], autocommit: false, mode: MessagesStreamModes.EARLIEST })
    try {
      // The group is stable while its target is settled; what the member holds follows with its next heartbeat.
      await expect
        .poll(() => readGroup(groupId), { timeout: 20_000 })
        .toMatchObject({
          type: 'consumer',
          state: 'Stable',
          problem: null,
          members: [{ clientId: 'new-member', subscribedTopics: [topic], assignment: [{ topic, partitions: [0, 1] }] }],
        })
      const { epoch } = (await readGroup(groupId))!
      const another = new Consumer({
        clientId: 'second',
        groupId,
        groupProtocol: 'consumer',
        bootstrapBrokers: [bootstrapServers],
      })
      const joined = await another.consume({ topics: [topic], autocommit: false, mode: MessagesStreamModes.EARLIEST })
      try {
        await expect.poll(async () => (await readGroup(groupId))?.members.length, { timeout: 20_000 }).toBe(2)
        expect((await readGroup(groupId))!.epoch).toBeGreaterThan(epoch!)
      } finally {
        await joined.close()
        await another.close()
      }
    } finally {
      await stream.close()
      await consumer.close()
    }
  })

  it('are told with their type, start offsets and lag: share (KIP-932, KIP-1226)', async () => {
    const groupId = unique('share')
    const distribution = await fetchDistribution()
    const words = ['--bootstrap-server', bootstrapServers]
    const earliest = 'share.auto.offset.reset=earliest'
    const set = [...words, '--alter', '--entity-type', 'groups', '--entity-name', groupId, '--add-config', earliest]
    expect((await runTool(distribution, 'kafka-configs', set)).exitCode).toBe(0)
    const limits = ['--max-messages', '2', '--timeout-ms', '30000']
    const consumed = [...words, '--topic', topic, '--group', groupId, ...limits]
    const { stdout } = await runTool(distribution, 'kafka-console-share-consumer', consumed)
    expect(stdout.trim().split('\n')).toHaveLength(2)
    await expect.poll(async () => (await readGroup(groupId))?.state, { timeout: 20_000 }).toBe('Empty')
    const group = (await readGroup(groupId))!
    expect(group).toMatchObject({ type: 'share', members: [], problem: null })
    const read = async () => (await cluster.groupOffsets([group]))[0]!.offsets.find(({ partition }) => partition === 0)
    const described = [...words, '--describe', '--group', groupId, '--offsets']
    const { stdout: table } = await runTool(distribution, 'kafka-share-groups', described)
    const row = table.split('\n').find((line) => new RegExp(`${topic}\\s+0\\s`).test(line))
    expect(row, table).toBeDefined()
    const [, , , start, lag] = row!.trim().split(/\s+/)
    expect(await read()).toMatchObject({ topic, partition: 0, offset: BigInt(start!), lag: BigInt(lag!) })
  })
})

const python = await pythonWith('confluent-kafka-2.16')
const apache = inject('apache')
const script = new URL('../../../../test/clients/transactions.py', import.meta.url).pathname

describe.skipIf('missing' in python || 'missing' in apache)('transactions of librdkafka', { timeout: 60_000 }, () => {
  it('that are open are told with their producer, and markers are no unread records', async () => {
    const { bootstrapServers } = apache as { bootstrapServers: string }
    const cluster = connectCluster({ bootstrapServers })
    const topic = unique('transactions')
    try {
      await cluster.createTopics([{ name: topic, partitions: 1, replicationFactor: 1 }])
      // Offsets: a 0, marker 1, x 2, marker 3.
      if (!('missing' in python)) await python.value.run(script, [bootstrapServers, topic, 'commit:a', 'abort:x'])
      const [at] = await placed(cluster, [topic])
      expect(await cluster.unreadRecords([1n, 3n].map((offset) => ({ ...at!, offset, end: 4n })))).toMatchObject([
        { kind: 'record', offset: 2n },
        { kind: 'nothing' },
      ])
      if (!('missing' in python)) await python.value.run(script, [bootstrapServers, topic, 'open:w', 'plain:f'])
      expect(await cluster.partitionBounds([at!])).toMatchObject([{ lastStable: 4n, end: 6n }])
      const { transactions, problem } = await cluster.openTransactions([at!])
      expect(problem).toBeNull()
      expect(transactions).toMatchObject([
        { topic, partition: 0, transactionalId: `${topic}-0`, startOffset: 4n, isHanging: false },
      ])
      expect(Math.abs(transactions[0]!.startedAtMs! - Date.now())).toBeLessThan(60_000)
    } finally {
      await cluster.deleteTopics([topic])
      await cluster.close()
    }
  })
})
