// Every setting of a topic in the Kafka that this broker is (see kafka-release.ts), as a table. Types, defaults and synonyms
// (KIP-133) are held against Apache Kafka by a test; the sentences are ours.
import type { ConfigDefinition } from './definition.ts'

/** A broker setting that is the default of a topic's, and what its unit is worth in the topic's unit. */
export interface BrokerSynonym {
  readonly name: string
  readonly factor: number
}

export interface TopicConfigDefinition extends ConfigDefinition {
  /** In the order that they are asked. */
  readonly brokerSynonyms: readonly BrokerSynonym[]
  /** Accepted, never listed: an escape hatch of Kafka's own tests, for small segments. */
  readonly internal?: boolean
}

const longMax = '9223372036854775807'
const minute = 60_000
const hour = 60 * minute

function row(
  name: string,
  type: ConfigDefinition['type'],
  defaultValue: string,
  synonyms: string | readonly BrokerSynonym[] | null,
  doc: string,
  check?: ConfigDefinition['check'],
): TopicConfigDefinition {
  const brokerSynonyms =
    synonyms === null ? [] : typeof synonyms === 'string' ? [{ name: synonyms, factor: 1 }] : synonyms
  return { name, type, default: defaultValue, brokerSynonyms, doc, ...(check && { check }) }
}

const timed = (prefix: string, units: readonly ('ms' | 'minutes' | 'hours')[]): readonly BrokerSynonym[] =>
  units.map((unit) => ({ name: `${prefix}.${unit}`, factor: unit === 'ms' ? 1 : unit === 'minutes' ? minute : hour }))

// biome-ignore format: one setting a line
export const topicConfigs: readonly TopicConfigDefinition[] = [
  row('cleanup.policy', 'list', 'delete', 'log.cleanup.policy', 'What happens to old data: "delete" drops segments past the retention, "compact" keeps the last record of each key. Both may be given.', { eachOf: ['compact', 'delete'] }),
  row('compression.gzip.level', 'int', '-1', 'compression.gzip.level', 'Level used when compression.type is gzip; -1 is the default of the codec.', { betweenOr: [1, 9, -1] }),
  row('compression.lz4.level', 'int', '9', 'compression.lz4.level', 'Level used when compression.type is lz4.', { between: [1, 17] }),
  row('compression.type', 'string', 'producer', 'compression.type', 'Codec of the records on disk; "producer" keeps what the producer chose.', { oneOf: ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer'] }),
  row('compression.zstd.level', 'int', '3', 'compression.zstd.level', 'Level used when compression.type is zstd.', { between: [-131072, 22] }),
  row('delete.retention.ms', 'long', '86400000', 'log.cleaner.delete.retention.ms', 'How long a tombstone stays readable in a compacted topic.', { atLeast: 0 }),
  row('file.delete.delay.ms', 'long', '60000', 'log.segment.delete.delay.ms', 'How long the files of a deleted segment stay on disk.', { atLeast: 0 }),
  row('flush.messages', 'long', longMax, 'log.flush.interval.messages', 'Sync to disk after this many records; 1 syncs each one.', { atLeast: 1 }),
  row('flush.ms', 'long', longMax, [{ name: 'log.flush.interval.ms', factor: 1 }, { name: 'log.flush.scheduler.interval.ms', factor: 1 }], 'Sync to disk when the oldest unsynced record is this old.', { atLeast: 0 }),
  row('follower.replication.throttled.replicas', 'list', '', null, 'Replicas whose incoming replication is throttled, as partition:broker, or "*" for all.', { throttledReplicas: true }),
  row('index.interval.bytes', 'int', '4096', 'log.index.interval.bytes', 'The approximate number of bytes of records between two entries of the offset index.', { atLeast: 0 }),
  row('leader.replication.throttled.replicas', 'list', '', null, 'Replicas whose outgoing replication is throttled, as partition:broker, or "*" for all.', { throttledReplicas: true }),
  row('local.retention.bytes', 'long', '-2', 'log.local.retention.bytes', 'With tiered storage, how much stays on local disk; -2 means retention.bytes.', { atLeast: -2 }),
  row('local.retention.ms', 'long', '-2', 'log.local.retention.ms', 'With tiered storage, how long data stays on local disk; -2 means retention.ms.', { atLeast: -2 }),
  row('max.compaction.lag.ms', 'long', longMax, 'log.cleaner.max.compaction.lag.ms', 'The longest that a record of a compacted topic may stay uncompacted.', { atLeast: 1 }),
  row('max.message.bytes', 'int', '1048588', 'message.max.bytes', 'The largest record batch that is accepted, as it is on the wire (compressed).', { atLeast: 0 }),
  row('message.timestamp.after.max.ms', 'long', '3600000', 'log.message.timestamp.after.max.ms', 'With CreateTime, how far ahead of the broker a record may be dated.', { atLeast: 0 }),
  row('message.timestamp.before.max.ms', 'long', longMax, 'log.message.timestamp.before.max.ms', 'With CreateTime, how far behind the broker a record may be dated.', { atLeast: 0 }),
  row('message.timestamp.type', 'string', 'CreateTime', 'log.message.timestamp.type', 'Whether a record carries the time that the producer gave or the time of its append.', { oneOf: ['CreateTime', 'LogAppendTime'] }),
  row('min.cleanable.dirty.ratio', 'double', '0.5', 'log.cleaner.min.cleanable.ratio', 'The share of a log that must be uncompacted before it is cleaned.', { between: [0, 1] }),
  row('min.compaction.lag.ms', 'long', '0', 'log.cleaner.min.compaction.lag.ms', 'The shortest time that a record stays uncompacted.', { atLeast: 0 }),
  row('min.insync.replicas', 'int', '1', 'min.insync.replicas', 'How many replicas must have a record before acks=all is answered.', { atLeast: 1 }),
  row('preallocate', 'boolean', 'false', 'log.preallocate', 'Whether the file of a new segment is allocated in full.'),
  row('remote.log.copy.disable', 'boolean', 'false', null, 'With tiered storage, stops copying and makes the remote data read-only.'),
  row('remote.log.delete.on.disable', 'boolean', 'false', null, 'With tiered storage, deletes the remote data when tiering is turned off.'),
  row('remote.storage.enable', 'boolean', 'false', null, 'Tiered storage for this topic.'),
  row('retention.bytes', 'long', '-1', 'log.retention.bytes', 'Size of a partition above which its oldest segments are deleted; -1 means no limit.'),
  row('retention.ms', 'long', '604800000', timed('log.retention', ['ms', 'minutes', 'hours']), 'How long a record is kept; -1 means no limit.', { atLeast: -1 }),
  row('segment.bytes', 'int', '1073741824', 'log.segment.bytes', 'The size at which a new segment file begins.', { atLeast: 1048576 }),
  row('segment.index.bytes', 'int', '10485760', 'log.index.size.max.bytes', 'The largest size of a segment index.', { atLeast: 4 }),
  row('segment.jitter.ms', 'long', '0', timed('log.roll.jitter', ['ms', 'hours']), 'A random time taken off segment.ms, so that segments do not all roll at once.', { atLeast: 0 }),
  row('segment.ms', 'long', '604800000', timed('log.roll', ['ms', 'hours']), 'The age at which a new segment begins even if the last one is not full.', { atLeast: 1 }),
  row('unclean.leader.election.enable', 'boolean', 'false', 'unclean.leader.election.enable', 'Whether a replica that lags may become leader when no other is left, at the price of records.'),
  {
    ...row('internal.segment.bytes', 'int', '', null, 'Segments smaller than segment.bytes allows, for tests.'),
    internal: true,
    default: null,
  },
]

const byName = new Map(topicConfigs.map((definition) => [definition.name, definition]))

export function topicConfig(name: string): TopicConfigDefinition | undefined {
  return byName.get(name)
}
