// Alerts about the exporter, and about what runs beside Kafka.
import { highest, inCluster, lowest, type Matchers, series } from '../../metrics/promql.ts'
import { type Alert, from, given } from '../alert.ts'
import { listedNames, plural } from './texts.ts'

const build = series('exporterInfo')
const part = (name: string) => ({ part: name })

/** A series of each part that is stale. The time says it where a collection neither ends nor fails; the slowest part is read every few minutes. */
const staleParts = (matchers: Matchers = {}): string =>
  `${highest(series('exporterStale', matchers))} > 0\nor\ntime() - ${lowest(series('exporterSuccess', matchers))} > 1800`

export const serviceAlerts: readonly Alert[] = [
  {
    name: 'KafkaExporterAbsent',
    severity: 'critical',
    audience: 'platform',
    // absent() sees nothing while the exporter of another cluster is there.
    expression: `group by (cluster) (last_over_time(${build}[6h])) unless on (cluster) ${build}\nor\nabsent(${build})`,
    for: '5m',
    keepFiringFor: '2m',
    labels: ['cluster'],
    summary:
      'Prometheus has no metrics of the Kafka exporter{{ if $labels.cluster }} of {{ $labels.cluster }}{{ end }}',
    description: 'No alert about Kafka can fire. The exporter is down, or Prometheus does not reach port 9308.',
    console: '/',
    testable: 'exporter',
    cases: [
      {
        name: 'fires when there has never been one',
        given: { 'up{job="other"}': '1x20' },
        at: '7m',
        fires: [{ labels: {}, summary: 'Prometheus has no metrics of the Kafka exporter' }],
      },
      {
        name: 'fires for one of two clusters',
        given: {
          [given('exporterInfo', { version: '1' })]: '1x5 stale _x20',
          [given('exporterInfo', { version: '1', cluster: 'd' })]: '1x30',
        },
        at: '15m',
        fires: [{ labels: { cluster: 'c' }, summary: 'Prometheus has no metrics of the Kafka exporter of c' }],
      },
      {
        name: 'is quiet while one replica runs, in another version than before',
        given: {
          [from(0, 'exporterInfo', { version: '1' })]: '1x5 stale _x20',
          [from(1, 'exporterInfo', { version: '2' })]: '1x30',
        },
        at: '15m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaExporterStale',
    severity: 'warning',
    audience: 'platform',
    // Where Kafka does not answer, every part is stale: that is one alert.
    expression: `count without (part) (\n${staleParts()}\n)`,
    for: '5m',
    keepFiringFor: '5m',
    labels: ['cluster'],
    summary: `A replica of the Kafka exporter of {{ $labels.cluster }} cannot read ${listedNames(staleParts(inCluster), 'part')}`,
    description:
      'The metrics of these parts are from an earlier collection. The exporter’s log and kafka_exporter_errors_total say why it fails to read them.',
    console: '/',
    testable: 'exporter',
    cases: [
      {
        name: 'fires when a part has been stale for 5 minutes',
        given: {
          [given('exporterStale', part('groups'))]: '0 1x20',
          [given('exporterStale', part('offsets'))]: '0x21',
        },
        at: '7m',
        fires: [
          {
            labels: { cluster: 'c' },
            summary: 'A replica of the Kafka exporter of c cannot read groups',
          },
        ],
      },
      {
        name: 'fires once for all parts that are stale, and names them',
        given: {
          [given('exporterStale', part('offsets'))]: '0 1x20',
          [given('exporterStale', part('groups'))]: '0 1x20',
          [given('exporterStale', part('metadata'))]: '0x21',
          [from(1, 'exporterStale', part('logDirs'))]: '0 1x20',
        },
        at: '7m',
        fires: [
          {
            labels: { cluster: 'c' },
            summary: 'A replica of the Kafka exporter of c cannot read groups, logDirs, offsets',
          },
        ],
      },
      {
        name: 'fires when a collection does not end',
        given: {
          [given('exporterStale', part('groups'))]: '0x60',
          [given('exporterSuccess', part('groups'))]: '0x60',
        },
        at: '40m',
        fires: [{ labels: { cluster: 'c' } }],
      },
      {
        name: 'is quiet when one attempt fails',
        given: { [given('exporterStale', part('groups'))]: '0 1 0x20' },
        at: '7m',
        fires: [],
      },
      {
        name: 'fires once when it is stale and old, on one of two replicas',
        given: {
          [from(0, 'exporterStale', part('groups'))]: '0x60',
          [from(1, 'exporterStale', part('groups'))]: '1x60',
          [from(0, 'exporterSuccess', part('groups'))]: '0+60x60',
          [from(1, 'exporterSuccess', part('groups'))]: '0x60',
        },
        at: '50m',
        fires: [{ labels: { cluster: 'c' } }],
      },
    ],
  },
  {
    name: 'KafkaSchemaRegistryDown',
    severity: 'critical',
    audience: 'platform',
    expression: `${lowest(series('serviceUp', { service: 'schema-registry' }))} < 1`,
    for: '2m',
    keepFiringFor: '2m',
    labels: ['cluster', 'service'],
    summary: 'Schema Registry does not answer',
    description:
      'Services that start, or meet a schema for the first time, cannot continue. Running services have their schemas in memory.',
    console: '/schemas',
    testable: 'services',
    cases: [
      {
        name: 'fires after 2 minutes',
        given: { [given('serviceUp', { service: 'schema-registry' })]: '1 0x10' },
        at: '4m',
        fires: [{ labels: { cluster: 'c', service: 'schema-registry' }, summary: 'Schema Registry does not answer' }],
      },
      {
        name: 'is quiet when another service is down',
        given: {
          [given('serviceUp', { service: 'schema-registry' })]: '1x10',
          [given('serviceUp', { service: 'connect' })]: '0x10',
        },
        at: '8m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaServiceDown',
    severity: 'warning',
    audience: 'platform',
    expression: `${lowest(series('serviceUp', { service: { matcher: '!="schema-registry"' } }))} < 1`,
    for: '5m',
    keepFiringFor: '2m',
    labels: ['cluster', 'service'],
    summary: '{{ $labels.service }} does not answer',
    description: 'Its REST API does not answer the exporter. Its tasks or queries may still run.',
    console: '/',
    testable: 'services',
    cases: [
      {
        name: 'fires after 5 minutes',
        given: { [given('serviceUp', { service: 'connect' })]: '1 0x10' },
        at: '7m',
        fires: [{ labels: { cluster: 'c', service: 'connect' }, summary: 'connect does not answer' }],
      },
      {
        name: 'is quiet during a restart',
        given: { [given('serviceUp', { service: 'connect' })]: '1 0 0 1x10' },
        at: '7m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaConnectorFailed',
    severity: 'warning',
    audience: 'platform',
    expression: `${lowest(series('connectorUp'))} < 1`,
    for: '5m',
    keepFiringFor: '2m',
    labels: ['cluster', 'connector'],
    summary: 'Connector {{ $labels.connector }} has failed',
    description: 'It does not run until it is restarted. Its trace says why.',
    console: '/connectors/{connector}',
    inhibits: { alerts: ['KafkaConnectTaskFailed'], equal: ['cluster', 'connector'] },
    testable: 'services',
    cases: [
      {
        name: 'fires after 5 minutes',
        given: { [given('connectorUp', { connector: 'archive' })]: '1 0x10' },
        at: '7m',
        fires: [{ labels: { cluster: 'c', connector: 'archive' }, summary: 'Connector archive has failed' }],
      },
      {
        name: 'is quiet when the connector has been deleted',
        given: { [given('connectorUp', { connector: 'archive' })]: '0x3 stale _x10' },
        at: '10m',
        fires: [],
      },
    ],
  },
  {
    name: 'KafkaConnectTaskFailed',
    severity: 'warning',
    audience: 'platform',
    expression: `${highest(series('connectorTasksFailed'))} > 0`,
    for: '5m',
    keepFiringFor: '2m',
    labels: ['cluster', 'connector'],
    summary: `Connector {{ $labels.connector }} has ${plural('failed task')}`,
    description: 'Connect does not restart a failed task. Its trace says why it failed.',
    console: '/connectors/{connector}',
    testable: 'services',
    cases: [
      {
        name: 'fires after 5 minutes',
        given: { [given('connectorTasksFailed', { connector: 'archive' })]: '0 2x10' },
        at: '7m',
        fires: [{ labels: { cluster: 'c', connector: 'archive' }, summary: 'Connector archive has 2 failed tasks' }],
      },
      {
        name: 'is quiet when the task is restarted',
        given: { [given('connectorTasksFailed', { connector: 'archive' })]: '0 2 2 0x10' },
        at: '7m',
        fires: [],
      },
    ],
  },
]
