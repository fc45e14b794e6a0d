// Reads partitions without joining a group: nothing is committed, and no group is left behind on the cluster.
import { defaultMaxOutputBytes } from '@selfmonitor/protocol/compression'
import { ProtocolError } from '@selfmonitor/protocol/protocol-error'
import {
  finitePolicy,
  followingPolicy,
  type ReadBatchesEvent,
  type ReadBatchesOptions,
  type ReadEvent,
  type ReadOptions,
  type ReadRange,
  type ReadRecord,
} from '../read-types.ts'
import type { Transport } from '../transport/transport.ts'
import type { Cluster } from '../types.ts'
import { takeInOrder, type Waiting, waiting } from './in-order.ts'
import { createLocator } from './locate.ts'
import { damaged, mayHaveMore } from './partition.ts'
import { payloadOf, recordsOf, type WholeBatch } from './records-of.ts'
import {
  type Chunk,
  createSession,
  failureOf,
  giveUpFailed,
  isOver,
  keyOf,
  pump,
  type Session,
  waitFor,
} from './session.ts'

export interface ReaderConnections {
  /** Of the cluster, for metadata. */
  readonly transport: Transport
  readonly listOffsets: Cluster['listOffsets']
  /** Connections of its own for fetches; closed at the end. */
  openFetches(): Transport
}

type Slice = Extract<ReadEvent, { kind: 'records' }>

/** Decoded records are given out in parts of about this size. */
const sliceBytes = 1024 * 1024
const defaultBufferedBytes = 32 * 1024 * 1024
const maxPartitionBytes = 1024 * 1024
const minPartitionBytes = 64 * 1024

/** As `Cluster.read`. */
export async function* readPartitions(
  connections: ReaderConnections,
  ranges: readonly ReadRange[],
  options: ReadOptions,
): AsyncGenerator<ReadEvent, void, undefined> {
  const { session, close } = openSession(connections, ranges, options)
  try {
    yield* options.order === 'time'
      ? byTime(session, options.signal)
      : byArrival(session, options.signal, (chunk) => slices(chunk, session.options.maxDecompressedBytes))
  } finally {
    await close()
  }
}

/** As `Cluster.readBatches`. */
export async function* readPartitionBatches(
  connections: ReaderConnections,
  ranges: readonly ReadRange[],
  options: ReadBatchesOptions,
): AsyncGenerator<ReadBatchesEvent, void, undefined> {
  const { session, close } = openSession(connections, ranges, options)
  try {
    yield* byArrival(session, options.signal, asBatches, options.keepsGoing)
  } finally {
    await close()
  }
}

function openSession(
  connections: ReaderConnections,
  ranges: readonly ReadRange[],
  options: ReadOptions & ReadBatchesOptions,
): { session: Session; close(): Promise<void> } {
  const { isolation = 'read_uncommitted', maxWaitMs = 500, maxBufferedBytes = defaultBufferedBytes } = options
  const fallback = ranges.some(({ end }) => end === null) ? followingPolicy : finitePolicy
  const share = options.order === 'time' ? Math.floor(maxBufferedBytes / Math.max(1, ranges.length)) : maxPartitionBytes
  const transport = connections.openFetches()
  const session = createSession(ranges, {
    transport,
    locator: createLocator(connections.transport, connections.listOffsets, isolation),
    policy: { ...fallback, ...options.policy },
    isolation,
    keepsCommits: options.keepsCommits ?? false,
    maxWaitMs,
    maxBufferedBytes,
    maxDecompressedBytes: options.maxDecompressedBytes ?? defaultMaxOutputBytes,
    partitionMaxBytes: Math.min(maxPartitionBytes, Math.max(minPartitionBytes, share)),
  })
  // This ends the fetches that wait for news.
  return { session, close: () => transport.close() }
}

type NoticeEvent = Extract<ReadEvent, { kind: 'notice' }>

async function* byArrival<Event>(
  session: Session,
  signal: AbortSignal | undefined,
  eventsOf: (chunk: Chunk) => AsyncIterable<Event> | Iterable<Event>,
  keepsGoing = false,
): AsyncGenerator<Event | NoticeEvent> {
  while (!signal?.aborted) {
    session.changed = false
    if (keepsGoing) giveUpFailed(session)
    const againAtMs = pump(session, () => false)
    yield* notices(session)
    const chunk = session.chunks.shift()
    if (chunk !== undefined) {
      session.bufferedBytes -= chunk.sizeBytes
      yield* eventsOf(chunk)
      continue
    }
    const failure = failureOf(session)
    if (failure !== null) throw failure
    if (isOver(session)) return
    await waitFor(session, againAtMs, signal)
  }
}

/** A partition's part of the merge: decoded records that wait, and what is not decoded yet. */
interface Source {
  readonly rest: AsyncGenerator<Slice>
  /** Nothing is left in `rest`. */
  isEmpty: boolean
  /** The order of its last record so far. */
  latest: number
}

async function* byTime(session: Session, signal: AbortSignal | undefined): AsyncGenerator<ReadEvent> {
  const sources = new Map<string, Source>()
  let held: ReadonlyMap<string, Waiting> = new Map()
  while (!signal?.aborted) {
    session.changed = false
    const next = new Map(held)
    for (const notice of session.notices) {
      // Discards the waiting records of the deleted topic.
      if (notice.kind !== 'restarted') continue
      next.delete(keyOf(notice.topic, notice.partition))
      sources.delete(keyOf(notice.topic, notice.partition))
    }
    yield* notices(session)
    openSources(session, sources)
    const moved = await fill(session, sources, next)
    held = next
    const queued = new Set(session.chunks.map(({ key }) => key))
    const againAtMs = pump(session, (key) => next.has(key) || sources.get(key)?.isEmpty === false || queued.has(key))
    if (moved.length > 0) yield { kind: 'records', records: [], positions: moved }
    const isComplete = [...session.readings].every(
      ([key, reading]) => held.has(key) || reading.trouble !== null || !mayHaveMore(reading),
    )
    const failure = failureOf(session)
    if (held.size > 0 && (isComplete || failure !== null)) {
      const { records, positions, left } = takeInOrder(held)
      held = left
      yield { kind: 'records', records, positions }
      continue
    }
    if (failure !== null) throw failure
    if (held.size === 0 && isOver(session)) return
    await waitFor(session, againAtMs, signal)
  }
}

/** Begins to decode what has come of partitions that have nothing left. */
function openSources(session: Session, sources: Map<string, Source>): void {
  for (const chunk of session.chunks.filter(({ key }) => sources.get(key)?.isEmpty !== false)) {
    session.chunks.splice(session.chunks.indexOf(chunk), 1)
    session.bufferedBytes -= chunk.sizeBytes
    const latest = sources.get(chunk.key)?.latest ?? Number.NEGATIVE_INFINITY
    sources.set(chunk.key, { rest: slices(chunk, session.options.maxDecompressedBytes), isEmpty: false, latest })
  }
}

/** Gives each partition that has none decoded records to wait with. @returns positions of those that moved without records */
async function fill(
  session: Session,
  sources: ReadonlyMap<string, Source>,
  held: Map<string, Waiting>,
): Promise<Slice['positions'][number][]> {
  const moved: Slice['positions'][number][] = []
  for (const [key, source] of sources) {
    while (!source.isEmpty && !held.has(key)) {
      const { value: slice, done } = await source.rest.next()
      if (done) {
        source.isEmpty = true
        break
      }
      if (slice.records.length === 0) {
        moved.push(...slice.positions)
        continue
      }
      const position = slice.positions[0]!
      const reading = session.readings.get(key)!
      const hasMore = position.next < reading.next || mayHaveMore(reading)
      const now = waiting(slice.records, position, source.latest, hasMore)
      source.latest = now.order.at(-1)!
      held.set(key, now)
    }
  }
  return moved
}

function asBatches(chunk: Chunk): [ReadBatchesEvent] {
  const { topic, topicId, partition, batches, aborted, from, next, limit, leaderEpoch } = chunk
  return [{ kind: 'batches', topic, topicId, partition, batches, aborted, from, next, limit, leaderEpoch }]
}

function* notices(session: Session): Generator<NoticeEvent> {
  for (const notice of session.notices.splice(0)) yield { kind: 'notice', notice }
}

/** Decodes a chunk, about a megabyte at a time. */
async function* slices(chunk: Chunk, maxBytes: number): AsyncGenerator<Slice> {
  const { topic, partition, batches, next, limit } = chunk
  let records: ReadRecord[] = []
  let bytes = 0
  let ahead = batches.length === 0 ? nothing : decompressed(batches[0]!, maxBytes)
  for (const [index, { header }] of batches.entries()) {
    const payload = ahead
    // The next batch is decompressed, on another thread, while this one is decoded and the caller works with it.
    if (index + 1 < batches.length) ahead = decompressed(batches[index + 1]!, maxBytes)
    try {
      const plain = payload instanceof Promise ? await payload : payload
      const found = recordsOf(header, plain, chunk)
      records = records.length === 0 ? found : records.concat(found)
      bytes += plain.length
    } catch (error) {
      if (error instanceof ProtocolError) throw damaged(chunk, header.baseOffset, error.message)
      throw error
    }
    if (bytes < sliceBytes || index === batches.length - 1) continue
    const after = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n
    yield { kind: 'records', records, positions: [{ topic, partition, next: after, limit }] }
    records = []
    bytes = 0
  }
  yield { kind: 'records', records, positions: [{ topic, partition, next, limit }] }
}

const nothing = Buffer.alloc(0)

/** As `payloadOf`, but that its error is only thrown where the result is awaited. */
function decompressed(batch: WholeBatch, maxBytes: number): Buffer | Promise<Buffer> {
  try {
    const payload = payloadOf(batch, maxBytes)
    if (payload instanceof Promise) payload.catch(() => {})
    return payload
  } catch (error) {
    const rejected = Promise.reject<Buffer>(error)
    rejected.catch(() => {})
    return rejected
  }
}
