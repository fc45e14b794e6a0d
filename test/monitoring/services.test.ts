// A real worker of Kafka Connect with the JMX agent and the chart's rules, our registry, and the exporter, scraped by a real Prometheus:
// the panels of Connect and of our registry have data. Confluent's registry and ksqlDB are under the Confluent Community License and
// do not run here: their rules rest on their documentation, and that the rules give the names of the panels is tested without them.
import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startBroker } from '@selfmonitor/broker'
import { dashboards } from '@selfmonitor/monitor/dashboards'
import { startRegistry } from '@selfmonitor/registry'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parse, stringify } from 'yaml'
import { selfmonitor } from '../../packages/cli/src/test-io.ts'
import { startExporter } from '../../packages/monitor/src/exporter/index.ts'
import {
  connectMetrics,
  ksqldbMetrics,
  registryMetrics,
  type ServiceMetric,
} from '../../packages/monitor/src/metrics/jmx-services.ts'
import { orMissing } from '../deployment/static/fetch.ts'
import { watch } from '../diagnosis/watch.ts'
import {
  createConnector,
  distributedWorker,
  findJavaPrograms,
  killed,
  startJava,
  workerProperties,
} from '../support/java-ecosystem.ts'
import { fetchJmxAgent, jmxRulesOf } from '../support/jmx-agent.ts'
import { freePorts } from '../support/ports.ts'
import { type MonitoringServer, missingPrometheus, startPrometheus } from '../support/prometheus.ts'
import { asPrometheusReads } from './grafana-variables.ts'
import { until } from './rig/until.ts'

const dashboard = dashboards.find(({ uid }) => uid === 'selfmonitor-kafka-services')!

/** Panels that cannot have data here, each with its reason. One that has data and is listed fails, too. */
const empty: Readonly<Record<string, string>> = {
  'Leader of the registries': 'Confluent’s registry has a leader, ours needs none',
  'Threads in use': 'of Jetty, in Confluent’s registry',
  'Connections of the registry': 'of Jetty, in Confluent’s registry',
  'Queries by state': 'ksqlDB does not run here',
  'Queries that do not run': 'ksqlDB does not run here',
  'Messages of the queries': 'ksqlDB does not run here',
  'Bytes read': 'ksqlDB does not run here',
  'Messages with errors': 'ksqlDB does not run here',
  'Command runner': 'ksqlDB does not run here',
}

describe.each([
  ['connect', connectMetrics],
  ['schemaRegistry', registryMetrics],
  ['ksqldb', ksqldbMetrics],
] as const)("the chart's rules for %s", (service, metrics: Readonly<Record<string, ServiceMetric>>) => {
  interface Rule {
    readonly pattern: string
    readonly name: string
    readonly type: 'GAUGE' | 'COUNTER'
    readonly labels?: Readonly<Record<string, string>>
  }
  /** The rules that can give this name: a group of the pattern stands for anything that the pattern allows. */
  const rulesFor = (rules: readonly Rule[], wanted: string): Rule[] =>
    rules.filter(({ pattern, name }) => {
      const groups = [...pattern.matchAll(/\((?!\?)([^()]*)\)/g)].map(([, inside]) => inside!)
      const text = name.replaceAll(/\$(\d)/g, (_, at) => `(${groups[Number(at) - 1]!.replaceAll('-', '[-_]')})`)
      return new RegExp(`^${text}$`, 'i').test(wanted)
    })

  it('give every metric of the panels, with its type and labels', async () => {
    const { rules } = parse(await jmxRulesOf(service)) as { rules: Rule[] }
    for (const { name, type, labels, only } of Object.values(metrics)) {
      if (only === 'ours') continue
      const found = rulesFor(rules, name)
      expect(found.length, name).toBe(1)
      expect([name, found[0]!.type.toLowerCase()]).toEqual([name, type])
      expect([name, ...Object.keys(found[0]!.labels ?? {}).sort()]).toEqual([name, ...labels.toSorted()])
    }
    expect(rulesFor(rules, 'kafka_connect_nothing')).toEqual([])
  })
})

const tools = await orMissing(async () => ({ programs: await findJavaPrograms(), agent: await fetchJmxAgent() }))

describe.skipIf('missing' in tools || missingPrometheus() !== null)('the dashboard of the services', () => {
  const closers: (() => Promise<unknown>)[] = []
  let prometheus: MonitoringServer
  let bootstrapServers: string
  let worker: string

  beforeAll(async () => {
    if ('missing' in tools) throw new Error(tools.missing)
    const { programs, agent } = tools.value
    const work = await mkdtemp(join(tmpdir(), 'selfmonitor-services-'))
    closers.push(() => rm(work, { recursive: true, force: true }))
    const broker = await startBroker()
    closers.push(() => broker.close())
    bootstrapServers = broker.bootstrapServers
    const [port, metricsPort, exporterPort] = (await freePorts(3)) as [number, number, number]
    worker = `http://127.0.0.1:${port}`
    await writeFile(join(work, 'jmx.yaml'), await jmxRulesOf('connect'))
    await writeFile(join(work, 'connect.properties'), workerProperties(bootstrapServers, port))
    const program = startJava(programs, work, [
      `-javaagent:${agent}=127.0.0.1:${metricsPort}:${join(work, 'jmx.yaml')}`,
      ...[distributedWorker, join(work, 'connect.properties')],
    ])
    closers.push(() => killed(program))
    const registry = await startRegistry({ bootstrapServers, port: 0 })
    closers.push(() => registry.close())
    const exporter = await startExporter({
      connect: { bootstrapServers },
      listen: { port: exporterPort },
      collect: {
        intervalMs: 1_000,
        services: { connect: worker, schemaRegistry: registry.url },
        everyMs: { services: 0 },
      },
      version: 'test',
    })
    closers.push(() => exporter.close())
    await until('the worker answers', async () => {
      const answer = await fetch(`${worker}/connectors`).catch(() => null)
      return answer?.status === 200 ? { met: undefined } : { not: program.output().slice(-2_000) }
    })
    const source = join(work, 'source.txt')
    const writing = setInterval(() => void appendFile(source, 'not JSON\n'), 200)
    closers.push(async () => clearInterval(writing))
    await startConnectors(bootstrapServers, worker, { work, source })
    // A request with an error, which has a series of its own.
    await fetch(`${registry.url}/subjects/none/versions`)
    const job = (name: string, target: string) => ({
      job_name: name,
      static_configs: [{ targets: [target.replace('http://', '')] }],
    })
    prometheus = await startPrometheus({
      files: {
        'prometheus.yml': stringify({
          global: { scrape_interval: '1s', evaluation_interval: '1s' },
          scrape_configs: [
            job('kafka-exporter', exporter.url),
            job('kafka-connect', `127.0.0.1:${metricsPort}`),
            job('schema-registry', registry.url),
          ],
        }),
      },
    })
    closers.push(() => prometheus.stop())
  }, 240_000)
  afterAll(async () => {
    for (const close of closers.reverse()) await close()
  }, 60_000)

  const seriesOf = async (
    query: string,
  ): Promise<readonly { metric: Record<string, string>; value: [number, string] }[]> =>
    (
      await prometheus.get<{ data: { result: [] } }>(
        `/api/v1/query?query=${encodeURIComponent(asPrometheusReads(query, '40s'))}`,
      )
    ).data.result

  it('has data in every panel that can have some', async () => {
    const panels = dashboard.rows.flatMap((row) => row.panels)
    const without = async (isListed: boolean): Promise<string[]> => {
      const missing: string[] = []
      for (const { title, queries } of panels.filter((panel) => panel.title in empty === isListed))
        for (const { expr } of queries) if ((await seriesOf(expr)).length === 0) missing.push(`${title}: ${expr}`)
      return missing
    }
    await until('every panel has data', async () => {
      const missing = await without(false)
      return missing.length === 0 ? { met: undefined } : { not: missing }
    })
    const listed = panels.filter(({ title }) => title in empty)
    expect(listed.map(({ title }) => title).sort()).toEqual(Object.keys(empty).sort())
    expect((await without(true)).length, 'panels that are listed as empty and have data').toBe(
      listed.flatMap(({ queries }) => queries).length,
    )
  }, 180_000)

  it('shows what the connectors do: the one that has failed, the one with dead letters, the one that writes', async () => {
    const shownFor = async (title: string, legend: string, connector: string): Promise<number> => {
      const panel = dashboard.rows.flatMap((row) => row.panels).find((one) => one.title === title)!
      const { expr } = panel.queries.find((one) => one.legend === legend)!
      const found = (await seriesOf(expr)).find(({ metric }) => metric.connector === connector)
      return Number(found?.value[1] ?? Number.NaN)
    }
    const shown = async () => ({
      sourceRuns: await shownFor('Connectors', 'Running', 'lines-in'),
      sourceWrites: (await shownFor('Connectors', 'Written to Kafka', 'lines-in')) > 0,
      sinkSends: (await shownFor('Connectors', 'Sent by sinks', 'lines-out')) > 0,
      brokenHasFailed: await shownFor('Connectors', 'Failed', 'broken'),
      deadLetters: (await shownFor('Dead letters', '{{connector}}', 'tolerant')) > 0,
      skipped: (await shownFor('Errors, retries and skipped records', '{{connector}} skipped records', 'tolerant')) > 0,
    })
    const wanted = {
      sourceRuns: 1,
      sourceWrites: true,
      sinkSends: true,
      brokenHasFailed: 1,
      deadLetters: true,
      skipped: true,
    }
    await until('the panels show it', async () => {
      const now = await shown()
      return JSON.stringify(now) === JSON.stringify(wanted) ? { met: undefined } : { not: now }
    })
  }, 180_000)

  it('is what doctor says too: which connector has failed and why, until it is gone', async () => {
    const failed = async () => {
      const words = ['doctor', '--connect-url', worker, '--watch', '0s', '-o', 'json']
      const { stdout } = await selfmonitor(words, { env: { KAFKA_BOOTSTRAP_SERVERS: bootstrapServers } })
      const { verdicts } = JSON.parse(stdout) as { verdicts: { code: string; subject: unknown; evidence: unknown }[] }
      return verdicts.filter(({ code }) => code === 'CONNECTOR_FAILED')
    }
    const watcher = await watch(bootstrapServers, { services: { connect: worker } })
    await watcher.finds('CONNECTOR_FAILED', 'connector broken')
    await watcher.close()
    const found = await failed()
    expect(found).toHaveLength(1)
    expect(JSON.stringify(found[0]!.subject)).toContain('broken')
    expect(JSON.stringify(found[0]!.evidence)).toMatch(/JsonParseException|SerializationException|DataException/)
    expect((await fetch(`${worker}/connectors/broken`, { method: 'DELETE' })).status).toBe(204)
    await until('doctor is content', async () => {
      const left = await failed()
      return left.length === 0 ? { met: undefined } : { not: left }
    })
  }, 120_000)
})

/** A source and a sink that work, a sink that puts what it cannot read aside, and one that fails on it. */
async function startConnectors(
  bootstrapServers: string,
  worker: string,
  { work, source }: { readonly work: string; readonly source: string },
): Promise<void> {
  const kafka = new Kafka({ brokers: [bootstrapServers], logLevel: logLevel.NOTHING })
  const admin = kafka.admin()
  await admin.connect()
  await admin.createTopics({ topics: ['lines', 'dead-lines'].map((topic) => ({ topic, numPartitions: 1 })) })
  await admin.disconnect()
  const file = 'org.apache.kafka.connect.file.FileStream'
  const sink = (name: string, more: Readonly<Record<string, string>> = {}) => ({
    'connector.class': `${file}SinkConnector`,
    file: join(work, `${name}.txt`),
    topics: 'lines',
    ...more,
  })
  const json = { 'value.converter': 'org.apache.kafka.connect.json.JsonConverter' }
  const connectors: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    'lines-in': { 'connector.class': `${file}SourceConnector`, file: source, topic: 'lines' },
    'lines-out': sink('lines-out'),
    tolerant: sink('tolerant', {
      ...json,
      'errors.tolerance': 'all',
      'errors.deadletterqueue.topic.name': 'dead-lines',
      'errors.deadletterqueue.topic.replication.factor': '1',
    }),
    broken: sink('broken', json),
  }
  for (const [name, config] of Object.entries(connectors)) expect(await createConnector(worker, name, config)).toBe(201)
}
