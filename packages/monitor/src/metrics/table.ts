// Every metric of the exporter: one row each. The exporter, alert rules, dashboards, docs/monitoring.md and the tests read this table.
//
// Names follow https://prometheus.io/docs/practices/naming/, but for the two that `promtool check metrics` objects to; they are
// listed in `namingExceptions`. All have the label `cluster`; none has a client's or a member's id.
import type { Snapshot } from '../snapshot/types.ts'

/** The part of the snapshot that a metric is computed from. `exporter`: the exporter's own. */
export type Part =
  | Exclude<keyof Snapshot, 'cluster' | 'startedAtMs' | 'finishedAtMs' | 'expectedBrokers' | 'history'>
  | 'exporter'

export interface Metric {
  readonly name: string
  readonly type: 'gauge' | 'counter' | 'histogram'
  /** How it is computed, in one or two sentences: it is also the row of docs/monitoring.md. */
  readonly help: string
  /** Besides `cluster`. */
  readonly labels: readonly string[]
  readonly part: Part
  /** With `granularity: topic` the label `partition` goes: the sum or the maximum over the topic is given, or nothing. */
  readonly byTopic?: 'sum' | 'max' | 'left out'
}

const gauge = (name: string, part: Part, labels: readonly string[], help: string, byTopic?: Metric['byTopic']) =>
  ({ name, type: 'gauge', part, labels, help, ...(byTopic === undefined ? {} : { byTopic }) }) as const satisfies Metric
const counter = (name: string, part: Part, labels: readonly string[], help: string, byTopic?: Metric['byTopic']) =>
  ({
    name,
    type: 'counter',
    part,
    labels,
    help,
    ...(byTopic === undefined ? {} : { byTopic }),
  }) as const satisfies Metric
const histogram = (name: string, part: Part, labels: readonly string[], help: string) =>
  ({ name, type: 'histogram', part, labels, help }) as const satisfies Metric

const topicPartition = ['topic', 'partition'] as const
const groupPartition = ['group', 'topic', 'partition'] as const

/** Upper bounds in seconds of the histograms: those of OpenTelemetry's messaging conventions 1.44. */
export const probeBuckets = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] as const

export const metrics = {
  // The cluster and its brokers
  brokers: gauge('kafka_brokers', 'metadata', [], 'Brokers in the cluster now, by the metadata that one of them gave.'),
  brokersExpected: gauge(
    'kafka_brokers_expected',
    'metadata',
    [],
    'Brokers that the cluster should have: --expected-brokers, else the most that were seen within 24 hours.',
  ),
  brokerInfo: gauge(
    'kafka_broker_info',
    'metadata',
    ['broker', 'host', 'rack'],
    '1 for each broker in the metadata, with its advertised host and its rack.',
  ),
  brokerUp: gauge(
    'kafka_broker_up',
    'brokers',
    ['broker'],
    '1 when the broker answered at the address it advertises, 0 when it did not; 0 too for 24 hours after a broker has left the metadata.',
  ),
  brokerAnswer: gauge(
    'kafka_broker_answer_seconds',
    'brokers',
    ['broker'],
    'Time that the broker took for a connection, its login and an ApiVersions request.',
  ),
  brokerClockOffset: gauge(
    'kafka_broker_clock_offset_seconds',
    'quorum',
    ['broker'],
    "The clock of the node that leads the quorum, broker or controller, minus the exporter's. Kafka tells the time of no other node.",
  ),
  controllers: gauge(
    'kafka_active_controllers',
    'quorum',
    [],
    'Active controllers: 1 when the quorum has a leader, else 0.',
  ),
  brokerLeaders: gauge('kafka_broker_leader_partitions', 'metadata', ['broker'], 'Partitions that the broker leads.'),
  brokerReplicas: gauge('kafka_broker_replicas', 'metadata', ['broker'], 'Replicas that are assigned to the broker.'),
  preferredLeaders: gauge(
    'kafka_preferred_leader_ratio',
    'metadata',
    [],
    'Share of the partitions that are led by their preferred replica, 0 to 1.',
  ),
  quorumLag: gauge(
    'kafka_quorum_replica_lag',
    'quorum',
    ['replica', 'role'],
    "Records of the metadata log that a voter or observer (its node id is the label replica) is behind the quorum's leader.",
  ),
  quorumLeader: gauge('kafka_quorum_leader_id', 'quorum', [], "Node id of the quorum's leader; -1 when there is none."),
  quorumEpoch: counter(
    'kafka_quorum_epochs_total',
    'quorum',
    [],
    "Epoch of the quorum's leader: it grows by at least one with each election.",
  ),

  // Topics and partitions
  topicPartitions: gauge('kafka_topic_partitions', 'metadata', ['topic'], 'Partitions of the topic.'),
  topicId: gauge(
    'kafka_topic_id_info',
    'metadata',
    ['topic', 'topic_id'],
    '1, with the id of the topic: a topic that was deleted and created again has another.',
  ),
  topicRecreations: counter(
    'kafka_topic_recreations_total',
    'metadata',
    ['topic'],
    'Times that the topic was seen with another id than before, since the exporter started.',
  ),
  underReplicated: gauge(
    'kafka_under_replicated_partitions',
    'metadata',
    ['topic'],
    'Partitions of the topic with fewer replicas in sync than assigned.',
  ),
  offline: gauge(
    'kafka_offline_partitions',
    'metadata',
    ['topic'],
    'Partitions of the topic without a leader: they can be neither written nor read.',
  ),
  underMinIsr: gauge(
    'kafka_under_min_isr_partitions',
    'configs',
    ['topic'],
    'Partitions of the topic with fewer replicas in sync than min.insync.replicas: producers with acks=all are refused.',
  ),
  endOffset: counter(
    'kafka_partition_end_offset_total',
    'offsets',
    topicPartition,
    "The partition's high watermark. Its rate is messages per second, transaction markers included.",
    'sum',
  ),
  startOffset: counter(
    'kafka_partition_start_offset_total',
    'offsets',
    topicPartition,
    "The partition's log start offset: it grows when retention or DeleteRecords removes messages.",
    'sum',
  ),
  lsoLag: gauge(
    'kafka_partition_lso_lag',
    'offsets',
    topicPartition,
    'Messages between the last stable offset and the high watermark: consumers with read_committed wait for them.',
    'max',
  ),
  messagesPerSecond: gauge(
    'kafka_messages_per_sec',
    'offsets',
    ['topic'],
    "Growth of the topic's end offsets between the last two collections, in messages per second. For rates over a window of your own use rate(kafka_partition_end_offset_total).",
  ),
  bytesPerSecond: gauge(
    'kafka_bytes_per_sec',
    'logDirs',
    ['topic'],
    "Bytes written to the topic's leaders per second: the messages per second times the mean size of a message on disk (the size of the leaders' logs divided by their offsets). Kafka's admin protocol has no byte counters; JMX has (kafka_server_topic_bytesin_total).",
  ),
  logSize: gauge(
    'kafka_log_size',
    'logDirs',
    topicPartition,
    'Bytes on disk of the largest replica of the partition.',
    'sum',
  ),
  logDirTotal: gauge(
    'kafka_log_dir_total_bytes',
    'logDirs',
    ['broker', 'path'],
    'Size of the volume that holds the log directory (KIP-827).',
  ),
  logDirUsable: gauge(
    'kafka_log_dir_usable_bytes',
    'logDirs',
    ['broker', 'path'],
    'Bytes of that volume that the broker can still use (KIP-827).',
  ),
  logDirUp: gauge(
    'kafka_log_dir_up',
    'logDirs',
    ['broker', 'path'],
    '1 for a log directory that works, 0 for one that the broker has taken offline.',
  ),

  // Consumer groups
  lag: gauge(
    'kafka_consumer_lag',
    'groups',
    groupPartition,
    'Messages from the committed offset to the end of the partition. The offset is read before the end, and the lag is never negative.',
    'left out',
  ),
  groupTopicLag: gauge(
    'kafka_consumer_group_topic_lag',
    'groups',
    ['group', 'topic'],
    'Sum of the lag over the partitions of the topic.',
  ),
  lagSeconds: gauge(
    'kafka_consumer_lag_seconds',
    'groups',
    groupPartition,
    'Age of the next message that the group has not read, by its own timestamp; 0 when the group has caught up.',
    'left out',
  ),
  groupTopicLagSeconds: gauge(
    'kafka_consumer_group_topic_lag_seconds',
    'groups',
    ['group', 'topic'],
    'Maximum of the lag in seconds over the partitions of the topic.',
  ),
  lagVelocity: gauge(
    'kafka_consumer_group_topic_lag_velocity',
    'groups',
    ['group', 'topic'],
    'Change of the lag in messages per second over the last minutes: above 0 the group falls behind.',
  ),
  catchUp: gauge(
    'kafka_consumer_group_topic_catch_up_seconds',
    'groups',
    ['group', 'topic'],
    'Time until the lag is 0 at the present velocity; 0 when it is, +Inf while it does not shrink.',
  ),
  retentionUsed: gauge(
    'kafka_consumer_retention_used_ratio',
    'groups',
    groupPartition,
    'Age of the next unread message divided by retention.ms, 0 to 1: at 1 messages are deleted before they are read. The larger of it and the same by retention.bytes.',
    'max',
  ),
  commitStaleness: gauge(
    'kafka_consumer_group_commit_staleness_seconds',
    'groups',
    groupPartition,
    'Time since the committed offset was last seen to move; only while there is lag, else 0.',
    'max',
  ),
  lost: counter(
    'kafka_consumer_group_lost_messages_total',
    'groups',
    groupPartition,
    'Messages that were deleted before the group had read them: its offset was below the log start.',
    'sum',
  ),
  committed: counter(
    'kafka_consumer_committed_offset_total',
    'groups',
    groupPartition,
    'The committed offset. Its rate is messages consumed per second.',
    'sum',
  ),
  groupState: gauge(
    'kafka_consumer_group_state',
    'groups',
    ['group', 'state'],
    '1 for the state that the group is in, 0 for the others.',
  ),
  groupInfo: gauge(
    'kafka_consumer_group_info',
    'groups',
    ['group', 'type', 'coordinator'],
    '1, with the type of the group (classic, consumer, share, streams) and the id of its coordinator.',
  ),
  groupMembers: gauge('kafka_consumer_group_members', 'groups', ['group'], 'Members of the group.'),
  groupRebalances: counter(
    'kafka_consumer_group_rebalances_total',
    'groups',
    ['group'],
    'Rebalances since the exporter started. Groups of the consumer and share protocols tell them all by their epoch. A classic group does not: counted are collections that find it in another rebalance, or with another assignment, than the one before, so several between two collections are one.',
  ),
  shareLag: gauge(
    'kafka_share_group_lag',
    'groups',
    groupPartition,
    'Messages that a share group has not acknowledged, as its coordinator counts them (KIP-1226), else from its start offset to the end: some of them may be delivered already.',
    'sum',
  ),

  // Transactions
  transactionAge: gauge(
    'kafka_transaction_open_oldest_seconds',
    'transactions',
    topicPartition,
    'Age of the oldest transaction that holds back the last stable offset of the partition; 0 when none does.',
    'max',
  ),

  // The end-to-end probe
  probeProduced: counter(
    'kafka_e2e_messages_produced_total',
    'probe',
    [],
    'Messages of the probe that were acknowledged (acks=all).',
  ),
  probeProduceFailed: counter(
    'kafka_e2e_produce_failures_total',
    'probe',
    [],
    'Messages of the probe that were not acknowledged in time.',
  ),
  probeConsumed: counter('kafka_e2e_messages_consumed_total', 'probe', [], 'Messages of the probe that came back.'),
  probeLost: counter(
    'kafka_e2e_messages_lost_total',
    'probe',
    [],
    'Messages of the probe that were acknowledged and did not come back in time.',
  ),
  probeCommitFailed: counter(
    'kafka_e2e_commit_failures_total',
    'probe',
    [],
    'Offset commits of the probe that failed.',
  ),
  probeProduceSeconds: histogram(
    'kafka_e2e_produce_latency_seconds',
    'probe',
    [],
    'Time from sending a message of the probe to its acknowledgement.',
  ),
  probeCommitSeconds: histogram('kafka_e2e_commit_latency_seconds', 'probe', [], "Time of the probe's offset commits."),
  probeRoundTripSeconds: histogram(
    'kafka_e2e_roundtrip_latency_seconds',
    'probe',
    [],
    'Time from sending a message of the probe to its arrival at the consumer.',
  ),

  // Certificates, and what runs beside Kafka
  certificateExpiry: gauge(
    'kafka_certificate_expiry_timestamp_seconds',
    'certificates',
    ['where', 'subject'],
    'When the certificate expires, in seconds since the epoch.',
  ),
  serviceUp: gauge(
    'kafka_service_up',
    'services',
    ['service'],
    '1 when Schema Registry, Connect or ksqlDB answered, 0 when it did not.',
  ),
  connectorUp: gauge(
    'kafka_connect_connector_up',
    'services',
    ['connector'],
    '1 for a connector that runs or is paused, 0 for one that failed.',
  ),
  connectorTasksFailed: gauge(
    'kafka_connect_failed_tasks',
    'services',
    ['connector'],
    'Failed tasks of the connector.',
  ),

  // Backup, from the topic in which backups report
  backupSuccess: gauge(
    'kafka_backup_last_success_timestamp_seconds',
    'backups',
    ['backup'],
    'When the last backup to this target ended, in seconds since the epoch.',
  ),
  backupCut: gauge(
    'kafka_backup_cut_timestamp_seconds',
    'backups',
    ['backup'],
    'When the last backup read the ends of the partitions: records that were committed before are in it.',
  ),
  backupOldest: gauge(
    'kafka_backup_oldest_topic_timestamp_seconds',
    'backups',
    ['backup'],
    'The same of the topic that was read longest ago: a run leaves out topics that are not due.',
  ),
  backupTopics: gauge('kafka_backup_topics', 'backups', ['backup'], 'Topics in the newest backup.'),
  backupRecords: gauge('kafka_backup_records', 'backups', ['backup'], 'Records in the newest backup.'),
  backupAddedRecords: gauge('kafka_backup_added_records', 'backups', ['backup'], 'Records that the last run wrote.'),
  backupAddedBytes: gauge(
    'kafka_backup_added_bytes',
    'backups',
    ['backup'],
    'Bytes that the last run wrote, compressed.',
  ),
  backupProblems: gauge(
    'kafka_backup_problems',
    'backups',
    ['backup'],
    'Parts of the cluster that the last run could not read.',
  ),
  backupUncovered: gauge(
    'kafka_backup_uncovered_topics',
    'backups',
    ['backup'],
    'Topics that are in no backup, and that platform.yaml does not leave out.',
  ),
  backupDue: gauge(
    'kafka_backup_next_due_timestamp_seconds',
    'backups',
    ['backup'],
    'When the next backup of a topic is due by its frequency, in seconds since the epoch.',
  ),
  backupDeadline: gauge(
    'kafka_backup_deadline_timestamp_seconds',
    'backups',
    ['backup'],
    'From when on a topic is overdue by its rpo or frequency, in seconds since the epoch.',
  ),
  backupFailure: gauge(
    'kafka_backup_last_failure_timestamp_seconds',
    'backups',
    ['backup'],
    'When a run last ended without a backup, in seconds since the epoch.',
  ),
  drillSuccess: gauge(
    'kafka_drill_last_success_timestamp_seconds',
    'backups',
    ['backup'],
    'When a restore was last proven by a drill, in seconds since the epoch.',
  ),
  drillFailure: gauge(
    'kafka_drill_last_failure_timestamp_seconds',
    'backups',
    ['backup'],
    'When a drill last failed, in seconds since the epoch.',
  ),
  drillDue: gauge(
    'kafka_drill_next_due_timestamp_seconds',
    'backups',
    ['backup'],
    'When the next drill is due, in seconds since the epoch.',
  ),
  drillRto: gauge(
    'kafka_drill_rto_seconds',
    'backups',
    ['backup'],
    'How long the restore of the last drill that passed took.',
  ),
  drillRpo: gauge(
    'kafka_drill_rpo_seconds',
    'backups',
    ['backup'],
    'How much the last drill that passed would have lost, in seconds.',
  ),

  // The exporter itself
  exporterCollect: gauge('kafka_exporter_collect_duration_seconds', 'exporter', [], 'Duration of the last collection.'),
  exporterSuccess: gauge(
    'kafka_exporter_last_success_timestamp_seconds',
    'exporter',
    ['part'],
    'When this part of the snapshot was last read, in seconds since the epoch. Its metrics are as old as that.',
  ),
  exporterStale: gauge(
    'kafka_exporter_stale',
    'exporter',
    ['part'],
    '1 when the last attempt to read this part failed and its metrics are from an earlier one, or when it has never been read.',
  ),
  exporterErrors: counter(
    'kafka_exporter_errors_total',
    'exporter',
    ['part'],
    'Attempts to read this part that failed.',
  ),
  exporterRequests: counter('kafka_exporter_kafka_requests_total', 'exporter', [], 'Requests sent to Kafka.'),
  exporterSeries: gauge('kafka_exporter_series', 'exporter', [], 'Time series in the last snapshot.'),
  exporterInfo: gauge('kafka_exporter_build_info', 'exporter', ['version'], "1, with the exporter's version."),
} as const

export type MetricKey = keyof typeof metrics

/** What `promtool check metrics` reports of names that were promised before: kept for those who know them, not used by dashboards. */
export const namingExceptions: readonly string[] = [metrics.messagesPerSecond.name, metrics.bytesPerSecond.name]
