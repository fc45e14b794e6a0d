// Which time a restored record gets, and which files count for a point in time. An archive has no timestamps of records.
import { BackupError } from '../format/backup-error.ts'
import { decodedOf } from './datum.ts'
import type { ArchiveFile, WallTime } from './layout.ts'
import type { ArchiveRecord } from './records.ts'

/**
 * `path`: the beginning of the time that the file's path gives. `modified`: when the file was written. `field`: a field of the value,
 * which was the record's own time if the producer wrote it there.
 */
export type TimeSource =
  | { readonly kind: 'path' }
  | { readonly kind: 'modified' }
  | { readonly kind: 'field'; readonly field: string }

/** Turns a clock on the wall, as milliseconds read as UTC, into milliseconds since the epoch. */
export type ToInstant = (wallMs: number) => number

const instants = ({ fromMs, toMs }: WallTime, toInstant: ToInstant): WallTime => ({
  fromMs: toInstant(fromMs),
  toMs: toInstant(toMs),
})

/** @throws BackupError INVALID_ARGUMENT when the record has no such field, or it is not a time */
export function recordTime(
  source: TimeSource,
  file: ArchiveFile,
  { value }: ArchiveRecord,
  toInstant: ToInstant,
): number {
  if (source.kind === 'field') return fieldTime(source.field, decodedOf(value), file, toInstant)
  if (source.kind === 'path' && file.pathTime !== null) return instants(file.pathTime, toInstant).fromMs
  return file.modifiedMs
}

/** Between 1990 and 2200 a number of milliseconds is not one of seconds or microseconds. */
const range = [631_152_000_000, 7_258_118_400_000] as const

/** `2024-01-31T13:00:00`, `2024-01-31 13:00`: ECMAScript reads it in the zone of the machine. */
const withoutZone = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)$/

/** A text without a zone is a clock on the wall in the zone of the connector, like the paths. */
function textTime(text: string, toInstant: ToInstant): number {
  const [, date, time] = withoutZone.exec(text) ?? []
  if (date === undefined) return Date.parse(text)
  const wallMs = Date.parse(`${date}T${time}Z`)
  return Number.isNaN(wallMs) ? wallMs : toInstant(wallMs)
}

function fieldTime(field: string, value: unknown, { values, keys }: ArchiveFile, toInstant: ToInstant): number {
  const found = field.split('.').reduce<unknown>((at, name) => (at as Record<string, unknown> | null)?.[name], value)
  const time =
    typeof found === 'string' && !/^\d+$/.test(found) ? textTime(found, toInstant) : Number(found ?? Number.NaN)
  const scaled = [1, 1_000, 1e-3, 1e-6].map((scale) => time * scale).find((ms) => ms >= range[0] && ms < range[1])
  if (scaled !== undefined) return Math.floor(scaled)
  const shown = found === undefined ? 'there is none' : `it is ${JSON.stringify(found, bigints)?.slice(0, 40)}`
  throw new BackupError(
    'INVALID_ARGUMENT',
    `${(values ?? keys)!.key}: a record has no time in field ${field}: ${shown}`,
    {
      hint: 'Choose another field, or the time of the path or of the file, for all records.',
    },
  )
}

const bigints = (_: string, value: unknown): unknown => (typeof value === 'bigint' ? value.toString() : value)

/**
 * Whether all of a file was stored up to the point: it was written by then, or the time that its path gives was over.
 * A copied bucket has new times of writing, and its paths as they were.
 */
export function isStoredBy(file: ArchiveFile, pointMs: number, toInstant: ToInstant): boolean {
  if (file.modifiedMs <= pointMs) return true
  return file.pathTime !== null && instants(file.pathTime, toInstant).toMs - 1 <= pointMs
}
