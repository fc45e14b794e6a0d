// Every verb that changes something is run on a secured Apache Kafka, and has then recorded what it did.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type Cluster, connectCluster, loadClientProperties } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type SecureApache, startSecureApache } from '../../../test/support/secure-apache.ts'
import { missingTool } from '../../../test/support/tools.ts'
import { nouns } from './commands/index.ts'
import { selfmonitor, temporaryFolder } from './test-io.ts'

const missing = 'missing' in inject('apache') || missingTool('openssl', 'version') !== null
const repository = fileURLToPath(new URL('../../../', import.meta.url))

interface Drive {
  /** Behind noun and verb. */
  readonly words: readonly string[]
  /** Default: noun and verb. */
  readonly action?: string
  readonly stdin?: string
}

/** In an order in which each finds what it needs. `%s`: the embedded broker, another cluster. */
const drives: Readonly<Record<string, Drive>> = {
  setup: { words: ['--file', join(repository, 'platform.yaml'), '--yes'] },
  apply: { words: ['--file', 'platform.yaml', '--yes'] },
  'topics create': { words: ['scratch', '--yes'] },
  'topics alter': { words: ['scratch', '--set', 'retention.ms=1h', '--yes'] },
  'topics produce': { words: ['scratch', '--format', 'raw', '--yes'], stdin: 'one\n' },
  'topics purge': { words: ['scratch', '--yes'] },
  'groups reset-offsets': { words: ['nightly', '--topic', 'orders', '--to-earliest', '--execute'] },
  'groups delete': { words: ['nightly', '--yes'] },
  'users create': { words: ['billing', '--yes'] },
  'users set-password': { words: ['billing', '--yes'] },
  'users delete': { words: ['billing', '--yes'] },
  'acls create': { words: ['--allow-principal', 'User:b', '--operation', 'read', '--topic', 'orders', '--yes'] },
  'acls delete': { words: ['--principal', 'User:b', '--yes'] },
  'quotas set': { words: ['--user', 'b', '--quota', 'request_percentage=50', '--yes'] },
  'quotas delete': { words: ['--user', 'b', '--yes'] },
  'schemas register': { words: ['orders-value', 'order.avsc', '--yes'] },
  'events emit': { words: ['orders', '--key', 'k', '--data', '{"id":"personal"}'] },
  'schemas compatibility set': { words: ['FULL', 'orders-value', '--yes'], action: 'schemas.compatibility-set' },
  'schemas delete': { words: ['orders-value', '--yes'] },
  demo: { words: ['--duration', '1s'] },
  'dlq replay': { words: ['orders.dlq', '--offset', '0:0', '--yes'] },
  'dlq edit': { words: ['orders.dlq', '0', '1', '--value-file', 'letter.json', '--yes'] },
  'dlq discard': { words: ['orders.dlq', '--offset', '0:2', '--yes'] },
  restore: { words: ['--source', 'backups', '--topic', 'orders', '--target', 'orders.restored', '--yes'] },
  'drill run': { words: ['--source', 'backups', '--topic', 'orders', '--into', '%s', '--yes'] },
  'backup prune': { words: ['--target', 'backups', '--keep-last', '1', '--yes'] },
  'topics delete': { words: ['scratch', '--yes'] },
}

async function mutatingVerbs(): Promise<string[]> {
  const loaded = await Promise.all(nouns.map(({ load }) => load()))
  return loaded.flatMap((noun) =>
    noun.verbs
      .filter(({ mutates }) => mutates === true)
      .map(({ name }) => (name === noun.name ? name : `${noun.name} ${name}`)),
  )
}

describe('verbs that change a cluster or a registry', () => {
  it('have a row in the table of this test', async () => {
    const known = Object.keys(drives)
    expect((await mutatingVerbs()).filter((name) => !known.includes(name))).toEqual([])
  })
})

describe.skipIf(missing)('each of them', { timeout: 120_000 }, () => {
  const folder = temporaryFolder()
  const trail = 'trail'
  let kafka: SecureApache
  let cluster: Cluster
  let beside: Broker
  let registry: RegistryServer
  let env: Record<string, string>
  const cli = (words: readonly string[], stdin?: string) => selfmonitor(words, { cwd: folder.path, env, stdin })

  beforeAll(async () => {
    kafka = await startSecureApache()
    beside = await startBroker()
    registry = await startRegistry({ bootstrapServers: beside.bootstrapServers, port: 0 })
    const config = await kafka.clientProperties(kafka.admin)
    env = {
      SELFMONITOR_COMMAND_CONFIG: config,
      SCHEMA_REGISTRY_URL: registry.url,
      SELFMONITOR_PASSWORD: 'never-recorded-1',
      SELFMONITOR_AUDIT: trail,
    }
    const write = (name: string, text: string) => writeFileSync(join(folder.path, name), text)
    mkdirSync(join(folder.path, 'backups'))
    write('order.avsc', '{"type":"record","name":"Order","fields":[{"name":"id","type":"string"}]}')
    write('letter.json', '{"id":"mended"}')
    write('platform.yaml', 'version: 1\ntopics:\n  applied: { partitions: 1, replication: 1 }\n')
    cluster = connectCluster({ ...loadClientProperties(config).options, bootstrapServers: kafka.bootstrapServers })
    const names = [trail, 'orders', 'orders.dlq']
    await cluster.createTopics(names.map((name) => ({ name, partitions: 1, replicationFactor: 1 })))
    await cluster.commitOffsets('nightly', [{ topic: 'orders', partition: 0, to: 0n }])
    const letters = [0, 1, 2].map((offset) => ({
      value: Buffer.from('{"id":"broken"}'),
      timestamp: BigInt(Date.now()),
      headers: Object.entries({
        'dlq.original.topic': 'orders',
        'dlq.original.partition': '0',
        'dlq.original.offset': String(offset),
        'dlq.error.class': 'TypeError',
        'dlq.error.message': 'no id',
      }).map(([key, value]) => ({ key, value: Buffer.from(value) })),
    }))
    const appender = await cluster.appendBatches()
    await appender.append('orders.dlq', 0, encodeBatch(letters, { ...(await cluster.initProducer()), baseSequence: 0 }))
    await appender.close()
    for (const _ of [1, 2]) {
      expect(await cli(['backup', '--target', 'backups', '--topic', 'orders'])).toMatchObject({ code: 0 })
    }
  }, 180_000)
  afterAll(async () => {
    await cluster?.close()
    await registry?.close()
    await beside?.close()
    await kafka?.close()
    folder.remove()
  })

  it('records its intention and its outcome, and no secret', async () => {
    const verbs = await mutatingVerbs()
    for (const [verb, { words, stdin, action = verb.replaceAll(' ', '.') }] of Object.entries(drives)) {
      if (!verbs.includes(verb)) continue
      const given = words.map((word) => (word === '%s' ? beside.bootstrapServers : word))
      const { code, stderr } = await cli([...verb.split(' '), ...given], stdin)
      const found = await cli(['audit', 'search', '--action', action, '-o', 'json'])
      const recorded = JSON.parse(found.stdout).map((change: Record<string, object>) => ({
        status: change.status,
        isWhole: change.intention !== null && change.outcome !== null,
      }))
      expect({ verb, recorded }, `exit code ${code}: ${stderr}`).toEqual({
        verb,
        recorded: [{ status: 'success', isWhole: true }],
      })
    }
    const all = (await cli(['audit', 'search', '-o', 'json'])).stdout
    expect(all).toContain('"principal": "User:admin"')
    for (const secret of ['never-recorded-1', kafka.admin.password, 'personal', 'mended'])
      expect(all).not.toContain(secret)
    expect(await cli(['audit', 'verify'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^sound: \d+ records/),
    })
  })

  it('needs Write and Describe on the trail, and is refused in production without', async () => {
    await cluster.createTopics([{ name: 'rights', partitions: 1, replicationFactor: 1 }])
    const password = 'not-a-secret-1'
    await cluster.setUserPasswords(['oncall', 'outsider'].map((name) => ({ name, password })))
    const rule = (
      principal: string,
      resourceType: 'topic' | 'cluster',
      resourceName: string,
      operation: 'create' | 'write',
    ) => ({
      ...{ resourceType, resourceName, pattern: 'literal' as const, host: '*', permission: 'allow' as const },
      ...{ principal: `User:${principal}`, operation },
    })
    await cluster.createAcls([
      rule('oncall', 'cluster', 'kafka-cluster', 'create'),
      rule('outsider', 'cluster', 'kafka-cluster', 'create'),
      // Write implies Describe.
      rule('oncall', 'topic', 'rights', 'write'),
    ])
    const as = async (name: string, topic: string) => {
      const config = await kafka.clientProperties({ name, password })
      const words = ['topics', 'create', topic, '-p', '1', '-r', '1', '--env', 'production', '--confirm', topic]
      const more = { SELFMONITOR_COMMAND_CONFIG: config, SELFMONITOR_AUDIT: 'rights' }
      return await selfmonitor(words, { cwd: folder.path, env: { ...env, ...more } })
    }
    const refused = await as('outsider', 'from-outside')
    expect(refused.stderr).toMatch(/Nothing was changed[\s\S]*needs Write and Describe on rights/)
    await as('oncall', 'from-oncall')
    const names = (await cluster.listTopics()).map(({ name }) => name)
    expect(names).toContain('from-oncall')
    expect(names).not.toContain('from-outside')
    // The first record had none before it.
    const verified = await selfmonitor(['audit', 'verify'], {
      cwd: folder.path,
      env: { ...env, SELFMONITOR_AUDIT: 'rights' },
    })
    expect(verified.stdout).toMatch(/^sound: 2 records[\s\S]*1 record by accounts that may not read rights/)
  })
})
