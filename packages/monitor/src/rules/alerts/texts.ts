// Parts of summaries and descriptions, in the templates of Prometheus.
import { highest, inCluster, quoted, series } from '../../metrics/promql.ts'
import type { MetricKey } from '../../metrics/table.ts'

/** The alert's value and a noun: `1 broker`, `2 brokers`. */
export const plural = (noun: string): string => `{{ $value | humanize }} ${noun}{{ if ne $value 1.0 }}s{{ end }}`

/** The three largest series of a metric in the alert's cluster, by one label, with their values: `orders (4), carts (2)`. */
export function listed(key: MetricKey, label: string): string {
  const query = `topk(3, ${highest(series(key, inCluster))} > 0)`
  return `{{ range $at, $one := printf ${quoted(query)} $labels.cluster | query | sortByLabel ${quoted(label)} }}{{ if $at }}, {{ end }}{{ $one.Labels.${label} }} ({{ $one.Value | humanize }}){{ end }}`
}

/** The values that a label has in the series of a query, which has the matchers `inCluster` twice: `groups, offsets`. */
export function listedNames(query: string, label: string): string {
  return `{{ range $at, $one := printf ${quoted(query)} $labels.cluster $labels.cluster | query | sortByLabel ${quoted(label)} }}{{ if $at }}, {{ end }}{{ $one.Labels.${label} }}{{ end }}`
}
