// The rule file that Prometheus reads, from the table of alerts: pure.
import { highest, series } from '../metrics/promql.ts'
import type { Alert } from './alert.ts'
import { alertGroups } from './alerts/index.ts'
import { topicRate } from './names.ts'

export interface Rule {
  readonly record?: string
  readonly alert?: string
  readonly expr: string
  readonly for?: string
  readonly keep_firing_for?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

export interface RuleGroup {
  readonly name: string
  readonly interval?: string
  readonly rules: readonly Rule[]
}

/** What `rules.yaml` has, and the `spec` of a PrometheusRule. */
export interface RuleFile {
  readonly groups: readonly RuleGroup[]
}

export interface Links {
  /** URL of your copy of docs/runbooks/alerts.md, without the anchor. */
  readonly runbook?: string
  /** Base URL of the console, without a slash at the end. */
  readonly console?: string
}

/** The runbook in the repository. */
export const runbookPath = 'docs/runbooks/alerts.md'

/**
 * The annotations that lead somewhere. Without a base address there is no link that could be dead: `runbook` and `console_path` then say
 * where to look. The chart makes links of these two, by its values `monitoring.links`.
 *
 * @param anchor in the runbook
 * @param path in the console
 */
export const linkAnnotations = (links: Links, anchor: string, path: string): Readonly<Record<string, string>> => ({
  ...(links.runbook === undefined
    ? { runbook: `${runbookPath}#${anchor}` }
    : { runbook_url: `${links.runbook}#${anchor}` }),
  ...(links.console === undefined ? { console_path: path } : { console_url: `${links.console}${path}` }),
})

/** The heading of an alert's section in docs/runbooks/alerts.md is its name. */
export const runbookAnchor = ({ name }: Pick<Alert, 'name'>): string => name.toLowerCase()

/** Groups with all alerts of the table, and the recordings that they need. */
export function alertRules(links: Links = {}): RuleGroup[] {
  const recordings: RuleGroup = {
    name: 'kafka-recordings',
    rules: [
      {
        record: topicRate,
        expr: `sum without (partition) (${highest(`rate(${series('endOffset')}[15m])`)})`,
      },
    ],
  }
  const groups = alertGroups.map(({ name, alerts }) => ({
    name,
    rules: alerts.map((alert) => alertRule(alert, links)),
  }))
  return [recordings, ...groups]
}

function alertRule(alert: Alert, links: Links): Rule {
  return {
    alert: alert.name,
    expr: alert.expression,
    for: alert.for,
    ...(alert.keepFiringFor === undefined ? {} : { keep_firing_for: alert.keepFiringFor }),
    labels: { severity: alert.severity, audience: alert.audience },
    annotations: {
      summary: alert.summary,
      description: alert.description,
      ...linkAnnotations(links, runbookAnchor(alert), consolePath(alert.console)),
    },
  }
}

/** `{label}` of a path becomes the template that writes the label's value into a URL. */
function consolePath(path: string): string {
  return path.replaceAll(/\{(\w+)\}/g, '{{ $$labels.$1 | urlquery }}')
}

/** The object of the Prometheus operator that has the same rules. `labels` are those that the operator selects rules by. */
export function prometheusRule(
  file: RuleFile,
  { name, namespace, labels = {} }: { name: string; namespace?: string; labels?: Readonly<Record<string, string>> },
): object {
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'PrometheusRule',
    metadata: {
      name,
      ...(namespace === undefined ? {} : { namespace }),
      labels: { 'app.kubernetes.io/part-of': 'selfmonitor-streams', ...labels },
    },
    spec: file,
  }
}
