// The names of the objects that the S3 sink connector writes, and what they say.
// https://docs.confluent.io/kafka-connectors/s3-sink/current/overview.html#s3-object-names
//
//   <topics.dir>/<topic>/<encoded partition>/<topic>+<partition>+<first offset>.<extension>
//
// The encoded partition is the path that a partitioner makes: `partition=0`, `year=2024/month=01/day=01/hour=13`, `country=DE`.
// With `store.kafka.keys` and `store.kafka.headers` there are `.keys.<extension>` and `.headers.<extension>` beside the values.
import type { StoredObject } from '../store/types.ts'

/** How a file holds its records: Avro's container, a line of JSON each, bytes between separators, Parquet. */
export type FileFormat = 'avro' | 'json' | 'bytes' | 'parquet'

/** One object with values, keys or headers. */
export interface ArchivePart extends StoredObject {
  readonly format: FileFormat
  readonly isGzipped: boolean
}

/** The records from one offset on, in their order. */
export interface ArchiveFile {
  readonly topic: string
  readonly partition: number
  /** Of its first record. The offsets of the others are not in the file. */
  readonly firstOffset: bigint
  /** The encoded partition: `partition=0`. Empty when the archive's folder has the files themselves. */
  readonly folder: string
  /** null in a file of tombstones, which have keys only. */
  readonly values: ArchivePart | null
  readonly keys: ArchivePart | null
  readonly headers: ArchivePart | null
  /** When its last object was written. */
  readonly modifiedMs: number
  /** The time that the path gives, in the zone of the connector, which is not in the archive. null: it gives none. */
  readonly pathTime: WallTime | null
}

/** [from, to) of a clock on the wall: as milliseconds since the epoch, read as if the clock showed UTC. */
export interface WallTime {
  readonly fromMs: number
  readonly toMs: number
}

/** What is in a listing beside values: an object that cannot be restored, and why. */
export interface UnusablePart {
  readonly key: string
  readonly why: string
}

export interface ArchiveListing {
  /** By topic, partition and first offset. */
  readonly files: readonly ArchiveFile[]
  readonly unusable: readonly UnusablePart[]
}

/** A topic's name has no `+`. */
const fileName =
  /^(?<topic>[A-Za-z0-9._-]{1,249})\+(?<partition>\d{1,5})\+(?<offset>\d{1,19})(?:\.(?<part>keys|headers))?\.(?<extension>avro|(?:json|bin)(?:\.gz)?|(?:[a-z0-9]+\.)?parquet)$/

const formats = { avro: 'avro', json: 'json', bin: 'bytes', parquet: 'parquet' } as const satisfies Record<
  string,
  FileFormat
>

interface Named extends ArchivePart {
  readonly topic: string
  readonly partition: number
  readonly firstOffset: bigint
  readonly folder: string
  readonly part: 'values' | 'keys' | 'headers'
}

/** @returns null for an object that no sink wrote */
export function readName(object: StoredObject): Named | null {
  const folders = object.key.split('/')
  const groups = fileName.exec(folders.pop()!)?.groups
  if (groups === undefined) return null
  const { topic = '', partition, offset = '', part = 'values', extension = '' } = groups
  const isGzipped = extension.endsWith('.gz')
  const format = formats[(isGzipped ? extension.slice(0, -3) : extension).split('.').at(-1) as keyof typeof formats]
  const folder = folders.slice(folders.lastIndexOf(topic) + 1).join('/')
  return {
    ...object,
    topic,
    partition: Number(partition),
    firstOffset: BigInt(offset),
    folder,
    part: part as Named['part'],
    format,
    isGzipped,
  }
}

/**
 * Puts values, keys and headers of the same records together.
 * @param tombstoneFolder the sink's `tombstone.encoded.partition`: keys without values there are tombstones, elsewhere their values are
 *   missing
 */
export function readListing(objects: Iterable<StoredObject>, tombstoneFolder = 'tombstone'): ArchiveListing {
  const named = [...objects].map(readName).filter((one) => one !== null)
  const unusable: UnusablePart[] = []
  const files: ArchiveFile[] = []
  const sameRecords = Map.groupBy(named, ({ topic, partition, folder, firstOffset }) =>
    [topic, partition, firstOffset, folder].join('+'),
  )
  for (const parts of sameRecords.values()) {
    const { topic, partition, firstOffset, folder } = parts[0]!
    const only = (wanted: Named['part']): Named | null => {
      const [first, ...others] = parts.filter(({ part }) => part === wanted)
      for (const { key } of others) unusable.push({ key, why: `${first!.key} has the same records` })
      return first ?? null
    }
    const [values, keys, headers] = [only('values'), only('keys'), only('headers')]
    const isTombstones = values === null && keys !== null && folder.split('/').includes(tombstoneFolder)
    if (values === null && !isTombstones) {
      const why = 'no file has the values of its records'
      for (const part of [keys, headers]) if (part !== null) unusable.push({ key: part.key, why })
      continue
    }
    const modifiedMs = Math.max(...parts.map((part) => part.modifiedMs))
    const pathTime = timeOfPath(folder)
    files.push({ topic, partition, firstOffset, folder, values, keys, headers, modifiedMs, pathTime })
  }
  return { files: files.sort(compareFiles), unusable }
}

function compareFiles(a: ArchiveFile, b: ArchiveFile): number {
  if (a.topic !== b.topic) return a.topic < b.topic ? -1 : 1
  if (a.partition !== b.partition) return a.partition - b.partition
  if (a.firstOffset !== b.firstOffset) return a.firstOffset < b.firstOffset ? -1 : 1
  return a.folder < b.folder ? -1 : a.folder > b.folder ? 1 : 0
}

const units = ['year', 'month', 'day', 'hour', 'minute'] as const

/**
 * The time of a path as the time-based partitioners make it: `year=2024/month=01/day=31/hour=13`, `dt=2024-01-31`, `2024/01/31/13`.
 * A part less is a longer time. @returns null when the path gives no day at least, or one that does not exist
 */
export function timeOfPath(folder: string): WallTime | null {
  const numbers = numbersOf(folder)
  if (numbers === null || numbers.length < 3) return null
  const [year, month, day, hour = 0, minute = 0] = numbers as [number, number, number, number?, number?]
  const fromMs = Date.UTC(year, month - 1, day, hour, minute)
  const from = new Date(fromMs)
  const exists = from.getUTCMonth() === month - 1 && from.getUTCDate() === day && hour < 24 && minute < 60
  if (!exists) return null
  const lengthMs = [86_400_000, 3_600_000, 60_000][numbers.length - 3]!
  return { fromMs, toMs: fromMs + lengthMs }
}

function numbersOf(folder: string): number[] | null {
  const parts = folder.split('/')
  const named = new Map<string, string | undefined>(
    parts.map((part) => part.split('=') as [string, string | undefined]),
  )
  const byUnit = units.map((unit) => named.get(unit))
  if (byUnit[0] !== undefined) {
    const end = byUnit.findIndex((text) => text === undefined || !/^\d{1,4}$/.test(text))
    return byUnit.slice(0, end < 0 ? units.length : end).map(Number)
  }
  const whole = /(?:^|[/=])(\d{4})[-/](\d{2})[-/](\d{2})(?:[-/T](\d{2})(?:[-/:](\d{2}))?)?(?:\/|$)/.exec(folder)
  return whole === null ? null : whole.slice(1).flatMap((text) => (text === undefined ? [] : [Number(text)]))
}
