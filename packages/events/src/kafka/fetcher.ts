// Reads the assigned partitions: one fetch under way to each broker, only for partitions that have room for more. It keeps no
// position: it asks for one before every fetch, and says when the log does not hold it.
import { EventsError } from '../errors.ts'
import type { Problems } from '../problems.ts'
import type { Logger } from '../types.ts'
import { errorName, type KafkaClient, kafkaErrorName, partialResponse, reasonOf, type TopicMetadata } from './client.ts'
import type { TopicPartition } from './group.ts'
import { partitionErrorAdvice, partitionErrorKind } from './partition-errors.ts'
import { backoffMs } from './wait.ts'

export interface FetchedRecord {
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** In their order; a name may stand there twice. */
  readonly headers: readonly (readonly [string, Buffer | null])[]
}

export interface FetcherOptions {
  readonly client: KafkaClient
  readonly logger: Logger
  readonly problems: Problems
  /** The offset to read on from; null while there is no room for more. Asked before every fetch: its owner is the caller. */
  position(partition: TopicPartition): bigint | null
  /** Records in the order of their offsets; `next` is the offset to go on from. */
  deliver(partition: TopicPartition, records: readonly FetchedRecord[], next: bigint): void
  /**
   * The log does not hold the position, or the topic is another one than the partition was added with. The partition is
   * read no further until it is added again.
   * @param topicId the topic that it was added with
   */
  misplaced(partition: TopicPartition, topicId: string): void
}

export interface Fetcher {
  /** Reads a partition. @param topicId the topic that its position belongs to */
  add(partition: TopicPartition, topicId: string): void
  remove(partition: TopicPartition): void
  /** Looks again which partitions have room. */
  wake(): void
  close(): void
}

/** A partition that is read, from `add` to `remove`: an answer that comes after that is of no interest. */
interface Reading extends TopicPartition {
  readonly topicId: string
  leader: number
  inFlight: boolean
  removed: boolean
  /** How often it could not be read since it was last. */
  failures: number
  /** Not to be asked for before this time, milliseconds since the epoch. */
  retryAtMs: number
  /** To be asked for by itself, because an answer that it was part of could not be read. */
  alone: boolean
}

interface Batch {
  readonly firstOffset: bigint
  readonly lastOffsetDelta: number
  readonly firstTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly attributes: number
  readonly producerId: bigint
  readonly records: readonly {
    readonly offsetDelta: number
    readonly timestampDelta: bigint
    readonly key: Buffer | null
    readonly value: Buffer | null
    readonly headers: readonly (readonly [Buffer, Buffer | null])[]
  }[]
}

interface PartitionAnswer {
  readonly partitionIndex: number
  readonly errorCode: number
  readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null
  readonly records: readonly Batch[] | null
}

type Answered = PartitionAnswer & { readonly topic: string | undefined }

interface FetchResponse {
  readonly errorCode: number
  readonly responses: readonly { readonly topicId: string; readonly partitions: readonly PartitionAnswer[] }[]
}

/** A partition in a fetch, and the offset asked for. */
interface Wanted {
  readonly reading: Reading
  readonly from: bigint
}

const maxWaitMs = 500
const maxBytes = 8 * 1024 * 1024
const maxPartitionBytes = 1024 * 1024
const readCommitted = 1
const noSession = { id: 0, epoch: -1 }
const isControl = 1 << 5
const isTransactional = 1 << 4
const isLogAppendTime = 1 << 3

export function createFetcher(options: FetcherOptions): Fetcher {
  const { client, logger, problems } = options
  const readings = new Map<string, Reading>()
  const busyNodes = new Set<number>()
  let scheduled = false
  let refreshing = false
  let timer: NodeJS.Timeout | null = null
  let closed = false

  function schedule(): void {
    if (scheduled || closed || readings.size === 0) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      tick()
    })
  }

  /** Each partition that failed waits for a time of its own: one that cannot be read does not slow the others down. */
  function tick(): void {
    if (closed) return
    const now = Date.now()
    const perNode = new Map<number, Wanted[]>()
    let wakeAtMs = Number.POSITIVE_INFINITY
    let leaderless = false
    for (const reading of readings.values()) {
      if (reading.inFlight) continue
      if (reading.retryAtMs > now) {
        wakeAtMs = Math.min(wakeAtMs, reading.retryAtMs)
      } else if (reading.leader < 0) {
        leaderless = true
      } else if (!busyNodes.has(reading.leader)) {
        const from = options.position(reading)
        if (from === null) continue
        const list = perNode.get(reading.leader)
        if (list === undefined) perNode.set(reading.leader, [{ reading, from }])
        else list.push({ reading, from })
      }
    }
    for (const [node, list] of perNode) {
      // After an answer that could not be read, partitions are asked for one by one until it is clear which it was.
      const alone = list.find(({ reading }) => reading.alone)
      void fetch(node, alone === undefined ? list : [alone])
    }
    if (leaderless) void refresh()
    if (timer !== null) clearTimeout(timer)
    timer = wakeAtMs === Number.POSITIVE_INFINITY ? null : setTimeout(tick, Math.max(1, wakeAtMs - now))
  }

  async function refresh(): Promise<void> {
    if (refreshing) return
    refreshing = true
    const wanted = [...readings.values()].filter(({ leader, retryAtMs }) => leader < 0 && retryAtMs <= Date.now())
    try {
      const described = await client.describe([...new Set(wanted.map(({ topic }) => topic))])
      for (const reading of wanted) if (!reading.removed) learn(reading, described.get(reading.topic))
    } catch (error) {
      logger.debug({ reason: reasonOf(error) }, 'cannot refresh the metadata yet')
    }
    for (const reading of wanted) if (reading.leader < 0) postpone(reading)
    refreshing = false
    schedule()
  }

  function postpone(reading: Reading): void {
    reading.failures++
    reading.retryAtMs = Date.now() + backoffMs(reading.failures)
  }

  function learn(reading: Reading, topic: TopicMetadata | undefined): void {
    reading.leader = topic?.partitions[reading.partition]?.leader ?? -1
    if (topic !== undefined && topic.error === null && topic.id !== reading.topicId) misplace(reading)
    else if (topic?.error) trouble(reading, topic.error)
    else if (topic === undefined) trouble(reading, 'UNKNOWN_TOPIC_OR_PARTITION')
    else if (reading.leader < 0) trouble(reading, 'LEADER_NOT_AVAILABLE')
  }

  async function fetch(node: number, list: readonly Wanted[]): Promise<void> {
    busyNodes.add(node)
    for (const { reading } of list) reading.inFlight = true
    /** Partitions whose leader is to be asked for anew, not at once. */
    let stale: readonly Reading[] = []
    try {
      const answers = await ask(node, list)
      stale = take(answers, list)
    } catch (error) {
      stale = failed(node, list, error)
    }
    busyNodes.delete(node)
    for (const { reading } of list) reading.inFlight = false
    for (const reading of stale) {
      reading.leader = -1
      postpone(reading)
    }
    schedule()
  }

  /** The broker is down, or its answer cannot be read. @returns those to be asked for later, with their leader anew */
  function failed(node: number, list: readonly Wanted[], error: unknown): Reading[] {
    const reason = kafkaErrorName(error) ?? reasonOf(error)
    logger.debug({ node, reason }, 'a fetch failed')
    const all = list.map(({ reading }) => reading)
    if (!isUnreadable(error)) return all
    if (all.length > 1) {
      for (const reading of all) reading.alone = true
      return []
    }
    report(all[0]!, 'CORRUPT_MESSAGE', `${reason}; ${partitionErrorAdvice('CORRUPT_MESSAGE')}`)
    return all
  }

  async function ask(node: number, list: readonly Wanted[]): Promise<readonly Answered[]> {
    let names = new Map<string, string>()
    const response = await client
      .call<FetchResponse>(node, 'Fetch', (version) => {
        // Topics go by name up to version 12 and by id after that (KIP-516).
        const nameOnWire = ({ topic, topicId }: Reading): string => (version <= 12 ? topic : topicId)
        names = new Map(list.map(({ reading }) => [nameOnWire(reading), reading.topic]))
        const topics = [...Map.groupBy(list, ({ reading }) => nameOnWire(reading))].map(([topicId, wanted]) => ({
          topicId,
          partitions: wanted.map(({ reading, from }) => ({
            partition: reading.partition,
            currentLeaderEpoch: -1,
            fetchOffset: from,
            lastFetchedEpoch: -1,
            partitionMaxBytes: maxPartitionBytes,
          })),
        }))
        return [maxWaitMs, 1, maxBytes, readCommitted, noSession.id, noSession.epoch, topics, [], '']
      })
      .catch((error: unknown) => partialResponse<FetchResponse>(error))
    if (response.errorCode !== 0) throw new EventsError('FETCH_FAILED', errorName(response.errorCode))
    return response.responses.flatMap(({ topicId, partitions }) =>
      partitions.map((answer) => ({ ...answer, topic: names.get(topicId) })),
    )
  }

  /** @returns those that have to look for their leader anew */
  function take(answers: readonly Answered[], list: readonly Wanted[]): Reading[] {
    const stale: Reading[] = []
    const byName = new Map(list.map((wanted) => [nameOf(wanted.reading), wanted]))
    for (const answer of answers) {
      const wanted = answer.topic === undefined ? undefined : byName.get(`${answer.topic}-${answer.partitionIndex}`)
      if (wanted === undefined || wanted.reading.removed || closed) continue
      const { reading, from } = wanted
      if (answer.errorCode === 0) {
        problems.solved(nameOf(reading))
        reading.failures = 0
        reading.alone = false
        const batches = answer.records ?? []
        deliver(reading, from, batches, answer.abortedTransactions ?? [])
        // To the end of the line: a broker fills an answer in the order of the request, up to its limit.
        if (batches.length > 0 && readings.delete(nameOf(reading))) readings.set(nameOf(reading), reading)
        continue
      }
      const error = errorName(answer.errorCode)
      if (partitionErrorKind(error) === 'out of range') {
        misplace(reading)
        continue
      }
      trouble(reading, error)
      stale.push(reading)
    }
    return stale
  }

  function misplace(reading: Reading): void {
    const { topic, partition, topicId } = reading
    remove(reading)
    options.misplaced({ topic, partition }, topicId)
  }

  function trouble(reading: Reading, code: string): void {
    report(reading, code, partitionErrorAdvice(code))
  }

  function report(reading: Reading, code: string, advice: string): void {
    const kind = partitionErrorKind(code)
    problems.report(nameOf(reading), {
      code,
      topic: reading.topic,
      fatal: kind === 'fatal',
      routine: kind === 'stale metadata',
      message: `events of ${reading.topic} cannot be read: ${code}${advice === '' ? '' : `: ${advice}`}`,
    })
  }

  function deliver(
    reading: Reading,
    from: bigint,
    batches: readonly Batch[],
    aborted: readonly { producerId: bigint; firstOffset: bigint }[],
  ): void {
    const records: FetchedRecord[] = []
    const starts = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
    const abortedProducers = new Set<bigint>()
    let next = from
    for (const batch of batches) {
      const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
      // An aborted transaction reaches from its first offset to its control record (KIP-98).
      while (starts.length > 0 && starts[0]!.firstOffset < end) abortedProducers.add(starts.shift()!.producerId)
      if (batch.attributes & isControl) {
        abortedProducers.delete(batch.producerId)
      } else if (!(batch.attributes & isTransactional) || !abortedProducers.has(batch.producerId)) {
        for (const record of batch.records) {
          const offset = batch.firstOffset + BigInt(record.offsetDelta)
          // A broker answers with whole batches, which may begin before the position.
          if (offset < from) continue
          const timestamp =
            batch.attributes & isLogAppendTime ? batch.maxTimestamp : batch.firstTimestamp + record.timestampDelta
          records.push({
            offset,
            timestampMs: Number(timestamp),
            key: record.key ?? null,
            value: record.value ?? null,
            headers: record.headers.map(([name, value]) => [name.toString(), value ?? null] as const),
          })
        }
      }
      if (end > next) next = end
    }
    if (next > from) options.deliver(reading, records, next)
  }

  function remove(partition: TopicPartition): void {
    const reading = readings.get(nameOf(partition))
    if (reading === undefined) return
    reading.removed = true
    readings.delete(nameOf(partition))
    problems.solved(nameOf(partition))
  }

  return {
    add({ topic, partition }, topicId) {
      remove({ topic, partition })
      const reading: Reading = {
        topic,
        partition,
        topicId,
        leader: -1,
        inFlight: false,
        removed: false,
        failures: 0,
        retryAtMs: 0,
        alone: false,
      }
      readings.set(nameOf(reading), reading)
      schedule()
    },
    remove,
    wake: schedule,
    close() {
      closed = true
      if (timer !== null) clearTimeout(timer)
      for (const reading of [...readings.values()]) remove(reading)
    },
  }
}

/** The answer came, and this client cannot make sense of it: a batch that is damaged, or compressed in an unknown way. */
function isUnreadable(error: unknown): boolean {
  const code = (error as { code?: unknown } | null)?.code
  return (
    error instanceof Error &&
    !(typeof code === 'string' && connectionCodes.includes(code)) &&
    !(error instanceof EventsError)
  )
}

const connectionCodes = [
  'PLT_KFK_NETWORK',
  'PLT_KFK_TIMEOUT',
  'PLT_KFK_AUTHENTICATION',
  'PLT_KFK_MULTIPLE',
  'PLT_KFK_RESPONSE',
  'PLT_KFK_UNEXPECTED_CORRELATION_ID',
  'PLT_KFK_UNSUPPORTED_API',
]

const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`

interface ListOffsetsResponse {
  readonly topics: readonly { readonly partitions: readonly { readonly offset: bigint }[] }[]
}

/** The first or the next offset of a partition. */
export async function listOffset(
  client: KafkaClient,
  { topic, partition }: TopicPartition,
  leader: number,
  at: 'earliest' | 'latest',
): Promise<bigint> {
  const response = await client.call<ListOffsetsResponse>(leader, 'ListOffsets', () => [
    -1,
    readCommitted,
    [
      {
        name: topic,
        partitions: [{ partitionIndex: partition, currentLeaderEpoch: -1, timestamp: at === 'earliest' ? -2n : -1n }],
      },
    ],
  ])
  return response.topics[0]!.partitions[0]!.offset
}
