// Rules of objectives, tested by promtool with series that burn the error budget fast, slowly and not at all.

import { libraryMetrics, prometheusName } from '@selfmonitor/events/metrics-table'
import { latencyBoundsMs, type Objective } from '@selfmonitor/platform'
import { describe, expect, it } from 'vitest'
import { missingPrometheus } from '../../../../../test/support/prometheus.ts'
import { probeBuckets } from '../../metrics/table.ts'
import { type AlertCase, from, given, seriesText } from '../alert.ts'
import { deadLettered, processed } from '../names.ts'
import { alertRules } from '../prometheus.ts'
import { checkRules, testExpressions, testRulesTogether, withAnnotations } from '../test-support/promtool.ts'
import { objectiveRules } from './rules.ts'

const freshness: Objective = {
  service: 'billing',
  name: 'freshness-orders',
  owner: 'money',
  target: 0.99,
  periodDays: 30,
  indicator: { kind: 'freshness', group: 'billing', topic: 'orders', lagMs: 30_000 },
}
const processing: Objective = {
  service: 'billing',
  name: 'processing',
  owner: 'money',
  target: 0.999,
  periodDays: 30,
  indicator: {
    kind: 'processing',
    group: 'billing',
    topics: ['orders', 'carts'],
    deadLetterTopics: ['orders.dlq', 'carts.dlq'],
  },
}
const availability: Objective = {
  service: 'kafka',
  name: 'availability',
  target: 0.999,
  periodDays: 30,
  indicator: { kind: 'availability' },
}
const latency: Objective = {
  service: 'kafka',
  name: 'latency',
  target: 0.99,
  periodDays: 30,
  indicator: { kind: 'latency', atMostMs: 500 },
}
const objectives = [freshness, processing, availability, latency]
const rules = { groups: [...alertRules(), ...objectiveRules(objectives)] }

const lag = given('groupTopicLagSeconds', { group: 'billing', topic: 'orders' })
const committed = (topic: string) => given('committed', { group: 'billing', topic, partition: '0' })
const written = (topic: string) => given('endOffset', { topic, partition: '0' })

const groupIn = (cluster: string) =>
  given('groupInfo', { cluster, group: 'billing', type: 'classic', coordinator: '1' })
/** A counter of the library in one process of the service. */
const counter = (metric: 'consumed' | 'deadLettered', labels: Readonly<Record<string, string>>) =>
  seriesText(prometheusName(libraryMetrics[metric]), {
    messaging_consumer_group_name: 'billing',
    messaging_destination_name: 'orders',
    ...labels,
  })

const slo = ({ service, name, owner }: Objective) => ({
  cluster: 'c',
  sloth_id: `${service}-${name}`,
  sloth_service: service,
  sloth_slo: name,
  ...(owner === undefined ? {} : { owner }),
})
const fires = (objective: Objective) => [{ labels: slo(objective) }]

interface Burn {
  readonly objective: Objective
  readonly page: AlertCase
  readonly ticket: boolean
}

/** Whether it pages is in `page.fires`; `ticket`: whether a ticket is written at that time. */
const burns: readonly Burn[] = [
  {
    objective: freshness,
    page: {
      name: 'freshness fires when a group is behind for a quarter of an hour',
      given: { [lag]: '0x60 300x60' },
      at: '75m',
      fires: fires(freshness),
    },
    ticket: true,
  },
  {
    objective: freshness,
    page: {
      name: 'freshness does not page when it is behind one minute in twenty, and writes a ticket',
      given: { [lag]: `${'0x18 300 '.repeat(80)}` },
      at: '1500m',
      fires: [],
    },
    ticket: true,
  },
  {
    objective: freshness,
    page: {
      name: 'freshness is quiet when it is behind one minute in a day',
      given: { [lag]: '0x700 300 0x800' },
      at: '1440m',
      fires: [],
    },
    ticket: false,
  },
  {
    objective: freshness,
    page: {
      name: 'freshness is quiet at exactly the promised lag',
      given: { [lag]: '30x200' },
      at: '180m',
      fires: [],
    },
    ticket: false,
  },
  {
    objective: freshness,
    page: {
      name: 'freshness is quiet when the group is deleted',
      given: { [lag]: '0x60 stale _x60' },
      at: '110m',
      fires: [],
    },
    ticket: false,
  },
  {
    objective: freshness,
    page: {
      name: 'freshness pages once with two replicas, one of which restarts',
      given: {
        [from(0, 'groupTopicLagSeconds', { group: 'billing', topic: 'orders' })]: '300x120',
        [from(1, 'groupTopicLagSeconds', { group: 'billing', topic: 'orders' })]: '300x10 stale _x5 300x100',
      },
      at: '75m',
      fires: fires(freshness),
    },
    ticket: true,
  },
  {
    objective: processing,
    page: {
      name: 'processing fires when 5 % become dead letters, in the topic of either',
      given: {
        [committed('orders')]: '0+600x120',
        [committed('carts')]: '0+600x120',
        [written('carts.dlq')]: '0+60x120',
      },
      at: '75m',
      fires: fires(processing),
    },
    ticket: true,
  },
  {
    objective: processing,
    page: {
      name: 'processing is quiet without any topic of dead letters',
      given: { [committed('orders')]: '0+600x120' },
      at: '75m',
      fires: [],
    },
    ticket: false,
  },
  {
    objective: processing,
    page: {
      name: 'processing is quiet while nothing is consumed',
      given: { [committed('orders')]: '500x120', [written('orders.dlq')]: '7x120' },
      at: '75m',
      fires: [],
    },
    ticket: false,
  },
  {
    objective: processing,
    page: {
      name: 'processing fires by the counters of the library, though no dead letter is in a topic that the exporter sees',
      given: {
        [groupIn('c')]: '1x120',
        [committed('orders')]: '0+600x120',
        [counter('consumed', { instance: 'billing-1' })]: '0+300x120',
        [counter('consumed', { instance: 'billing-2' })]: '0+300x120',
        [counter('deadLettered', { instance: 'billing-2' })]: '0+60x120',
      },
      at: '75m',
      fires: fires(processing),
    },
    ticket: true,
  },
  {
    objective: processing,
    page: {
      name: 'processing is quiet about dead letters of another group, where the library counts its own',
      given: {
        [groupIn('c')]: '1x120',
        [committed('orders')]: '0+600x120',
        [written('orders.dlq')]: '0+60x120',
        [counter('consumed', { instance: 'billing-1' })]: '0+600x120',
      },
      at: '75m',
      fires: [],
    },
    ticket: false,
  },
  {
    objective: processing,
    page: {
      name: 'processing fires for the one of two clusters that the counters are of, by their label',
      given: {
        [groupIn('c')]: '1x120',
        [groupIn('d')]: '1x120',
        [committed('orders')]: '0+600x120',
        [given('committed', { cluster: 'd', group: 'billing', topic: 'orders', partition: '0' })]: '0+600x120',
        [counter('consumed', { cluster: 'c', instance: 'billing-1' })]: '0+600x120',
        [counter('deadLettered', { cluster: 'c', instance: 'billing-1' })]: '0+60x120',
        [counter('consumed', { cluster: 'd', instance: 'billing-2' })]: '0+600x120',
        // Of neither.
        [counter('consumed', { cluster: 'kubernetes', instance: 'billing-3' })]: '0+600x120',
        [counter('deadLettered', { cluster: 'kubernetes', instance: 'billing-3' })]: '0+600x120',
      },
      at: '75m',
      fires: fires(processing),
    },
    ticket: true,
  },
  {
    objective: availability,
    page: {
      name: 'availability fires when one in ten of the probe is refused',
      given: {
        [given('probeProduced')]: '0+54x120',
        [given('probeProduceFailed')]: '0+6x120',
        [given('probeLost')]: '0x120',
      },
      at: '75m',
      fires: fires(availability),
    },
    ticket: true,
  },
  {
    objective: availability,
    page: {
      name: 'availability is quiet when both replicas of the exporter restart and count from 0',
      given: Object.fromEntries(
        ([0, 1] as const).flatMap((replica) => [
          [from(replica, 'probeProduced'), `0+60x${40 + replica * 5} 0+60x60`],
          [from(replica, 'probeProduceFailed'), '0x120'],
          [from(replica, 'probeLost'), '0x120'],
        ]),
      ),
      at: '75m',
      fires: [],
    },
    ticket: false,
  },
  {
    objective: availability,
    page: {
      name: 'availability is quiet while the probe does not run',
      given: {
        [given('probeProduced')]: '60x120',
        [given('probeProduceFailed')]: '0x120',
        [given('probeLost')]: '0x120',
      },
      at: '75m',
      fires: [],
    },
    ticket: false,
  },
  {
    objective: latency,
    page: {
      name: 'latency fires when a third takes longer',
      given: {
        'kafka_e2e_roundtrip_latency_seconds_bucket{cluster="c", instance="a", le="0.5"}': '0+40x120',
        'kafka_e2e_roundtrip_latency_seconds_bucket{cluster="c", instance="a", le="+Inf"}': '0+60x120',
        'kafka_e2e_roundtrip_latency_seconds_count{cluster="c", instance="a"}': '0+60x120',
      },
      at: '75m',
      fires: fires(latency),
    },
    ticket: true,
  },
  {
    objective: latency,
    page: {
      name: 'latency is quiet when all come back in time',
      given: {
        'kafka_e2e_roundtrip_latency_seconds_bucket{cluster="c", instance="a", le="0.5"}': '0+60x120',
        'kafka_e2e_roundtrip_latency_seconds_count{cluster="c", instance="a"}': '0+60x120',
      },
      at: '75m',
      fires: [],
    },
    ticket: false,
  },
]

const groupLabels = (objective: Objective): Record<string, string> => {
  const { indicator } = objective
  if (indicator.kind === 'freshness') return { group: indicator.group, topic: indicator.topic }
  return indicator.kind === 'processing' ? { group: indicator.group } : {}
}
const audience = ({ owner }: Objective) => (owner === undefined ? 'platform' : 'owner')

describe('rules of objectives', () => {
  it('are none without objectives', () => {
    expect(objectiveRules([])).toEqual([])
  })

  it('have the names and labels of Sloth', () => {
    const [sli, meta, alerting] = objectiveRules([availability])
    expect([sli!.name, meta!.name, alerting!.name]).toEqual([
      'sloth-slo-sli-recordings-kafka-availability',
      'sloth-slo-meta-recordings-kafka-availability',
      'sloth-slo-alerts-kafka-availability',
    ])
    expect(sli!.rules.map(({ record, labels }) => [record, labels!.sloth_window])).toEqual(
      ['5m', '30m', '1h', '2h', '6h', '1d', '3d', '30d'].map((window) => [`slo:sli_error:ratio_rate${window}`, window]),
    )
    expect(meta!.rules.map(({ record }) => record)).toEqual([
      'slo:objective:ratio',
      'slo:error_budget:ratio',
      'slo:time_period:days',
      'slo:current_burn_rate:ratio',
      'slo:period_burn_rate:ratio',
      'slo:period_error_budget_remaining:ratio',
      'sloth_slo_info',
    ])
    expect(alerting!.rules.map(({ labels }) => [labels!.severity, labels!.sloth_severity])).toEqual([
      ['critical', 'page'],
      ['warning', 'ticket'],
    ])
    for (const rule of [...sli!.rules, ...meta!.rules, ...alerting!.rules])
      expect(rule.labels).toMatchObject({
        sloth_id: 'kafka-availability',
        sloth_service: 'kafka',
        sloth_slo: 'availability',
      })
  })

  it('know the limits of latency that the histogram of the probe has', () => {
    expect(probeBuckets.map((seconds) => seconds * 1000)).toEqual([...latencyBoundsMs])
  })
})

describe.skipIf(missingPrometheus() !== null)('promtool', () => {
  it('accepts the rules', async () => {
    expect(await checkRules(rules)).toBeNull()
  })

  it.each(objectives)(
    'finds that alerts of $name fire and do not, as they should',
    { timeout: 120_000 },
    async (objective) => {
      const own = { groups: objectiveRules([objective]) }
      const cases = burns.filter((one) => one.objective === objective)
      expect(cases.some(({ page }) => page.fires.length > 0) && cases.some(({ page }) => page.fires.length === 0)).toBe(
        true,
      )
      const labels = { ...groupLabels(objective), audience: audience(objective) }
      const tests = cases.flatMap(({ page, ticket }) => [
        {
          alert: 'KafkaErrorBudgetBurnsFast',
          case: page,
          labels: { ...labels, severity: 'critical', sloth_severity: 'page' },
        },
        {
          alert: 'KafkaErrorBudgetBurnsSlowly',
          case: { ...page, fires: ticket ? fires(objective) : [] },
          labels: { ...labels, severity: 'warning', sloth_severity: 'ticket' },
        },
      ])
      expect(await testRulesTogether(withAnnotations(own, []), tests)).toBeNull()
    },
  )

  it('finds that counters of the library and of the exporter are never added up', async () => {
    const said = await testExpressions(
      { groups: objectiveRules([processing]) },
      {
        [groupIn('c')]: '1x60',
        [committed('orders')]: '0+600x60',
        [written('orders.dlq')]: '0+60x60',
        [counter('consumed', { cluster: 'kubernetes', instance: 'billing-1' })]: '0+300x60',
        [counter('consumed', { cluster: 'kubernetes', instance: 'billing-2' })]: '0+180x60',
        [counter('deadLettered', { cluster: 'kubernetes', instance: 'billing-2' })]: '0+12x60',
      },
      Object.entries({ [processed]: 8, [deadLettered]: 0.2 }).map(([name, value]) => ({
        at: '30m',
        expression: name,
        samples: {
          [seriesText(name, slo(processing))]: value,
        },
      })),
    )
    expect(said).toBeNull()
  })

  it('finds the recorded budget, burn rate and rest', async () => {
    const labels = { ...slo(freshness) }
    const text = (more: Record<string, string> = {}, without: readonly string[] = []) =>
      `{${Object.entries({ ...labels, ...more })
        .filter(([name]) => !without.includes(name))
        .map(([name, value]) => `${name}="${value}"`)
        .join(', ')}}`
    // 30 of 300 minutes are bad: ten times what the budget of 1 % allows, less what averages over 5 minutes have not seen yet.
    const said = await testExpressions({ groups: objectiveRules([freshness]) }, { [lag]: '0x269 90x200' }, [
      {
        at: '299m',
        expression: 'round(slo:sli_error:ratio_rate30d, 0.01)',
        samples: { [text({ sloth_window: '30d' })]: 0.09 },
      },
      {
        at: '299m',
        expression: 'slo:sli_error:ratio_rate5m',
        samples: { [`slo:sli_error:ratio_rate5m${text({ sloth_window: '5m' })}`]: 1 },
      },
      { at: '299m', expression: 'round(slo:current_burn_rate:ratio)', samples: { [text()]: 100 } },
      { at: '299m', expression: 'round(slo:period_burn_rate:ratio)', samples: { [text()]: 9 } },
      { at: '299m', expression: 'round(slo:period_error_budget_remaining:ratio)', samples: { [text()]: -8 } },
      {
        at: '299m',
        expression: 'slo:objective:ratio',
        samples: { [`slo:objective:ratio${text({}, ['cluster'])}`]: 0.99 },
      },
      {
        at: '299m',
        expression: 'slo:time_period:days',
        samples: { [`slo:time_period:days${text({}, ['cluster'])}`]: 30 },
      },
      {
        at: '299m',
        expression: 'selfmonitor:consumer_lag_objective:seconds',
        samples: {
          'selfmonitor:consumer_lag_objective:seconds{group="billing", topic="orders", service="billing"}': 30,
        },
      },
    ])
    expect(said).toBeNull()
  })
})
