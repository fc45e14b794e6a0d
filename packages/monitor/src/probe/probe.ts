// The end-to-end probe: a message to each broker every second, through the log and back.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Producer } from '@platformatic/kafka'
import { type Cluster, ClusterError, type ClusterOptions, clientSecurity, type Logger } from '@selfmonitor/cluster'
import type { Probe, Problem } from '../snapshot/types.ts'
import {
  acknowledged,
  arrived,
  committed,
  expired,
  firstProbeState,
  notCommitted,
  notProduced,
  type ProbeState,
  sent,
} from './state.ts'

export interface ProbeOptions {
  /** Default `_selfmonitor-probe`: created with a partition for each broker. */
  readonly topic?: string
  /** Default 1,000. */
  readonly intervalMs?: number
  /** After this a message that was acknowledged is lost. Default 10,000. */
  readonly timeoutMs?: number
}

export interface RunningProbe {
  totals(): Probe
  close(): Promise<void>
}

export const probeTopic = '_selfmonitor-probe'
export const probeGroup = '_selfmonitor-probe'

const wantedReplicas = 3
const commitEveryMs = 5_000
const retryMs = 1_000

interface Running {
  readonly cluster: Cluster
  readonly producer: Producer<Buffer, Buffer, Buffer, Buffer>
  readonly topic: string
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly signal: AbortSignal
  readonly logger: Logger
  /** Distinguishes this probe's messages from another exporter's. */
  readonly id: string
  /** The next offset to read of each partition. */
  readonly positions: Map<number, bigint>
  state: ProbeState
}

/** Starts at once; while Kafka cannot be reached it counts failures. */
export function startProbe(
  cluster: Cluster,
  connect: ClusterOptions,
  options: ProbeOptions,
  logger: Logger,
): RunningProbe {
  const { topic = probeTopic, intervalMs = 1_000, timeoutMs = 10_000 } = options
  const ending = new AbortController()
  const running: Running = {
    ...{ cluster, topic, intervalMs, timeoutMs, logger, signal: ending.signal },
    producer: new Producer({
      clientId: 'selfmonitor-probe',
      bootstrapBrokers: connect.bootstrapServers.split(','),
      // A failure is what is to be counted: no attempt is repeated.
      ...{ retries: 0, timeout: timeoutMs, ...clientSecurity(connect) },
    }),
    id: randomUUID(),
    positions: new Map(),
    state: firstProbeState(topic),
  }
  const loops = run(running)
  return {
    totals: () => running.state.totals,
    async close() {
      ending.abort()
      await loops
      await running.producer.close()
    },
  }
}

const wait = (ms: number, { signal }: Running): Promise<unknown> => pause(ms, undefined, { signal }).catch(() => {})

function problemOf(error: unknown): Problem {
  const { code, message } = error as Error & { code?: unknown }
  return { code: typeof code === 'string' ? code : 'UNEXPECTED', message }
}

/** Nothing is sent before it is known where reading begins: what is sent then comes back. */
async function run(running: Running): Promise<void> {
  while (!running.signal.aborted) {
    try {
      await prepare(running)
      await Promise.all([produceLoop(running), consumeLoop(running), commitLoop(running)])
    } catch (error) {
      running.logger.warn({ error }, 'The probe cannot prepare its topic')
      running.state = notProduced(running.state, '', problemOf(error))
      await wait(running.intervalMs, running)
    }
  }
}

/** Makes the topic with a partition for each broker, and notes where each partition ends. */
async function prepare({ cluster, topic, positions }: Running): Promise<void> {
  const { brokers } = await cluster.info()
  const found = (await cluster.listTopics({ internal: true })).find(({ name }) => name === topic)
  if (found === undefined) {
    const config = { 'retention.ms': '600000', 'cleanup.policy': 'delete' }
    const replicationFactor = Math.min(wantedReplicas, brokers.length)
    await cluster
      .createTopics([{ name: topic, partitions: brokers.length, replicationFactor, config }])
      .catch((error) => {
        // The other replica of the exporter was faster.
        if (!(error instanceof ClusterError) || error.code !== 'TOPIC_ALREADY_EXISTS') throw error
      })
  } else if (found.partitions.length < brokers.length) {
    await cluster.createPartitions([{ topic, partitions: brokers.length }])
  }
  const [described] = await cluster.describeTopics([topic])
  const placed = described!.partitions.map(({ partition, leader }) => ({ topic, partition, leader }))
  for (const { partition, end, problem } of await cluster.partitionBounds(placed)) {
    if (end === null) throw new ClusterError(problem!.code, `${topic}-${partition}: ${problem!.message}`)
    positions.set(partition, end)
  }
}

async function produceLoop(running: Running): Promise<void> {
  for (let sequence = 0; !running.signal.aborted; sequence++) {
    const startedAt = performance.now()
    running.state = expired(running.state, startedAt, running.timeoutMs)
    const partitions = [...running.positions.keys()]
    await Promise.all(
      partitions.map((partition) => produce(running, partition, `${running.id} ${sequence} ${partition}`)),
    )
    await wait(Math.max(0, running.intervalMs - (performance.now() - startedAt)), running)
  }
}

async function produce(running: Running, partition: number, key: string): Promise<void> {
  const startedAt = performance.now()
  running.state = sent(running.state, key, startedAt)
  const message = { topic: running.topic, partition, key: Buffer.from(key), value: Buffer.from('probe') }
  try {
    await running.producer.send({ acks: -1, messages: [message] })
    running.state = acknowledged(running.state, key, performance.now() - startedAt)
  } catch (error) {
    running.state = notProduced(running.state, key, problemOf(error))
  }
}

/** Goes on where it was after an error, so that nothing counts as lost that was not read. */
async function consumeLoop(running: Running): Promise<void> {
  const { cluster, signal, topic, positions } = running
  while (!signal.aborted) {
    try {
      const ranges = [...positions].map(([partition, next]) => ({ topic, partition, next, end: null }))
      for await (const event of cluster.read(ranges, { signal })) {
        if (event.kind !== 'records') continue
        for (const { partition, offset, key } of event.records) {
          positions.set(partition, offset + 1n)
          if (key !== null) running.state = arrived(running.state, String(key), performance.now())
        }
      }
    } catch (error) {
      running.logger.warn({ error }, 'The probe cannot read its topic')
      await wait(retryMs, running)
    }
  }
}

async function commitLoop(running: Running): Promise<void> {
  while (!running.signal.aborted) {
    await wait(commitEveryMs, running)
    if (running.signal.aborted) return
    const startedAt = performance.now()
    try {
      const offsets = [...running.positions].map(([partition, to]) => ({ topic: running.topic, partition, to }))
      await running.cluster.commitOffsets(probeGroup, offsets)
      running.state = committed(running.state, performance.now() - startedAt)
    } catch (error) {
      running.state = notCommitted(running.state, problemOf(error))
    }
  }
}
