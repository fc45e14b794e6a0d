// Data that is not a request or a response: what lies in __consumer_offsets, and what consumers send each other.
import type { Decoded, Encodable } from '../codec/index.ts'
import { Reader, read, Writer, write } from '../codec/index.ts'
import { groupMetadataKey, groupMetadataValue, offsetCommitKey, offsetCommitValue } from './consumer-offsets.ts'
import { consumerProtocolAssignment, consumerProtocolSubscription } from './consumer-protocol.ts'
import { decodeAppendable, decodeVersioned, encodeVersioned, type Versioned } from './versioned.ts'

export * from './consumer-offsets.ts'
export * from './consumer-protocol.ts'
export type { Versioned } from './versioned.ts'

/** The newest version that every Kafka since 2.1 reads; Kafka itself writes it unless it has a topic id to store. */
const offsetCommitValueVersion = 3
/** The newest version that every Kafka since 2.3 reads. */
const groupMetadataValueVersion = 3

/** The key of a record in __consumer_offsets. */
export type OffsetsKey =
  | { readonly kind: 'offset'; readonly group: string; readonly topic: string; readonly partition: number }
  | { readonly kind: 'group'; readonly group: string }
  /** A record of the newer group protocols, or of a newer Kafka. */
  | { readonly kind: 'other'; readonly type: number }

/** Types of keys, an int16 in front; 0 is the offset of ancient brokers, laid out like 1. */
const keyTypes = { legacyOffset: 0, offset: 1, group: 2 } as const

/** @throws ProtocolError */
export function encodeOffsetsKey(key: Exclude<OffsetsKey, { kind: 'other' }>): Buffer {
  const writer = new Writer(128)
  writer.int16(keyTypes[key.kind])
  if (key.kind === 'offset') write(offsetCommitKey, 0, writer, key)
  else write(groupMetadataKey, 0, writer, key)
  return Buffer.concat(writer.finish())
}

/** @throws ProtocolError */
export function decodeOffsetsKey(buffer: Buffer): OffsetsKey {
  const reader = new Reader(buffer)
  const type = reader.int16()
  switch (type) {
    case keyTypes.legacyOffset:
    case keyTypes.offset:
      return { kind: 'offset', ...read(offsetCommitKey, 0, reader) }
    case keyTypes.group:
      return { kind: 'group', ...read(groupMetadataKey, 0, reader) }
    default:
      return { kind: 'other', type }
  }
}

/** @throws ProtocolError */
export function encodeOffsetCommitValue(
  value: Encodable<typeof offsetCommitValue>,
  version: number = offsetCommitValueVersion,
): Buffer {
  return encodeVersioned(offsetCommitValue, version, value)
}

/** @throws ProtocolError */
export function decodeOffsetCommitValue(buffer: Buffer): Decoded<typeof offsetCommitValue> {
  return decodeVersioned(offsetCommitValue, buffer).value
}

/** @throws ProtocolError */
export function encodeGroupMetadataValue(
  value: Encodable<typeof groupMetadataValue>,
  version: number = groupMetadataValueVersion,
): Buffer {
  return encodeVersioned(groupMetadataValue, version, value)
}

/** @throws ProtocolError */
export function decodeGroupMetadataValue(buffer: Buffer): Decoded<typeof groupMetadataValue> {
  return decodeVersioned(groupMetadataValue, buffer).value
}

/** @throws ProtocolError */
export function encodeSubscription(value: Encodable<typeof consumerProtocolSubscription>, version: number): Buffer {
  return encodeVersioned(consumerProtocolSubscription, version, value)
}

/** Reads a member's metadata in a group of consumers; a newer version reads as the newest known. @throws ProtocolError */
export function decodeSubscription(buffer: Buffer): Versioned<typeof consumerProtocolSubscription> {
  return decodeAppendable(consumerProtocolSubscription, buffer)
}

/** @throws ProtocolError */
export function encodeAssignment(value: Encodable<typeof consumerProtocolAssignment>, version: number): Buffer {
  return encodeVersioned(consumerProtocolAssignment, version, value)
}

/** Reads a member's assignment in a group of consumers; a newer version reads as the newest known. @throws ProtocolError */
export function decodeAssignment(buffer: Buffer): Versioned<typeof consumerProtocolAssignment> {
  return decodeAppendable(consumerProtocolAssignment, buffer)
}
