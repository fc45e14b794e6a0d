// The file that holds a partition's producer state at one offset, so that a restart need not read the whole log: Kafka's
// `<offset>.snapshot` (ProducerSnapshot.json, version 1), which kafka-dump-log reads. Big-endian: version int16, CRC-32C of what
// follows uint32, count int32, entries.
//
// Kafka keeps only the last batch of each producer there. This broker keeps all five, so that a repetition of any of them is
// recognised after a restart, too: the others follow the entries, where Kafka does not read. Files of Kafka and of other releases
// may not have them.
import { crc32c } from '@selfmonitor/protocol'
import { offsetFileName } from '../segment/segment-files.ts'
import { batchBytes, readBatch, writeBatch } from './produced-batch.ts'
import { decodeLegacyProducers } from './producer-snapshot-legacy.ts'
import {
  createProducerTable,
  type ProducedBatch,
  type ProducerEntry,
  type ProducerTable,
  rememberedBatches,
} from './producer-state.ts'

const version = 1
const headBytes = 10
/** Producer id, epoch, last sequence, last offset, offset delta, timestamp, coordinator epoch, offset of an open transaction. */
const entryBytes = 8 + 2 + 4 + 8 + 4 + 8 + 4 + 8
const olderMagic = 0x736d3035

/** A snapshot file of a partition's folder. */
export interface SnapshotFile {
  readonly name: string
  readonly offset: bigint
}

export const snapshotFileName = (offset: bigint): string => `${offsetFileName(offset)}.snapshot`

const snapshotPattern = /^(\d{20})\.(snapshot|producers)$/

/** The snapshots among the names of a folder, newest first; those of earlier development versions (`.producers`), too. */
export function snapshotsIn(names: readonly string[]): SnapshotFile[] {
  return names
    .flatMap((name) => {
      const offset = snapshotPattern.exec(name)?.[1]
      return offset === undefined ? [] : [{ name, offset: BigInt(offset) }]
    })
    .sort((a, b) => (a.offset === b.offset ? (a.name < b.name ? 1 : -1) : a.offset < b.offset ? 1 : -1))
}

/** The snapshots to remove once a new one is written: all but the two newest, since a recovery may cut the offset of one. */
export function outdatedSnapshots(names: readonly string[]): readonly string[] {
  const all = snapshotsIn(names).map(({ name }) => name)
  const current = all.filter((name) => name.endsWith('.snapshot'))
  return [...current.slice(2), ...all.filter((name) => !name.endsWith('.snapshot'))]
}

export function encodeProducers(table: ProducerTable): Buffer {
  const entries = [...table.entries()]
  const older = entries.reduce((sum, { batches }) => sum + batches.length - 1, 0)
  const bytes = Buffer.alloc(headBytes + entries.length * (entryBytes + 8 + 1) + 4 + older * batchBytes)
  bytes.writeInt16BE(version, 0)
  let at = bytes.writeInt32BE(entries.length, 6)
  for (const { producerId, producerEpoch, batches } of entries) {
    const last = batches.at(-1)!
    at = bytes.writeBigInt64BE(producerId, at)
    at = bytes.writeInt16BE(producerEpoch, at)
    at = bytes.writeInt32BE(last.lastSequence, at)
    at = bytes.writeBigInt64BE(last.lastOffset, at)
    at = bytes.writeInt32BE(Number(last.lastOffset - last.baseOffset), at)
    at = bytes.writeBigInt64BE(last.timestamp, at)
    at = bytes.writeInt32BE(-1, at)
    at = bytes.writeBigInt64BE(-1n, at)
  }
  at = bytes.writeInt32BE(olderMagic, at)
  for (const { lastSeenMs, batches } of entries) {
    at = bytes.writeBigInt64BE(BigInt(Math.trunc(lastSeenMs)), at)
    at = bytes.writeInt8(batches.length - 1, at)
    for (const batch of batches.slice(0, -1)) at = writeBatch(bytes, batch, at)
  }
  bytes.writeUInt32BE(crc32c(bytes.subarray(6)), 2)
  return bytes
}

/** The table in a snapshot file, or undefined when the bytes are not a complete snapshot that this version reads. */
export function decodeSnapshot({ name }: SnapshotFile, bytes: Buffer): ProducerTable | undefined {
  return name.endsWith('.snapshot') ? decodeProducers(bytes) : decodeLegacyProducers(bytes)
}

function decodeProducers(bytes: Buffer): ProducerTable | undefined {
  if (bytes.length < headBytes || bytes.readInt16BE(0) !== version) return undefined
  if (crc32c(bytes.subarray(6)) !== bytes.readUInt32BE(2)) return undefined
  const count = bytes.readInt32BE(6)
  if (count < 0 || headBytes + count * entryBytes > bytes.length) return undefined
  const entries: ProducerEntry[] = []
  for (let index = 0; index < count; index++) entries.push(readEntry(bytes, headBytes + index * entryBytes))
  const table = createProducerTable()
  for (const entry of withOlder(bytes, headBytes + count * entryBytes, entries)) table.put(entry)
  return table
}

function readEntry(bytes: Buffer, at: number): ProducerEntry {
  const lastSequence = bytes.readInt32BE(at + 10)
  const lastOffset = bytes.readBigInt64BE(at + 14)
  const delta = bytes.readInt32BE(at + 22)
  const timestamp = bytes.readBigInt64BE(at + 26)
  return {
    producerId: bytes.readBigInt64BE(at),
    producerEpoch: bytes.readInt16BE(at + 8),
    batches: [
      {
        firstSequence: lastSequence < delta ? lastSequence - delta + 2 ** 31 : lastSequence - delta,
        lastSequence,
        baseOffset: lastOffset - BigInt(delta),
        lastOffset,
        timestamp,
      },
    ],
    lastSeenMs: Number(timestamp),
  }
}

/** The entries with the older batches that follow them in this broker's files; Kafka's files have none. */
function withOlder(bytes: Buffer, start: number, entries: readonly ProducerEntry[]): readonly ProducerEntry[] {
  if (start + 4 > bytes.length || bytes.readInt32BE(start) !== olderMagic) return entries
  let at = start + 4
  const complete: ProducerEntry[] = []
  for (const entry of entries) {
    if (at + 9 > bytes.length) return entries
    const lastSeenMs = Number(bytes.readBigInt64BE(at))
    const count = bytes.readInt8(at + 8)
    at += 9
    if (count < 0 || count >= rememberedBatches || at + count * batchBytes > bytes.length) return entries
    const older: ProducedBatch[] = []
    for (let index = 0; index < count; index++, at += batchBytes) {
      older.push(readBatch(bytes, at))
    }
    complete.push({ ...entry, lastSeenMs, batches: [...older, ...entry.batches] })
  }
  return complete
}
