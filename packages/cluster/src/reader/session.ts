// One reading of some partitions: their states, what has come and was not given out yet, and the requests that are under way.
// It never waits for its caller: `pump` starts what may be started, and `wake` is called when something has come.
import { pause } from '../backoff.ts'
import { ClusterError } from '../errors.ts'
import type { Isolation, ReadNotice, ReadPolicy, ReadRange } from '../read-types.ts'
import type { Transport } from '../transport/transport.ts'
import { type FetchAnswer, fetchFrom } from './fetch.ts'
import type { Locator } from './locate.ts'
import {
  damaged,
  diverged,
  failed,
  located,
  needsLogEnds,
  type PartitionReading,
  received,
  refused,
  sent,
  startReading,
  throttled,
  unreachable,
} from './partition.ts'
import { batchesOf, type WholeBatch } from './records-of.ts'

/** Batches of a partition that have come, not decompressed and not decoded yet. */
export interface Chunk {
  readonly key: string
  readonly topic: string
  readonly partition: number
  /** As Kafka prints it. */
  readonly topicId: string
  readonly batches: readonly WholeBatch[]
  /** Records of aborted transactions between `from` and `next`. */
  readonly aborted: number
  readonly from: bigint
  readonly end: bigint | null
  /** Every record below it is in the batches, or came before. */
  readonly next: bigint
  readonly limit: bigint
  /** Of the last batch, counted or not; -1 when none ends at `next`. */
  readonly leaderEpoch: number
  readonly sizeBytes: number
}

export interface SessionOptions {
  /** For fetches alone: a fetch that waits for news would hold up what is behind it on its connection. */
  readonly transport: Transport
  readonly locator: Locator
  readonly policy: ReadPolicy
  readonly isolation: Isolation
  /** Gives the control batches that commit a transaction too. */
  readonly keepsCommits: boolean
  readonly maxWaitMs: number
  readonly maxBufferedBytes: number
  readonly partitionMaxBytes: number
  readonly maxDecompressedBytes: number
}

export interface Session {
  readonly options: SessionOptions
  /** By `keyOf`, those that a fetch asks for first in front. */
  readonly readings: Map<string, PartitionReading>
  readonly chunks: Chunk[]
  readonly notices: ReadNotice[]
  /** Bytes that each leader that is asked may answer with. */
  readonly fetching: Map<number, number>
  bufferedBytes: number
  locating: boolean
  /** Something has come since the caller last set this to false. */
  changed: boolean
  /** Ends the wait of the caller. */
  wake: () => void
}

const maxFetchBytes = 8 * 1024 * 1024
const minFetchBytes = 64 * 1024

export function keyOf(topic: string, partition: number): string {
  return `${partition}:${topic}`
}

export function createSession(ranges: readonly ReadRange[], options: SessionOptions): Session {
  const readings = new Map(ranges.map((range) => [keyOf(range.topic, range.partition), startReading(range)]))
  const idle = (): void => {}
  return {
    options,
    readings,
    chunks: [],
    notices: [],
    fetching: new Map(),
    bufferedBytes: 0,
    locating: false,
    changed: false,
    wake: idle,
  }
}

/**
 * Starts what may be started: a fetch from each leader that is not asked already, and one look-up.
 * @param isHeld partitions that are not to be asked for, because enough of them is there
 * @returns when to call it again, milliseconds of `performance.now()`; Infinity when only an answer brings something new
 */
export function pump(session: Session, isHeld: (key: string) => boolean): number {
  const now = performance.now()
  const perLeader = new Map<number, PartitionReading[]>()
  const lost: PartitionReading[] = []
  let againAtMs = Number.POSITIVE_INFINITY
  for (const [key, reading] of session.readings) {
    const { phase } = reading
    if (phase.kind === 'lost') {
      if (phase.retryAtMs <= now) lost.push(reading)
      else againAtMs = Math.min(againAtMs, phase.retryAtMs)
    } else if (phase.kind === 'ready' && (phase.askAtMs ?? 0) > now) {
      againAtMs = Math.min(againAtMs, phase.askAtMs!)
    } else if (phase.kind === 'ready' && !session.fetching.has(phase.leader) && !isHeld(key)) {
      const list = perLeader.get(phase.leader)
      if (list === undefined) perLeader.set(phase.leader, [reading])
      else list.push(reading)
    }
  }
  for (const [leader, list] of perLeader) {
    const reserved = [...session.fetching.values()].reduce((sum, bytes) => sum + bytes, 0)
    const free = session.options.maxBufferedBytes - session.bufferedBytes - reserved
    // Always one, so that there is progress whatever the sizes are.
    if (free < minFetchBytes && (reserved > 0 || session.bufferedBytes > 0)) break
    void fetchOnce(session, leader, list, Math.min(maxFetchBytes, Math.max(minFetchBytes, free)))
  }
  if (lost.length > 0 && !session.locating) void locate(session, lost)
  return againAtMs
}

/** Whether nothing is left that could bring records. */
export function isOver(session: Session): boolean {
  return session.chunks.length === 0 && [...session.readings.values()].every(({ phase }) => phase.kind === 'done')
}

export function failureOf(session: Session): ClusterError | null {
  for (const { phase } of session.readings.values()) if (phase.kind === 'failed') return phase.error
  return null
}

/** Ends the partitions that cannot be read on, with a notice for each; what came of them before is given out still. */
export function giveUpFailed(session: Session): void {
  for (const reading of session.readings.values()) {
    if (reading.phase.kind !== 'failed') continue
    const { topic, partition, next: at, phase } = reading
    const { code, message } = phase.error
    put(session, { ...reading, trouble: null, phase: { kind: 'done' } })
    session.notices.push({ kind: 'failed', topic, partition, at, code, message })
  }
}

async function fetchOnce(
  session: Session,
  leader: number,
  list: readonly PartitionReading[],
  maxBytes: number,
): Promise<void> {
  const { transport, isolation, maxWaitMs, partitionMaxBytes } = session.options
  session.fetching.set(leader, maxBytes)
  for (const reading of list) put(session, sent(reading, leader))
  try {
    const positions = list.map((reading) => ({ ...reading, topicId: reading.topicId! }))
    const limits = { isolation, maxWaitMs, maxBytes, partitionMaxBytes: Math.min(partitionMaxBytes, maxBytes) }
    take(session, leader, list, await fetchFrom(transport, leader, positions, limits))
  } catch (error) {
    const reason = asClusterError(error)
    for (const reading of list) {
      put(session, unreachable(reading, reason, session.options.policy, performance.now()))
    }
  }
  session.fetching.delete(leader)
  session.changed = true
  session.wake()
}

/** Puts an answer into the states of its partitions, and what came into the queue. */
function take(
  session: Session,
  leader: number,
  list: readonly PartitionReading[],
  answers: readonly FetchAnswer[],
): void {
  const byKey = new Map(answers.map((answer) => [keyOf(answer.topic, answer.partition), answer]))
  const isEmpty = answers.every(({ bytes }) => bytes.length === 0)
  for (const [index, reading] of list.entries()) {
    const key = keyOf(reading.topic, reading.partition)
    const answer = byKey.get(key)
    if (answer !== undefined && answer.throttledMs > 0) {
      put(session, throttled(reading, leader, performance.now() + answer.throttledMs))
      continue
    }
    if (answer === undefined || answer.error !== null) {
      const code = answer?.error ?? 'UNKNOWN_TOPIC_OR_PARTITION'
      put(session, refused(reading, code, session.options.policy, performance.now()))
      continue
    }
    if (answer.divergesAt !== null) {
      const step = diverged(reading, leader, answer.divergesAt, session.options.policy)
      put(session, step.reading)
      session.notices.push(...step.notices)
      continue
    }
    const { bytes, highWatermark, limit, abortedTransactions } = answer
    const { isolation, keepsCommits } = session.options
    const { next: from, end } = reading
    const fetched = batchesOf({ bytes, from, end, isolation, abortedTransactions, keepsCommits })
    const nothingThere = bytes.length === 0 && (isEmpty || index === 0)
    const now = received(reading, leader, {
      next: fetched.next,
      leaderEpoch: fetched.leaderEpoch,
      highWatermark,
      limit,
      nothingThere,
    })
    const { damage } = fetched
    const isDamaged = damage !== null && now.phase.kind !== 'done'
    put(session, isDamaged ? failed(now, damaged(now, now.next, damage.message)) : now)
    if (now.next > from) {
      const { batches, aborted } = fetched
      const leaderEpoch = now.next === fetched.next ? fetched.leaderEpoch : -1
      queue(session, { ...now, topicId: now.topicId!, key, from, limit, batches, aborted, leaderEpoch })
    }
    // To the end of the line: a broker fills an answer in the order of the request, up to its limit.
    if (fetched.next > from) moveBack(session, key)
  }
}

function queue(session: Session, chunk: Omit<Chunk, 'sizeBytes'>): void {
  const { key, topic, topicId, partition, batches, aborted, from, end, next, limit, leaderEpoch } = chunk
  const sizeBytes = batches.reduce((sum, { header }) => sum + header.sizeBytes, 0)
  session.bufferedBytes += sizeBytes
  session.chunks.push({
    key,
    topic,
    topicId,
    partition,
    batches,
    aborted,
    from,
    end,
    next,
    limit,
    leaderEpoch,
    sizeBytes,
  })
}

function moveBack(session: Session, key: string): void {
  const reading = session.readings.get(key)!
  session.readings.delete(key)
  session.readings.set(key, reading)
}

async function locate(session: Session, lost: readonly PartitionReading[]): Promise<void> {
  const { locator, policy } = session.options
  session.locating = true
  try {
    const found = await locator(lost, needsLogEnds)
    for (const reading of lost) {
      const at = found(reading)
      const now = performance.now()
      if (typeof at === 'string') {
        put(session, refused(reading, at, policy, now))
        continue
      }
      const step = located(reading, at, policy, now)
      // Discards records that were read before a restart and not given out yet.
      if (step.notices.some(({ kind }) => kind === 'restarted')) drop(session, keyOf(reading.topic, reading.partition))
      put(session, step.reading)
      session.notices.push(...step.notices)
    }
  } catch (error) {
    const reason = asClusterError(error)
    for (const reading of lost) put(session, unreachable(reading, reason, policy, performance.now()))
  }
  session.locating = false
  session.changed = true
  session.wake()
}

function drop(session: Session, key: string): void {
  const kept = session.chunks.filter((chunk) => chunk.key !== key)
  session.bufferedBytes = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0)
  session.chunks.splice(0, session.chunks.length, ...kept)
}

/** Stores the next state of a partition. Reports a problem that no other partition has yet, and the end of the last problem. */
function put(session: Session, reading: PartitionReading): void {
  const key = keyOf(reading.topic, reading.partition)
  const before = session.readings.get(key)?.trouble ?? null
  const { trouble, topic, partition } = reading
  const isNew = trouble !== null && trouble.code !== before?.code && !hasTrouble(session, trouble.code)
  session.readings.set(key, reading)
  if (isNew) session.notices.push({ kind: 'trouble', topic, partition, ...trouble })
  if (before !== null && trouble === null && !hasTrouble(session)) session.notices.push({ kind: 'recovered' })
}

function hasTrouble({ readings }: Session, code?: string): boolean {
  for (const { trouble } of readings.values()) {
    if (trouble !== null && (code === undefined || trouble.code === code)) return true
  }
  return false
}

/** An error that is not a broker's answer is a bug, and ends the reading with that error. */
function asClusterError(error: unknown): ClusterError {
  return error instanceof ClusterError
    ? error
    : new ClusterError('UNEXPECTED', `reading failed: ${String(error)}`, { cause: error })
}

/** Resolves when something has come, since `changed` was last set to false, at a time, or when the reading is aborted. */
export async function waitFor(session: Session, untilMs: number, signal: AbortSignal | undefined): Promise<void> {
  const woken = new AbortController()
  const abort = (): void => woken.abort()
  session.wake = abort
  signal?.addEventListener('abort', abort, { once: true })
  if (session.changed || signal?.aborted) abort()
  // The longest time that a timer takes.
  await pause(Math.max(0, Math.min(untilMs - performance.now(), 2 ** 31 - 1)), woken.signal)
  signal?.removeEventListener('abort', abort)
  session.wake = () => {}
}
