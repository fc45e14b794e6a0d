// `__consumer_offsets` on both engines: what Apache Kafka writes is read here and written again to the same bytes, and
// what this broker writes is what a client finds there, too.
import { randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fetchDistribution, runTool } from '@selfmonitor/apache'
import { startBroker } from '@selfmonitor/broker'
import { Kafka, logLevel } from 'kafkajs'
import { describe, expect, inject, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { groupPartition } from './partition-for.ts'
import { type DecodedRecord, decodeGroupRecord, groupRecord, offsetRecord } from './records.ts'

interface Read {
  readonly partition: number
  readonly key: Buffer
  readonly value: Buffer | null
  readonly record: DecodedRecord
}

/** Reads the records of one group until the tombstone of the group itself. */
async function readGroup(bootstrapServers: string, groupId: string): Promise<readonly Read[]> {
  const kafka = new Kafka({ brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `reader-of-${groupId}` })
  const records: Read[] = []
  await consumer.connect()
  await consumer.subscribe({ topic: '__consumer_offsets', fromBeginning: true })
  const complete = new Promise<void>((resolve) => {
    void consumer.run({
      autoCommit: false,
      eachMessage: async ({ partition, message: { key, value } }) => {
        const record = decodeGroupRecord(key!, value)
        if (record.kind === 'other' || record.group !== groupId) return
        records.push({ partition, key: key!, value, record })
        if (record.kind === 'group' && record.value === null) resolve()
      },
    })
  })
  await complete
  await consumer.disconnect()
  return records
}

describeEngines('the records of a group', (engine) => {
  it('are in the partition of its hash and survive decoding and encoding to the byte', async () => {
    const suffix = randomBytes(4).toString('hex')
    const topic = `offsets-${suffix}`
    const groupId = `group-${suffix}`
    const kafka = new Kafka({
      brokers: engine.bootstrapServers.split(','),
      clientId: 'app',
      logLevel: logLevel.NOTHING,
    })
    const admin = kafka.admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic, numPartitions: 2 }] })
    const consumer = kafka.consumer({ groupId, sessionTimeout: 12_000, rebalanceTimeout: 34_000 })
    await consumer.connect()
    await consumer.subscribe({ topic, fromBeginning: true })
    const joined = new Promise<void>((resolve) => consumer.on('consumer.group_join', () => resolve()))
    await consumer.run({ eachMessage: async () => {} })
    await joined
    // kafkajs drops a commit without an error while it starts again, because the coordinator of a new Apache Kafka was still loading.
    const committed = async () => {
      await consumer.commitOffsets([{ topic, partition: 1, offset: '0', metadata: 'Grüße' }])
      const [fetched] = await admin.fetchOffsets({ groupId, topics: [topic] })
      return fetched?.partitions.find(({ partition }) => partition === 1)?.offset
    }
    await expect.poll(committed, { timeout: 20_000 }).toBe('0')
    const described = (await admin.describeGroups([groupId])).groups[0]!
    await consumer.disconnect()
    await admin.deleteGroups([groupId])
    await admin.disconnect()

    const records = await readGroup(engine.bootstrapServers, groupId)
    for (const { partition, key, value, record } of records) {
      expect(partition).toBe(groupPartition(groupId, 50))
      if (record.kind === 'other' || record.value === null) continue
      const again =
        record.kind === 'offset'
          ? offsetRecord(record.group, record.topic, record.partition, record.value)
          : groupRecord(record.group, record.value)
      expect(again.key.toString('hex')).toBe(key.toString('hex'))
      expect(again.value?.toString('hex')).toBe(value?.toString('hex'))
    }

    const groups = records.flatMap(({ record }) => (record.kind === 'group' ? [record.value] : []))
    const member = described.members[0]!
    expect(groups).toContainEqual({
      protocolType: 'consumer',
      generationId: 1,
      protocolName: 'RoundRobinAssigner',
      leader: member.memberId,
      stateTimestampMs: expect.any(Number),
      members: [
        {
          memberId: member.memberId,
          groupInstanceId: null,
          clientId: 'app',
          clientHost: '/127.0.0.1',
          sessionTimeoutMs: 12_000,
          rebalanceTimeoutMs: 34_000,
          subscription: member.memberMetadata,
          assignment: member.memberAssignment,
        },
      ],
    })
    // Left by the last member: empty, at the next generation; then deleted.
    expect(groups.at(-2)).toMatchObject({ generationId: 2, protocolName: null, leader: null, members: [] })
    expect(groups.at(-1)).toBeNull()

    const offsets = records.flatMap(({ record }) =>
      record.kind === 'offset' && record.partition === 1 ? [record] : [],
    )
    expect(offsets[0]).toMatchObject({ topic, value: { offset: 0n, metadata: 'Grüße', leaderEpoch: -1 } })
    expect(offsets[0]?.value?.topicId).toMatch(/^[\w-]{22}$/)
    expect(offsets.at(-1)?.value).toBeNull()
  })
})

describe.skipIf('missing' in inject('apache'))('a file that this broker wrote', () => {
  it("is decoded by Apache Kafka's own kafka-dump-log", async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'selfmonitor-offsets-'))
    const broker = await startBroker({ dataDir })
    const admin = new Kafka({ brokers: broker.bootstrapServers.split(','), logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    await admin.createTopics({ topics: [{ topic: 'payments', numPartitions: 3 }] })
    // Becomes a member to reset the offset and leaves: a group record of each kind, and an offset.
    await admin.setOffsets({ groupId: 'billing', topic: 'payments', partitions: [{ partition: 2, offset: '77' }] })
    await admin.disconnect()
    await broker.close()

    const folders = await readdir(dataDir, { recursive: true })
    const wanted = join(`__consumer_offsets-${groupPartition('billing', 50)}`, '00000000000000000000.log')
    const file = folders.find((path) => path.endsWith(wanted))!
    const distribution = await fetchDistribution()
    const dump = await runTool(distribution, 'kafka-dump-log', ['--offsets-decoder', '--files', join(dataDir, file)])
    await rm(dataDir, { recursive: true })
    expect(dump.stdout).toContain('"group":"billing","topic":"payments","partition":2')
    expect(dump.stdout).toContain('"offset":77')
    expect(dump.stdout).toContain('"protocolType":"consumer","generation":1,"protocol":"RoundRobinAssigner"')
    expect(dump.stdout).toContain('"generation":2,"protocol":null,"leader":null')
    expect(dump.stdout).not.toMatch(/isvalid: false|Found invalid/)
  })
})
