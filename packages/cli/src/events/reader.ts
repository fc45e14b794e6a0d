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
  /**
   * Told once when the brokers cannot be reached, and once when they can again, while following; and whenever records that
   * were to be read are not there any more.
   */
  readonly onTrouble: (text: string) => void
}

const fetchWaitMs = 500
const fetchBytes = 8 * 1024 * 1024
const partitionBytes = 1024 * 1024
const retryMs = 500
// Bits of a record batch's attributes: https://kafka.apache.org/43/implementation/message-format/
const logAppendTime = 0x08
const controlBatch = 0x20
const readUncommitted = 0

/** How far a partition has been read; `followLog` and `takeBatch` move it. */
export interface Position {
  readonly topic: string
  topicId: string
  readonly partition: number
  leader: number
  next: bigint
  /** Newest timestamp read so far, milliseconds. */
  latestMs: number
  end: bigint | null
}

/** What the cluster says of a partition's log now; an offset is null where it cannot be had. */
export interface LogNow {
  readonly topicId: string
  readonly leader: number
  readonly earliest: bigint | null
  readonly latest: bigint | null
}

/**
 * Yields records as they arrive, those of one answer in the order of their timestamps; within a partition always in the
 * order of offsets. Ends when every range is read, or on the signal. Uncommitted transactions are read too, as
 * kafka-console-consumer does by default. A range whose records are deleted meanwhile ends where the log ends.
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
  /** Since when answers are only errors that another attempt may mend. */
  let failingSinceMs: number | undefined
  const underWay = new Map<number, Promise<{ leader: number; answer?: Answer; error?: unknown }>>()

  while (true) {
    for (const [leader, wanted] of Map.groupBy(positions.filter(unread), (position) => position.leader)) {
      if (underWay.has(leader)) continue
      underWay.set(
        leader,
        fetchFrom(consumer, leader, wanted).then(
          (answer) => ({ leader, answer }),
          (error: unknown) => ({ leader, error }),
        ),
      )
    }
    if (underWay.size === 0) return
    const first = await Promise.race([aborted, ...underWay.values()])
    if (first === 'aborted') return
    underWay.delete(first.leader)
    if (first.answer !== undefined) {
      if (inTrouble) options.onTrouble('The brokers answer again.')
      inTrouble = false
      failingSinceMs = undefined
      yield* first.answer.records
      if (first.answer.endsEarly) await relocate(options, positions)
      continue
    }
    const moved = isMoved(first.error)
    failingSinceMs ??= performance.now()
    const patient = following || (moved && performance.now() - failingSinceMs < options.timeoutMs)
    if (!patient) throw first.error
    if (!inTrouble && !moved) options.onTrouble(`Lost the broker, waiting for it: ${(first.error as Error).message}`)
    inTrouble = !moved
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

/** Where the leaders are now, and where the logs begin and end, in case they are not what they were. */
async function relocate(options: ReadOptions, positions: readonly Position[]): Promise<void> {
  const wanted = positions.filter(unread)
  if (wanted.length === 0) return
  const key = (topic: string, partition: number): string => `${partition}:${topic}`
  try {
    const topics = await options.cluster.describeTopics([...new Set(wanted.map(({ topic }) => topic))])
    const byName = new Map(topics.map((topic) => [topic.name, topic]))
    const present = wanted.filter(({ topic, partition }) =>
      byName.get(topic)?.partitions.some((info) => info.partition === partition && info.leader >= 0),
    )
    const ask = async (where: 'earliest' | 'latest'): Promise<Map<string, bigint | null>> => {
      const found = await options.cluster.listOffsets(
        present.map(({ topic, partition }) => ({ topic, partition })),
        where,
      )
      return new Map(found.map(({ topic, partition, offset }) => [key(topic, partition), offset]))
    }
    const [earliest, latest] = await Promise.all([ask('earliest'), ask('latest')])
    for (const position of wanted) {
      const topic = byName.get(position.topic)!
      const at = key(position.topic, position.partition)
      const said = followLog(position, {
        topicId: toUuid(topic.id),
        leader: topic.partitions.find(({ partition }) => partition === position.partition)?.leader ?? -1,
        earliest: earliest.get(at) ?? null,
        latest: latest.get(at) ?? null,
      })
      if (said !== undefined) options.onTrouble(said)
    }
  } catch (error) {
    // Deleted under us: there is nothing left to wait for.
    if ((error as { code?: unknown }).code === 'UNKNOWN_TOPIC_OR_PARTITION') throw error
    // Still unreachable: the next fetch says so, and we come back here.
  }
}

/**
 * Moves a position to what is left of its log: past records that were deleted, back from an end that was cut off, to the
 * beginning of a topic that was created again. A range never grows, and of another topic it has nothing.
 * @returns what the reader of the records has to know; undefined when nothing was lost.
 */
export function followLog(position: Position, log: LogNow): string | undefined {
  const where = `${position.topic}[${position.partition}]`
  position.leader = log.leader
  if (log.topicId !== position.topicId) {
    position.topicId = log.topicId
    if (position.end !== null) {
      position.end = position.next
      return `${position.topic} was deleted and created again: ${where} was read up to offset ${position.next}.`
    }
    position.next = log.earliest ?? 0n
    return `${position.topic} was deleted and created again: reading ${where} from its beginning.`
  }
  const { earliest, latest } = log
  if (earliest !== null && position.next < earliest) {
    const from = position.next
    position.next = earliest
    return `${where}: the records from offset ${from} to ${earliest} were deleted before they were read.`
  }
  if (latest === null) return undefined
  if (position.end === null && position.next > latest) {
    position.next = latest
    return `${where} was cut back to offset ${latest}: reading on from there.`
  }
  if (position.end !== null && position.end > latest) {
    position.end = latest > position.next ? latest : position.next
    return `${where} was cut back to offset ${latest}: there is nothing behind it any more.`
  }
  return undefined
}

/** Kafka's answers that mean "ask elsewhere" or "that is gone": not a lost broker. */
function isMoved(error: unknown): boolean {
  const text = JSON.stringify(apiIds(error))
  return /NOT_LEADER_OR_FOLLOWER|OFFSET_OUT_OF_RANGE|FENCED_LEADER_EPOCH|UNKNOWN_LEADER_EPOCH|FETCH_SESSION|TOPIC_ID/.test(
    text,
  )
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

interface Answer {
  readonly records: readonly RawRecord[]
  /** A partition has nothing left, and its range goes further: either the log was cut, or its leader is behind. */
  readonly endsEarly: boolean
}

async function fetchFrom(consumer: Consumer, leader: number, positions: readonly Position[]): Promise<Answer> {
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
  let endsEarly = false
  for (const topic of response.responses) {
    for (const answer of topic.partitions) {
      const position = positions.find((one) => one.topicId === topic.topicId && one.partition === answer.partitionIndex)
      if (position === undefined) continue
      for (const batch of answer.records ?? []) takeBatch(batch, position, found)
      if (position.end !== null && unread(position) && answer.highWatermark <= position.next) endsEarly = true
    }
  }
  return { records: found.sort((a, b) => a.order - b.order).map(({ record }) => record), endsEarly }
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
      // With message.timestamp.type=LogAppendTime every record of a batch has the time at which the broker took it (KIP-32).
      const timestampMs = Number(
        (batch.attributes & logAppendTime) === 0 ? batch.firstTimestamp + record.timestampDelta : batch.maxTimestamp,
      )
      // Timestamps may go back within a partition, offsets never: the latest time so far keeps the partition's order.
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
