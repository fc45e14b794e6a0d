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
  let failures = 0
  let refreshing = false
  let retryTimer: NodeJS.Timeout | null = null
  let closed = false

  function schedule(): void {
    if (scheduled || closed || readings.size === 0) return
    scheduled = true
    setImmediate(() => {
      scheduled = false
      tick()
    })
  }

  function later(): void {
    if (retryTimer !== null || closed) return
    retryTimer = setTimeout(() => {
      retryTimer = null
      tick()
    }, backoffMs(failures))
  }

  function tick(): void {
    if (closed || refreshing || retryTimer !== null) return
    const perNode = new Map<number, Wanted[]>()
    let leaderless = false
    for (const reading of readings.values()) {
      if (reading.leader < 0) {
        leaderless = true
      } else if (!reading.inFlight && !busyNodes.has(reading.leader)) {
        const from = options.position(reading)
        if (from === null) continue
        const list = perNode.get(reading.leader)
        if (list === undefined) perNode.set(reading.leader, [{ reading, from }])
        else list.push({ reading, from })
      }
    }
    for (const [node, list] of perNode) void fetch(node, list)
    if (leaderless) void refresh()
  }

  async function refresh(): Promise<void> {
    if (refreshing) return
    refreshing = true
    try {
      const described = await client.describe([...new Set([...readings.values()].map(({ topic }) => topic))])
      for (const reading of readings.values()) learn(reading, described.get(reading.topic))
    } catch (error) {
      logger.debug({ reason: reasonOf(error) }, 'cannot refresh the metadata yet')
    }
    refreshing = false
    if ([...readings.values()].some(({ leader }) => leader < 0)) {
      failures++
      later()
    } else {
      failures = 0
      schedule()
    }
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
    /** Partitions whose leader is not known any more. */
    let stale: readonly Reading[] = []
    try {
      const response = await ask(node, list)
      stale = take(response, list)
    } catch (error) {
      // The broker is down, or refuses the request as a whole.
      logger.debug({ node, reason: kafkaErrorName(error) ?? reasonOf(error) }, 'a fetch failed')
      stale = list.map(({ reading }) => reading)
    }

    busyNodes.delete(node)
    for (const { reading } of list) reading.inFlight = false
    if (closed) return
    if (stale.length === 0) {
      failures = 0
      schedule()
      return
    }
    // A leader that moved, a broker that is down: learn the leaders anew, not at once. The other partitions are read on.
    failures++
    for (const reading of stale) reading.leader = -1
    later()
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
    const kind = partitionErrorKind(code)
    const advice = partitionErrorAdvice(code)
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
      const reading = { topic, partition, topicId, leader: -1, inFlight: false, removed: false }
      readings.set(nameOf(reading), reading)
      schedule()
    },
    remove,
    wake: schedule,
    close() {
      closed = true
      if (retryTimer !== null) clearTimeout(retryTimer)
      for (const reading of [...readings.values()]) remove(reading)
    },
  }
}

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
