// The scenarios of scenarios.ts with kafkajs, as its documentation shows it. Its codecs but gzip come from elsewhere: snappy from
// kafkajs-snappy, which most of its users take; LZ4 and zstd are a few lines over a library, for want of a package that is looked after.
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
import { zstdCompress, zstdDecompress } from 'node:zlib'
import kafkajs, { type Admin, type Kafka, type KafkaMessage } from 'kafkajs'
import { compressFrame, decompressFrame } from 'lz4-napi'
import { judgeNumbered, numberedMessages, shareAmongTwo, until } from './in-javascript.ts'
import type { Play, Scenario } from './scenarios.ts'

const { CompressionCodecs, CompressionTypes, ConfigResourceTypes, logLevel } = kafkajs

type Codec = () => {
  compress(encoder: { readonly buffer: Buffer }): Promise<Buffer>
  decompress(buffer: Buffer): Promise<Buffer>
}
const [zstd, unzstd] = [promisify(zstdCompress), promisify(zstdDecompress)]
const codecs: Readonly<Record<number, Codec>> = {
  [CompressionTypes.Snappy]: createRequire(import.meta.url)('kafkajs-snappy') as Codec,
  [CompressionTypes.LZ4]: () => ({ compress: ({ buffer }) => compressFrame(buffer), decompress: decompressFrame }),
  [CompressionTypes.ZSTD]: () => ({ compress: ({ buffer }) => zstd(buffer), decompress: (buffer) => unzstd(buffer) }),
}
Object.assign(CompressionCodecs, codecs)

const types = { none: 'None', gzip: 'GZIP', snappy: 'Snappy', lz4: 'LZ4', zstd: 'ZSTD' } as const

async function withAdmin<T>(kafka: Kafka, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin()
  await admin.connect()
  try {
    return await use(admin)
  } finally {
    await admin.disconnect()
  }
}

const create = (kafka: Kafka, topic: string, numPartitions: number) =>
  withAdmin(kafka, (admin) => admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions }] }))

async function consume(kafka: Kafka, topic: string, groupId: string, count: number): Promise<readonly KafkaMessage[]> {
  const seen: KafkaMessage[] = []
  const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 100 })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({ autoCommitThreshold: 1, eachMessage: async ({ message }) => void seen.push(message) })
  await until(() => seen.length >= count)
  await consumer.disconnect()
  return seen
}

const scenarios: Readonly<Record<Scenario, (kafka: Kafka, prefix: string, codec: string) => Promise<unknown>>> = {
  async metadata(kafka, prefix) {
    await create(kafka, `${prefix}-a`, 2)
    await create(kafka, `${prefix}-b`, 1)
    return await withAdmin(kafka, async (admin) => {
      const ours = async () =>
        (await admin.fetchTopicMetadata()).topics
          .filter(({ name }) => name.startsWith(prefix))
          .map(({ name, partitions }) => [name, partitions.length])
      await until(async () => (await ours()).length === 2)
      return Object.fromEntries(await ours())
    })
  },

  async idempotent(kafka, topic, codec) {
    await create(kafka, topic, 3)
    const producer = kafka.producer({ idempotent: true, maxInFlightRequests: 1 })
    await producer.connect()
    const compression = CompressionTypes[types[codec as keyof typeof types]]
    for (let i = 0; i < 300; i += 50) {
      await producer.send({ topic, compression, messages: numberedMessages.slice(i, i + 50) })
    }
    await producer.disconnect()

    const seen = await consume(kafka, topic, `${topic}-group`, 300)
    return judgeNumbered(
      seen.map(({ key, value, headers }) => ({ key: String(key), value: String(value), n: String(headers?.n) })),
    )
  },

  async group(kafka, topic) {
    await create(kafka, topic, 4)
    return await shareAmongTwo(async (onShare) => {
      const groupId = `${topic}-group`
      const consumer = kafka.consumer({ groupId, sessionTimeout: 10_000, heartbeatInterval: 300, maxWaitTimeInMs: 100 })
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => onShare(payload.memberAssignment[topic] ?? []))
      await consumer.connect()
      await consumer.subscribe({ topics: [new RegExp(`^${topic}$`)], fromBeginning: true })
      await consumer.run({ eachMessage: async () => {} })
      return () => consumer.disconnect()
    })
  },

  async times(kafka, topic) {
    await create(kafka, topic, 1)
    const producer = kafka.producer()
    await producer.connect()
    const messages = [1000, 2000, 3000].map((time) => ({ value: 'x', timestamp: String(time) }))
    await producer.send({ topic, messages })
    await producer.disconnect()
    return await withAdmin(kafka, async (admin) => {
      const [ends] = await admin.fetchTopicOffsets(topic)
      const offsets: number[] = []
      for (const time of [0, 1500, 3000, 9000]) {
        const [found] = await admin.fetchTopicOffsetsByTimestamp(topic, time)
        // kafkajs gives the end where no record is that new.
        offsets.push(found!.offset === ends!.high ? -1 : Number(found!.offset))
      }
      return { offsets, low: Number(ends!.low), high: Number(ends!.high) }
    })
  },

  async admin(kafka, topic) {
    const configEntries = [{ name: 'retention.ms', value: '5000' }]
    const resource = { type: ConfigResourceTypes.TOPIC, name: topic }
    return await withAdmin(kafka, async (admin) => {
      const setting = async () => {
        const { resources } = await admin.describeConfigs({
          includeSynonyms: false,
          resources: [{ ...resource, configNames: ['retention.ms'] }],
        })
        return resources[0]!.configEntries[0]!.configValue
      }
      await admin.createTopics({ topics: [{ topic, numPartitions: 1, configEntries }] })
      // kafkajs resolves to false for this error, and throws all others.
      const again = await admin.createTopics({ topics: [{ topic, numPartitions: 1 }] })
      await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] })
      await until(async () => {
        const { topics } = await admin.fetchTopicMetadata({ topics: [topic] })
        return topics[0]!.partitions.length === 3
      })
      const before = await setting()
      const changed = [{ name: 'retention.ms', value: '6000' }]
      await admin.alterConfigs({ validateOnly: false, resources: [{ ...resource, configEntries: changed }] })
      await until(async () => (await setting()) === '6000')

      const producer = kafka.producer()
      await producer.connect()
      await producer.send({ topic, messages: [{ partition: 0, value: 'x' }] })
      await producer.disconnect()
      const groupId = `${topic}-group`
      await consume(kafka, topic, groupId, 1)
      const { groups } = await admin.listGroups()
      const described = await admin.describeGroups([groupId])
      const [committed] = await admin.fetchOffsets({ groupId, topics: [topic] })
      const result = {
        refused: again ? null : 'TOPIC_ALREADY_EXISTS',
        retention: [before, await setting()],
        listed: groups.some((group) => group.groupId === groupId),
        state: described.groups[0]!.state.toUpperCase(),
        committed: Object.fromEntries(
          committed!.partitions.filter(({ offset }) => offset !== '-1').map((p) => [p.partition, Number(p.offset)]),
        ),
        brokers: (await admin.describeCluster()).brokers.length,
      }
      await admin.deleteGroups([groupId])
      await admin.deleteTopics({ topics: [topic] })
      await until(async () => !(await admin.listTopics()).includes(topic))
      return result
    })
  },
}

export const playKafkajs: Play = (scenario, bootstrapServers, prefix, codec = 'none') => {
  const kafka = new kafkajs.Kafka({
    clientId: 'scenarios',
    brokers: bootstrapServers.split(','),
    logLevel: logLevel.NOTHING,
  })
  return scenarios[scenario](kafka, prefix, codec)
}
