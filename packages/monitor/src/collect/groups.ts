// Groups as the snapshot has them, from what the survey read. Pure.
import type {
  GroupOffsets,
  GroupsSurvey,
  PartitionBounds,
  SurveyedGroup,
  TopicInfo,
  Unread,
  UnreadPosition,
} from '@selfmonitor/cluster'
import { indexed, PartitionMap } from '../snapshot/partition-map.ts'
import type { Group, GroupPartition, PartitionOffsets, UnreadRecord } from '../snapshot/types.ts'
import type { Bounds } from './history.ts'

/**
 * The groups that were listed, and those of brokers that did not list theirs, as they were: they are not gone.
 * @param previous by id
 */
export function listedGroups(survey: GroupsSurvey, previous: ReadonlyMap<string, Group>): (SurveyedGroup | Group)[] {
  const silent = new Map(survey.problems.map(({ brokerId, problem }) => [brokerId, problem]))
  const listed = new Set(survey.groups.map(({ groupId }) => groupId))
  const kept = [...previous.values()].flatMap((group) => {
    const problem = group.coordinatorId === null ? undefined : silent.get(group.coordinatorId)
    return problem === undefined || listed.has(group.groupId) ? [] : [{ ...group, problem }]
  })
  return kept.length === 0 ? [...survey.groups] : [...survey.groups, ...kept].sort(byId)
}

const byId = (a: { groupId: string }, b: { groupId: string }): number => (a.groupId < b.groupId ? -1 : 1)

/**
 * Adds what the groups have committed, before the lag is known. What could not be read is that of the last time.
 * @param isCollected partitions that are there and wanted
 */
export function withOffsets(
  groups: readonly (SurveyedGroup | Group)[],
  offsets: ReadonlyMap<string, GroupOffsets>,
  previous: ReadonlyMap<string, Group>,
  isCollected: (topic: string, partition: number) => boolean,
): Group[] {
  return groups.map((group): Group => {
    const last = previous.get(group.groupId)
    const read = offsets.get(group.groupId)
    const members = group.problem === null ? group.members : (last?.members ?? group.members)
    const epoch = group.problem === null ? group.epoch : (last?.epoch ?? null)
    const problem = group.problem ?? read?.problem ?? null
    if (read === undefined || read.problem !== null) {
      const partitions = (last?.partitions ?? []).filter(({ topic, partition }) => isCollected(topic, partition))
      return { ...group, epoch, members, partitions, problem }
    }
    const { groupId, type, state, protocolType, coordinatorId } = group
    const partitions = partitionsOf(read, members).filter(({ topic, partition }) => isCollected(topic, partition))
    return { groupId, type, state, protocolType, coordinatorId, epoch, members, partitions, problem }
  })
}

/** What the group has committed or has assigned, in order. A share group's lag is what its coordinator says. */
function partitionsOf({ offsets }: GroupOffsets, members: Group['members']): GroupPartition[] {
  const owners = new PartitionMap<string>()
  for (const { memberId, assignment } of members) {
    for (const { topic, partitions } of assignment) {
      for (const partition of partitions) owners.set(topic, partition, memberId)
    }
  }
  const rows = offsets.map(({ topic, partition, offset, lag }): GroupPartition => {
    const memberId = owners.get(topic, partition) ?? null
    return { topic, partition, committed: offset, lag, memberId, nextUnread: null }
  })
  const isCommitted = members.length === 0 ? null : PartitionMap.of(offsets)
  for (const { memberId, assignment } of members) {
    for (const { topic, partitions } of assignment) {
      for (const partition of partitions) {
        // Two members may both have a partition while a group rebalances: it is one row, of the one that counts above.
        if (isCommitted?.has(topic, partition) || owners.get(topic, partition) !== memberId) continue
        rows.push({ topic, partition, committed: null, lag: null, memberId, nextUnread: null })
      }
    }
  }
  return rows.sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1))
}

/** The lag of each partition, by ends that were read after the committed offsets. */
export function withLag(groups: readonly Group[], bounds: Bounds): Group[] {
  return groups.map((group) => ({
    ...group,
    partitions: group.partitions.map((row) => {
      const end = bounds.get(row.topic, row.partition)?.end ?? null
      if (row.committed === null || end === null) return { ...row, lag: null, nextUnread: null }
      const behind = end > row.committed ? end - row.committed : 0n
      return { ...row, lag: group.type === 'share' && row.lag !== null ? row.lag : behind, nextUnread: null }
    }),
  }))
}

/** What is known of the record at or after an offset. `nothing` holds up to the end that it was looked for. */
export interface KnownUnread {
  readonly found: UnreadRecord | 'none'
  readonly end: bigint
}

export interface Wanted {
  readonly key: string
  readonly position: UnreadPosition
}

export interface UnreadPlan {
  /** Not known yet, each once, however many groups are there. */
  readonly wanted: readonly Wanted[]
  /** By `unreadKey`. */
  readonly known: ReadonlyMap<string, KnownUnread>
  /** The `unreadKey` of each row of each group, by their places; undefined where nothing is looked for. */
  readonly keys: readonly (readonly (string | undefined)[])[]
}

const unreadKey = (topicId: string, partition: number, offset: bigint): string => `${offset} ${partition} ${topicId}`

/** Where the next unread record of a group's partition is looked for; undefined where there is none to look for. */
function unreadAt(group: Group, row: GroupPartition, bounds: Bounds): { offset: bigint; end: bigint } | undefined {
  // A share group has delivered some records behind its start offset: which one is next is not known.
  if (group.type === 'share' || row.committed === null || row.lag === null || row.lag === 0n) return undefined
  const bound = bounds.get(row.topic, row.partition)
  if (bound?.end == null) return undefined
  const start = bound.start ?? row.committed
  return { offset: row.committed > start ? row.committed : start, end: bound.end }
}

/** Which records are to be read: those at offsets that were not read before. */
export function planUnread(
  groups: readonly Group[],
  bounds: Bounds,
  topics: readonly TopicInfo[],
  known: ReadonlyMap<string, KnownUnread>,
): UnreadPlan {
  const byName = new Map(topics.map((topic) => [topic.name, topic]))
  const kept = new Map<string, KnownUnread>()
  const wanted = new Map<string, Wanted>()
  const keys = groups.map((group) =>
    group.partitions.map((row) => {
      const at = unreadAt(group, row, bounds)
      const topic = byName.get(row.topic)
      const place = topic?.partitions[row.partition]
      if (at === undefined || topic === undefined || place === undefined) return undefined
      const key = unreadKey(topic.id, row.partition, at.offset)
      const last = known.get(key)
      if (last !== undefined && (last.found !== 'none' || last.end >= at.end)) kept.set(key, last)
      else {
        const { topic: name, partition } = row
        const position = { topic: name, topicId: topic.id, partition, leader: place.leader, ...at }
        wanted.set(key, { key, position })
      }
      return key
    }),
  )
  return { wanted: [...wanted.values()], known: kept, keys }
}

/** @param found in the order of `plan.wanted` */
export function afterUnread(plan: UnreadPlan, found: readonly Unread[]): ReadonlyMap<string, KnownUnread> {
  if (plan.wanted.length === 0) return plan.known
  const known = new Map(plan.known)
  plan.wanted.forEach(({ key, position }, i) => {
    const one = found[i]
    if (one?.kind === 'nothing') known.set(key, { found: 'none', end: position.end })
    // Kafka's time for none is -1.
    if (one?.kind !== 'record' || one.timestampMs < 0) return
    const { offset, timestampMs, timestampType } = one
    known.set(key, { found: { offset, timestampMs, timestampType }, end: position.end })
  })
  return known
}

/** @param groups those of the plan, in its order */
export function withUnread(
  groups: readonly Group[],
  { keys }: UnreadPlan,
  known: ReadonlyMap<string, KnownUnread>,
): Group[] {
  return groups.map((group, i) => ({
    ...group,
    partitions: group.partitions.map((row, j) => {
      const key = keys[i]![j]
      return key === undefined ? row : { ...row, nextUnread: known.get(key)?.found ?? null }
    }),
  }))
}

/** The partitions' offsets; those that did not answer keep their last ones. */
export function mergeOffsets(
  read: readonly PartitionBounds[],
  previous: readonly PartitionOffsets[],
  isRecreated: (topic: string) => boolean,
): PartitionOffsets[] {
  if (read.every(({ problem }) => problem === null)) return [...read]
  const last = indexed(previous)
  return read.map((one) => {
    const before = isRecreated(one.topic) ? undefined : last.get(one.topic, one.partition)
    if (one.problem === null || before === undefined) return one
    const { start, end, lastStable } = before
    return { ...one, start: one.start ?? start, end: one.end ?? end, lastStable: one.lastStable ?? lastStable }
  })
}
