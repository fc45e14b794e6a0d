// Converts durations and sizes as people write them to Kafka's milliseconds and bytes, and back.

const second = 1_000
const day = 86_400 * second

const durations: Readonly<Record<string, number>> = {
  ms: 1,
  millisecond: 1,
  s: second,
  sec: second,
  second: second,
  m: 60 * second,
  min: 60 * second,
  minute: 60 * second,
  h: 3_600 * second,
  hour: 3_600 * second,
  d: day,
  day: day,
  w: 7 * day,
  week: 7 * day,
}

const sizes: Readonly<Record<string, number>> = {
  b: 1,
  byte: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

/** Kafka's way to say "without limit" for a retention. */
export const unlimited = -1

/**
 * `7d`, `366 days`, `1d 12h`, `500ms`; `forever` is -1.
 *
 * @returns milliseconds, or null when it is not a duration. Years and months are none: they have no fixed length.
 */
export function parseDuration(text: string): number | null {
  return text.trim() === 'forever' ? unlimited : parse(text, durations)
}

/**
 * `10GB` (10⁹ bytes), `10GiB` (2³⁰ bytes), `512 KiB`; `unlimited` is -1.
 *
 * @returns bytes, or null when it is not a size
 */
export function parseSize(text: string): number | null {
  return text.trim() === 'unlimited' ? unlimited : parse(text, sizes)
}

function parse(text: string, units: Readonly<Record<string, number>>): number | null {
  const trimmed = text.trim()
  if (!/^(\d+(\.\d+)?\s*[a-z]+\s*)+$/i.test(trimmed)) {
    return null
  }
  let total = 0
  for (const [, amount, unit] of trimmed.matchAll(/(\d+(?:\.\d+)?)\s*([a-z]+)/gi)) {
    const name = unit!.toLowerCase()
    const factor = units[name] ?? (name.length > 3 ? units[name.replace(/s$/, '')] : undefined)
    if (factor === undefined) {
      return null
    }
    total += Number(amount) * factor
  }
  return Number.isSafeInteger(total) ? total : null
}

const durationSteps = [
  ['d', day],
  ['h', 3_600 * second],
  ['m', 60 * second],
  ['s', second],
] as const

const sizeSteps = [
  ['TiB', 2 ** 40],
  ['GiB', 2 ** 30],
  ['MiB', 2 ** 20],
  ['KiB', 2 ** 10],
  ['GB', 1e9],
  ['MB', 1e6],
  ['KB', 1e3],
] as const

/** The shortest text that `parseDuration` reads back exactly. */
export function formatDuration(ms: number): string {
  if (ms === unlimited) {
    return 'forever'
  }
  const step = ms > 0 ? durationSteps.find(([, size]) => ms % size === 0) : undefined
  return step === undefined ? `${ms}ms` : `${ms / step[1]}${step[0]}`
}

/** The shortest text that `parseSize` reads back exactly. */
export function formatSize(bytes: number): string {
  if (bytes === unlimited) {
    return 'unlimited'
  }
  const step = bytes > 0 ? sizeSteps.find(([, size]) => bytes % size === 0) : undefined
  return step === undefined ? `${bytes}B` : `${bytes / step[1]}${step[0]}`
}
