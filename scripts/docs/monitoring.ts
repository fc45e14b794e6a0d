// The tables in docs/monitoring.md: metrics, alerts, panels and checks, from the rows that the exporter, Prometheus's rules, the
// dashboards and the diagnosis are made of.
import { dashboards } from '../../packages/monitor/src/dashboards/index.ts'
import { type Check, checks, type Severity, severities } from '../../packages/monitor/src/diagnose/index.ts'
import { type Metric, metrics } from '../../packages/monitor/src/metrics/table.ts'
import { alertGroups, runbookAnchor } from '../../packages/monitor/src/rules/index.ts'
import { markdownTable } from './markdown.ts'

/** Without the aggregation over replicas, which every metric goes through. */
function shortExpression(expression: string): string {
  const short = expression
    .replaceAll(/ without \(instance[^)]*prometheus_replica, /g, ' without (')
    .replaceAll(/(?:max|min) without \(instance[^)]*\) /g, '')
    .replaceAll(/(^|\(|\n|[^)] |group\) )\((kafka_\w+(?:\{[^}]*\})?|\w+\([^()]*\))\)/g, '$1$2')
    .replaceAll(/\s*\n\s*/g, ' ')
  return `\`${short}\``
}

export function alertTables(): string {
  return alertGroups
    .flatMap(({ title, alerts }) => [
      `### ${title}`,
      '',
      markdownTable(
        ['alert', 'severity', 'fires when', 'for', 'silences'],
        alerts.map((alert) => [
          `[${alert.name}](runbooks/alerts.md#${runbookAnchor(alert)})`,
          alert.severity,
          shortExpression(alert.expression),
          alert.for,
          alert.inhibits === undefined
            ? ''
            : alert.inhibits.alerts === 'all'
              ? 'all others'
              : alert.inhibits.alerts.join(', '),
        ]),
      ),
      '',
    ])
    .join('\n')
}

export function metricsTable(): string {
  return markdownTable(
    ['metric', 'type', 'labels', 'by topic', 'how it is computed'],
    Object.values(metrics).map(({ name, type, labels, byTopic, help }: Metric) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', '),
      byTopic ?? '',
      help,
    ]),
  )
}

/** The table of checks of the diagnosis, the most severe first. */
export function checkTable(): string {
  const rank = (severity: Severity): number => severities.indexOf(severity)
  const rows = Object.entries(checks as Readonly<Record<string, Check>>).sort(
    ([, a], [, b]) => rank(a.severity) - rank(b.severity),
  )
  return markdownTable(
    ['check', 'severity', 'it means', 'do'],
    rows.map(([code, { severity, explanation, remedy, runbook }]) => [
      `[${code}](runbooks/${runbook})`,
      severity,
      explanation,
      remedy,
    ]),
  )
}

/** A table of panels for each dashboard. */
export function panelTables(): string {
  return dashboards
    .flatMap(({ title, description, rows }) => [
      `### ${title}`,
      '',
      description,
      '',
      markdownTable(
        ['row', 'panel', 'what it shows'],
        rows.flatMap((row) => row.panels.map((panel) => [row.title, panel.title, panel.description])),
      ),
      '',
    ])
    .join('\n')
}
