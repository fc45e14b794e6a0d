import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { missingPrometheus, runMonitoringTool } from '../../../../test/support/prometheus.ts'
import { selfmonitor, temporaryFolder } from '../test-io.ts'

const folder = temporaryFolder()
const platform = `
objectives: { availability: 99.9 % over 30d, latency: "500ms, 99 %" }
alerting: { owner: ops, smtp: { smarthost: "mail:25", from: kafka@example.com } }
owners:
  ops: { slack: "#ops", pagerduty: on-call }
  shop: { email: shop@example.com }
topics: { orders: { partitions: 1, owner: shop } }
services:
  billing: { consumes: [orders], owner: shop, objectives: { freshness: "lag 30s, 99.5 %", processing: 99.9 % } }
`
const run = (...words: readonly string[]) => selfmonitor(['monitoring', 'render', ...words], { cwd: folder.path })
const read = (name: string): string => readFileSync(join(folder.path, name), 'utf8')

beforeEach(() => {
  writeFileSync(join(folder.path, 'platform.yaml'), platform)
})

describe('monitoring render', () => {
  it('writes rules, routes and objectives, and says which secrets Alertmanager reads', async () => {
    const { code, stdout, stderr } = await run('--to', 'out', '--console-url', 'https://console.example.com/')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'out/rules.yaml\nout/alertmanager.yaml\nout/alertmanager.tmpl\nout/openslo.yaml\n',
    })
    expect(stderr).toContain('4 objectives; environment development.')
    expect(stderr).toContain('Alertmanager reads from /etc/alertmanager/secrets: slack-ops, pagerduty-on-call.')
    const { groups } = parse(read('out/rules.yaml')) as {
      groups: { rules: { alert?: string; annotations?: Record<string, string> }[] }[]
    }
    const rules = groups.flatMap((group) => group.rules)
    expect(rules.find(({ alert }) => alert === 'KafkaConsumerLag')!.annotations).toMatchObject({
      runbook: 'docs/runbooks/alerts.md#kafkaconsumerlag',
      console_url: 'https://console.example.com/groups/{{ $labels.group | urlquery }}',
    })
    expect(parseAllDocuments(read('out/openslo.yaml'))).toHaveLength(2 + 4)
  })

  it.skipIf(missingPrometheus() !== null)('writes files that promtool and amtool accept', async () => {
    await run('--to', 'out')
    for (const [tool, ...args] of [
      ['promtool', 'check', 'rules', 'rules.yaml'],
      ['amtool', 'check-config', 'alertmanager.yaml'],
    ] as const) {
      const { exitCode, stdout, stderr } = await runMonitoringTool(tool, args, { cwd: join(folder.path, 'out') })
      expect({ exitCode, said: stdout + stderr }).toMatchObject({ exitCode: 0 })
    }
  })

  it('writes the dashboards in the form that is asked for', async () => {
    const names = (await run('--to', 'grafana', '--dashboards', 'classic', '-o', 'json')).stdout
    expect((JSON.parse(names) as { files: string[] }).files).toContain(
      'grafana/dashboards/selfmonitor-kafka-overview.json',
    )
    const classic = () => JSON.parse(read('grafana/dashboards/selfmonitor-kafka-overview.json')) as object
    expect(classic()).toMatchObject({ title: 'Kafka Overview', schemaVersion: 42 })
    await run('--to', 'grafana', '--dashboards', 'v2')
    expect(classic()).toMatchObject({ apiVersion: 'dashboard.grafana.app/v2', kind: 'Dashboard' })
    expect((await run('--to', 'grafana', '--dashboards', 'classic', '--check')).code).toBe(3)
    expect(await run('--to', 'grafana', '--dashboards', 'v3')).toMatchObject({ code: 2 })
  })

  it('writes a PrometheusRule for the operator', async () => {
    const { code } = await run('--to', 'operator', '--operator', '--namespace', 'kafka', '--label', 'release=stack')
    expect(code).toBe(0)
    expect(readdirSync(join(folder.path, 'operator')).toSorted()).toEqual([
      'alertmanager.tmpl',
      'alertmanager.yaml',
      'openslo.yaml',
      'prometheusrule.yaml',
    ])
    const objects = parseAllDocuments(read('operator/prometheusrule.yaml')).map((document) => document.toJS())
    expect(objects.length).toBeGreaterThan(1)
    for (const object of objects)
      expect(object).toMatchObject({
        apiVersion: 'monitoring.coreos.com/v1',
        kind: 'PrometheusRule',
        metadata: {
          name: expect.stringMatching(/^selfmonitor-kafka-(alerts|objectives-[a-z-]+)$/),
          ...{ namespace: 'kafka', labels: { release: 'stack' } },
        },
        spec: { groups: expect.any(Array) },
      })
  })

  it('says with --check whether the files are up to date, and writes nothing', async () => {
    await run('--to', 'checked')
    expect(await run('--to', 'checked', '--check')).toMatchObject({
      code: 0,
      stderr: expect.stringContaining('Up to date.'),
    })
    writeFileSync(join(folder.path, 'checked/rules.yaml'), 'groups: []\n')
    expect(await run('--to', 'checked', '--check')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('Not up to date: rules.yaml.'),
    })
    expect(read('checked/rules.yaml')).toBe('groups: []\n')
  })

  it('says with --check that a file cannot be read, not that it is old', async () => {
    mkdirSync(join(folder.path, 'unreadable/rules.yaml'), { recursive: true })
    expect(await run('--to', 'unreadable', '--check')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('unreadable/rules.yaml cannot be read: it is a folder.'),
    })
  })

  it('leaves out what platform.yaml has nothing for, and says so', async () => {
    writeFileSync(join(folder.path, 'platform.yaml'), 'topics: { orders: { partitions: 1 } }\n')
    const { code, stdout, stderr } = await run('--to', 'plain')
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'plain/rules.yaml\n' })
    expect(stderr).toContain('platform.yaml has no owners, so alertmanager.yaml is left out.')
    expect(stderr).toContain('platform.yaml has no objectives, so openslo.yaml is left out.')
    expect(existsSync(join(folder.path, 'plain/alertmanager.yaml'))).toBe(false)
  })

  it('refuses to run without a folder, with a label that is none, and into a file', async () => {
    expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining('--to is missing.') })
    expect(await run('--to', 'out', '--label', 'release')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--label release is not name=value.'),
    })
    mkdirSync(join(folder.path, 'dir'))
    writeFileSync(join(folder.path, 'dir/file'), '')
    expect(await run('--to', 'dir/file')).toMatchObject({ code: 2, stderr: expect.stringContaining('--to dir/file:') })
  })
})
