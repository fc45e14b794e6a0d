// Records of `__consumer_offsets`: OffsetCommit and GroupMetadata records, whose keys and values are encoded as Kafka does, so that
// each can read the topic of the other. A null value is a tombstone: the offset, or the group, was removed.
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

/** The first versions with a tagged field. Every Kafka since 2.1 reads earlier ones. */
const flexibleValueVersion = 4

export function offsetRecord(group: string, topic: string, partition: number, value: CommittedOffset): GroupRecord {
  const key = encodeOffsetsKey({ kind: 'offset', group, topic, partition })
  const fields = {
    offset: value.offset,
    leaderEpoch: value.leaderEpoch,
    metadata: value.metadata,
    commitTimestamp: BigInt(value.commitTimestampMs),
  }
  // Only version 1 has a field for an offset's own expiry, and none for the leader epoch. Kafka does the same.
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

/** @throws ProtocolError when the bytes do not match their key */
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

/** Copies what it keeps: the bytes are a view of a batch whose memory is reused. */
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
