// Every broker setting of the Kafka release that this broker implements (see kafka-release.ts). Here are those that matter on one node:
// those that topics inherit, those that the embedded broker obeys, and the few that tools look for; the rest is in `absent/`. A test
// compares types, defaults and where they may be changed with Apache Kafka; the sentences are ours.
import { absentFeatures } from './absent/index.ts'
import type { BrokerConfigRow, UpdateMode } from './broker-config-row.ts'
import type { ConfigDefinition } from './definition.ts'

export interface BrokerConfigDefinition extends ConfigDefinition {
  readonly update: UpdateMode
  /** Why only the default is accepted: any other value would have no effect, and its user must be able to rely on one. */
  readonly whyFixed?: string
}

const longMax = '9223372036854775807'
const intMax = '2147483647'

const codecs = ['uncompressed', 'zstd', 'lz4', 'snappy', 'gzip', 'producer']
const nonNegative = { atLeast: 0 }
const positive = { atLeast: 1 }

// biome-ignore format: one setting a line
const rows: readonly BrokerConfigRow[] = [
  ['advertised.listeners', 'list', null, 'read-only', 'Addresses that clients get for this broker.'],
  ['auto.create.topics.enable', 'boolean', 'true', 'read-only', 'Whether asking for an unknown topic creates it.'],
  ['background.threads', 'int', '10', 'cluster-wide', 'Threads for background work; no effect here.', positive],
  ['broker.id', 'int', '-1', 'read-only', 'The older name of node.id.'],
  ['broker.rack', 'string', null, 'read-only', 'The rack that the broker says it is in.'],
  ['compression.gzip.level', 'int', '-1', 'cluster-wide', 'For topics: compression.gzip.level.', { betweenOr: [1, 9, -1] }],
  ['compression.lz4.level', 'int', '9', 'cluster-wide', 'For topics: compression.lz4.level.', { between: [1, 17] }],
  ['compression.type', 'string', 'producer', 'cluster-wide', 'For topics: compression.type.', { oneOf: codecs }],
  ['compression.zstd.level', 'int', '3', 'cluster-wide', 'For topics: compression.zstd.level.', { between: [-131072, 22] }],
  ['connections.max.idle.ms', 'long', '600000', 'read-only', 'An idle connection is closed after this time.'],
  ['controlled.shutdown.enable', 'boolean', 'true', 'read-only', 'Whether leadership moves away before a stop; no effect here.'],
  ['default.replication.factor', 'int', '1', 'read-only', 'Replicas of a topic that sets no number.', positive],
  ['delete.topic.enable', 'boolean', 'true', 'read-only', 'Whether topics may be deleted.'],
  ['fetch.max.bytes', 'int', '57671680', 'read-only', 'The largest answer to one fetch.', { atLeast: 1024 }],
  ['group.coordinator.rebalance.protocols', 'list', 'classic,consumer,streams', 'read-only', 'Group protocols that are offered; here always classic.', { eachOf: ['classic', 'consumer', 'streams', 'share'] }],
  ['group.initial.rebalance.delay.ms', 'int', '3000', 'read-only', 'How long a new group waits for more members before its first rebalance.'],
  ['group.max.session.timeout.ms', 'int', '1800000', 'read-only', 'The longest session timeout that a member may ask for.'],
  ['group.max.size', 'int', intMax, 'read-only', 'The most members that one group may have.', positive],
  ['group.min.session.timeout.ms', 'int', '6000', 'read-only', 'The shortest session timeout that a member may ask for.'],
  ['listener.security.protocol.map', 'string', 'SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT', 'read-only', 'Security protocol of each listener.'],
  ['listeners', 'list', 'PLAINTEXT://:9092', 'read-only', 'Addresses that the broker listens on.'],
  ['log.cleaner.delete.retention.ms', 'long', '86400000', 'cluster-wide', 'For topics: delete.retention.ms.', nonNegative],
  ['log.cleaner.enable', 'boolean', 'true', 'read-only', 'Whether compacted topics are compacted.'],
  ['log.cleaner.max.compaction.lag.ms', 'long', longMax, 'cluster-wide', 'For topics: max.compaction.lag.ms.', positive],
  ['log.cleaner.min.cleanable.ratio', 'double', '0.5', 'cluster-wide', 'For topics: min.cleanable.dirty.ratio.', { between: [0, 1] }],
  ['log.cleaner.min.compaction.lag.ms', 'long', '0', 'cluster-wide', 'For topics: min.compaction.lag.ms.', nonNegative],
  ['log.cleaner.threads', 'int', '1', 'cluster-wide', 'Threads of the cleaner; no effect here.', nonNegative],
  ['log.cleanup.policy', 'list', 'delete', 'cluster-wide', 'For topics: cleanup.policy.', { eachOf: ['compact', 'delete'] }],
  ['log.dir', 'list', '/tmp/kafka-logs', 'read-only', 'Where the data is, when log.dirs is not given.'],
  ['log.dirs', 'list', null, 'read-only', 'Where the data is.'],
  ['log.flush.interval.messages', 'long', longMax, 'cluster-wide', 'For topics: flush.messages.', positive],
  ['log.flush.interval.ms', 'long', null, 'cluster-wide', 'For topics: flush.ms.'],
  ['log.flush.offset.checkpoint.interval.ms', 'int', '60000', 'read-only', 'How often the recovery point is written.', nonNegative],
  ['log.flush.scheduler.interval.ms', 'long', longMax, 'read-only', 'How often the flusher looks; for topics the fallback of flush.ms.'],
  ['log.flush.start.offset.checkpoint.interval.ms', 'int', '60000', 'read-only', 'How often log start offsets are written.', nonNegative],
  ['log.index.interval.bytes', 'int', '4096', 'cluster-wide', 'For topics: index.interval.bytes.', nonNegative],
  ['log.index.size.max.bytes', 'int', '10485760', 'cluster-wide', 'For topics: segment.index.bytes.', { atLeast: 4 }],
  ['log.local.retention.bytes', 'long', '-2', 'cluster-wide', 'For topics: local.retention.bytes.', { atLeast: -2 }],
  ['log.local.retention.ms', 'long', '-2', 'cluster-wide', 'For topics: local.retention.ms.', { atLeast: -2 }],
  ['log.message.timestamp.after.max.ms', 'long', '3600000', 'cluster-wide', 'For topics: message.timestamp.after.max.ms.', nonNegative],
  ['log.message.timestamp.before.max.ms', 'long', longMax, 'cluster-wide', 'For topics: message.timestamp.before.max.ms.', nonNegative],
  ['log.message.timestamp.type', 'string', 'CreateTime', 'cluster-wide', 'For topics: message.timestamp.type.', { oneOf: ['CreateTime', 'LogAppendTime'] }],
  ['log.preallocate', 'boolean', 'false', 'cluster-wide', 'For topics: preallocate.'],
  ['log.retention.bytes', 'long', '-1', 'cluster-wide', 'For topics: retention.bytes.'],
  ['log.retention.check.interval.ms', 'long', '300000', 'read-only', 'How often retention is applied.', positive],
  ['log.retention.hours', 'int', '168', 'read-only', 'For topics: retention.ms, when neither ms nor minutes are given.'],
  ['log.retention.minutes', 'int', null, 'read-only', 'For topics: retention.ms, when ms are not given.'],
  ['log.retention.ms', 'long', null, 'cluster-wide', 'For topics: retention.ms.'],
  ['log.roll.hours', 'int', '168', 'read-only', 'For topics: segment.ms, when ms are not given.', positive],
  ['log.roll.jitter.hours', 'int', '0', 'read-only', 'For topics: segment.jitter.ms, when ms are not given.', nonNegative],
  ['log.roll.jitter.ms', 'long', null, 'cluster-wide', 'For topics: segment.jitter.ms.'],
  ['log.roll.ms', 'long', null, 'cluster-wide', 'For topics: segment.ms.'],
  ['log.segment.bytes', 'int', '1073741824', 'cluster-wide', 'For topics: segment.bytes.', { atLeast: 1048576 }],
  ['log.segment.delete.delay.ms', 'long', '60000', 'cluster-wide', 'For topics: file.delete.delay.ms.', nonNegative],
  ['max.connections', 'int', intMax, 'cluster-wide', 'The most connections that are open at a time.', nonNegative],
  ['max.connections.per.ip', 'int', intMax, 'cluster-wide', 'The most connections from one address.', nonNegative],
  ['max.incremental.fetch.session.cache.slots', 'int', '1000', 'read-only', 'The most fetch sessions that are remembered.', nonNegative],
  ['max.request.partition.size.limit', 'int', '2000', 'read-only', 'The most partitions in one answer to DescribeTopicPartitions.', positive],
  ['message.max.bytes', 'int', '1048588', 'cluster-wide', 'For topics: max.message.bytes.', nonNegative],
  ['min.insync.replicas', 'int', '1', 'cluster-wide', 'For topics: min.insync.replicas.', positive],
  ['node.id', 'int', null, 'read-only', 'The number of this broker.', nonNegative],
  ['num.io.threads', 'int', '8', 'cluster-wide', 'Threads that handle requests; no effect here.', positive],
  ['num.network.threads', 'int', '3', 'cluster-wide', 'Threads that read and write sockets; no effect here.', positive],
  ['num.partitions', 'int', '1', 'read-only', 'Partitions of a topic that sets no number.', positive],
  ['num.recovery.threads.per.data.dir', 'int', '2', 'cluster-wide', 'Threads for recovery at the start; no effect here.', positive],
  ['offset.metadata.max.bytes', 'int', '4096', 'read-only', 'The largest metadata text of a committed offset.'],
  ['offsets.commit.timeout.ms', 'int', '5000', 'read-only', 'How long a commit may wait to be written.', positive],
  ['offsets.retention.check.interval.ms', 'long', '600000', 'read-only', 'How often expired offsets are looked for.', positive],
  ['offsets.retention.minutes', 'int', '10080', 'read-only', 'How long the offsets of an empty group are kept.', positive],
  ['offsets.topic.compression.codec', 'int', '0', 'read-only', 'Codec of __consumer_offsets.'],
  ['offsets.topic.num.partitions', 'int', '50', 'read-only', 'Partitions of __consumer_offsets when it is created.', positive],
  ['offsets.topic.replication.factor', 'short', '3', 'read-only', 'Replicas of __consumer_offsets when it is created.', positive],
  ['offsets.topic.segment.bytes', 'int', '104857600', 'read-only', 'Segment size of __consumer_offsets when it is created.', positive],
  ['process.roles', 'list', null, 'read-only', 'What the process is: broker, controller.', { eachOf: ['broker', 'controller'] }],
  ['producer.id.expiration.ms', 'int', '86400000', 'cluster-wide', 'How long the state of an inactive idempotent producer is kept.', positive],
  ['queued.max.request.bytes', 'long', '-1', 'read-only', 'What requests may hold in memory over all connections, at least 1 MiB; -1 means 256 MiB (in Kafka: no limit).'],
  ['queued.max.requests', 'int', '500', 'read-only', 'The most requests that wait to be handled.', positive],
  ['replica.lag.time.max.ms', 'long', '30000', 'read-only', 'How long a follower may lag; no effect here.'],
  ['request.timeout.ms', 'int', '30000', 'read-only', 'How long the broker waits for others; no effect here.'],
  ['socket.listen.backlog.size', 'int', '50', 'read-only', 'Connections that wait to be accepted.', positive],
  ['socket.receive.buffer.bytes', 'int', '102400', 'read-only', 'Receive buffer of a socket; the system decides here.'],
  ['socket.request.max.bytes', 'int', '104857600', 'read-only', 'The largest request that is read.', positive],
  ['socket.send.buffer.bytes', 'int', '102400', 'read-only', 'Send buffer of a socket; the system decides here.'],
  ['transaction.max.timeout.ms', 'int', '900000', 'read-only', 'The longest transaction timeout that a producer may ask for.', positive],
  ['transaction.state.log.min.isr', 'int', '2', 'read-only', 'min.insync.replicas of __transaction_state when it is created.', positive],
  ['transaction.state.log.num.partitions', 'int', '50', 'read-only', 'Partitions of __transaction_state when it is created.', positive],
  ['transaction.state.log.replication.factor', 'short', '3', 'read-only', 'Replicas of __transaction_state when it is created.', positive],
  ['transaction.state.log.segment.bytes', 'int', '104857600', 'read-only', 'Segment size of __transaction_state when it is created.', positive],
  ['transactional.id.expiration.ms', 'int', '604800000', 'read-only', 'How long an inactive transactional id is remembered.', positive],
  ['unclean.leader.election.enable', 'boolean', 'false', 'cluster-wide', 'For topics: unclean.leader.election.enable.'],
]

const addresses = 'the address follows from the options host, port and brokers'
const folder = 'the folder follows from the option dataDir'
const identity = 'this broker is always broker 1, and its own controller'
/** Settings above that follow from how the broker is started, and from what. */
const fixedBecause: Readonly<Record<string, string>> = {
  'advertised.listeners': addresses,
  'listener.security.protocol.map': addresses,
  listeners: addresses,
  'log.dir': folder,
  'log.dirs': folder,
  'broker.id': identity,
  'node.id': identity,
  'process.roles': identity,
  'group.coordinator.rebalance.protocols': 'this broker has classic groups only',
}

function definitions(
  rows: readonly BrokerConfigRow[],
  whyFixedOf: (name: string) => string | null | undefined,
): readonly BrokerConfigDefinition[] {
  return rows.map(([name, type, defaultValue, update, doc, check]) => {
    const whyFixed = whyFixedOf(name)
    return { name, type, default: defaultValue, update, doc, ...(check && { check }), ...(whyFixed && { whyFixed }) }
  })
}

/** Sorted by name. */
export const brokerConfigs: readonly BrokerConfigDefinition[] = [
  ...definitions(rows, (name) => fixedBecause[name]),
  ...absentFeatures.flatMap((feature) => definitions(feature.rows, () => feature.whyFixed)),
].sort((a, b) => (a.name < b.name ? -1 : 1))

const byName = new Map(brokerConfigs.map((definition) => [definition.name, definition]))

export function brokerConfig(name: string): BrokerConfigDefinition | undefined {
  return byName.get(name)
}
