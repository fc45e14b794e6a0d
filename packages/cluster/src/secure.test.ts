// Accounts, ACLs and TLS against a real Apache Kafka that has them: SCRAM, StandardAuthorizer, client certificates. Kafka's
// own kafka-configs and kafka-acls say what they see.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { fetchDistribution, runTool, type ToolName } from '@selfmonitor/apache'
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest'
import {
  type Authority,
  createAuthority,
  type SecureApache,
  startSecureApache,
} from '../../../test/support/secure-apache.ts'
import { missingTool } from '../../../test/support/tools.ts'
import { loadClientProperties } from './client-properties.ts'
import { connectCluster } from './cluster.ts'
import type { ClusterError } from './errors.ts'
import type { AclBinding, Cluster, ClusterOptions } from './types.ts'

const missing = 'missing' in inject('apache') || missingTool('openssl', 'version') !== null

describe.skipIf(missing)('a secured cluster', { timeout: 60_000 }, () => {
  let kafka: SecureApache
  let other: Authority
  let admin: Cluster
  const open: Cluster[] = []

  beforeAll(async () => {
    ;[kafka, other] = await Promise.all([startSecureApache(), createAuthority('Another CA')])
    admin = as(kafka.admin)
  }, 120_000)
  afterAll(async () => {
    await Promise.all(open.map((cluster) => cluster.close()))
    await kafka?.close()
  })

  function connect(options: Partial<ClusterOptions>): Cluster {
    const cluster = connectCluster({ bootstrapServers: kafka.bootstrapServers, timeoutMs: 20_000, ...options })
    open.push(cluster)
    return cluster
  }
  const tls = () => ({ ca: kafka.ca.cert })
  const account = ({ name, password }: { name: string; password: string }, mechanism: Mechanism = 'SCRAM-SHA-512') => ({
    mechanism,
    username: name,
    password,
  })
  type Mechanism = NonNullable<ClusterOptions['sasl']>['mechanism']
  const as = (user: { name: string; password: string }, options: Partial<ClusterOptions> = {}) =>
    connect({ tls: tls(), sasl: account(user), ...options })

  async function errorOf(promise: Promise<unknown>): Promise<ClusterError> {
    return promise.then(
      () => {
        throw new Error('it did not fail')
      },
      (error: ClusterError) => error,
    )
  }

  async function tool(name: ToolName, ...args: string[]): Promise<string> {
    const config = await kafka.clientProperties(kafka.admin)
    const words = ['--bootstrap-server', kafka.bootstrapServers, '--command-config', config, ...args]
    const { exitCode, stdout, stderr } = await runTool(await fetchDistribution(), name, words)
    expect(exitCode, stderr).toBe(0)
    return stdout
  }

  it('shows the certificate of each broker where it says it is, and why one cannot be reached', async () => {
    const [reached] = await admin.reachBrokers()
    expect(reached).toMatchObject({ problem: null, certificate: { subject: expect.stringContaining('CN=') } })
    expect(reached!.certificate!.notAfterMs).toBeGreaterThan(Date.now())
  })

  /** A new password is committed when the call returns, and the broker takes it a moment later. */
  const untilAccepted = (user: { name: string; password: string; mechanism?: 'SCRAM-SHA-256' }) =>
    vi.waitUntil(() => admin.authenticates(user), { timeout: 10_000 })

  describe('logging in', () => {
    it('works with SCRAM over TLS, by address and by name', async () => {
      const port = kafka.bootstrapServers.split(':')[1]
      for (const host of ['127.0.0.1', 'localhost']) {
        const info = await as(kafka.admin, { bootstrapServers: `${host}:${port}` }).info()
        expect(info.brokers).toHaveLength(1)
      }
    })

    it('works with the options of the client.properties that kafka-configs reads', async () => {
      const { options } = loadClientProperties(await kafka.clientProperties(kafka.admin))
      const cluster = connect(options)
      expect((await cluster.users()).map(({ name }) => name)).toContain('admin')
      expect(await tool('kafka-configs', '--describe', '--entity-type', 'users')).toContain("'admin'")
    })

    it('says at once that the password is wrong, without repeating it', async () => {
      const error = await errorOf(as({ name: 'admin', password: 'wrong-password' }, { timeoutMs: 600_000 }).info())
      expect(error).toMatchObject({
        code: 'AUTHENTICATION_FAILED',
        reason: 'not-allowed',
        resource: `broker ${kafka.bootstrapServers}`,
        hint: 'Check the user, the password and the SASL mechanism.',
      })
      expect(inspect(error, { depth: 20, showHidden: true })).not.toContain('wrong-password')
    })

    it('says the same of a user that there is not, and of one that has no such mechanism', async () => {
      const unknown = await errorOf(as({ name: 'nobody', password: 'x' }).info())
      const mechanism = await errorOf(connect({ tls: tls(), sasl: account(kafka.admin, 'SCRAM-SHA-256') }).info())
      expect([unknown.code, mechanism.code]).toEqual(['AUTHENTICATION_FAILED', 'AUTHENTICATION_FAILED'])
    })

    it('names the mechanisms of a listener that does not take this one', async () => {
      const error = await errorOf(connect({ tls: tls(), sasl: account(kafka.admin, 'PLAIN') }).info())
      expect(error).toMatchObject({ code: 'UNSUPPORTED_SASL_MECHANISM', reason: 'not-allowed' })
      expect(error.message).toMatch(/does not accept PLAIN, it accepts SCRAM-SHA-\d+, SCRAM-SHA-\d+/)
    })
  })

  describe('TLS', () => {
    const failure = async (options: Partial<ClusterOptions>) => {
      const error = await errorOf(connect({ sasl: account(kafka.admin), tls: tls(), ...options }).info())
      expect(error.message).toContain(options.bootstrapServers ?? kafka.bootstrapServers)
      expect(error.reason).toBe('cannot-connect')
      return `${error.code}: ${error.message} ${error.hint}`
    }

    it('refuses a broker whose CA is not trusted, whether that is another one or none is named', async () => {
      for (const wrong of [true, { ca: other.cert }] as const) {
        expect(await failure({ tls: wrong })).toMatch(/^TLS_FAILED: .*not trusted here.*ssl\.truststore\.location/s)
      }
    })

    it('refuses a certificate for another name, unless any name is taken', async () => {
      const servername = 'kafka.example'
      expect(await failure({ tls: { ...tls(), servername } })).toMatch(
        /^TLS_FAILED: .*kafka\.example.*DNS:localhost.*ssl\.endpoint\.identification\.algorithm/s,
      )
      const lenient = as(kafka.admin, { tls: { ...tls(), servername, verifyHostname: false } })
      expect((await lenient.info()).brokers).toHaveLength(1)
    })

    it('says that a port does not speak it', async () => {
      expect(await failure({ bootstrapServers: kafka.saslPlainServers })).toMatch(
        /^TLS_FAILED: .*does not speak TLS.*security\.protocol=PLAINTEXT or SASL_PLAINTEXT/s,
      )
    })

    it('says of a port that speaks it what to set', async () => {
      const plain = { tls: undefined, sasl: undefined }
      expect(await failure({ ...plain, bootstrapServers: kafka.mutualServers })).toMatch(
        /^TLS_FAILED: .*connected without TLS.*security\.protocol=SSL/s,
      )
      expect(await failure({ tls: undefined })).toMatch(/^CONNECTION_CLOSED: .*TLS.*security\.protocol=SASL_SSL/s)
    })

    it('names the setting for a port that requires SASL', async () => {
      expect(await failure({ sasl: undefined })).toMatch(/^CONNECTION_CLOSED: .*requires SASL/s)
    })

    it('gives a client certificate its principal, and refuses one that is missing or foreign', async () => {
      const mutual = { bootstrapServers: kafka.mutualServers, sasl: undefined }
      const mine = await kafka.ca.issue('admin')
      expect(await connect({ ...mutual, tls: { ...tls(), ...mine } }).acls()).toEqual(expect.any(Array))
      const foreign = await other.issue('admin')
      for (const wrong of [tls(), { ...tls(), ...foreign }]) {
        expect(await failure({ ...mutual, tls: wrong })).toMatch(
          /^TLS_FAILED: .*refused this client's certificate.*ssl\.keystore\.location/s,
        )
      }
    })

    it('takes the certificate from a client.properties with PEM stores, as Kafka does', async () => {
      const mine = await kafka.ca.issue('admin')
      await writeFile(join(kafka.dir, 'me.pem'), mine.key + mine.cert, { mode: 0o600 })
      await writeFile(join(kafka.dir, 'ca.pem'), kafka.ca.cert)
      const path = join(kafka.dir, 'mutual.properties')
      const stores = ['keystore', 'truststore'].map((store) => {
        const file = join(kafka.dir, store === 'keystore' ? 'me.pem' : 'ca.pem')
        return `ssl.${store}.type=PEM\nssl.${store}.location=${file}\n`
      })
      await writeFile(path, `bootstrap.servers=${kafka.mutualServers}\nsecurity.protocol=SSL\n${stores.join('')}`)
      expect((await connect(loadClientProperties(path).options).users()).map(({ name }) => name)).toContain('admin')
      const words = ['--bootstrap-server', kafka.mutualServers, '--command-config', path, '--list']
      expect((await runTool(await fetchDistribution(), 'kafka-topics', words)).exitCode).toBe(0)
    })

    it('reports that a port with certificates does not accept accounts', async () => {
      const mine = await kafka.ca.issue('admin')
      const options = { bootstrapServers: kafka.mutualServers, tls: { ...tls(), ...mine } }
      expect(await errorOf(as(kafka.admin, options).info())).toMatchObject({
        code: 'AUTHENTICATION_FAILED',
        hint: expect.stringContaining('security.protocol=SSL'),
      })
    })
  })

  describe('accounts', () => {
    it('are created, seen by kafka-configs, changed and deleted', async () => {
      await admin.setUserPasswords([
        { name: 'billing', password: 'first' },
        { name: 'billing', password: 'first', mechanism: 'SCRAM-SHA-256', iterations: 4096 },
      ])
      expect((await admin.users()).find(({ name }) => name === 'billing')).toEqual({
        name: 'billing',
        credentials: [
          { mechanism: 'SCRAM-SHA-256', iterations: 4096 },
          { mechanism: 'SCRAM-SHA-512', iterations: 8192 },
        ],
      })
      // In whichever order Kafka's own table of the two has them.
      const described = await tool('kafka-configs', '--describe', '--entity-type', 'users', '--entity-name', 'billing')
      expect(
        described
          .trim()
          .split(/ are |, /)
          .slice(1)
          .sort(),
      ).toEqual(['SCRAM-SHA-256=iterations=4096', 'SCRAM-SHA-512=iterations=8192'])
      await untilAccepted({ name: 'billing', password: 'first' })
      await untilAccepted({ name: 'billing', password: 'first', mechanism: 'SCRAM-SHA-256' })
      await as({ name: 'billing', password: 'first' }).info()

      await admin.setUserPasswords([{ name: 'billing', password: 'second' }])
      await untilAccepted({ name: 'billing', password: 'second' })
      expect(await admin.authenticates({ name: 'billing', password: 'first' })).toBe(false)
      expect(await admin.authenticates({ name: 'billing', password: 'first', mechanism: 'SCRAM-SHA-256' })).toBe(true)

      await admin.deleteUsers(['billing'])
      expect((await admin.users()).map(({ name }) => name)).not.toContain('billing')
      await vi.waitUntil(async () => !(await admin.authenticates({ name: 'billing', password: 'second' })), {
        timeout: 10_000,
      })
    })

    it('may have names and passwords of any characters', async () => {
      const user = { name: 'ops, "team"=1', password: 'pässwörd "=,; \\ 密' }
      await admin.setUserPasswords([user])
      await untilAccepted(user)
      await as(user).info()
      await admin.deleteUsers([user.name])
    })

    it('made by kafka-configs log in here', async () => {
      const config = 'SCRAM-SHA-512=[iterations=8192,password=made-by-java]'
      await tool('kafka-configs', '--alter', '--add-config', config, '--entity-type', 'users', '--entity-name', 'java')
      await untilAccepted({ name: 'java', password: 'made-by-java' })
      await admin.deleteUsers(['java'])
    })

    it('that are not there cannot be deleted, and then none is', async () => {
      await admin.setUserPasswords([{ name: 'stays', password: 'x' }])
      const error = await errorOf(admin.deleteUsers(['stays', 'nobody']))
      expect(error).toMatchObject({ code: 'RESOURCE_NOT_FOUND', resource: 'user nobody', reason: 'invalid' })
      expect((await admin.users()).map(({ name }) => name)).toContain('stays')
      await admin.deleteUsers(['stays'])
    })

    it('need a name, a password, and iterations that Kafka takes', async () => {
      const wrong = [
        { name: '', password: 'x' },
        { name: 'a', password: '' },
        { name: 'a', password: 'x', iterations: 10 },
      ]
      for (const user of wrong) {
        expect(await errorOf(admin.setUserPasswords([user]))).toMatchObject({ code: 'INVALID_ARGUMENT' })
      }
    })

    it('are tried without mistaking a failed connection for a wrong password', async () => {
      const away = as(kafka.admin, { bootstrapServers: '127.0.0.1:1', timeoutMs: 2_000 })
      expect(await errorOf(away.authenticates(kafka.admin))).toMatchObject({ code: 'CANNOT_CONNECT' })
      const untrusting = as(kafka.admin, { tls: { ca: other.cert } })
      expect(await errorOf(untrusting.authenticates(kafka.admin))).toMatchObject({ code: 'TLS_FAILED' })
    })
  })

  describe('ACLs', () => {
    const rule = (more: Partial<AclBinding>): AclBinding => ({
      ...({ resourceType: 'topic', resourceName: 'orders', pattern: 'literal' } as const),
      ...({ principal: 'User:shop', host: '*', operation: 'read', permission: 'allow' } as const),
      ...more,
    })

    it('of every kind are created, listed and deleted exactly', async () => {
      const rules = [
        rule({}),
        rule({ pattern: 'prefixed', resourceName: 'orders', permission: 'deny' }),
        rule({ resourceType: 'group', resourceName: '*', host: '10.0.0.1' }),
        rule({ resourceType: 'cluster', resourceName: 'kafka-cluster', operation: 'alter-configs' }),
        rule({ resourceType: 'transactional-id', resourceName: 'tx-', pattern: 'prefixed', operation: 'write' }),
        rule({ resourceType: 'delegation-token', resourceName: 'token', operation: 'describe' }),
        rule({ resourceType: 'user', resourceName: 'User:a', operation: 'create-tokens' }),
      ]
      await admin.createAcls(rules)
      const live = await admin.acls()
      expect(live).toHaveLength(rules.length)
      expect(live).toEqual(expect.arrayContaining(rules))
      // Once more changes nothing; one that is not there is no error; what is not named stays.
      await admin.createAcls(rules.slice(0, 1))
      await admin.deleteAcls([rules[0]!, rule({ resourceName: 'never' })])
      expect(await admin.acls()).toHaveLength(rules.length - 1)
      await admin.deleteAcls(rules)
      expect(await admin.acls()).toEqual([])
    })

    it('are what kafka-acls sees, and those of kafka-acls are seen', async () => {
      await admin.createAcls([rule({ pattern: 'prefixed', resourceName: 'orders.' })])
      expect(await tool('kafka-acls', '--list')).toMatch(
        /resourceType=TOPIC, name=orders\., patternType=PREFIXED[\s\S]*principal=User:shop, host=\*, operation=READ, permissionType=ALLOW/,
      )
      const theirs = ['--deny-principal', 'User:eve', '--deny-host', '10.1.1.1', '--operation', 'DescribeConfigs']
      await tool('kafka-acls', '--add', ...theirs, '--topic', 'orders')
      const seen = rule({ principal: 'User:eve', host: '10.1.1.1', operation: 'describe-configs', permission: 'deny' })
      await vi.waitUntil(async () => (await admin.acls()).length === 2, { timeout: 20_000 })
      expect(await admin.acls()).toContainEqual(seen)
      await admin.deleteAcls(await admin.acls())
      expect(await tool('kafka-acls', '--list')).not.toContain('User:')
    })

    it('allow a user: without a rule it is rejected with the reason, with a prefix rule it is served', async () => {
      const shop = { name: 'shop', password: 'open' }
      await admin.setUserPasswords([shop])
      await admin.createTopics([{ name: 'orders.eu', partitions: 1, replicationFactor: 1 }])
      await untilAccepted(shop)
      const cluster = as(shop)
      expect(await cluster.listTopics()).toEqual([])
      expect(await errorOf(cluster.describeTopics(['orders.eu']))).toMatchObject({
        code: 'TOPIC_AUTHORIZATION_FAILED',
        reason: 'not-allowed',
        resource: 'topic orders.eu',
        hint: expect.stringContaining('Grant this principal'),
      })
      await admin.createAcls([rule({ pattern: 'prefixed', resourceName: 'orders.' })])
      await vi.waitUntil(async () => (await cluster.listTopics()).length === 1, { timeout: 20_000 })
      expect(await cluster.describeTopics(['orders.eu'])).toHaveLength(1)
      await admin.deleteAcls(await admin.acls())
      await admin.deleteUsers(['shop'])
      await admin.deleteTopics(['orders.eu'])
    })

    it('end a reading when they are taken away, or keep it waiting, as its policy says', async () => {
      const shop = { name: 'shop', password: 'open' }
      await admin.setUserPasswords([shop])
      await admin.createTopics([{ name: 'orders.eu', partitions: 1, replicationFactor: 1 }])
      await admin.createAcls([rule({ pattern: 'prefixed', resourceName: 'orders.' })])
      await untilAccepted(shop)
      const cluster = as(shop)
      await vi.waitUntil(async () => (await cluster.listTopics()).length === 1, { timeout: 20_000 })
      const range = { topic: 'orders.eu', partition: 0, next: 0n, end: null }
      const denied = { code: 'TOPIC_AUTHORIZATION_FAILED', reason: 'not-allowed' }
      const strict = (async () => {
        for await (const event of cluster.read([range], { maxWaitMs: 50 })) expect(event.kind).not.toBe('records')
      })()
      const said: string[] = []
      const patient = (async () => {
        for await (const event of cluster.read([range], { maxWaitMs: 50, policy: { denied: 'retry' } })) {
          if (event.kind !== 'notice') continue
          said.push(event.notice.kind === 'trouble' ? event.notice.code : event.notice.kind)
          if (event.notice.kind === 'trouble')
            await admin.createAcls([rule({ pattern: 'prefixed', resourceName: 'orders.' })])
          if (event.notice.kind === 'recovered') return
        }
      })()
      const ended = errorOf(strict)
      await admin.deleteAcls(await admin.acls())
      expect(await ended).toMatchObject(denied)
      await patient
      expect(said).toEqual(['TOPIC_AUTHORIZATION_FAILED', 'recovered'])
      await admin.deleteAcls(await admin.acls())
      await admin.deleteUsers(['shop'])
      await admin.deleteTopics(['orders.eu'])
    })

    it('and accounts need rights to be read or changed', async () => {
      const guest = { name: 'guest', password: 'open' }
      await admin.setUserPasswords([guest])
      await untilAccepted(guest)
      const cluster = as(guest)
      for (const attempt of [
        () => cluster.users(),
        () => cluster.setUserPasswords([{ name: 'admin', password: 'taken-over' }]),
        () => cluster.acls(),
        () => cluster.createAcls([rule({})]),
        () => cluster.deleteAcls([rule({})]),
      ]) {
        const error = await errorOf(attempt())
        expect(error).toMatchObject({ code: 'CLUSTER_AUTHORIZATION_FAILED', reason: 'not-allowed' })
        expect(error.message).not.toContain('HeapByteBuffer')
      }
      expect(await admin.authenticates(kafka.admin)).toBe(true)
      await admin.deleteUsers(['guest'])
    })

    it('that Kafka does not take are refused with the rule in the message', async () => {
      const error = await errorOf(admin.createAcls([rule({ principal: 'shop' }), rule({ resourceType: 'cluster' })]))
      expect(error.message).toContain('on ')
      expect(error.others.length + 1).toBe(2)
      expect(await admin.acls()).toEqual([])
    })
  })
})
