// What a scenario has: the cluster, clients of it, the services beside it, and the alerts on their way to the receiver.
import { createServer, type Server } from 'node:http'
import { setTimeout as delay } from 'node:timers/promises'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import { type RegistryServer, startRegistry } from '@selfmonitor/registry'
import kafkajs, { type Admin, type Consumer, type ConsumerConfig, type Kafka, type Producer } from 'kafkajs'
import { freePorts } from '../../support/ports.ts'
import { type RealCluster, startRealCluster } from './cluster.ts'
import { type Pipeline, startPipeline } from './pipeline.ts'
import { type Driven, expected } from './rows.ts'
import { until } from './until.ts'

export interface Rig {
  readonly real: RealCluster
  readonly cluster: Cluster
  readonly kafka: Kafka
  readonly admin: Admin
  readonly producer: Producer
  readonly pipeline: Pipeline
  readonly registry: { start(): Promise<void>; stop(): Promise<void> }
  /** Kafka Connect's REST interface, as far as the exporter asks it: real Connect would take longer to start than this test may. */
  readonly connect: FakeConnect
  createTopic(name: string, options?: TopicOptions): Promise<void>
  /** @param ageMs how long ago the messages say that they were written */
  write(topic: string, count: number, ageMs?: number): Promise<void>
  /** Writes again and again until it is stopped. */
  keepWriting(topic: string, count: number, everyMs: number): { stop(): Promise<void> }
  /** Starts a member that has joined when this resolves. It is ended with the rig, if not before. */
  join(groupId: string, topic: string, options?: MemberOptions): Promise<Consumer>
  /** An alert is quiet, is caused, fires, is undone, and is resolved. */
  quiet(...alerts: readonly Driven[]): Promise<void>
  fires(alert: Driven): Promise<void>
  resolves(alert: Driven): Promise<void>
  /** Alerts that were quiet, fired and were resolved. */
  proven(): ReadonlySet<string>
  close(): Promise<void>
}

export interface MemberOptions extends Partial<ConsumerConfig> {
  readonly handle?: () => Promise<void>
  /** Messages after which it commits. Default 1. */
  readonly commitEvery?: number
}

export interface TopicOptions {
  readonly partitions?: number
  readonly config?: Readonly<Record<string, string>>
  /** Brokers of its only partition; default: all. */
  readonly replicas?: readonly number[]
}

export interface FakeConnect {
  connectors: Readonly<Record<string, { readonly state: string; readonly tasks: readonly string[] }>>
  start(): Promise<void>
  stop(): Promise<void>
}

const healthyConnectors: FakeConnect['connectors'] = {
  archive: { state: 'RUNNING', tasks: ['RUNNING'] },
  search: { state: 'RUNNING', tasks: ['RUNNING', 'RUNNING'] },
}

export async function startRig(): Promise<Rig> {
  const cleanups: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const cleanup of cleanups.toReversed()) await cleanup()
  }
  try {
    const real = await startRealCluster()
    cleanups.push(() => real.close())
    const { bootstrapServers } = real.kafka
    const cluster = connectCluster({ bootstrapServers })
    cleanups.push(() => cluster.close())
    const kafka = new kafkajs.Kafka({
      clientId: 'alerts',
      brokers: bootstrapServers.split(','),
      logLevel: kafkajs.logLevel.NOTHING,
      retry: { retries: 20, initialRetryTime: 200, maxRetryTime: 1_000 },
    })
    const admin = kafka.admin()
    const producer = kafka.producer({ allowAutoTopicCreation: false })
    await Promise.all([admin.connect(), producer.connect()])
    cleanups.push(() => Promise.allSettled([admin.disconnect(), producer.disconnect()]))
    const [registryPort, connectPort] = (await freePorts(2)) as [number, number]
    const registry = registryOn(bootstrapServers, registryPort)
    const connect = connectOn(connectPort)
    await Promise.all([registry.start(), connect.start()])
    cleanups.push(() => Promise.all([registry.stop(), connect.stop()]))
    const pipeline = await startPipeline(real, {
      schemaRegistry: `http://127.0.0.1:${registryPort}`,
      connect: `http://127.0.0.1:${connectPort}`,
    })
    cleanups.push(() => pipeline.close())
    const clients = clientsOf({ cluster, kafka, admin, producer }, cleanups)
    return {
      real,
      cluster,
      kafka,
      admin,
      producer,
      pipeline,
      registry,
      connect,
      ...clients,
      ...proofs(pipeline),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

function registryOn(bootstrapServers: string, port: number): Rig['registry'] {
  let running: RegistryServer | null = null
  return {
    async start() {
      running ??= await startRegistry({ bootstrapServers, port })
    },
    async stop() {
      await running?.close()
      running = null
    },
  }
}

function connectOn(port: number): FakeConnect {
  let server: Server | null = null
  const fake: FakeConnect = {
    connectors: healthyConnectors,
    async start() {
      server = createServer((_, response) => {
        const body = Object.entries(fake.connectors).map(([name, { state, tasks }]) => [
          name,
          {
            status: {
              name,
              connector: { state, worker_id: 'w' },
              tasks: tasks.map((task, id) => ({ id, state: task, worker_id: 'w' })),
            },
          },
        ])
        response.setHeader('content-type', 'application/json').end(JSON.stringify(Object.fromEntries(body)))
      })
      await new Promise<void>((resolve) => server!.listen(port, '127.0.0.1', resolve))
    },
    async stop() {
      const stopping = server
      server = null
      stopping?.closeAllConnections()
      await new Promise<void>((resolve) => (stopping === null ? resolve() : stopping.close(() => resolve())))
    },
  }
  return fake
}

type Clients = Pick<Rig, 'createTopic' | 'write' | 'keepWriting' | 'join'>

function clientsOf(
  { cluster, kafka, admin, producer }: Pick<Rig, 'cluster' | 'kafka' | 'admin' | 'producer'>,
  cleanups: (() => Promise<unknown>)[],
): Clients {
  const write = async (topic: string, count: number, ageMs = 0): Promise<void> => {
    const timestamp = String(Date.now() - ageMs)
    await producer.send({ topic, messages: Array.from({ length: count }, (_, i) => ({ value: `v${i}`, timestamp })) })
  }
  return {
    write,
    async createTopic(topic, { partitions = 1, config = {}, replicas } = {}) {
      const layout =
        replicas === undefined
          ? { numPartitions: partitions, replicationFactor: 3 }
          : { replicaAssignment: [{ partition: 0, replicas: [...replicas] }] }
      const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }))
      await admin.createTopics({ topics: [{ topic, ...layout, configEntries }], waitForLeaders: false })
      // Kafkajs's own wait fails when the broker it asks has not heard of the topic yet.
      await untilIsr(cluster, topic, (isr) => isr.length === (replicas?.length ?? 3), 'complete')
    },
    keepWriting(topic, count, everyMs) {
      const ending = new AbortController()
      const running = (async () => {
        while (!ending.signal.aborted) {
          // A broker may be down: what cannot be written is written the next time.
          await write(topic, count).catch(() => {})
          await delay(everyMs, undefined, { signal: ending.signal }).catch(() => {})
        }
      })()
      const stop = async () => {
        ending.abort()
        await running
      }
      cleanups.push(stop)
      return { stop }
    },
    async join(groupId, topic, { handle = async () => {}, commitEvery = 1, ...config } = {}) {
      const consumer = kafka.consumer({ groupId, maxWaitTimeInMs: 200, heartbeatInterval: 1_000, ...config })
      cleanups.push(() => consumer.disconnect())
      const joined = new Promise<void>((resolve) => void consumer.on('consumer.group_join', () => resolve()))
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({ autoCommitThreshold: commitEvery, eachMessage: handle })
      await joined
      return consumer
    },
  }
}

function proofs(pipeline: Pipeline): Pick<Rig, 'quiet' | 'fires' | 'resolves' | 'proven'> {
  const states = new Map<string, 'quiet' | 'fired' | 'resolved'>()
  const step = (alert: Driven, before: string, now: 'fired' | 'resolved') => {
    if (states.get(alert) !== before) throw new Error(`${alert} has to be ${before} before it is ${now}`)
    states.set(alert, now)
  }
  return {
    async quiet(...alerts) {
      await pipeline.quiet(alerts, (alert) => expected(alert as Driven).labels)
      for (const alert of alerts) states.set(alert, 'quiet')
    },
    async fires(alert) {
      await pipeline.fires(expected(alert))
      step(alert, 'quiet', 'fired')
    },
    async resolves(alert) {
      await pipeline.resolves(expected(alert))
      step(alert, 'fired', 'resolved')
    },
    proven: () => new Set([...states].filter(([, state]) => state === 'resolved').map(([alert]) => alert)),
  }
}

/** The lag of a group over all partitions of a topic is as wanted, by Kafka's own figures. */
export const untilLag = (rig: Rig, group: string, isWanted: (lag: bigint) => boolean, what: string): Promise<void> =>
  until(`the lag of ${group} is ${what}`, async () => {
    const rows = await rig.cluster.groupLag(group)
    const lag = rows.reduce((sum, row) => sum + (row.lag ?? 0n), 0n)
    return rows.length > 0 && isWanted(lag) ? { met: undefined } : { not: rows }
  })

/** The in-sync replicas of each partition are as wanted. */
export const untilIsr = (
  cluster: Pick<Cluster, 'describeTopics'>,
  topic: string,
  isWanted: (isr: readonly number[]) => boolean,
  what: string,
): Promise<void> =>
  until(`the in-sync replicas of ${topic} are ${what}`, async () => {
    const [{ partitions } = { partitions: [] }] = await cluster.describeTopics([topic])
    const areAll = partitions.length > 0 && partitions.every(({ isr }) => isWanted(isr))
    return areAll ? { met: undefined } : { not: partitions }
  })
