// The end-to-end probe: a message to each broker every second, through the log and back.
import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Producer } from '@platformatic/kafka'
import { type Cluster, ClusterError, type ClusterOptions, clientSecurity, type Logger } from '@selfmonitor/cluster'
import { probeGroup, probeTopic } from '../snapshot/probe-names.ts'
import type { Probe, Problem } from '../snapshot/types.ts'
import { brokersToCover, sameLayout, type TopicLayout } from './layout.ts'
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
  /** Default `_selfmonitor-probe`: created with a partition for each broker, and given one for each broker that is added. */
  readonly topic?: string
  /** Default 1,000. */
  readonly intervalMs?: number
  /** After this a message that was acknowledged is lost. Default 10,000. */
  readonly timeoutMs?: number
  /** How often it looks for new brokers. Default 30,000. */
  readonly followMs?: number
}

export interface RunningProbe {
  totals(): Probe
  close(): Promise<void>
}

const wantedReplicas = 3
const commitEveryMs = 5_000
const retryMs = 1_000

interface Running {
  readonly cluster: Cluster
  readonly producer: Producer<Buffer, Buffer, Buffer, Buffer>
  readonly topic: string
  readonly intervalMs: number
  readonly timeoutMs: number
  readonly followMs: number
  readonly signal: AbortSignal
  readonly logger: Logger
  /** Distinguishes this probe's messages from another exporter's. */
  readonly id: string
  /** The next offset to read of each partition of the topic with this id. */
  readonly positions: Map<number, bigint>
  topicId: string
  /** Counts the messages to each partition: a key is never used twice. */
  sequence: number
  state: ProbeState
}

/** Starts at once; while Kafka cannot be reached it counts failures. */
export function startProbe(
  cluster: Cluster,
  connect: ClusterOptions,
  options: ProbeOptions,
  logger: Logger,
): RunningProbe {
  const { topic = probeTopic, intervalMs = 1_000, timeoutMs = 10_000, followMs = 30_000 } = options
  const ending = new AbortController()
  const running: Running = {
    ...{ cluster, topic, intervalMs, timeoutMs, followMs, logger, signal: ending.signal },
    producer: new Producer({
      clientId: 'selfmonitor-probe',
      bootstrapBrokers: connect.bootstrapServers.split(','),
      // A failure is what is to be counted: no attempt is repeated.
      ...{ retries: 0, timeout: timeoutMs, ...clientSecurity(connect) },
    }),
    id: randomUUID(),
    positions: new Map(),
    topicId: '',
    sequence: 0,
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

const wait = (ms: number, signal: AbortSignal): Promise<unknown> => pause(ms, undefined, { signal }).catch(() => {})

function problemOf(error: unknown): Problem {
  const { code, message } = error as Error & { code?: unknown }
  return { code: typeof code === 'string' ? code : 'UNEXPECTED', message }
}

/** A round lasts as long as the topic has the same partitions. Messages that are on their way are kept from one to the next. */
async function run(running: Running): Promise<void> {
  while (!running.signal.aborted) {
    const round = new AbortController()
    const signal = AbortSignal.any([running.signal, round.signal])
    try {
      const layout = await prepare(running)
      await Promise.all([
        produceLoop(running, signal),
        consumeLoop(running, signal),
        commitLoop(running, signal),
        untilChanged(running, layout, signal).finally(() => round.abort()),
      ])
    } catch (error) {
      running.logger.warn({ err: error }, 'The probe cannot prepare its topic')
      running.state = notProduced(running.state, '', problemOf(error))
      await wait(running.intervalMs, running.signal)
    }
  }
}

/**
 * Makes the topic with a partition for each broker, and notes where new partitions end. Nothing is sent before it is known where reading
 * begins, so that everything that is sent comes back.
 */
async function prepare(running: Running): Promise<TopicLayout> {
  const { cluster, topic, positions } = running
  await create(running)
  await follow(running)
  const [layout] = await cluster.describeTopics([topic])
  if (layout!.id !== running.topicId) positions.clear()
  running.topicId = layout!.id
  const added = layout!.partitions.filter(({ partition }) => !positions.has(partition))
  const placed = added.map(({ partition, leader }) => ({ topic, partition, leader }))
  for (const { partition, end, problem } of await cluster.partitionBounds(placed)) {
    if (end === null) throw new ClusterError(problem!.code, `${topic}-${partition}: ${problem!.message}`)
    positions.set(partition, end)
  }
  return layout!
}

async function create({ cluster, topic }: Running): Promise<void> {
  if ((await cluster.listTopics()).some(({ name }) => name === topic)) return
  const { brokers } = await cluster.info()
  const config = { 'retention.ms': '600000', 'cleanup.policy': 'delete' }
  const replicationFactor = Math.min(wantedReplicas, brokers.length)
  await cluster
    .createTopics([{ name: topic, partitions: brokers.length, replicationFactor, config }])
    // The other replica of the exporter was faster.
    .catch(unless('TOPIC_ALREADY_EXISTS'))
}

/** Gives each broker that no message goes to a partition. Where that is not possible, the others are still probed. */
async function follow({ cluster, topic, logger }: Running): Promise<void> {
  try {
    const { brokers } = await cluster.info()
    const [{ partitions } = { partitions: [] }] = await cluster.describeTopics([topic])
    const assignments = brokersToCover(
      brokers.map(({ id }) => id),
      partitions,
    )
    if (assignments.length === 0) return
    await cluster
      .createPartitions([{ topic, partitions: partitions.length + assignments.length, assignments }])
      // The other replica of the exporter was faster.
      .catch(unless('INVALID_PARTITIONS'))
  } catch (error) {
    logger.warn({ err: error }, 'The probe cannot add partitions for new brokers')
  }
}

const unless =
  (code: string) =>
  (error: unknown): void => {
    if (!(error instanceof ClusterError) || error.code !== code) throw error
  }

/** Ends when the topic has other partitions than before, or is another one of the same name. */
async function untilChanged(running: Running, layout: TopicLayout, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await wait(running.followMs, signal)
    if (signal.aborted) return
    await follow(running)
    try {
      const found = (await running.cluster.listTopics()).find(({ name }) => name === running.topic)
      if (found === undefined || !sameLayout(found, layout)) return
    } catch (error) {
      // The other loops count what fails while Kafka does not answer.
      running.logger.debug({ err: error }, 'The probe cannot see its topic')
    }
  }
}

async function produceLoop(running: Running, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const startedAt = performance.now()
    running.state = expired(running.state, startedAt, running.timeoutMs)
    running.sequence += 1
    const partitions = [...running.positions.keys()]
    await Promise.all(
      partitions.map((partition) => produce(running, partition, `${running.id} ${running.sequence} ${partition}`)),
    )
    await wait(Math.max(0, running.intervalMs - (performance.now() - startedAt)), signal)
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

/**
 * After an error it continues where it was, so that a message counts as lost only if it cannot be read. It reads as a consumer with
 * `read_committed`, so that a message behind an open transaction, which such consumers do not get, counts as lost as well.
 */
async function consumeLoop(running: Running, signal: AbortSignal): Promise<void> {
  const { cluster, topic, positions } = running
  while (!signal.aborted) {
    try {
      const ranges = [...positions].map(([partition, next]) => ({ topic, partition, next, end: null }))
      for await (const event of cluster.read(ranges, { signal, isolation: 'read_committed' })) {
        if (event.kind !== 'records') continue
        for (const { key } of event.records)
          if (key !== null) running.state = arrived(running.state, String(key), performance.now())
        for (const { partition, next } of event.positions) positions.set(partition, next)
      }
    } catch (error) {
      running.logger.warn({ err: error }, 'The probe cannot read its topic')
      await wait(retryMs, signal)
    }
  }
}

async function commitLoop(running: Running, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await wait(commitEveryMs, signal)
    if (signal.aborted) return
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
