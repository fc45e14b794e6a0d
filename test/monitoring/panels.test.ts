// The queries of the dashboards, read by Prometheus's own parser. That they return data is proven in `platform.test.ts`.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { dashboards } from '@selfmonitor/monitor/dashboards'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { missingPrometheus, runMonitoringTool } from '../support/prometheus.ts'
import { asPrometheusReads } from './grafana-variables.ts'

describe.skipIf(missingPrometheus() !== null)('queries of the dashboards', () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'selfmonitor-panels-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  const check = async (queries: readonly string[]) => {
    const file = join(folder, 'queries.yaml')
    const rules = queries.map((query, index) => ({ record: `panel:query:${index}`, expr: asPrometheusReads(query) }))
    await writeFile(file, stringify({ groups: [{ name: 'panels', rules }] }))
    return await runMonitoringTool('promtool', ['check', 'rules', file])
  }

  it('are PromQL', async () => {
    const queries = dashboards.flatMap(({ rows }) =>
      rows.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries.map(({ expr }) => expr))),
    )
    const result = await check(queries)
    expect(result.stderr + result.stdout).toContain(`${queries.length} rules found`)
    expect(result.exitCode, result.stderr).toBe(0)
  })

  it('and promtool would refuse one that is not', async () => {
    expect((await check(['sum by (topic (kafka_brokers)'])).exitCode).not.toBe(0)
  })
})
