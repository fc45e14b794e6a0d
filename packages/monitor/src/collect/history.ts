// What several snapshots tell together. Pure: the history before, what was read now, and the time.

import { groupKey, logDirKey } from '../snapshot/keys.ts'
import { lastValue } from '../snapshot/last-value.ts'
import { indexed, type ReadonlyPartitionMap } from '../snapshot/partition-map.ts'
import type {
  Group,
  GroupHistory,
  GroupPartition,
  GroupPartitionHistory,
  History,
  LogDir,
  Metadata,
  PartitionOffsets,
  Reading,
  Snapshot,
} from '../snapshot/types.ts'
import {
  brokerMemoryMs,
  diskPointEveryMs,
  diskWindowMs,
  flapWindowMs,
  velocityPointEveryMs,
  velocityWindowMs,
} from '../snapshot/windows.ts'

export function firstHistory(sinceMs: number): History {
  return {
    sinceMs,
    collections: { done: 0, failures: new Map() },
    groupPartitions: new Map(),
    groups: new Map(),
    topics: new Map(),
    logDirs: new Map(),
    brokersLastSeen: new Map(),
  }
}

/** Parts as they were before and are now; `before` is null the first time. */
export interface Change<T> {
  readonly before: T | null
  readonly now: T
}

/** The metadata that was read, after the one at `beforeAtMs`. */
export function brokersLastSeen(
  seen: History['brokersLastSeen'],
  { before, now }: Change<Metadata>,
  beforeAtMs: number,
  atMs: number,
): History['brokersLastSeen'] {
  const present = new Set(now.brokers.map(({ id }) => id))
  const missing = new Map([...seen].filter(([, lastMs]) => atMs - lastMs < brokerMemoryMs))
  for (const { id } of before?.brokers ?? []) missing.set(id, beforeAtMs)
  for (const id of present) missing.delete(id)
  return missing
}

/** The most brokers that were seen, newest last: a smaller number counts only once the larger ones before it are old. */
export function sightings(
  seen: readonly { readonly atMs: number; readonly count: number }[],
  count: number,
  atMs: number,
): { readonly atMs: number; readonly count: number }[] {
  return [...seen.filter((one) => one.count > count && atMs - one.atMs < brokerMemoryMs), { atMs, count }]
}

export function topicsHistory(
  known: History['topics'],
  metadata: Metadata,
  offsets: Change<readonly PartitionOffsets[]>,
  { atMs, elapsedMs }: { readonly atMs: number; readonly elapsedMs: number | null },
): History['topics'] {
  const before = indexed(offsets.before ?? [])
  const grown = new Map<string, bigint>()
  const total = new Map<string, bigint>()
  for (const { topic, partition, end } of offsets.now) {
    if (end === null) continue
    // A partition that was added since begins at 0; one that did not answer the last time tells nothing yet.
    const seen = before.get(topic, partition)
    const last = seen === undefined ? 0n : seen.end
    total.set(topic, (total.get(topic) ?? 0n) + end)
    if (last !== null && end > last) grown.set(topic, (grown.get(topic) ?? 0n) + end - last)
  }
  return new Map(
    metadata.topics.map(({ name, id }) => {
      const last = known.get(name)
      if (last === undefined) {
        return [name, { id, recreated: null, lastMessageMs: null, messages: 0n, messagesPerSecond: null }]
      }
      const isNew = last.id !== id
      const arrived = (isNew ? total : grown).get(name) ?? 0n
      return [
        name,
        {
          id,
          recreated: isNew ? { atMs, previousId: last.id, times: (last.recreated?.times ?? 0) + 1 } : last.recreated,
          lastMessageMs: arrived > 0n ? atMs : last.lastMessageMs,
          messages: last.messages + arrived,
          messagesPerSecond: elapsedMs === null || elapsedMs <= 0 ? null : (Number(arrived) * 1_000) / elapsedMs,
        },
      ]
    }),
  )
}

const rebalancing: ReadonlySet<string> = new Set([
  'PreparingRebalance',
  'CompletingRebalance',
  'Assigning',
  'Reconciling',
])

export function groupsHistory(
  known: History['groups'],
  { before, now }: Change<readonly Group[]>,
  atMs: number,
): History['groups'] {
  const last = new Map((before ?? []).map((group) => [group.groupId, group]))
  return new Map(
    now.map((group) => [group.groupId, groupHistory(known.get(group.groupId), last.get(group.groupId), group, atMs)]),
  )
}

function groupHistory(
  known: GroupHistory | undefined,
  before: Group | undefined,
  group: Group,
  atMs: number,
): GroupHistory {
  const isEmpty = group.members.length === 0
  if (known === undefined) {
    return { firstSeenMs: atMs, rebalances: 0, rebalancedAtMs: [], emptySinceMs: isEmpty ? atMs : null }
  }
  // Members that could not be read are those of the last time.
  if (group.problem !== null) return known
  const rebalances = before === undefined ? 0 : rebalancesBetween(before, group)
  return {
    firstSeenMs: known.firstSeenMs,
    rebalances: known.rebalances + rebalances,
    rebalancedAtMs: [...known.rebalancedAtMs, ...(rebalances > 0 ? [atMs] : [])].filter(
      (at) => atMs - at < flapWindowMs,
    ),
    emptySinceMs: isEmpty ? (known.emptySinceMs ?? atMs) : null,
  }
}

/** A lower epoch is that of a group that was deleted and created again. */
function rebalancesBetween(before: Group, now: Group): number {
  if (before.epoch !== null && now.epoch !== null) return now.epoch < before.epoch ? 1 : now.epoch - before.epoch
  return hasRebalanced(before, now) ? 1 : 0
}

function hasRebalanced(before: Group, now: Group): boolean {
  if (rebalancing.has(before.state)) {
    // One that was under way is counted already: unless members have come or gone since, or it is behind where it was.
    if (!rebalancing.has(now.state)) return false
    const hasBegunAgain = before.state === 'CompletingRebalance' && now.state === 'PreparingRebalance'
    return hasBegunAgain || memberIds(before) !== memberIds(now)
  }
  if (rebalancing.has(now.state)) return true
  return now.members.length > 0 && assignmentText(before) !== assignmentText(now)
}

const memberIds = ({ members }: Group): string =>
  members
    .map(({ memberId }) => memberId)
    .sort()
    .join('\n')

function assignmentText({ members }: Group): string {
  return members
    .map(({ memberId, assignment }) =>
      [memberId, ...assignment.map(({ topic, partitions }) => `${topic}:${partitions.join(',')}`)].join(' '),
    )
    .sort()
    .join('\n')
}

/** Where partitions begin and end. */
export type Bounds = ReadonlyPartitionMap<Pick<PartitionOffsets, 'start' | 'end'>>

/** @param isRecreated topics whose id has changed since the last time: their offsets begin anew */
export function groupPartitionsHistory(
  known: History['groupPartitions'],
  { before, now }: Change<readonly Group[]>,
  bounds: Change<Bounds>,
  isRecreated: (topic: string) => boolean,
  atMs: number,
): History['groupPartitions'] {
  const last = new Map((before ?? []).map((group) => [group.groupId, group]))
  const next = new Map<string, GroupPartitionHistory>()
  for (const { groupId, members, partitions } of now) {
    const group = last.get(groupId)
    const isIdle = members.length === 0 && group?.members.length === 0
    const rowsBefore = group?.partitions ?? []
    partitions.forEach(({ topic, partition, committed }, i) => {
      if (committed === null) return
      const key = groupKey(groupId, topic, partition)
      const at = bounds.now.get(topic, partition)
      const isNew = isRecreated(topic)
      next.set(
        key,
        partitionHistory(isNew ? undefined : known.get(key), {
          ...{ committed, isIdle, atMs },
          previous: (isNew ? null : rowOf(rowsBefore, topic, partition, i)?.committed) ?? committed,
          start: at?.start ?? null,
          startBefore: (isNew ? null : bounds.before?.get(topic, partition)?.start) ?? null,
          end: at?.end ?? null,
        }),
      )
    })
  }
  return next
}

/** Rows are in the order of topics and partitions, so that one mostly has the place it had the last time. */
function rowOf(
  rows: readonly GroupPartition[],
  topic: string,
  partition: number,
  likely: number,
): GroupPartition | undefined {
  const row = rows[likely]
  return row?.partition === partition && row.topic === topic ? row : indexed(rows).get(topic, partition)
}

interface Seen {
  readonly committed: bigint
  /** The committed offset of the last time. */
  readonly previous: bigint
  /** The group had no members then and has none now. */
  readonly isIdle: boolean
  readonly start: bigint | null
  readonly startBefore: bigint | null
  readonly end: bigint | null
  readonly atMs: number
}

function partitionHistory(last: GroupPartitionHistory | undefined, seen: Seen): GroupPartitionHistory {
  const { committed, previous, isIdle, end, atMs } = seen
  const hasMoved = committed !== previous
  // A group without members commits nothing: its offset was set from outside.
  const isReset = committed < previous || (hasMoved && isIdle)
  return {
    firstSeenMs: last?.firstSeenMs ?? atMs,
    movedAtMs: hasMoved ? atMs : (last?.movedAtMs ?? null),
    lost: (last?.lost ?? 0n) + lostNow(last !== undefined, seen),
    points: end === null ? (last?.points ?? []) : points(last?.points ?? [], { atMs, committed, end }),
    lastReset: isReset ? { atMs, from: previous, to: committed } : (last?.lastReset ?? null),
  }
}

/** What was deleted before the group had read it. The first time it is all between the offset and the log start. */
function lostNow(isKnown: boolean, { committed, start, startBefore }: Seen): bigint {
  if (start === null) return 0n
  const from = isKnown && startBefore !== null && startBefore > committed ? startBefore : committed
  return start > from ? start - from : 0n
}

type Points = GroupPartitionHistory['points']

/** One point a minute, and the newest. */
function points(known: Points, newest: Points[number]): Points {
  const recent = known.filter(({ atMs }) => newest.atMs - atMs <= velocityWindowMs)
  const isBetween = recent.length > 1 && recent.at(-1)!.atMs - recent.at(-2)!.atMs < velocityPointEveryMs
  return [...(isBetween ? recent.slice(0, -1) : recent), newest]
}

/** Of a broker that did not answer the points are kept while they are of use. */
export function logDirsHistory(
  known: History['logDirs'],
  logDirs: readonly LogDir[],
  atMs: number,
): History['logDirs'] {
  const next = new Map([...known].filter(([, points]) => atMs - points.at(-1)!.atMs <= diskWindowMs))
  for (const { brokerId, path, totalBytes, usableBytes } of logDirs) {
    if (totalBytes === null || usableBytes === null) continue
    const key = logDirKey(brokerId, path)
    const recent = (next.get(key) ?? []).filter((point) => atMs - point.atMs <= diskWindowMs)
    const isDue = recent.length === 0 || atMs - recent.at(-1)!.atMs >= diskPointEveryMs
    next.set(key, isDue ? [...recent, { atMs, usedBytes: totalBytes - usableBytes }] : recent)
  }
  return next
}

type Part = Exclude<
  keyof Snapshot,
  'cluster' | 'startedAtMs' | 'finishedAtMs' | 'expectedBrokers' | 'history' | 'probe'
>

/**
 * The history after a collection. What was not read now changes nothing.
 * @param attempted parts that were to be read
 */
export function nextHistory(
  before: Snapshot,
  now: Pick<Snapshot, Part>,
  attempted: ReadonlySet<Part>,
  isRecreated: (topic: string) => boolean,
  atMs: number,
): History {
  const { history } = before
  const isNew = (part: Part): boolean => attempted.has(part) && now[part].problem === null
  const metadata = isNew('metadata') ? lastValue(now.metadata) : null
  const offsets = isNew('offsets') ? lastValue(now.offsets) : null
  const groups = isNew('groups') ? lastValue(now.groups) : null
  const logDirs = isNew('logDirs') ? lastValue(now.logDirs) : null
  const beforeAtMs = before.metadata.state === 'read' ? before.metadata.atMs : atMs
  const offsetsBefore = lastValue(before.offsets)
  const bounds = {
    before: offsetsBefore === null ? null : indexed(offsetsBefore),
    now: indexed(lastValue(now.offsets) ?? []),
  }
  const groupsChange = groups && { before: lastValue(before.groups), now: groups }
  const read = (reading: Reading<unknown>): number | null => (reading.state === 'read' ? reading.atMs : null)
  return {
    sinceMs: history.sinceMs,
    collections: {
      done: history.collections.done + 1,
      failures: failuresAfter(history.collections.failures, now, attempted),
    },
    brokersLastSeen: metadata
      ? brokersLastSeen(
          history.brokersLastSeen,
          { before: lastValue(before.metadata), now: metadata },
          beforeAtMs,
          atMs,
        )
      : history.brokersLastSeen,
    topics:
      metadata && offsets
        ? topicsHistory(
            history.topics,
            metadata,
            { before: offsetsBefore, now: offsets },
            {
              atMs,
              elapsedMs: elapsed(read(before.offsets), read(now.offsets)),
            },
          )
        : history.topics,
    groups: groupsChange ? groupsHistory(history.groups, groupsChange, atMs) : history.groups,
    groupPartitions: groupsChange
      ? groupPartitionsHistory(history.groupPartitions, groupsChange, bounds, isRecreated, atMs)
      : history.groupPartitions,
    logDirs: logDirs ? logDirsHistory(history.logDirs, logDirs, atMs) : history.logDirs,
  }
}

const elapsed = (before: number | null, now: number | null): number | null =>
  before === null || now === null ? null : now - before

function failuresAfter(
  failures: ReadonlyMap<string, number>,
  now: Pick<Snapshot, Part>,
  attempted: ReadonlySet<Part>,
): ReadonlyMap<string, number> {
  const next = new Map(failures)
  for (const part of attempted) {
    const { problem } = now[part]
    // The cluster does not have it: that is not a failure.
    if (problem !== null && problem.code !== 'UNSUPPORTED_API') next.set(part, (next.get(part) ?? 0) + 1)
  }
  return next
}
