// Exporters, Prometheus with the rules of the table, Alertmanager with the routes, and the receiver: from a metric to a person.

import type { Platform } from '@selfmonitor/platform'
import { stringify } from 'yaml'
import { type Exporter, startExporter } from '../../../packages/monitor/src/exporter/index.ts'
import {
  type Alert,
  alertmanagerConfig,
  alertRules,
  alerts,
  objectiveRules,
  type Route,
} from '../../../packages/monitor/src/rules/index.ts'
import { freePorts } from '../../support/ports.ts'
import { type MonitoringServer, startAlertmanager, startPrometheus } from '../../support/prometheus.ts'
import type { RealCluster } from './cluster.ts'
import { faster } from './faster-rules.ts'
import { type Delivery, type Receiver, startReceiver } from './receiver.ts'
import { until } from './until.ts'

export const clusterName = 'proof'
const services = [
  { name: 'billing', group: 'slow-billing', owner: 'money' },
  { name: 'report', group: 'late-report', owner: 'money' },
] as const
const topics = [
  { name: 'orders', owner: 'shop' },
  { name: 'profiles', owner: 'shop' },
] as const
const platform: Platform = {
  file: 'platform.yaml',
  environment: 'test',
  topics: topics.map((topic) => ({ ...topic, partitions: 1, replicationFactor: 3, config: {}, eventTypes: {} })),
  services: services.map((service) => ({ ...service, produces: [], consumes: [] })),
  owners: [
    { name: 'platform', slack: '#kafka-support', pagerduty: 'on-call' },
    { name: 'money', pagerduty: 'money', email: ['money@example.com'] },
    { name: 'shop', slack: '#shop' },
  ],
  alerting: { owner: 'platform' },
}
/** The freshness that one group promises, and what the cluster promises, by the probe. */
const objectives = [
  {
    service: 'billing',
    name: 'freshness-orders',
    target: 0.99,
    periodDays: 30,
    indicator: { kind: 'freshness', group: 'slow-billing', topic: 'orders', lagMs: 2_000 },
  },
  { service: 'kafka', name: 'availability', target: 0.999, periodDays: 30, indicator: { kind: 'availability' } },
  { service: 'kafka', name: 'latency', target: 0.999, periodDays: 30, indicator: { kind: 'latency', atMostMs: 1_000 } },
] as const
const links = { console: 'https://console.example.com', runbook: 'https://docs.example.com/alerts' }

export interface ServiceUrls {
  readonly schemaRegistry: string
  readonly connect: string
}

export interface Expected {
  readonly alert: string
  /** Besides those of the rule, and `cluster`. */
  readonly labels: Readonly<Record<string, string>>
  readonly summary: RegExp
}

export interface Pipeline {
  readonly receiver: Receiver
  /** Starts both exporters, as they were. */
  startExporters(): Promise<void>
  stopExporters(): Promise<void>
  /** Starts a third exporter, with the end-to-end probe. */
  startProbe(): Promise<{ stop(): Promise<void> }>
  /** Every rule has been evaluated this often without an error. */
  evaluated(times: number): Promise<void>
  /** All alerts of these names, or those with these labels, are inactive in Prometheus, and their rules have been evaluated. */
  quiet(names: readonly string[], labelsOf?: (name: string) => Readonly<Record<string, string>>): Promise<void>
  /** The receiver has been sent that it fires, with everything that belongs to it. */
  fires(expected: Expected): Promise<Delivery>
  /** The receiver has been sent that it is over. */
  resolves(expected: Expected): Promise<void>
  /** Prometheus fires it, and Alertmanager keeps it to itself because another fires. */
  inhibited(alert: string, by: string): Promise<void>
  /** The value of each series that a query gives now. */
  query(
    expression: string,
  ): Promise<readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>
  /** Names of all alerts that were sent so far. */
  sent(): ReadonlySet<string>
  close(): Promise<void>
}

export async function startPipeline(cluster: RealCluster, urls: ServiceUrls): Promise<Pipeline> {
  const receiver = await startReceiver()
  const [first, second, third] = (await freePorts(3)) as [number, number, number]
  let exporters: Exporter[] = []
  const collect = {
    ...{ intervalMs: 1_000, cluster: clusterName, services: urls },
    // Everything is read each time.
    everyMs: { brokers: 0, logDirs: 0, configs: 0, certificates: 0, services: 0 },
  }
  const plain = { bootstrapServers: cluster.kafka.bootstrapServers }
  const startExporters = async () => {
    // Two replicas: one over TLS, through a network that can be cut.
    const overTls = { bootstrapServers: cluster.monitorServers, tls: { ca: cluster.ca } }
    exporters = await Promise.all([
      startExporter({ connect: plain, listen: { port: first }, collect, version: 'test' }),
      startExporter({ connect: overTls, listen: { port: second }, collect, version: 'test' }),
    ])
  }
  // Before Prometheus, which would miss them.
  await startExporters()
  await until('both exporters have a snapshot', async () => {
    const snapshots = exporters.map((exporter) => exporter.snapshot())
    return snapshots.every((snapshot) => snapshot !== null)
      ? { met: undefined }
      : { not: snapshots.map((one) => one?.startedAtMs ?? null) }
  })
  const alertmanager = await startAlertmanager({ files: alertmanagerFiles(receiver) })
  const files = prometheusFiles(cluster, alertmanager.port, [first, second, third])
  const prometheus = await startPrometheus({ files: { ...files, 'rules.yaml': 'groups: []' } })
  const observed = observations(prometheus, alertmanager, receiver)
  // It takes five seconds to look for its targets, which is longer than a rule waits here.
  await until('Prometheus has scraped every target', async () => {
    const up = await observed.query('up == 1')
    return up.length === 2 + cluster.jmxTargets.length ? { met: undefined } : { not: up }
  })
  await prometheus.reload(files)
  return {
    receiver,
    startExporters,
    async stopExporters() {
      await Promise.all(exporters.map((exporter) => exporter.close()))
      exporters = []
    },
    async startProbe() {
      const probe = { intervalMs: 200, timeoutMs: 4_000 }
      const exporter = await startExporter({ connect: plain, listen: { port: third }, collect, probe, version: 'test' })
      exporters.push(exporter)
      return {
        async stop() {
          exporters = exporters.filter((one) => one !== exporter)
          await exporter.close()
        },
      }
    },
    ...observed,
    async close() {
      await Promise.all(exporters.map((exporter) => exporter.close()))
      await prometheus.stop()
      await alertmanager.stop()
      await receiver.close()
    },
  }
}

/** The configuration of a platform.yaml with two owners, with a receiver of the test for each of its own, and without the time that a group waits. */
function alertmanagerFiles(receiver: Receiver): Readonly<Record<string, string>> {
  const { config } = alertmanagerConfig(platform)!
  const sooner = ({ routes = [], ...route }: Route): Route => ({
    ...route,
    ...{ group_wait: '1s', group_interval: '1s' },
    routes: routes.map(sooner),
  })
  const receivers = config.receivers.map(({ name }) => ({
    name,
    webhook_configs: [{ url: receiver.urlOf(name), send_resolved: true }],
  }))
  return { 'alertmanager.yml': stringify({ ...config, templates: [], route: sooner(config.route), receivers }) }
}

function prometheusFiles(
  { jmxTargets }: RealCluster,
  alertmanagerPort: number,
  exporterPorts: readonly number[],
): Readonly<Record<string, string>> {
  const job = (name: string, targets: readonly string[], labels = {}) => ({
    job_name: name,
    static_configs: [{ targets, labels }],
  })
  return {
    'prometheus.yml': stringify({
      global: { scrape_interval: '2s', scrape_timeout: '2s', evaluation_interval: '1s' },
      rule_files: ['rules.yaml'],
      alerting: { alertmanagers: [{ static_configs: [{ targets: [`127.0.0.1:${alertmanagerPort}`] }] }] },
      scrape_configs: [
        job(
          'exporter',
          exporterPorts.map((port) => `127.0.0.1:${port}`),
        ),
        job('kafka-jmx', jmxTargets, { cluster: clusterName }),
      ],
    }),
    'rules.yaml': stringify({
      groups: faster([...alertRules(links), ...objectiveRules(objectives, links)]),
    }),
  }
}

/** What of an alert the receiver is told. */
type Told = Pick<Alert, 'name' | 'severity' | 'audience' | 'console'>

/** The alert about the error budget of an objective of the probe. */
const burnOfTheCluster: Told = {
  name: 'KafkaErrorBudgetBurnsFast',
  ...{ severity: 'critical', audience: 'platform', console: '/' },
}

/** The receiver that an alert is routed to: its owner's, where it is about what someone owns. */
function receiverOf({ audience, severity }: Told, labels: Readonly<Record<string, string>>): string {
  const owned: ReadonlyMap<string, string> = new Map(
    [...services, ...topics].map(({ owner, ...one }) => ['group' in one ? one.group : one.name, owner]),
  )
  const owner = audience === 'owner' ? (owned.get(labels.group ?? '') ?? owned.get(labels.topic ?? '')) : undefined
  return `${owner ?? 'platform'}-${severity}`
}

interface ActiveAlert {
  readonly labels: Readonly<Record<string, string>>
  readonly state: string
  readonly annotations: Readonly<Record<string, string>>
}

type Observations = Pick<Pipeline, 'evaluated' | 'quiet' | 'fires' | 'resolves' | 'inhibited' | 'query' | 'sent'>

function observations(prometheus: MonitoringServer, alertmanager: MonitoringServer, receiver: Receiver): Observations {
  const active = async () => {
    const { data } = await prometheus.get<{ data: { alerts: readonly ActiveAlert[] } }>('/api/v1/alerts')
    return data.alerts
  }
  /** What each place knows of an alert, for errors. */
  const known = async (alert: string) => ({
    prometheus: (await active()).filter(({ labels }) => labels.alertname === alert),
    alertmanager: (await alertmanager.get<{ labels: Record<string, string> }[]>('/api/v2/alerts')).filter(
      ({ labels }) => labels.alertname === alert,
    ),
    delivered: receiver.deliveries().filter(({ labels }) => labels.alertname === alert),
  })
  const isOf = ({ alert, labels }: Expected, delivery: Delivery): boolean =>
    delivery.labels.alertname === alert &&
    Object.entries(labels).every(([name, value]) => delivery.labels[name] === value)
  const latest = (expected: Expected) => receiver.deliveries().findLast((delivery) => isOf(expected, delivery))

  return {
    evaluated: (times) =>
      until(`every rule has been evaluated ${times} times`, async () => {
        interface Group {
          readonly name: string
          readonly rules: readonly { readonly name: string; readonly health: string; readonly lastError?: string }[]
        }
        const { data } = await prometheus.get<{ data: { groups: readonly Group[] } }>('/api/v1/rules')
        const unwell = data.groups.flatMap(({ rules }) => rules.filter(({ health }) => health !== 'ok'))
        const metrics = await (await fetch(`${prometheus.url}/metrics`)).text()
        const counts = [...metrics.matchAll(/^prometheus_rule_group_iterations_total\{.*\} (\d+)$/gm)].map(([, n]) =>
          Number(n),
        )
        const isDone = unwell.length === 0 && counts.length === data.groups.length && counts.every((n) => n >= times)
        return isDone ? { met: undefined } : { not: { unwell, counts } }
      }),
    quiet: (names, labelsOf = () => ({})) =>
      until(`${names.join(', ')}: evaluated and quiet`, async () => {
        const found = (await active()).filter(
          ({ labels }) =>
            names.includes(labels.alertname!) &&
            Object.entries(labelsOf(labels.alertname!)).every(([name, value]) => labels[name] === value),
        )
        return found.length === 0 ? { met: undefined } : { not: found }
      }),
    async fires(expected) {
      const row = alerts.find(({ name }) => name === expected.alert) ?? burnOfTheCluster
      const delivery = await until<Delivery>(
        `${expected.alert} is delivered as firing, ${JSON.stringify(expected.labels)}`,
        async () => {
          const found = latest(expected)
          return found !== undefined && found.status === 'firing'
            ? { met: found }
            : { not: await known(expected.alert) }
        },
      )
      checkDelivery(row, expected, delivery)
      return delivery
    },
    resolves: (expected) =>
      until(`${expected.alert} is delivered as resolved, ${JSON.stringify(expected.labels)}`, async () =>
        latest(expected)?.status === 'resolved' ? { met: undefined } : { not: await known(expected.alert) },
      ),
    inhibited: (alert, by) =>
      until(`${alert} fires, and is inhibited by ${by}`, async () => {
        const path = `/api/v2/alerts?filter=${encodeURIComponent(`alertname="${alert}"`)}`
        const found = await alertmanager.get<{ status: { state: string; inhibitedBy: readonly string[] } }[]>(path)
        const isInhibited = found.length > 0 && found.every(({ status }) => status.inhibitedBy.length > 0)
        return isInhibited ? { met: undefined } : { not: await known(alert) }
      }),
    async query(expression) {
      interface Answer {
        readonly data: { readonly result: readonly { metric: Record<string, string>; value: [number, string] }[] }
      }
      const { data } = await prometheus.get<Answer>(`/api/v1/query?query=${encodeURIComponent(expression)}`)
      return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    },
    sent: () => new Set(receiver.deliveries().map(({ labels }) => labels.alertname!)),
  }
}

/** @throws Error that says which part of the delivery is wrong */
function checkDelivery(row: Told, { labels, summary }: Expected, delivery: Delivery): void {
  const wrong = (what: string, found: unknown, wanted: unknown) =>
    new Error(`${row.name}: ${what} is ${found}, and has to be ${wanted}`)
  const wantedReceiver = receiverOf(row, delivery.labels)
  if (delivery.receiver !== wantedReceiver) throw wrong('the receiver', delivery.receiver, wantedReceiver)
  for (const [name, value] of Object.entries({ severity: row.severity, audience: row.audience, ...labels })) {
    if (delivery.labels[name] !== value) throw wrong(`the label ${name}`, delivery.labels[name], value)
  }
  const { annotations } = delivery
  if (!summary.test(annotations.summary ?? '')) throw wrong('the summary', annotations.summary, summary)
  if ((annotations.description ?? '') === '') throw wrong('the description', 'empty', 'there')
  const runbook = `${links.runbook}#${row.name.toLowerCase()}`
  if (annotations.runbook_url !== runbook) throw wrong('the link to the runbook', annotations.runbook_url, runbook)
  const console = row.console.replaceAll(/\{(\w+)\}/g, (_, label: string) =>
    encodeURIComponent(delivery.labels[label]!),
  )
  if (annotations.console_url !== `${links.console}${console}`)
    throw wrong('the link to the console', annotations.console_url, `${links.console}${console}`)
}
