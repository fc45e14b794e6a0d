// One row for each alert of packages/monitor/src/rules: how its series and text are when it fires here, or why it cannot be caused here.
export interface Row {
  /** Labels of the series, besides `cluster`. */
  readonly labels: Readonly<Record<string, string>>
  readonly summary: RegExp
}

/** Why an alert is not driven by this test. */
export interface NotDriven {
  readonly reason: string
}

const cluster = { cluster: 'proof' } as const
const number = '[0-9.]+k?'

export const rows = {
  // Brokers, quorum, disks
  KafkaBrokerDown: { labels: cluster, summary: /^Kafka proof has 2 brokers of 3$/ },
  KafkaClusterUnreachable: { labels: cluster, summary: /^Kafka proof does not answer the exporter$/ },
  KafkaUnderReplicatedPartitions: { labels: cluster, summary: /^Kafka proof has [0-9]+ under-replicated partitions?$/ },
  KafkaOfflinePartitions: {
    labels: { ...cluster, topic: 'paired' },
    summary: /^paired has 1 offline partition: it can be neither written nor read$/,
  },
  KafkaUnderMinIsr: {
    labels: { ...cluster, topic: 'tripled' },
    summary: /^tripled has 2 partitions below min\.insync\.replicas: producers with acks=all are refused$/,
  },
  KafkaNoController: { labels: cluster, summary: /^Kafka proof has no active controller$/ },
  KafkaDiskUsage: { labels: { ...cluster, broker: '3' }, summary: /^The disk of broker 3 is 8[0-9.]+% full \(\/.+\)$/ },
  KafkaDiskAlmostFull: {
    labels: { ...cluster, broker: '3' },
    summary: /^The disk of broker 3 is 9[0-9.]+% full \(\/.+\)$/,
  },
  KafkaLogDirectoryOffline: { labels: { ...cluster, broker: '3' }, summary: /^Broker 3 has taken \/.+ offline$/ },

  // Consumer groups
  KafkaConsumerLag: {
    labels: { ...cluster, group: 'slow-billing', topic: 'orders' },
    summary: new RegExp(`^slow-billing is ${number} messages behind on orders$`),
  },
  KafkaConsumerLagSeconds: {
    labels: { ...cluster, group: 'slow-billing', topic: 'orders', service: 'billing' },
    summary: /^slow-billing is [0-9a-z. ]+ behind on orders, more than its objective$/,
  },
  KafkaConsumerLagGrowing: {
    labels: { ...cluster, group: 'slow-billing', topic: 'orders' },
    summary: new RegExp(
      `^The lag of slow-billing on orders has been growing for 15 minutes, now by ${number} messages a second$`,
    ),
  },
  KafkaConsumerLagNearRetention: {
    labels: { ...cluster, group: 'late-report', topic: 'visits' },
    summary: /^visits will delete messages that late-report has not read: [0-9.]+% of the retention is used$/,
  },
  KafkaMessagesLost: {
    labels: { ...cluster, group: 'late-report', topic: 'visits' },
    summary: new RegExp(`^late-report lost about ${number} messages of visits to retention$`),
  },
  KafkaGroupEmptyWithLag: {
    labels: { ...cluster, group: 'gone-archiver' },
    summary: /^gone-archiver has no members and 42 messages to read$/,
  },
  KafkaConsumerStuck: {
    labels: { ...cluster, group: 'stuck-mailer', topic: 'mails' },
    summary: /^stuck-mailer has committed nothing on a partition of mails for [0-9a-z. ]+, and there are messages$/,
  },
  KafkaGroupFlapping: {
    labels: { ...cluster, group: 'flapping-search' },
    summary: /^flapping-search has rebalanced [0-9]+ times in 10 minutes, and does not settle$/,
  },

  // Topics, transactions, the probe, certificates
  KafkaTopicRecreated: {
    labels: { ...cluster, topic: 'profiles' },
    summary: /^profiles was deleted and created again within the last hour$/,
  },
  KafkaNoMessages: {
    labels: { ...cluster, topic: 'heartbeats' },
    summary:
      /^heartbeats has had no messages for 20 minutes or more, and had some in every quarter of an hour of the day before$/,
  },
  KafkaHangingTransaction: {
    labels: { ...cluster, topic: 'transfers' },
    summary: /^A transaction on transfers has been open for [0-9a-z. ]+$/,
  },
  KafkaEndToEndLoss: {
    labels: cluster,
    summary: new RegExp(`^The end-to-end probe of Kafka proof lost ${number} messages? in 10 minutes$`),
  },
  KafkaCertificateExpiring: {
    labels: { ...cluster, subject: 'CN=kafka-broker' },
    summary: /^The certificate CN=kafka-broker \(broker 1 \(127\.0\.0\.1:\d+\)\) expires in 9d [0-9a-z. ]+$/,
  },
  KafkaCertificateExpiresSoon: {
    labels: { ...cluster, subject: 'CN=kafka-broker' },
    summary: /^The certificate CN=kafka-broker \(broker 1 \(127\.0\.0\.1:\d+\)\) expires in 1d [0-9a-z. ]+$/,
  },

  // The exporter, Schema Registry, Connect, ksqlDB
  KafkaExporterAbsent: { labels: cluster, summary: /^Prometheus has no metrics of the Kafka exporter of proof$/ },
  KafkaExporterStale: {
    labels: cluster,
    summary: /^A replica of the Kafka exporter of proof cannot read [a-z]+(, [a-zA-Z]+)+$/,
  },
  KafkaSchemaRegistryDown: {
    labels: { ...cluster, service: 'schema-registry' },
    summary: /^Schema Registry does not answer$/,
  },
  KafkaServiceDown: { labels: { ...cluster, service: 'connect' }, summary: /^connect does not answer$/ },
  KafkaConnectorFailed: { labels: { ...cluster, connector: 'archive' }, summary: /^Connector archive has failed$/ },
  KafkaConnectTaskFailed: {
    labels: { ...cluster, connector: 'search' },
    summary: /^Connector search has 2 failed tasks$/,
  },

  // Backups
  KafkaBackupOverdue: {
    reason:
      'test/backup-report.test.ts drives its metric from a backup that is taken, late and taken again; promtool proves the rule',
  },
  KafkaBackupFailed: {
    reason: 'test/backup-report.test.ts drives its metric from a run that the store refuses; promtool proves the rule',
  },
  KafkaDrillOverdue: {
    reason: 'packages/cli/src/commands/drill.test.ts drives its metric from a drill; promtool proves the rule',
  },
  KafkaDrillFailed: {
    reason:
      'packages/cli/src/commands/drill.test.ts drives its metric from a drill that fails; promtool proves the rule',
  },
  KafkaBackupIncomplete: {
    reason: 'test/backup-report.test.ts drives its metrics from a topic that no backup has; promtool proves the rule',
  },

  // From the brokers' own metrics (JMX)
  KafkaTwoControllers: {
    reason:
      'a quorum of KRaft does not elect a second leader while the first answers, and one that does not answer is not counted; promtool proves the rule',
  },
  KafkaUncleanElection: {
    labels: cluster,
    summary: /^Kafka proof elected a leader that was not in sync: acknowledged messages are lost$/,
  },
  KafkaIsrShrinking: { labels: cluster, summary: /^Replicas of Kafka proof keep leaving the in-sync set$/ },
  KafkaBrokerRestarts: {
    labels: cluster,
    summary: /^127\.0\.0\.1:\d+ of Kafka proof was restarted [34] times in an hour$/,
  },
} as const satisfies Readonly<Record<string, Row | NotDriven>>

type Rows = typeof rows
/** Alerts that this test drives. */
export type Driven = { [K in keyof Rows]: Rows[K] extends Row ? K : never }[keyof Rows]

export const expected = (alert: Driven): Row & { readonly alert: Driven } => ({ alert, ...rows[alert] })
