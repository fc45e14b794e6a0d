// Objectives as OpenSLO v1 (https://github.com/OpenSLO/OpenSLO), for tools that read it. Pure.
import { createHash } from 'node:crypto'
import type { Objective } from '@selfmonitor/platform'
import { highest, type Matchers, selector, series } from '../../metrics/promql.ts'
import type { MetricKey } from '../../metrics/table.ts'
import { deadLettered, processed } from '../names.ts'
import { slothLabels } from '../objectives/indicators.ts'
import { promise } from '../objectives/rules.ts'

const apiVersion = 'openslo/v1'

/** Most characters of a name and of a display name, and of a description. */
const longestName = 63
const longestDescription = 1_050

/** A Service for each service that has objectives, and an SLO for each objective. */
export function openSlo(objectives: readonly Objective[]): object[] {
  const services = [...new Set(objectives.map(({ service }) => service))]
  const serviceNames = names(services)
  const sloNames = names(objectives.map(idOf))
  return [
    ...services.map((service) => ({
      apiVersion,
      kind: 'Service',
      metadata: { name: serviceNames.get(service), displayName: cut(service, longestName) },
      spec: {},
    })),
    ...objectives.map((one) => slo(one, sloNames.get(idOf(one))!, serviceNames.get(one.service)!)),
  ]
}

const idOf = ({ service, name }: Objective): string => `${service}-${name}`
const cut = (text: string, longest: number): string =>
  text.length <= longest ? text : `${text.slice(0, longest - 1)}…`

function slo(objective: Objective, id: string, serviceName: string): object {
  const { service, name, owner, target, periodDays, indicator } = objective
  const threshold = indicator.kind === 'freshness' ? { op: 'lte', value: indicator.lagMs / 1000 } : {}
  return {
    apiVersion,
    kind: 'SLO',
    metadata: {
      name: id,
      displayName: cut(`${service}: ${name}`, longestName),
      ...(owner === undefined ? {} : { labels: { owner: [owner] } }),
    },
    spec: {
      description: cut(`${promise(objective)}.`, longestDescription),
      service: serviceName,
      indicator: { metadata: { name: id }, spec: indicatorSpec(objective) },
      timeWindow: [{ duration: `${periodDays}d`, isRolling: true }],
      budgetingMethod: 'Occurrences',
      objectives: [{ displayName: name, target, ...threshold }],
    },
  }
}

function indicatorSpec(objective: Objective): object {
  const { indicator } = objective
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
      // Rates that the rules record: they decide between the library's counters and the exporter's view.
      const recorded = (name: string) => source(`sum(${selector(name, slothLabels(objective))})`)
      return { ratioMetric: { counter: false, bad: recorded(deadLettered), total: recorded(processed) } }
    }
    default:
      return indicator satisfies never
  }
}

const total = (key: MetricKey, matchers: Matchers = {}, suffix = ''): string => `sum(${series(key, matchers, suffix)})`

/** A name of each text as OpenSLO wants it (RFC 1123). One that is too long, or that two texts have, gets a checksum. */
function names(texts: readonly string[]): ReadonlyMap<string, string> {
  const labels = texts.map((text) =>
    text
      .toLowerCase()
      .replaceAll(/[^a-z0-9]+/g, '-')
      .replaceAll(/^-|-$/g, ''),
  )
  const isOne = (label: string) =>
    label !== '' && label.length <= longestName && labels.indexOf(label) === labels.lastIndexOf(label)
  return new Map(
    texts.map((text, at) => {
      const label = labels[at]!
      if (isOne(label)) return [text, label]
      const checksum = createHash('sha256').update(text).digest('hex').slice(0, 8)
      return [text, `${label.slice(0, longestName - 9) || 'x'}-${checksum}`]
    }),
  )
}
