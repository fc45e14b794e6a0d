import type { Objective } from '@selfmonitor/platform'
import { describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { ruleParts } from './files.ts'
import { prometheusRule } from './prometheus.ts'

/** Kubernetes' TotalAnnotationSizeLimitB, of all annotations of an object together. */
const annotationLimit = 256 * 1024
const links = {
  runbook: `https://${'r'.repeat(200)}.example.com/alerts`,
  console: `https://${'c'.repeat(200)}.example.com`,
}

/** A service with an objective of processing, and one of freshness for each topic. */
function service(name: string, topics: number): Objective[] {
  const base = { service: name, owner: `team-of-${name}`, target: 0.995, periodDays: 30 } as const
  const names = Array.from({ length: topics }, (_, at) => `${name}.topic-with-a-long-name-${at}`)
  return [
    ...names.map((topic) => ({
      ...base,
      name: `freshness-${topic}`,
      indicator: { kind: 'freshness' as const, group: name, topic, lagMs: 30_000 },
    })),
    {
      ...base,
      name: 'processing',
      indicator: { kind: 'processing', group: name, topics: names, deadLetterTopics: names.map((one) => `${one}.dlq`) },
    },
  ]
}

/** What `kubectl apply` writes into its annotation. */
const applied = (object: object): number => Buffer.byteLength(JSON.stringify(object))

describe('the parts of the rules', () => {
  const platform = Array.from({ length: 100 }, (_, at) => service(`service-${at}`, 5)).flat()

  it.each([
    ['100 services', platform],
    ['a service that consumes 100 topics', service('hub', 100)],
  ])('can each be applied by kubectl, as a PrometheusRule and as a ConfigMap: %s', (_, objectives) => {
    const parts = ruleParts(objectives, links)
    for (const { name, groups } of parts) {
      const text = stringify({ groups }, { lineWidth: 0, aliasDuplicateObjects: false })
      const configMap = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { [`${name}.yaml`]: text } }
      // Labels and the like of a chart.
      const room = annotationLimit - 4_096
      expect(applied(prometheusRule({ groups }, { name })), name).toBeLessThan(room)
      expect(applied(configMap), name).toBeLessThan(room)
    }
    const groups = parts.flatMap((part) => part.groups.map(({ name }) => name))
    expect(new Set(groups).size).toBe(groups.length)
    expect(groups.filter((name) => name.startsWith('sloth-slo-alerts-'))).toHaveLength(objectives.length)
    expect(new Set(parts.map(({ name }) => name)).size).toBe(parts.length)
  })

  it('are one for each service, which does not move when another one changes', () => {
    const names = ruleParts(platform).map(({ name }) => name)
    expect(names).toHaveLength(101)
    expect(names.slice(0, 3)).toEqual(['alerts', 'objectives-service-0', 'objectives-service-1'])
    expect(
      ruleParts(service('hub', 100))
        .map(({ name }) => name)
        .slice(1, 3),
    ).toEqual(['objectives-hub', 'objectives-hub-2'])
  })

  it('have names that Kubernetes takes, also of services that have not', () => {
    const names = ruleParts([...service('Fraud_Detection', 1), ...service('fraud-detection', 1)]).map(
      ({ name }) => name,
    )
    expect(new Set(names).size).toBe(3)
    for (const name of names) expect(name).toMatch(/^[a-z0-9]+(-[a-z0-9]+)*$/)
  })

  it('have no link where there is no address for one, and say where to look in the repository', () => {
    const annotations = (parts: ReturnType<typeof ruleParts>) =>
      parts.flatMap(({ groups }) =>
        groups.flatMap(({ rules }) => rules.flatMap(({ annotations: one }) => (one === undefined ? [] : [one]))),
      )
    for (const one of annotations(ruleParts(service('hub', 1)))) {
      expect(one.runbook).toMatch(/^docs\/runbooks\/alerts\.md#kafka[a-z]+$/)
      expect(one.console_path).toMatch(/^\//)
      expect(JSON.stringify(one)).not.toMatch(/_url|https?:/)
    }
    for (const one of annotations(ruleParts(service('hub', 1), links))) {
      expect(one.runbook_url).toMatch(/^https:.+#kafka[a-z]+$/)
      expect(one.console_url).toMatch(/^https:.+\.example\.com\//)
      expect(one).not.toHaveProperty('runbook')
    }
  })
})
