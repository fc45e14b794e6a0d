// Takes a backup: reads what the last one does not have, writes it as segments, and then the manifest that names them.
import { randomBytes } from 'node:crypto'
import type { Cluster, ReadBatchesEvent, ReadNotice, TopicInfo } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import { type Background, runInBackground } from '../background.ts'
import { BackupError } from '../format/backup-error.ts'
import { putDocument, putSealed } from '../format/documents.ts'
import { addToIndex } from '../format/index-files.ts'
import { indexKey, manifestKey, runName, segmentKey, stateKey } from '../format/keys.ts'
import { latestManifest } from '../format/manifests.ts'
import type { BackupStore } from '../format/sealing.ts'
import { addBatch, type Collected, collect, writeSegment } from '../format/segments.ts'
import {
  type Behind,
  noteBatch,
  type SeenTransactions,
  straddling,
  transactionWindowMs,
} from '../format/transactions.ts'
import { trimBatch } from '../format/trim.ts'
import {
  type BackedUpPartition,
  type ClusterState,
  formatName,
  formatVersion,
  type Gap,
  type Manifest,
  type ObjectReference,
  type Segment,
  type StraddlingRecords,
} from '../format/types.ts'
import { StoreError } from '../store/store-error.ts'
import { carriedTopics } from './carried.ts'
import { readClusterState } from './state.ts'

export interface TakeOptions {
  /** Which topics; default: all but the cluster's internal ones. */
  readonly include?: (topic: string) => boolean
  /** Who writes it, for the manifest: `selfmonitor 0.1.0`. */
  readonly tool: string
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: TakeProgress) => void
  readonly now?: () => number
  /** Where a segment ends, in bytes of the log. Default 32 MiB. */
  readonly segmentBytes?: number
}

export interface TakeProgress {
  /** Offsets, of all partitions. */
  readonly done: bigint
  readonly total: bigint
  readonly bytes: number
}

export interface Taken {
  readonly manifest: Manifest
  readonly reference: ObjectReference
  /** What this backup added. */
  readonly added: {
    readonly segments: number
    readonly records: bigint
    readonly logBytes: number
    readonly storedBytes: number
  }
  readonly problems: readonly { readonly part: string; readonly code: string; readonly message: string }[]
}

type BatchesEvent = Extract<ReadBatchesEvent, { kind: 'batches' }>

const defaultSegmentBytes = 32 * 1024 * 1024
/** Partitions that are read at a time: each collects one segment in memory. */
const partitionsAtOnce = 6

/** Of segments that are compressed and stored while the reading goes on: two of the usual size. */
const maxWritingBytes = 2 * defaultSegmentBytes

/** A partition during a backup. */
interface Reading {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly start: bigint
  readonly from: bigint
  readonly end: bigint
  /** The high watermark when the end was read: behind the end may be transactions that are open or not visible yet. */
  readonly high: bigint
  /** Of the leader that wrote what lies before `collected.next`; -1 while it is not known. */
  leaderEpoch: number
  /** What the backup had before. */
  readonly recordsBefore: bigint
  readonly gaps: Gap[]
  readonly segments: Segment[]
  /** How many segments were begun, those that are still being written too. */
  begun: number
  collected: Collected
  /** The topic was deleted, or created again, while it was read: the backup of the partition ends here. */
  endedAt: bigint | null
}

/**
 * @throws BackupError CONFLICT when another process takes one at the same time, LOG_CUT, SEALED; ClusterError; StoreError
 */
export async function takeBackup(cluster: Cluster, store: BackupStore, options: TakeOptions): Promise<Taken> {
  const now = options.now ?? Date.now
  const startedAtMs = now()
  const { clusterId } = await cluster.info()
  const previous = await latestManifest(store, clusterId)
  refusePlain(store, previous?.manifest ?? null)
  const number = (previous?.manifest.number ?? 0) + 1
  const run = runName(number, randomBytes(4).toString('hex'))
  const { include = () => true } = options
  const visible = await cluster.listTopics()
  const chosen = visible.filter(({ name }) => include(name))
  const chosenIds = new Set(chosen.map(({ id }) => id))
  const carried = await carriedTopics(cluster, previous?.manifest ?? null, visible, chosenIds, include)
  const carriedIds = new Set(carried.topics.map(({ id }) => id))
  // Groups first: a position that is older than the ends can only make a group see an event again.
  const kept = visible.filter(({ id }) => carriedIds.has(id))
  const { state, readable: topics } = withoutTiered(await readClusterState(cluster, chosen, kept, now), chosen)
  const problems = [...state.problems, ...carried.problems]
  const cutAtMs = now()
  const readings = await positions(cluster, topics, previous?.manifest ?? null)
  const seen: SeenTransactions = new Map()
  const context = {
    ...options,
    ...{ clusterId, run, sinceMs: cutAtMs - transactionWindowMs },
    writes: runInBackground(maxWritingBytes),
  }
  try {
    await readAll(cluster, store, readings, seen, context)
  } catch (error) {
    // Nothing writes to the store any more when this returns.
    await context.writes.settled().catch(() => {})
    throw error
  }
  await context.writes.settled()
  const straddles = await findStraddling(cluster, readings, seen, previous?.manifest.straddling ?? [], options.signal)
  options.signal?.throwIfAborted()
  const segments = readings.flatMap((reading) => reading.segments)
  const backedUp = [...backedUpTopics(readings), ...carried.topics]
  const ids = new Set(backedUp.map(({ id }) => id))
  const isNeeded = ({ topicId }: Segment): boolean => ids.has(topicId)
  const index = await addToIndex(store, previous?.manifest.index ?? [], segments, isNeeded, indexKey(clusterId, run))
  const manifest: Manifest = {
    format: formatName,
    version: formatVersion,
    number,
    tool: options.tool,
    clusterId,
    startedAtMs,
    cutAtMs,
    finishedAtMs: now(),
    previous: previous?.reference ?? null,
    topics: backedUp,
    index,
    state: await putSealed(store, stateKey(clusterId, run), { ...state, problems }),
    straddling: straddles,
    recipients: store.sealing?.recipients ?? [],
  }
  return {
    manifest,
    reference: await putManifest(store, manifest),
    added: {
      segments: segments.length,
      records: segments.reduce((sum, { records }) => sum + BigInt(records), 0n),
      logBytes: segments.reduce((sum, { logBytes }) => sum + logBytes, 0),
      storedBytes: segments.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    },
    problems,
  }
}

/**
 * Leaves out topics with tiered storage (KIP-405): a broker that is slow to fetch from there answers as if there were no records.
 */
function withoutTiered(
  state: ClusterState,
  chosen: readonly TopicInfo[],
): { readonly state: ClusterState; readonly readable: readonly TopicInfo[] } {
  const tiered = new Set(
    state.topics.filter(({ config }) => config['remote.storage.enable'] === 'true').map(({ id }) => id),
  )
  const problems = chosen
    .filter(({ id }) => tiered.has(id))
    .map(({ name }) => ({
      part: `topic ${name}`,
      code: 'TIERED_STORAGE',
      message: 'topics with remote.storage.enable=true cannot be backed up yet',
    }))
  return {
    state: {
      ...state,
      topics: state.topics.filter(({ id }) => !tiered.has(id)),
      problems: [...state.problems, ...problems],
    },
    readable: chosen.filter(({ id }) => !tiered.has(id)),
  }
}

/** @throws BackupError SEALED */
function refusePlain(store: BackupStore, previous: Manifest | null): void {
  const { recipients = [] } = store.sealing ?? {}
  if (recipients.length > 0 || (previous?.recipients.length ?? 0) === 0) return
  throw new BackupError('SEALED', `the last backup in ${store.address} is encrypted, and this one would not be`, {
    hint: `Give its recipients, ${previous!.recipients.join(', ')}, or others; or begin in an empty place.`,
  })
}

async function putManifest(store: BackupStore, manifest: Manifest): Promise<ObjectReference> {
  const key = manifestKey(manifest.clusterId, manifest.number)
  try {
    return await putDocument(store, key, manifest)
  } catch (error) {
    if (!(error instanceof StoreError) || error.code !== 'EXISTS') throw error
    throw new BackupError(
      'CONFLICT',
      `another process has written backup ${manifest.number} of this cluster meanwhile`,
      {
        cause: error,
        hint: 'Let one process take the backups of a cluster. Nothing of the other backup was changed.',
      },
    )
  }
}

/** Where the backup of each partition begins and ends. @throws BackupError LOG_CUT */
async function positions(
  cluster: Cluster,
  topics: readonly TopicInfo[],
  previous: Manifest | null,
): Promise<Reading[]> {
  const partitions = topics.flatMap(({ name, id, partitions: all }) =>
    all.map(({ partition }) => ({ topic: name, topicId: id, partition })),
  )
  const earliest = await cluster.listOffsets(partitions, 'earliest')
  const latest = await cluster.listOffsets(partitions, 'latest', { isolation: 'read_committed' })
  const highest = await cluster.listOffsets(partitions, 'latest')
  const before = new Map<string, BackedUpPartition>()
  for (const { id, partitions: all } of previous?.topics ?? []) {
    for (const one of all) before.set(`${one.partition}:${id}`, one)
  }
  return partitions.map((place, at) => {
    const known = before.get(`${place.partition}:${place.topicId}`)
    const [first, end] = [earliest[at]!.offset ?? 0n, latest[at]!.offset ?? 0n]
    if (known !== undefined && known.end > end) throw logCut(place, known.end, end)
    const gaps = [...(known?.gaps ?? [])]
    const from = known === undefined || first > known.end ? first : known.end
    if (known !== undefined && first > known.end) gaps.push({ from: known.end, to: first })
    const recordsBefore = known?.records ?? 0n
    const start = known?.start ?? first
    const high = highest[at]!.offset ?? end
    const leaderEpoch = known !== undefined && known.end === from ? known.leaderEpoch : -1
    const nothing = { segments: [], begun: 0, collected: collect(from), endedAt: null }
    return { ...place, start, from, end, high, leaderEpoch, recordsBefore, gaps, ...nothing }
  })
}

function logCut({ topic, partition }: { topic: string; partition: number }, had: bigint, end: bigint): BackupError {
  return new BackupError(
    'LOG_CUT',
    `topic ${topic} partition ${partition} ends at offset ${end}, and the last backup has it up to ${had}: the log was cut, as by an unclean leader election`,
    { hint: 'The records are in the last backup: restore them under another name, then continue in an empty target.' },
  )
}

interface ReadContext extends TakeOptions {
  readonly clusterId: string
  readonly run: string
  /** Transactions that were committed before are not looked for behind the ends. */
  readonly sinceMs: number
  /** Segments that are being written while the reading goes on. */
  readonly writes: Background
}

async function readAll(
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
  for (let at = 0; at < wanted.length; at += partitionsAtOnce) {
    const group = wanted.slice(at, at + partitionsAtOnce)
    await readGroup(cluster, store, group, seen, context, (offsets, bytes) => {
      progress.done += offsets
      progress.bytes += bytes
      context.onProgress?.({ ...progress })
    })
  }
}

async function readGroup(
  cluster: Cluster,
  store: BackupStore,
  group: readonly Reading[],
  seen: SeenTransactions,
  context: ReadContext,
  advanced: (offsets: bigint, bytes: number) => void,
): Promise<void> {
  const byPlace = new Map(group.map((reading) => [placeOf(reading), reading]))
  const { signal } = context
  for (let open = group; open.length > 0; ) {
    const ranges = open.map(({ topic, partition, collected, end, leaderEpoch }) => ({
      ...{ topic, partition, next: collected.next, end },
      leaderEpoch,
    }))
    try {
      for await (const event of cluster.readBatches(ranges, {
        isolation: 'read_committed',
        keepsCommits: true,
        signal,
      })) {
        if (event.kind === 'notice') {
          noteNotice(byPlace, event.notice)
          continue
        }
        const reading = byPlace.get(placeOf(event))!
        if (event.topicId !== reading.topicId) {
          reading.endedAt ??= reading.collected.next
          continue
        }
        // Retention was faster: a segment covers what was there, so it ends where the gap begins.
        if (event.from > reading.collected.next) {
          await closeSegment(store, reading, context)
          reading.collected = collect(event.from)
        }
        await take(store, reading, event, seen, context)
        advanced(event.next - event.from, sizeOf(event))
      }
      break
    } catch (error) {
      if (!(error instanceof ClusterError) || error.code !== 'UNKNOWN_TOPIC_OR_PARTITION') throw error
      await noteDeletedTopics(cluster, open)
      const left = open.filter(({ endedAt }) => endedAt === null)
      if (left.length === open.length) throw error
      open = left
    }
  }
  signal?.throwIfAborted()
  for (const reading of group) await closeSegment(store, reading, context)
}

const placeOf = ({ topic, partition }: { topic: string; partition: number }): string => `${partition}:${topic}`

function sizeOf({ batches }: BatchesEvent): number {
  return batches.reduce((sum, { bytes }) => sum + bytes.length, 0)
}

/** The backup of a topic that was deleted while it was read ends where its reading had got to. */
async function noteDeletedTopics(cluster: Cluster, readings: readonly Reading[]): Promise<void> {
  const ids = new Set((await cluster.listTopics({ internal: true })).map(({ id }) => id))
  for (const reading of readings) {
    if (!ids.has(reading.topicId)) reading.endedAt ??= reading.collected.next
  }
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
    noteBatch(seen, topic, partition, wanted, context.sinceMs)
    addBatch(reading.collected, wanted)
    reading.collected.next = next < end ? next : end
    if (reading.collected.sizeBytes >= segmentBytes) await closeSegment(store, reading, context)
  }
  reading.collected.aborted += event.aborted
  reading.collected.next = event.next
  reading.leaderEpoch = event.leaderEpoch
}

function noteNotice(readings: ReadonlyMap<string, Reading>, notice: ReadNotice): void {
  if (notice.kind === 'trouble' || notice.kind === 'recovered') return
  const reading = readings.get(placeOf(notice))
  if (reading === undefined) return
  if (notice.kind === 'deleted') {
    const to = notice.to < reading.end ? notice.to : reading.end
    reading.gaps.push({ from: notice.from, to })
  } else if (notice.kind === 'ended') {
    // Batches from before this notice may come behind it.
    reading.endedAt ??= notice.at
  } else if (notice.kind === 'cut') {
    throw logCut(reading, reading.end, notice.to)
  }
}

/** Goes on while the segment is compressed and stored, unless too many are. @throws the error of an earlier one */
async function closeSegment(
  store: BackupStore,
  reading: Reading,
  { clusterId, run, writes }: ReadContext,
): Promise<void> {
  const { collected, topic, topicId, partition } = reading
  reading.collected = collect(collected.next)
  if (collected.next === collected.from) return
  const at = reading.begun++
  const key = segmentKey(clusterId, reading, collected.from, run)
  await writes.add(collected.sizeBytes, async () => {
    reading.segments[at] = await writeSegment(store, { topic, topicId, partition, key }, collected)
  })
}

function backedUpTopics(readings: readonly Reading[]): Manifest['topics'] {
  const byTopic = Map.groupBy(readings, ({ topicId }) => topicId)
  return [...byTopic.values()].map((all) => ({
    name: all[0]!.topic,
    id: all[0]!.topicId,
    partitions: all.map(({ partition, start, from, end, endedAt, gaps, recordsBefore, segments, leaderEpoch }) => ({
      partition,
      start,
      end: endedAt ?? (from > end ? from : end),
      records: segments.reduce((sum, { records }) => sum + BigInt(records), recordsBefore),
      gaps,
      leaderEpoch: endedAt === null ? leaderEpoch : -1,
    })),
  }))
}

/** Looks behind the ends for parts of transactions of which the backup has others. */
async function findStraddling(
  cluster: Cluster,
  readings: readonly Reading[],
  seen: SeenTransactions,
  before: readonly StraddlingRecords[],
  signal: AbortSignal | undefined,
): Promise<StraddlingRecords[]> {
  if (seen.size === 0 && before.length === 0) return []
  const ranges = readings
    .filter(({ end, high, endedAt }) => endedAt === null && high > end)
    .map(({ topic, partition, end, high }) => ({ topic, partition, next: end, end: high }))
  const behind: Behind[] = []
  for await (const event of cluster.readBatches(ranges, { signal })) {
    if (event.kind !== 'batches') continue
    for (const { header } of event.batches) {
      const { isTransactional, isControl, producerId, producerEpoch, baseTimestamp } = header
      if (isTransactional && !isControl) {
        behind.push({ producerId, producerEpoch, timestampMs: Number(baseTimestamp) })
      }
    }
  }
  return straddling(seen, behind, before)
}
