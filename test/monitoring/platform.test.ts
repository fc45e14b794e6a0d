// A real Prometheus scrapes a platform that `selfmonitor up` runs, while `selfmonitor demo` writes to it and a group reads more slowly:
// every panel of the dashboards and every metric of the rules has to have data, on both engines.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { alertRules, metrics } from '@selfmonitor/monitor'
import { dashboards } from '@selfmonitor/monitor/dashboards'
import { type Consumer, Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { stringify } from 'yaml'
import { familyName } from '../../packages/monitor/src/metrics/test-support/family-name.ts'
import { freePorts } from '../support/ports.ts'
import { type MonitoringServer, missingPrometheus, startPrometheus } from '../support/prometheus.ts'
import { asPrometheusReads } from './grafana-variables.ts'
import { until } from './rig/until.ts'

const command = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))
const platformFile = fileURLToPath(new URL('../../platform.yaml', import.meta.url))

const engines = ['embedded', 'apache'] as const
type Engine = (typeof engines)[number]

/** No Connect and no ksqlDB run here: their panels are proven in `services.test.ts`. */
const noConnectNorKsqldb = /^(?!Services$|Requests of the registry$|Time of a request|Schemas$)/

/** Panels that have no data here, and why. A panel that has data and is listed fails too. */
// No SDK-less service and no probe run here, so processing, availability and latency objectives have no samples; freshness has.
const empty: Readonly<Record<Engine, Readonly<Record<string, RegExp>>>> = {
  embedded: {
    'Kafka Overview': /^(Certificates expire in|Stale parts|Round trip of the probe|Failures of the probe)$/,
    'Consumer Monitoring': /^Share groups$/,
    'Broker Performance': /^(Java heap used|Garbage collection|Lag of the quorum)$/,
    'Topic Analysis': /^$/,
    'Connect, Schema Registry and ksqlDB': noConnectNorKsqldb,
    Objectives: /^$/,
  },
  apache: {
    'Kafka Overview':
      /^(Certificates expire in|Stale parts|Bytes in and out|Round trip of the probe|Failures of the probe)$/,
    'Consumer Monitoring': /^Share groups$/,
    // The processes of `up --engine apache` have no JMX agent.
    'Broker Performance':
      /^(?!Brokers$|Disk used|Usable bytes|Log directories|Leaders by broker|Led by the preferred|Lag of the quorum)/,
    'Topic Analysis': /^Bytes in by topic$/,
    'Connect, Schema Registry and ksqlDB': noConnectNorKsqldb,
    Objectives: /^$/,
  },
}

/** Panels that have data only when something goes wrong, which may or may not happen here. */
const either = /^(Failed requests by error|Alerts on burn rates|Errors by path)$/

describe.skipIf(missingPrometheus() !== null).each(engines)('the dashboards of a running platform [%s]', (engine) => {
  const isMissing = engine === 'apache' && 'missing' in inject('apache')
  const closers: (() => Promise<unknown>)[] = []
  let prometheus: MonitoringServer

  beforeAll(async () => {
    if (isMissing) return
    const folder = await mkdtemp(join(tmpdir(), 'selfmonitor-monitoring-'))
    closers.push(() => rm(folder, { recursive: true, force: true }))
    const [port] = await freePorts(1)
    const offset = port! - 9308
    const at = ['--port-offset', String(offset)]
    const up = start(folder, [
      'up',
      '--setup',
      '--file',
      platformFile,
      '--engine',
      engine,
      '--data-dir',
      join(folder, 'data'),
      ...at,
    ])
    closers.push(() => stopped(up.child))
    await up.says('Ready in')
    const render = start(folder, ['monitoring', 'render', '--file', platformFile, '--to', join(folder, 'rendered')])
    await render.ends()
    // First a backlog, then less than the group reads: the lag shrinks while it is looked at.
    await start(folder, ['demo', '--rate', '100', '--duration', '15s', ...at]).ends()
    const reports = ['_selfmonitor-backups', '--partitions', '1', '--config', 'cleanup.policy=compact', '--yes']
    await start(folder, ['topics', 'create', ...reports, ...at]).ends()
    await start(folder, ['backup', '--target', join(folder, 'backup'), '--file', platformFile, ...at]).ends()
    const demo = start(folder, ['demo', '--rate', '3', ...at])
    closers.push(() => stopped(demo.child))
    const reader = await slowReader(`127.0.0.1:${9092 + offset}`)
    closers.push(() => reader.disconnect())
    const exporter = `127.0.0.1:${port}`
    prometheus = await startPrometheus({
      files: {
        'prometheus.yml': stringify({
          global: { scrape_interval: '1s', evaluation_interval: '1s' },
          rule_files: ['rules.yaml'],
          scrape_configs: [
            { job_name: 'kafka-exporter', static_configs: [{ targets: [exporter] }] },
            { job_name: 'kafka', metrics_path: '/metrics/broker', static_configs: [{ targets: [exporter] }] },
            { job_name: 'schema-registry', static_configs: [{ targets: [`127.0.0.1:${8081 + offset}`] }] },
          ],
        }),
        'rules.yaml': await readFile(join(folder, 'rendered', 'rules.yaml'), 'utf8'),
      },
    })
    closers.push(() => prometheus.stop())
  }, 180_000)
  afterAll(async () => {
    for (const close of closers.reverse()) await close()
  }, 60_000)

  const seriesOf = async (query: string): Promise<unknown[]> => {
    const answer = await prometheus.get<{ data: { result: unknown[] } }>(
      `/api/v1/query?query=${encodeURIComponent(query)}`,
    )
    return answer.data.result
  }

  it.skipIf(isMissing)(
    'have data in every panel',
    async () => {
      const panels = dashboards.flatMap(({ title, rows }) =>
        rows.flatMap((row) => row.panels.map((panel) => ({ dashboard: title, panel }))),
      )
      const isEmpty = ({ dashboard, panel }: (typeof panels)[number]) => empty[engine][dashboard]!.test(panel.title)
      const expected = panels.filter((one) => !isEmpty(one) && !either.test(one.panel.title))
      const withoutData = async (of: typeof panels): Promise<string[]> => {
        const missing: string[] = []
        for (const { dashboard, panel } of of) {
          for (const { expr } of panel.queries) {
            const query = asPrometheusReads(expr, '40s')
            if ((await seriesOf(query)).length === 0) missing.push(`${dashboard}: ${panel.title}: ${query}`)
          }
        }
        return missing
      }
      await untilNone('panels without data', () => withoutData(expected))
      const listed = panels.filter((one) => isEmpty(one) && !either.test(one.panel.title))
      const reallyEmpty = new Set((await withoutData(listed)).map((line) => line.split(': ').slice(0, 2).join(': ')))
      const filled = listed
        .map(({ dashboard, panel }) => `${dashboard}: ${panel.title}`)
        .filter((name) => !reallyEmpty.has(name))
      expect(filled, 'panels that are listed as empty and have data').toEqual([])
    },
    180_000,
  )

  it.skipIf(isMissing)('and every rule evaluates, the recordings to series', async () => {
    interface Rule {
      readonly name: string
      readonly type: 'alerting' | 'recording'
      readonly health: string
      readonly lastError?: string
    }
    const rules = async (): Promise<Rule[]> =>
      (await prometheus.get<{ data: { groups: { rules: Rule[] }[] } }>('/api/v1/rules')).data.groups.flatMap(
        (group) => group.rules,
      )
    await untilNone('rules with errors', async () =>
      (await rules())
        .filter(({ health }) => health !== 'ok')
        .map((rule) => `${rule.name}: ${rule.lastError ?? rule.health}`),
    )
    const names = new Set((await rules()).map(({ name }) => name))
    for (const { rules: group } of alertRules())
      for (const rule of group) expect(names).toContain(rule.alert ?? rule.record)
    const recordings = [...new Set((await rules()).filter(({ type }) => type === 'recording').map(({ name }) => name))]
    await untilNone('recordings without series', async () => {
      const missing: string[] = []
      for (const name of recordings) if ((await seriesOf(name)).length === 0) missing.push(name)
      return missing
    })
  })

  it.skipIf(isMissing)('and the exporter exports what the table has, and nothing else', async () => {
    const found = await seriesOf('count by (__name__) ({job="kafka-exporter", __name__=~"kafka_.+"})')
    const names = found.map((one) => (one as { metric: { __name__: string } }).metric.__name__)
    const known = new Set<string>(Object.values(metrics).map(({ name }) => name))
    expect(names.filter((name) => !known.has(familyName(name, known)))).toEqual([])
  })
})

const untilNone = (of: string, left: () => Promise<readonly string[]>): Promise<void> =>
  until(
    `no ${of}`,
    async () => {
      const found = await left()
      return found.length === 0 ? { met: undefined } : { not: found }
    },
    150_000,
  )

interface Running {
  readonly child: ChildProcess
  says(text: string): Promise<void>
  ends(): Promise<void>
}

function start(cwd: string, args: readonly string[]): Running {
  const child = spawn(process.execPath, ['--conditions=source', command, ...args], {
    cwd,
    env: { ...process.env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  return {
    child,
    async says(text) {
      while (!output.includes(text)) {
        const next = await Promise.race([ended.then(() => 'ended' as const), delay(50)])
        if (next === 'ended' && !output.includes(text)) throw new Error(`selfmonitor ${args[0]} has ended:\n${output}`)
      }
    },
    async ends() {
      const code = await ended
      if (code !== 0) throw new Error(`selfmonitor ${args.join(' ')} ended with ${code}:\n${output}`)
    },
  }
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await ended
}

/** A third-party consumer, of a group that has objectives, which commits each message and takes its time. */
async function slowReader(broker: string): Promise<Consumer> {
  const consumer = new Kafka({ brokers: [broker], logLevel: logLevel.NOTHING }).consumer({ groupId: 'fraud-detection' })
  await consumer.connect()
  await consumer.subscribe({ topics: ['user.events', 'transaction.events'], fromBeginning: true })
  await consumer.run({
    autoCommitThreshold: 1,
    eachMessage: async () => {
      await delay(150)
    },
  })
  return consumer
}
