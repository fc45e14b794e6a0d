// The embedded broker's metrics beside those that the Prometheus JMX agent gives for Apache Kafka with the chart's rules: the same
// names, types and labels, and the same values for the same traffic.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApacheCluster, startApache } from '@selfmonitor/apache'
import { type Broker, type MetricFamily, metricsText, startBroker } from '@selfmonitor/broker'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { brokerMetrics } from '../packages/broker/src/metrics/table.ts'
import { orMissing } from './deployment/static/fetch.ts'
import { until } from './support/events.ts'
import { fetchJmxAgent, jmxRules, parseMetrics, type ScrapedMetric } from './support/jmx-agent.ts'
import { freePorts } from './support/ports.ts'
import { missingPrometheus, runMonitoringTool } from './support/prometheus.ts'

type Metrics = ReadonlyMap<string, Pick<ScrapedMetric, 'type' | 'samples'>>

/** What the test's clients have sent and received. */
interface Traffic {
  /** By `Produce 7`. */
  readonly requests: Record<string, number>
  readonly messages: number
  readonly commits: number
}

const topic = 'metrics.orders'
const group = 'metrics-readers'

const clientOf = (bootstrapServers: string): Kafka =>
  new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING })

/** Lets the broker make what groups need: until then it answers clients that they should try again. */
async function warmUp(bootstrapServers: string): Promise<void> {
  const consumer = clientOf(bootstrapServers).consumer({ groupId: 'warm-up' })
  const admin = clientOf(bootstrapServers).admin()
  await admin.connect()
  await admin.createTopics({ topics: [{ topic: 'metrics.warm-up', numPartitions: 1 }] })
  await consumer.connect()
  await consumer.subscribe({ topic: 'metrics.warm-up' })
  const joined = new Promise((resolve) => consumer.on('consumer.group_join', resolve))
  await consumer.run({ eachMessage: async () => {} })
  await joined
  await consumer.disconnect()
  await admin.disconnect()
}

/** Produces six messages in three requests and one that is too large, and reads them as a group of one member. */
async function traffic(bootstrapServers: string): Promise<Traffic> {
  const kafka = clientOf(bootstrapServers)
  const requests: Record<string, number> = {}
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({
    topics: [{ topic, numPartitions: 1, configEntries: [{ name: 'max.message.bytes', value: '2000' }] }],
  })
  const producer = kafka.producer({ retry: { retries: 0 } })
  producer.on('producer.network.request', ({ payload: { apiName, apiVersion } }) => {
    const name = `${apiName} ${apiVersion}`
    requests[name] = (requests[name] ?? 0) + 1
  })
  await producer.connect()
  for (const value of ['a', 'bb', 'ccc']) await producer.send({ topic, messages: [{ value }, { key: 'k', value }] })
  await expect(producer.send({ topic, messages: [{ value: 'x'.repeat(5000) }] })).rejects.toThrow()
  await producer.disconnect()

  const consumer = kafka.consumer({ groupId: group })
  let messages = 0
  let commits = 0
  consumer.on('consumer.network.request', ({ payload: { apiName } }) => {
    if (apiName === 'OffsetCommit') commits++
  })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  await consumer.run({
    autoCommit: false,
    eachBatchAutoResolve: true,
    eachBatch: async ({ batch }) => {
      messages += batch.messages.length
    },
  })
  await until('the messages are read', () => messages === 6)
  await consumer.commitOffsets([{ topic, partition: 0, offset: '6' }])
  await consumer.disconnect()
  await admin.disconnect()
  return { requests, messages, commits }
}

const sampleOf = (metrics: Metrics, name: string, labels: Readonly<Record<string, string>> = {}): number =>
  metrics
    .get(name)
    ?.samples.find((sample) => Object.entries(labels).every(([key, value]) => sample.labels[key] === value))?.value ?? 0

/** Counters of the traffic alone: before it, `__consumer_offsets` and the metadata may have counted. */
const counted = (before: Metrics, after: Metrics): Record<string, number> => {
  const grown = (name: string, labels?: Readonly<Record<string, string>>): number =>
    sampleOf(after, name, labels) - sampleOf(before, name, labels)
  const ofTopic = (name: string): number => grown(`kafka_server_topic_${name}_total`, { topic })
  return {
    'bytes in': ofTopic('bytesin'),
    'bytes out': ofTopic('bytesout'),
    'messages in': ofTopic('messagesin'),
    'bytes rejected': grown('kafka_server_brokertopicmetrics_bytesrejected_total'),
    'failed produce': grown('kafka_server_brokertopicmetrics_failedproducerequests_total'),
    'failed fetch': grown('kafka_server_brokertopicmetrics_failedfetchrequests_total'),
    'Produce requests': grown('kafka_network_requests_total', { request: 'Produce', version: '7' }),
    'Produce errors': grown('kafka_network_errors_total', { request: 'Produce', error: 'MESSAGE_TOO_LARGE' }),
    'Produce successes': grown('kafka_network_errors_total', { request: 'Produce', error: 'NONE' }),
    // Whether these were counted: on a slow machine the client starts its join again, and asks for the coordinator again.
    'JoinGroup MEMBER_ID_REQUIRED': Math.sign(
      grown('kafka_network_errors_total', { request: 'JoinGroup', error: 'MEMBER_ID_REQUIRED' }),
    ),
    'FindCoordinator successes': Math.sign(
      grown('kafka_network_errors_total', { request: 'FindCoordinator', error: 'NONE' }),
    ),
    ...Object.fromEntries(
      ['JoinGroup', 'SyncGroup', 'LeaveGroup', 'OffsetCommit', 'OffsetFetch'].map((request) => [
        `${request} successes`,
        grown('kafka_network_errors_total', { request, error: 'NONE' }),
      ]),
    ),
    'offset commits': grown('kafka_server_group_coordinator_offset_commit_total'),
    rebalances: grown('kafka_server_group_coordinator_group_completed_rebalance_total'),
  }
}

const asMetrics = (families: readonly MetricFamily[]): Metrics => new Map(families.map((one) => [one.name, one]))

describe('metrics of the embedded broker', () => {
  let broker: Broker
  let before: Metrics
  let sent: Traffic
  beforeAll(async () => {
    broker = await startBroker()
    await warmUp(broker.bootstrapServers)
    before = asMetrics(broker.metrics())
    sent = await traffic(broker.bootstrapServers)
  })
  afterAll(async () => {
    await broker?.close()
  })
  const now = (): Metrics => asMetrics(broker.metrics())

  it('count what the clients did', () => {
    const found = counted(before, now())
    expect(found).toMatchObject({
      'messages in': sent.messages,
      'Produce requests': sent.requests['Produce 7'],
      'Produce errors': 1,
      'offset commits': sent.commits,
      rebalances: 1,
    })
    // All that was written was read once.
    expect(found['bytes out']).toBe(found['bytes in'])
    expect(found['bytes rejected']).toBeGreaterThan(5000)
    // The coordinator's writes to __consumer_offsets are appends as well; how many it makes is its own affair.
    const produced = 'kafka_server_brokertopicmetrics_totalproducerequests_total'
    expect(sampleOf(now(), produced)).toBeGreaterThan(sent.requests['Produce 7']!)
    expect(sampleOf(now(), 'kafka_server_brokertopicmetrics_totalfetchrequests_total')).toBeGreaterThan(0)
  })

  it('are text that is read back as the same', () => {
    const families = broker.metrics()
    const read = parseMetrics(metricsText(families))
    expect([...read.keys()]).toEqual(families.map(({ name }) => name))
    for (const { name, type, samples } of families) expect(read.get(name)).toEqual({ type, samples })
  })

  it.skipIf(missingPrometheus() !== null)('are text that Prometheus reads', async () => {
    const { exitCode, stderr } = await runMonitoringTool('promtool', ['check', 'metrics'], {
      stdin: metricsText(broker.metrics()),
    })
    // 3: there is something to say of names, which are Kafka's. 1 would be a text that cannot be read.
    expect([0, 3]).toContain(exitCode)
    expect(stderr).not.toContain('error while parsing')
  })

  it('have each request’s time, and the connections', async () => {
    const times = now().get('kafka_network_request_total_time_ms')!.samples
    for (const request of ['Produce', 'FetchConsumer', 'JoinGroup', 'Metadata']) {
      const of = times.filter(({ labels }) => labels.request === request)
      expect(of.map(({ labels }) => labels.quantile)).toEqual(['0.50', '0.95', '0.99', '0.999'])
      for (const { value } of of) expect(value).toBeGreaterThan(0)
    }
    const connections = (): number => sampleOf(now(), 'kafka_server_socket_connection_count')
    await until('the clients’ connections are gone', () => connections() === 0)
    const admin = clientOf(broker.bootstrapServers).admin()
    await admin.connect()
    expect(connections()).toBeGreaterThan(0)
    await admin.deleteTopics({ topics: [topic] })
    await admin.disconnect()
    const topics = now()
      .get('kafka_server_topic_bytesin_total')
      ?.samples.map(({ labels }) => labels.topic)
    expect(topics).not.toContain(topic)
  })
})

const agent = await orMissing(fetchJmxAgent)

describe.skipIf('missing' in agent || 'missing' in inject('apache'))(
  'metrics of the embedded broker, beside those that the JMX agent gives for Apache Kafka',
  () => {
    let ours: Metrics
    let ourBefore: Metrics
    let cluster: ApacheCluster
    let folder: string
    let agentPort: number
    let theirs: Metrics
    let theirBefore: Metrics
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'jmx-agent-'))
      const rules = join(folder, 'rules.yaml')
      await writeFile(rules, await jmxRules())
      agentPort = (await freePorts(1))[0]!
      const { value: jar } = agent as { readonly value: string }
      cluster = await startApache({
        dataDir: join(folder, 'data'),
        port: 0,
        jvmArguments: [`-javaagent:${jar}=127.0.0.1:${agentPort}:${rules}`],
      })
      await warmUp(cluster.bootstrapServers)
      theirBefore = await scrape()
      await traffic(cluster.bootstrapServers)
      theirs = await scrape()
      const broker = await startBroker()
      await warmUp(broker.bootstrapServers)
      ourBefore = asMetrics(broker.metrics())
      await traffic(broker.bootstrapServers)
      ours = asMetrics(broker.metrics())
      await broker.close()
    }, 120_000)
    afterAll(async () => {
      await cluster?.close()
      await rm(folder, { recursive: true, force: true })
    })
    const scrape = async (): Promise<Metrics> =>
      parseMetrics(await (await fetch(`http://127.0.0.1:${agentPort}/metrics`)).text())

    it('have its names, types and labels', () => {
      const shapeOf = ({ type, samples }: Pick<ScrapedMetric, 'type' | 'samples'>) => ({
        type,
        labels: [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))].toSorted(),
      })
      const found = brokerMetrics.map(({ name }) => ({ name, ...(theirs.has(name) ? shapeOf(theirs.get(name)!) : {}) }))
      expect(found).toEqual(
        brokerMetrics.map(({ name, type, labels }) => ({ name, type, labels: [...labels].toSorted() })),
      )
      // What the rows promise is what the samples have.
      for (const [name, { type, samples }] of ours) {
        const row = brokerMetrics.find((one) => one.name === name)!
        expect({ name, ...shapeOf({ type, samples }) }).toEqual({ name, type, labels: [...row.labels].toSorted() })
      }
    })

    it('the counters have the same values as those of Apache Kafka for the same traffic', () => {
      expect(counted(ourBefore, ours)).toEqual(counted(theirBefore, theirs))
    })

    it('the state of broker and controller has the same values as in Apache Kafka', () => {
      for (const name of [
        'kafka_server_kafkaserver_brokerstate',
        'kafka_controller_kafkacontroller_activecontrollercount',
        'kafka_controller_kafkacontroller_activebrokercount',
        'kafka_controller_kafkacontroller_fencedbrokercount',
        'kafka_server_replicamanager_underreplicatedpartitions',
        'kafka_controller_kafkacontroller_offlinepartitionscount',
      ]) {
        expect({ name, value: sampleOf(ours, name) }).toEqual({ name, value: sampleOf(theirs, name) })
      }
    })
  },
)
