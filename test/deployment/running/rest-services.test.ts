// TLS and logins of the REST services, running: two real workers of Apache Kafka Connect on the configuration that the chart renders,
// the stand-in for Schema Registry on its, and all that asks them: probes, the setup Job, each other, people, `helm test`.
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { clientPod, type KafkaCluster, missingForCluster, openTools, startKafka, toolsPod } from './index.ts'

const missing = missingForCluster()
const long = 240_000
const begun = Date.now()
const progress = (line: string) => console.log(`${((Date.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}`)

const domain = 'kafka.svc.cluster.local'
const connect = `https://kafka-connect-service.${domain}:8083`
const resources = { requests: { cpu: '100m', memory: '1Gi' }, limits: { cpu: 'none' } }
const secured = { tls: { enabled: true }, login: { enabled: true } }
const guest = 'a-guests-password:with=signs#!'

describe.skipIf(missing !== null)('REST services with TLS and a login', () => {
  let kafka: KafkaCluster

  const keyOf = (secret: string, key: string) =>
    Buffer.from(kafka.get('Secret', secret)!.data[key], 'base64').toString()
  /** From a pod elsewhere, with the CA of the release unless that is left out. */
  const curl = async (url: string, ...options: readonly string[]) => {
    const words = ['curl', '-sS', '--max-time', '20', '-w', '\n%{http_code}', ...options, url]
    const { exitCode, stdout, stderr } = await kafka.exec('node', words, { namespace: 'selfmonitor' })
    const at = stdout.lastIndexOf('\n')
    return { exitCode, body: stdout.slice(0, at), status: Number(stdout.slice(at + 1)), stderr }
  }
  const trusting = ['--cacert', '/secrets/ca/ca.crt'] as const
  const as = (user: string, password: string) => [...trusting, '-u', `${user}:${password}`] as const
  const own = () => as('selfmonitor', keyOf('kafka-connect-login', 'password'))
  const workers = () => kafka.pods('kafka').filter(({ labels }) => labels.app === 'kafka-connect')

  beforeAll(async () => {
    kafka = await startKafka({
      onProgress: progress,
      wait: false,
      values: {
        environment: 'development',
        security: { enabled: true },
        schemaRegistry: secured,
        monitoring: {
          ...{ enabled: true, allowedNamespaces: ['selfmonitor'] },
          exporter: { enabled: true, replicaCount: 1, intervalSeconds: 5 },
        },
        connect: {
          ...{ enabled: true, replicaCount: 2, allowedNamespaces: ['selfmonitor'], resources },
          tls: { enabled: true },
          login: { enabled: true, usersSecret: 'connect-users' },
        },
      },
    })
    await kafka.apply([
      {
        ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'connect-users', namespace: 'kafka' } },
        data: { guest: Buffer.from(guest).toString('base64') },
      },
    ])
    const ca = await kafka.waitFor('the CA', () => kafka.get('ConfigMap', 'kafka-ca-bundle'))
    await kafka.apply([
      {
        ...{ apiVersion: 'v1', kind: 'Secret', metadata: { name: 'ca', namespace: 'selfmonitor' } },
        data: { 'ca.crt': Buffer.from(ca.data['ca.crt']).toString('base64') },
      },
      clientPod('node', 'selfmonitor', { secrets: ['ca'], image: 'node:24' }),
    ])
    await kafka.waitReady(undefined, { timeoutMs: 600_000 })
    await kafka.waitReady(['node'], { namespace: 'selfmonitor' })
    progress('everything is ready')
  }, 900_000)
  afterAll(() => kafka?.stop(), 120_000)

  test('the setup Job registers the schemas, with the CA and the login of the registry', {
    timeout: long,
  }, async () => {
    const { succeeded, log } = await kafka.waitForJob(kafka.jobName('kafka-setup'), { timeoutMs: long })
    expect(succeeded, log).toBe(true)
    const registry = `https://schema-registry-service.${domain}:8081/subjects`
    expect((await curl(registry, ...trusting)).status).toBe(401)
    const subjects = await curl(registry, ...as('selfmonitor', keyOf('schema-registry-login', 'password')))
    expect(JSON.parse(subjects.body)).toHaveLength(64)
  })

  test('Connect answers only with a right password, of the release or of a Secret of users', async () => {
    const answers = {
      nobody: await curl(`${connect}/connectors`, ...trusting),
      wrong: await curl(`${connect}/connectors`, ...as('selfmonitor', 'guessed')),
      other: await curl(`${connect}/connectors`, ...as('guest', keyOf('kafka-connect-login', 'password'))),
      release: await curl(`${connect}/connectors`, ...own()),
      guest: await curl(`${connect}/connectors`, ...as('guest', guest)),
    }
    expect(Object.entries(answers).map(([who, { status }]) => [who, status])).toEqual([
      ['nobody', 401],
      ['wrong', 401],
      ['other', 401],
      ['release', 200],
      ['guest', 200],
    ])
    // Not even whether it is well.
    expect((await curl(`${connect}/health`, ...trusting)).status).toBe(401)
    expect((await curl(`${connect}/health`, ...own())).body).toContain('"status":"healthy"')
  })

  test('Connect speaks TLS and nothing else, with a certificate for its name', async () => {
    // 60: the certificate is not trusted; 77: this image knows no CA at all, that it could be trusted by.
    expect([60, 77]).toContain((await curl(`${connect}/connectors`)).exitCode)
    expect((await curl(`${connect.replace('https', 'http')}/connectors`, ...own())).status).not.toBe(200)
    const plain = await kafka.exec('node', ['curl', '-sS', '--max-time', '5', `http://${workers()[0]!.ip}:18083/`], {
      namespace: 'selfmonitor',
    })
    expect(plain.exitCode).not.toBe(0)
  })

  test('a worker passes a request on to the leader, over TLS and by its name', { timeout: long }, async () => {
    for (const [index, worker] of workers().entries()) {
      const url = `https://${worker.ip.replaceAll('.', '-')}.kafka.pod.cluster.local:8083/connectors/copy-${index}/config`
      const config = JSON.stringify({
        'connector.class': 'org.apache.kafka.connect.file.FileStreamSinkConnector',
        ...{ topics: 'user.events', file: `/tmp/copy-${index}` },
        'value.converter': 'org.apache.kafka.connect.storage.StringConverter',
      })
      const made = await curl(url, ...own(), '-X', 'PUT', '-H', 'Content-Type: application/json', '-d', config)
      expect(made, made.body).toMatchObject({ status: 201 })
    }
    // The tasks' configurations go from the worker that runs the connector to the leader, signed.
    for (const index of [0, 1])
      await kafka.waitFor(`the task of copy-${index} runs`, async () => {
        const { body } = await curl(`${connect}/connectors/copy-${index}/status`, ...own())
        return body.includes('"tasks":[{"id":0,"state":"RUNNING"')
      })
  })

  test('Connect exports its connectors and tasks by the JMX agent, and the exporter asks it with its login', {
    timeout: long,
  }, async () => {
    const metricsOf = async (ip: string, port: number) => (await curl(`http://${ip}:${port}/metrics`)).body
    const all = async () => (await Promise.all(workers().map(({ ip }) => metricsOf(ip, 5556)))).join('\n')
    const wanted = [
      /^kafka_connect_worker_connector_count 1/m,
      /^kafka_connect_worker_rebalances_total [1-9]/m,
      /^kafka_connect_connector_status\{connector="copy-0",status="running",?\} 1/m,
      /^kafka_connect_task_status\{connector="copy-1",status="running",task="0",?\} 1/m,
      /^kafka_connect_sink_records_read_total\{connector="copy-0",task="0",?\} \d/m,
      /^kafka_connect_task_record_failures_total\{connector="copy-0",task="0",?\} 0/m,
      /^kafka_connect_worker_connector_tasks\{connector="copy-0",state="failed",?\} 0/m,
      /^jvm_memory_used_bytes\{/m,
    ]
    const missing = async () => {
      const text = await all()
      return wanted.filter((line) => !line.test(text)).map(String)
    }
    await kafka
      .waitFor('the metrics of both tasks', async () => (await missing()).length === 0 || undefined)
      .catch(async () => expect(await missing(), (await all()).replaceAll(/^#.*\n/gm, '').slice(0, 4_000)).toEqual([]))
    const exporter = kafka.pods('kafka').find(({ labels }) => labels.app === 'kafka-exporter')!
    await kafka.waitFor(
      'Connect in the exporter',
      async () =>
        /^kafka_service_up\{[^}]*service="connect"[^}]*\} 1/m.test(await metricsOf(exporter.ip, 9308)) || undefined,
    )
  })

  test('no password of a login or of a store appears in an argument, in the environment or in the log of a server', async () => {
    const secrets = ['kafka-connect-login', 'schema-registry-login'].map((secret) => keyOf(secret, 'password'))
    const servers = kafka.pods('kafka').filter(({ labels }) => /connect|registry/.test(labels.app ?? ''))
    expect(servers).toHaveLength(3)
    for (const pod of servers) {
      const store = (await kafka.exec(pod.name, ['cat', `/run/${pod.labels.app}/store-password`])).stdout
      expect(store).toHaveLength(40)
      for (const { name, pid } of [...pod.initContainers, ...pod.containers]) {
        const inside = pid
          ? await Promise.all(['cmdline', 'environ'].map((file) => readFile(`/proc/${pid}/${file}`, 'utf8')))
          : []
        const all = [kafka.logs(pod.name, { container: name }), ...inside].join('\n')
        expect(
          [...secrets, store, guest].filter((secret) => all.includes(secret)),
          `${pod.name} ${name}`,
        ).toEqual([])
      }
    }
  })

  test('people ask them in kafka-tools, without typing a password', { timeout: long }, async () => {
    await openTools(kafka)
    const inTools = async (command: string) => {
      const { stdout, stderr } = await kafka.exec(toolsPod(kafka), ['bash', '-c', command])
      return stdout + stderr
    }
    expect(await inTools('rest connect /connectors')).toContain('copy-0')
    expect(await inTools('rest registry /subjects')).toContain('user.events-value')
    expect(await inTools('rest ksqldb /info')).toContain('this release has no ksqldb')
    expect(await inTools('selfmonitor schemas list')).toContain('user.events-value')
    expect(await inTools('selfmonitor status -o name; selfmonitor status')).toMatch(/registry +up/)
  })

  test('helm test passes', { timeout: long }, async () => {
    const [result] = await kafka.helmTest(kafka.objects)
    expect(result, result?.log).toMatchObject({ name: 'kafka-helm-test', exitCode: 0 })
    expect(result!.log).toContain('user.events-value')
  })

  test('with TLS and no login, the kubelet’s probes find Connect well over TLS', { timeout: 600_000 }, async () => {
    const before = workers().map(({ name }) => name)
    await kafka.upgrade({ connect: { replicaCount: 1, login: { enabled: false, usersSecret: '' } } })
    await kafka.waitFor(
      'a worker without a login',
      () => {
        const now = workers().filter(({ terminating }) => !terminating)
        return now.length === 1 && now[0]!.ready && !before.includes(now[0]!.name)
      },
      { timeoutMs: 500_000 },
    )
    expect((await curl(`${connect}/connectors`, ...trusting)).status).toBe(200)
  })
})
