// The start and the end of a tail, and its filter.
import type { ReadPlace } from '@selfmonitor/cluster'
import { usageError } from '../framework/errors.ts'
import { duration, timestamp } from '../framework/parse.ts'

/** A place in the log, as `--from` and `--until` name it. */
export type Place = Exclude<ReadPlace, { kind: 'last' }> | { readonly kind: 'ago'; readonly ms: number }

const maxOffsetDigits = 9

/** `earliest`, `latest`, `10m` (ago), an ISO 8601 time, milliseconds since 1970, or an offset (`42`, `offset:42`). */
export function place(text: string): Place {
  if (text === 'earliest' || text === 'latest') return { kind: text }
  const offset = text.match(/^offset:(\d+)$/) ?? (text.length <= maxOffsetDigits ? text.match(/^(\d+)$/) : null)
  if (offset !== null) return { kind: 'offset', offset: BigInt(offset[1]!) }
  if (/^(\d|P\d|PT\d)/i.test(text)) {
    if (!/^\d{4}-/.test(text) && !/^\d+$/.test(text)) return { kind: 'ago', ms: duration(text) }
    return { kind: 'time', timestampMs: timestamp(text) }
  }
  throw usageError(
    `"${text}" is not a place in the log`,
    'Write earliest, latest, 10m (ago), 2026-11-22T13:00:00Z, or an offset such as 42.',
  )
}

/** A place as the reader takes it: with the time that `10m` ago was. */
export function readPlace(where: Place, nowMs: number): ReadPlace {
  return where.kind === 'ago' ? { kind: 'time', timestampMs: nowMs - where.ms } : where
}

/** `10m` (ago) or a time, in milliseconds since the epoch. */
export function moment(text: string): number {
  const read = place(text)
  if (read.kind === 'ago') return Date.now() - read.ms
  if (read.kind === 'time') return read.timestampMs
  throw usageError(`"${text}" is not a time`, 'Write 10m (ago), 2026-11-22T13:00:00Z or 2026-11-22.')
}

export interface EventFilter {
  /** Event types, or names of Avro types, with or without their namespace. Empty: all. */
  readonly types: readonly string[]
  readonly users: readonly string[]
  readonly keys: readonly string[]
}

/** The fields that a filter compares. Undecodable records have neither type nor user; records that are not events have no user. */
export interface EventNames {
  readonly types: readonly string[]
  readonly user: string | null
  readonly key: string | null
}

export function matches({ types, users, keys }: EventFilter, names: EventNames): boolean {
  return (
    (types.length === 0 || names.types.some((type) => types.includes(type))) &&
    (users.length === 0 || (names.user !== null && users.includes(names.user))) &&
    (keys.length === 0 || (names.key !== null && keys.includes(names.key)))
  )
}
