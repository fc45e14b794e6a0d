// `coordination: zookeeper` for real, security on: Kafka 3.9 on ZooKeeper 3.8, and the way to KRaft that docs/guides/zookeeper-to-kraft.md
// describes, with a producer and a consumer that never stop. With SELFMONITOR_TEST_MIGRATION=whole also back, and on to Kafka 4.
import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Cluster, type KubeObject, missingForCluster, startCluster } from './index.ts'
import { renderChart } from './render.ts'
import { rolledOut, upgrade } from './upgrade.ts'

const missing = missingForCluster()
/** The way back from step 2, and steps 5 and 6, are further rolling updates: only when they are asked for. */
const whole = process.env.SELFMONITOR_TEST_MIGRATION === 'whole'
/** For a machine that has other things to do as well. */
const patience = { timeoutMs: 600_000 }
const quick = {
  resources: { limits: { cpu: 'none' } },
  jvmOptions: '-XX:TieredStopAtLevel=1 -XX:-UseG1GC -XX:+UseSerialGC',
}
const values = {
  environment: 'development',
  coordination: 'zookeeper',
  zookeeper: { replicaCount: 3, migration: 'none', ...quick },
  kafka: { replicaCount: 2, ...quick },
  controller: { mode: 'dedicated', replicaCount: 1, ...quick },
  security: { enabled: true },
  schemaRegistry: { enabled: false },
  connect: { enabled: false },
  ksqldb: { enabled: false },
  ui: { kind: 'none' },
}
interface Step {
  readonly migration?: string
  readonly coordination?: string
  readonly images?: object
}
/** The values that the guide changes from step to step. */
const steps = {
  none: {},
  controllers: { migration: 'controllers' },
  brokers: { migration: 'brokers' },
  kraft: { migration: 'kraft' },
  finished: { migration: 'finished' },
  withoutZooKeeper: { coordination: 'kraft', images: { kafka: { tag: '7.9.11' } } },
  kafka4: { coordination: 'kraft' },
} satisfies Record<string, Step>
const bootstrap = 'kafka-service.kafka.svc.cluster.local:9092'
const topic = 'ledger'

describe.skipIf(missing !== null)('a cluster on ZooKeeper', () => {
  let cluster: Cluster
  let releases: Record<keyof typeof steps, readonly KubeObject[]>
  let present: readonly KubeObject[] = []
  /** Command lines of every process of this machine since the beginning, as all users of the node may read them. */
  const commandLines = new Set<string>()
  const watching = new AbortController()

  /** `helm upgrade` to a step. */
  async function become(step: keyof typeof steps): Promise<void> {
    await upgrade(cluster, present, releases[step])
    present = releases[step]
  }
  /** A tool of Kafka in a pod, as the guide runs it. @throws Error when it fails. */
  async function tool(command: string, pod = 'kafka-0'): Promise<string> {
    const { exitCode, stdout, stderr } = await cluster.exec(pod, command, { timeoutMs: 120_000 })
    if (exitCode !== 0) throw new Error(`${command}\n${stdout}${stderr}`)
    return stdout
  }
  const asAdmin = (command: string) =>
    tool(command.replace(' ', ' --bootstrap-server localhost:9092 --command-config /run/kafka/client.properties '))
  const createTopic = (name: string) =>
    asAdmin(`kafka-topics --create --topic ${name} --partitions 3 --replication-factor 2`)
  const password = (account: string) =>
    Buffer.from(cluster.get('Secret', `kafka-user-${account}`)!.data.password, 'base64').toString()
  const acknowledged = () => events('producer', 'producer_send_success')
  const consumed = () => events('consumer', 'record_data')
  function events(pod: string, name: string): Record<string, string>[] {
    return cluster
      .logs(pod, { namespace: 'selfmonitor' })
      .split('\n')
      .filter((line) => line.includes(`"name":"${name}"`))
      .map((line) => JSON.parse(line))
  }
  const inSync = () =>
    cluster.waitFor(
      'every replica of every partition is in sync',
      async () => (await asAdmin('kafka-topics --describe --under-replicated-partitions')) === '',
      patience,
    )
  /** The state that must survive the migration: topics with their ids and settings, accounts, rights; sorted. */
  async function metadata(): Promise<Record<string, readonly string[]>> {
    const topics = await asAdmin('kafka-topics --describe')
    const accounts = await asAdmin('kafka-configs --describe --entity-type users')
    let resource = ''
    const rights = (await asAdmin('kafka-acls --list')).split('\n').flatMap((line) => {
      resource = /^Current ACLs for resource `(.*)`/.exec(line)?.[1] ?? resource
      return /^\s*\(principal/.test(line) ? [`${resource} ${line.trim()}`] : []
    })
    return {
      topics: topics
        .split('\n')
        .filter((line) => line.startsWith('Topic:'))
        .sort(),
      accounts: [...accounts.matchAll(/'[^']+'.*$/gm)].map(([account]) => account.trim()).sort(),
      rights: rights.sort(),
    }
  }
  let before: Record<string, readonly string[]>
  const writesToBoth = () =>
    cluster.waitFor(
      'the controller says that it writes to both',
      () => cluster.logs('kafka-controller-0').includes('to DUAL_WRITE state'),
      patience,
    )

  beforeAll(async () => {
    const rendered = Object.entries(steps).map(async ([step, { migration = 'none', ...more }]: [string, Step]) => {
      const objects = await renderChart({ ...values, ...more, zookeeper: { ...values.zookeeper, migration } })
      return [step, objects]
    })
    releases = Object.fromEntries(await Promise.all(rendered))
    void watchCommandLines(commandLines, watching.signal)
    cluster = await startCluster({
      namespaces: { selfmonitor: {}, strangers: {} },
      onProgress: (line) => console.log(new Date().toISOString(), line),
    })
    await become('none')
    await cluster.waitReady(['zookeeper-0', 'zookeeper-1', 'zookeeper-2', 'kafka-0', 'kafka-1'], patience)
  }, 900_000)
  afterAll(async () => {
    watching.abort()
    await cluster?.stop()
  })

  test('comes up with the accounts that were put into ZooKeeper, and the setup Job applies the platform with one of them', async () => {
    const job = cluster.list('Job').find(({ metadata }) => metadata.name.startsWith('kafka-setup'))!
    const { succeeded, log } = await cluster.waitForJob(job.metadata.name, patience)
    expect(log).toContain('setup: done')
    expect(succeeded).toBe(true)
    expect(await asAdmin('kafka-topics --list')).toContain('transaction.events')
  }, 900_000)

  test('accepts an account that setup created, but not with another password', async () => {
    await createTopic(topic)
    for (const operation of ['Read', 'Write'])
      await asAdmin(`kafka-acls --add --allow-principal User:helm-test --operation ${operation} --topic ${topic}`)
    const secret = cluster.get('Secret', 'kafka-user-helm-test')!
    const properties = Buffer.from(secret.data['client.properties'], 'base64').toString()
    const wrong = properties.replaceAll(password('helm-test'), 'another-password')
    // The tool has no retries and is not idempotent.
    const steadfast = 'retries=2147483647\nenable.idempotence=true\ndelivery.timeout.ms=600000\n'
    const own = {
      'client.properties': properties,
      'producer.properties': `${properties}\n${steadfast}`,
      'wrong.properties': wrong,
    }
    const data = Object.fromEntries(
      Object.entries(own).map(([name, text]) => [name, Buffer.from(text).toString('base64')]),
    )
    await cluster.apply([
      { apiVersion: 'v1', kind: 'Secret', metadata: { name: 'client', namespace: 'selfmonitor' }, data },
      client(
        'consumer',
        `kafka-verifiable-consumer --command-config /etc/client/client.properties --group-id helm-test-ledger --verbose --topic ${topic}`,
      ),
    ])
    await cluster.waitFor(
      'the consumer has its partitions',
      () => events('consumer', 'partitions_assigned').length > 0,
      patience,
    )
    const { stdout, stderr } = await cluster.exec(
      'consumer',
      `kafka-topics --bootstrap-server ${bootstrap} --command-config /etc/client/wrong.properties --list`,
      { namespace: 'selfmonitor' },
    )
    expect(stdout + stderr).toContain('Authentication failed')
  }, 900_000)

  test('has shown no password in the arguments of any process', () => {
    const lines = [...commandLines]
    expect(lines.some((line) => line.includes('@/run/kafka/zookeeper.args'))).toBe(true)
    for (const account of ['kafka-broker', 'admin', 'helm-test'])
      expect(lines.filter((line) => line.includes(password(account)))).toEqual([])
  })

  test('shows ZooKeeper to brokers alone, and to them with a certificate only', async () => {
    const reach = (pod: string, namespace: string) =>
      cluster.exec(
        pod,
        ['timeout', '3', 'bash', '-c', 'exec 3<>/dev/tcp/zookeeper-service.kafka.svc.cluster.local/2181'],
        {
          namespace,
        },
      )
    expect((await reach('kafka-1', 'kafka')).exitCode).toBe(0)
    expect((await reach('consumer', 'selfmonitor')).exitCode).not.toBe(0)
    const shell = (more: string) =>
      `timeout 20 zookeeper-shell zookeeper-1.zookeeper-headless.kafka.svc:2181 ${more} ls /brokers/ids 2>&1`
    const certified = '-zk-tls-config-file /run/kafka/zookeeper-client.properties'
    expect((await cluster.exec('kafka-0', shell(certified))).stdout).toContain('[0, 1]')
    expect((await cluster.exec('kafka-0', shell(''))).stdout).not.toContain('[0, 1]')
  }, 120_000)

  test('continues when one of three ZooKeepers is killed, and recovers it', async () => {
    await cluster.kill('zookeeper-2', 'SIGKILL')
    await createTopic('without-one')
    await cluster.waitReady(['zookeeper-2'], patience)
    expect(cluster.pod('zookeeper-2')!.containers[0]!.restarts).toBe(1)
    await cluster.apply([
      client(
        'producer',
        `kafka-verifiable-producer --command-config /etc/client/producer.properties --throughput 20 --topic ${topic}`,
      ),
    ])
    await cluster.waitFor('the producer writes', () => acknowledged().length > 10, patience)
    before = await metadata()
    expect(before.topics!.length).toBeGreaterThan(10)
    expect(before.accounts!.join()).toContain("'user-service'")
    expect(before.rights!.join()).toContain('principal=User:user-service')
  }, 300_000)

  test('step 1: controllers come, and nothing changes for brokers', async () => {
    const pods = cluster.pods('kafka').filter(({ name }) => /^kafka-\d$/.test(name))
    await become('controllers')
    await rolledOut(cluster, 'kafka-controller', patience)
    expect(pods.map(({ name }) => cluster.pod(name)!.uid)).toEqual(pods.map(({ uid }) => uid))
  }, 900_000)

  test('step 2: brokers learn of the controllers, which copy the metadata and write to both', async () => {
    await become('brokers')
    await rolledOut(cluster, 'kafka', patience)
    await writesToBoth()
    expect(await metadata()).toEqual(before)
    await createTopic('in-both')
    const config = '-zk-tls-config-file /run/kafka/zookeeper-client.properties'
    const listed = await tool(
      `zookeeper-shell zookeeper-1.zookeeper-headless.kafka.svc:2181 ${config} ls /brokers/topics 2>&1`,
    )
    expect(listed).toContain('in-both')
    before = await metadata()
  }, 900_000)

  test.runIf(whole)(
    'back from step 2: brokers are of ZooKeeper alone, and a second attempt meets nothing of the first (with SELFMONITOR_TEST_MIGRATION=whole)',
    async () => {
      await become('none')
      const config = '-zk-tls-config-file /run/kafka/zookeeper-client.properties'
      const shell = `zookeeper-shell zookeeper-0.zookeeper-headless.kafka.svc:2181 ${config} 2>&1`
      await cluster.exec('kafka-0', shell, { stdin: 'delete /controller\ndeleteall /migration\n' })
      await rolledOut(cluster, 'kafka', patience)
      await createTopic('back-again')
      for (const pod of ['kafka-0', 'kafka-1']) await tool('rm -r /var/lib/kafka/data/logs/__cluster_metadata-0', pod)
      await cluster.delete('PersistentVolumeClaim', 'data-kafka-controller-0')
      before = await metadata()
      await become('controllers')
      await rolledOut(cluster, 'kafka-controller', patience)
      await become('brokers')
      await rolledOut(cluster, 'kafka', patience)
      await writesToBoth()
      expect(await metadata()).toEqual(before)
    },
    900_000,
  )

  test('step 3: brokers are of KRaft, with the same topics, accounts and rights', async () => {
    await become('kraft')
    await rolledOut(cluster, 'kafka', patience)
    expect(
      await tool('grep -E "^(process.roles|node.id|zookeeper.connect)=" /run/kafka/server.properties', 'kafka-1'),
    ).toBe('process.roles=broker\nnode.id=1\n')
    expect(await metadata()).toEqual(before)
  }, 900_000)

  test('step 4: ZooKeeper is not written to any more, and not needed', async () => {
    await become('finished')
    await rolledOut(cluster, 'kafka-controller', patience)
    await cluster.waitFor(
      'the controller says that the migration is over',
      () => cluster.logs('kafka-controller-0').includes('POST_MIGRATION'),
      patience,
    )
    await cluster.scale('StatefulSet', 'zookeeper', 0)
    await cluster.waitFor(
      'ZooKeeper is gone',
      () => !cluster.pods('kafka').some(({ name }) => name.startsWith('zookeeper')),
    )
    await createTopic('without-zookeeper')
    // The only controller was away: a broker that did not reach it for 9 s is fenced, and in sync again soon after.
    await inSync()
    // Nobody sat on the address that the controller had before for longer than the chart says.
    for (const pod of ['kafka-0', 'kafka-1']) {
      const seconds = cluster.logs(pod).matchAll(/socket connection setup timeout\. The timeout value is (\d+) ms/g)
      expect(Math.max(0, ...[...seconds].map(([, ms]) => Number(ms)))).toBeLessThanOrEqual(4000)
    }
  }, 900_000)

  test.runIf(whole)(
    'step 5: continues without ZooKeeper’s objects, on the same Kafka, and counts as formed (with SELFMONITOR_TEST_MIGRATION=whole)',
    async () => {
      await become('withoutZooKeeper')
      expect(cluster.get('StatefulSet', 'zookeeper')).toBeUndefined()
      await rolledOut(cluster, 'kafka-controller', patience)
      await rolledOut(cluster, 'kafka', patience)
      const job = present.find(({ kind, metadata }) => kind === 'Job' && metadata.name.startsWith('kafka-setup'))!
      expect(await cluster.waitForJob(job.metadata.name, patience)).toMatchObject({ succeeded: true })
      expect(cluster.get('ConfigMap', 'kafka-identity')!.data.formed).toBe('true')
      expect(cluster.logs('kafka-0')).toMatch(/Kafka version: 3\.9/)
    },
    900_000,
  )

  test.runIf(whole)(
    'step 6: becomes Kafka 4, and then its metadata does (with SELFMONITOR_TEST_MIGRATION=whole)',
    async () => {
      await become('kafka4')
      await rolledOut(cluster, 'kafka-controller', patience)
      await rolledOut(cluster, 'kafka', patience)
      expect(cluster.logs('kafka-0')).toMatch(/Kafka version: 4\./)
      await asAdmin('kafka-features upgrade --feature metadata.version=30')
      expect(await asAdmin('kafka-features describe')).toMatch(/metadata\.version.*FinalizedVersionLevel: 4\.3-IV0/)
      expect((await metadata()).rights).toEqual(before.rights)
    },
    900_000,
  )

  test('has lost and doubled nothing that it acknowledged on the way', async () => {
    await cluster.kill('producer', 'SIGTERM', { namespace: 'selfmonitor' })
    await cluster.waitFor('the producer ends', () => events('producer', 'shutdown_complete').length > 0)
    const sent = acknowledged().map(({ value }) => Number(value))
    expect(events('producer', 'producer_send_error')).toEqual([])
    await cluster.waitFor(
      'all is consumed',
      () => new Set(consumed().map(({ value }) => value)).size >= sent.length,
      patience,
    )
    const stored = await tool(
      `kafka-console-consumer --bootstrap-server localhost:9092 --consumer.config /run/kafka/client.properties --topic ${topic} --from-beginning --timeout-ms 10000 2>/dev/null || true`,
    )
    const ascending = (list: number[]) => list.sort((a, b) => a - b)
    // Kafka 4 first says on the same stream that the option has another name now.
    const values = stored.split('\n').filter((line) => /^\d+$/.test(line))
    expect(ascending(values.map(Number))).toEqual(ascending(sent))
  }, 300_000)
})

/** A pod of another namespace with Kafka's tools, one of which runs for as long as the pod does. */
function client(name: string, command: string): KubeObject {
  const security = { allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: { drop: ['ALL'] } }
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name, namespace: 'selfmonitor', labels: { app: name } },
    spec: {
      automountServiceAccountToken: false,
      enableServiceLinks: false,
      restartPolicy: 'Never',
      securityContext: { runAsUser: 1000, runAsGroup: 1000, runAsNonRoot: true, fsGroup: 1000 },
      containers: [
        {
          ...{ name: 'client', image: 'confluentinc/cp-kafka:8.3.2', securityContext: security },
          command: ['bash', '-c', `exec ${command} --bootstrap-server ${bootstrap}`],
          env: [
            { name: 'LOG_DIR', value: '/tmp' },
            { name: 'KAFKA_HEAP_OPTS', value: '-Xmx128m' },
            { name: 'KAFKA_JVM_PERFORMANCE_OPTS', value: '-XX:+UseSerialGC -XX:TieredStopAtLevel=1' },
          ],
          volumeMounts: [
            { name: 'client', mountPath: '/etc/client', readOnly: true },
            { name: 'tmp', mountPath: '/tmp' },
          ],
        },
      ],
      volumes: [
        { name: 'client', secret: { secretName: 'client', defaultMode: 0o440 } },
        { name: 'tmp', emptyDir: {} },
      ],
    },
  }
}

/** Reads every process's arguments many times a second, until the signal. A Java process lives for seconds. */
async function watchCommandLines(into: Set<string>, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
    const lines = await Promise.all(ids.map((id) => readFile(`/proc/${id}/cmdline`, 'latin1').catch(() => '')))
    for (const line of lines) if (line !== '') into.add(line.replaceAll('\0', ' ').trim())
    await delay(50)
  }
}
