// The committed offsets of one group, and when they expire. Pure.
import type { ClassicGroup } from './classic-group.ts'
import { consumerProtocolType, isSubscribed } from './subscription.ts'
import type { CommittedOffset } from './types.ts'

export interface GroupOffsets {
  readonly topics: Map<string, Map<number, CommittedOffset>>
}

export interface OffsetRef {
  readonly topic: string
  readonly partition: number
}

export function createOffsets(): GroupOffsets {
  return { topics: new Map() }
}

export function getOffset(offsets: GroupOffsets, topic: string, partition: number): CommittedOffset | undefined {
  return offsets.topics.get(topic)?.get(partition)
}

/** Stores a value, or with undefined removes it. @returns what was there before */
export function setOffset(
  offsets: GroupOffsets,
  topic: string,
  partition: number,
  value: CommittedOffset | undefined,
): CommittedOffset | undefined {
  const before = getOffset(offsets, topic, partition)
  const partitions = offsets.topics.get(topic)
  if (value !== undefined) {
    if (partitions) partitions.set(partition, value)
    else offsets.topics.set(topic, new Map([[partition, value]]))
  } else if (partitions?.delete(partition) && partitions.size === 0) {
    offsets.topics.delete(topic)
  }
  return before
}

export function* eachOffset(offsets: GroupOffsets): Generator<OffsetRef & { readonly value: CommittedOffset }> {
  for (const [topic, partitions] of offsets.topics) {
    for (const [partition, value] of partitions) yield { topic, partition, value }
  }
}

/**
 * The offsets that have outlived `offsets.retention.minutes` (KIP-211). The clock starts
 * - when the group became empty, for a group with members once;
 * - at the commit, for a group that never had any, and for topics that a stable consumer group no longer reads.
 * Groups in a rebalance, and groups of other protocol types with members, keep everything.
 */
export function expiredOffsets(
  group: ClassicGroup,
  offsets: GroupOffsets,
  nowMs: number,
  retentionMs: number,
): readonly OffsetRef[] {
  const startOf = expiryStart(group)
  if (!startOf) return []
  const expired: OffsetRef[] = []
  for (const { topic, partition, value } of eachOffset(offsets)) {
    if (group.state !== 'Empty' && isSubscribed(group, topic)) continue
    const expiresMs = value.expireTimestampMs ?? startOf(value) + retentionMs
    if (nowMs >= expiresMs) expired.push({ topic, partition })
  }
  return expired
}

function expiryStart(group: ClassicGroup): ((value: CommittedOffset) => number) | undefined {
  if (group.protocolType === undefined) return (value) => value.commitTimestampMs
  if (group.state === 'Empty') return (value) => group.stateTimestampMs ?? value.commitTimestampMs
  if (group.state === 'Stable' && group.protocolType === consumerProtocolType && group.subscribedTopics) {
    return (value) => value.commitTimestampMs
  }
  return undefined
}
