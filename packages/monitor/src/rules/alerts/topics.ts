// Alerts about topics, transactions, the end-to-end probe and certificates.
import { highest, lowest, selector, series } from '../../metrics/promql.ts'
import { type Alert, from, given } from '../alert.ts'
import { topicRate } from '../names.ts'
import { plural } from './texts.ts'

const orders = { topic: 'orders' } as const
const partition0 = { ...orders, partition: '0' } as const
const labels = { cluster: 'c', ...orders } as const
const ids = (id: string) => ({ ...orders, topic_id: id })
const day = 86_400

const isSilent = `${selector(topicRate)} == 0`
/** Before the first quarter of an hour is over there is no rate. */
const busyDay = `min_over_time(${selector(topicRate)}[1d] offset 20m) > 0\nand\ncount_over_time(${selector(topicRate)}[1d:5m] offset 20m) > 144`

const isFiring = selector('ALERTS', { alertname: 'KafkaNoMessages', alertstate: 'firing' })

export const topicAlerts: readonly Alert[] = [
  {
    name: 'KafkaTopicRecreated',
    severity: 'critical',
    audience: 'owner',
    // Prometheus remembers the ids that an exporter which was restarted has forgotten.
    expression: `count without (topic_id) (${highest(`last_over_time(${series('topicId')}[1h])`)}) > 1\nor\n${highest(`increase(${series('topicRecreations')}[1h])`)} > 0`,
    for: '0s',
    labels: ['cluster', 'topic'],
    summary: '{{ $labels.topic }} was deleted and created again within the last hour',
    description:
      'All its messages are gone, and the offsets of its groups belong to the old topic. Nothing else shows it: the new topic looks healthy.',
    console: '/topics/{topic}',
    testable: 'both engines',
    cases: [
      {
        name: 'fires when the id is another than before',
        given: { [given('topicId', ids('a'))]: '1x10 stale _x20', [given('topicId', ids('b'))]: '_x11 1x20' },
        at: '15m',
        fires: [{ labels, summary: 'orders was deleted and created again within the last hour' }],
      },
      {
        name: 'fires when only the exporter has seen it',
        given: { [given('topicRecreations', orders)]: '0x5 1x20', [given('topicId', ids('b'))]: '1x25' },
        at: '15m',
        fires: [{ labels }],
      },
      {
        name: 'is quiet for the same id from two replicas, one of which was restarted',
        given: {
          [from(0, 'topicId', ids('a'))]: '1x30',
          [from(1, 'topicId', ids('a'))]: '1x5 stale _ _ 1x20',
          [from(0, 'topicRecreations', orders)]: '2x30',
          [from(1, 'topicRecreations', orders)]: '2x5 stale _ _ 0x20',
        },
        at: '20m',
        fires: [],
      },
      {
        name: 'is quiet when the topic is only deleted',
        given: { [given('topicId', ids('a'))]: '1x10 stale _x20' },
        at: '15m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaNoMessages',
    severity: 'warning',
    audience: 'owner',
    // After 20 minutes the window of a day contains the silence too: an alert that fires keeps firing, for a day at most.
    expression: [
      `${isSilent}\nand\n${busyDay}`,
      `${isSilent}\nand\nmax_over_time(${selector(topicRate)}[1d]) > 0\nand on (cluster, topic)\n${isFiring}`,
    ].join('\nor\n'),
    for: '5m',
    keepFiringFor: '5m',
    labels: ['cluster', 'topic'],
    summary:
      '{{ $labels.topic }} has had no messages for 20 minutes or more, and had some in every quarter of an hour of the day before',
    description: 'Its producers are down, refused, or have nothing to write. Look at their logs.',
    console: '/topics/{topic}',
    testable: 'both engines',
    cases: [
      {
        name: 'fires after 20 minutes without messages on a topic that always has some',
        given: { [given('endOffset', partition0)]: '0+60x1500 90000x60' },
        at: '1525m',
        fires: [
          {
            labels,
            summary:
              'orders has had no messages for 20 minutes or more, and had some in every quarter of an hour of the day before',
          },
        ],
      },
      {
        name: 'keeps firing while there are still none',
        given: { [given('endOffset', partition0)]: '0+60x1500 90000x400' },
        at: '1800m',
        fires: [{ labels }],
      },
      {
        name: 'is quiet after a day of silence',
        given: { [given('endOffset', partition0)]: '0+60x1500 90000x1600' },
        at: '3050m',
        fires: [],
      },
      {
        name: 'is quiet for a topic that has pauses',
        given: { [given('endOffset', partition0)]: '0+60x700 42000x60 42000+60x740 86400x60' },
        at: '1545m',
        fires: [],
      },
      {
        name: 'is quiet for a topic of this morning',
        given: { [given('endOffset', partition0)]: '0+60x200 12000x60' },
        at: '230m',
        fires: [],
      },
      {
        name: 'is quiet when the topic is deleted',
        given: { [given('endOffset', partition0)]: '0+60x1500 stale _x60' },
        at: '1525m',
        fires: [],
      },
      {
        name: 'is quiet while messages arrive on one of its partitions',
        given: {
          [given('endOffset', partition0)]: '0+60x1500 90000x60',
          [given('endOffset', { ...orders, partition: '1' })]: '0+60x1560',
        },
        at: '1530m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaHangingTransaction',
    severity: 'warning',
    audience: 'owner',
    expression: `${highest(series('transactionAge'), ['partition'])} > 900`,
    for: '5m',
    keepFiringFor: '2m',
    labels: ['cluster', 'topic'],
    summary: 'A transaction on {{ $labels.topic }} has been open for {{ $value | humanizeDuration }}',
    description:
      'Consumers with read_committed wait behind it. Kafka ends a transaction after its own timeout, at most transaction.max.timeout.ms (15 minutes unless you raised it); one that is older hangs and must be aborted.',
    console: '/topics/{topic}/transactions',
    testable: 'apache',
    cases: [
      {
        name: 'fires when it is older than 15 minutes for 5 minutes',
        given: { [given('transactionAge', partition0)]: '0+60x40' },
        at: '22m',
        fires: [{ labels, summary: 'A transaction on orders has been open for 22m 0s' }],
      },
      {
        name: 'is quiet for transactions that end',
        given: { [given('transactionAge', partition0)]: '0 300 600 850 0 300 600 850 0x30' },
        at: '8m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaEndToEndLoss',
    severity: 'critical',
    audience: 'platform',
    expression: `${highest(`increase(${series('probeLost')}[10m])`)} > 0`,
    for: '0s',
    keepFiringFor: '10m',
    labels: ['cluster'],
    summary: `The end-to-end probe of Kafka {{ $labels.cluster }} lost ${plural('message')} in 10 minutes`,
    description:
      'Kafka acknowledged them with acks=all, and they did not come back in time. They may be late, or lost.',
    console: '/brokers',
    testable: 'both engines',
    cases: [
      {
        name: 'fires at once',
        given: { [given('probeLost')]: '0x5 3x20' },
        at: '11m',
        fires: [{ labels: { cluster: 'c' } }],
      },
      { name: 'is quiet for losses of long ago', given: { [given('probeLost')]: '3x60' }, at: '50m', fires: [] },
      {
        name: 'is quiet when the exporter restarts',
        given: { [given('probeLost')]: '3x20 0x20' },
        at: '25m',
        fires: [],
      },
      { name: 'is quiet without the probe', given: { [given('brokers')]: '3x20' }, at: '15m', fires: [] },
    ],
  },
  {
    name: 'KafkaCertificateExpiring',
    severity: 'warning',
    audience: 'platform',
    expression: expiresWithin(14),
    for: '1h',
    labels: ['cluster', 'where', 'subject'],
    summary: 'The certificate {{ $labels.subject }} ({{ $labels.where }}) expires in {{ $value | humanizeDuration }}',
    description: 'It should have been renewed before. When it expires, clients and brokers refuse each other.',
    console: '/brokers',
    testable: 'apache',
    cases: [
      {
        name: 'fires 14 days before',
        given: certificate(13 * day),
        at: '70m',
        fires: [
          {
            labels: { cluster: 'c', where: 'broker 1 (kafka-1:9093)', subject: 'CN=kafka-broker' },
            summary: 'The certificate CN=kafka-broker (broker 1 (kafka-1:9093)) expires in 12d 22h 50m 0s',
          },
        ],
      },
      { name: 'is quiet 15 days before', given: certificate(15 * day), at: '70m', fires: [] },
      {
        name: 'ends when it has been renewed',
        given: certificate(13 * day, 365 * day),
        at: '140m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaCertificateExpiresSoon',
    severity: 'critical',
    audience: 'platform',
    expression: expiresWithin(3),
    for: '5m',
    labels: ['cluster', 'where', 'subject'],
    summary: 'The certificate {{ $labels.subject }} ({{ $labels.where }}) expires in {{ $value | humanizeDuration }}',
    description: 'Renew it now: when it expires, clients and brokers refuse each other.',
    console: '/brokers',
    inhibits: { alerts: ['KafkaCertificateExpiring'], equal: ['cluster', 'where', 'subject'] },
    testable: 'apache',
    cases: [
      {
        name: 'fires 3 days before',
        given: certificate(2 * day),
        at: '60m',
        fires: [
          {
            labels: { cluster: 'c', where: 'broker 1 (kafka-1:9093)', subject: 'CN=kafka-broker' },
            summary: 'The certificate CN=kafka-broker (broker 1 (kafka-1:9093)) expires in 1d 23h 0m 0s',
          },
        ],
      },
      { name: 'is quiet 4 days before', given: certificate(4 * day), at: '60m', fires: [] },
    ],
  },
]

function expiresWithin(days: number): string {
  return `${lowest(series('certificateExpiry'))} - time() < ${days} * ${day}`
}

/** A certificate that expires so many seconds after the test's time 0, and is renewed after 100 minutes if a second time is given. */
function certificate(expires: number, renewed = expires): Readonly<Record<string, string>> {
  const series = given('certificateExpiry', { where: 'broker 1 (kafka-1:9093)', subject: 'CN=kafka-broker' })
  return { [series]: `${expires}x100 ${renewed}x100` }
}
