// infra/kafka/docker-compose-kafka.yml on a container engine, under a project name, ports and volumes of its own.
import { fileURLToPath } from 'node:url'
import { run, type ToolResult } from '@selfmonitor/apache'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { freePorts } from '../../support/ports.ts'
import { composeCommand, missingEngine } from './engine.ts'

const root = fileURLToPath(new URL('../../..', import.meta.url))
const images = [
  process.env.KAFKA_IMAGE ?? 'confluentinc/cp-kafka:8.3.2',
  process.env.SCHEMA_REGISTRY_IMAGE ?? 'confluentinc/cp-schema-registry:8.3.2',
  process.env.SELFMONITOR_IMAGE ?? 'registry.selfmonitor.com/streams/selfmonitor:0.1.0',
]
const missing = missingEngine(images)
const megabyte = 1024 * 1024

describe.skipIf(missing !== null)(`the Compose file${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  const project = `selfmonitor-test-${process.pid}`
  const env: NodeJS.ProcessEnv = { ...process.env, COMPOSE_PROJECT_NAME: project }
  const kafka = (): Kafka =>
    new Kafka({
      brokers: [`127.0.0.1:${env.KAFKA_PORT}`],
      logLevel: logLevel.NOTHING,
      retry: { retries: 20, maxRetryTime: 3000 },
    })

  async function succeeded(result: Promise<ToolResult>): Promise<string> {
    const { exitCode, stdout, stderr } = await result
    expect(exitCode, stdout + stderr).toBe(0)
    return stdout
  }
  function compose(...words: string[]): Promise<string> {
    const [command, ...first] = composeCommand()!
    const file = ['-f', 'infra/kafka/docker-compose-kafka.yml']
    return succeeded(run(command!, [...first, ...file, ...words], { cwd: root, env, timeoutMs: 240_000 }))
  }
  const docker = (...words: string[]): Promise<string> => succeeded(run('docker', words, { env, timeoutMs: 60_000 }))
  const container = async (service: string): Promise<string> =>
    (await docker('ps', '-aq', ...labels({ service }))).trim().split('\n')[0]!
  const labels = (values: Record<string, string>): string[] =>
    Object.entries({ project, ...values }).flatMap(([name, value]) => [
      '--filter',
      `label=com.docker.compose.${name}=${value}`,
    ])
  /** The exit code of a service that ends. */
  const ended = async (service: string): Promise<string> => (await docker('wait', await container(service))).trim()
  const selfmonitor = (...words: string[]): Promise<ToolResult> =>
    run(process.execPath, ['--conditions=source', 'packages/cli/src/main.ts', ...words], {
      cwd: root,
      env: {
        ...process.env,
        KAFKA_BOOTSTRAP_SERVERS: `127.0.0.1:${env.KAFKA_PORT}`,
        SCHEMA_REGISTRY_URL: `http://127.0.0.1:${env.SCHEMA_REGISTRY_PORT}`,
      },
      timeoutMs: 60_000,
    })

  beforeAll(async () => {
    const ports = await freePorts(4)
    for (const name of ['KAFKA_PORT', 'KAFKA_2_PORT', 'KAFKA_3_PORT', 'SCHEMA_REGISTRY_PORT'] as const) {
      env[name] = String(ports.pop())
    }
    await compose('up', '-d', 'kafka', 'schema-registry', 'setup')
  }, 300_000)
  afterAll(async () => {
    await compose('--profile', 'cluster', 'down', '-v')
  }, 120_000)

  it('starts a broker and a registry with platform.yaml applied, reachable from this machine', {
    timeout: 120_000,
  }, async () => {
    expect(await ended('setup')).toBe('0')
    expect(await selfmonitor('plan')).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('No changes') })
  })

  it('opens its ports to this machine only, and may not take more than 1.5 GB', async () => {
    const ids = (await docker('ps', '-aq', ...labels({}))).trim().split('\n')
    const found = JSON.parse(await docker('inspect', ...ids)) as {
      HostConfig: { Memory: number; ReadonlyRootfs: boolean; PortBindings: Record<string, { HostIp: string }[]> | null }
      Config: { User: string }
    }[]
    expect(found).toHaveLength(3)
    const addresses = found.flatMap(({ HostConfig }) => Object.values(HostConfig.PortBindings ?? {}).flat())
    expect(addresses.map(({ HostIp }) => HostIp)).toEqual(['127.0.0.1', '127.0.0.1'])
    const limits = found.map(({ HostConfig }) => HostConfig.Memory)
    expect(limits).not.toContain(0)
    expect(limits.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(1.5 * 1024 * megabyte)
    expect(found.every(({ HostConfig }) => HostConfig.ReadonlyRootfs)).toBe(true)
  })

  it.each(['snappy', 'zstd', 'lz4', 'gzip'])(
    'stores records that a topic compresses by %s, and gives them back',
    {
      timeout: 120_000,
    },
    async (compression) => {
      const topic = `compressed-${compression}`
      expect(
        await selfmonitor('topics', 'create', topic, '--yes', '-c', `compression.type=${compression}`),
      ).toMatchObject({
        exitCode: 0,
      })
      // The broker compresses, and so does the producer in the container: both unpack a native library under /tmp.
      const broker = await container('kafka')
      const server = '--bootstrap-server kafka:29092'
      const producer = `echo "${compression}" | kafka-console-producer ${server} --topic ${topic} --compression-codec ${compression}`
      await docker('exec', '-e', 'KAFKA_HEAP_OPTS=-Xmx96m', broker, 'bash', '-c', producer)
      const consumer = `kafka-console-consumer ${server} --topic ${topic} --from-beginning --max-messages 1 --timeout-ms 30000`
      expect(await docker('exec', '-e', 'KAFKA_HEAP_OPTS=-Xmx96m', broker, 'bash', '-c', consumer)).toBe(
        `${compression}\n`,
      )
    },
  )

  it('keeps what was acknowledged when the broker is killed, and when the containers are removed', {
    timeout: 240_000,
  }, async () => {
    await produce('before')
    await docker('kill', await container('kafka'))
    await compose('up', '-d', 'kafka', 'schema-registry', 'setup')
    await produce('after the kill')
    await compose('down')
    await compose('up', '-d', 'kafka', 'schema-registry', 'setup')
    expect(await ended('setup')).toBe('0')
    expect(await consume(2)).toEqual(['before', 'after the kill'])
  })

  it('refuses another cluster id for its volume, and says what to do', { timeout: 120_000 }, async () => {
    const mounted = ['--rm', '--no-deps', '-T', '-e', 'CLUSTER_ID=AAAAAAAAAAAAAAAAAAAAAA']
    await compose('stop', 'kafka')
    const [command, ...first] = composeCommand()!
    const refused = await run(
      command!,
      [...first, '-f', 'infra/kafka/docker-compose-kafka.yml', 'run', ...mounted, 'kafka'],
      { cwd: root, env, timeoutMs: 60_000 },
    )
    expect(refused).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(
        /belongs to cluster \S+, but CLUSTER_ID is A+: set CLUSTER_ID to \S+, or delete the volumes/,
      ),
    })
    await compose('up', '-d', 'kafka', 'schema-registry')
  })

  it('grows to three brokers with the profile cluster: internal topics have three replicas, one broker may go', {
    timeout: 240_000,
  }, async () => {
    const brokers = ['kafka', 'schema-registry', 'kafka-2', 'kafka-3']
    await compose('--profile', 'cluster', 'up', '-d', ...brokers, 'cluster')
    expect(await ended('cluster')).toBe('0')
    const { topics } = JSON.parse(
      `{"topics":${(await selfmonitor('topics', 'list', '--internal', '-o', 'json')).stdout}}`,
    )
    const replicas = Object.fromEntries(
      topics.map(({ name, replicationFactor }: { name: string; replicationFactor: number }) => [
        name,
        replicationFactor,
      ]),
    )
    expect(replicas).toMatchObject({ __consumer_offsets: 3, _schemas: 3, 'user.events': 1 })
    await compose('stop', 'kafka-2')
    expect(await consume(2)).toEqual(['before', 'after the kill'])
    // Back to one broker, with the same data: node 1 is the only controller.
    await compose('stop', 'kafka-3')
    expect(await consume(2)).toEqual(['before', 'after the kill'])
  })

  async function produce(value: string): Promise<void> {
    const producer = kafka().producer()
    await producer.connect()
    await producer.send({ topic: 'system.events', acks: -1, messages: [{ key: 'one key', value }] })
    await producer.disconnect()
  }

  async function consume(count: number): Promise<string[]> {
    const consumer = kafka().consumer({ groupId: `test-${Date.now()}`, retry: { retries: 20, maxRetryTime: 3000 } })
    await consumer.connect()
    await consumer.subscribe({ topic: 'system.events', fromBeginning: true })
    const values: string[] = []
    await new Promise<void>((resolve, reject) => {
      consumer.on('consumer.crash', ({ payload }) => reject(payload.error))
      consumer
        .run({
          eachMessage: async ({ message }) => {
            values.push(String(message.value))
            if (values.length === count) resolve()
          },
        })
        .catch(reject)
    })
    await consumer.disconnect()
    return values
  }
})
