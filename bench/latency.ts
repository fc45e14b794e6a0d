// End-to-end latency: a kafkajs producer at a steady rate, a kafkajs consumer beside it, one clock for both.
import { Kafka, logLevel } from 'kafkajs'
import { type Both, engineNames, median, percentile, type RunningPlatform } from './support.ts'

export interface Latency {
  readonly p50Ms: number
  readonly p99Ms: number
  /** Events that were really sent each second. */
  readonly rate: number
}

const warmUpSeconds = 3

/**
 * Measures both engines, which take turns.
 * @param rounds how many rounds count (one more comes before them); the medians of their percentiles are returned
 */
export async function measureLatency(
  platforms: Both<RunningPlatform>,
  eventsPerSecond: number,
  seconds: number,
  rounds: number,
): Promise<Both<Latency>> {
  const measured: Both<Latency[]> = { embedded: [], apache: [] }
  for (let round = 0; round <= rounds; round += 1) {
    const order = round % 2 === 0 ? engineNames : [...engineNames].reverse()
    for (const engine of order) {
      const result = await runLatency(platforms[engine].bootstrapServers, eventsPerSecond, seconds)
      if (round > 0) measured[engine].push(result)
    }
  }
  const medians = (all: readonly Latency[]): Latency => ({
    p50Ms: median(all.map(({ p50Ms }) => p50Ms)),
    p99Ms: median(all.map(({ p99Ms }) => p99Ms)),
    rate: median(all.map(({ rate }) => rate)),
  })
  return { embedded: medians(measured.embedded), apache: medians(measured.apache) }
}

/**
 * Sends `eventsPerSecond` events of 200 bytes for `seconds`, acks=all, and takes the time from before the send to
 * the consumer's handler. The first seconds do not count.
 */
async function runLatency(bootstrapServers: string, eventsPerSecond: number, seconds: number): Promise<Latency> {
  const kafka = new Kafka({ clientId: 'bench', brokers: bootstrapServers.split(','), logLevel: logLevel.NOTHING })
  const topic = `bench-latency-${eventsPerSecond}-${process.pid}-${Date.now()}`
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic, numPartitions: 6 }] })
  const producer = kafka.producer({ allowAutoTopicCreation: false })
  const consumer = kafka.consumer({ groupId: topic, maxWaitTimeInMs: 100 })
  await Promise.all([producer.connect(), consumer.connect()])
  await consumer.subscribe({ topic, fromBeginning: true })

  const latencies: number[] = []
  let countFrom = Number.POSITIVE_INFINITY
  let received = 0
  await consumer.run({
    eachBatch: async ({ batch }) => {
      const now = performance.now()
      for (const message of batch.messages) {
        const sentAt = message.value!.readDoubleLE(0)
        received += 1
        if (sentAt >= countFrom) latencies.push(now - sentAt)
      }
    },
  })

  // A first record, so that the group is stable before the clock starts.
  await producer.send({ topic, messages: [{ value: Buffer.alloc(200) }] })
  while (received < 1) await new Promise((done) => setTimeout(done, 20))

  const started = performance.now()
  countFrom = started + warmUpSeconds * 1000
  const end = countFrom + seconds * 1000
  let sent = 0
  const inFlight = new Set<Promise<unknown>>()
  while (performance.now() < end) {
    const due = Math.floor(((performance.now() - started) / 1000) * eventsPerSecond)
    if (due > sent) {
      const messages = Array.from({ length: due - sent }, (_, i) => {
        const value = Buffer.alloc(200)
        value.writeDoubleLE(performance.now(), 0)
        return { key: String((sent + i) % 1000), value }
      })
      sent = due
      const sending: Promise<unknown> = producer
        .send({ topic, messages, acks: -1 })
        .finally(() => inFlight.delete(sending))
      inFlight.add(sending)
    }
    await new Promise((done) => setTimeout(done, 1))
  }
  const rate = sent / ((performance.now() - started) / 1000)
  await Promise.all(inFlight)
  while (received < sent + 1) await new Promise((done) => setTimeout(done, 20))
  await Promise.all([producer.disconnect(), consumer.disconnect()])
  await admin.deleteTopics({ topics: [topic] })
  await admin.disconnect()
  latencies.sort((a, b) => a - b)
  return { p50Ms: percentile(latencies, 0.5), p99Ms: percentile(latencies, 0.99), rate }
}
