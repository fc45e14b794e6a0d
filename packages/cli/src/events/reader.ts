// Reads partitions without joining a group: nothing is committed, and no group is left behind on the cluster.
import { setTimeout as delay } from 'node:timers/promises'
import type { Consumer } from '@platformatic/kafka'
import type { Cluster, ClusterOptions } from '@selfmonitor/cluster'

export interface RawRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly (readonly [string, Buffer | null])[]
}

/** One partition and the offsets to read: from `next` up to `end` (exclusive), or on and on. */
export interface Range {
  readonly topic: string
  readonly partition: number
  readonly next: bigint
  readonly end: bigint | null
}

export interface ReadOptions {
  readonly cluster: Cluster
  readonly bootstrapServers: string
  readonly security: Pick<ClusterOptions, 'sasl' | 'tls'>
  readonly ranges: readonly Range[]
  readonly signal: AbortSignal
  readonly timeoutMs: number
  /** Told once when the brokers cannot be reached, and once when they can again. Only while following. */
  readonly onTrouble: (text: string) => void
}

const fetchWaitMs = 500
const fetchBytes = 8 * 1024 * 1024
const partitionBytes = 1024 * 1024
const retryMs = 500
const controlBatch = 0x20
const readUncommitted = 0

interface Position {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  leader: number
  next: bigint
  /** Newest timestamp read so far, milliseconds. */
  latestMs: number
  readonly end: bigint | null
}

/**
 * Yields records as they arrive, those of one answer in the order of their timestamps; within a partition always in the
 * order of offsets. Ends when every range is read, or on the signal. Uncommitted transactions are read too, as
 * kafka-console-consumer does by default.
 * @throws what the cluster says, at once where every range has an end; while following, a lost broker is waited for.
 */
export async function* readRecords(options: ReadOptions): AsyncGenerator<RawRecord> {
  const { Consumer } = await import('@platformatic/kafka')
  const { clientSecurity } = await import('@selfmonitor/cluster')
  const consumer = new Consumer({
    clientId: 'selfmonitor-tail',
    // Never joined; the class wants one.
    groupId: 'selfmonitor-tail',
    bootstrapBrokers: options.bootstrapServers.split(','),
    timeout: options.timeoutMs,
    requestTimeout: options.timeoutMs + fetchWaitMs,
    retries: 0,
    ...clientSecurity({ bootstrapServers: options.bootstrapServers, ...options.security }),
  })
  try {
    yield* readAll(consumer, options)
  } finally {
    await consumer.close(true)
  }
}

async function* readAll(consumer: Consumer, options: ReadOptions): AsyncGenerator<RawRecord> {
  const following = options.ranges.some(({ end }) => end === null)
  const positions = await locate(options)
  consumer.topics.trackAll(...new Set(positions.map(({ topic }) => topic)))
  const aborted = new Promise<'aborted'>((resolve) => {
    if (options.signal.aborted) resolve('aborted')
    else options.signal.addEventListener('abort', () => resolve('aborted'), { once: true })
  })
  let inTrouble = false
  const underWay = new Map<number, Promise<{ leader: number; records?: RawRecord[]; error?: unknown }>>()

  while (true) {
    for (const [leader, wanted] of Map.groupBy(positions.filter(unread), (position) => position.leader)) {
      if (underWay.has(leader)) continue
      underWay.set(
        leader,
        fetchFrom(consumer, leader, wanted).then(
          (records) => ({ leader, records }),
          (error: unknown) => ({ leader, error }),
        ),
      )
    }
    if (underWay.size === 0) return
    const answer = await Promise.race([aborted, ...underWay.values()])
    if (answer === 'aborted') return
    underWay.delete(answer.leader)
    if (answer.records !== undefined) {
      if (inTrouble) options.onTrouble('The brokers answer again.')
      inTrouble = false
      yield* answer.records
      continue
    }
    if (!following && !isMoved(answer.error)) throw answer.error
    if (!inTrouble && !isMoved(answer.error))
      options.onTrouble(`Lost the broker, waiting for it: ${(answer.error as Error).message}`)
    inTrouble = !isMoved(answer.error)
    await Promise.race([aborted, delay(retryMs)])
    await relocate(options, positions)
  }
}

function unread({ next, end }: Position): boolean {
  return end === null || next < end
}

async function locate({ cluster, ranges }: ReadOptions): Promise<Position[]> {
  const topics = await cluster.describeTopics([...new Set(ranges.map(({ topic }) => topic))])
  const byName = new Map(topics.map((topic) => [topic.name, topic]))
  return ranges.map((range) => {
    const topic = byName.get(range.topic)!
    const leader = topic.partitions.find(({ partition }) => partition === range.partition)?.leader ?? -1
    return { ...range, topicId: toUuid(topic.id), leader, latestMs: Number.NEGATIVE_INFINITY }
  })
}

/** Kafka prints topic ids in base64, its client library wants them as hexadecimal UUIDs. */
function toUuid(id: string): string {
  const hex = Buffer.from(id, 'base64url').toString('hex')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

/** After an error: where the leaders are now, and where the logs begin, in case retention went past us. */
async function relocate(options: ReadOptions, positions: readonly Position[]): Promise<void> {
  try {
    const topics = new Map(
      (await options.cluster.describeTopics([...new Set(positions.map(({ topic }) => topic))])).map((topic) => [
        topic.name,
        topic,
      ]),
    )
    for (const position of positions) {
      const info = topics.get(position.topic)?.partitions.find(({ partition }) => partition === position.partition)
      if (info !== undefined) position.leader = info.leader
    }
    const starts = await options.cluster.listOffsets(
      positions.filter(unread).map(({ topic, partition }) => ({ topic, partition })),
      'earliest',
    )
    for (const { topic, partition, offset } of starts) {
      const position = positions.find((one) => one.topic === topic && one.partition === partition)
      if (position !== undefined && offset !== null && position.next < offset) position.next = offset
    }
  } catch (error) {
    // Deleted under us: there is nothing left to wait for.
    if ((error as { code?: unknown }).code === 'UNKNOWN_TOPIC_OR_PARTITION') throw error
    // Still unreachable: the next fetch says so, and we come back here.
  }
}

/** Kafka's answers that mean "ask elsewhere" or "that is gone": not a lost broker. */
function isMoved(error: unknown): boolean {
  const text = JSON.stringify(apiIds(error))
  return /NOT_LEADER_OR_FOLLOWER|OFFSET_OUT_OF_RANGE|FENCED_LEADER_EPOCH|UNKNOWN_LEADER_EPOCH|FETCH_SESSION/.test(text)
}

function apiIds(error: unknown, depth = 0): unknown[] {
  if (typeof error !== 'object' || error === null || depth > 5) return []
  const { apiId, errors, cause } = error as { apiId?: unknown; errors?: unknown[]; cause?: unknown }
  return [
    apiId,
    ...(Array.isArray(errors) ? errors.flatMap((one) => apiIds(one, depth + 1)) : []),
    ...apiIds(cause, depth + 1),
  ]
}

async function fetchFrom(consumer: Consumer, leader: number, positions: readonly Position[]): Promise<RawRecord[]> {
  const topics = [...Map.groupBy(positions, ({ topicId }) => topicId)].map(([topicId, wanted]) => ({
    topicId,
    partitions: wanted.map(({ partition, next }) => ({
      partition,
      currentLeaderEpoch: -1,
      fetchOffset: next,
      lastFetchedEpoch: -1,
      partitionMaxBytes: partitionBytes,
    })),
  }))
  const response = await consumer.fetch({
    node: leader,
    topics,
    maxWaitTime: fetchWaitMs,
    minBytes: 1,
    maxBytes: fetchBytes,
    isolationLevel: readUncommitted,
  })
  const found: Found[] = []
  for (const topic of response.responses) {
    for (const answer of topic.partitions) {
      const position = positions.find((one) => one.topicId === topic.topicId && one.partition === answer.partitionIndex)
      if (position === undefined) continue
      for (const batch of answer.records ?? []) takeBatch(batch, position, found)
    }
  }
  return found.sort((a, b) => a.order - b.order).map(({ record }) => record)
}

/** A record and its place among those of other partitions. */
interface Found {
  readonly record: RawRecord
  readonly order: number
}

type Batch = NonNullable<
  Awaited<ReturnType<Consumer['fetch']>>['responses'][number]['partitions'][number]['records']
>[number]

/** Adds the batch's records from the position on, and moves the position behind the batch. */
function takeBatch(batch: Batch, position: Position, found: Found[]): void {
  const after = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
  if ((batch.attributes & controlBatch) === 0) {
    for (const record of batch.records) {
      const offset = batch.firstOffset + BigInt(record.offsetDelta)
      // A broker answers with whole batches: what stands before the asked offset was not asked for.
      if (offset < position.next || (position.end !== null && offset >= position.end)) continue
      // Timestamps may go back within a partition, offsets never: the latest time so far keeps the partition's order.
      const timestampMs = Number(batch.firstTimestamp + record.timestampDelta)
      position.latestMs = Math.max(position.latestMs, timestampMs)
      const raw: RawRecord = {
        topic: position.topic,
        partition: position.partition,
        offset,
        timestampMs,
        key: record.key ?? null,
        value: record.value ?? null,
        headers: [...record.headers].map(([name, header]) => [String(name), header ?? null] as const),
      }
      found.push({ record: raw, order: position.latestMs })
    }
  }
  if (after > position.next) position.next = after
}
