// Kafka Overview: its first row answers "is it well".
import type { Dashboard, Panel } from './model.ts'
import {
  badFrom,
  bucketRates,
  diskUsed,
  fromBrokers,
  lines,
  maxBy,
  minBy,
  neutral,
  now,
  query,
  rate,
  rateOfBrokers,
  servicesUp,
  stat,
  sumBy,
  topK,
  variables,
} from './query.ts'

const eighth = { ...stat, width: 3 } as const

const health: readonly Panel[] = [
  {
    ...eighth,
    title: 'Brokers missing',
    description: 'Expected brokers minus brokers in the cluster. 0 is good.',
    queries: [query(`${now('brokersExpected')} - ${now('brokers')}`, '{{cluster}}')],
    thresholds: badFrom(1),
    noValue: 'no exporter',
  },
  {
    ...eighth,
    title: 'Offline partitions',
    description: 'Partitions without a leader: they can be neither written nor read. 0 is good.',
    queries: [query(sumBy(['cluster'], now('offline')), '{{cluster}}')],
    thresholds: badFrom(1),
  },
  {
    ...eighth,
    title: 'Under min ISR',
    description:
      'Partitions with fewer replicas in sync than min.insync.replicas: producers with acks=all are refused. 0 is good.',
    queries: [query(sumBy(['cluster'], now('underMinIsr')), '{{cluster}}')],
    thresholds: badFrom(1),
  },
  {
    ...eighth,
    title: 'Under-replicated',
    description: 'Partitions with fewer replicas in sync than assigned. A few during a rolling update are normal.',
    queries: [query(sumBy(['cluster'], now('underReplicated')), '{{cluster}}')],
    thresholds: badFrom(1),
  },
  {
    ...eighth,
    title: 'Largest lag',
    description:
      'The largest lag in seconds of any group and topic: the age of the oldest message that a group has not read.',
    unit: 's',
    queries: [query(maxBy(['cluster'], now('groupTopicLagSeconds')), '{{cluster}}')],
    thresholds: badFrom(300, 60),
    noValue: 'no groups',
  },
  {
    ...eighth,
    title: 'Fullest disk',
    description: 'The most used volume of all log directories. Above 80 % for 10 minutes an alert fires.',
    unit: 'percentunit',
    max: 1,
    queries: [query(maxBy(['cluster'], diskUsed), '{{cluster}}')],
    thresholds: badFrom(0.8, 0.7),
    noValue: 'not reported',
  },
  {
    ...eighth,
    title: 'Alerts firing',
    description: 'Alerts of this platform that fire now, as this data source knows them.',
    queries: [query('count(ALERTS{alertstate="firing", alertname=~"Kafka.+"}) or vector(0)', 'firing')],
    thresholds: badFrom(1),
  },
  {
    ...eighth,
    title: 'Snapshot age',
    description:
      'Time since the exporter last read the offsets of the partitions. Its metrics of messages and lag are this old.',
    unit: 's',
    queries: [query(`time() - ${maxBy(['cluster'], now('exporterSuccess', { part: 'offsets' }))}`, '{{cluster}}')],
    thresholds: badFrom(300, 120),
    noValue: 'no exporter',
  },
]

export const overview: Dashboard = {
  uid: 'selfmonitor-kafka-overview',
  title: 'Kafka Overview',
  description: 'Health, throughput, topics and groups of the cluster at a glance.',
  variables: variables('cluster', 'job', 'instance'),
  rows: [
    { title: 'Is it well?', panels: health },
    {
      title: 'Throughput',
      panels: [
        {
          ...lines,
          title: 'Messages in by topic',
          description: 'Growth of the end offsets of the ten busiest topics.',
          unit: 'mps',
          stacked: true,
          queries: [query(topK(10, sumBy(['cluster', 'topic'], rate('endOffset'))), '{{cluster}} · {{topic}}')],
        },
        fromBrokers({
          ...lines,
          title: 'Bytes in and out',
          description: 'Bytes that producers wrote and consumers read, without replication.',
          unit: 'Bps',
          queries: [query(`sum(${rateOfBrokers('bytesIn')})`, 'in'), query(`sum(${rateOfBrokers('bytesOut')})`, 'out')],
        }),
        {
          ...lines,
          title: 'Messages consumed by group',
          description: 'Growth of the committed offsets of the ten busiest groups.',
          unit: 'mps',
          stacked: true,
          queries: [query(topK(10, sumBy(['cluster', 'group'], rate('committed'))), '{{cluster}} · {{group}}')],
          noValue: 'no groups',
        },
        {
          ...lines,
          title: 'Largest lags',
          description: 'Lag in messages of the ten groups with the largest lag.',
          unit: 'short',
          queries: [query(topK(10, sumBy(['cluster', 'group'], now('groupTopicLag'))), '{{cluster}} · {{group}}')],
          noValue: 'no groups',
        },
      ],
    },
    {
      title: 'Topics',
      panels: [
        {
          kind: 'table',
          width: 24,
          height: 10,
          title: 'Topics',
          description:
            'Partitions, incoming messages, size on disk (the largest replica of each partition) and replication problems of every topic.',
          unit: 'short',
          labels: [
            { name: 'cluster', heading: 'Cluster' },
            { name: 'topic', heading: 'Topic' },
          ],
          queries: [
            query(sumBy(['cluster', 'topic'], now('topicPartitions')), 'Partitions'),
            query(sumBy(['cluster', 'topic'], rate('endOffset')), 'Messages in', 'mps'),
            query(sumBy(['cluster', 'topic'], now('logSize')), 'Size', 'bytes'),
            query(sumBy(['cluster', 'topic'], now('underReplicated')), 'Under-replicated'),
            query(sumBy(['cluster', 'topic'], now('offline')), 'Offline'),
          ],
        },
      ],
    },
    {
      title: 'Platform',
      panels: [
        {
          ...lines,
          width: 8,
          title: 'Brokers',
          description: 'Brokers in the cluster, and expected brokers.',
          unit: 'short',
          queries: [query(now('brokers'), '{{cluster}}'), query(now('brokersExpected'), '{{cluster}} expected')],
        },
        {
          ...servicesUp,
          width: 8,
          height: 8,
          title: 'Services beside Kafka',
        },
        {
          ...stat,
          width: 8,
          height: 8,
          title: 'Certificates expire in',
          description: 'Time until the first certificate of the brokers expires.',
          unit: 's',
          queries: [query(`${minBy(['cluster'], now('certificateExpiry'))} - time()`, '{{cluster}}')],
          thresholds: [
            { at: null, colour: 'red' },
            { at: 7 * 86_400, colour: 'yellow' },
            { at: 30 * 86_400, colour: 'green' },
          ],
          noValue: 'no TLS',
        },
      ],
    },
    {
      title: 'Backup',
      panels: [
        {
          ...lines,
          title: 'Age of the backup',
          description:
            'How long ago the newest backup read the topics: all of it, and the topic that was read longest ago. So much would be lost with the cluster.',
          unit: 's',
          queries: [
            query(`time() - ${now('backupCut')}`, '{{cluster}} · {{backup}}'),
            query(`time() - ${now('backupOldest')}`, '{{cluster}} · {{backup}}, oldest topic'),
          ],
          noValue: 'no backup reports',
        },
        {
          ...stat,
          width: 6,
          height: 8,
          title: 'Overdue in',
          description: 'Time until a topic’s backup is overdue by its rpo or frequency.',
          unit: 's',
          queries: [query(`${now('backupDeadline')} - time()`, '{{cluster}} · {{backup}}')],
          thresholds: [
            { at: null, colour: 'red' },
            { at: 0, colour: 'green' },
          ],
          noValue: 'no objectives',
        },
        {
          ...stat,
          width: 6,
          height: 8,
          title: 'Not in the backup',
          description:
            'Topics that are in no backup and not left out in platform.yaml, and what the last run could not read.',
          queries: [
            query(now('backupUncovered'), 'topics of {{cluster}} · {{backup}}'),
            query(now('backupProblems'), 'problems of {{cluster}} · {{backup}}'),
          ],
          thresholds: badFrom(1),
          noValue: 'no backup reports',
        },
      ],
    },
    {
      title: 'End to end',
      panels: [
        {
          ...lines,
          title: 'Round trip of the probe',
          description:
            'Time from producing a message (acks=all) to consuming it, of the probe of the exporter (--probe): the median and the 99th percentile.',
          unit: 's',
          queries: [
            query(`histogram_quantile(0.5, ${bucketRates('probeRoundTripSeconds')})`, '{{cluster}} median'),
            query(`histogram_quantile(0.99, ${bucketRates('probeRoundTripSeconds')})`, '{{cluster}} 99th percentile'),
          ],
          noValue: 'no probe',
        },
        {
          ...lines,
          title: 'Failures of the probe',
          description:
            'Messages of the probe that were not acknowledged, that were lost, and offsets that could not be committed.',
          unit: 'cps',
          queries: [
            query(sumBy(['cluster'], rate('probeProduceFailed')), '{{cluster}} not acknowledged'),
            query(sumBy(['cluster'], rate('probeLost')), '{{cluster}} lost'),
            query(sumBy(['cluster'], rate('probeCommitFailed')), '{{cluster}} not committed'),
          ],
          noValue: 'no probe',
        },
      ],
    },
    {
      title: 'Exporter',
      panels: [
        {
          ...lines,
          width: 10,
          title: 'Duration of a collection',
          description: 'How long the exporter took to read the cluster. Metrics are at least this old.',
          unit: 's',
          queries: [query(now('exporterCollect'), '{{cluster}}')],
        },
        {
          ...lines,
          width: 10,
          title: 'Stale parts',
          description:
            'Parts of the snapshot whose last attempt to be read failed: their metrics are from an earlier one.',
          unit: 'short',
          queries: [query(`${now('exporterStale')} > 0`, '{{cluster}} · {{part}}')],
          noValue: 'none',
        },
        {
          ...stat,
          width: 4,
          height: 8,
          title: 'Series',
          description: 'Time series of the exporter in its last snapshot.',
          queries: [query(now('exporterSeries'), '{{cluster}}')],
          thresholds: neutral,
        },
      ],
    },
  ],
}
