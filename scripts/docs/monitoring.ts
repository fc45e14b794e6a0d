// The tables in docs/monitoring.md: metrics and alerts, from the rows that the exporter and Prometheus's rules are made of.
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
              : alert.inhibits.alerts.map((name) => name.replace(/^Kafka/, '')).join(', '),
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
