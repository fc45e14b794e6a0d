// The two programs beside the Compose file, started as a person starts them: by Node, from their folder, without options.
import { fileURLToPath } from 'node:url'
import { type RunOptions, run } from '@selfmonitor/apache'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { Kafka, logLevel } from 'kafkajs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const cwd = fileURLToPath(new URL('../infra/kafka', import.meta.url))
/** Without the conditions that the test's own process has. */
const { NODE_OPTIONS: _, ...env } = process.env
const node = (args: readonly string[], options: RunOptions = {}) =>
  run(process.execPath, args, { cwd, env, timeoutMs: 60_000, ...options })

describe('infra/kafka/setup-kafka.ts', () => {
  let broker: Broker
  let registry: RegistryServer
  beforeAll(async () => {
    broker = await startBroker()
    registry = await startRegistry({ bootstrapServers: broker.bootstrapServers, port: 0 })
  })
  afterAll(async () => {
    await registry.close()
    await broker.close()
  })
  const addresses = () => ({
    KAFKA_PORT: broker.bootstrapServers.split(':')[1]!,
    SCHEMA_REGISTRY_PORT: new URL(registry.url).port,
  })

  it('makes the topics and schemas of platform.yaml, says so, and may be run again', { timeout: 60_000 }, async () => {
    for (const round of ['first', 'second']) {
      const result = await node(['setup-kafka.ts'], { env: { ...env, ...addresses() } })
      expect(result, `${round}: ${result.stderr}`).toMatchObject({ exitCode: 0 })
      expect(result.stderr).toMatch(/Topics created successfully\n$/)
    }
    const admin = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    expect(await admin.listTopics()).toEqual(
      expect.arrayContaining(['user.events', 'transaction.events', 'audit.events']),
    )
    await admin.disconnect()
    const subjects = await (await fetch(`${registry.url}/subjects`)).json()
    expect(subjects).toContain('user.events-value')
  })

  it('fails with the reason when Kafka is not there, and does not claim success', { timeout: 60_000 }, async () => {
    const nowhere = { KAFKA_PORT: '9', SCHEMA_REGISTRY_PORT: '9' }
    const result = await node(['setup-kafka.ts', '--wait', '1s'], { env: { ...env, ...nowhere } })
    expect(result.exitCode).toBe(4)
    expect(result.stderr).toContain('127.0.0.1:9')
    expect(result.stderr).not.toContain('success')
  })
})

describe('infra/kafka/topics-architecture.ts', () => {
  it('exports topics, schemas and consumer groups of platform.yaml', async () => {
    const source = `
      import { consumerGroups, schemas, topics } from './topics-architecture.ts'
      console.log(JSON.stringify({ consumerGroups, schemas, topics }))`
    const { exitCode, stdout, stderr } = await node(['--input-type=module', '--eval', source])
    expect(exitCode, stderr).toBe(0)
    const { consumerGroups, schemas, topics } = JSON.parse(stdout)
    expect(topics).toHaveLength(11)
    expect(topics[0]).toEqual({
      name: 'user.events',
      description: 'Registration, login, profile updates',
      partitions: 12,
      replicationFactor: 1,
      config: { 'retention.ms': '604800000' },
    })
    const [users] = schemas
    expect(users).toMatchObject({ subject: 'user.events-value', topic: 'user.events', schemaType: 'AVRO' })
    expect(JSON.parse(users.schema).type).toBe('record')
    expect(Object.keys(users.events)).toContain('user_created')
    expect(consumerGroups).toContainEqual({
      groupId: 'fraud-detection',
      service: 'fraud-detection',
      topics: ['transaction.events', 'user.events'],
    })
  })

  it('prints them as JSON, for the environment that is asked for', async () => {
    const { exitCode, stdout } = await node(['topics-architecture.ts'], {
      env: { ...env, SELFMONITOR_ENV: 'production' },
    })
    expect(exitCode).toBe(0)
    expect(JSON.parse(stdout).topics[0].replicationFactor).toBe(3)
  })
})
