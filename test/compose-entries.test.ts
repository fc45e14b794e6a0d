// The programs beside the Compose file, started as a person starts them: by Node, from their folder, without options.
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

describe('infra/kafka/disaster-recovery.ts', () => {
  let broker: Broker
  let folder: string
  beforeAll(async () => {
    broker = await startBroker()
    folder = mkdtempSync(join(tmpdir(), 'recovery-'))
    // What an S3 sink connector has written of two days.
    for (const [day, offset] of [
      ['01', 0],
      ['02', 3],
    ] as const) {
      const path = join(folder, `topics/user.events/year=2024/month=01/day=${day}`)
      mkdirSync(path, { recursive: true })
      const lines = [0, 1, 2].map((at) => `{"number":${offset + at}}\n`)
      writeFileSync(join(path, `user.events+0+000000000${offset}.json`), lines.join(''))
    }
  })
  afterAll(async () => {
    await broker.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const recover = (more: readonly string[] = [], cwdOfScript = cwd, script = 'disaster-recovery.ts') => {
    const documented = ['--source', `${folder}/user.events`, '--target', 'user.events.restored', '--date', '2024-01-01']
    const ports = { KAFKA_PORT: broker.bootstrapServers.split(':')[1]! }
    return node([script, ...documented, ...more], { cwd: cwdOfScript, env: { ...env, ...ports } })
  }
  async function topics(): Promise<string[]> {
    const admin = new Kafka({ brokers: [broker.bootstrapServers], logLevel: logLevel.NOTHING }).admin()
    await admin.connect()
    const names = await admin.listTopics()
    await admin.disconnect()
    return names
  }

  it('restores a topic up to the end of a day, and a second time fails without a change', {
    timeout: 60_000,
  }, async () => {
    const preview = await recover(['--dry-run'])
    expect(preview, preview.stderr).toMatchObject({ exitCode: 0, stdout: '' })
    expect(await topics()).not.toContain('user.events.restored')
    const restored = await recover()
    expect(restored, restored.stderr).toMatchObject({ exitCode: 0 })
    expect(restored.stdout).toMatch(/^restored: 3 records in 1 partition, read back and equal/)
    expect(await topics()).toContain('user.events.restored')
    const again = await recover()
    expect(again.exitCode).toBe(1)
    expect(again.stderr).toContain('topic user.events.restored exists in the target')
  })

  it('finds the command as the image has it', { timeout: 60_000 }, async () => {
    const image = mkdtempSync(join(tmpdir(), 'image-'))
    mkdirSync(join(image, 'node_modules'))
    copyFileSync(join(cwd, 'disaster-recovery.ts'), join(image, 'disaster-recovery.ts'))
    symlinkSync(fileURLToPath(new URL('../packages/cli', import.meta.url)), join(image, 'node_modules/selfmonitor'))
    const preview = await recover(['--dry-run', '--resume'], image)
    rmSync(image, { recursive: true })
    expect(preview, preview.stderr).toMatchObject({ exitCode: 0 })
    expect(preview.stderr).toContain('From the files of a sink connector')
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
