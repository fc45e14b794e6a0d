// Settings of Kafka for clusters and for its own machinery: replication, quorum, quotas, transactions, buffers and threads.
import { type AbsentFeature, quotaWindow } from '../broker-config-row.ts'

// biome-ignore format: one setting a line
export const replication: AbsentFeature = {
  whyFixed: null,
  rows: [
    ...quotaWindow('alter.log.dirs.replication.quota.window', 'Samples kept for the quota of moves between log directories.'),
    ['auto.leader.rebalance.enable', 'boolean', 'true', 'read-only', 'Whether leadership moves back to preferred replicas.'],
    ['follower.fetch.last.tiered.offset.enable', 'boolean', 'false', 'cluster-wide', 'Whether a new follower begins at the end of the tiered data.'],
    ['leader.imbalance.check.interval.seconds', 'long', '300', 'read-only', 'How often leadership is compared with the preferred replicas.'],
    ['log.dir.failure.timeout.ms', 'long', '30000', 'read-only', 'How long a broker may fail to report a failed log directory before it stops.'],
    ['num.replica.alter.log.dirs.threads', 'int', null, 'read-only', 'Threads that move replicas between log directories.'],
    ['num.replica.fetchers', 'int', '1', 'cluster-wide', 'Threads that copy from each other broker.'],
    ['replica.fetch.backoff.ms', 'int', '1000', 'read-only', 'How long a follower waits after a failed fetch.'],
    ['replica.fetch.max.bytes', 'int', '1048576', 'read-only', 'Bytes of one partition that a follower asks for at a time.'],
    ['replica.fetch.min.bytes', 'int', '1', 'read-only', "Bytes that a follower's fetch waits for."],
    ['replica.fetch.response.max.bytes', 'int', '10485760', 'read-only', 'The largest answer to a follower.'],
    ['replica.fetch.wait.max.ms', 'int', '500', 'read-only', "How long a follower's fetch may wait."],
    ['replica.high.watermark.checkpoint.interval.ms', 'long', '5000', 'read-only', 'How often high watermarks are written to disk.'],
    ['replica.socket.receive.buffer.bytes', 'int', '65536', 'read-only', "Receive buffer of a follower's socket."],
    ['replica.socket.timeout.ms', 'int', '30000', 'read-only', 'How long a follower waits for an answer.'],
    ...quotaWindow('replication.quota.window', 'Samples kept for replication quotas.'),
  ],
}

// biome-ignore format: one setting a line
export const quotas: AbsentFeature = {
  whyFixed: null,
  rows: [
    ...quotaWindow('controller.quota.window', 'Samples kept for the quota of changes to the cluster.'),
    ...quotaWindow('quota.window', 'Samples kept for client quotas.'),
    ['max.connection.creation.rate', 'int', '2147483647', 'cluster-wide', 'The most new connections a second.'],
    ['max.connections.per.ip.overrides', 'string', '', 'cluster-wide', 'Other limits for single addresses than max.connections.per.ip.'],
  ],
}

// biome-ignore format: one setting a line
export const quorum: AbsentFeature = {
  whyFixed: 'this broker is a single node and has no controller quorum',
  rows: [
    ['controller.listener.names', 'list', null, 'read-only', 'Listeners of the controllers.'],
    ['controller.quorum.auto.join.enable', 'boolean', 'false', 'read-only', 'Whether a controller adds itself to the voters.'],
    ['controller.quorum.bootstrap.servers', 'list', '', 'read-only', 'Addresses of controllers to begin with.'],
    ['controller.quorum.voters', 'list', '', 'read-only', 'The voters of a static quorum.'],
    ['inter.broker.listener.name', 'string', null, 'read-only', 'The listener that brokers use among themselves.'],
    ['metadata.log.dir', 'string', null, 'read-only', 'Where the metadata log is.'],
    ['cordoned.log.dirs', 'list', '', 'cluster-wide', 'Log directories that take no new partitions.'],
  ],
}

// biome-ignore format: one setting a line
export const quorumTiming: AbsentFeature = {
  whyFixed: null,
  rows: [
    ['broker.heartbeat.interval.ms', 'int', '2000', 'read-only', 'How often a broker reports to the controller.'],
    ['broker.session.timeout.ms', 'int', '9000', 'read-only', 'How long a broker may go without a heartbeat before it is fenced.'],
    ['controller.quorum.append.linger.ms', 'int', '25', 'read-only', 'How long the leader collects metadata records before it writes them.'],
    ['controller.quorum.election.backoff.max.ms', 'int', '1000', 'read-only', 'The longest wait before another election.'],
    ['controller.quorum.election.timeout.ms', 'int', '1000', 'read-only', 'How long a candidate waits for votes.'],
    ['controller.quorum.fetch.max.bytes', 'int', '1048576', 'read-only', 'Bytes of metadata in one fetch.'],
    ['controller.quorum.fetch.snapshot.max.bytes', 'int', '1048576', 'read-only', 'Bytes of a snapshot in one fetch.'],
    ['controller.quorum.fetch.timeout.ms', 'int', '2000', 'read-only', 'How long a voter may go without a leader before it starts an election.'],
    ['controller.quorum.request.timeout.ms', 'int', '2000', 'read-only', 'How long a request of the quorum may take.'],
    ['controller.quorum.retry.backoff.ms', 'int', '20', 'read-only', 'The wait before a request of the quorum is repeated.'],
    ['controller.socket.timeout.ms', 'int', '30000', 'read-only', 'How long a request to the controller may take.'],
    ['initial.broker.registration.timeout.ms', 'int', '60000', 'read-only', 'How long a starting broker tries to register.'],
    ['metadata.log.max.record.bytes.between.snapshots', 'long', '20971520', 'read-only', 'Bytes of metadata records after which a snapshot is made.'],
    ['metadata.log.max.snapshot.interval.ms', 'long', '3600000', 'read-only', 'The longest time between two snapshots.'],
    ['metadata.log.segment.bytes', 'int', '1073741824', 'read-only', 'Segment size of the metadata log.'],
    ['metadata.log.segment.ms', 'long', '604800000', 'read-only', 'Segment age of the metadata log.'],
    ['metadata.max.idle.interval.ms', 'int', '500', 'read-only', 'How often an idle leader writes a record that does nothing.'],
    ['metadata.max.retention.bytes', 'long', '104857600', 'read-only', 'How large the metadata log may grow before old segments go.'],
    ['metadata.max.retention.ms', 'long', '604800000', 'read-only', 'How long segments of the metadata log are kept.'],
    ['socket.connection.setup.timeout.max.ms', 'long', '30000', 'read-only', 'The longest that connecting to another node may take.'],
    ['socket.connection.setup.timeout.ms', 'long', '10000', 'read-only', 'How long the first attempt to connect to another node may take.'],
  ],
}

// biome-ignore format: one setting a line
export const transactions: AbsentFeature = {
  whyFixed: null,
  rows: [
    ['add.partitions.to.txn.retry.backoff.max.ms', 'int', '100', 'read-only', 'The longest wait before AddPartitionsToTxn is tried again.'],
    ['add.partitions.to.txn.retry.backoff.ms', 'int', '20', 'read-only', 'The first wait before AddPartitionsToTxn is tried again.'],
    ['transaction.abort.timed.out.transaction.cleanup.interval.ms', 'int', '10000', 'read-only', 'How often transactions past their timeout are looked for.'],
    ['transaction.partition.verification.enable', 'boolean', 'true', 'cluster-wide', 'Whether a partition checks that a transaction really includes it.'],
    ['transaction.remove.expired.transaction.cleanup.interval.ms', 'int', '3600000', 'read-only', 'How often expired transactional ids are looked for.'],
    ['transaction.state.log.load.buffer.size', 'int', '5242880', 'read-only', 'Bytes read at a time when transaction state is loaded.'],
  ],
}

// biome-ignore format: one setting a line
export const twoPhase: AbsentFeature = {
  whyFixed: 'this broker has no transactions',
  rows: [
    ['transaction.two.phase.commit.enable', 'boolean', 'false', 'read-only', 'Whether producers may prepare a transaction and commit it later.'],
  ],
}

// biome-ignore format: one setting a line
export const machinery: AbsentFeature = {
  whyFixed: null,
  rows: [
    ['delete.records.purgatory.purge.interval.requests', 'int', '1', 'read-only', 'Completed DeleteRecords after which they are cleaned up.'],
    ['fetch.purgatory.purge.interval.requests', 'int', '1000', 'read-only', 'Completed fetches after which they are cleaned up.'],
    ['kafka.metrics.polling.interval.secs', 'int', '10', 'read-only', 'How often Yammer metrics are polled.'],
    ['log.cleaner.backoff.ms', 'long', '15000', 'cluster-wide', 'How long the cleaner sleeps when there is nothing to clean.'],
    ['log.cleaner.dedupe.buffer.size', 'long', '134217728', 'cluster-wide', "Memory of the cleaner's table of keys."],
    ['log.cleaner.io.buffer.load.factor', 'double', '0.9', 'cluster-wide', 'How full that table may get.'],
    ['log.cleaner.io.buffer.size', 'int', '524288', 'cluster-wide', "Memory of the cleaner's reading and writing."],
    ['log.cleaner.io.max.bytes.per.second', 'double', '1.7976931348623157E308', 'cluster-wide', 'The most bytes a second that the cleaner moves.'],
    ['metrics.num.samples', 'int', '2', 'read-only', 'Samples kept for each metric.'],
    ['metrics.recording.level', 'string', 'INFO', 'read-only', 'Which metrics are recorded.'],
    ['metrics.sample.window.ms', 'long', '30000', 'read-only', 'Length of each of those samples.'],
    ['offsets.load.buffer.size', 'int', '5242880', 'read-only', 'Bytes read at a time when committed offsets are loaded.'],
    ['producer.purgatory.purge.interval.requests', 'int', '1000', 'read-only', 'Completed Produce requests after which they are cleaned up.'],
    ['telemetry.max.bytes', 'int', '1048576', 'read-only', 'The largest push of client metrics.'],
  ],
}
