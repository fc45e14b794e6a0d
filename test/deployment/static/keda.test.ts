// The example of a ScaledObject: by KEDA's own schema, and with a query that is right for what the chart installs.
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { metrics } from '@selfmonitor/monitor'
import { loadPlatform } from '@selfmonitor/platform'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { missingPrometheus, runMonitoringTool } from '../../support/prometheus.ts'
import { fetchModuleSchema, type ModuleSchema, moduleValidator } from './module-schemas.ts'
import type { Json } from './objects.ts'

const schema: ModuleSchema = {
  module: 'github.com/kedacore/keda/v2',
  version: 'v2.21.0',
  sum: 'h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=',
  path: 'config/crd/bases/keda.sh_scaledobjects.yaml',
  apiVersion: 'v1alpha1',
}
const missing = await fetchModuleSchema(schema)
const root = fileURLToPath(new URL('../../..', import.meta.url))
const example = parse(await readFile(`${root}/examples/keda/scaled-object.yaml`, 'utf8'))
const [trigger] = example.spec.triggers

describe('the ScaledObject of examples/keda', () => {
  it.skipIf(missing !== null)('is right by KEDA’s schema', async () => {
    const mistakes = await moduleValidator(schema)
    expect(mistakes(example)).toEqual([])
    const misspelt: Json = structuredClone(example)
    misspelt.spec.maxReplicas = 6
    misspelt.spec.pollingInterval = 'often'
    expect(mistakes(misspelt)).toEqual([
      expect.stringContaining('maxReplicas'),
      expect.stringContaining('pollingInterval must be integer'),
    ])
  })

  it('asks for a metric that the exporter has, of a group of platform.yaml, with at most one pod for each partition', async () => {
    const { query } = trigger.metadata
    expect(query).toContain(metrics.groupTopicLag.name)
    const platform = await loadPlatform(`${root}/platform.yaml`, { environment: 'production', env: {} })
    const service = platform.services!.find(({ name }) => name === example.spec.scaleTargetRef.name)!
    const consumed = platform.topics.filter(({ name }) => service.consumes.some((topic) => topic === name))
    expect(example.spec.maxReplicaCount).toBe(Math.max(...consumed.map(({ partitions }) => partitions!)))
    expect(query).toContain(`group="${service.group}"`)
  })

  it.skipIf(missingPrometheus() !== null)('counts the lag once, however many replicas the exporter has', async () => {
    const series = (instance: string, topic: string) =>
      `kafka_consumer_group_topic_lag{cluster="kafka-cluster", group="notification-service", instance="${instance}", topic="${topic}"}`
    const input_series = ['10.0.0.1:9308', '10.0.0.2:9308'].flatMap((instance) => [
      { series: series(instance, 'one'), values: '700' },
      { series: series(instance, 'two'), values: '50' },
    ])
    const test = {
      rule_files: [],
      tests: [
        {
          input_series,
          promql_expr_test: [
            { expr: trigger.metadata.query, eval_time: '0m', exp_samples: [{ labels: '{}', value: 750 }] },
          ],
        },
      ],
    }
    const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-keda-'))
    await writeFile(join(folder, 'test.json'), JSON.stringify(test))
    const tested = await runMonitoringTool('promtool', ['test', 'rules', join(folder, 'test.json')])
    await rm(folder, { recursive: true })
    expect(tested, tested.stderr).toMatchObject({ exitCode: 0 })
  })
})
