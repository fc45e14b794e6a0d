// Records of `__consumer_offsets`, in Kafka's own bytes: what a group's state looks like on disk.
//
// OffsetCommit and GroupMetadata records, keys and values as Kafka writes them, so that the topic can be read by Kafka
// and the other way round. A null value is a tombstone: the offset, or the group, is gone.
import {
  decodeGroupMetadataValue,
  decodeOffsetCommitValue,
  decodeOffsetsKey,
  encodeGroupMetadataValue,
  encodeOffsetCommitValue,
  encodeOffsetsKey,
  zeroUuid,
} from '@selfmonitor/protocol'
import type { GroupSnapshot } from './classic-group.ts'
import type { CommittedOffset, GroupRecord } from './types.ts'

export type DecodedRecord =
  | {
      readonly kind: 'offset'
      readonly group: string
      readonly topic: string
      readonly partition: number
      readonly value: CommittedOffset | null
    }
  | { readonly kind: 'group'; readonly group: string; readonly value: GroupSnapshot | null }
  /** Of the newer group protocols (KIP-848, KIP-932), which this broker does not serve. */
  | { readonly kind: 'other'; readonly type: number }

/** The first versions that carry a tagged field; earlier ones are read by every Kafka since 2.1. */
const flexibleValueVersion = 4

export function offsetRecord(group: string, topic: string, partition: number, value: CommittedOffset): GroupRecord {
  const key = encodeOffsetsKey({ kind: 'offset', group, topic, partition })
  const fields = {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestamp: BigInt(value.commitTimestampMs),
  }
  // Only version 1 has room for an expiry of the offset's own, at the price of the leader epoch. Kafka does the same.
  if (value.expireTimestampMs !== undefined) {
    const expireTimestamp = BigInt(value.expireTimestampMs)
    return { key, value: encodeOffsetCommitValue({ ...fields, expireTimestamp }, 1) }
  }
  if (value.topicId === undefined) return { key, value: encodeOffsetCommitValue(fields) }
  return { key, value: encodeOffsetCommitValue({ ...fields, topicId: value.topicId }, flexibleValueVersion) }
}

export function offsetTombstone(group: string, topic: string, partition: number): GroupRecord {
  return { key: encodeOffsetsKey({ kind: 'offset', group, topic, partition }), value: null }
}

export function groupRecord(group: string, snapshot: GroupSnapshot): GroupRecord {
  const value = encodeGroupMetadataValue({
    protocolType: snapshot.protocolType,
    generation: snapshot.generationId,
    protocol: snapshot.protocolName,
    leader: snapshot.leader,
    currentStateTimestamp: BigInt(snapshot.stateTimestampMs),
    members: snapshot.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeout: member.rebalanceTimeoutMs,
      sessionTimeout: member.sessionTimeoutMs,
      subscription: member.subscription,
      assignment: member.assignment,
    })),
  })
  return { key: encodeOffsetsKey({ kind: 'group', group }), value }
}

export function groupTombstone(group: string): GroupRecord {
  return { key: encodeOffsetsKey({ kind: 'group', group }), value: null }
}

/** @throws ProtocolError when the bytes are not what their key says */
export function decodeGroupRecord(keyBytes: Buffer, valueBytes: Buffer | null): DecodedRecord {
  const key = decodeOffsetsKey(keyBytes)
  switch (key.kind) {
    case 'other':
      return key
    case 'offset':
      return { ...key, value: valueBytes && decodeOffset(valueBytes) }
    case 'group':
      return { ...key, value: valueBytes && decodeGroup(valueBytes) }
  }
}

function decodeOffset(bytes: Buffer): CommittedOffset {
  const value = decodeOffsetCommitValue(bytes)
  return {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestampMs: Number(value.commitTimestamp),
    expireTimestampMs: value.expireTimestamp === -1n ? undefined : Number(value.expireTimestamp),
    topicId: value.topicId === zeroUuid ? undefined : value.topicId,
  }
}

/** Copies what it keeps: the bytes are a view of a batch that is about to go. */
function decodeGroup(bytes: Buffer): GroupSnapshot {
  const value = decodeGroupMetadataValue(bytes)
  return {
    protocolType: value.protocolType,
    generationId: value.generation,
    protocolName: value.protocol,
    leader: value.leader,
    stateTimestampMs: Number(value.currentStateTimestamp),
    members: value.members.map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      rebalanceTimeoutMs: member.rebalanceTimeout,
      sessionTimeoutMs: member.sessionTimeout,
      subscription: Buffer.from(member.subscription),
      assignment: Buffer.from(member.assignment),
    })),
  }
}
