// Walks over the records of a batch without making objects of them: whether they parse, their greatest timestamp, and which of
// them break the rules of a topic. A broker must know this of every batch that is produced, so it has to cost little.
//
// The grammar is in record.ts. Timestamps are added up as numbers; bigints are needed only for a delta of more than 49 bits
// or a base timestamp far outside of any calendar.
import { ProtocolError } from '../protocol-error.ts'
import type { BatchHeader } from './batch.ts'

/** A topic's rules for each record. */
export interface RecordRules {
  readonly keyRequired: boolean
  /** Milliseconds since the epoch; `-Infinity` for no limit. A record without a timestamp (-1) is never too old. */
  readonly oldestTimestamp: number
  /** Milliseconds since the epoch; `Infinity` for no limit. */
  readonly newestTimestamp: number
}

/** A record that breaks a rule. */
export interface RecordViolation {
  /** Number of the record in its batch, from 0. */
  readonly index: number
  readonly rule: keyof RecordRules
  readonly timestamp: bigint
}

export interface RecordsSurvey {
  /** Greatest of the records' own timestamps, milliseconds; -1 when none has one. The batch's `maxTimestamp` must say the same. */
  readonly maxTimestamp: bigint
  /** The first 1,000 records that break a rule; of each the first rule that it breaks. */
  readonly violations: readonly RecordViolation[]
}

/** A walk that can be interrupted: a batch of millions of records must not keep the event loop busy. */
export interface RecordsWalk {
  /**
   * Looks at up to `count` more records.
   * @returns the survey once all are done, undefined before
   * @throws ProtocolError MALFORMED or TRUNCATED; its path is `records[n]` where the problem is in one record
   */
  advance(count: number): RecordsSurvey | undefined
}

/** A record without key, value and headers: length, attributes, two deltas, two lengths and a count, one byte each. */
export const smallestRecordBytes = 7
/** Between these, the sum with a delta of 49 bits is exact in a double and fits 64 bits. */
const exactBase = 1n << 51n
const maxViolations = 1000

/**
 * Surveys all records of a batch at once.
 * @param bytes the records, decompressed
 * @throws ProtocolError MALFORMED or TRUNCATED when a record does not parse, when there are more or fewer records than the
 *   header says, or when their offsets are not 0, 1, 2, … as in every batch that a producer sends
 */
export function surveyRecords(header: BatchHeader, bytes: Buffer, rules: RecordRules): RecordsSurvey {
  return walkRecords(header, bytes, rules).advance(header.recordsCount)!
}

/**
 * Begins a walk over the records of a batch.
 * @param bytes the records, decompressed
 * @throws ProtocolError MALFORMED when the header's counts cannot be true
 */
export function walkRecords(header: BatchHeader, bytes: Buffer, rules: RecordRules): RecordsWalk {
  const { recordsCount, lastOffsetDelta } = header
  if (recordsCount < 0 || recordsCount * smallestRecordBytes > bytes.length) {
    throw malformed(`${bytes.length} bytes cannot be ${recordsCount} records`)
  }
  if (lastOffsetDelta !== recordsCount - 1) {
    throw malformed(`${recordsCount} records with last offset delta ${lastOffsetDelta}`)
  }
  return new Walk(header, bytes, rules)
}

class Walk implements RecordsWalk {
  private readonly header: BatchHeader
  private readonly bytes: Buffer
  private readonly rules: RecordRules
  private readonly base: number
  /** Whether timestamps can be added up as numbers. */
  private readonly exact: boolean
  /** Where the next field begins. */
  private position = 0
  /** Number of the record under way. */
  private index = 0
  private max = -1
  /** The greatest of the timestamps that need bigints. */
  private wideMax = -1n
  private readonly violations: RecordViolation[] = []

  constructor(header: BatchHeader, bytes: Buffer, rules: RecordRules) {
    this.header = header
    this.bytes = bytes
    this.rules = rules
    this.base = Number(header.baseTimestamp)
    this.exact = header.baseTimestamp < exactBase && header.baseTimestamp > -exactBase
  }

  advance(count: number): RecordsSurvey | undefined {
    const { recordsCount } = this.header
    const end = Math.min(this.index + count, recordsCount)
    try {
      for (; this.index < end; this.index++) this.record()
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error
      throw new ProtocolError(error.code, error.reason, `records[${this.index}]`)
    }
    if (this.index < recordsCount) return undefined
    const left = this.bytes.length - this.position
    if (left > 0) throw malformed(`${left} bytes remain after ${recordsCount} records`)
    const max = BigInt(this.max)
    return { maxTimestamp: max > this.wideMax ? max : this.wideMax, violations: this.violations }
  }

  private record(): void {
    const size = this.varint()
    const start = this.position
    if (size < smallestRecordBytes - 1) throw malformed(`record of ${size} bytes`)
    if (start + size > this.bytes.length) {
      throw new ProtocolError('TRUNCATED', `record of ${size} bytes, ${this.bytes.length - start} remain`)
    }
    this.position++ // attributes: none is in use
    const violations = this.violations.length
    this.timestamp()
    const offsetDelta = this.varint()
    if (offsetDelta !== this.index) throw malformed(`offset delta ${offsetDelta} of record ${this.index}`)
    const hasKey = this.skipBytes()
    if (!hasKey && this.rules.keyRequired) this.missesKey(violations)
    this.skipBytes()
    this.skipHeaders(start + size)
    if (this.position !== start + size) {
      throw malformed(`record says ${size} bytes, its fields have ${this.position - start}`)
    }
  }

  private timestamp(): void {
    const { bytes } = this
    const start = this.position
    let raw = 0
    let factor = 1
    for (let size = 0; this.exact && size < 7; size++, factor *= 128) {
      const byte = bytes[this.position++]
      if (byte === undefined) throw ended()
      raw += (byte & 0x7f) * factor
      if (byte >= 0x80) continue
      const timestamp = this.base + (raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2)
      if (timestamp > this.max) this.max = timestamp
      if (timestamp < this.rules.oldestTimestamp || timestamp > this.rules.newestTimestamp) this.misdated(timestamp)
      return
    }
    this.position = start
    // As Java adds: after 2^63 - 1 comes -2^63.
    const timestamp = BigInt.asIntN(64, this.header.baseTimestamp + this.varlong())
    if (timestamp > this.wideMax) this.wideMax = timestamp
    if (timestamp < this.rules.oldestTimestamp || timestamp > this.rules.newestTimestamp) this.misdated(timestamp)
  }

  private misdated(value: number | bigint): void {
    const timestamp = BigInt(value)
    if (timestamp === -1n || this.violations.length >= maxViolations) return
    const rule = value > this.rules.newestTimestamp ? 'newestTimestamp' : 'oldestTimestamp'
    this.violations.push({ index: this.index, rule, timestamp })
  }

  /** @param before how many violations there were before this record: a missing key counts first */
  private missesKey(before: number): void {
    if (before >= maxViolations) return
    this.violations.length = before
    this.violations.push({ index: this.index, rule: 'keyRequired', timestamp: -1n })
  }

  /** @returns false for a length of -1, which means null */
  private skipBytes(): boolean {
    const size = this.varint()
    if (size < -1) throw malformed(`negative length ${size}`)
    if (size > 0) this.position += size
    return size >= 0
  }

  private skipHeaders(recordEnd: number): void {
    const count = this.varint()
    // A header takes at least two bytes.
    if (count < 0 || count * 2 > recordEnd - this.position) throw malformed(`record with ${count} headers`)
    for (let left = count; left > 0; left--) {
      if (!this.skipBytes()) throw malformed('header without a key')
      this.skipBytes()
    }
  }

  private varint(): number {
    const { bytes } = this
    let byte = bytes[this.position++]
    if (byte === undefined) throw ended()
    let raw = byte
    if (byte >= 0x80) {
      raw &= 0x7f
      let shift = 7
      do {
        byte = bytes[this.position++]
        if (byte === undefined) throw ended()
        if (shift === 28 && byte > 0x0f) throw malformed('varint is longer than 32 bits')
        raw |= (byte & 0x7f) << shift
        shift += 7
      } while (byte >= 0x80)
    }
    return (raw >>> 1) ^ -(raw & 1)
  }

  private varlong(): bigint {
    let raw = 0n
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.bytes[this.position++]
      if (byte === undefined) throw ended()
      if (shift === 63n && byte > 0x01) throw malformed('varint is longer than 64 bits')
      raw |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return (raw >> 1n) ^ -(raw & 1n)
    }
  }
}

function malformed(reason: string): ProtocolError {
  return new ProtocolError('MALFORMED', reason)
}

function ended(): ProtocolError {
  return new ProtocolError('TRUNCATED', 'the bytes end within the record')
}
