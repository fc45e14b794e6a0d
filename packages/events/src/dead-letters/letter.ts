// What the headers of a dead letter tell. Pure.
import type { RecordHeader } from '@selfmonitor/protocol/records'
import { type Convention, conventions } from './conventions.ts'
import { fingerprintOf, javaFingerprint } from './fingerprint.ts'

/** Headers of a record that was replayed; a replay that fails again carries them into the next dead letter. All values are text. */
export const replayHeaders = {
  /** The place of the letter, `orders.dlq/3/17`. */
  from: 'dlq.replayed.from',
  /** The batch of the journal. */
  batch: 'dlq.replayed.batch',
  at: 'dlq.replayed.at',
  by: 'dlq.replayed.by',
  /** How often the record has been replayed, with this time. */
  times: 'dlq.replayed.times',
  /** `true` when the value was changed. */
  edited: 'dlq.replayed.edited',
} as const

const replayNames: ReadonlySet<string> = new Set(Object.values(replayHeaders))

export interface LetterFacts {
  /** null for a record whose headers follow none. */
  readonly convention: Convention['name'] | null
  readonly origin: LetterOrigin | null
  /** null where the headers do not say it. */
  readonly errorClass: string | null
  readonly errorMessage: string | null
  readonly stack: string | null
  /** The stage of Kafka Connect. */
  readonly stage: string | null
  /** What to group by; `unknown` for a letter that does not say why it is one. */
  readonly fingerprint: string
  readonly attempts: number | null
  /** The group, service or connector that failed. */
  readonly by: string | null
  readonly failedAt: string | null
  /** How often the record had been replayed before it came here. */
  readonly replayedTimes: number
}

export interface LetterOrigin {
  readonly topic: string
  readonly partition: number | null
  readonly offset: bigint | null
  /** Milliseconds since the epoch; null where neither a header nor the letter tells it. */
  readonly timestampMs: number | null
}

export const unknownCause = 'unknown'

/** The facts of a letter, as far as its headers tell. */
export function letterFacts(record: {
  readonly headers: readonly RecordHeader[]
  readonly timestampMs: number
}): LetterFacts {
  const reader = headerReader(record.headers)
  const replayedTimes = Number(reader.number(replayHeaders.times, 'text') ?? 0n)
  for (const { name, headers, numbers, keepsTimestamp } of conventions) {
    const topic = reader.text(headers.topic)
    if (topic === null) continue
    const number = (header: string | undefined): bigint | null => reader.number(header, numbers)
    const partition = within(number(headers.partition), 2n ** 31n - 1n)
    const timestamp = within(number(headers.timestamp), BigInt(Number.MAX_SAFE_INTEGER))
    const errorClass = reader.first(headers.errorClass)
    const errorMessage = reader.first(headers.errorMessage)
    const stack = reader.text(headers.stack)
    const attempts = number(headers.attempts)
    return {
      convention: name,
      origin: {
        topic,
        partition: partition === null ? null : Number(partition),
        offset: number(headers.offset),
        timestampMs: timestamp !== null ? Number(timestamp) : keepsTimestamp ? record.timestampMs : null,
      },
      errorClass,
      errorMessage,
      stack,
      stage: reader.text(headers.stage),
      fingerprint: reader.text(headers.fingerprint) ?? computed(errorClass, errorMessage, stack),
      attempts: attempts === null ? null : Number(attempts),
      by: reader.text(headers.by),
      failedAt: reader.text(headers.failedAt),
      replayedTimes,
    }
  }
  const nothing = { errorClass: null, errorMessage: null, stack: null, stage: null, attempts: null, by: null }
  return { convention: null, origin: null, ...nothing, fingerprint: unknownCause, failedAt: null, replayedTimes }
}

function computed(errorClass: string | null, message: string | null, stack: string | null): string {
  if (errorClass === null && message === null) return unknownCause
  return stack === null
    ? fingerprintOf(errorClass ?? '', message ?? '')
    : javaFingerprint(errorClass ?? '', message ?? '', stack)
}

function headerReader(headers: readonly RecordHeader[]) {
  // A record that failed twice has the headers twice: the last are of the last failure.
  const bytes = (key: string | undefined): Buffer | null =>
    key === undefined ? null : (headers.findLast((header) => header.key === key)?.value ?? null)
  const text = (key: string | undefined): string | null => bytes(key)?.toString('utf8') ?? null
  return {
    text,
    first: (keys: readonly string[]): string | null =>
      keys.map(text).find((found) => found !== null && found !== '') ?? null,
    number(key: string | undefined, numbers: Convention['numbers']): bigint | null {
      const value = bytes(key)
      if (value === null) return null
      if (numbers === 'text') return /^-?\d+$/.test(value.toString('latin1')) ? BigInt(value.toString('latin1')) : null
      return value.length === 4 ? BigInt(value.readInt32BE()) : value.length === 8 ? value.readBigInt64BE() : null
    },
  }
}

/** The headers that the record had before it became a dead letter, in their order, without those of earlier replays. */
export function originalHeaders(headers: readonly RecordHeader[]): RecordHeader[] {
  return headers.filter(({ key }) => !replayNames.has(key) && !conventions.some(({ isOwn }) => isOwn(key)))
}

/** A header may say anything: a number that cannot be one of a partition, or a time, says nothing. */
function within(number: bigint | null, most: bigint): bigint | null {
  return number !== null && number >= 0n && number <= most ? number : null
}
