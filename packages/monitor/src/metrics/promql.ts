// PromQL over the metrics of the table. Rules and panels name a metric by its key only, and every metric goes through `highest` or
// `lowest`, so that two replicas of the exporter, which export the same, count once.
import { type MetricKey, metrics } from './table.ts'

/**
 * Labels by which the series of two replicas differ: those of Prometheus, of the operator's monitors, and of a pair of Prometheus. Also
 * the job: a cluster that two jobs scrape, as while an exporter moves, is one cluster.
 */
export const replicaLabels = [
  'job',
  'instance',
  'pod',
  'container',
  'endpoint',
  'node',
  'service_instance_id',
  'prometheus_replica',
] as const

/** A label's value, or a matcher such as `=~"a|b"` or `!="x"`. */
export type Matchers = Readonly<Record<string, string | { readonly matcher: string }>>

/** PromQL's form of a text, in double quotes. */
export function quoted(text: string): string {
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')}"`
}

/** In the template of an alert's text, for a query that `printf` gives the cluster's name: %q writes it as PromQL wants it. */
export const inCluster: Matchers = { cluster: { matcher: '=%q' } }

/** Matches any of these texts. RE2 has no look-around, so escaping what has a meaning in it is enough. */
export function anyOf(texts: readonly string[]): { readonly matcher: string } {
  const escaped = texts.map((text) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&'))
  return { matcher: `=~${quoted(escaped.join('|'))}` }
}

/** `kafka_consumer_lag{group="billing"}`: of the exporter's metrics, for `highest` and `lowest`. */
export function series(key: MetricKey, matchers: Matchers = {}, suffix = ''): string {
  return selector(`${metrics[key].name}${suffix}`, matchers)
}

/** A selector of a metric that the table does not have: a recording rule, or one that the chart's JMX rules name. */
export function selector(name: string, matchers: Matchers = {}): string {
  const inner = Object.entries(matchers).map(([label, value]) =>
    typeof value === 'string' ? `${label}=${quoted(value)}` : `${label}${value.matcher}`,
  )
  return inner.length === 0 ? name : `${name}{${inner.join(', ')}}`
}

/** The largest value that a replica has. `more` are labels to go as well, such as `partition`. */
export const highest = (expression: string, more: readonly string[] = []): string =>
  `max without (${[...replicaLabels, ...more].join(', ')}) (${expression})`

/** The smallest value that a replica has: for alerts on small values, which a replica with an old snapshot must not hide. */
export const lowest = (expression: string, more: readonly string[] = []): string =>
  `min without (${[...replicaLabels, ...more].join(', ')}) (${expression})`
