// Turns an archive's records into the batches of a restore: the same ones every time, so that a restore can be resumed and verified.
import { createHash, type Hash } from 'node:crypto'
import type { ReadBatch } from '@selfmonitor/cluster'
import { encodeBatch, type RecordInput, readBatchHeader } from '@selfmonitor/protocol/records'
import { frameHeaderBytes, writeFrameHeader } from '@selfmonitor/registry/frame'
import type { ObjectReader } from '../store/types.ts'
import type { Datum } from './datum.ts'
import type { ArchiveFile } from './layout.ts'
import { type ArchiveRecord, fileRecords } from './records.ts'
import type { Tail } from './sweep.ts'
import { recordTime, type TimeSource, type ToInstant } from './times.ts'

/** How an archive is read. */
export interface Reading {
  readonly reader: ObjectReader
  readonly times: TimeSource
  readonly toInstant: ToInstant
  /** Between the records of files with bytes. */
  readonly separator: Buffer
}

/** The part of a file that is restored: `take` records behind the first `skip`. */
export interface FilePart {
  readonly file: ArchiveFile
  readonly skip: number
  readonly take: number
}

/** The ids that the target's registry has for the schemas of keys and values, by the schemas' texts. */
export interface SchemaIds {
  readonly keys: ReadonlyMap<string, number>
  readonly values: ReadonlyMap<string, number>
}

const maxBatchRecords = 1_000
const maxBatchBytes = 512 * 1024

export async function* archiveBatches(
  reading: Reading,
  parts: readonly FilePart[],
  ids: SchemaIds,
): AsyncGenerator<ReadBatch, void> {
  let records: RecordInput[] = []
  let bytes = 0
  let baseOffset = 0n
  const finish = (): ReadBatch => {
    // Not compressed: an archive does not say which codecs the topic's consumers have.
    const encoded = encodeBatch(records, { baseOffset })
    baseOffset += BigInt(records.length)
    records = []
    bytes = 0
    return { header: readBatchHeader(encoded), bytes: encoded }
  }
  for (const { file, skip, take } of parts) {
    for await (const record of recordsOf(reading, file, skip, take)) {
      const key = framed(record.key, ids.keys)
      const value = framed(record.value, ids.values)
      const size = (key?.length ?? 0) + (value?.length ?? 0)
      if (records.length === maxBatchRecords || (bytes > 0 && bytes + size > maxBatchBytes)) yield finish()
      const timestamp = BigInt(recordTime(reading.times, file, record, reading.toInstant))
      records.push({ key, value, headers: record.headers, timestamp })
      bytes += size
    }
  }
  if (records.length > 0) yield finish()
}

async function* recordsOf(
  { reader, separator }: Reading,
  file: ArchiveFile,
  skip: number,
  take: number,
): AsyncGenerator<ArchiveRecord, void> {
  let at = 0
  for await (const some of fileRecords(reader, file, separator)) {
    for (const record of some) {
      if (at >= skip + take) return
      if (at++ >= skip) yield record
    }
  }
}

/** Confluent's wire format around Avro; anything else is what the record had. */
function framed({ bytes, schema }: Datum, ids: ReadonlyMap<string, number>): Buffer | null {
  if (bytes === null || schema === null) return bytes
  const frame = Buffer.allocUnsafe(frameHeaderBytes + bytes.length)
  writeFrameHeader(frame, ids.get(schema)!)
  bytes.copy(frame, frameHeaderBytes)
  return frame
}

/** Whether a file begins with the records of other files, or is the beginning of them. */
export async function beginsWith(
  reading: Reading,
  { file, count }: { readonly file: ArchiveFile; readonly count: number },
  tail: Tail<{
    readonly file: ArchiveFile
    readonly count: number
    readonly firstOffset: bigint
    readonly folder: string
  }>,
): Promise<boolean> {
  const own = recordsOf(reading, file, 0, count)
  let skip = tail.skip
  for (const { file: other, step } of tail.files) {
    const copies = step.kind === 'copies' ? step.records : 0
    for await (const record of recordsOf(reading, other.file, copies + skip, other.count)) {
      const { value, done } = await own.next()
      if (done === true) return true
      if (hashOf(record) !== hashOf(value)) {
        await own.return()
        return false
      }
    }
    skip = 0
  }
  await own.return()
  return true
}

function hashOf({ key, value, headers }: ArchiveRecord): string {
  const hash = createHash('sha256')
  addDatum(hash, key)
  addDatum(hash, value)
  for (const header of headers) {
    addBytes(hash, Buffer.from(header.key))
    addBytes(hash, header.value)
  }
  return hash.digest('hex')
}

function addDatum(hash: Hash, { bytes, schema }: Datum): void {
  addBytes(hash, bytes)
  addBytes(hash, schema === null ? null : Buffer.from(schema))
}

function addBytes(hash: Hash, bytes: Buffer | null): void {
  hash.update(`${bytes?.length ?? -1}:`)
  if (bytes !== null) hash.update(bytes)
}
