// What an alert is: a row of data. Prometheus's rules, the PrometheusRule object, Alertmanager's inhibition, docs/monitoring.md and the
// tests read it; docs/runbooks/alerts.md has a section for each.
import { type Matchers, quoted } from '../metrics/promql.ts'
import { type MetricKey, metrics } from '../metrics/table.ts'

/** `critical` wakes the person on call, `warning` is for working hours, `info` is shown and not sent. */
export type Severity = 'critical' | 'warning' | 'info'

/**
 * Who gets it. `platform`: brokers, disks, the exporter, everything that is shared. `owner`: one group or topic; it goes to the owner that
 * platform.yaml names, and to the platform's where it names none.
 */
export type Audience = 'platform' | 'owner'

/** Where the condition can be caused for real: `embedded` and `apache` as local processes, or only on Kubernetes (several volumes). */
export type Testable = 'both engines' | 'apache' | 'exporter' | 'services'

export interface Alert {
  /** `KafkaBrokerDown`; in lower case it is the anchor in docs/runbooks/alerts.md. */
  readonly name: string
  readonly severity: Severity
  readonly audience: Audience
  /** PromQL, from keys of the table of metrics through `highest` and `lowest`. */
  readonly expression: string
  /** How long the condition has to hold: `5m`, or `0s`. */
  readonly for: string
  /** How long it stays after the condition has ended, so that it does not flap. Needs Prometheus 2.42. */
  readonly keepFiringFor?: string
  /** Labels of its series, without those of replicas and of the target. */
  readonly labels: readonly string[]
  /** One line with the value, in the templates of Prometheus. */
  readonly summary: string
  /** What it means and what to look at first. */
  readonly description: string
  /** Metrics of the chart's JMX rules (templates/kafka/_jmx.tpl) that it needs: without the JMX agent it stays silent. */
  readonly jmx?: readonly string[]
  /** Path in the console; `{label}` is the label's value. */
  readonly console: string
  /** Alerts of the same cluster, and with the same value of these labels, that are not sent while this one fires. */
  readonly inhibits?: { readonly alerts: readonly string[] | 'all'; readonly equal: readonly string[] }
  readonly testable: Testable
  readonly cases: readonly [AlertCase, AlertCase, ...AlertCase[]]
}

/** A test for `promtool test rules`: series, a time, and what fires then. */
export interface AlertCase {
  /** A sentence: `fires when one of three brokers is gone for a minute`. */
  readonly name: string
  /** Series by their selector, with promtool's notation of values, one value a minute. */
  readonly given: Readonly<Record<string, string>>
  readonly at: string
  /** Nothing: it is quiet. */
  readonly fires: readonly Firing[]
}

export interface Firing {
  /** Of the series, without those of the rule (severity, …). */
  readonly labels: Readonly<Record<string, string>>
  /** Checked with the whole text where given. */
  readonly summary?: string
}

/** Two replicas of the exporter, of two jobs; their labels differ in these only. */
const replicas = [
  { job: 'kafka-exporter', instance: '10.0.0.1:9308', pod: 'kafka-exporter-0' },
  { job: 'kafka-exporter-of-before', instance: '10.0.0.2:9308', pod: 'kafka-exporter-1' },
] as const

/** A series as the first replica of the exporter gives it, in cluster `c`. */
export const given = (key: MetricKey, labels: Readonly<Record<string, string>> = {}): string => from(0, key, labels)

/** The same of a replica. */
export const from = (replica: 0 | 1, key: MetricKey, labels: Readonly<Record<string, string>> = {}): string =>
  seriesText(metrics[key].name, { cluster: 'c', ...replicas[replica], ...labels })

/** A series of the JMX agent of one broker. */
export const jmxOf = (broker: number, name: string, labels: Readonly<Record<string, string>> = {}): string =>
  seriesText(name, { cluster: 'c', instance: `10.0.1.${broker}:5556`, pod: `kafka-${broker}`, ...labels })

export function seriesText(name: string, labels: Readonly<Record<string, string>>): string {
  return `${name}{${Object.entries(labels)
    .map(([label, value]) => `${label}=${quoted(value)}`)
    .join(', ')}}`
}

export type { Matchers }
