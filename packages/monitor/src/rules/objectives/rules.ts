// Objectives → recording rules and alerts, with the names of Sloth, whose dashboards work on them unchanged
// (https://sloth.dev): multi-window, multi-burn-rate alerts as in chapter 5 of Google's SRE workbook. Pure.
import type { Objective } from '@selfmonitor/platform'
import { selector } from '../../metrics/promql.ts'
import { lagObjective } from '../names.ts'
import { type Links, linkAnnotations, type Rule, type RuleGroup } from '../prometheus.ts'
import { errorRatio, recordingsOf, slothLabels } from './indicators.ts'

const windows = ['5m', '30m', '1h', '2h', '6h', '1d', '3d'] as const

/** How fast the budget burns when an alert fires, over two windows: the short one ends the alert soon after the problem. */
export const burnAlerts = [
  {
    alert: 'KafkaErrorBudgetBurnsFast',
    severity: 'critical',
    slothSeverity: 'page',
    burns: [
      { short: '5m', long: '1h', factor: 14.4 },
      { short: '30m', long: '6h', factor: 6 },
    ],
  },
  {
    alert: 'KafkaErrorBudgetBurnsSlowly',
    severity: 'warning',
    slothSeverity: 'ticket',
    burns: [
      { short: '2h', long: '1d', factor: 3 },
      { short: '6h', long: '3d', factor: 1 },
    ],
  },
] as const

const ratio = (window: string): string => `slo:sli_error:ratio_rate${window}`
const match = 'on (sloth_id, sloth_service, sloth_slo) group_left'

/** What a text says of an objective: `fraud-detection is at most 30s behind on user.events, 99.5 % of the time`. */
export function promise({ service, target, indicator }: Objective): string {
  const percent = `${Number((target * 100).toPrecision(10))} %`
  switch (indicator.kind) {
    case 'freshness':
      return `${indicator.group} is at most ${indicator.lagMs / 1000} s behind on ${indicator.topic} in ${percent} of the time`
    case 'processing':
      return `${service} handles ${percent} of its messages without a dead letter`
    case 'availability':
      return `${percent} of the probe's messages are written and come back`
    case 'latency':
      return `${percent} of the probe's messages come back within ${indicator.atMostMs} ms`
    default:
      return indicator satisfies never
  }
}

/** The groups of rules of all objectives; none where there are none. */
export function objectiveRules(objectives: readonly Objective[], links: Links = {}): RuleGroup[] {
  return objectives.flatMap((objective) => [
    { name: `sloth-slo-sli-recordings-${slothLabels(objective).sloth_id}`, rules: sliRecordings(objective) },
    { name: `sloth-slo-meta-recordings-${slothLabels(objective).sloth_id}`, rules: metaRecordings(objective) },
    { name: `sloth-slo-alerts-${slothLabels(objective).sloth_id}`, rules: alertsOf(objective, links) },
  ])
}

/** Sloth's labels, and whose it is. */
function labelsOf(objective: Objective) {
  return { ...slothLabels(objective), ...(objective.owner === undefined ? {} : { owner: objective.owner }) }
}

function sliRecordings(objective: Objective): Rule[] {
  const labels = labelsOf(objective)
  const of = slothLabels(objective)
  const period = `${objective.periodDays}d`
  return [
    ...recordingsOf(objective).map((recording) => ({ ...recording, labels })),
    ...windows.map((window) => ({
      record: ratio(window),
      expr: errorRatio(objective, window),
      labels: { ...labels, sloth_window: window },
    })),
    {
      record: ratio(period),
      expr: `sum_over_time(${selector(ratio('5m'), of)}[${period}])\n/ ignoring (sloth_window)\ncount_over_time(${selector(ratio('5m'), of)}[${period}])`,
      labels: { ...labels, sloth_window: period },
    },
  ]
}

function metaRecordings(objective: Objective): Rule[] {
  const labels = labelsOf(objective)
  const of = slothLabels(objective)
  const { indicator, target, periodDays } = objective
  const constant = (record: string, value: number | string, more: Readonly<Record<string, string>> = {}): Rule => ({
    record,
    expr: `vector(${value})`,
    labels: { ...labels, ...more },
  })
  const budget = selector('slo:error_budget:ratio', of)
  return [
    constant('slo:objective:ratio', target),
    constant('slo:error_budget:ratio', `1 - ${target}`),
    constant('slo:time_period:days', periodDays),
    {
      record: 'slo:current_burn_rate:ratio',
      expr: `max without (sloth_window) (${selector(ratio('5m'), of)})\n/ ${match}\n${budget}`,
      labels,
    },
    {
      record: 'slo:period_burn_rate:ratio',
      expr: `max without (sloth_window) (${selector(ratio(`${periodDays}d`), of)})\n/ ${match}\n${budget}`,
      labels,
    },
    {
      record: 'slo:period_error_budget_remaining:ratio',
      expr: `1 - ${selector('slo:period_burn_rate:ratio', of)}`,
      labels,
    },
    constant('sloth_slo_info', 1, {
      sloth_mode: 'selfmonitor',
      sloth_spec: 'platform.yaml/v1',
      sloth_objective: `${Number((target * 100).toPrecision(10))}`,
    }),
    ...(indicator.kind === 'freshness'
      ? [
          {
            record: lagObjective,
            expr: `vector(${indicator.lagMs / 1000})`,
            labels: { group: indicator.group, topic: indicator.topic, service: objective.service },
          },
        ]
      : []),
  ]
}

function alertsOf(objective: Objective, links: Links): Rule[] {
  const { indicator, target } = objective
  const of = slothLabels(objective)
  return burnAlerts.map(({ alert, severity, slothSeverity, burns }) => {
    const over = (window: string, factor: number): string =>
      `max without (sloth_window) (${selector(ratio(window), of)}) > (${factor} * (1 - ${target}))`
    return {
      alert,
      expr: burns
        .map(({ short, long, factor }) => `(\n${over(short, factor)}\nand\n${over(long, factor)}\n)`)
        .join('\nor\n'),
      labels: {
        ...labelsOf(objective),
        severity,
        sloth_severity: slothSeverity,
        audience: objective.owner === undefined ? 'platform' : 'owner',
        ...(indicator.kind === 'freshness' ? { group: indicator.group, topic: indicator.topic } : {}),
        ...(indicator.kind === 'processing' ? { group: indicator.group } : {}),
      },
      annotations: {
        summary: `${of.sloth_service} uses up the error budget of ${of.sloth_slo} too fast: {{ $value | humanizePercentage }} is bad`,
        description: `Objective: ${promise(objective)}.`,
        ...linkAnnotations(links, alert.toLowerCase(), consolePath(objective)),
      },
    }
  })
}

function consolePath({ indicator }: Objective): string {
  switch (indicator.kind) {
    case 'freshness':
    case 'processing':
      return `/groups/${encodeURIComponent(indicator.group)}`
    case 'availability':
    case 'latency':
      return '/'
    default:
      return indicator satisfies never
  }
}
