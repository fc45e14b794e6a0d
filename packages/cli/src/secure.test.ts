// The commands against a secured Apache Kafka: connected by Kafka's own client.properties, operating accounts and ACLs.
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { type SecureApache, startSecureApache } from '../../../test/support/secure-apache.ts'
import { missingTool } from '../../../test/support/tools.ts'
import { type RunResult, selfmonitor, temporaryFolder } from './test-io.ts'

const schemas = fileURLToPath(new URL('../../../schemas/', import.meta.url))
const missing = 'missing' in inject('apache') || missingTool('openssl', 'version') !== null

describe.skipIf(missing)('the commands on a secured cluster', { timeout: 60_000 }, () => {
  const folder = temporaryFolder()
  let kafka: SecureApache
  // The registry's own topic is elsewhere: this is about the commands' connections.
  let broker: Broker
  let registry: RegistryServer
  let adminConfig: string
  /** As the admin, whose file the environment names. */
  const cli = (
    words: readonly string[],
    more: { env?: Record<string, string>; stdin?: string } = {},
  ): Promise<RunResult> =>
    selfmonitor(words, {
      cwd: folder.path,
      stdin: more.stdin,
      env: { SELFMONITOR_COMMAND_CONFIG: adminConfig, SCHEMA_REGISTRY_URL: registry.url, ...more.env },
    })

  beforeAll(async () => {
    kafka = await startSecureApache()
    adminConfig = await kafka.clientProperties(kafka.admin)
    broker = await startBroker()
    registry = await startRegistry({ bootstrapServers: broker.bootstrapServers, port: 0 })
  }, 120_000)
  afterAll(async () => {
    await registry?.close()
    await broker?.close()
    await kafka?.close()
    folder.remove()
  })

  it('connect with the file of client settings, which an option names or the environment', async () => {
    const words = ['users', 'list', '-o', 'name']
    expect(await cli(words)).toMatchObject({ code: 0, stdout: 'admin\n' })
    const asked = await cli([...words, '--command-config', adminConfig], {
      env: { SELFMONITOR_COMMAND_CONFIG: '/gone' },
    })
    expect(asked).toMatchObject({ code: 0, stdout: 'admin\n' })
  })

  it('take the address of the file before that of the environment, and the one given before both', async () => {
    const env = { KAFKA_BOOTSTRAP_SERVERS: '127.0.0.1:1' }
    expect((await cli(['users', 'list'], { env })).code).toBe(0)
    const given = await cli(['users', 'list', '--bootstrap-servers', '127.0.0.1:2'])
    expect(given).toMatchObject({ code: 4, stderr: expect.stringContaining('127.0.0.1:2, from --bootstrap-servers') })
  })

  it('exit with 4 and a remedy for a wrong password, a missing file of settings, and a port that requires TLS', async () => {
    const wrong = await kafka.clientProperties({ name: 'mallory', password: 'not-the-password' })
    const refused = await cli(['topics', 'list', '--command-config', wrong])
    expect(refused).toMatchObject({ code: 4, stderr: expect.stringContaining('refused the credentials') })
    expect(refused.stderr).not.toContain('not-the-password')

    const plain = await cli(['topics', 'list', '--bootstrap-servers', kafka.mutualServers], {
      env: { SELFMONITOR_COMMAND_CONFIG: '' },
    })
    expect(plain.code).toBe(4)
    expect(plain.stderr).toMatch(/connected without TLS[\s\S]*security\.protocol=SSL[\s\S]*--command-config/)

    const gone = await cli(['topics', 'list', '--command-config', 'gone.properties'])
    expect(gone).toMatchObject({ code: 2, stderr: expect.stringMatching(/gone\.properties: there is no such file/) })

    writeFileSync(
      join(folder.path, 'no-store.properties'),
      'security.protocol=SSL\nssl.truststore.type=PEM\nssl.truststore.location=/gone/ca.crt\n',
    )
    const store = await cli(['topics', 'list', '--command-config', 'no-store.properties'])
    expect(store).toMatchObject({ code: 2, stderr: expect.stringContaining('/gone/ca.crt') })
  })

  it('create an account after a yes, refuse it twice, change its password, delete it', async () => {
    writeFileSync(join(folder.path, 'first'), 'first\n')
    const create = ['users', 'create', 'billing', '--password-file', 'first']
    const unasked = await cli(create)
    expect(unasked).toMatchObject({ code: 2, stdout: '' })
    expect(unasked.stderr).toMatch(/\+ billing: SCRAM-SHA-512[\s\S]*Pass --yes/)
    const created = await cli([...create, '--yes'])
    expect(created).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^USER +MECHANISMS +ITERATIONS\nbilling +SCRAM-SHA-512 +8192\n$/),
    })
    expect(await cli([...create, '--yes'])).toMatchObject({ code: 1, stderr: expect.stringContaining('set-password') })
    const login = async (password: string) =>
      (await cli(['topics', 'list', '--command-config', await kafka.clientProperties({ name: 'billing', password })]))
        .code
    await vi.waitUntil(async () => (await login('first')) === 0, { timeout: 10_000 })

    const change = ['users', 'set-password', 'billing', '--yes', '-o', 'json', '--password-file', '-']
    expect(await cli(change, { stdin: 'second\n' })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('"billing"'),
    })
    await vi.waitUntil(async () => (await login('second')) === 0, { timeout: 10_000 })
    expect(await login('first')).toBe(4)

    expect(await cli(['users', 'delete', 'biling', '--yes'])).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Did you mean billing?'),
    })
    expect(await cli(['users', 'delete', 'billing', '--yes', '-o', 'name'])).toMatchObject({
      code: 0,
      stdout: 'billing\n',
    })
    expect((await cli(['users', 'list', '-o', 'name'])).stdout).toBe('admin\n')
  })

  it('do not delete the account they log in with, nor what was named beside it', async () => {
    await cli(['users', 'create', 'beside', '--password-file', '-', '--yes'], { stdin: 'beside' })
    expect(await cli(['users', 'delete', 'beside', 'admin', '--yes'])).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('admin is the account that this command logs in with'),
    })
    expect((await cli(['users', 'list', '-o', 'name'])).stdout).toBe('admin\nbeside\n')
    expect((await cli(['users', 'delete', 'beside', '--yes'])).code).toBe(0)
  })

  it('need the name typed in production', async () => {
    const words = ['users', 'create', 'prod', '--env', 'production']
    const audit = { SELFMONITOR_AUDIT: 'none: this cluster has no topic for it' }
    const env = { SELFMONITOR_PASSWORD: 'from-the-environment', ...audit }
    expect(await cli([...words, '--yes'], { env })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--confirm prod'),
    })
    expect((await cli([...words, '--confirm', 'prod'], { env })).code).toBe(0)
    const removed = await cli(['users', 'delete', 'prod', '--env', 'production', '--confirm', 'prod'], { env: audit })
    expect(removed.code).toBe(0)
  })

  it('add ACLs, show whom they let in, and delete them', async () => {
    const words = ['--allow-principal', 'User:shop', '--operation', 'read,describe', '--topic', 'orders.']
    const added = await cli(['acls', 'create', ...words, '--pattern', 'prefixed', '--yes'])
    expect(added).toMatchObject({ code: 0, stdout: '', stderr: expect.stringContaining('Added 2 ACLs.') })
    expect(added.stderr).toMatch(/User:shop +allow +read +topic +prefixed +orders\. +\*/)
    const again = await cli(['acls', 'create', ...words, '--pattern', 'prefixed', '--yes', '-o', 'json'])
    expect(again).toMatchObject({ code: 0, stdout: '[]\n' })

    expect((await cli(['acls', 'list', '--topic', 'orders.eu'])).stderr).toContain('No ACLs of that kind.')
    expect((await cli(['acls', 'list', '--topic', 'orders.eu', '--match', '-o', 'name'])).stdout).toBe(
      'allow User:shop describe on topic prefixed orders. from *\nallow User:shop read on topic prefixed orders. from *\n',
    )
    expect(await cli(['acls', 'delete', '--yes'])).toMatchObject({ code: 2 })
    const one = ['acls', 'delete', '--principal', 'User:shop', '--operation', 'read', '--yes']
    expect(await cli(one)).toMatchObject({ code: 0, stderr: expect.stringContaining('Deleted 1 ACL.') })
    expect(await cli(one)).toMatchObject({ code: 1, stderr: expect.stringContaining('No ACLs match') })
    const rest = JSON.parse((await cli(['acls', 'list', '-o', 'json'])).stdout)
    expect(rest).toEqual([
      expect.objectContaining({ operation: 'describe', resourceName: 'orders.', pattern: 'prefixed' }),
    ])
    expect((await cli(['acls', 'delete', '--principal', 'User:shop', '--yes'])).code).toBe(0)
  })

  it('exit with 4 when the account lacks a right', async () => {
    await cli(['users', 'create', 'guest', '--password-file', '-', '--yes'], { stdin: 'guest' })
    const guest = ['--command-config', await kafka.clientProperties({ name: 'guest', password: 'guest' })]
    await vi.waitUntil(async () => (await cli(['topics', 'list', ...guest])).code === 0, { timeout: 10_000 })
    expect(await cli(['acls', 'list', ...guest])).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/CLUSTER_AUTHORIZATION_FAILED[\s\S]*Grant this principal/),
    })
    expect((await cli(['users', 'delete', 'guest', '--yes'])).code).toBe(0)
  })

  it('emit and tail events over the same connection settings', async () => {
    cpSync(schemas, join(folder.path, 'schemas'), { recursive: true })
    const defaults = 'defaults: { replication: 1, schema: "schemas/{topic}.avsc", events: "schemas/{topic}" }'
    const lines = ['version: 1', defaults, 'topics: { user.events: { partitions: 1 } }']
    writeFileSync(join(folder.path, 'platform.yaml'), `${lines.join('\n')}\n`)
    const applied = await cli(['apply', '--yes'])
    expect(applied.code, applied.stderr).toBe(0)
    const data = '{"method":"password","mfa":false,"session_id":"s-1"}'
    const emit = ['events', 'emit', 'user.events', 'user_logged_in', '--user', 'u-1', '--data', data]
    const emitted = await cli(emit)
    expect(emitted.code, emitted.stderr).toBe(0)
    const tailed = await cli(['events', 'tail', 'user.events', '--from', 'earliest', '-o', 'json'])
    expect(tailed.stdout, tailed.stderr).toContain('user_logged_in')
    expect(
      (await cli(emit, { env: { SELFMONITOR_COMMAND_CONFIG: '', KAFKA_BOOTSTRAP_SERVERS: kafka.bootstrapServers } }))
        .code,
    ).toBe(4)
  })
})
