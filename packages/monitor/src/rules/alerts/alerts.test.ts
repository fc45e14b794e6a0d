// The table of alerts: every row is tested by promtool with series that fire and that do not.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { missingPrometheus } from '../../../../../test/support/prometheus.ts'
import { jmxMetrics } from '../../metrics/jmx.ts'
import { metrics } from '../../metrics/table.ts'
import type { Alert, AlertCase } from '../alert.ts'
import { burnAlerts } from '../objectives/rules.ts'
import { alertRules } from '../prometheus.ts'
import { checkRules, testRules, withAnnotations } from '../test-support/promtool.ts'
import { alerts } from './index.ts'

const rules = { groups: alertRules({ console: 'https://console.example.com' }) }
const labelsOf = ({ severity, audience }: Alert) => ({ severity, audience })
const saysText = ({ fires }: AlertCase) => fires.length > 0 && fires.every(({ summary }) => summary !== undefined)

describe('the table of alerts', () => {
  it('has the five promised alerts with exactly their thresholds', () => {
    const promised = [
      'KafkaBrokerDown',
      'KafkaConsumerLag',
      'KafkaDiskUsage',
      'KafkaUnderReplicatedPartitions',
      'KafkaOfflinePartitions',
    ]
    expect(
      promised
        .map((name) => alerts.find((alert) => alert.name === name))
        .map((alert) => [alert!.for, /[<>] .*$/m.exec(alert!.expression)![0].replace(/min .*|max .*/, '…')]),
    ).toEqual([
      ['1m', '< …'],
      ['5m', '> 1000'],
      ['10m', expect.stringMatching(/> 0\.8$/)],
      ['5m', '> 0'],
      ['1m', '> 0'],
    ])
  })

  it('names each alert once, and each has cases that fire and that do not', () => {
    const names = alerts.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    for (const { name, cases } of alerts) {
      expect(cases.filter(({ fires }) => fires.length > 0).length, `${name}: cases that fire`).toBeGreaterThan(0)
      expect(cases.filter(({ fires }) => fires.length === 0).length, `${name}: cases that do not`).toBeGreaterThan(0)
      const texts = cases.map((one) => one.name)
      expect(new Set(texts).size, `${name}: names of cases`).toBe(texts.length)
    }
  })

  it('takes every metric of the exporter through highest or lowest, so that replicas count once', () => {
    for (const { name, expression } of alerts) {
      for (const { name: metric } of Object.values(metrics)) {
        for (const { index } of expression.matchAll(new RegExp(`\\b${metric}\\b`, 'g'))) {
          const before = expression.slice(0, index)
          expect(before, `${name}: ${metric}`).toMatch(
            /(?:(?:max|min) without \([^)]*instance[^)]*\) \((?:\w+\()*|absent\(|unless on \(cluster\) |group by \(cluster\) \(\w+\()$/,
          )
        }
      }
    }
  })

  it('names metrics of JMX as the chart does, and says which', () => {
    const known = new Set(Object.values(jmxMetrics).map(({ name }) => name as string))
    const ours = new Set(Object.values(metrics).map(({ name }) => name as string))
    for (const { name, expression, jmx = [] } of alerts) {
      const used = [...expression.matchAll(/\b(?:kafka|process)_\w+/g)].map(([word]) => word)
      const others = [...new Set(used.filter((word) => !ours.has(word)))].sort()
      expect([...jmx].sort(), name).toEqual(others)
      expect(
        others.filter((word) => !known.has(word)),
        name,
      ).toEqual([])
    }
  })

  it('inhibits alerts that exist, and only by labels that both have', () => {
    for (const { name, labels, inhibits } of alerts) {
      if (inhibits === undefined) continue
      expect(
        inhibits.equal.filter((label) => !labels.includes(label)),
        name,
      ).toEqual([])
      if (inhibits.alerts === 'all') continue
      for (const other of inhibits.alerts) {
        const target = alerts.find((alert) => alert.name === other)
        expect(target, `${name} inhibits ${other}`).toBeDefined()
        expect(
          inhibits.equal.filter((label) => !target!.labels.includes(label)),
          `${name} → ${other}`,
        ).toEqual([])
      }
    }
  })

  it('writes only labels into its texts and paths that the series has', () => {
    for (const { name, labels, summary, description, console } of alerts) {
      const used = [...`${summary} ${description}`.matchAll(/\$labels\.(\w+)/g), ...console.matchAll(/\{(\w+)\}/g)]
      expect(
        used.map(([, label]) => label!).filter((label) => !labels.includes(label)),
        name,
      ).toEqual([])
    }
  })
})

describe('docs/runbooks/alerts.md', () => {
  it('has a section for each alert, and for nothing else', () => {
    const text = readFileSync(fileURLToPath(new URL('../../../../../docs/runbooks/alerts.md', import.meta.url)), 'utf8')
    const sections = [...text.matchAll(/^### (.+)\n\n([\s\S]*?)(?=\n##|$(?![\s\S]))/gm)]
    expect(sections.map(([, heading]) => heading)).toEqual([
      ...alerts.map(({ name }) => name),
      ...burnAlerts.map(({ alert }) => alert),
    ])
    for (const [, heading, body] of sections) {
      expect(body, heading).toMatch(/^- \*\*Means\*\*/)
      expect(body, heading).toMatch(/^- \*\*(Look|Do)\*\*/m)
      expect(body, heading).toMatch(/^- \*\*Over when\*\*/m)
    }
  })
})

describe.skipIf(missingPrometheus() !== null)('promtool', () => {
  it('accepts the rules', async () => {
    expect(await checkRules(rules, '--lint=all', '--lint-fatal')).toBeNull()
  })

  const tests = alerts.flatMap((alert) =>
    alert.cases.map((one) => ({ alert: alert.name, case: one, labels: labelsOf(alert) })),
  )
  it('finds a case that does not say what happens', async () => {
    const [one] = tests
    const other = { ...one!, case: { ...one!.case, fires: [] } }
    const wrongText = { ...one!, case: { ...one!.case, fires: [{ ...one!.case.fires[0]!, summary: 'another' }] } }
    expect(await testRules(withAnnotations(rules, []), [other])).toContain('FAILED')
    expect(await testRules(withAnnotations(rules, ['summary']), [wrongText])).toContain('FAILED')
  })

  it('finds that the cases fire and do not, as they say', { timeout: 120_000 }, async () => {
    const bare = tests.map((test) => ({
      ...test,
      case: { ...test.case, fires: test.case.fires.map(({ labels }) => ({ labels })) },
    }))
    expect(await testRules(withAnnotations(rules, []), bare)).toBeNull()
  })

  it('finds the texts with their values', { timeout: 120_000 }, async () => {
    const texts = tests.filter((test) => saysText(test.case))
    expect(new Set(texts.map(({ alert }) => alert)).size).toBeGreaterThan(alerts.length - 2)
    expect(await testRules(withAnnotations(rules, ['summary']), texts)).toBeNull()
  })
})
