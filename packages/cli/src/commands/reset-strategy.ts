// Which offset reset was asked for: exactly one of Kafka's scenarios, read from options and, for one, from a file.
import type { OffsetReset, ResetStrategy } from '@selfmonitor/cluster'
import { usageError } from '../framework/errors.ts'

export interface StrategyOptions {
  readonly toEarliest?: boolean
  readonly toLatest?: boolean
  readonly toCurrent?: boolean
  readonly toOffset?: bigint
  readonly shiftBy?: bigint
  readonly toDatetime?: number
  readonly byDuration?: number
  readonly fromFile?: string
  readonly fromGroup?: string
}

/** @throws CliError USAGE unless exactly one strategy is named. */
export function strategyFrom(options: StrategyOptions, readFile: (name: string) => string): ResetStrategy {
  const named: [string, () => ResetStrategy][] = []
  if (options.toEarliest) named.push(['--to-earliest', () => ({ kind: 'earliest' })])
  if (options.toLatest) named.push(['--to-latest', () => ({ kind: 'latest' })])
  if (options.toCurrent) named.push(['--to-current', () => ({ kind: 'current' })])
  const { toOffset, shiftBy, toDatetime, byDuration, fromFile, fromGroup } = options
  if (toOffset !== undefined) named.push(['--to-offset', () => ({ kind: 'offset', offset: toOffset })])
  if (shiftBy !== undefined) named.push(['--shift-by', () => ({ kind: 'shift-by', by: shiftBy })])
  if (toDatetime !== undefined) named.push(['--to-datetime', () => ({ kind: 'datetime', timestampMs: toDatetime })])
  if (byDuration !== undefined) named.push(['--by-duration', () => ({ kind: 'duration', ms: byDuration })])
  if (fromFile !== undefined) {
    named.push(['--from-file', () => ({ kind: 'from-file', offsets: parseOffsetsCsv(readFile(fromFile), fromFile) })])
  }
  if (fromGroup !== undefined) named.push(['--from-group', () => ({ kind: 'from-group', groupId: fromGroup })])
  if (named.length === 1) return named[0]![1]()
  const all =
    'Pass one of --to-earliest, --to-latest, --to-current, --to-offset, --shift-by, --to-datetime, --by-duration, --from-file, --from-group.'
  if (named.length === 0) throw usageError('Say where to reset the offsets to.', all)
  throw usageError(`${named.map(([name]) => name).join(' and ')} cannot be used together.`, all)
}

/** Kafka's own format for one group: `topic,partition,offset`, one line each. */
export function parseOffsetsCsv(text: string, file: string): { topic: string; partition: number; offset: bigint }[] {
  const rows = text.split(/\r?\n/).flatMap((line, index) => {
    if (line.trim() === '') return []
    const fields = line.split(',').map((field) => field.trim().replace(/^"(.*)"$/, '$1'))
    const [topic, partition, offset] = fields
    if (fields.length !== 3 || topic === '' || !/^\d+$/.test(partition!) || !/^\d+$/.test(offset!)) {
      throw usageError(`${file}:${index + 1}: "${line}" is not topic,partition,offset.`)
    }
    return [{ topic: topic!, partition: Number(partition), offset: BigInt(offset!) }]
  })
  if (rows.length === 0) throw usageError(`${file} holds no offsets.`)
  return rows
}

/** The counterpart: what `--from-file` reads. */
export function toOffsetsCsv(resets: readonly OffsetReset[]): string {
  return resets.map(({ topic, partition, to }) => `${topic},${partition},${to}\n`).join('')
}
