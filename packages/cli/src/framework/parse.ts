// Readers of option values. Each turns text into a value or throws a usage error that says what is expected.
import { usageError } from './errors.ts'

/** A whole number ≥ `minimum`. */
export function integer(minimum = Number.MIN_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (!/^[+-]?\d+$/.test(text) || !Number.isSafeInteger(value)) throw usageError(`"${text}" is not a whole number`)
    if (value < minimum) throw usageError(`${text} is too small: at least ${minimum}`)
    return value
  }
}

/** A whole number of any size, as Kafka's offsets are. */
export function bigInteger(text: string): bigint {
  if (!/^[+-]?\d+$/.test(text)) throw usageError(`"${text}" is not a whole number`)
  return BigInt(text)
}

/** A number above zero. */
export function positiveNumber(text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) throw usageError(`"${text}" is not a number above 0`)
  return value
}

/** `50/s` or `50`: so many a second. */
export function perSecond(given: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/s)?$/.exec(given)
  const rate = match === null ? 0 : Number(match[1])
  if (rate > 0) return rate
  throw usageError(`"${given}" is not a rate`, 'Write 50/s.')
}

const durationUnits: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
}

/** `500ms`, `10s`, `1h30m`, `7d`, or ISO 8601 as Kafka's own tools take it (`P1DT2H30M`). Returns milliseconds. */
export function duration(text: string): number {
  const short = text.match(/^(\d+(?:\.\d+)?(?:ms|[smhdw]))+$/)
  if (short !== null) {
    let total = 0
    for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhdw])/g)) {
      total += Number(amount) * durationUnits[unit!]!
    }
    return Math.round(total)
  }
  const iso = text.match(/^P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$/i)
  if (iso !== null && text.length > 2 && !/T$/i.test(text)) {
    const [weeks, days, hours, minutes, seconds] = iso.slice(1).map((part) => Number(part ?? 0))
    const units = durationUnits as Record<'w' | 'd' | 'h' | 'm' | 's', number>
    return Math.round(weeks! * units.w + days! * units.d + hours! * units.h + minutes! * units.m + seconds! * units.s)
  }
  throw usageError(`"${text}" is not a duration`, 'Write 500ms, 10s, 5m, 1h30m, 7d, or ISO 8601 such as P1DT2H.')
}

/** ISO 8601 date and time, or milliseconds since the epoch. A time without a zone is UTC, as in Kafka's own tools. */
export function timestamp(text: string): number {
  if (/^\d{10,}$/.test(text)) return Number(text)
  const parts = text.match(
    /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2})?([.,]\d{1,9})?(Z|([+-]\d{2}):?(\d{2})?)?)?$/,
  )
  if (parts !== null) {
    const [, date, minutes = '00:00', seconds = ':00', fraction = '', zone, hours, zoneMinutes = '00'] = parts
    const offset = zone === undefined || zone === 'Z' ? 'Z' : `${hours}:${zoneMinutes}`
    const value = Date.parse(`${date}T${minutes}${seconds}${fraction.replace(',', '.')}${offset}`)
    // JavaScript takes the 30th of February for the 2nd of March.
    if (!Number.isNaN(value) && new Date(`${date}T00:00Z`).toISOString().startsWith(date!)) return value
  }
  throw usageError(`"${text}" is not a time`, 'Write 2026-11-22T13:00:00Z, 2026-11-22, or milliseconds since 1970.')
}

/** As `timestamp`, and a time of the wall in a zone: `2026-11-29 14:03 Europe/Berlin`. */
export function pointInTime(text: string): number {
  const parts = /^(.+\d)\s+([A-Za-z_]+(?:\/[A-Za-z0-9_+-]+)*)$/.exec(text.trim())
  if (parts === null || parts[2] === 'Z') return timestamp(text)
  const [, wall, zone] = parts
  const asUtc = timestamp(wall!)
  // The offset of the zone at that time; once more, for times near a change of the clock.
  const near = asUtc - zoneOffsetMs(zone!, asUtc)
  const found = asUtc - zoneOffsetMs(zone!, near)
  if (found + zoneOffsetMs(zone!, found) === asUtc) return found
  throw usageError(`"${text}" does not exist: the clock was put forward`, 'Write the time in UTC, with a Z at its end.')
}

/** As `pointInTime`; a day without a time, `2026-11-29` or `2026-11-29 Europe/Berlin`, is the last millisecond of that day. */
export function throughDate(text: string): number {
  const [, date, zone = ''] = /^(\d{4}-\d{2}-\d{2})(\s+[A-Za-z_]+(?:\/[A-Za-z0-9_+-]+)*)?$/.exec(text.trim()) ?? []
  if (date === undefined) return pointInTime(text)
  const next = new Date(timestamp(date) + 86_400_000).toISOString().slice(0, 10)
  return pointInTime(`${next}${zone}`) - 1
}

/** Reads a clock on the wall of a zone. @returns from milliseconds, as if the clock showed UTC, to those since the epoch */
export function wallClock(timeZone: string): (wallMs: number) => number {
  zoneOffsetMs(timeZone, 0)
  return (wallMs) => {
    const near = wallMs - zoneOffsetMs(timeZone, wallMs)
    return wallMs - zoneOffsetMs(timeZone, near)
  }
}

function zoneOffsetMs(timeZone: string, timestampMs: number): number {
  let parts: Intl.DateTimeFormatPart[]
  try {
    const fields = {
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    } as const
    parts = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...fields }).formatToParts(timestampMs)
  } catch {
    throw usageError(
      `"${timeZone}" is not a time zone`,
      'Write one as Europe/Berlin, or the time in UTC with a Z at its end.',
    )
  }
  const field = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.find((part) => part.type === type)!.value)
  const wall = Date.UTC(
    field('year'),
    field('month') - 1,
    field('day'),
    field('hour'),
    field('minute'),
    field('second'),
  )
  return wall - Math.floor(timestampMs / 1_000) * 1_000
}

/** Collects a repeatable `key=value` option. */
export function keyValue(text: string, previous: Readonly<Record<string, string>> = {}): Record<string, string> {
  const split = text.indexOf('=')
  if (split <= 0) throw usageError(`"${text}" is not key=value`)
  return { ...previous, [text.slice(0, split)]: text.slice(split + 1) }
}

/** Collects a repeatable option. */
export function collect(text: string, previous: readonly string[] = []): string[] {
  return [...previous, text]
}

/** `topic`, or `topic:0,1,2` for some of its partitions, as in `kafka-consumer-groups --topic`. */
export function topicPartitions(
  text: string,
  previous: readonly { topic: string; partitions?: readonly number[] }[] = [],
): { topic: string; partitions?: readonly number[] }[] {
  const split = text.lastIndexOf(':')
  if (split < 0) return [...previous, { topic: text }]
  const partitions = text
    .slice(split + 1)
    .split(',')
    .map(integer(0))
  return [...previous, { topic: text.slice(0, split), partitions }]
}
