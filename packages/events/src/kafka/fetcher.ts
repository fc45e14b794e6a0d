// Reads the assigned partitions: one fetch under way to each broker, only for partitions that have room for more. It keeps no
// position: it asks for one before every fetch, and says when the log does not hold it.
//
// schedule ─▶ tick ─▶ planFetches ─▶ fetch ─▶ fetchRecords (the request) ─▶ take ─▶ committedRecords ─▶ options.deliver
//               └────▶ refresh (leaders)                                     └────▶ options.misplaced, problems
import type { Problems } from '../problems.ts'
import type { Logger } from '../types.ts'
import { type KafkaClient, kafkaErrorName, reasonOf, type ServerAddress, type TopicMetadata } from './client.ts'
import { fetchRecords, type PartitionAnswer } from './fetch-request.ts'
import { committedRecords, type RecordRun } from './fetched-records.ts'
import { partitionErrorAdvice, partitionErrorKind } from './partition-errors.ts'
import {
  isRemoved,
  markAsked,
  markIdle,
  markRead,
  markRemoved,
  newReading,
  planFetches,
  postpone,
  type Reading,
  type Wanted,
} from './reading.ts'
import { nameOf, type Position, type TopicPartition } from './topic-partition.ts'

export interface FetcherOptions {
  readonly client: KafkaClient
  readonly logger: Logger
  readonly problems: Problems
  /** Where to continue; null while there is no room for more. Asked before every fetch: its owner is the caller. */
  position(partition: TopicPartition): Position | null
  /** Records in the order of their offsets, written by one leader. */
  deliver(partition: TopicPartition, run: RecordRun): void
  /**
   * The log does not hold the position, or the topic is another one than the partition was added with. The partition is
   * read no further until it is added again.
   * @param topicId the topic that it was added with
   * @param diverging where the log diverges from what was read, when the broker says so (KIP-320), else null
   */
  misplaced(partition: TopicPartition, topicId: string, diverging: Position | null): void
  /** Told of every fetch that brought records of a topic or failed; for metrics and spans. */
  readonly onFetched?: (fetched: Fetched) => void
}

/** One fetch, and what it brought of one topic. */
export interface Fetched {
  readonly topic: string
  readonly server: ServerAddress | null
  /** When it was sent and how long it took, in milliseconds (since the epoch). */
  readonly startedAtMs: number
  readonly durationMs: number
  /** The records that it brought, by partition. */
  readonly read: readonly { readonly partition: number; readonly runs: readonly RecordRun[] }[]
  /** Why it failed; undefined when it did not. */
  readonly error?: unknown
}

export interface Fetcher {
  /** Reads a partition. @param topicId the topic that its position belongs to */
  add(partition: TopicPartition, topicId: string): void
  remove(partition: TopicPartition): void
  /** Looks again which partitions have room. */
  wake(): void
  close(): void
}

interface FetcherState {
  readonly options: FetcherOptions
  /** In the order in which they are asked for. */
  readonly readings: Map<string, Reading>
  /** Nodes that have not answered the latest fetch yet. */
  readonly busyNodes: Set<number>
  /** A tick will come in this turn of the event loop. */
  scheduled: boolean
  /** Leaders are being looked up. */
  refreshing: boolean
  timer: NodeJS.Timeout | null
  closed: boolean
}

/** After so many lookups, a second and a half, a topic that no broker knows is reported. */
const lookUpsOfMissing = 5

export function createFetcher(options: FetcherOptions): Fetcher {
  const state: FetcherState = {
    options,
    readings: new Map(),
    busyNodes: new Set(),
    scheduled: false,
    refreshing: false,
    timer: null,
    closed: false,
  }
  return {
    add: (partition, topicId) => add(state, partition, topicId),
    remove: (partition) => remove(state, partition),
    wake: () => schedule(state),
    close: () => close(state),
  }
}

function add(state: FetcherState, partition: TopicPartition, topicId: string): void {
  remove(state, partition)
  state.readings.set(nameOf(partition), newReading(partition, topicId))
  schedule(state)
}

function remove({ readings, options }: FetcherState, partition: TopicPartition): void {
  const reading = readings.get(nameOf(partition))
  if (reading === undefined) return
  markRemoved(reading)
  readings.delete(nameOf(partition))
  options.problems.solved(nameOf(partition))
}

function close(state: FetcherState): void {
  state.closed = true
  if (state.timer !== null) clearTimeout(state.timer)
  for (const reading of [...state.readings.values()]) remove(state, reading)
}

function schedule(state: FetcherState): void {
  if (state.scheduled || state.closed || state.readings.size === 0) return
  state.scheduled = true
  setImmediate(() => {
    state.scheduled = false
    tick(state)
  })
}

function tick(state: FetcherState): void {
  if (state.closed) return
  const { options, readings, busyNodes } = state
  const nowMs = Date.now()
  const plan = planFetches(readings.values(), nowMs, busyNodes, options.position)
  for (const [node, wanted] of plan.fetches) void fetch(state, node, wanted)
  if (plan.leaderless.length > 0) void refresh(state, plan.leaderless)
  if (state.timer !== null) clearTimeout(state.timer)
  state.timer = plan.wakeAtMs === null ? null : setTimeout(() => tick(state), Math.max(1, plan.wakeAtMs - nowMs))
}

async function fetch(state: FetcherState, node: number, wanted: readonly Wanted[]): Promise<void> {
  const { client } = state.options
  state.busyNodes.add(node)
  for (const { reading } of wanted) markAsked(reading)
  const began = { startedAtMs: Date.now(), monotonicMs: performance.now() }
  /** Partitions whose leader must be looked up again, after a wait. */
  let stale: readonly Reading[]
  try {
    const answers = await fetchRecords(client, node, wanted)
    const read: Read[] = []
    stale = await take(state, answers, read)
    if (read.length > 0) reportFetched(state, node, began, read)
  } catch (error) {
    state.options.logger.debug({ node, reason: kafkaErrorName(error) ?? reasonOf(error) }, 'a fetch failed')
    stale = wanted.map(({ reading }) => reading)
    if (!state.closed) reportFailed(state, node, began, stale, error)
  }
  state.busyNodes.delete(node)
  for (const { reading } of wanted) markIdle(reading)
  for (const reading of stale) postpone(reading, Date.now())
  schedule(state)
}

/** The part of a fetch for one partition. */
interface Read {
  readonly reading: Reading
  readonly runs: readonly RecordRun[]
}

interface Began {
  readonly startedAtMs: number
  readonly monotonicMs: number
}

function reportFetched({ options }: FetcherState, node: number, began: Began, read: readonly Read[]): void {
  const { onFetched, client } = options
  if (onFetched === undefined) return
  const durationMs = performance.now() - began.monotonicMs
  for (const [topic, parts] of Map.groupBy(read, ({ reading }) => reading.topic)) {
    onFetched({
      topic,
      server: client.server(node),
      startedAtMs: began.startedAtMs,
      durationMs,
      read: parts.map(({ reading, runs }) => ({ partition: reading.partition, runs })),
    })
  }
}

function reportFailed(
  { options }: FetcherState,
  node: number,
  { startedAtMs, monotonicMs }: Began,
  wanted: readonly Reading[],
  error: unknown,
): void {
  const durationMs = performance.now() - monotonicMs
  const failed = { server: options.client.server(node), startedAtMs, durationMs, read: [], error }
  for (const topic of new Set(wanted.map((reading) => reading.topic))) options.onFetched?.({ topic, ...failed })
}

/** @param read collects the delivered records. @returns the partitions whose leader must be looked up */
async function take(state: FetcherState, answers: readonly PartitionAnswer[], read: Read[]): Promise<Reading[]> {
  const stale: Reading[] = []
  for (const answer of answers) {
    const { error, diverging } = answer
    const { reading } = answer.wanted
    if (isRemoved(reading) || state.closed) continue
    if (error === null && diverging !== null) {
      misplace(state, reading, diverging)
    } else if (error === null) {
      if (!(await deliver(state, answer, read))) stale.push(reading)
    } else if (partitionErrorKind(error) === 'out of range') {
      misplace(state, reading, null)
    } else {
      reportError(state, reading, error)
      stale.push(reading)
    }
  }
  return stale
}

/** @returns false when the position is at a batch that cannot be read: damaged, or compressed in an unknown way */
async function deliver(
  state: FetcherState,
  { wanted, bytes, abortedTransactions }: PartitionAnswer,
  read: Read[],
): Promise<boolean> {
  const { reading, from } = wanted
  const { topic, partition } = reading
  const { runs, damage } = await committedRecords({ topic, partition, from: from.offset, bytes, abortedTransactions })
  // It may have been taken away while a batch was decompressed.
  if (isRemoved(reading) || state.closed) return true
  for (const run of runs) state.options.deliver(reading, run)
  if (runs.some(({ records }) => records.length > 0)) read.push({ reading, runs })
  if (damage !== null && runs.length === 0) {
    report(state, reading, 'CORRUPT_MESSAGE', `${damage}; ${partitionErrorAdvice('CORRUPT_MESSAGE')}`)
    return false
  }
  markRead(reading)
  state.options.problems.solved(nameOf(reading))
  if (runs.length > 0) moveToEnd(state.readings, reading)
  return true
}

/** To the end of the line: a broker fills an answer in the order of the request, up to its limit. */
function moveToEnd(readings: Map<string, Reading>, reading: Reading): void {
  const name = nameOf(reading)
  if (readings.get(name) !== reading) return
  readings.delete(name)
  readings.set(name, reading)
}

/** Looks up the leaders of partitions. */
async function refresh(state: FetcherState, leaderless: readonly Reading[]): Promise<void> {
  if (state.refreshing) return
  state.refreshing = true
  const { client, logger } = state.options
  try {
    const described = await client.metadata([...new Set(leaderless.map(({ topic }) => topic))])
    for (const reading of leaderless) if (!isRemoved(reading)) learn(state, reading, described.get(reading.topic))
  } catch (error) {
    logger.debug({ reason: reasonOf(error) }, 'cannot refresh the metadata yet')
  }
  for (const reading of leaderless) if (reading.leader < 0) postpone(reading, Date.now())
  state.refreshing = false
  schedule(state)
}

function learn(state: FetcherState, reading: Reading, topic: TopicMetadata | undefined): void {
  const partition = topic?.partitions[reading.partition]
  reading.leader = partition?.leader ?? -1
  reading.leaderEpoch = partition?.leaderEpoch ?? -1
  if (topic !== undefined && topic.error === null && topic.id !== reading.topicId) misplace(state, reading, null)
  else if (topic?.error) reportError(state, reading, topic.error)
  else if (topic === undefined) reportError(state, reading, 'UNKNOWN_TOPIC_OR_PARTITION')
  else if (reading.leader < 0) reportError(state, reading, 'LEADER_NOT_AVAILABLE')
}

function misplace(state: FetcherState, reading: Reading, diverging: Position | null): void {
  const { topic, partition, topicId } = reading
  remove(state, reading)
  state.options.misplaced({ topic, partition }, topicId, diverging)
}

function reportError(state: FetcherState, reading: Reading, code: string): void {
  report(state, reading, code, partitionErrorAdvice(code))
}

function report({ options }: FetcherState, reading: Reading, code: string, advice: string): void {
  const kind = partitionErrorKind(code)
  options.problems.report(nameOf(reading), {
    code,
    topic: reading.topic,
    fatal: kind === 'fatal',
    routine: kind === 'stale metadata' && !isGone(reading, code),
    message: `events of ${reading.topic} cannot be read: ${code}${advice === '' ? '' : `: ${advice}`}`,
  })
}

/** A broker that has just started may not know a topic yet; one that is missing time after time was deleted. */
const isGone = ({ failures }: Reading, code: string): boolean =>
  code === 'UNKNOWN_TOPIC_OR_PARTITION' && failures >= lookUpsOfMissing
