// The library's metrics in packages/events/README.md, from its own table.
import { libraryMetrics, prometheusLabel, prometheusName } from '../../packages/events/src/telemetry/metrics-table.ts'
import { markdownTable } from './markdown.ts'

export function eventMetrics(): string {
  const rows = Object.values(libraryMetrics).map(({ attributes, ...row }) => [
    `\`${row.name}\`<br>\`${prometheusName({ attributes, ...row })}\``,
    row.type,
    row.help,
    attributes
      .filter((name) => name !== 'messaging.system')
      .map((name) => `\`${prometheusLabel(name)}\``)
      .join(', '),
  ])
  return markdownTable(['in OpenTelemetry, in Prometheus', 'type', 'what', 'labels'], rows)
}
