// Service level indicators in PromQL: the share of time or of messages that was bad over a window.
import type { Objective } from '@selfmonitor/platform'
import { anyOf, highest, type Matchers, selector, series } from '../../metrics/promql.ts'
import type { MetricKey } from '../../metrics/table.ts'
import { freshnessBad } from '../names.ts'

/** Labels that say which objective a series is of; Sloth's. */
export function slothLabels({ service, name }: Pick<Objective, 'service' | 'name'>) {
  return { sloth_id: `${service}-${name}`, sloth_service: service, sloth_slo: name } as const
}

/** What `freshness` records at each evaluation: 1 while the group is over its lag, else 0; nothing while nothing is known. */
export function badExpression({ indicator }: Objective): string | null {
  if (indicator.kind !== 'freshness') return null
  const { group, topic, lagMs } = indicator
  return `max by (cluster) (${series('groupTopicLagSeconds', { group, topic })}) > bool ${lagMs / 1000}`
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
      const consumed = summed('committed', window, { group: indicator.group, topic: anyOf(indicator.topics) })
      // A topic of dead letters exists from the first one on.
      const dead = `(${summed('endOffset', window, { topic: anyOf(indicator.deadLetterTopics) })} or 0 * ${consumed})`
      return `clamp_max(\n${dead}\n/\n(${consumed} > 0)\n, 1)`
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
