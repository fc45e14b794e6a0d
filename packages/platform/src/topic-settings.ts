// Kafka's topic settings: their kinds, so that values can be written for people and compared as Kafka understands them.
// Source: the topic configuration reference of Apache Kafka 4.4.
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts'

type Kind = 'duration' | 'size' | 'int' | 'double' | 'boolean' | 'list' | 'text'

export const topicSettings: Readonly<Record<string, Kind>> = {
  'cleanup.policy': 'list',
  'compression.gzip.level': 'int',
  'compression.lz4.level': 'int',
  'compression.type': 'text',
  'compression.zstd.level': 'int',
  'delete.retention.ms': 'duration',
  'errors.deadletterqueue.group.enable': 'boolean',
  'file.delete.delay.ms': 'duration',
  'flush.messages': 'int',
  'flush.ms': 'duration',
  'follower.replication.throttled.replicas': 'list',
  'index.interval.bytes': 'size',
  'leader.replication.throttled.replicas': 'list',
  'local.retention.bytes': 'size',
  'local.retention.ms': 'duration',
  'max.compaction.lag.ms': 'duration',
  'max.decompressed.message.bytes': 'size',
  'max.message.bytes': 'size',
  'message.downconversion.enable': 'boolean',
  'message.format.version': 'text',
  'message.timestamp.after.max.ms': 'duration',
  'message.timestamp.before.max.ms': 'duration',
  'message.timestamp.difference.max.ms': 'duration',
  'message.timestamp.type': 'text',
  'min.cleanable.dirty.ratio': 'double',
  'min.compaction.lag.ms': 'duration',
  'min.insync.replicas': 'int',
  preallocate: 'boolean',
  'remote.copy.lag.bytes': 'size',
  'remote.copy.lag.ms': 'duration',
  'remote.log.copy.disable': 'boolean',
  'remote.log.delete.on.disable': 'boolean',
  'remote.storage.enable': 'boolean',
  'retention.bytes': 'size',
  'retention.ms': 'duration',
  'segment.bytes': 'size',
  'segment.index.bytes': 'size',
  'segment.jitter.ms': 'duration',
  'segment.ms': 'duration',
  'unclean.leader.election.enable': 'boolean',
}

/** Settings of Confluent's server are let through as they are: their list is not ours to keep. */
export function isKnownSetting(name: string): boolean {
  return name in topicSettings || name.startsWith('confluent.')
}

/** The value in Kafka's own form, or what is wrong with it. */
export function toKafkaValue(name: string, value: string | number | boolean): { value: string } | { problem: string } {
  const kind = topicSettings[name] ?? 'text'
  switch (kind) {
    case 'duration':
      return number(value, parseDuration, `must be a duration such as 7d, 12h or 500ms, or a number of milliseconds`)
    case 'size':
      return number(value, parseSize, `must be a size such as 10GiB or 512KiB, or a number of bytes`)
    case 'int':
      return number(value, () => null, 'must be a whole number')
    case 'double':
      return value !== '' && Number.isFinite(Number(value)) ? { value: String(value) } : { problem: 'must be a number' }
    case 'boolean':
      return /^(true|false)$/i.test(String(value))
        ? { value: String(value).toLowerCase() }
        : { problem: 'must be true or false' }
    case 'list':
      return { value: normaliseList(String(value)) }
    case 'text':
      return { value: String(value) }
    default:
      return kind satisfies never
  }
}

function number(
  value: string | number | boolean,
  parse: (text: string) => number | null,
  problem: string,
): { value: string } | { problem: string } {
  const text = String(value).trim()
  if (/^-?\d+$/.test(text)) {
    // Kept as text: Kafka's "never" is 2^63-1, which a JavaScript number cannot hold.
    return { value: text }
  }
  const parsed = typeof value === 'string' ? parse(text) : null
  return parsed === null ? { problem } : { value: String(parsed) }
}

function normaliseList(text: string): string {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .join(',')
}

/** Do both texts mean the same to Kafka? `compact,delete` and `delete,compact` do, `0.5` and `.50` do. */
export function sameSetting(name: string, a: string | null, b: string | null): boolean {
  if (a === b || a === null || b === null) {
    return a === b
  }
  switch (topicSettings[name] ?? 'text') {
    case 'list':
      return (
        [...new Set(normaliseList(a).split(','))].sort().join() ===
        [...new Set(normaliseList(b).split(','))].sort().join()
      )
    case 'double':
      return Number(a) === Number(b)
    case 'boolean':
      return a.toLowerCase() === b.toLowerCase()
    default:
      return a === b
  }
}

/** The value for a reader: `604800000` of `retention.ms` is `7d`. */
export function humanSetting(name: string, value: string): string {
  const parsed = Number(value)
  if (!/^-?\d+$/.test(value) || !Number.isSafeInteger(parsed) || parsed < unlimitedAllowed(name)) {
    return value
  }
  switch (topicSettings[name]) {
    case 'duration':
      return formatDuration(parsed)
    case 'size':
      return formatSize(parsed)
    default:
      return value
  }
}

function unlimitedAllowed(name: string): number {
  return /(^|\.)retention\.(ms|bytes)$/.test(name) && !name.startsWith('local.') && !name.startsWith('delete.') ? -1 : 0
}
