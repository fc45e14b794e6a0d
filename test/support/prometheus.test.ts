// The monitoring tools of the tests: they start on loopback, read what they are given, and leave nothing behind.
import { existsSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { missingPrometheus, runMonitoringTool, startAlertmanager, startPrometheus } from './prometheus.ts'

const rule = (name: string): string =>
  `groups: [{ name: g, interval: 1s, rules: [{ alert: ${name}, expr: "vector(1)", labels: { severity: critical } }] }]`
const receivers = 'route: { receiver: none }\nreceivers: [{ name: none }]\n'

describe.skipIf(missingPrometheus() !== null)('the monitoring tools', () => {
  it('send an alert from Prometheus to Alertmanager, and read changed rules', async () => {
    const alertmanager = await startAlertmanager({ files: { 'alertmanager.yml': receivers } })
    const prometheus = await startPrometheus({
      files: {
        'prometheus.yml': `
rule_files: [rules.yaml]
alerting: { alertmanagers: [{ static_configs: [{ targets: ["127.0.0.1:${alertmanager.port}"] }] }] }
`,
        'rules.yaml': rule('First'),
      },
    })
    try {
      const names = async () =>
        (await alertmanager.get<{ labels: { alertname: string } }[]>('/api/v2/alerts')).map(
          (one) => one.labels.alertname,
        )
      await expect.poll(names, { timeout: 20_000 }).toEqual(['First'])
      await prometheus.reload({ 'rules.yaml': rule('Second') })
      await expect.poll(names, { timeout: 20_000 }).toContain('Second')
      await expect(prometheus.reload({ 'rules.yaml': 'groups: [{ nam: g }]' })).rejects.toThrow(/prometheus refuses/)
    } finally {
      await prometheus.stop()
      await alertmanager.stop()
    }
    expect([prometheus, alertmanager].map(({ folder }) => existsSync(folder))).toEqual([false, false])
  })

  it.each(['promtool', 'amtool'] as const)('include %s', async (tool) => {
    expect(await runMonitoringTool(tool, ['--version'])).toMatchObject({ exitCode: 0 })
  })

  it('say what is wrong with a configuration', async () => {
    await expect(startAlertmanager({ files: { 'alertmanager.yml': 'rout: {}' } })).rejects.toThrow(
      /alertmanager has ended:[\s\S]*rout/,
    )
  })
})
