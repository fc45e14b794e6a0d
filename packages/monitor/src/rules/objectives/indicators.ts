// Service level indicators in PromQL: the share of time or of messages that was bad over a window.

import { libraryMetrics, prometheusLabel, prometheusName } from '@selfmonitor/events/metrics-table'
import type { Indicator, Objective } from '@selfmonitor/platform'
import { anyOf, highest, type Matchers, selector, series } from '../../metrics/promql.ts'
import type { MetricKey } from '../../metrics/table.ts'
import { deadLettered, freshnessBad, processed } from '../names.ts'

/** Labels that say which objective a series is of; Sloth's. */
export function slothLabels({ service, name }: Pick<Objective, 'service' | 'name'>) {
  return { sloth_id: `${service}-${name}`, sloth_service: service, sloth_slo: name } as const
}

/** A series that an objective's ratios are computed from. */
export interface Recording {
  readonly record: string
  readonly expr: string
}

/** What an objective records at each evaluation before its ratios. */
export function recordingsOf({ indicator }: Objective): Recording[] {
  switch (indicator.kind) {
    case 'freshness': {
      // 1 while the group is over its lag, else 0; nothing while nothing is known.
      const { group, topic, lagMs } = indicator
      const expr = `max by (cluster) (${series('groupTopicLagSeconds', { group, topic })}) > bool ${lagMs / 1000}`
      return [{ record: freshnessBad, expr }]
    }
    case 'processing':
      return processingRecordings(indicator)
    case 'availability':
    case 'latency':
      return []
    default:
      return indicator satisfies never
  }
}

/**
 * The library counts what a service is done with and what of it became dead letters, exactly. Where Prometheus does not have its
 * counters, what the exporter sees stands in: committed offsets, and the ends of the topics of dead letters, which other groups may
 * write to as well. Both recordings take the same of the two, so that nothing counts twice.
 *
 * The library does not know which cluster it is connected to. Where one cluster has the group, all counters of the group are that
 * cluster's; where several have it, those whose label `cluster`, which a scrape configuration adds, is the name of one of them.
 */
function processingRecordings({
  group,
  topics,
  deadLetterTopics,
}: Extract<Indicator, { kind: 'processing' }>): Recording[] {
  const known = `group by (cluster) (${series('groupInfo', { group })})`
  const of = {
    [prometheusLabel('messaging.consumer.group.name')]: group,
    [prometheusLabel('messaging.destination.name')]: anyOf(topics),
  }
  const counted = (by: string, metric: 'consumed' | 'deadLettered'): string =>
    `sum${by} (rate(${selector(prometheusName(libraryMetrics[metric]), of)}[5m]))`
  /** A counter of dead letters exists from the first one on. */
  const exact = (metric: 'consumed' | 'deadLettered'): string => {
    const rate = (by: string) =>
      metric === 'consumed' ? counted(by, metric) : `(${counted(by, metric)} or 0 * ${counted(by, 'consumed')})`
    const ofTheOne = `(${known} and on () count(${known}) == 1)\n* on () group_left ()\n${rate('')}`
    return `${ofTheOne}\nor\n(${rate(' by (cluster)')} and on (cluster) ${known})`
  }
  const committed = summed('committed', '5m', { group, topic: anyOf(topics) })
  // A topic of dead letters exists from the first one on.
  const dead = `(${summed('endOffset', '5m', { topic: anyOf(deadLetterTopics) })} or 0 * ${committed})`
  return [
    { record: processed, expr: `${exact('consumed')}\nor\n${committed}` },
    { record: deadLettered, expr: `${exact('deadLettered')}\nor\n${dead}` },
  ]
}

/**
 * The share of bad time or messages over a window, by cluster. Without any time or message there is no value, so that a quiet night
 * is neither good nor bad.
 *
 * @param window such as `5m`
 */
export function errorRatio(objective: Objective, window: string): string {
  const { indicator } = objective
  switch (indicator.kind) {
    case 'freshness':
      return `avg_over_time(${selector(freshnessBad, slothLabels(objective))}[${window}])`
    case 'availability': {
      // Each replica of the exporter has a probe of its own: their messages add up.
      const failed = `${probed('probeProduceFailed', window)}\n+\n${probed('probeLost', window)}`
      const sent = `${probed('probeProduced', window)} + ${probed('probeProduceFailed', window)}`
      return `(\n${failed}\n)\n/\n(${sent} > 0)`
    }
    case 'latency': {
      const inTime = probed('probeRoundTripSeconds', window, { le: bound(indicator.atMostMs) }, '_bucket')
      return `1 -\n${inTime}\n/\n(${probed('probeRoundTripSeconds', window, {}, '_count')} > 0)`
    }
    case 'processing': {
      // The rates are over 5 minutes already.
      const total = (name: string): string => {
        const recorded = selector(name, slothLabels(objective))
        return window === '5m' ? recorded : `sum_over_time(${recorded}[${window}])`
      }
      return `clamp_max(\n${total(deadLettered)}\n/\n(${total(processed)} > 0)\n, 1)`
    }
    default:
      return indicator satisfies never
  }
}

/** Seconds as the label `le` has them: `0.5`, and `1` or `1.0` by the version of Prometheus. */
function bound(ms: number): string | { readonly matcher: string } {
  const seconds = ms / 1000
  return Number.isInteger(seconds) ? { matcher: `=~"${seconds}(\\\\.0)?"` } : `${seconds}`
}

const probed = (key: MetricKey, window: string, matchers: Matchers = {}, suffix = ''): string =>
  `sum by (cluster) (rate(${series(key, matchers, suffix)}[${window}]))`

/** Replicas export the same offsets: the highest rate of them, then the sum over partitions and topics. */
const summed = (key: MetricKey, window: string, matchers: Matchers): string =>
  `sum by (cluster) (${highest(`rate(${series(key, matchers)}[${window}])`)})`
