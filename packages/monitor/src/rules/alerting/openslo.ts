// Objectives as OpenSLO v1 (https://github.com/OpenSLO/OpenSLO), for tools that read it. Pure.
import { createHash } from 'node:crypto'
import type { Objective } from '@selfmonitor/platform'
import { anyOf, highest, type Matchers, series } from '../../metrics/promql.ts'
import type { MetricKey } from '../../metrics/table.ts'
import { promise } from '../objectives/rules.ts'

const apiVersion = 'openslo/v1'

/** A Service for each service that has objectives, and an SLO for each objective. */
export function openSlo(objectives: readonly Objective[]): object[] {
  const services = [...new Set(objectives.map(({ service }) => service))]
  return [
    ...services.map((service) => ({
      apiVersion,
      kind: 'Service',
      metadata: { name: dnsLabel(service), displayName: service },
      spec: {},
    })),
    ...objectives.map(slo),
  ]
}

function slo(objective: Objective): object {
  const { service, name, owner, target, periodDays, indicator } = objective
  const id = dnsLabel(`${service}-${name}`)
  const threshold = indicator.kind === 'freshness' ? { op: 'lte', value: indicator.lagMs / 1000 } : {}
  return {
    apiVersion,
    kind: 'SLO',
    metadata: {
      name: id,
      displayName: `${service}: ${name}`,
      ...(owner === undefined ? {} : { labels: { owner: [owner] } }),
    },
    spec: {
      description: `${promise(objective)}.`,
      service: dnsLabel(service),
      indicator: { metadata: { name: `${dnsLabel(`${service}-${name}`, 59)}-sli` }, spec: indicatorSpec(objective) },
      timeWindow: [{ duration: `${periodDays}d`, isRolling: true }],
      budgetingMethod: 'Occurrences',
      objectives: [{ displayName: name, target, ...threshold }],
    },
  }
}

function indicatorSpec({ indicator }: Objective): object {
  const source = (query: string) => ({ metricSource: { type: 'Prometheus', spec: { query } } })
  switch (indicator.kind) {
    case 'freshness': {
      const { group, topic } = indicator
      return { thresholdMetric: source(highest(series('groupTopicLagSeconds', { group, topic }))) }
    }
    case 'availability':
      return {
        ratioMetric: {
          counter: true,
          bad: source(`${total('probeProduceFailed')} + ${total('probeLost')}`),
          total: source(`${total('probeProduced')} + ${total('probeProduceFailed')}`),
        },
      }
    case 'latency':
      return {
        ratioMetric: {
          counter: true,
          good: source(total('probeRoundTripSeconds', { le: `${indicator.atMostMs / 1000}` }, '_bucket')),
          total: source(total('probeRoundTripSeconds', {}, '_count')),
        },
      }
    case 'processing': {
      const consumed = { group: indicator.group, topic: anyOf(indicator.topics) }
      const dead = { topic: anyOf(indicator.deadLetterTopics) }
      return {
        ratioMetric: {
          counter: true,
          bad: source(`sum(${highest(series('endOffset', dead))})`),
          total: source(`sum(${highest(series('committed', consumed))})`),
        },
      }
    }
    default:
      return indicator satisfies never
  }
}

const total = (key: MetricKey, matchers: Matchers = {}, suffix = ''): string => `sum(${series(key, matchers, suffix)})`

/** A name as OpenSLO wants it (RFC 1123): a shortened one gets a checksum, so that two do not become the same. */
function dnsLabel(text: string, longest = 63): string {
  const label = text.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-')
  if (label.length <= longest) return label
  return `${label.slice(0, longest - 9)}-${createHash('sha256').update(text).digest('hex').slice(0, 8)}`
}
