// Queries, variables and shapes that the panels share. Every selector matches the variables cluster, job and instance; metrics of the
// brokers themselves have no label `cluster`, and match job and instance.
import { type JmxMetricKey, jmxMetrics } from '../metrics/jmx.ts'
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
  `sum by (le) (rate(${series(key, scope, '_bucket')}[$__rate_interval]))`

/** A gauge of the brokers themselves. */
export const ofBrokers = (key: JmxMetricKey, matchers: Matchers = {}): string =>
  selector(jmxMetrics[key].name, { ...target, ...matchers })

/** A counter of the brokers themselves, as a rate per second. */
export const rateOfBrokers = (key: JmxMetricKey, matchers: Matchers = {}): string =>
  `rate(${ofBrokers(key, matchers)}[$__rate_interval])`

/** Share of the volume of each log directory that is used. */
export const diskUsed = `1 - ${now('logDirUsable')} / (${now('logDirTotal')} > 0)`

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

/** A panel of metrics that the brokers expose themselves says where they come from, and shows why it is empty. */
export const fromBrokers = <P extends Panel>(panel: P): P =>
  withSource(panel, "the brokers' own metrics (the chart's JMX agent, or the embedded broker).")

/** The same for metrics that only Java has. */
export const fromJava = <P extends Panel>(panel: P): P =>
  withSource(panel, "the chart's JMX agent. The embedded broker does not run on Java.")

function withSource<P extends Panel>(panel: P, source: string): P {
  return {
    ...panel,
    description: `${panel.description} Source: ${source}`,
    noValue: 'The brokers export no metrics of their own here.',
  }
}

const brokersOrExporter = '__name__=~"kafka_brokers|kafka_server_kafkaserver_brokerstate"'
const scopeText = 'cluster=~"$cluster",job=~"$job",instance=~"$instance"'
const byName = {
  cluster: { name: 'cluster', label: 'Cluster', query: 'label_values(kafka_brokers, cluster)' },
  job: { name: 'job', label: 'Job', query: `label_values({${brokersOrExporter}}, job)` },
  instance: {
    name: 'instance',
    label: 'Instance',
    query: `label_values({${brokersOrExporter},job=~"$job"}, instance)`,
  },
  topic: { name: 'topic', label: 'Topic', query: `label_values(kafka_topic_partitions{${scopeText}}, topic)` },
  group: { name: 'group', label: 'Group', query: `label_values(kafka_consumer_group_members{${scopeText}}, group)` },
  slo: { name: 'slo', label: 'Objective', query: 'label_values(sloth_slo_info, sloth_slo)' },
  service: { name: 'service', label: 'Service', query: 'label_values(sloth_slo_info, sloth_service)' },
} as const satisfies Record<string, Variable>

export const variables = (...names: readonly (keyof typeof byName)[]): Variable[] => names.map((name) => byName[name])
