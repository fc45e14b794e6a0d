// Monitoring, running under the chart's policies: two replicas of the exporter log in to the secured cluster, Prometheus finds them and the
// broker's JMX agent by DNS and evaluates the rules, and when Kafka is away, Alertmanager sends one message to the receiver of a Secret.
// Grafana is available as an image only: its files are checked in ../static/monitoring.test.ts.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { missingPrometheus } from '../../support/prometheus.ts'
import { clientPod, type KafkaCluster, missingForCluster, startKafka } from './index.ts'

const missing = missingForCluster() ?? missingPrometheus()
const long = 300_000
const begun = Date.now()
const progress = (line: string) => console.log(`${((Date.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`)

const prometheus = 'http://kafka-prometheus-service.kafka.svc.cluster.local:9090'
/** Writes each message that it is sent into a line of its log. */
const receiver = `require('node:http').createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => { body += chunk }).on('end', () => { console.log(body); response.end('ok') })
}).listen(8080)`

interface Sample {
  readonly metric: Readonly<Record<string, string>>
  readonly value: readonly [number, string]
}

describe.skipIf(missing !== null)('monitoring', () => {
  let kafka: KafkaCluster

  const curl = async (namespace: string, url: string, ...words: readonly string[]) =>
    kafka.exec('node', ['curl', '-sS', '--max-time', '10', ...words, url], { namespace })
  /** What Prometheus answers to a client in its namespace. */
  async function query(expression: string): Promise<readonly Sample[]> {
    const { stdout } = await curl(
      'monitoring',
      `${prometheus}/api/v1/query`,
      '--get',
      '--data-urlencode',
      `query=${expression}`,
    )
    return stdout === '' ? [] : (JSON.parse(stdout).data?.result ?? [])
  }
  const untilSamples = (expression: string, enough: (samples: readonly Sample[]) => boolean) =>
    kafka.waitFor(
      `samples of ${expression}`,
      async () => {
        const samples = await query(expression)
        return enough(samples) ? samples : undefined
      },
      { timeoutMs: long },
    )

  beforeAll(async () => {
    kafka = await startKafka({
      onProgress: progress,
      wait: false,
      values: {
        environment: 'development',
        security: { enabled: true },
        schemaRegistry: { enabled: false },
        tools: { enabled: false },
        monitoring: {
          enabled: true,
          exporter: { enabled: true, replicaCount: 2, intervalSeconds: 5 },
          prometheus: {
            ...{ enabled: true, scrapeIntervalSeconds: 5, allowedNamespaces: ['monitoring'] },
            persistence: { size: '1Gi' },
          },
          alertmanager: { enabled: true, egress: [{ cidr: '10.244.0.0/16', ports: [8080] }] },
          grafana: { enabled: false },
        },
      },
    })
    await kafka.apply([
      clientPod('node', 'monitoring', { image: 'node:24' }),
      clientPod('node', 'foreign', { image: 'node:24' }),
      clientPod('receiver', 'monitoring', { image: 'node:24', command: ['node', '-e', receiver] }),
    ])
    await kafka.waitReady(['node', 'receiver'], { namespace: 'monitoring', timeoutMs: long })
    await kafka.waitReady(['node'], { namespace: 'foreign', timeoutMs: long })
    await kafka.waitReady(['kafka-0', 'kafka-prometheus-0', 'kafka-alertmanager-0'], { timeoutMs: long })
    await kafka.waitForJob(kafka.jobName('kafka-setup'), { timeoutMs: long })
  }, 2 * long)
  afterAll(() => kafka?.stop(), long)

  test(
    'both replicas of the exporter read the secured cluster, and a rule counts it once',
    async () => {
      await untilSamples('kafka_topic_partitions{topic="user.events"}', (samples) => samples.length === 2)
      expect((await query('kafka_brokers')).map(({ value }) => value[1])).toEqual(['1', '1'])
      const parts = await untilSamples('kafka_exporter_stale == 0', (samples) => samples.length > 2)
      const stale = await query('kafka_exporter_stale > 0')
      expect(stale.map(({ metric }) => metric.part)).toEqual([])
      expect(new Set(parts.map(({ metric }) => metric.instance)).size).toBe(2)
    },
    long,
  )

  test(
    'Prometheus scrapes every target that its configuration names, the broker by its name',
    async () => {
      const up = await untilSamples('up == 1', (samples) => samples.length === 5)
      expect(up.map(({ metric }) => metric.job).sort()).toEqual([
        'kafka',
        'kafka-alertmanager',
        'kafka-exporter',
        'kafka-exporter',
        'prometheus',
      ])
      const [state] = await untilSamples('kafka_server_kafkaserver_brokerstate', (samples) => samples.length === 1)
      expect(state!.metric).toMatchObject({ cluster: 'kafka-cluster', instance: 'kafka-0', job: 'kafka' })
      expect(await query('up == 0')).toEqual([])
    },
    long,
  )

  test(
    'the rules are loaded, and none fails',
    async () => {
      const { stdout } = await curl('monitoring', `${prometheus}/api/v1/rules`)
      const groups: { rules: { name: string; health: string; lastError?: string }[] }[] = JSON.parse(stdout).data.groups
      const rules = groups.flatMap((group) => group.rules)
      expect(rules.map(({ name }) => name)).toContain('KafkaConsumerLag')
      expect(
        rules.filter(({ health }) => health === 'err').map(({ name, lastError }) => `${name}: ${lastError}`),
      ).toEqual([])
    },
    long,
  )

  test(
    'the policies let no other pod read metrics',
    async () => {
      const exporter = kafka.pods('kafka').find(({ labels }) => labels.app === 'kafka-exporter')!
      for (const url of [`${prometheus}/-/ready`, `http://${exporter.ip}:9308/metrics`]) {
        const refused = await curl('foreign', url)
        expect(refused.exitCode, url).not.toBe(0)
      }
      expect((await curl('monitoring', `http://${exporter.ip}:9308/metrics`)).stdout).toContain('kafka_brokers{')
    },
    long,
  )

  test(
    'without the Secret Alertmanager says that it sends nothing; with it, an alert reaches its receiver',
    async () => {
      expect(kafka.logs('kafka-alertmanager-0', { container: 'receivers' })).toContain('alerts are sent nowhere')
      const { ip } = kafka.pod('receiver', 'monitoring')!
      const url = Buffer.from(`http://${ip}:8080/hook`).toString('base64')
      await kafka.apply([
        {
          ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'kafka-alertmanager', namespace: 'kafka' } },
          data: { 'slack-kafka-support': url },
        },
      ])
      const before = kafka.pod('kafka-alertmanager-0')!.uid
      await kafka.deletePod('kafka-alertmanager-0')
      await kafka.waitFor('the new Alertmanager', () => {
        const pod = kafka.pod('kafka-alertmanager-0')
        return pod !== undefined && pod.uid !== before && pod.ready
      })
      expect(kafka.logs('kafka-alertmanager-0', { container: 'receivers' })).toContain(
        'alerts are sent by: slack-kafka-support',
      )

      await kafka.scale('StatefulSet', 'kafka', 0)
      await untilSamples(
        'ALERTS{alertname="KafkaClusterUnreachable", alertstate="firing"}',
        (samples) => samples.length > 0,
      )
      const sent = () => kafka.logs('receiver', { namespace: 'monitoring' })
      await kafka.waitFor('a message about Kafka', () => sent().includes('FIRING') || undefined, { timeoutMs: long })
      const [message] = sent()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line))
      expect(message.channel).toBe('#kafka-support')
      expect(JSON.stringify(message)).toContain('kafka-cluster')
    },
    2 * long,
  )
})
