// Alerts that need the JMX agent of the chart, or the embedded broker, which has the same names: what Kafka's protocol does not tell.
import { jmxMetrics } from '../../metrics/jmx.ts'
import { highest, selector, series } from '../../metrics/promql.ts'
import { type Alert, given, jmxOf } from '../alert.ts'

const jmx = {
  activeControllers: jmxMetrics.activeControllers.name,
  uncleanElections: jmxMetrics.uncleanElections.name,
  isrShrinks: jmxMetrics.isrShrinks.name,
  partitions: jmxMetrics.partitionCount.name,
  /** Of the agent itself, not of a rule. */
  processStart: jmxMetrics.startTime.name,
} as const

/** Starts of brokers and controllers: brokers have partitions, and dedicated controllers say whether they are the active one. */
const processes = (pod: '=""' | '!=""') => {
  const matchers = { pod: { matcher: pod } }
  const seen = [jmx.partitions, jmx.activeControllers].map((name) => `last_over_time(${selector(name, matchers)}[1h])`)
  const kafka = `(${seen.join(' or ')})`
  return `(changes(${selector(jmx.processStart, matchers)}[1h]) and on (cluster, namespace, pod, instance) ${kafka})`
}

export const jmxAlerts: readonly Alert[] = [
  {
    name: 'KafkaTwoControllers',
    severity: 'critical',
    audience: 'platform',
    expression: `sum by (cluster, namespace) (${selector(jmx.activeControllers)}) > 1`,
    for: '2m',
    keepFiringFor: '2m',
    labels: ['cluster', 'namespace'],
    summary: 'Kafka {{ $labels.cluster }} has {{ $value | humanize }} active controllers',
    description:
      'Two nodes believe that they lead the quorum. Compare the quorum’s description on each of them; do not restart both.',
    jmx: [jmx.activeControllers],
    console: '/brokers',
    testable: 'apache',
    cases: [
      {
        name: 'fires after 2 minutes',
        given: {
          [jmxOf(0, jmx.activeControllers)]: '1x10',
          [jmxOf(1, jmx.activeControllers)]: '0 1x10',
          [jmxOf(2, jmx.activeControllers)]: '0x11',
        },
        at: '4m',
        fires: [{ labels: { cluster: 'c' }, summary: 'Kafka c has 2 active controllers' }],
      },
      {
        name: 'is quiet while the controller moves',
        given: { [jmxOf(0, jmx.activeControllers)]: '1 1 0x10', [jmxOf(1, jmx.activeControllers)]: '0 1x10' },
        at: '4m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaUncleanElection',
    severity: 'critical',
    audience: 'platform',
    expression: `sum by (cluster, namespace) (increase(${selector(jmx.uncleanElections)}[15m])) > 0`,
    for: '0s',
    keepFiringFor: '15m',
    labels: ['cluster', 'namespace'],
    summary: 'Kafka {{ $labels.cluster }} elected a leader that was not in sync: acknowledged messages are lost',
    description: 'The controller’s log names the partitions. Tell the owners of their topics.',
    jmx: [jmx.uncleanElections],
    console: '/brokers',
    testable: 'apache',
    cases: [
      {
        name: 'fires at once',
        given: { [jmxOf(0, jmx.uncleanElections)]: '0x5 1x20', [jmxOf(1, jmx.uncleanElections)]: '0x25' },
        at: '8m',
        fires: [
          {
            labels: { cluster: 'c' },
            summary: 'Kafka c elected a leader that was not in sync: acknowledged messages are lost',
          },
        ],
      },
      {
        name: 'is quiet when a controller restarts and counts from 0 again',
        given: { [jmxOf(0, jmx.uncleanElections)]: '4x20 0x20' },
        at: '25m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaIsrShrinking',
    severity: 'warning',
    audience: 'platform',
    expression: `sum by (cluster, namespace) (rate(${selector(jmx.isrShrinks)}[5m])) > 0`,
    for: '15m',
    keepFiringFor: '5m',
    labels: ['cluster', 'namespace'],
    summary: 'Replicas of Kafka {{ $labels.cluster }} keep leaving the in-sync set',
    description: 'They fall behind and catch up again: the disks, the network or the CPU are near their limit.',
    jmx: [jmx.isrShrinks],
    console: '/brokers',
    testable: 'apache',
    cases: [
      {
        name: 'fires after 15 minutes',
        given: { [jmxOf(0, jmx.isrShrinks)]: '0+3x40' },
        at: '20m',
        fires: [{ labels: { cluster: 'c' }, summary: 'Replicas of Kafka c keep leaving the in-sync set' }],
      },
      {
        name: 'is quiet after the restart of a broker',
        given: { [jmxOf(0, jmx.isrShrinks)]: '0 40x40' },
        at: '20m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaBrokerRestarts',
    severity: 'warning',
    audience: 'platform',
    // A new pod is a new series of the same pod; without pods a process keeps its instance. Without JMX, what the exporter saw.
    expression: [
      `sum by (cluster, namespace, pod) (${processes('!=""')} + 1) - 1 > 2`,
      `max by (cluster, instance) (${processes('=""')}) > 2`,
      `floor(${highest(`changes(${series('brokerUp')}[1h])`)} / 2) > 2 unless on (cluster) last_over_time(${selector(jmx.partitions)}[1h])`,
    ].join('\nor\n'),
    for: '0s',
    keepFiringFor: '10m',
    labels: ['cluster', 'namespace', 'pod', 'instance', 'broker'],
    summary: `{{ or $labels.pod $labels.instance $labels.broker }} of Kafka {{ $labels.cluster }} was restarted {{ $value | humanize }} times in an hour`,
    description:
      'It crashes, is killed for its memory, or fails its probes. Its log from before the restart says which.',
    jmx: [jmx.partitions, jmx.activeControllers, jmx.processStart],
    console: '/brokers',
    testable: 'both engines',
    cases: [
      {
        name: 'fires when a container was restarted three times',
        given: {
          [jmxOf(1, jmx.processStart)]: '100x5 400x5 700x5 1000x40',
          [jmxOf(1, jmx.partitions)]: '9x60',
        },
        at: '30m',
        fires: [
          {
            labels: { cluster: 'c', pod: 'kafka-1' },
            summary: 'kafka-1 of Kafka c was restarted 3 times in an hour',
          },
        ],
      },
      {
        name: 'fires for a dedicated controller, which has no partitions',
        given: {
          [jmxOf(1, jmx.processStart, { pod: 'kafka-controller-1' })]: '100x5 400x5 700x5 1000x40',
          [jmxOf(1, jmx.activeControllers, { pod: 'kafka-controller-1' })]: '0x60',
        },
        at: '30m',
        fires: [
          {
            labels: { cluster: 'c', pod: 'kafka-controller-1' },
            summary: 'kafka-controller-1 of Kafka c was restarted 3 times in an hour',
          },
        ],
      },
      {
        name: 'fires when a pod was made again three times, with other addresses',
        given: Object.fromEntries(
          [0, 1, 2, 3].flatMap((at) => {
            const values = (value: string) => `${'_ '.repeat(at * 5)}${value}x4 stale`
            const instance = { instance: `10.0.2.${at}:5556` }
            return [
              [jmxOf(1, jmx.processStart, instance), values(`${at * 300}`)],
              [jmxOf(1, jmx.partitions, instance), values('9')],
            ]
          }),
        ),
        at: '22m',
        fires: [{ labels: { cluster: 'c', pod: 'kafka-1' } }],
      },
      {
        name: 'fires without JMX, by what the exporter saw of a broker',
        given: { [given('brokerUp', { broker: '2' })]: '1x3 0 1x5 0 1x5 0 1x20' },
        at: '25m',
        fires: [{ labels: { cluster: 'c', broker: '2' }, summary: '2 of Kafka c was restarted 3 times in an hour' }],
      },
      {
        name: 'fires once when both have seen it',
        given: {
          [given('brokerUp', { broker: '2' })]: '1x3 0 1x5 0 1x5 0 1x20',
          [jmxOf(1, jmx.processStart)]: '100x4 400x5 700x5 1000x40',
          [jmxOf(1, jmx.partitions)]: '9x60',
        },
        at: '25m',
        fires: [{ labels: { cluster: 'c', pod: 'kafka-1' } }],
      },
      {
        name: 'is quiet for one rolling restart of all brokers',
        given: Object.fromEntries(
          [0, 1, 2].flatMap((broker) => [
            [jmxOf(broker, jmx.processStart), '100x10 700x40'],
            [jmxOf(broker, jmx.partitions), '9x50'],
          ]),
        ),
        at: '30m',
        fires: [],
      },
      {
        name: 'is quiet for brokers that run without pods, and for processes that are not Kafka',
        given: {
          'process_start_time_seconds{cluster="c", instance="a:5556"}': '100x60',
          'kafka_server_replicamanager_partitioncount{cluster="c", instance="a:5556"}': '9x60',
          'process_start_time_seconds{cluster="c", instance="b:5556"}': '100x60',
          'kafka_server_replicamanager_partitioncount{cluster="c", instance="b:5556"}': '9x60',
          'process_start_time_seconds{cluster="c", instance="web:80"}': '100x5 200x5 300x5 400x5 500x40',
        },
        at: '30m',
        fires: [],
      },
    ],
  },
]
