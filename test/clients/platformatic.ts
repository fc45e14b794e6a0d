// The scenarios of scenarios.ts with @platformatic/kafka, as its documentation shows it. It has no patterns.
import {
  Admin,
  ConfigResourceTypes,
  Consumer,
  IncrementalAlterConfigOperationTypes,
  ListOffsetTimestamps,
  type Message,
  Producer,
  ResponseError,
  stringDeserializers,
  stringSerializers,
} from '@platformatic/kafka'
import { judgeNumbered, numberedMessages, shareAmongTwo, until } from './in-javascript.ts'
import type { Play, Scenario } from './scenarios.ts'

type StringMessage = Message<string, string, string, string>

/** The options of all clients. */
type Base = ReturnType<typeof base>
const base = (bootstrapServers: string) => ({
  clientId: 'scenarios',
  bootstrapBrokers: bootstrapServers.split(','),
  metadataMaxAge: 100,
})

async function withAdmin<T>(base: Base, use: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = new Admin(base)
  try {
    return await use(admin)
  } finally {
    await admin.close()
  }
}

/** Creates a topic; a broker of Apache Kafka hears of it a little later. */
const create = (base: Base, topic: string, partitions: number) =>
  withAdmin(base, async (admin) => {
    await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
    await until(async () => (await admin.listTopics()).includes(topic))
  })

const newProducer = (base: Base) => new Producer({ ...base, serializers: stringSerializers })
const newConsumer = (base: Base, groupId: string) =>
  new Consumer({
    ...base,
    groupId,
    deserializers: stringDeserializers,
    sessionTimeout: 10_000,
    heartbeatInterval: 300,
    rebalanceTimeout: 10_000,
  })

async function consume(base: Base, topic: string, group: string, count: number): Promise<readonly StringMessage[]> {
  const consumer = newConsumer(base, group)
  const mode = { mode: 'committed', fallbackMode: 'earliest' } as const
  const stream = await consumer.consume({ topics: [topic], autocommit: false, maxWaitTime: 100, ...mode })
  const seen: StringMessage[] = []
  for await (const message of stream) {
    seen.push(message as StringMessage)
    if (seen.length < count) continue
    await message.commit()
    break
  }
  await consumer.close(true)
  return seen
}

const scenarios: Readonly<Record<Scenario, (base: Base, prefix: string, codec: string) => Promise<unknown>>> = {
  async metadata(base, prefix) {
    await create(base, `${prefix}-a`, 2)
    await create(base, `${prefix}-b`, 1)
    return await withAdmin(base, async (admin) => {
      const names = (await admin.listTopics()).filter((name) => name.startsWith(prefix))
      const { topics } = await admin.metadata({ topics: names, forceUpdate: true })
      return Object.fromEntries([...topics].map(([name, { partitionsCount }]) => [name, partitionsCount]))
    })
  },

  async idempotent(base, topic, codec) {
    await create(base, topic, 3)
    const producer = newProducer(base)
    const messages = numberedMessages.map((message) => ({ topic, ...message }))
    const options = { idempotent: true, acks: -1, compression: codec as 'none' }
    for (let i = 0; i < 300; i += 50) await producer.send({ ...options, messages: messages.slice(i, i + 50) })
    await producer.close()

    const seen = await consume(base, topic, `${topic}-group`, 300)
    return judgeNumbered(seen.map(({ key, value, headers }) => ({ key, value, n: headers.get('n')! })))
  },

  async group(base, topic) {
    await create(base, topic, 4)
    return await shareAmongTwo(async (onShare) => {
      const consumer = newConsumer(base, `${topic}-group`)
      consumer.on('consumer:group:join', ({ assignments }) =>
        onShare(assignments?.flatMap(({ partitions }) => partitions) ?? []),
      )
      const stream = await consumer.consume({ topics: [topic], maxWaitTime: 100, mode: 'latest' })
      stream.resume()
      return () => consumer.close(true)
    })
  },

  async times(base, topic) {
    await create(base, topic, 1)
    const producer = newProducer(base)
    const messages = [1000n, 2000n, 3000n].map((timestamp) => ({ topic, value: 'x', timestamp }))
    await producer.send({ messages, acks: -1 })
    await producer.close()
    return await withAdmin(base, async (admin) => {
      const at = async (timestamp: bigint) => {
        const topics = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp }] }]
        return Number((await admin.listOffsets({ topics }))[0]!.partitions[0]!.offset)
      }
      const offsets: number[] = []
      for (const time of [0n, 1500n, 3000n, 9000n]) offsets.push(await at(time))
      return { offsets, low: await at(ListOffsetTimestamps.EARLIEST), high: await at(ListOffsetTimestamps.LATEST) }
    })
  },

  async admin(base, topic) {
    const resource = { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic }
    return await withAdmin(base, async (admin) => {
      const setting = async () => {
        const resources = [{ ...resource, configurationKeys: ['retention.ms'] }]
        return (await admin.describeConfigs({ resources }))[0]!.configs[0]!.value
      }
      const configs = [{ name: 'retention.ms', value: '5000' }]
      await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1, configs })
      const again = await admin.createTopics({ topics: [topic], partitions: 1, replicas: 1 }).then(
        () => undefined,
        (error: Error) => errorsOf(error).find(({ apiId }) => apiId !== undefined),
      )
      await admin.createPartitions({ topics: [{ name: topic, count: 3 }] })
      await until(async () => {
        const { topics } = await admin.metadata({ topics: [topic], forceUpdate: true })
        return topics.get(topic)?.partitionsCount === 3
      })
      const before = await setting()
      const change = { name: 'retention.ms', value: '6000', configOperation: IncrementalAlterConfigOperationTypes.SET }
      await admin.incrementalAlterConfigs({ resources: [{ ...resource, configs: [change] }] })
      await until(async () => (await setting()) === '6000')

      const producer = newProducer(base)
      await producer.send({ messages: [{ topic, partition: 0, value: 'x' }], acks: -1 })
      await producer.close()
      const group = `${topic}-group`
      await consume(base, topic, group, 1)
      const listed = await admin.listGroups()
      const described = await admin.describeGroups({ groups: [group] })
      const [offsets] = await admin.listConsumerGroupOffsets({ groups: [group] })
      const { brokers } = await admin.metadata({ topics: [] })
      const result = {
        refused: again?.apiId,
        retention: [before, await setting()],
        listed: listed.has(group),
        state: described.get(group)?.state.toUpperCase(),
        committed: Object.fromEntries(
          offsets!.topics.flatMap(({ partitions }) =>
            partitions
              .filter(({ committedOffset }) => committedOffset >= 0n)
              .map(({ partitionIndex, committedOffset }) => [partitionIndex, Number(committedOffset)]),
          ),
        ),
        brokers: brokers.size,
      }
      await admin.deleteGroups({ groups: [group] })
      await admin.deleteTopics({ topics: [topic] })
      await until(async () => !(await admin.listTopics()).includes(topic))
      return result
    })
  },
}

/** An error and those that it holds: the client gathers the answers of several brokers. */
function errorsOf(error: unknown): readonly { readonly apiId?: string }[] {
  if (!(error instanceof Error)) return []
  const held = error instanceof ResponseError || error instanceof AggregateError ? (error.errors ?? []) : []
  return [error as { apiId?: string }, ...held.flatMap(errorsOf), ...errorsOf(error.cause)]
}

export const playPlatformatic: Play = (scenario, bootstrapServers, prefix, codec = 'none') =>
  scenarios[scenario](base(bootstrapServers), prefix, codec)
