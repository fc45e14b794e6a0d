// The point of a backup that is restored: which manifest, up to where in each partition, and what is left out.
import type { ReadBatch } from '@selfmonitor/cluster'
import { asOf } from '../format/as-of.ts'
import { BackupError } from '../format/backup-error.ts'
import { coverageFindings, type Finding } from '../format/coverage.ts'
import { manifestNumbers, readIndex, readManifest, readState } from '../format/manifests.ts'
import type { BackupStore } from '../format/sealing.ts'
import { readSegment } from '../format/segments.ts'
import {
  type Behind,
  noteBatch,
  type SeenTransactions,
  straddling,
  transactionWindowMs,
} from '../format/transactions.ts'
import { recordsBetween, trimBatch } from '../format/trim.ts'
import type {
  BackedUpTopic,
  ClusterState,
  GroupState,
  Manifest,
  Segment,
  StraddlingRecords,
  TopicState,
} from '../format/types.ts'

/**
 * `latest`: the newest backup. `number`: that backup. `time`: what the logs held at that time, milliseconds since the epoch. `before`:
 * what they held just before a record, all others by its time.
 */
export type RestorePoint =
  | { readonly kind: 'latest' }
  | { readonly kind: 'number'; readonly number: number }
  | { readonly kind: 'time'; readonly timestampMs: number }
  | { readonly kind: 'before'; readonly record: RecordPlace }

/** Where a record is. */
export interface RecordPlace {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  readonly offset: bigint
  readonly timestampMs: number
}

/** A time, and perhaps the end of one partition. */
interface Moment {
  readonly timestampMs: number
  readonly before: RecordPlace | null
}

/** null: not a time but a backup. */
function momentOf(point: RestorePoint): Moment | null {
  if (point.kind === 'time') return { timestampMs: point.timestampMs, before: null }
  if (point.kind === 'before') return { timestampMs: point.record.timestampMs - 1, before: point.record }
  return null
}

/** The part of one partition that is restored. */
export interface Selection {
  readonly topic: string
  readonly partition: number
  /** Rising, without overlap. */
  readonly segments: readonly Segment[]
  readonly from: bigint
  /** Exclusive. */
  readonly cut: bigint
  /** Of transactions that are not complete at the cut. */
  readonly excluded: readonly StraddlingRecords[]
}

export interface RestoreSource {
  readonly manifest: Manifest
  readonly topics: readonly TopicState[]
  /** As of `groupsAtMs`, which is not after the point. null: there are none that are old enough, or they could not be read. */
  readonly groups: readonly GroupState[] | null
  readonly groupsAtMs: number
  /** What the backup could not read when it was taken. */
  readonly problems: ClusterState['problems']
  /** By topic id. */
  readonly selections: ReadonlyMap<string, readonly Selection[]>
  readonly warnings: readonly string[]
  /** Of topics, by id, whose segments are not what the manifest says. */
  readonly findings: ReadonlyMap<string, readonly Finding[]>
}

/** @throws BackupError NO_BACKUP, DAMAGED, NEWER_FORMAT, SEALED; StoreError */
export async function openSource(store: BackupStore, clusterId: string, point: RestorePoint): Promise<RestoreSource> {
  const { manifest: chosen, before, later } = await chooseManifests(store, clusterId, point)
  const moment = momentOf(point)
  const { manifest, whole } = await withLaterTopics(
    store,
    clusterId,
    chosen,
    await openManifest(store, chosen),
    later,
    moment,
  )
  if (moment === null) {
    const { groups, groupsAtMs, problems } = whole.state
    const { topics, selections, findings } = whole
    return { manifest, topics, selections, findings, groups, groupsAtMs, problems, warnings: [] }
  }
  const selections = await cutAt(store, whole.selections, moment)
  const source = { manifest, topics: whole.topics, selections, findings: whole.findings }
  // Without a backup from before the time nothing is known of the groups at it: a later place would skip events.
  if (before === null) {
    const text = `no backup is older than ${iso(moment.timestampMs)}: groups do not get their positions back`
    const problems = whole.state.problems.filter(({ part }) => !part.startsWith('group'))
    return { ...source, groups: null, groupsAtMs: moment.timestampMs, problems, warnings: [text] }
  }
  const opened = await openManifest(store, before)
  // What was changed after the time, perhaps by the mistake that is to be undone, is not in force.
  const configs = new Map(opened.state.topics.map(({ id, config }) => [id, config]))
  const topics = source.topics.map((topic) => ({ ...topic, config: configs.get(topic.id) ?? topic.config }))
  const earlier = await withEarlierTopics(store, { ...source, topics }, opened, moment)
  // Groups are those of the backup before the time, everything else is from the one behind it.
  const ofGroups = earlier.problems.filter(({ part }) => part.startsWith('group'))
  return {
    ...earlier,
    problems: [...whole.state.problems.filter(({ part }) => !part.startsWith('group')), ...ofGroups],
  }
}

/**
 * What a backup has beside records, without a look at these. For a time it is what the backup before it has: what was changed after the
 * time is not in it.
 * @throws BackupError NO_BACKUP, DAMAGED, NEWER_FORMAT, SEALED; StoreError
 */
export async function openState(
  store: BackupStore,
  clusterId: string,
  point: RestorePoint,
): Promise<{ readonly manifest: Manifest; readonly state: ClusterState }> {
  const chosen = await chooseManifests(store, clusterId, point)
  const manifest = chosen.before ?? chosen.manifest
  return { manifest, state: await readState(store, manifest) }
}

interface Opened extends Pick<RestoreSource, 'findings'> {
  readonly state: ClusterState
  readonly topics: readonly TopicState[]
  readonly selections: ReadonlyMap<string, readonly Selection[]>
}

/** What a manifest has, whole. */
async function openManifest(store: BackupStore, manifest: Manifest): Promise<Opened> {
  const state = await readState(store, manifest)
  const all = await readIndex(store, manifest)
  const byPartition = Map.groupBy(all, (segment) => `${segment.partition}:${segment.topicId}`)
  const byTopic = Map.groupBy(all, ({ topicId }) => topicId)
  const findings = new Map(
    manifest.topics.map((topic) => [topic.id, coverageFindings([topic], byTopic.get(topic.id) ?? [])]),
  )
  const selections = new Map(
    manifest.topics.map(({ name, id, partitions }) => [
      id,
      partitions.map(({ partition, start, end }): Selection => {
        const segments = (byPartition.get(`${partition}:${id}`) ?? []).filter(({ from }) => from < end)
        const excluded = manifest.straddling.filter((one) => one.topic === name && one.partition === partition)
        return { topic: name, partition, segments, from: start, cut: end, excluded }
      }),
    ]),
  )
  return { state, topics: state.topics.filter(({ id }) => selections.has(id)), selections, findings }
}

/**
 * A run for other topics leaves a topic as an earlier backup has it, perhaps from before the time: then the first later backup that has it
 * up to the time is taken for it.
 * @param later numbers of the backups behind the manifest, rising
 */
async function withLaterTopics(
  store: BackupStore,
  clusterId: string,
  manifest: Manifest,
  whole: Opened,
  later: readonly number[],
  moment: Moment | null,
): Promise<{ readonly manifest: Manifest; readonly whole: Opened }> {
  if (moment === null) return { manifest, whole }
  const isOlder = (of: Manifest, topic: BackedUpTopic): boolean => (asOf(of, topic) ?? 0) < moment.timestampMs
  const older = new Set(manifest.topics.filter((topic) => isOlder(manifest, topic)).map(({ id }) => id))
  const found = new Map<string, BackedUpTopic>()
  const [selections, findings] = [new Map(whole.selections), new Map(whole.findings)]
  for (const number of later) {
    if (older.size === 0) break
    const behind = (await readManifest(store, clusterId, number)).manifest
    const now = behind.topics.filter((topic) => older.has(topic.id) && !isOlder(behind, topic))
    if (now.length === 0) continue
    const opened = await openManifest(store, behind)
    for (const topic of now) {
      older.delete(topic.id)
      // The time of the manifest that is left would count for it otherwise.
      found.set(topic.id, {
        ...topic,
        partitions: topic.partitions.map(({ asOfMs = behind.cutAtMs, ...one }) => ({ ...one, asOfMs })),
      })
      selections.set(topic.id, opened.selections.get(topic.id)!)
      findings.set(topic.id, opened.findings.get(topic.id)!)
    }
  }
  return {
    manifest: { ...manifest, topics: manifest.topics.map((topic) => found.get(topic.id) ?? topic) },
    whole: { ...whole, selections, findings, state: { ...whole.state, problems: problemsBut(whole.state, found) } },
  }
}

/** Without those of topics that a later backup has. */
function problemsBut({ problems }: ClusterState, found: ReadonlyMap<string, BackedUpTopic>): ClusterState['problems'] {
  const names = new Set([...found.values()].map(({ name }) => name))
  return problems.filter(({ part }) => !names.has(/^topic (\S+)/.exec(part)?.[1] ?? ''))
}

/**
 * Topics that were deleted between the time and the first backup after it are in the backup before the time only, up to that backup.
 * One that was created again has the same name there and another id: what it is now was empty at the time, or began before it.
 */
async function withEarlierTopics(
  store: BackupStore,
  source: Pick<RestoreSource, 'manifest' | 'topics' | 'selections' | 'findings'>,
  before: Opened,
  moment: Moment,
): Promise<RestoreSource> {
  const { timestampMs } = moment
  const topics = [...source.topics]
  const selections = new Map(source.selections)
  const warnings: string[] = []
  for (const topic of before.topics) {
    if (selections.has(topic.id)) continue
    const successor = topics.find(({ name }) => name === topic.name)
    if (successor !== undefined) {
      const own = selections.get(successor.id)!
      const counts = await Promise.all(own.map((selection) => recordsBefore(store, selection, selection.cut)))
      if (counts.some((count) => count > 0n)) {
        warnings.push(`topic ${topic.name} was created again before ${iso(timestampMs)}: this is the new one`)
        continue
      }
      topics.splice(topics.indexOf(successor), 1)
      selections.delete(successor.id)
    }
    topics.push(topic)
    const earlier = await cutAt(store, new Map([[topic.id, before.selections.get(topic.id)!]]), moment)
    selections.set(topic.id, earlier.get(topic.id)!)
    warnings.push(
      `topic ${topic.name} was deleted after the backup before ${iso(timestampMs)}, and is restored up to that backup`,
    )
  }
  const { groups, groupsAtMs, problems } = before.state
  const findings = new Map([...before.findings, ...source.findings])
  return { manifest: source.manifest, topics, selections, findings, groups, groupsAtMs, problems, warnings }
}

async function chooseManifests(
  store: BackupStore,
  clusterId: string,
  point: RestorePoint,
): Promise<{ manifest: Manifest; before: Manifest | null; later: readonly number[] }> {
  const numbers = await manifestNumbers(store, clusterId)
  const newest = numbers.at(-1)
  if (newest === undefined) throw new BackupError('NO_BACKUP', `${store.address} has no backup of cluster ${clusterId}`)
  if (point.kind === 'latest' || point.kind === 'number') {
    const wanted = point.kind === 'latest' ? newest : point.number
    if (!numbers.includes(wanted)) {
      throw new BackupError('NO_BACKUP', `${store.address} has no backup ${wanted} of cluster ${clusterId}`, {
        hint: `It has ${numbers[0]} to ${newest}.`,
      })
    }
    const { manifest } = await readManifest(store, clusterId, wanted)
    return { manifest, before: null, later: [] }
  }
  const { outOfTime = [] } = (await readManifest(store, clusterId, newest)).manifest
  const timed = numbers.filter((number) => !outOfTime.includes(number))
  const chosen = await chooseByTime(store, clusterId, timed, momentOf(point)!)
  return { ...chosen, later: timed.filter((number) => number > chosen.manifest.number) }
}

/** The first backup that has everything up to the time; and the last one before, for the groups: as they were not after the time. */
async function chooseByTime(
  store: BackupStore,
  clusterId: string,
  numbers: readonly number[],
  { timestampMs, before }: Moment,
): Promise<{ manifest: Manifest; before: Manifest | null }> {
  const firstThat = async (from: number, holds: (manifest: Manifest) => boolean) => {
    let [low, high] = [from, numbers.length]
    let found: Manifest | null = null
    let last: Manifest | null = null
    while (low < high) {
      const middle = (low + high) >> 1
      const { manifest } = await readManifest(store, clusterId, numbers[middle]!)
      if (holds(manifest)) [found, high] = [manifest, middle]
      else [last, low] = [manifest, middle + 1]
    }
    return { at: low, found, last }
  }
  const behind = await firstThat(0, ({ cutAtMs }) => cutAtMs >= timestampMs)
  const { found, last } = await firstThat(behind.at, (manifest) => reaches(manifest, before))
  if (found === null) {
    const newest = last ?? behind.last
    throw new BackupError(
      'NO_BACKUP',
      `the newest backup in ${store.address} is of ${iso(newest!.cutAtMs)}, before ${iso(timestampMs)}`,
      { hint: 'Restore the newest backup, or take one now if the cluster still has the events.' },
    )
  }
  return { manifest: found, before: behind.last }
}

/** A record may have come after the time that its producer gave it. */
function reaches({ topics }: Manifest, place: RecordPlace | null): boolean {
  if (place === null) return true
  const topic = topics.find(({ id }) => id === place.topicId)
  return topic?.partitions.some(({ partition, end }) => partition === place.partition && end >= place.offset) ?? false
}

export const iso = (timestampMs: number): string => new Date(timestampMs).toISOString()

/** Ends each partition before its first record that is younger than the time, as Kafka's own look-up by time does. */
async function cutAt(
  store: BackupStore,
  whole: ReadonlyMap<string, readonly Selection[]>,
  { timestampMs, before }: Moment,
): Promise<Map<string, Selection[]>> {
  const cut = new Map<string, Selection[]>()
  for (const [id, selections] of whole) {
    const own: Selection[] = []
    for (const selection of selections) {
      const isOwn = before !== null && before.topicId === id && before.partition === selection.partition
      const end = isOwn ? before.offset : await offsetAfter(store, selection, timestampMs)
      own.push({ ...selection, cut: end < selection.cut ? end : selection.cut })
    }
    cut.set(id, own)
  }
  const all = [...cut.values()].flat()
  const excluded = await straddlingAt(store, all, timestampMs)
  return new Map(
    [...cut].map(([id, selections]) => [
      id,
      selections.map((selection) => ({
        ...selection,
        excluded: [
          ...selection.excluded,
          ...excluded.filter(({ topic, partition }) => topic === selection.topic && partition === selection.partition),
        ],
      })),
    ]),
  )
}

/** @returns the first record that is younger than the time; where the selection ends, if there is none */
export async function offsetAfter(
  store: BackupStore,
  { segments, from, cut }: Selection,
  timestampMs: number,
): Promise<bigint> {
  for (const segment of segments) {
    if (segment.maxTimestampMs === null || segment.maxTimestampMs <= timestampMs) continue
    for (const batch of await readSegment(store, segment)) {
      if (batch.header.isControl || Number(batch.header.maxTimestamp) <= timestampMs) continue
      for (const record of await recordsBetween(batch, from, cut)) {
        if (record.timestampMs > timestampMs) return record.offset
      }
    }
  }
  return cut
}

async function straddlingAt(
  store: BackupStore,
  selections: readonly Selection[],
  timestampMs: number,
): Promise<StraddlingRecords[]> {
  const seen: SeenTransactions = new Map()
  const behind: Behind[] = []
  for (const { topic, partition, segments, cut } of selections) {
    for (const segment of segments) {
      if (segment.transactional === 0 || !isNear(segment, cut, timestampMs)) continue
      for (const batch of await readSegment(store, segment)) {
        const { baseOffset, isTransactional, isControl, producerId, producerEpoch, baseTimestamp } = batch.header
        if (baseOffset < cut) noteBatch(seen, topic, partition, batch, timestampMs - transactionWindowMs)
        else if (isTransactional && !isControl) {
          behind.push({ producerId, producerEpoch, timestampMs: Number(baseTimestamp) })
        }
      }
    }
  }
  return straddling(seen, behind, [])
}

function isNear({ from, next, minTimestampMs, maxTimestampMs }: Segment, cut: bigint, timestampMs: number): boolean {
  if (from <= cut && cut <= next) return true
  if (minTimestampMs === null || maxTimestampMs === null) return true
  return minTimestampMs <= timestampMs + transactionWindowMs && maxTimestampMs >= timestampMs - transactionWindowMs
}

/** The batches of the selection, in their order, each with at least one record and with nothing that is left out. */
export async function* selectedBatches(store: BackupStore, selection: Selection): AsyncGenerator<ReadBatch, void> {
  const { segments, from, cut } = selection
  const wanted = segments.filter((segment) => segment.next > from && segment.from < cut && segment.records > 0)
  // The next segment is read while this one is used.
  let ahead = readAhead(store, wanted[0])
  for (const [at] of wanted.entries()) {
    const batches = await ahead
    ahead = readAhead(store, wanted[at + 1])
    for (const batch of batches!) {
      const selected = await select(batch, selection)
      if (selected !== null) yield selected
    }
  }
}

function readAhead(store: BackupStore, segment: Segment | undefined): Promise<ReadBatch[] | null> {
  if (segment === undefined) return Promise.resolve(null)
  const reading = readSegment(store, segment)
  // Its error is thrown where it is awaited.
  reading.catch(() => {})
  return reading
}

async function select(batch: ReadBatch, { from, cut, excluded }: Selection): Promise<ReadBatch | null> {
  const { header } = batch
  const { baseOffset, lastOffsetDelta, isControl } = header
  const next = baseOffset + BigInt(lastOffsetDelta) + 1n
  if (isControl || next <= from || baseOffset >= cut || excluded.some((one) => isOf(one, batch))) return null
  return baseOffset >= from && next <= cut ? batch : trimBatch(batch, from, cut)
}

function isOf({ producerId, producerEpoch, from, next }: StraddlingRecords, { header }: ReadBatch): boolean {
  return (
    header.isTransactional &&
    header.producerId === producerId &&
    header.producerEpoch === producerEpoch &&
    header.baseOffset >= from &&
    header.baseOffset < next
  )
}

/**
 * How many records of the selection lie before an offset: where a group that has committed the offset goes on in a log that holds
 * nothing but the selection. A committed offset is the next one to read, so no record at or behind it is skipped, also where offsets
 * have no record.
 */
export async function recordsBefore(store: BackupStore, selection: Selection, offset: bigint): Promise<bigint> {
  return (await recordsBeforeEach(store, selection, [offset])).get(offset)!
}

/** As `recordsBefore`, of many offsets: every segment is read at most once, and only where it does not lie between two of them. */
export async function recordsBeforeEach(
  store: BackupStore,
  selection: Selection,
  offsets: readonly bigint[],
): Promise<Map<bigint, bigint>> {
  const { segments, from, cut, excluded } = selection
  const within = (offset: bigint): bigint => (offset < cut ? offset : cut)
  const places = [...new Set(offsets.map(within))].sort((a, b) => (a < b ? -1 : 1))
  const counts = new Map<bigint, bigint>()
  let at = 0
  let count = 0n
  for (const segment of segments) {
    for (; at < places.length && places[at]! <= segment.from; at++) counts.set(places[at]!, count)
    if (at === places.length) break
    if (segment.next <= from || segment.records === 0) continue
    const isWhole = segment.from >= from && segment.next <= places[at]!
    if (isWhole && !excluded.some((one) => one.from < segment.next && one.next > segment.from)) {
      count += BigInt(segment.records)
      continue
    }
    for (const batch of await readSegment(store, segment)) {
      const { baseOffset, lastOffsetDelta } = batch.header
      const next = baseOffset + BigInt(lastOffsetDelta) + 1n
      if (at < places.length && places[at]! < next) {
        const records = await selectedOffsets(batch, selection)
        for (; at < places.length && places[at]! < next; at++) {
          counts.set(places[at]!, count + BigInt(records.filter((offset) => offset < places[at]!).length))
        }
      }
      if (at === places.length) break
      const selected = await select(batch, selection)
      if (selected !== null) count += BigInt(selected.header.recordsCount)
    }
  }
  for (; at < places.length; at++) counts.set(places[at]!, count)
  return new Map(offsets.map((offset) => [offset, counts.get(within(offset))!]))
}

async function selectedOffsets(batch: ReadBatch, { from, cut, excluded }: Selection): Promise<bigint[]> {
  if (batch.header.isControl || excluded.some((one) => isOf(one, batch))) return []
  return (await recordsBetween(batch, from, cut)).map(({ offset }) => offset)
}
