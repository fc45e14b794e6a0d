// Alerts about brokers, the quorum and disks.
import { highest, inCluster, lowest, quoted, series } from '../../metrics/promql.ts'
import { type Alert, from, given } from '../alert.ts'
import { listed, plural } from './texts.ts'

const expectedHere = highest(series('brokersExpected', inCluster))
const metadataStale = lowest(series('exporterStale', { part: 'metadata' }), ['part'])

export const clusterAlerts: readonly Alert[] = [
  {
    name: 'KafkaBrokerDown',
    severity: 'critical',
    audience: 'platform',
    // Without any series nothing can be compared: absent() makes that an alert too.
    expression: `${lowest(series('brokers'))} < ${highest(series('brokersExpected'))}\nor\nabsent(${series('brokers')})`,
    for: '1m',
    keepFiringFor: '2m',
    labels: ['cluster'],
    summary: `{{ if $labels.cluster }}Kafka {{ $labels.cluster }} has ${plural('broker')} of {{ with printf ${quoted(expectedHere)} $labels.cluster | query }}{{ . | first | value | humanize }}{{ end }}{{ else }}No exporter says how many brokers Kafka has{{ end }}`,
    description:
      'A broker is missing from the metadata. Topics with three replicas keep working; do not restart another broker meanwhile.',
    console: '/brokers',
    inhibits: {
      alerts: ['KafkaUnderReplicatedPartitions', 'KafkaIsrShrinking', 'KafkaExporterStale', 'KafkaGroupFlapping'],
      equal: ['cluster'],
    },
    testable: 'both engines',
    cases: [
      {
        name: 'fires when one of three brokers has been gone for a minute',
        given: { [given('brokers')]: '3 2x10', [given('brokersExpected')]: '3x11' },
        at: '2m',
        fires: [{ labels: { cluster: 'c' }, summary: 'Kafka c has 2 brokers of 3' }],
      },
      {
        name: 'is quiet when the broker is back within a minute',
        given: { [given('brokers')]: '3 2 3x10', [given('brokersExpected')]: '3x12' },
        at: '2m',
        fires: [],
      },
      {
        name: 'is quiet when all brokers are there',
        given: { [given('brokers')]: '3x10', [given('brokersExpected')]: '3x10' },
        at: '5m',
        fires: [],
      },
      {
        name: 'fires when no exporter says anything',
        given: { [given('controllers')]: '1x10' },
        at: '5m',
        fires: [{ labels: {}, summary: 'No exporter says how many brokers Kafka has' }],
      },
      {
        name: 'fires once with two replicas, one of which still has an old snapshot',
        given: {
          [from(0, 'brokers')]: '3x10',
          [from(1, 'brokers')]: '3 2x10',
          [from(0, 'brokersExpected')]: '3x10',
          [from(1, 'brokersExpected')]: '3x10',
        },
        at: '5m',
        fires: [{ labels: { cluster: 'c' } }],
      },
    ],
  },
  {
    name: 'KafkaClusterUnreachable',
    severity: 'critical',
    audience: 'platform',
    expression: `${metadataStale} > 0`,
    for: '1m',
    keepFiringFor: '2m',
    labels: ['cluster'],
    summary: 'Kafka {{ $labels.cluster }} does not answer the exporter',
    description:
      'No replica of the exporter can read the metadata: all brokers are down, the network is interrupted, or the exporter’s login is refused. All other metrics of this cluster are old.',
    console: '/brokers',
    inhibits: { alerts: 'all', equal: ['cluster'] },
    testable: 'both engines',
    cases: [
      {
        name: 'fires when no replica can read the metadata',
        given: {
          [from(0, 'exporterStale', { part: 'metadata' })]: '0 1x10',
          [from(1, 'exporterStale', { part: 'metadata' })]: '0 1x10',
        },
        at: '2m',
        fires: [{ labels: { cluster: 'c' }, summary: 'Kafka c does not answer the exporter' }],
      },
      {
        name: 'is quiet when one replica can',
        given: {
          [from(0, 'exporterStale', { part: 'metadata' })]: '1x10',
          [from(1, 'exporterStale', { part: 'metadata' })]: '0x10',
        },
        at: '5m',
        fires: [],
      },
      {
        name: 'is quiet when another part cannot be read',
        given: {
          [given('exporterStale', { part: 'metadata' })]: '0x10',
          [given('exporterStale', { part: 'logDirs' })]: '1x10',
        },
        at: '5m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaUnderReplicatedPartitions',
    severity: 'warning',
    audience: 'platform',
    expression: `sum without (topic) (${highest(series('underReplicated'))}) > 0`,
    for: '5m',
    keepFiringFor: '5m',
    labels: ['cluster'],
    summary: `Kafka {{ $labels.cluster }} has ${plural('under-replicated partition')}`,
    description: `Some replicas do not keep up with their leader, or their broker is down. Most of them: ${listed('underReplicated', 'topic')}.`,
    console: '/topics?filter=under-replicated',
    testable: 'apache',
    cases: [
      {
        name: 'fires once for a cluster after 5 minutes, with the sum over its topics',
        given: {
          [given('underReplicated', { topic: 'orders' })]: '0 4x20',
          [given('underReplicated', { topic: 'carts' })]: '0 2x20',
        },
        at: '7m',
        fires: [{ labels: { cluster: 'c' }, summary: 'Kafka c has 6 under-replicated partitions' }],
      },
      {
        name: 'is quiet during a restart of 4 minutes',
        given: { [given('underReplicated', { topic: 'orders' })]: '0 4 4 4 4 0x20' },
        at: '7m',
        fires: [],
      },
      {
        name: 'does not count two replicas of the exporter twice',
        given: {
          [from(0, 'underReplicated', { topic: 'orders' })]: '4x20',
          [from(1, 'underReplicated', { topic: 'orders' })]: '4x20',
        },
        at: '10m',
        fires: [{ labels: { cluster: 'c' }, summary: 'Kafka c has 4 under-replicated partitions' }],
      },
      {
        name: 'is quiet when the topic has been deleted',
        given: { [given('underReplicated', { topic: 'orders' })]: '4x3 stale _x20' },
        at: '15m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaOfflinePartitions',
    severity: 'critical',
    audience: 'platform',
    expression: `${highest(series('offline'))} > 0`,
    for: '1m',
    keepFiringFor: '2m',
    labels: ['cluster', 'topic'],
    summary: `{{ $labels.topic }} has ${plural('offline partition')}: {{ if eq $value 1.0 }}it{{ else }}they{{ end }} can be neither written nor read`,
    description: 'No replica in sync is alive to lead them. Bring back the broker that was in sync last.',
    console: '/topics/{topic}/partitions',
    inhibits: {
      alerts: [
        'KafkaUnderMinIsr',
        'KafkaConsumerLag',
        'KafkaConsumerLagSeconds',
        'KafkaConsumerLagGrowing',
        'KafkaConsumerStuck',
        'KafkaNoMessages',
      ],
      equal: ['cluster', 'topic'],
    },
    testable: 'apache',
    cases: [
      {
        name: 'fires after a minute, for each topic',
        given: {
          [given('offline', { topic: 'orders' })]: '0 1x10',
          [given('offline', { topic: 'carts' })]: '0x11',
        },
        at: '2m',
        fires: [
          {
            labels: { cluster: 'c', topic: 'orders' },
            summary: 'orders has 1 offline partition: it can be neither written nor read',
          },
        ],
      },
      {
        name: 'is quiet when an election takes less than a minute',
        given: { [given('offline', { topic: 'orders' })]: '0 1 0x10' },
        at: '2m',
        fires: [],
      },
      {
        name: 'fires once with two replicas of the exporter',
        given: {
          [from(0, 'offline', { topic: 'orders' })]: '3x10',
          [from(1, 'offline', { topic: 'orders' })]: '3x10',
        },
        at: '5m',
        fires: [{ labels: { cluster: 'c', topic: 'orders' } }],
      },
    ],
  },
  {
    name: 'KafkaUnderMinIsr',
    severity: 'critical',
    audience: 'platform',
    expression: `${highest(series('underMinIsr'))} > 0`,
    for: '2m',
    keepFiringFor: '5m',
    labels: ['cluster', 'topic'],
    summary: `{{ $labels.topic }} has ${plural('partition')} below min.insync.replicas: producers with acks=all are refused`,
    description: 'Reading continues. Bring back a missing broker; do not lower min.insync.replicas.',
    console: '/topics/{topic}/partitions',
    inhibits: { alerts: ['KafkaNoMessages'], equal: ['cluster', 'topic'] },
    testable: 'apache',
    cases: [
      {
        name: 'fires after 2 minutes',
        given: { [given('underMinIsr', { topic: 'orders' })]: '0 12x10' },
        at: '4m',
        fires: [
          {
            labels: { cluster: 'c', topic: 'orders' },
            summary: 'orders has 12 partitions below min.insync.replicas: producers with acks=all are refused',
          },
        ],
      },
      {
        name: 'is quiet when replicas are back after a minute',
        given: { [given('underMinIsr', { topic: 'orders' })]: '0 12 0x10' },
        at: '4m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaNoController',
    severity: 'critical',
    audience: 'platform',
    expression: `${lowest(series('controllers'))} < 1`,
    for: '1m',
    keepFiringFor: '2m',
    labels: ['cluster'],
    summary: 'Kafka {{ $labels.cluster }} has no active controller',
    description:
      'The quorum has no leader. Producing and consuming work; elections after a broker’s failure, and changes of topics and ACLs, do not.',
    console: '/brokers',
    testable: 'apache',
    cases: [
      {
        name: 'fires when there has been none for a minute',
        given: { [given('controllers')]: '1 0x10' },
        at: '2m',
        fires: [{ labels: { cluster: 'c' }, summary: 'Kafka c has no active controller' }],
      },
      {
        name: 'is quiet during an election',
        given: { [given('controllers')]: '1 0 1x10' },
        at: '2m',
        fires: [],
      },
      {
        name: 'fires although the other replica of the exporter has an old snapshot',
        given: { [from(0, 'controllers')]: '1x10', [from(1, 'controllers')]: '1 0x10' },
        at: '5m',
        fires: [{ labels: { cluster: 'c' } }],
      },
    ],
  },
  {
    name: 'KafkaDiskUsage',
    severity: 'warning',
    audience: 'platform',
    expression: diskUsed(0.8),
    for: '10m',
    keepFiringFor: '10m',
    labels: ['cluster', 'broker', 'path'],
    summary: 'The disk of broker {{ $labels.broker }} is {{ $value | humanizePercentage }} full ({{ $labels.path }})',
    description:
      'A broker whose disk is full stops, and the others follow, because they hold the same data. Grow the volume, or shorten a retention with the consent of its owner.',
    console: '/brokers/{broker}',
    testable: 'both engines',
    cases: [
      {
        name: 'fires above 80 % after 10 minutes',
        given: disk('100 100 15x20'),
        at: '13m',
        fires: [
          { labels: { cluster: 'c', broker: '1', path: '/data' }, summary: 'The disk of broker 1 is 85% full (/data)' },
        ],
      },
      { name: 'is quiet at exactly 80 %', given: disk('20x30'), at: '25m', fires: [] },
      { name: 'is quiet after 9 minutes', given: disk('100 15x9 50x10'), at: '10m', fires: [] },
      {
        name: 'is quiet when the broker does not say how large the volume is',
        given: {
          [given('logDirTotal', { broker: '1', path: '/data' })]: '0x30',
          [given('logDirUsable', { broker: '1', path: '/data' })]: '0x30',
        },
        at: '25m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaDiskAlmostFull',
    severity: 'critical',
    audience: 'platform',
    expression: diskUsed(0.9),
    for: '5m',
    keepFiringFor: '10m',
    labels: ['cluster', 'broker', 'path'],
    summary: 'The disk of broker {{ $labels.broker }} is {{ $value | humanizePercentage }} full ({{ $labels.path }})',
    description:
      'The broker stops when it is full. Act now: grow the volume, or shorten the retention of the largest topic.',
    console: '/brokers/{broker}',
    inhibits: { alerts: ['KafkaDiskUsage'], equal: ['cluster', 'broker', 'path'] },
    testable: 'both engines',
    cases: [
      {
        name: 'fires above 90 % after 5 minutes',
        given: disk('100 5x20'),
        at: '7m',
        fires: [
          { labels: { cluster: 'c', broker: '1', path: '/data' }, summary: 'The disk of broker 1 is 95% full (/data)' },
        ],
      },
      { name: 'is quiet at 85 %', given: disk('15x20'), at: '15m', fires: [] },
    ],
  },
  {
    name: 'KafkaLogDirectoryOffline',
    severity: 'critical',
    audience: 'platform',
    expression: `${lowest(series('logDirUp'))} < 1`,
    for: '1m',
    keepFiringFor: '2m',
    labels: ['cluster', 'broker', 'path'],
    summary: 'Broker {{ $labels.broker }} has taken {{ $labels.path }} offline',
    description:
      'The disk returned an error. Its replicas are missing until the broker starts again with a disk that works.',
    console: '/brokers/{broker}',
    testable: 'apache',
    cases: [
      {
        name: 'fires after a minute',
        given: { [given('logDirUp', { broker: '1', path: '/data' })]: '1 0x10' },
        at: '2m',
        fires: [{ labels: { cluster: 'c', broker: '1', path: '/data' }, summary: 'Broker 1 has taken /data offline' }],
      },
      {
        name: 'is quiet while it works',
        given: { [given('logDirUp', { broker: '1', path: '/data' })]: '1x10' },
        at: '5m',
        fires: [],
      },
    ],
  },
]

/** The share of the volume that is used, above a limit. A volume of unknown size (0) has none. */
function diskUsed(limit: number): string {
  return `1 - ${lowest(series('logDirUsable'))} / (${highest(series('logDirTotal'))} > 0) > ${limit}`
}

/** A volume of 100 bytes on broker 1, with these usable ones. */
function disk(usable: string): Readonly<Record<string, string>> {
  const labels = { broker: '1', path: '/data' }
  return { [given('logDirTotal', labels)]: '100x40', [given('logDirUsable', labels)]: usable }
}
