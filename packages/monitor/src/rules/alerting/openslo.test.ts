import type { Objective } from '@selfmonitor/platform'
import { loadPlatform, objectivesOf } from '@selfmonitor/platform'
import { Ajv } from 'ajv'
import { describe, expect, it } from 'vitest'
import { openSloSchema } from '../test-support/openslo-schema.ts'
import { openSlo } from './openslo.ts'

const base = { owner: 'money', target: 0.995, periodDays: 30 } as const
const objectives: readonly Objective[] = [
  {
    ...base,
    service: 'billing',
    name: 'freshness-shop.orders',
    indicator: { kind: 'freshness', group: 'billing', topic: 'shop.orders', lagMs: 30_000 },
  },
  {
    ...base,
    service: 'billing',
    name: 'processing',
    indicator: { kind: 'processing', group: 'billing', topics: ['shop.orders'], deadLetterTopics: ['shop.orders.dlq'] },
  },
  { ...base, service: 'kafka', name: 'availability', indicator: { kind: 'availability' } },
  { ...base, service: 'kafka', name: 'latency', indicator: { kind: 'latency', atMostMs: 500 } },
]
interface Document {
  readonly kind: string
  readonly metadata: { readonly name: string }
  readonly spec: Record<string, unknown>
}

describe('OpenSLO', () => {
  const documents = openSlo(objectives) as Document[]

  it('has a service and an SLO for each, with names of RFC 1123', () => {
    expect(documents.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([
      'Service billing',
      'Service kafka',
      'SLO billing-freshness-shop-orders',
      'SLO billing-processing',
      'SLO kafka-availability',
      'SLO kafka-latency',
    ])
  })

  it('says what is good by a threshold or by a ratio', () => {
    expect(documents[2]).toMatchObject({
      apiVersion: 'openslo/v1',
      spec: {
        service: 'billing',
        indicator: { spec: { thresholdMetric: { metricSource: { type: 'Prometheus' } } } },
        timeWindow: [{ duration: '30d', isRolling: true }],
        budgetingMethod: 'Occurrences',
        objectives: [{ target: 0.995, op: 'lte', value: 30 }],
      },
    })
    expect(
      documents
        .slice(3)
        .map(({ spec }) => Object.keys((spec.indicator as { spec: { ratioMetric: object } }).spec.ratioMetric)),
    ).toEqual([
      ['counter', 'bad', 'total'],
      ['counter', 'bad', 'total'],
      ['counter', 'good', 'total'],
    ])
  })

  const isValid = new Ajv({ strict: true, strictRequired: false, allErrors: true }).compile(openSloSchema)
  const problems = (all: readonly object[]) =>
    all.flatMap((one) => (isValid(one) ? [] : [{ one, errors: isValid.errors }]))

  it('is as the specification wants it, of platform.yaml and of names that are long or strange', async () => {
    expect(problems(openSlo(objectives))).toEqual([])
    const file = new URL('../../../../../platform.yaml', import.meta.url).pathname
    const ours = objectivesOf(await loadPlatform(file, { environment: 'production', env: {} }))
    expect(ours.length).toBeGreaterThan(10)
    expect(problems(openSlo(ours))).toEqual([])
    const strange = ['_Fraud.Detection_', '___', `service-${'n'.repeat(200)}`].flatMap((service) =>
      objectives.map((one) => ({ ...one, service, name: `${one.name}-${'x'.repeat(80)}` })),
    )
    expect(problems(openSlo(strange))).toEqual([])
  })

  it('would not pass with a target of 1, two time windows, or a key that OpenSLO does not know', () => {
    const [, , slo] = openSlo(objectives) as { spec: { objectives: object[]; timeWindow: object[] } }[]
    const { spec } = slo!
    for (const wrong of [
      { ...spec, objectives: [{ ...spec.objectives[0], target: 1 }] },
      { ...spec, timeWindow: [...spec.timeWindow, ...spec.timeWindow] },
      { ...spec, owner: 'money' },
    ])
      expect(problems([{ ...slo, spec: wrong }])).toHaveLength(1)
  })

  it('has a name of its own for each of two objectives that differ in a dot', () => {
    const named = (topic: string): Objective => ({ ...objectives[0]!, name: `freshness-${topic}` })
    const found = (openSlo([named('shop.orders'), named('shop-orders')]) as Document[]).map(
      ({ metadata }) => metadata.name,
    )
    expect(new Set(found).size).toBe(3)
  })

  it('shortens long names without making two the same', () => {
    const long = (end: string): Objective => ({ ...objectives[0]!, name: `freshness-${'a'.repeat(80)}${end}` })
    const names = (openSlo([long('x'), long('y')]) as Document[]).map(({ metadata }) => metadata.name).slice(1)
    expect(new Set(names).size).toBe(2)
    expect(names.every((name) => name.length <= 63 && /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/.test(name))).toBe(true)
  })
})
