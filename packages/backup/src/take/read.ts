// Reads what the last backup does not have of each partition, and writes it as segments.
import type { Cluster, ReadBatchesEvent, ReadNotice } from '@selfmonitor/cluster'
import type { Background } from '../background.ts'
import { segmentKey } from '../format/keys.ts'
import { withLock } from '../format/locking.ts'
import type { BackupStore } from '../format/sealing.ts'
import { addBatch, collect, memoryOf, writeSegment } from '../format/segments.ts'
import { moveWindow, noteBatch, type SeenTransactions, type TransactionWindow } from '../format/transactions.ts'
import { trimBatch } from '../format/trim.ts'
import type { TakeOptions } from './options.ts'
import { logCut, problemOf, type Reading, stoppedAt } from './reading.ts'

type BatchesEvent = Extract<ReadBatchesEvent, { kind: 'batches' }>

export const defaultSegmentBytes = 32 * 1024 * 1024
/** Partitions that are read at a time: each collects one segment in memory. */
const partitionsAtOnce = 6

export interface ReadContext
  extends Pick<TakeOptions, 'lockOf' | 'maxReadMs' | 'onProgress' | 'segmentBytes' | 'signal'> {
  readonly unavailableMs: number
  readonly clusterId: string
  readonly run: string
  /** Of transactions that are looked for behind the ends. */
  readonly window: TransactionWindow
  /** Segments that are being written while the reading goes on. */
  readonly writes: Background
}

/**
 * Reads until the end, the signal, or the end of the time: partitions that are not at their end then have this as their problem, and
 * keep what was read of them.
 */
export async function readAll(
  cluster: Cluster,
  store: BackupStore,
  readings: readonly Reading[],
  seen: SeenTransactions,
  context: ReadContext,
): Promise<void> {
  const wanted = readings
    .filter(({ from, end }) => from < end)
    .sort((a, b) => (a.end - a.from < b.end - b.from ? 1 : -1))
  const total = wanted.reduce((sum, { from, end }) => sum + end - from, 0n)
  const progress = { done: 0n, total, bytes: 0 }
  const { signal, maxReadMs = Number.POSITIVE_INFINITY } = context
  const startedAt = performance.now()
  let isLate = false
  for (let at = 0; at < wanted.length; at += partitionsAtOnce) {
    if (isLate || signal?.aborted) break
    const group = wanted.slice(at, at + partitionsAtOnce)
    await readGroup(cluster, store, group, seen, context, (offsets, bytes) => {
      progress.done += offsets
      progress.bytes += bytes
      context.onProgress?.({ ...progress })
      // Each run gets further, however short its time is.
      isLate = performance.now() - startedAt >= maxReadMs
      return !isLate
    })
  }
  if (!isLate && !signal?.aborted) return
  for (const reading of wanted) if (reading.collected.next < reading.end) reading.ending ??= stoppedAt(reading)
}

async function readGroup(
  cluster: Cluster,
  store: BackupStore,
  group: readonly Reading[],
  seen: SeenTransactions,
  context: ReadContext,
  /** @returns whether there is time to read more */
  advanced: (offsets: bigint, bytes: number) => boolean,
): Promise<void> {
  const byPlace = new Map(group.map((reading) => [placeOf(reading), reading]))
  const { signal, unavailableMs } = context
  const ranges = group.map(({ topic, partition, collected, end, leaderEpoch }) => ({
    ...{ topic, partition, next: collected.next, end },
    leaderEpoch,
  }))
  const options = { isolation: 'read_committed', keepsCommits: true, keepsGoing: true } as const
  for await (const event of cluster.readBatches(ranges, { ...options, policy: { unavailableMs }, signal })) {
    if (event.kind === 'notice') {
      await noteNotice(cluster, byPlace, event.notice)
      continue
    }
    const reading = byPlace.get(placeOf(event))!
    if (event.topicId !== reading.topicId) {
      reading.ending ??= { kind: 'deleted', at: reading.collected.next }
    }
    if (reading.ending?.kind === 'cut' || event.topicId !== reading.topicId) continue
    // Retention was faster: a segment covers what was there, so it ends where the gap begins.
    if (event.from > reading.collected.next) {
      await closeSegment(store, reading, context)
      reading.collected = collect(event.from)
    }
    await take(store, reading, event, seen, context)
    if (!advanced(event.next - event.from, sizeOf(event))) break
  }
  for (const reading of group) await closeSegment(store, reading, context)
}

const placeOf = ({ topic, partition }: { topic: string; partition: number }): string => `${partition}:${topic}`

function sizeOf({ batches }: BatchesEvent): number {
  return batches.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

async function take(
  store: BackupStore,
  reading: Reading,
  event: BatchesEvent,
  seen: SeenTransactions,
  context: ReadContext,
): Promise<void> {
  const { topic, partition, end } = reading
  const { segmentBytes = defaultSegmentBytes } = context
  for (const batch of event.batches) {
    const { baseOffset, lastOffsetDelta } = batch.header
    const next = baseOffset + BigInt(lastOffsetDelta) + 1n
    const isWhole = baseOffset >= event.from && next <= end
    const wanted = isWhole ? batch : await trimBatch(batch, event.from, end)
    if (wanted === null) continue
    moveWindow(context.window, seen, wanted)
    noteBatch(seen, topic, partition, wanted, context.window.sinceMs)
    addBatch(reading.collected, wanted)
    reading.collected.next = next < end ? next : end
    if (reading.collected.sizeBytes >= segmentBytes) await closeSegment(store, reading, context)
  }
  reading.collected.aborted += event.aborted
  reading.collected.next = event.next
  reading.leaderEpoch = event.leaderEpoch
}

async function noteNotice(cluster: Cluster, readings: ReadonlyMap<string, Reading>, notice: ReadNotice): Promise<void> {
  if (notice.kind === 'trouble' || notice.kind === 'recovered') return
  const reading = readings.get(placeOf(notice))
  if (reading === undefined) return
  if (notice.kind === 'deleted') {
    const to = notice.to < reading.end ? notice.to : reading.end
    reading.gaps.push({ from: notice.from, to })
  } else if (notice.kind === 'ended') {
    // Batches from before this notice may come behind it.
    reading.ending ??= { kind: 'deleted', at: notice.at }
  } else if (notice.kind === 'cut') {
    const had = reading.known?.end ?? reading.end
    reading.ending = { kind: 'cut', at: notice.to, problem: logCut(reading, had, notice.to) }
  } else if (notice.kind === 'failed') {
    const { code, message, at } = notice
    const isGone = code.startsWith('UNKNOWN_TOPIC') && !(await isThere(cluster, reading))
    reading.ending ??= isGone ? { kind: 'deleted', at } : { kind: 'failed', problem: problemOf(reading, code, message) }
  }
}

/** By its id: a topic that was created again is another one. */
async function isThere(cluster: Cluster, { topicId }: Reading): Promise<boolean> {
  return (await cluster.listTopics({ internal: true })).some(({ id }) => id === topicId)
}

/** Goes on while the segment is compressed and stored, unless too many are. @throws the error of an earlier one */
async function closeSegment(
  store: BackupStore,
  reading: Reading,
  { clusterId, run, writes, lockOf }: ReadContext,
): Promise<void> {
  const { collected, topic, topicId, partition } = reading
  reading.collected = collect(collected.next)
  if (collected.next === collected.from) return
  const at = reading.begun++
  const key = segmentKey(clusterId, reading, collected.from, run)
  await writes.add(memoryOf(collected), async () => {
    reading.segments[at] = await writeSegment(
      withLock(store, lockOf?.(topic)),
      { topic, topicId, partition, key },
      collected,
    )
  })
}
