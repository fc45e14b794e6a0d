// The rules in a real Prometheus, which scrapes two replicas of the exporter of a live cluster. The times that alerts wait are left out.
import { run } from '@selfmonitor/apache'
import { type Cluster, connectCluster } from '@selfmonitor/cluster'
import type { Objective } from '@selfmonitor/platform'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { describeEngines } from '../../../../test/support/engines.ts'
import { type MonitoringServer, missingPrometheus, startPrometheus } from '../../../../test/support/prometheus.ts'
import { missingTool } from '../../../../test/support/tools.ts'
import { type Exporter, startExporter } from '../exporter/index.ts'
import { objectiveRules } from './objectives/rules.ts'
import { alertRules, type RuleFile } from './prometheus.ts'

interface Loaded {
  readonly name: string
  readonly health: string
  readonly lastError?: string
  readonly alerts?: readonly {
    readonly state: string
    readonly labels: Record<string, string>
    readonly annotations: Record<string, string>
  }[]
}

const missing = missingPrometheus() !== null || missingTool('kcat', '-V') !== null

describeEngines('the rules', (engine) => {
  describe.skipIf(missing)('in Prometheus', { timeout: 120_000 }, () => {
    const topic = `rules-${engine.name}-${process.pid}`
    const group = `${topic}-group`
    const objective: Objective = {
      service: group,
      name: 'freshness',
      target: 0.99,
      periodDays: 30,
      indicator: { kind: 'freshness', group, topic, lagMs: 1_000 },
    }
    let cluster: Cluster
    let exporters: readonly Exporter[]
    let prometheus: MonitoringServer

    beforeAll(async () => {
      const { bootstrapServers } = engine
      cluster = connectCluster({ bootstrapServers })
      await cluster.createTopics([
        { name: topic, partitions: 1, replicationFactor: 1, config: { 'retention.ms': '-1' } },
      ])
      const lines = Array.from({ length: 1500 }, (_, at) => `${at}\n`).join('')
      const { exitCode, stderr } = await run('kcat', ['-b', bootstrapServers, '-P', '-t', topic], { stdin: lines })
      expect(exitCode, stderr).toBe(0)
      await cluster.resetOffsets(group, [{ topic, partition: 0, from: null, to: 0n, clamped: false }])
      exporters = await Promise.all(
        [0, 1].map(() =>
          startExporter({
            connect: { bootstrapServers },
            listen: { port: 0 },
            version: 'test',
            collect: { intervalMs: 500, cluster: 'live', expectedBrokers: 1 },
          }),
        ),
      )
      const targets = exporters.map(({ url }) => url.replace('http://', ''))
      prometheus = await startPrometheus({
        files: {
          'prometheus.yml': stringify({
            global: { scrape_interval: '1s', evaluation_interval: '1s' },
            rule_files: ['rules.yaml'],
            scrape_configs: [{ job_name: 'kafka-exporter', static_configs: [{ targets }] }],
          }),
          'rules.yaml': stringify(hurried({ groups: [...alertRules(), ...objectiveRules([objective])] })),
        },
      })
    }, 60_000)
    afterAll(async () => {
      await prometheus?.stop()
      await Promise.all((exporters ?? []).map((exporter) => exporter.close()))
      await cluster?.deleteTopics([topic])
      await cluster?.close()
    })

    const rules = async (): Promise<readonly Loaded[]> => {
      const answer = await prometheus.get<{ data: { groups: { rules: Loaded[] }[] } }>('/api/v1/rules')
      return answer.data.groups.flatMap((one) => one.rules)
    }
    /** Alerts of this test's group that fire, by name. */
    const firing = async (): Promise<string[]> =>
      (await rules())
        .flatMap((rule) => (rule.alerts ?? []).map((alert) => ({ name: rule.name, ...alert })))
        .filter(({ state, labels }) => state === 'firing' && labels.group === group)
        .map(({ name }) => name)
        .toSorted()
    const queried = async (query: string): Promise<string | undefined> => {
      const path = `/api/v1/query?query=${encodeURIComponent(query)}`
      const answer = await prometheus.get<{ data: { result: { value: [number, string] }[] } }>(path)
      return answer.data.result[0]?.value[1]
    }

    it('all evaluate, fire once for two replicas, and stop when the group has caught up', async () => {
      await expect
        .poll(firing, { timeout: 60_000, interval: 500 })
        .toEqual([
          'KafkaConsumerLag',
          'KafkaConsumerLagSeconds',
          'KafkaErrorBudgetBurnsFast',
          'KafkaErrorBudgetBurnsSlowly',
          'KafkaGroupEmptyWithLag',
        ])
      const loaded = await rules()
      expect(
        loaded.filter(({ health }) => health === 'err').map(({ name, lastError }) => `${name}: ${lastError}`),
      ).toEqual([])
      const lag = loaded
        .find(({ name }) => name === 'KafkaConsumerLag')!
        .alerts!.find(({ labels }) => labels.group === group)!
      expect(lag.annotations.summary).toBe(`${group} is 1.5k messages behind on ${topic}`)
      // A rule that reads what another records has its first value one evaluation later.
      await expect.poll(() => queried(`slo:sli_error:ratio_rate5m{sloth_service="${group}"}`)).toBe('1')
      await expect
        .poll(async () => (await queried(`slo:period_error_budget_remaining:ratio{sloth_service="${group}"}`)) ?? '')
        .toMatch(/^-9[89]/)

      await cluster.resetOffsets(group, [{ topic, partition: 0, from: null, to: 1500n, clamped: false }])
      await expect
        .poll(firing, { timeout: 60_000, interval: 500 })
        .toEqual(['KafkaErrorBudgetBurnsFast', 'KafkaErrorBudgetBurnsSlowly'])
    })
  })
})

/** The same rules, evaluated every second, that fire and stop at once. */
function hurried({ groups }: RuleFile): RuleFile {
  return {
    groups: groups.map((one) => ({
      ...one,
      interval: '1s',
      rules: one.rules.map(({ for: _for, keep_firing_for: _keep, ...rule }) => rule),
    })),
  }
}
