// Objectives: the service level objectives of platform.yaml, from the recording rules with Sloth's names (`rules/objectives/`).
import type { Dashboard } from './model.ts'
import { lines, maxBy, minBy, query, sumBy, variables } from './query.ts'

const chosen = 'sloth_service=~"$service", sloth_slo=~"$slo"'
const slo = ['sloth_service', 'sloth_slo']
const legend = '{{sloth_service}} · {{sloth_slo}}'
/** The highest value of the clusters that one platform.yaml is applied to: of errors and burn rates, the worst. */
const highest = (name: string): string => maxBy(slo, `${name}{${chosen}}`)
/** The lowest: of a budget, the worst. */
const budgetLeft = minBy(slo, `slo:period_error_budget_remaining:ratio{${chosen}}`)

export const objectives: Dashboard = {
  uid: 'selfmonitor-kafka-objectives',
  title: 'Objectives',
  description:
    'Freshness, availability, latency and processing success that platform.yaml promises, and how much of the error budget is left.',
  variables: variables('service', 'slo'),
  rows: [
    {
      title: 'Error budgets',
      panels: [
        {
          kind: 'table',
          width: 24,
          height: 9,
          title: 'Objectives',
          description:
            'Each objective, the share of good time or messages over its period, and the share of the error budget that is left; of several clusters, the worst.',
          unit: 'percentunit',
          decimals: 3,
          labels: [
            { name: 'sloth_service', heading: 'Service' },
            { name: 'sloth_slo', heading: 'Objective' },
          ],
          queries: [
            query(highest('slo:objective:ratio'), 'Objective'),
            query(`1 - ${highest('slo:sli_error:ratio_rate30d')}`, 'Reached'),
            query(budgetLeft, 'Budget left'),
            query(highest('slo:current_burn_rate:ratio'), 'Burn rate', 'short'),
          ],
        },
        {
          ...lines,
          title: 'Error budget left',
          description:
            'Share of the error budget of the period that is left; of several clusters, the smallest. Below 0 the objective is missed.',
          // Without bounds: a line below 0 has to be seen.
          unit: 'percentunit',
          queries: [query(budgetLeft, legend)],
        },
        {
          ...lines,
          title: 'Burn rate',
          description:
            'How fast the error budget is used: 1 uses it up exactly at the end of the period. An alert pages at 14.4 over an hour, or at 6 over six hours.',
          unit: 'short',
          thresholds: [
            { at: null, colour: 'green' },
            { at: 1, colour: 'yellow' },
            { at: 14.4, colour: 'red' },
          ],
          queries: [query(highest('slo:current_burn_rate:ratio'), legend)],
        },
      ],
    },
    {
      title: 'Indicators',
      panels: [
        {
          ...lines,
          title: 'Errors over 5 minutes',
          description: 'Share of samples or events that missed the objective in the last 5 minutes.',
          unit: 'percentunit',
          queries: [query(highest('slo:sli_error:ratio_rate5m'), legend)],
        },
        {
          ...lines,
          title: 'Errors over 6 hours',
          description: 'Share of samples or events that missed the objective in the last 6 hours.',
          unit: 'percentunit',
          queries: [query(highest('slo:sli_error:ratio_rate6h'), legend)],
        },
        {
          ...lines,
          width: 24,
          height: 6,
          title: 'Alerts on burn rates',
          description: 'Objectives for which a page or a ticket fires now.',
          unit: 'short',
          queries: [
            query(
              sumBy([...slo, 'sloth_severity'], `ALERTS{alertstate="firing", sloth_slo!="", ${chosen}}`),
              `${legend} {{sloth_severity}}`,
            ),
          ],
          noValue: 'none',
        },
      ],
    },
  ],
}
