// Emitting events: `@selfmonitor/events` against kafkajs with its registry client, on the same broker, taking turns. Both do
// the same job: validate the payload against its JSON Schema, wrap it, encode it as Avro, and write it idempotently with
// acks from all replicas. kafkajs does not make batches, so it is measured twice: with batches that the caller makes for
// it, which is the best it can do, and with one send an event, which is how a service emits.
import { randomUUID } from 'node:crypto'
import { parseArgs } from 'node:util'
import { SchemaRegistry } from '@kafkajs/confluent-schema-registry'
import { connectCluster } from '@selfmonitor/cluster'
import { connectEvents } from '@selfmonitor/events'
import { envelopeSchema } from '@selfmonitor/platform/shapes'
import { createRegistryClient } from '@selfmonitor/registry'
import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import { Kafka, logLevel, Partitioners } from 'kafkajs'

export interface EventsBenchOptions {
  bootstrapServers: string
  registryUrl: string
  /** How many events each side emits in each round. */
  events: number
  /** Default 3; the first is a warm-up and does not count. */
  rounds?: number
}

export interface EventsBenchResult {
  /** Events a second, the median of the rounds. */
  readonly ours: number
  /** With batches of 1000 made by the caller. */
  readonly kafkajs: number
  /** With one `send` an event. */
  readonly kafkajsSingle: number
  /** Events a second of CPU time of this process: what one core can do. */
  readonly oursPerCore: number
  readonly kafkajsPerCore: number
}

interface Measured {
  readonly perSecond: number
  readonly perCore: number
}

const schema = envelopeSchema('UserEvent', 'com.selfmonitor.events')

const payloadSchema = {
  type: 'object',
  required: ['email', 'country', 'channel'],
  properties: {
    email: { type: 'string', format: 'email', maxLength: 254 },
    full_name: { type: 'string', minLength: 1, maxLength: 200 },
    country: { type: 'string', pattern: '^[A-Z]{2}$' },
    channel: { enum: ['web', 'ios', 'android', 'partner', 'api'] },
    marketing_consent: { type: 'boolean' },
  },
}

const partitions = 12
const users = 10_000
/** Events that one caller emits before it waits for all of them: for kafkajs, which has no batching of its own, a batch. */
const batch = 1000
/** Callers at the same time, on both sides. */
const callers = 10

const payload = (i: number): object => ({
  email: `user${i}@example.com`,
  full_name: `User Number ${i}`,
  country: 'GB',
  channel: 'web',
  marketing_consent: i % 2 === 0,
})

async function measure(
  events: number,
  emitBatch: (from: number, count: number) => Promise<unknown>,
): Promise<Measured> {
  const cpu = process.cpuUsage()
  const started = performance.now()
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < events) {
      const from = next
      next += batch
      await emitBatch(from, Math.min(batch, events - from))
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  const seconds = (performance.now() - started) / 1000
  const { user, system } = process.cpuUsage(cpu)
  return { perSecond: events / seconds, perCore: events / ((user + system) / 1_000_000) }
}

/** Measures both sides; its topics are created for it and deleted afterwards. */
export async function runEventsBench(options: EventsBenchOptions): Promise<EventsBenchResult> {
  const { bootstrapServers, registryUrl, events, rounds = 3 } = options
  const cluster = await connectCluster({ bootstrapServers })
  const topic = `bench-events-${randomUUID()}`
  await cluster.createTopics([{ name: topic, partitions, replicationFactor: 1 }])
  const { id } = await createRegistryClient({ url: registryUrl }).register(`${topic}-value`, { schema })

  const stream = await connectEvents({
    service: 'bench',
    bootstrapServers,
    registryUrl,
    schemas: { [topic]: { user_created: payloadSchema } },
  })
  const ours = (from: number, count: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, (_, i) =>
        stream.emit(topic, 'user_created', payload(from + i), { userId: `user-${(from + i) % users}` }),
      ),
    )

  const kafka = new Kafka({ brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING })
  const producer = kafka.producer({
    idempotent: true,
    maxInFlightRequests: 5,
    createPartitioner: Partitioners.DefaultPartitioner,
  })
  const registry = new SchemaRegistry({ host: registryUrl })
  await producer.connect()
  const validate = formats.default(new Ajv({ allErrors: true })).compile(payloadSchema)
  const message = async (i: number): Promise<{ key: string; value: Buffer }> => {
    const data = payload(i)
    if (!validate(data)) throw new Error('the payload is not valid')
    const key = `user-${i % users}`
    const value = await registry.encode(id, {
      event_id: randomUUID(),
      event_type: 'user_created',
      user_id: key,
      timestamp: Date.now(),
      data: JSON.stringify(data),
    })
    return { key, value }
  }
  const theirs = async (from: number, count: number): Promise<unknown> => {
    const messages = await Promise.all(Array.from({ length: count }, (_, i) => message(from + i)))
    return producer.send({ topic, messages, acks: -1 })
  }
  const theirsSingle = (from: number, count: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: count }, async (_, i) =>
        producer.send({ topic, messages: [await message(from + i)], acks: -1 }),
      ),
    )

  const results: { ours: Measured; theirs: Measured }[] = []
  let single: Measured
  try {
    for (let round = 0; round < rounds; round++) {
      // The sides take turns to go first, so that the broker's caches favour neither.
      const pair: { ours?: Measured; theirs?: Measured } = {}
      for (const side of round % 2 === 0 ? (['ours', 'theirs'] as const) : (['theirs', 'ours'] as const)) {
        pair[side] = await measure(events, side === 'ours' ? ours : theirs)
      }
      if (round > 0 || rounds === 1) results.push(pair as { ours: Measured; theirs: Measured })
    }
    // A twentieth of the events, because it is that much slower.
    single = await measure(Math.ceil(events / 20), theirsSingle)
  } finally {
    await stream.close()
    await producer.disconnect()
    await cluster.deleteTopics([topic])
    await cluster.close()
  }
  return {
    ours: median(results.map((one) => one.ours.perSecond)),
    kafkajs: median(results.map((one) => one.theirs.perSecond)),
    kafkajsSingle: single.perSecond,
    oursPerCore: median(results.map((one) => one.ours.perCore)),
    kafkajsPerCore: median(results.map((one) => one.theirs.perCore)),
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      'bootstrap-servers': { type: 'string', default: '127.0.0.1:9092' },
      'registry-url': { type: 'string', default: 'http://127.0.0.1:8081' },
      events: { type: 'string', default: '200000' },
    },
  })
  const result = await runEventsBench({
    bootstrapServers: values['bootstrap-servers'],
    registryUrl: values['registry-url'],
    events: Number(values.events),
  })
  const row = (name: string, perSecond: number, perCore: number): string =>
    `${name.padEnd(22)} ${Math.round(perSecond).toLocaleString('en')} events/s   ${Math.round(perCore).toLocaleString('en')} events per CPU second`
  console.log(row('@selfmonitor/events', result.ours, result.oursPerCore))
  console.log(row('kafkajs, batches', result.kafkajs, result.kafkajsPerCore))
  console.log(`kafkajs, one by one    ${Math.round(result.kafkajsSingle).toLocaleString('en')} events/s`)
  console.log(
    `ratio                  ${(result.ours / result.kafkajs).toFixed(2)} ×, ${(result.oursPerCore / result.kafkajsPerCore).toFixed(2)} × per core`,
  )
}
