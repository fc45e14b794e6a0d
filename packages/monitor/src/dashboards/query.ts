// Queries, variables and shapes that the panels share. Every selector matches the variables cluster, job and instance; metrics of the
// brokers themselves have no label `cluster`, and match job and instance.
import { type JmxMetricKey, jmxMetrics } from '../metrics/jmx.ts'
import { type ServiceMetricKey, serviceMetrics } from '../metrics/jmx-services.ts'
import { highest, type Matchers, selector, series } from '../metrics/promql.ts'
import type { MetricKey } from '../metrics/table.ts'
import type { Panel, Query, Threshold, Variable } from './model.ts'

const variable = (name: string): { readonly matcher: string } => ({ matcher: `=~"$${name}"` })
const target: Matchers = { job: variable('job'), instance: variable('instance') }
const scope: Matchers = { cluster: variable('cluster'), ...target }

export const ofTopic: Matchers = { topic: variable('topic') }
export const ofGroup: Matchers = { group: variable('group') }
export const ofGroupAndTopic: Matchers = { ...ofGroup, ...ofTopic }

/** A gauge of the exporter, once however many replicas there are. */
export const now = (key: MetricKey, matchers: Matchers = {}): string => highest(series(key, { ...scope, ...matchers }))

/** A counter of the exporter, as a rate per second. */
export const rate = (key: MetricKey, matchers: Matchers = {}): string =>
  highest(`rate(${series(key, { ...scope, ...matchers })}[$__rate_interval])`)

/** How often a counter of the exporter was counted up in the range that is shown. */
export const increase = (key: MetricKey, matchers: Matchers = {}): string =>
  highest(`increase(${series(key, { ...scope, ...matchers })}[$__range])`)

/** The buckets of a histogram of the exporter, as rates: each replica's probe is a probe of its own. */
export const bucketRates = (key: MetricKey): string =>
  `sum by (cluster, le) (rate(${series(key, scope, '_bucket')}[$__rate_interval]))`

/** A gauge of the brokers themselves. */
export const ofBrokers = (key: JmxMetricKey, matchers: Matchers = {}): string =>
  selector(jmxMetrics[key].name, { ...target, ...matchers })

/** A counter of the brokers themselves, as a rate per second. */
export const rateOfBrokers = (key: JmxMetricKey, matchers: Matchers = {}): string =>
  `rate(${ofBrokers(key, matchers)}[$__rate_interval])`

/** Share of the volume of each log directory that is used. */
export const diskUsed = `1 - ${now('logDirUsable')} / (${now('logDirTotal')} > 0)`

/** A gauge of Connect, Schema Registry or ksqlDB. */
export const ofServices = (
  key: ServiceMetricKey,
  matchers: Matchers = {},
  suffix: '_bucket' | '_count' | '' = '',
): string => selector(`${serviceMetrics[key].name}${suffix}`, { ...target, ...matchers })

/** A counter of theirs, as a rate per second. */
export const rateOfServices = (...of: Parameters<typeof ofServices>): string =>
  `rate(${ofServices(...of)}[$__rate_interval])`

export const sumBy = (labels: readonly string[], expression: string): string =>
  `sum by (${labels.join(', ')}) (${expression})`
export const maxBy = (labels: readonly string[], expression: string): string =>
  `max by (${labels.join(', ')}) (${expression})`
export const minBy = (labels: readonly string[], expression: string): string =>
  `min by (${labels.join(', ')}) (${expression})`
export const topK = (count: number, expression: string): string => `topk(${count}, ${expression})`

/** Half of the width. */
export const lines = { kind: 'lines', width: 12, height: 8 } as const
/** A sixth of the width. */
export const stat = { kind: 'stat', width: 4, height: 4, unit: 'short' } as const

export const query = (expr: string, legend: string, unit?: Query['unit']): Query => ({
  expr,
  legend,
  ...(unit === undefined ? {} : { unit }),
})

/** Good from 0, bad from `bad` on, with something to look at from `careful` on. */
export function badFrom(bad: number, careful?: number): Threshold[] {
  return [
    { at: null, colour: 'green' },
    ...(careful === undefined ? [] : [{ at: careful, colour: 'yellow' } as const]),
    { at: bad, colour: 'red' },
  ]
}
export const neutral: readonly Threshold[] = [{ at: null, colour: 'text' }]

/** Which of the services that the exporter asks answer. */
export const servicesUp = {
  ...stat,
  description: 'Whether Schema Registry, Connect and ksqlDB answer the exporter: those whose address it was given.',
  queries: [query(now('serviceUp'), '{{cluster}} · {{service}}')],
  thresholds: [
    { at: null, colour: 'red' },
    { at: 1, colour: 'green' },
  ],
  names: [
    { value: 0, text: 'down', colour: 'red' },
    { value: 1, text: 'up', colour: 'green' },
  ],
  noValue: 'no addresses',
} as const

/** A panel of metrics that the brokers expose themselves says where they come from, and shows why it is empty. */
export const fromBrokers = <P extends Panel>(panel: P): P =>
  withSource(panel, "the brokers' own metrics (the chart's JMX agent, or the embedded broker).")

/** The same for metrics that only Java has. */
export const fromJava = <P extends Panel>(panel: P): P =>
  withSource(
    panel,
    "the chart's JMX agent. The embedded broker does not run on Java.",
    'No JMX agent exports them here.',
  )

/** Says where the metrics of a panel come from, and in their place why there are none. */
export function withSource<P extends Panel>(
  panel: P,
  source: string,
  noValue = 'The brokers export no metrics of their own here.',
): P {
  return { ...panel, description: `${panel.description} Source: ${source}`, noValue }
}

const brokersOrExporter = '__name__=~"kafka_brokers|kafka_server_kafkaserver_brokerstate"'
/** One metric that every Connect worker, registry and ksqlDB server has. */
export const serviceMarks = [
  'connectors',
  'registrySchemas',
  'commandRunner',
] as const satisfies readonly ServiceMetricKey[]
/** Them, and the exporter, which says whether they answer. */
const servicesOrExporter = `__name__=~"${['kafka_brokers', ...serviceMarks.map((key) => serviceMetrics[key].name)].join('|')}"`
const scopeText = 'cluster=~"$cluster",job=~"$job",instance=~"$instance"'
const byName = {
  cluster: { name: 'cluster', label: 'Cluster', query: 'label_values(kafka_brokers, cluster)' },
  /** Groups and topics of the same name in two clusters are not told apart by their lines' names. */
  oneCluster: { name: 'cluster', label: 'Cluster', query: 'label_values(kafka_brokers, cluster)', single: true },
  job: { name: 'job', label: 'Job', query: `label_values({${brokersOrExporter}}, job)` },
  instance: {
    name: 'instance',
    label: 'Instance',
    query: `label_values({${brokersOrExporter},job=~"$job"}, instance)`,
  },
  serviceJob: { name: 'job', label: 'Job', query: `label_values({${servicesOrExporter}}, job)` },
  serviceInstance: {
    name: 'instance',
    label: 'Instance',
    query: `label_values({${servicesOrExporter},job=~"$job"}, instance)`,
  },
  topic: { name: 'topic', label: 'Topic', query: `label_values(kafka_topic_partitions{${scopeText}}, topic)` },
  group: { name: 'group', label: 'Group', query: `label_values(kafka_consumer_group_members{${scopeText}}, group)` },
  slo: { name: 'slo', label: 'Objective', query: 'label_values(sloth_slo_info, sloth_slo)' },
  service: { name: 'service', label: 'Service', query: 'label_values(sloth_slo_info, sloth_service)' },
} as const satisfies Record<string, Variable>

export const variables = (...names: readonly (keyof typeof byName)[]): Variable[] => names.map((name) => byName[name])
