// One collection: reads what is due, a few things at a time, and makes the next state. Committed offsets are read before the ends of
// the logs, so that a lag is never negative and never too small. Of a large cluster each step computes for some milliseconds: between
// them, scrapes get their turn.
import { setImmediate as otherWork } from 'node:timers/promises'
import {
  type BrokerReach,
  ClusterError,
  type ClusterSurvey,
  type ConfigEntry,
  type ConfigsSurvey,
  type PlacedPartition,
  type Problem,
  type TopicInfo,
  type Unread,
} from '@selfmonitor/cluster'
import { lastValue } from '../snapshot/last-value.ts'
import { indexed, PartitionMap } from '../snapshot/partition-map.ts'
import type {
  BackupOutcomes,
  BrokerStatus,
  Certificate,
  Configs,
  Group,
  LogDir,
  Metadata,
  Reading,
  ServiceHealth,
  Snapshot,
} from '../snapshot/types.ts'
import { afterUnread, listedGroups, mergeOffsets, planUnread, withLag, withOffsets, withUnread } from './groups.ts'
import { nextHistory, sightings } from './history.ts'
import { afterAttempt, attempt, never } from './reading.ts'
import type { CollectorState, ReadPart } from './state.ts'

/** What a collection reads from. */
export type Source = ClusterSurvey

export interface CollectOptions {
  /** The label; null takes the cluster's id. */
  readonly cluster: string | null
  /** null: the most that were seen within 24 hours. */
  readonly expectedBrokers: number | null
  readonly isTopicCollected: (name: string) => boolean
  readonly isGroupCollected: (name: string) => boolean
  /** How often parts are read that need not be read every time, in milliseconds; Infinity: never. */
  readonly everyMs: Partial<Readonly<Record<ReadPart, number>>>
  /** Reads the services whose address was given; null when none was. */
  readonly readServices: (() => Promise<readonly ServiceHealth[]>) | null
  /** Reads the outcomes of backups; null: nothing is read. */
  readonly readBackups: (() => Promise<readonly BackupOutcomes[]>) | null
  /** Certificates that this client was given. */
  readonly ownCertificates: readonly Certificate[]
  /** A mistake in this program. */
  readonly onBug: (error: unknown) => void
  readonly now: () => number
}

/** Parts that are read less often than every collection. */
export const defaultEveryMs: CollectOptions['everyMs'] = {
  brokers: 30_000,
  logDirs: 60_000,
  configs: 5 * 60_000,
  certificates: 30_000,
  services: 30_000,
  backups: 30_000,
}

interface Collection {
  readonly source: Source
  readonly options: CollectOptions
  readonly last: CollectorState
  readonly startedAtMs: number
  /** Parts that were attempted. */
  readonly attempted: Set<ReadPart>
}

type Parts = Pick<Snapshot, ReadPart>

/** Never throws: what cannot be read is a problem of its part. */
export async function collect(source: Source, last: CollectorState, options: CollectOptions): Promise<CollectorState> {
  const collection: Collection = { source, options, last, startedAtMs: options.now(), attempted: new Set() }
  const metadata = await read(collection, 'metadata', () => readMetadata(source, options))
  const value = lastValue(metadata)
  if (value === null || metadata.problem !== null) return unreachable(collection, metadata)
  const isRecreated = recreatedTopics(last.snapshot.history.topics, value)
  const [chain, reach, configs, logDirs, quorum, services, backups] = await Promise.all([
    readChain(collection, value, isRecreated),
    readReach(collection),
    readConfigs(collection, value),
    read(collection, 'logDirs', () => readLogDirs(source, options)),
    readQuorum(collection),
    readServices(collection),
    readBackups(collection),
  ])
  const parts: Parts = { metadata, configs, logDirs, services, backups, ...chain.parts, ...reach, quorum }
  await otherWork()
  return nextState(collection, parts, chain.unread, isRecreated)
}

/** Attempts a part when it is due; otherwise it stays as it is. */
async function read<P extends ReadPart>(
  collection: Collection,
  part: P,
  work: () => Promise<Snapshot[P] extends Reading<infer T> ? T : never>,
): Promise<Snapshot[P]> {
  const { options, last } = collection
  const previous = last.snapshot[part]
  if (!isDue(collection, part)) return previous
  collection.attempted.add(part)
  // What `work` gives is the type of the reading, which the compiler does not see through the conditional type.
  return (await attempt(previous as Reading<unknown>, work, options.now, options.onBug)) as Snapshot[P]
}

function isDue({ options, last, startedAtMs }: Collection, part: ReadPart): boolean {
  const attemptedMs = last.attemptedMs.get(part)
  const everyMs = options.everyMs[part] ?? 0
  if (everyMs === Number.POSITIVE_INFINITY) return false
  // Our clock may have been set back: what was read in its future is read again, not hours later.
  if (attemptedMs === undefined || attemptedMs > startedAtMs) return true
  // A timer fires a little early or late: half a second must not cost a whole interval.
  return startedAtMs - attemptedMs >= everyMs - timerSlackMs
}

const timerSlackMs = 500

/** No broker answers: asking for the other parts would only wait. All of Kafka's parts are as old as they are, and say so. */
async function unreachable(collection: Collection, metadata: Snapshot['metadata']): Promise<CollectorState> {
  const { snapshot } = collection.last
  const problem = metadata.problem ?? { code: 'UNEXPECTED', message: 'The metadata could not be read.' }
  const stale = <T>(reading: Reading<T>): Reading<T> => afterAttempt(reading, { problem })
  const services = await readServices(collection)
  const parts: Parts = {
    metadata,
    services,
    brokers: stale(snapshot.brokers),
    configs: stale(snapshot.configs),
    offsets: stale(snapshot.offsets),
    logDirs: stale(snapshot.logDirs),
    groups: stale(snapshot.groups),
    quorum: stale(snapshot.quorum),
    transactions: stale(snapshot.transactions),
    certificates: stale(snapshot.certificates),
    backups: collection.options.readBackups === null ? snapshot.backups : stale(snapshot.backups),
  }
  return nextState(collection, parts, collection.last.unread, () => false)
}

async function readMetadata(source: Source, { isTopicCollected }: CollectOptions): Promise<Metadata> {
  const { topics, ...info } = await source.surveyMetadata()
  return { ...info, topics: topics.filter(({ name }) => isTopicCollected(name)) }
}

function recreatedTopics(known: Snapshot['history']['topics'], { topics }: Metadata): (topic: string) => boolean {
  const changed = new Set(topics.filter(({ name, id }) => (known.get(name)?.id ?? id) !== id).map(({ name }) => name))
  return (topic) => changed.has(topic)
}

interface Chain {
  readonly parts: Pick<Parts, 'groups' | 'offsets' | 'transactions'>
  readonly unread: CollectorState['unread']
}

/** Committed offsets, then the ends of the logs, then the records in between. */
async function readChain(
  collection: Collection,
  metadata: Metadata,
  isRecreated: (topic: string) => boolean,
): Promise<Chain> {
  const { source, last, options } = collection
  const before = last.snapshot
  const { promise: after, resolve: committedAreRead } = Promise.withResolvers<void>()
  // The log starts are asked for with the groups; the ends once the committed offsets are here, before anything is made of them.
  const [committed, offsets] = await Promise.all([
    read(collection, 'groups', () => readGroups(collection, metadata, committedAreRead)).finally(committedAreRead),
    read(collection, 'offsets', async () => {
      const bounds = await source.partitionBounds(placed(metadata.topics), { after })
      return mergeOffsets(bounds, lastValue(before.offsets) ?? [], isRecreated)
    }),
  ])
  const transactions = await readTransactions(collection, metadata, offsets)
  const ends = lastValue(offsets)
  if (committed.state === 'never' || committed.problem !== null) {
    return { parts: { groups: committed, offsets, transactions }, unread: last.unread }
  }
  if (offsets.problem !== null || ends === null) {
    // Against old ends the lag would be too small.
    const problem = offsets.problem ?? { code: 'UNEXPECTED', message: 'The offsets were never read.' }
    return { parts: { groups: afterAttempt(before.groups, { problem }), offsets, transactions }, unread: last.unread }
  }
  await otherWork()
  const bounds = indexed(ends)
  const lagging = withLag(committed.value, bounds)
  await otherWork()
  const plan = planUnread(lagging, bounds, metadata.topics, last.unread)
  const found = await attempt(
    never as Reading<readonly Unread[]>,
    () => source.unreadRecords(plan.wanted.map(({ position }) => position)),
    options.now,
    options.onBug,
  )
  await otherWork()
  const unread = afterUnread(plan, lastValue(found) ?? [])
  const value = withUnread(lagging, plan, unread)
  return { parts: { groups: { ...committed, value, problem: found.problem }, offsets, transactions }, unread }
}

/** @param onRead called when the brokers have answered */
async function readGroups(collection: Collection, metadata: Metadata, onRead: () => void): Promise<Group[]> {
  const { source, last, options } = collection
  const previous = new Map((lastValue(last.snapshot.groups) ?? []).map((group) => [group.groupId, group]))
  const brokers = metadata.brokers.map(({ id }) => id)
  const survey = await source.surveyGroups({ include: options.isGroupCollected, brokers, offsets: true })
  onRead()
  await otherWork()
  if (survey.groups.length === 0 && survey.problems.length > 0) throw problemError(survey.problems[0]!.problem)
  const groups = listedGroups(survey, previous)
  const sizes = new Map(metadata.topics.map(({ name, partitions }) => [name, partitions.length]))
  return withOffsets(
    groups,
    new Map(survey.offsets.map((group) => [group.groupId, group])),
    previous,
    (topic, partition) => partition < (sizes.get(topic) ?? 0),
  )
}

function placed(topics: readonly TopicInfo[]): PlacedPartition[] {
  return topics.flatMap(({ name, partitions }) =>
    partitions.map(({ partition, leader }) => ({ topic: name, partition, leader })),
  )
}

/** Only partitions whose last stable offset is behind their end can have one. */
function readTransactions(
  collection: Collection,
  metadata: Metadata,
  offsets: Snapshot['offsets'],
): Promise<Snapshot['transactions']> {
  return read(collection, 'transactions', async () => {
    const held = (lastValue(offsets) ?? []).filter(
      ({ lastStable, end }) => lastStable !== null && end !== null && lastStable < end,
    )
    const isHeld = PartitionMap.of(held)
    const topics = metadata.topics.filter(({ name }) => isHeld.hasTopic(name))
    const wanted = placed(topics).filter(({ topic, partition }) => isHeld.has(topic, partition))
    const { transactions, problem } = await collection.source.openTransactions(wanted)
    if (problem !== null && transactions.length === 0) throw problemError(problem)
    return transactions
  })
}

/** A problem that is one of the whole part. */
function problemError({ code, message }: Problem): ClusterError {
  return new ClusterError(code, message)
}

async function readReach(collection: Collection): Promise<Pick<Parts, 'brokers' | 'certificates'>> {
  const { source, options } = collection
  let shown: Certificate[] = []
  const brokers = await read(collection, 'brokers', async () => {
    const reached = await source.reachBrokers()
    shown = reached.flatMap(({ brokerId, host, port, certificate }) =>
      certificate === null ? [] : [{ where: `broker ${brokerId} (${host}:${port})`, ...certificate }],
    )
    return reached.map(brokerStatus)
  })
  // They come with the connections to the brokers.
  if (!collection.attempted.has('brokers')) return { brokers, certificates: collection.last.snapshot.certificates }
  const certificates = await read(collection, 'certificates', async () => {
    if (brokers.problem !== null) throw problemError(brokers.problem)
    return [...shown, ...options.ownCertificates]
  })
  return { brokers, certificates }
}

function brokerStatus({ brokerId, host, port, problem, tookMs, apiVersions }: BrokerReach): BrokerStatus {
  const versions = apiVersions === null ? null : [...apiVersions].sort(([a], [b]) => a - b)
  const text = versions?.map(([key, version]) => `${key}:${version}`).join(' ') ?? null
  return { brokerId, host, port, problem, tookMs, apiVersions: text }
}

function readQuorum(collection: Collection): Promise<Snapshot['quorum']> {
  const { source, options, last } = collection
  return read(collection, 'quorum', async () => {
    const askedMs = options.now()
    const quorum = await source.quorum()
    const { leaderId, leaderTimeMs } = quorum
    const before = lastValue(last.snapshot.quorum)
    // Without a leader no one gives the rest: it is as it was.
    if (leaderId < 0 && before) return { ...before, leaderId, leaderTimeMs: null, leaderClockOffsetMs: null }
    const ourTimeMs = (askedMs + options.now()) / 2
    return { ...quorum, leaderClockOffsetMs: leaderTimeMs === null ? null : leaderTimeMs - ourTimeMs }
  })
}

/** All of them when they are due, in between those of topics that are new. */
async function readConfigs(collection: Collection, { topics, brokers }: Metadata): Promise<Snapshot['configs']> {
  const { source, last, options } = collection
  const previous = last.snapshot.configs
  const known = lastValue(previous)
  const names = topics.map(({ name }) => name)
  const ids = brokers.map(({ id }) => id)
  if (options.everyMs.configs === Number.POSITIVE_INFINITY) return previous
  if (isDue(collection, 'configs') || known === null) {
    return read(collection, 'configs', async () =>
      configsOf(await source.surveyConfigs({ topics: names, brokers: ids })),
    )
  }
  const added = names.filter((name) => !known.topics.has(name))
  if (added.length === 0 && names.length === known.topics.size) return previous
  const wanted = new Set(names)
  // A topic whose settings could not be read is asked for again by the next collection.
  const found = await attempt(
    never as Reading<Pick<ConfigsSurvey, 'topics'>>,
    async () => (added.length === 0 ? { topics: new Map() } : source.surveyConfigs({ topics: added, brokers: [] })),
    options.now,
    options.onBug,
  )
  const kept = [...known.topics].filter(([name]) => wanted.has(name))
  return {
    ...previous,
    value: { ...known, topics: new Map([...kept, ...(lastValue(found)?.topics ?? [])]) },
  } as Snapshot['configs']
}

/** Topics have mostly the same settings: an entry, and a whole list of them, is kept once. */
function configsOf({ topics, brokers, problem }: ConfigsSurvey): Configs {
  if (problem !== null && topics.size === 0 && brokers.size === 0) throw problemError(problem)
  const entries = new Map<string, { readonly id: number; readonly entry: ConfigEntry }>()
  const lists = new Map<string, readonly ConfigEntry[]>()
  const once = (entry: ConfigEntry): { readonly id: number; readonly entry: ConfigEntry } => {
    const key = `${entry.name}=${entry.value} ${entry.source} ${entry.readOnly} ${entry.sensitive}`
    const known = entries.get(key) ?? { id: entries.size, entry }
    entries.set(key, known)
    return known
  }
  const listOnce = (all: readonly ConfigEntry[]): readonly ConfigEntry[] => {
    const kept = all.map(once)
    const key = kept.map(({ id }) => id).join()
    const known = lists.get(key) ?? kept.map(({ entry }) => entry)
    lists.set(key, known)
    return known
  }
  return { topics: new Map([...topics].map(([name, all]) => [name, listOnce(all)])), brokers }
}

async function readLogDirs(source: Source, { isTopicCollected }: CollectOptions): Promise<LogDir[]> {
  const { logDirs, problems } = await source.surveyLogDirs()
  if (logDirs.length === 0 && problems.length > 0) throw problemError(problems[0]!.problem)
  return logDirs.map(({ partitions, ...dir }) => ({
    ...dir,
    replicas: partitions.filter(({ topic }) => isTopicCollected(topic)),
  }))
}

function readBackups(collection: Collection): Promise<Snapshot['backups']> | Snapshot['backups'] {
  const { readBackups: ask } = collection.options
  return ask === null ? never : read(collection, 'backups', ask)
}

function readServices(collection: Collection): Promise<Snapshot['services']> {
  const { readServices: ask } = collection.options
  if (ask === null) return Promise.resolve(collection.last.snapshot.services)
  return read(collection, 'services', ask)
}

function nextState(
  collection: Collection,
  parts: Parts,
  unread: CollectorState['unread'],
  isRecreated: (topic: string) => boolean,
): CollectorState {
  const { options, last, startedAtMs, attempted } = collection
  const before = last.snapshot
  const metadata = lastValue(parts.metadata)
  const isFresh = parts.metadata.problem === null && metadata !== null
  const seen = isFresh ? sightings(last.sightings, metadata.brokers.length, startedAtMs) : last.sightings
  const snapshot: Snapshot = {
    ...parts,
    cluster: options.cluster ?? metadata?.clusterId ?? '',
    startedAtMs,
    finishedAtMs: options.now(),
    expectedBrokers: options.expectedBrokers ?? Math.max(0, ...seen.map(({ count }) => count)),
    probe: before.probe,
    history: nextHistory(before, parts, attempted, isRecreated, startedAtMs),
  }
  const attemptedMs = new Map(last.attemptedMs)
  // Without metadata nothing else was asked for: it all is as soon as there is.
  for (const part of attempted) attemptedMs.set(part, startedAtMs)
  return { snapshot, attemptedMs, sightings: seen, unread }
}
