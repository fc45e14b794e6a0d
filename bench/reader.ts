// Reading records: `Cluster.read` beside the consumers of @platformatic/kafka and kafkajs, in one process on the same topic, taking
// turns. The consumers are measured from the moment they have joined their group, ours from its first look at the topic; all of
// them to the last record, touching the value of each.
import { randomBytes } from 'node:crypto'
import { Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka'
import { connectCluster, readRanges } from '@selfmonitor/cluster'
import { Kafka, logLevel } from 'kafkajs'
import { median } from './support.ts'

export interface ReaderLoad {
  readonly recordBytes: number
  readonly records: number
  readonly compression: 'none' | 'gzip'
  /** Rounds that count; one more comes before them, for the compiler. */
  readonly rounds: number
}

const readers = { ours: readOurs, platformatic: readPlatformatic, kafkajs: readKafkajs } as const

/** Records a second, the medians of the rounds; and the same of one core, by this process' CPU time. */
export type ReaderResult = Readonly<
  Record<keyof typeof readers, { readonly perSecond: number; readonly perCore: number }>
>

const partitions = 6
const perSend = 5000

/** Writes a topic, measures all three on it, and deletes it. */
export async function measureReaders(bootstrapServers: string, load: ReaderLoad): Promise<ReaderResult> {
  const cluster = connectCluster({ bootstrapServers })
  const topic = `bench-reader-${load.recordBytes}-${load.compression}-${process.pid}-${Date.now()}`
  await cluster.createTopics([{ name: topic, partitions, replicationFactor: 1 }])
  try {
    await write(bootstrapServers, topic, load)
    const measured = { ours: [], platformatic: [], kafkajs: [] } as Record<keyof typeof readers, Measured[]>
    const names = Object.keys(readers) as (keyof typeof readers)[]
    for (let round = 0; round <= load.rounds; round += 1) {
      for (const name of round % 2 === 0 ? names : names.toReversed()) {
        const one = await readers[name](bootstrapServers, topic, load.records)
        if (round > 0) measured[name].push(one)
      }
    }
    const medians = (all: readonly Measured[]) => ({
      perSecond: load.records / median(all.map(({ seconds }) => seconds)),
      perCore: load.records / median(all.map(({ cpuSeconds }) => cpuSeconds)),
    })
    const { ours, platformatic, kafkajs } = measured
    return { ours: medians(ours), platformatic: medians(platformatic), kafkajs: medians(kafkajs) }
  } finally {
    await cluster.deleteTopics([topic])
    await cluster.close()
  }
}

async function write(bootstrapServers: string, topic: string, load: ReaderLoad): Promise<void> {
  const producer = new Producer<string, Buffer, string, string>({
    clientId: 'bench',
    bootstrapBrokers: bootstrapServers.split(','),
    serializers: { key: (key) => Buffer.from(key!), value: (value) => value },
    compression: load.compression,
  })
  for (let written = 0; written < load.records; written += perSend) {
    const messages = Array.from({ length: Math.min(perSend, load.records - written) }, (_, index) => ({
      topic,
      partition: index % partitions,
      key: `user-${index}`,
      value: valueFor(written + index, load.recordBytes),
    }))
    await producer.send({ messages, acks: 1 })
  }
  await producer.close()
}

/** JSON, most of it hexadecimal digits, which compress to half. */
function valueFor(index: number, bytes: number): Buffer {
  const text = `{"event_id":"${index}","amount":${(index * 7919) % 100_000},"token":"${randomBytes(bytes / 2).toString('hex')}`
  return Buffer.from(`${text.slice(0, bytes - 2)}"}`)
}

interface Measured {
  readonly seconds: number
  readonly cpuSeconds: number
}

interface Stopwatch {
  start(): void
  /** Counts a record. @returns whether it was the last */
  seen(value: Uint8Array | null): boolean
  readonly result: Measured
}

function stopwatch(wanted: number): Stopwatch {
  let count = 0
  let bytes = 0
  let started = 0
  let cpu = process.cpuUsage()
  let result: Measured | undefined
  return {
    start() {
      started = performance.now()
      cpu = process.cpuUsage()
    },
    seen(value) {
      count += 1
      bytes += value?.length ?? 0
      if (count < wanted) return false
      const { user, system } = process.cpuUsage(cpu)
      result = { seconds: (performance.now() - started) / 1000, cpuSeconds: (user + system) / 1_000_000 }
      return true
    },
    get result() {
      if (result === undefined || bytes === 0) throw new Error(`read ${count} of ${wanted} records`)
      return result
    },
  }
}

async function readOurs(bootstrapServers: string, topic: string, wanted: number): Promise<Measured> {
  const cluster = connectCluster({ bootstrapServers })
  const watch = stopwatch(wanted)
  watch.start()
  const window = { from: { kind: 'earliest' }, until: { kind: 'latest' } } as const
  const ranges = await readRanges(cluster, await cluster.describeTopics([topic]), window)
  for await (const event of cluster.read(ranges)) {
    if (event.kind === 'records') for (const { value } of event.records) watch.seen(value)
  }
  await cluster.close()
  return watch.result
}

async function readPlatformatic(bootstrapServers: string, topic: string, wanted: number): Promise<Measured> {
  const consumer = new Consumer({
    clientId: 'bench',
    groupId: `bench-${crypto.randomUUID()}`,
    bootstrapBrokers: bootstrapServers.split(','),
    maxBytes: 8 * 1024 * 1024,
    highWaterMark: 100_000,
  })
  const watch = stopwatch(wanted)
  consumer.once('consumer:group:join', () => watch.start())
  const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: false })
  for await (const { value } of stream) if (watch.seen(value)) break
  await stream.close()
  await consumer.close(true)
  return watch.result
}

async function readKafkajs(bootstrapServers: string, topic: string, wanted: number): Promise<Measured> {
  const kafka = new Kafka({ clientId: 'bench', brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING })
  const consumer = kafka.consumer({ groupId: `bench-${crypto.randomUUID()}`, maxBytes: 8 * 1024 * 1024 })
  const watch = stopwatch(wanted)
  consumer.on(consumer.events.GROUP_JOIN, () => watch.start())
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await new Promise<void>((resolve, reject) => {
    consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          for (const { value } of batch.messages) if (watch.seen(value)) resolve()
        },
      })
      .catch(reject)
  })
  await consumer.disconnect()
  return watch.result
}
