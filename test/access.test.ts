// Accounts and ACLs on a real, secured Apache Kafka: the SelfMonitor platform applied by the command, and what each account
// may then do, tried with Kafka's own tools (librdkafka before 2.6.1, which Debian's kcat has, cannot do SCRAM with Kafka 4); the library
// with nothing but a service's own rights.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fetchDistribution, type KafkaDistribution, runTool, type ToolName } from '@selfmonitor/apache'
import { type Broker, startBroker } from '@selfmonitor/broker'
import { connectEvents, deadLetterTopic, PermanentError } from '@selfmonitor/events'
import { deadLetterTopicOf } from '@selfmonitor/platform'
import { type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import { selfmonitor } from '../packages/cli/src/test-io.ts'
import { type SecureApache, startSecureApache } from './support/secure-apache.ts'
import { missingTool } from './support/tools.ts'

const root = resolve(import.meta.dirname, '..')
const services = [
  'user-service',
  'payment-service',
  'analytics-service',
  'fraud-detection',
  'notification-service',
  'audit-service',
  'ml-service',
  'document-service',
  'compliance-service',
  'integration-service',
  'platform-operations',
]
const quiet = { debug() {}, info() {}, warn() {}, error() {} }

it('names dead letters in the platform file as the library does', () => {
  expect(deadLetterTopicOf('user.events')).toBe(deadLetterTopic('user.events'))
})

const missing = 'missing' in inject('apache') || missingTool('openssl', 'version') !== null

describe.skipIf(missing)('the platform of SelfMonitor on a secured Kafka', () => {
  let kafka: SecureApache
  let broker: Broker
  let registry: RegistryServer
  let distribution: KafkaDistribution
  let dir: string
  let secrets: string
  let admin: string
  const passwordOf = (name: string) => readFileSync(join(secrets, name), 'utf8').trim()

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'selfmonitor-access-'))
    secrets = join(dir, 'secrets')
    mkdirSync(secrets)
    for (const name of services) {
      writeFileSync(join(secrets, name), `password-of-${name}\n`)
    }
    // One broker instead of three; everything else is the committed production environment.
    const text = readFileSync(join(root, 'platform.yaml'), 'utf8')
    writeFileSync(
      join(dir, 'platform.yaml'),
      text.replaceAll(
        'defaults: { replication: 3, config: { min.insync.replicas: 2 } }',
        'defaults: { replication: 1 }',
      ),
    )
    cpSync(join(root, 'schemas'), join(dir, 'schemas'), { recursive: true })
    distribution = await fetchDistribution()
    // The registry's own topic is elsewhere: this is about the accounts of the services.
    broker = await startBroker()
    registry = await startRegistry({ bootstrapServers: broker.bootstrapServers, port: 0 })
    kafka = await startSecureApache()
    admin = await kafka.clientProperties(kafka.admin)
  })
  afterAll(async () => {
    await kafka?.close()
    await registry?.close()
    await broker?.close()
    rmSync(dir, { recursive: true, force: true })
  })

  const command = (words: readonly string[], env: Readonly<Record<string, string>> = {}) =>
    selfmonitor([...words, '--command-config', admin, '--registry-url', registry.url], {
      cwd: dir,
      env: { SELFMONITOR_ENV: 'production', SELFMONITOR_PASSWORDS: secrets, ...env },
    })

  async function tool(name: ToolName, as: string, args: readonly string[], stdin?: string): Promise<string> {
    const user = as === 'admin' ? kafka.admin : { name: as, password: passwordOf(as) }
    const config = await kafka.clientProperties(user)
    const done = await runTool(
      distribution,
      name,
      ['--bootstrap-server', kafka.bootstrapServers, '--command-config', config, ...args],
      stdin === undefined ? {} : { stdin },
    )
    return `${done.exitCode} ${done.stdout}${done.stderr}`
  }

  /** What Kafka's own producer says when it writes a line; nothing when it is taken. It is idempotent unless told otherwise. */
  const write = async (as: string, topic: string, line: string) =>
    (await tool('kafka-console-producer', as, ['--topic', topic, '--sync'], `${line}\n`)).replace(/^0 >+/, '0 ').trim()

  const read = (as: string, group: string, topic: string) =>
    tool('kafka-console-consumer', as, [
      ...['--group', group, '--topic', topic, '--from-beginning', '--max-messages', '1', '--timeout-ms', '20000'],
    ])

  it('is planned, applied without a terminal, and then there is nothing to do', async () => {
    const before = await command(['plan'])
    expect(before.stderr).toBe('')
    expect(before.code).toBe(3)
    expect(before.stdout).toContain('+ user     payment-service')
    expect(before.stdout).toContain('\n136 to create, 0 to change, 0 to delete (environment production')

    const applied = await command(['apply', '--yes', '--confirm', 'production'])
    expect(applied.stderr).toContain('done 1 of 136: + topic user.events\n')
    expect(applied.stderr).toMatch(/\ndone 136 of 136: \+ acl User:\S+ topic \S+\n$/)
    expect(applied).toMatchObject({ code: 0, stdout: '136 changes applied.\n' })
    expect(`${before.stdout}${applied.stderr}`).not.toContain('password-of')

    const again = await command(['apply', '--confirm', 'production'])
    expect(again).toMatchObject({ code: 0, stdout: '', stderr: expect.stringMatching(/^No changes/) })
    expect(await command(['plan'])).toMatchObject({ code: 0 })
  })

  it('gives an account the rules that Kafka lists for it, and no others', async () => {
    const listed = await tool('kafka-acls', 'admin', ['--list', '--principal', 'User:fraud-detection'])
    const rules: string[] = []
    let resource = ''
    for (const line of listed.split('\n')) {
      const found = /resourceType=(\w+), name=(\S+), patternType=(\w+)/.exec(line)
      const rule = /operation=(\w+), permissionType=(\w+)/.exec(line)
      if (found) resource = `${found[1]} ${found[2]} ${found[3]}`
      if (rule) rules.push(`${resource} ${rule[2]} ${rule[1]}`)
    }
    expect([...new Set(rules)].sort()).toEqual([
      'GROUP fraud-detection LITERAL ALLOW READ',
      'TOPIC fraud.alerts LITERAL ALLOW DESCRIBE',
      'TOPIC fraud.alerts LITERAL ALLOW WRITE',
      'TOPIC transaction.events LITERAL ALLOW DESCRIBE',
      'TOPIC transaction.events LITERAL ALLOW READ',
      'TOPIC transaction.events.dlq LITERAL ALLOW DESCRIBE',
      'TOPIC transaction.events.dlq LITERAL ALLOW WRITE',
      'TOPIC user.events LITERAL ALLOW DESCRIBE',
      'TOPIC user.events LITERAL ALLOW READ',
      'TOPIC user.events.dlq LITERAL ALLOW DESCRIBE',
      'TOPIC user.events.dlq LITERAL ALLOW WRITE',
    ])
  })

  it('lets a service write where it produces, as the idempotent producer of Kafka, and nowhere else', async () => {
    expect(await write('payment-service', 'transaction.events', 'one')).toBe('0')
    expect(await write('payment-service', 'user.events', 'two')).toMatch(
      /Not authorized to access topics: \[user\.events\]/,
    )
    expect(await write('audit-service', 'audit.events', 'three')).toMatch(
      /Not authorized to access topics: \[audit\.events\]/,
    )
    expect(await write('audit-service', 'audit.events.dlq', 'four')).toBe('0')
  })

  it('lets a service read what it consumes, in its own group, and nothing else', async () => {
    expect(await read('fraud-detection', 'fraud-detection', 'transaction.events')).toMatch(/^0 one$/m)
    expect(await read('fraud-detection', 'fraud-detection', 'audit.events')).toMatch(
      /Not authorized to access topics: \[audit\.events\]/,
    )
    expect(await read('fraud-detection', 'ml-service', 'user.events')).toMatch(
      /Not authorized to access group: ml-service/,
    )
    expect(await read('payment-service', 'payment-service', 'transaction.events')).toMatch(/Not authorized/)
  })

  it('lets only the super user delete or alter the audit log', async () => {
    for (const as of ['audit-service', 'user-service']) {
      expect(await tool('kafka-topics', as, ['--delete', '--topic', 'audit.events'])).toMatch(
        /^1 .*TopicAuthorizationException|Topic authorization failed/s,
      )
      const alter = [
        '--alter',
        '--entity-type',
        'topics',
        '--entity-name',
        'audit.events',
        '--add-config',
        'retention.ms=1',
      ]
      expect(await tool('kafka-configs', as, alter)).toMatch(/Authorization failed|AuthorizationException/)
    }
    expect(await tool('kafka-topics', 'admin', ['--describe', '--topic', 'audit.events'])).toContain(
      'retention.ms=31622400000',
    )
  })

  it('is enough for the library: a service handles, emits, and puts aside what it cannot handle', async () => {
    const connect = (service: string) =>
      connectEvents({
        service,
        schemas: null,
        bootstrapServers: kafka.bootstrapServers,
        registryUrl: registry.url,
        sasl: { mechanism: 'SCRAM-SHA-512', username: service, password: passwordOf(service) },
        tls: { ca: kafka.ca.cert },
        retry: { attempts: 1 },
        logger: quiet,
      })
    const users = await connect('user-service')
    const fraud = await connect('fraud-detection')
    const handled: string[] = []
    fraud.on('user.events', '*', async ({ eventType, userId }) => {
      handled.push(eventType)
      if (eventType === 'user_closed') throw new PermanentError('cannot be handled')
      await fraud.emit('fraud.alerts', 'fraud_suspected', {}, { userId })
    })
    await fraud.run()
    await users.emit('user.events', 'user_created', {}, { userId: 'u1' })
    await users.emit('user.events', 'user_closed', {}, { userId: 'u1' })
    await vi.waitFor(() => expect(fraud.stats()).toMatchObject({ emitted: 1, handled: 1, deadLettered: 1 }), 30_000)
    await expect(users.emit('fraud.alerts', 'fraud_suspected', {}, { userId: 'u1' })).rejects.toThrow()
    await Promise.all([users.close(), fraud.close()])
    expect(handled).toEqual(['user_created', 'user_closed'])
    const admins = await tool('kafka-console-consumer', 'admin', [
      ...['--topic', 'user.events.dlq', '--from-beginning', '--max-messages', '1', '--timeout-ms', '20000'],
      ...['--property', 'print.headers=true'],
    ])
    expect(admins).toContain('dlq.service:fraud-detection')
  })

  it('has its passwords changed by the files, and refuses the old ones', async () => {
    const old = passwordOf('document-service')
    writeFileSync(join(secrets, 'document-service'), 'another')
    const plan = await command(['plan'])
    expect(plan).toMatchObject({
      code: 3,
      stdout: expect.stringContaining('~ user  document-service  password another → the one in '),
    })
    expect(await command(['apply', '--confirm', 'production'])).toMatchObject({
      code: 0,
      stdout: '1 change applied.\n',
    })
    await vi.waitFor(async () => expect(await command(['plan'])).toMatchObject({ code: 0 }), 20_000)
    expect(await write('document-service', 'document.events', 'five')).toBe('0')
    writeFileSync(join(secrets, 'document-service'), old)
    expect(await write('document-service', 'document.events', 'six')).toMatch(
      /SaslAuthenticationException|Authentication failed/,
    )
    writeFileSync(join(secrets, 'document-service'), 'another')
  })

  it('is imported into a file whose plan is empty', async () => {
    expect(await command(['import', '--dir', 'imported'])).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(
        /account admin: it has no ACLs[\s\S]*Imported 18 topics, 11 accounts and 64 schemas/,
      ),
    })
    const env = { SELFMONITOR_ENV: 'development' }
    expect(await command(['plan', '-f', 'imported/platform.yaml'], env)).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^No changes/),
    })
  })

  it('is refused by clusters without an authorizer, with what to set, and reachable ones are told from others', async () => {
    const plan = (bootstrapServers: string) =>
      selfmonitor(
        ['apply', '--confirm', 'production', '--bootstrap-servers', bootstrapServers, '--registry-url', registry.url],
        {
          cwd: dir,
          env: { SELFMONITOR_ENV: 'production', SELFMONITOR_PASSWORDS: secrets },
        },
      )
    const apache = inject('apache') as { bootstrapServers: string }
    expect(await plan(apache.bootstrapServers)).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(
        /access: is acls, and this cluster has no authorizer[^\n]*set authorizer\.class\.name[\s\S]*error The plan has errors: nothing was changed\.\n[^\n]*\n$/,
      ),
    })
    expect(await plan(broker.bootstrapServers)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('does not support SCRAM accounts'),
    })
    expect(await plan('127.0.0.1:1')).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/error [^\n]*127\.0\.0\.1:1[^\n]*\n[^\n]*\n$/),
    })
    const wrong = await kafka.clientProperties({ name: 'admin2', password: 'wrong' })
    const refused = await selfmonitor(['plan', '--command-config', wrong], {
      cwd: dir,
      env: { SELFMONITOR_PASSWORDS: secrets },
    })
    expect(refused.code).toBe(4)
  })

  it('asks for a password that is missing before it changes anything', async () => {
    rmSync(join(secrets, 'ml-service'))
    const { code, stderr } = await command(['apply', '--confirm', 'production'])
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /services\.ml-service: needs the file \S+\/secrets\/ml-service with its password: it does not exist\n/,
    )
    writeFileSync(join(secrets, 'ml-service'), 'password-of-ml-service\n')
  })
})
