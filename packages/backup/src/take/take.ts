// Takes a backup: reads what the last one does not have, writes it as segments, and then the manifest that names them.
import { randomBytes } from 'node:crypto'
import type { Cluster, TopicInfo } from '@selfmonitor/cluster'
import { runInBackground } from '../background.ts'
import { BackupError } from '../format/backup-error.ts'
import { putDocument, putSealed } from '../format/documents.ts'
import { addToIndex } from '../format/index-files.ts'
import { indexKey, manifestKey, runName, stateKey } from '../format/keys.ts'
import { longestLock, withLock } from '../format/locking.ts'
import { latestManifest } from '../format/manifests.ts'
import type { BackupStore } from '../format/sealing.ts'
import { type Behind, type SeenTransactions, straddling, transactionWindow } from '../format/transactions.ts'
import {
  type ClusterState,
  formatName,
  formatVersion,
  type Manifest,
  type ObjectReference,
  type Segment,
} from '../format/types.ts'
import { StoreError } from '../store/store-error.ts'
import { readAccess } from './access.ts'
import { carriedTopics } from './carried.ts'
import { backupsOutOfTime, forwardOnly } from './clock.ts'
import type { TakeOptions } from './options.ts'
import { positions } from './positions.ts'
import { defaultSegmentBytes, readAll } from './read.ts'
import {
  backedUpTopics,
  cutsOf,
  isStopped,
  mayHalveTransactions,
  type Problem,
  problemOf,
  problemsOf,
  type Reading,
  stoppedCode,
} from './reading.ts'
import { takeSchemas } from './schemas.ts'
import { readClusterState, statesOfCarried, withinCuts } from './state.ts'

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
  /** Partitions with problem STOPPED: there was no time to read them to their ends. */
  readonly stopped: number
}

/** Of segments that are compressed and stored while the reading goes on: two of the usual size. */
const maxWritingBytes = 2 * defaultSegmentBytes
const defaultUnavailableMs = 30_000
/** Kafka's text for an id of zeros. */
const noTopicId = 'A'.repeat(22)

/** Without an id a topic that is created again could not be told from what it was. */
function withoutId({ name }: TopicInfo): Taken['problems'][number] {
  const message =
    'the brokers give topics no ids: inter.broker.protocol.version is older than 2.8, and has to be raised'
  return { part: `topic ${name}`, code: 'NO_TOPIC_ID', message }
}

/**
 * Whatever cannot be read stays as the last backup has it, and is a problem of the result; so is what was not read when it was stopped.
 * @throws BackupError CONFLICT when another process takes one at the same time, SEALED; ClusterError when no broker answers; StoreError
 */
export async function takeBackup(cluster: Cluster, store: BackupStore, options: TakeOptions): Promise<Taken> {
  const now = forwardOnly(options.now ?? Date.now)
  const startedAtMs = now()
  const { clusterId, brokers } = await cluster.info()
  const last = await latestManifest(store, clusterId)
  const previous = last?.manifest ?? null
  refusePlain(store, previous)
  const number = (previous?.number ?? 0) + 1
  const run = runName(number, randomBytes(4).toString('hex'))
  const { include = () => true, signal, unavailableMs = defaultUnavailableMs } = options
  const all = await cluster.listTopics()
  const visible = all.filter(({ id }) => id !== noTopicId)
  const nameOnly = all.filter(({ id, name }) => id === noTopicId && include(name)).map(withoutId)
  const chosen = visible.filter(({ name }) => include(name))
  const before = new Set((previous?.topics ?? []).map(({ id }) => id))
  const concerned = visible.filter(({ id, name }) => include(name) || before.has(id))
  // Groups first: a position that is older than the ends can only make a group see an event again.
  const read = await readClusterState(cluster, chosen, concerned, now)
  const readable = chosen.filter(({ id }) => read.readable.has(id))
  const carried = await carriedTopics(cluster, previous, visible, read.readable, include)
  const cutAtMs = now()
  const { readings, kept } = await positions(cluster, readable, previous, unavailableMs, signal)
  const seen: SeenTransactions = new Map()
  const writes = runInBackground(maxWritingBytes)
  const context = { ...options, ...{ clusterId, run, unavailableMs, writes, window: transactionWindow(cutAtMs) } }
  try {
    await readAll(cluster, store, readings, seen, context)
  } catch (error) {
    // Nothing writes to the store any more when this returns.
    await writes.settled().catch(() => {})
    throw error
  }
  await writes.settled()
  // A backup with no more than the last one would be the newest for nothing.
  if (readings.every(({ segments }) => segments.length === 0)) signal?.throwIfAborted()
  // After the ends: a schema is registered before the first record that has its id.
  const problems: ClusterState['problems'][number][] = []
  const locks = [...readable, ...carried.topics].map(({ name }) => options.lockOf?.(name))
  const lock = longestLock(locks)
  const shared = withLock(store, lock)
  const chain = { clusterId, run, previous, isLocked: lock !== undefined }
  const access = options.access === false ? undefined : await readAccess(cluster, problems)
  const schemas = options.registry == null ? undefined : await takeSchemas(shared, options.registry, chain, problems)
  const topics = [...backedUpTopics(readings, kept, previous), ...carried.topics]
  const ends = { cutAtMs, oldestEndMs: oldestEnd(topics, readings, kept) }
  const hasTransactions = seen.size > 0 || (previous?.straddling ?? []).length > 0
  const behind = await readBehind(cluster, readings, hasTransactions)
  for (const reading of hasTransactions ? readings : []) {
    if (reading.ending?.kind === 'failed' && isStopped(reading.ending)) {
      reading.ending = mayHalveTransactions(reading.ending)
    }
  }
  problems.push(...behind.problems)
  const straddles = straddling(seen, behind.found, previous?.straddling ?? [], ends)
  const segments = readings.flatMap((reading) => (reading.ending?.kind === 'cut' ? [] : reading.segments))
  const ids = new Set(topics.map(({ id }) => id))
  const older = await statesOfCarried(store, previous, carried.topics, read.state.topics, concerned, brokers.length)
  const state = {
    ...read.state,
    topics: [...read.state.topics, ...older.topics].filter(({ id }) => ids.has(id)),
    access,
    groups: withinCuts(read.state.groups, cutsOf(readings, kept)),
    problems: [
      ...nameOnly,
      ...read.state.problems,
      ...carried.problems,
      ...older.problems,
      ...problemsOf(readings, kept),
      ...problems,
    ],
  }
  const isNeeded = ({ topicId }: Segment): boolean => ids.has(topicId)
  const index = await addToIndex(shared, previous?.index ?? [], segments, isNeeded, indexKey(clusterId, run))
  const stopped = state.problems.filter(({ code }) => code === stoppedCode).length
  const manifest: Manifest = {
    format: formatName,
    version: formatVersion,
    number,
    tool: options.tool,
    clusterId,
    startedAtMs,
    cutAtMs,
    finishedAtMs: now(),
    outOfTime: await backupsOutOfTime(store, previous, cutAtMs),
    previous: last?.reference ?? null,
    topics,
    index,
    state: await putSealed(shared, stateKey(clusterId, run), state),
    schemas,
    straddling: straddles,
    ...(stopped === 0 ? {} : { stopped }),
    ...(lock === undefined ? {} : { lock }),
    recipients: store.sealing?.recipients ?? [],
  }
  return {
    manifest,
    reference: await putManifest(shared, manifest),
    added: {
      segments: segments.length,
      records: segments.reduce((sum, { records }) => sum + BigInt(records), 0n),
      logBytes: segments.reduce((sum, { logBytes }) => sum + logBytes, 0),
      storedBytes: segments.reduce((sum, { storedBytes }) => sum + storedBytes, 0),
    },
    problems: state.problems,
    stopped,
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

/**
 * When the oldest end was read that this run did not read; Infinity when it read all. A partition of which the backup has nothing may
 * have had anything.
 */
function oldestEnd(
  topics: Manifest['topics'],
  readings: readonly Reading[],
  kept: readonly { readonly known: unknown }[],
): number {
  const partitions = topics.flatMap((topic) => topic.partitions)
  const unread = [...kept, ...readings.filter(({ ending }) => ending?.kind === 'cut')]
  const isUnknown = unread.some(({ known }) => known === null)
  const ends = partitions.map(({ asOfMs }) => (asOfMs === undefined ? Number.POSITIVE_INFINITY : (asOfMs ?? 0)))
  return ends.reduce((oldest, end) => Math.min(oldest, end), isUnknown ? 0 : Number.POSITIVE_INFINITY)
}

/** Looks behind the ends for parts of transactions of which the backup may have others. */
async function readBehind(
  cluster: Cluster,
  readings: readonly Reading[],
  hasTransactions: boolean,
): Promise<{ readonly found: readonly Behind[]; readonly problems: readonly Problem[] }> {
  if (!hasTransactions) return { found: [], problems: [] }
  const ranges = readings
    .filter(({ end, high, ending }) => high > end && (ending === null || isStopped(ending)))
    .map(({ topic, partition, end, high }) => ({ topic, partition, next: end, end: high }))
  const found: Behind[] = []
  const problems: Problem[] = []
  for await (const event of cluster.readBatches(ranges, { keepsGoing: true })) {
    if (event.kind === 'notice') {
      const { notice } = event
      if (notice.kind !== 'failed') continue
      const reading = readings.find(({ topic, partition }) => topic === notice.topic && partition === notice.partition)!
      const what =
        'whether transactions go on behind the end of the backup is not known, so half of one may be restored'
      problems.push(problemOf(reading, notice.code, `${what}: ${notice.message}`))
      continue
    }
    for (const { header } of event.batches) {
      const { isTransactional, isControl, producerId, producerEpoch, baseTimestamp } = header
      if (isTransactional && !isControl) {
        found.push({ producerId, producerEpoch, timestampMs: Number(baseTimestamp) })
      }
    }
  }
  return { found, problems }
}
