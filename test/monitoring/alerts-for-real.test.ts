// Every alert of packages/monitor/src/rules is driven from quiet to firing to resolved by causing its condition in a real cluster: three
// brokers of Apache Kafka, two replicas of the exporter, Prometheus with the rules of the table, and Alertmanager, which delivers to a
// receiver here that checks route, labels, text and links. Only times are shorter (rig/faster-rules.ts): promtool's cases prove them.
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { alerts } from '../../packages/monitor/src/rules/index.ts'
import { missingPrometheus } from '../support/prometheus.ts'
import { missingSmallDisk } from '../support/small-disk.ts'
import { brokenBrokers } from './rig/broken-brokers.ts'
import { healthyBrokers, type Scenario } from './rig/healthy-brokers.ts'
import { type Rig, startRig } from './rig/rig.ts'
import { type NotDriven, type Row, rows } from './rig/rows.ts'
import { until } from './rig/until.ts'

const scenarios = [...healthyBrokers, ...brokenBrokers]
const isSkipped = ({ disk }: Scenario): boolean => disk === true && missingSmallDisk() !== null
const namesOf = (some: readonly Scenario[]) => some.flatMap(({ alerts: own, also = [] }) => [...own, ...also])

describe('the alerts that are driven', () => {
  it('are all of the table, but for those that a reason is given for', () => {
    const table: Readonly<Record<string, Row | NotDriven>> = rows
    expect(Object.keys(table)).toEqual(alerts.map(({ name }) => name))
    const driven = Object.entries(table).flatMap(([name, row]) => ('reason' in row ? [] : [name]))
    expect([...new Set(scenarios.flatMap((scenario) => scenario.alerts))].sort()).toEqual(driven.sort())
  })
})

describe.skipIf(missingPrometheus() !== null || 'missing' in inject('apache'))('alerts', { timeout: 300_000 }, () => {
  let rig: Rig
  beforeAll(async () => {
    rig = await startRig()
    await Promise.all([
      rig.createTopic('tripled', { partitions: 2, config: { 'min.insync.replicas': '2' } }),
      rig.createTopic('paired', { replicas: [2, 3] }),
      rig.createTopic('unclean', { replicas: [2, 3], config: { 'unclean.leader.election.enable': 'true' } }),
      rig.createTopic('followed', { replicas: [1, 2, 3] }),
    ])
  }, 300_000)
  afterAll(async () => {
    await rig?.close()
  }, 120_000)

  it('are all quiet while nothing is wrong, and their rules can be evaluated', async () => {
    rig.keepWriting('tripled', 20, 500)
    await rig.join('steady', 'tripled', { commitEvery: 20 })
    await until('both exporters have read everything', async () => {
      const found = await rig.pipeline.query('kafka_exporter_stale == 1 or absent(kafka_exporter_stale{part="groups"})')
      const replicas = await rig.pipeline.query('count(kafka_exporter_build_info) == 2')
      return found.length === 0 && replicas.length === 1 ? { met: undefined } : { not: { found, replicas } }
    })
    await rig.pipeline.evaluated(30)
    await rig.pipeline.quiet(alerts.map(({ name }) => name))
    expect([...rig.pipeline.sent()]).toEqual([])
  })

  describe('of consumers, topics, disks, certificates and services, caused together', () => {
    const started = new Map<Scenario, Promise<unknown>>()
    for (const scenario of healthyBrokers) {
      it.skipIf(isSkipped(scenario))(scenario.title, async () => {
        if (started.size === 0) {
          for (const one of healthyBrokers.filter((each) => !isSkipped(each))) {
            started.set(
              one,
              one.run(rig).then(
                () => null,
                (error: unknown) => error,
              ),
            )
          }
        }
        const error = await started.get(scenario)
        if (error !== null) throw error
      })
    }

    it('are the only ones that were sent', () => {
      expect([...rig.pipeline.sent()].filter((name) => !namesOf(healthyBrokers).includes(name))).toEqual([])
    })
  })

  describe('of brokers and exporters, one after the other', () => {
    for (const scenario of brokenBrokers) {
      it.skipIf(isSkipped(scenario))(scenario.title, () => scenario.run(rig))
    }

    it('are the only ones that were sent', () => {
      expect([...rig.pipeline.sent()].filter((name) => !namesOf(scenarios).includes(name))).toEqual([])
    })
  })

  it('have all fired and been resolved', () => {
    const wanted = scenarios.filter((scenario) => !isSkipped(scenario)).flatMap((scenario) => scenario.alerts)
    expect([...new Set(wanted)].filter((name) => !rig.proven().has(name))).toEqual([])
  })
})
