// Reads the assigned partitions: one fetch under way to each broker, only for partitions that have room for more.
import { EventsError } from '../errors.ts'
import type { Logger } from '../types.ts'
import { type KafkaClient, kafkaErrorName, partialResponse, reasonOf } from './client.ts'
import type { TopicPartition } from './group.ts'
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
  hasRoom(partition: TopicPartition): boolean
  /** Records in the order of their offsets; `next` is the offset to go on from. */
  deliver(partition: TopicPartition, records: readonly FetchedRecord[], next: bigint): void
}

export interface Fetcher {
  add(partition: TopicPartition, offset: bigint): void
  remove(partition: TopicPartition): void
  /** Looks again which partitions have room. */
  wake(): void
  close(): void
}

interface Position extends TopicPartition {
  next: bigint
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

interface FetchResponse {
  readonly errorCode: number
  readonly responses: readonly {
    readonly topicId: string
    readonly partitions: readonly {
      readonly partitionIndex: number
      readonly errorCode: number
      readonly highWatermark: bigint
      readonly logStartOffset: bigint
      readonly abortedTransactions: readonly { readonly producerId: bigint; readonly firstOffset: bigint }[] | null
      readonly records: readonly Batch[] | null
    }[]
  }[]
}

const maxWaitMs = 500
const maxBytes = 8 * 1024 * 1024
const maxPartitionBytes = 1024 * 1024
const readCommitted = 1
const noSession = { id: 0, epoch: -1 }
const offsetOutOfRange = 1
const isControl = 1 << 5
const isTransactional = 1 << 4
const isLogAppendTime = 1 << 3

export function createFetcher(options: FetcherOptions): Fetcher {
  const { client, logger } = options
  const positions = new Map<string, Position>()
  const busyNodes = new Set<number>()
  let topicIds = new Map<string, string>()
  let scheduled = false
  let failures = 0
  let refreshing = false
  let retryTimer: NodeJS.Timeout | null = null
  let closed = false

  function schedule(): void {
    if (scheduled || closed || positions.size === 0) return
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
    const perNode = new Map<number, Position[]>()
    let leaderless = false
    for (const position of positions.values()) {
      if (position.leader < 0) {
        leaderless = true
      } else if (!position.inFlight && !busyNodes.has(position.leader) && options.hasRoom(position)) {
        const list = perNode.get(position.leader)
        if (list === undefined) perNode.set(position.leader, [position])
        else list.push(position)
      }
    }
    for (const [node, list] of perNode) void fetch(node, list)
    if (leaderless) void refresh()
  }

  async function refresh(): Promise<void> {
    if (refreshing) return
    refreshing = true
    try {
      const described = await client.describe([...new Set([...positions.values()].map(({ topic }) => topic))])
      topicIds = new Map([...described].map(([name, { id }]) => [name, id]))
      for (const position of positions.values()) {
        position.leader = described.get(position.topic)?.partitions[position.partition]?.leader ?? -1
      }
    } catch (error) {
      logger.debug({ reason: reasonOf(error) }, 'cannot refresh the metadata yet')
    }
    refreshing = false
    if ([...positions.values()].some(({ leader }) => leader < 0)) {
      failures++
      later()
    } else {
      failures = 0
      schedule()
    }
  }

  async function fetch(node: number, list: readonly Position[]): Promise<void> {
    busyNodes.add(node)
    for (const position of list) position.inFlight = true
    let failure: unknown = null
    try {
      let byId = new Map<string, string>()
      const response = await client
        .call<FetchResponse>(node, 'Fetch', (version) => {
          // Topics go by name up to version 12 and by id after that (KIP-516).
          const nameOnWire = (topic: string): string => (version <= 12 ? topic : (topicIds.get(topic) ?? topic))
          const topics = [...Map.groupBy(list, ({ topic }) => topic)].map(([topic, partitions]) => ({
            topicId: nameOnWire(topic),
            partitions: partitions.map(({ partition, next }) => ({
              partition,
              currentLeaderEpoch: -1,
              fetchOffset: next,
              lastFetchedEpoch: -1,
              partitionMaxBytes: maxPartitionBytes,
            })),
          }))
          byId = new Map(list.map(({ topic }) => [nameOnWire(topic), topic]))
          return [maxWaitMs, 1, maxBytes, readCommitted, noSession.id, noSession.epoch, topics, [], '']
        })
        .catch((error: unknown) => partialResponse<FetchResponse>(error))
      if (response.errorCode !== 0) throw new EventsError('FETCH_FAILED', `error ${response.errorCode}`)
      for (const { topicId, partitions } of response.responses) {
        const topic = byId.get(topicId)
        for (const one of partitions) {
          const position = list.find(({ topic: name, partition }) => name === topic && partition === one.partitionIndex)
          if (position === undefined || position.removed || closed) continue
          if (one.errorCode === offsetOutOfRange) await outOfRange(position)
          else if (one.errorCode !== 0) failure = new EventsError('FETCH_FAILED', `error ${one.errorCode}`)
          else deliver(position, one.records ?? [], one.abortedTransactions ?? [])
        }
      }
    } catch (error) {
      failure = error
    }

    busyNodes.delete(node)
    for (const position of list) position.inFlight = false
    if (closed) return
    if (failure === null) {
      failures = 0
      schedule()
      return
    }
    // A leader that moved, a broker that is down: learn the leaders anew, not at once.
    failures++
    logger.debug({ node, reason: kafkaErrorName(failure) ?? reasonOf(failure) }, 'a fetch failed')
    for (const position of list) position.leader = -1
    later()
  }

  /**
   * The log no longer holds the position. Below it, retention was faster than this group: go on with what is left. Above
   * it, the log was cut (an unclean leader election): go on at its end, since starting over would repeat all of it.
   */
  async function outOfRange(position: Position): Promise<void> {
    const [earliest, latest] = await Promise.all([
      listOffset(client, position, position.leader, 'earliest'),
      listOffset(client, position, position.leader, 'latest'),
    ])
    const to = position.next < earliest ? earliest : latest
    logger.warn(
      { topic: position.topic, partition: position.partition, from: String(position.next), to: String(to) },
      position.next < earliest
        ? 'events were deleted by retention before this group read them: going on with the oldest that are left'
        : 'the log ends before the position of this group: going on at its end',
    )
    position.next = to
    options.deliver(position, [], to)
  }

  function deliver(
    position: Position,
    batches: readonly Batch[],
    aborted: readonly { producerId: bigint; firstOffset: bigint }[],
  ): void {
    const records: FetchedRecord[] = []
    const starts = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
    const abortedProducers = new Set<bigint>()
    let next = position.next
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
          if (offset < position.next) continue
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
    if (next === position.next) return
    position.next = next
    options.deliver(position, records, next)
  }

  const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

  return {
    add(partition, offset) {
      positions.set(nameOf(partition), { ...partition, next: offset, leader: -1, inFlight: false, removed: false })
      schedule()
    },
    remove(partition) {
      const position = positions.get(nameOf(partition))
      if (position === undefined) return
      position.removed = true
      positions.delete(nameOf(partition))
    },
    wake: schedule,
    close() {
      closed = true
      if (retryTimer !== null) clearTimeout(retryTimer)
      positions.clear()
    },
  }
}

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
