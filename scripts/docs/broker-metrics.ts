// The embedded broker's metrics in docs/embedded-broker.md, from its own table.
import { brokerMetrics } from '../../packages/broker/src/metrics/table.ts'
import { markdownTable } from './markdown.ts'

export function ownMetrics(): string {
  const rows = brokerMetrics.map(({ name, type, labels, help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ])
  return markdownTable(['metric', 'type', 'labels', 'what'], rows)
}
