// Restores groups and offsets by replaying `__consumer_offsets`: the last record of each key counts.
import { type ClassicGroup, createGroup, type GroupSnapshot, type Member } from './classic-group.ts'
import { createOffsets, type GroupOffsets, setOffset } from './offsets.ts'
import { type DecodedRecord, decodeGroupRecord } from './records.ts'
import { subscribedTopicsOf } from './subscription.ts'
import type { DamagedPartition, GroupLog, ReplayedBatch } from './types.ts'

export interface LoadedGroup {
  readonly group: ClassicGroup
  readonly offsets: GroupOffsets
  /** As it was last written. */
  readonly snapshot: GroupSnapshot | undefined
}

/** A damaged partition with the groups in its readable batches; the other batches may have had more groups. */
export interface DamagedGroups extends DamagedPartition {
  readonly groupIds: readonly string[]
}

export interface LoadResult {
  /** Without the groups of damaged partitions, whose newest state may be lost. */
  readonly groups: Map<string, LoadedGroup>
  readonly damaged: readonly DamagedGroups[]
  /** The number of records of each partition that has any. */
  readonly records: ReadonlyMap<number, number>
  /** Records that this broker does not use: of newer group protocols, or of transactions that never ended. */
  readonly ignored: number
  /** The problems of records that cannot be decoded. */
  readonly unreadable: readonly string[]
}

interface Loading {
  readonly offsets: Map<string, GroupOffsets>
  readonly snapshots: Map<string, GroupSnapshot>
  /** Offsets committed in transactions that have not ended yet, by partition and producer. */
  readonly open: Map<string, DecodedRecord[]>
  readonly unreadable: string[]
  ignored: number
}

/**
 * Reads everything. A damaged partition is left out completely: with offsets from before the damage, consumers would handle events
 * again.
 * @param nowMs when the sessions of restored members start
 * @param partitionFor the partition that a group belongs to
 */
export async function loadGroups(
  log: GroupLog,
  nowMs: number,
  partitionFor: (groupId: string) => number,
): Promise<LoadResult> {
  const loading: Loading = { offsets: new Map(), snapshots: new Map(), open: new Map(), unreadable: [], ignored: 0 }
  const records = new Map<number, number>()
  const damaged = await log.replay((partition, batch) => {
    records.set(partition, (records.get(partition) ?? 0) + batch.records.length)
    replayBatch(loading, partition, batch)
  })
  for (const pending of loading.open.values()) loading.ignored += pending.length

  const groups = new Map<string, LoadedGroup>()
  const lost = new Map<number, string[]>(damaged.map(({ partition }) => [partition, []]))
  for (const groupId of new Set([...loading.snapshots.keys(), ...loading.offsets.keys()])) {
    const ofDamaged = lost.get(partitionFor(groupId))
    if (ofDamaged) {
      ofDamaged.push(groupId)
      continue
    }
    const snapshot = loading.snapshots.get(groupId)
    const group = snapshot ? restoreGroup(groupId, snapshot, nowMs) : createGroup(groupId, undefined)
    groups.set(groupId, { group, offsets: loading.offsets.get(groupId) ?? createOffsets(), snapshot })
  }
  for (const { partition } of damaged) records.delete(partition)
  return {
    groups,
    damaged: damaged.map((partition) => ({ ...partition, groupIds: lost.get(partition.partition)! })),
    records,
    ignored: loading.ignored,
    unreadable: loading.unreadable,
  }
}

function replayBatch(loading: Loading, partition: number, batch: ReplayedBatch): void {
  const producer = `${partition}/${batch.producerId}`
  if (batch.control !== undefined) {
    const pending = loading.open.get(producer) ?? []
    loading.open.delete(producer)
    if (batch.control === 'commit') for (const record of pending) apply(loading, record)
    return
  }
  for (const { key, value } of batch.records) {
    const record = decode(loading, partition, key, value)
    if (!record) continue
    if (!batch.isTransactional) apply(loading, record)
    else if (loading.open.has(producer)) loading.open.get(producer)!.push(record)
    else loading.open.set(producer, [record])
  }
}

function decode(
  loading: Loading,
  partition: number,
  key: Buffer | null,
  value: Buffer | null,
): DecodedRecord | undefined {
  if (!key) {
    loading.unreadable.push(`partition ${partition}: a record without a key`)
    return undefined
  }
  try {
    return decodeGroupRecord(key, value)
  } catch (error) {
    loading.unreadable.push(`partition ${partition}: ${error instanceof Error ? error.message : String(error)}`)
    return undefined
  }
}

function apply(loading: Loading, record: DecodedRecord): void {
  switch (record.kind) {
    case 'other':
      loading.ignored++
      break
    case 'group':
      if (record.value) loading.snapshots.set(record.group, record.value)
      else loading.snapshots.delete(record.group)
      break
    case 'offset': {
      let offsets = loading.offsets.get(record.group)
      if (!offsets) {
        offsets = createOffsets()
        loading.offsets.set(record.group, offsets)
      }
      setOffset(offsets, record.topic, record.partition, record.value ?? undefined)
      if (offsets.topics.size === 0) loading.offsets.delete(record.group)
      break
    }
  }
}

/** The group as it was when it was last stable or became empty. Its members get a full session to rejoin. */
export function restoreGroup(groupId: string, snapshot: GroupSnapshot, nowMs: number): ClassicGroup {
  const group = createGroup(groupId, snapshot.stateTimestampMs === -1 ? undefined : snapshot.stateTimestampMs)
  group.protocolType = snapshot.protocolType === '' ? undefined : snapshot.protocolType
  group.protocolName = snapshot.protocolName ?? undefined
  group.generationId = snapshot.generationId
  group.leaderId = snapshot.leader ?? undefined
  for (const stored of snapshot.members) {
    const member: Member = {
      memberId: stored.memberId,
      groupInstanceId: stored.groupInstanceId,
      clientId: stored.clientId,
      clientHost: stored.clientHost,
      sessionTimeoutMs: stored.sessionTimeoutMs,
      rebalanceTimeoutMs: stored.rebalanceTimeoutMs === -1 ? stored.sessionTimeoutMs : stored.rebalanceTimeoutMs,
      protocols: snapshot.protocolName === null ? [] : [{ name: snapshot.protocolName, metadata: stored.subscription }],
      assignment: stored.assignment,
      joinWaiter: undefined,
      syncWaiter: undefined,
      isNew: false,
      deadlineMs: nowMs + stored.sessionTimeoutMs,
    }
    group.members.set(member.memberId, member)
    if (member.groupInstanceId !== null) group.staticMembers.set(member.groupInstanceId, member.memberId)
  }
  if (group.members.size > 0) group.state = 'Stable'
  group.subscribedTopics = subscribedTopicsOf(group)
  return group
}
