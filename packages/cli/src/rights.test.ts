// `acls explain`, `acls matrix` and `quotas` on a secured Apache Kafka: what the commands say is what clients may do there. And every
// verb that changes something is recorded.

import { Connection, metadataV12 } from '@platformatic/kafka'
import {
  type AclBinding,
  type AclOperation,
  type Cluster,
  connectCluster,
  loadClientProperties,
} from '@selfmonitor/cluster'
import { aclOperations } from '@selfmonitor/protocol/acl'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type SecureApache, startSecureApache } from '../../../test/support/secure-apache.ts'
import { missingTool } from '../../../test/support/tools.ts'
import { type RunResult, selfmonitor, temporaryFolder } from './test-io.ts'

const missing = 'missing' in inject('apache') || missingTool('openssl', 'version') !== null
const password = 'not-a-secret-1'
const topics = ['orders', 'pre.a', 'pre.b', 'free']

const allow = (
  principal: string,
  operation: AclOperation,
  resourceName: string,
  more: Partial<AclBinding> = {},
): AclBinding => ({
  ...{ permission: 'allow', resourceType: 'topic', pattern: 'literal', host: '*' },
  ...{ principal: `User:${principal}`, operation, resourceName },
  ...more,
})
const deny = (...of: Parameters<typeof allow>): AclBinding => ({ ...allow(...of), permission: 'deny' })
const prefixed = { pattern: 'prefixed' } as const

const rules: readonly AclBinding[] = [
  allow('reader', 'read', 'orders'),
  allow('prefix', 'write', 'pre.', prefixed),
  deny('prefix', 'write', 'pre.b'),
  allow('all', 'all', '*'),
  deny('all', 'all', 'orders'),
  allow('configs', 'alter-configs', 'orders'),
  deny('configs', 'describe-configs', 'pre.', prefixed),
  allow('configs', 'alter-configs', 'pre.a'),
  allow('here', 'read', 'orders', { host: '127.0.0.1' }),
  allow('there', 'read', 'orders', { host: '10.0.0.1' }),
  deny('*', 'delete', 'pre.b'),
  allow('blind', 'read', 'pre.a'),
  deny('blind', 'describe', 'pre.a'),
]
const people = [...new Set(rules.map(({ principal }) => principal.slice('User:'.length)))].filter(
  (name) => name !== '*',
)

describe.skipIf(missing)('rights on a secured cluster', { timeout: 90_000 }, () => {
  const folder = temporaryFolder()
  let kafka: SecureApache
  let adminConfig: string
  const cli = (...words: string[]): Promise<RunResult> =>
    selfmonitor(words, { cwd: folder.path, env: { SELFMONITOR_COMMAND_CONFIG: adminConfig } })

  beforeAll(async () => {
    kafka = await startSecureApache({ 'allow.everyone.if.no.acl.found': 'true' })
    adminConfig = await kafka.clientProperties(kafka.admin)
    const admin = await connected(kafka.admin)
    await admin.setUserPasswords(people.map((name) => ({ name, password })))
    await admin.createTopics(topics.map((name) => ({ name, partitions: 1, replicationFactor: 1 })))
    await admin.createAcls(rules)
    await admin.close()
  }, 120_000)
  afterAll(async () => {
    await kafka?.close()
    folder.remove()
  })

  const connected = async (user: { name: string; password: string }) =>
    connectCluster({
      ...loadClientProperties(await kafka.clientProperties(user)).options,
      timeoutMs: 15_000,
    } as Parameters<typeof connectCluster>[0])

  /** What the broker itself says that an account may do (KIP-430); null for a topic that it may not describe. */
  async function told(name: string, topic: string): Promise<Set<AclOperation> | null> {
    const [host, port] = kafka.saslPlainServers.split(':')
    const connection = new Connection('test', {
      sasl: { mechanism: 'SCRAM-SHA-512', username: name, password },
    } as ConstructorParameters<typeof Connection>[1])
    await connection.connect(host!, Number(port))
    try {
      const answer = await metadataV12.api.async(connection, [topic], false, true)
      const bits = answer.topics[0]!.topicAuthorizedOperations
      const found = (Object.keys(aclOperations) as AclOperation[]).filter(
        (one) => (bits & (1 << aclOperations[one])) !== 0,
      )
      return new Set(found)
    } catch (error) {
      expect(JSON.stringify(error)).toContain('"errorCode":29')
      return null
    } finally {
      await connection.close()
    }
  }

  async function explained(name: string) {
    const words = topics.flatMap((topic) => ['--topic', topic])
    const more = ['--host', '127.0.0.1', '--allow-everyone', '-o', 'json']
    const { stdout } = await cli('acls', 'explain', `User:${name}`, ...words, ...more)
    return JSON.parse(stdout) as { resourceName: string; operation: AclOperation; isAllowed: boolean }[]
  }

  it('are explained as the broker has them', async () => {
    for (const name of people) {
      const rows = await explained(name)
      for (const topic of topics) {
        const ours = rows.filter((row) => row.resourceName === topic && row.isAllowed).map(({ operation }) => operation)
        const theirs = await told(name, topic)
        if (theirs === null) expect(ours, `${name} ${topic}`).not.toContain('describe')
        else expect(ours.toSorted(), `${name} ${topic}`).toEqual([...theirs].sort())
      }
    }
  })

  it('are those that clients have: to read and to write', async () => {
    for (const name of people) {
      const client = await connected({ name, password })
      const rows = await explained(name)
      for (const topic of topics) {
        const may = (operation: AclOperation): boolean =>
          rows.some((row) => row.resourceName === topic && row.operation === operation && row.isAllowed)
        const reads = await succeeds(async () => {
          for await (const _ of client.read([{ topic, partition: 0, next: 0n, end: 1n }], {
            policy: { outOfRange: 'nearest' },
          }))
            break
        })
        // A reader also looks up where the partition is.
        expect(reads, `${name} reads ${topic}`).toBe(may('read') && may('describe'))
        const writes = await succeeds(async () => {
          const appender = await client.appendBatches()
          try {
            const producer = { producerId: -1n, producerEpoch: -1, baseSequence: -1 }
            await appender.append(topic, 0, encodeBatch([{ value: Buffer.from('x'), timestamp: 1n }], producer))
          } finally {
            await appender.close()
          }
        })
        expect(writes, `${name} writes ${topic}`).toBe(may('write') && may('describe'))
      }
      await client.close()
    }
  })

  it('where no rule names a resource are those of allow.everyone.if.no.acl.found', async () => {
    const words = ['acls', 'explain', 'User:reader', '--group', 'nightly', '--operation', 'describe']
    expect((await cli(...words, '--allow-everyone')).stdout).toMatch(/allowed +no rule names it/)
    const client = await connected({ name: 'reader', password })
    await expect(client.describeGroups(['nightly'])).resolves.toMatchObject([{ state: 'Dead' }])
    await client.close()
  })

  it('of super users are all, once they are named; the brokers do not tell them', async () => {
    const words = ['acls', 'explain', 'User:admin', '--topic', 'orders', '--operation', 'delete']
    const unnamed = await cli(...words)
    expect(unnamed).toMatchObject({ code: 1, stderr: expect.stringContaining('--super-user and --allow-everyone') })
    const named = await cli(...words, '--super-user', 'User:admin')
    expect(named).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/topic orders +delete +allowed +a super user\n/),
    })
  })

  it('are explained with the rule that decides and those that it overrules', async () => {
    const { stdout } = await cli('acls', 'explain', 'User:prefix', '--topic', 'pre.b', '--operation', 'write')
    expect(stdout).toContain('denied')
    expect(stdout).toContain('deny User:prefix write on topic literal pre.b from *')
    expect(stdout).toContain('overrules: allow User:prefix write on topic prefixed pre. from *')
    const elsewhere = await cli('acls', 'explain', 'User:there', '--topic', 'orders', '--operation', 'read')
    expect(elsewhere.stdout).toContain('but: allow User:there read on topic literal orders from 10.0.0.1')
  })

  it('are a matrix of topics and principals, as a table and as CSV', async () => {
    const table = await cli(
      'acls',
      'matrix',
      '--principal',
      'User:prefix',
      '--principal',
      'User:reader',
      '--allow-everyone',
    )
    expect(table.stdout).toMatch(/^TOPIC +User:prefix +User:reader\n/)
    expect(table.stdout).toMatch(/\npre\.a +write describe +-\n/)
    expect(table.stdout).toMatch(/\nfree +- +-\n/)
    const csv = await cli(
      'acls',
      'matrix',
      '--principal',
      'User:prefix',
      '--principal',
      'User:reader',
      '--topic',
      'orders',
      '-o',
      'csv',
    )
    expect(csv.stdout).toBe('topic,User:prefix,User:reader\r\norders,,read describe\r\n')
  })
})

describe.skipIf(missing)('an account with few rights', { timeout: 90_000 }, () => {
  const folder = temporaryFolder()
  let kafka: SecureApache
  let admin: Cluster
  const as = async (user: { name: string; password: string }, words: string[], env: Record<string, string> = {}) =>
    selfmonitor(words, {
      cwd: folder.path,
      env: { SELFMONITOR_COMMAND_CONFIG: await kafka.clientProperties(user), ...env },
    })
  const clerk = { name: 'clerk', password }

  beforeAll(async () => {
    kafka = await startSecureApache()
    const { options } = loadClientProperties(await kafka.clientProperties(kafka.admin))
    admin = connectCluster({ ...options, timeoutMs: 15_000 } as Parameters<typeof connectCluster>[0])
    await admin.setUserPasswords([clerk])
    const topic = { partitions: 1, replicationFactor: 1 }
    await admin.createTopics(['trail', 'shop', 'shop.dlq', 'repair'].map((name) => ({ name, ...topic })))
    const journal = '_selfmonitor-dead-letters'
    await admin.createAcls([
      ...[allow('clerk', 'read', 'trail'), allow('clerk', 'read', 'shop.dlq'), allow('clerk', 'describe', 'shop')],
      ...[allow('clerk', 'write', 'repair'), allow('clerk', 'describe-configs', '*')],
      ...(['create', 'read', 'write'] as const).map((operation) => allow('clerk', operation, journal)),
    ])
  }, 120_000)
  afterAll(async () => {
    await admin?.close()
    await kafka?.close()
    folder.remove()
  })

  it('that may not read the retention of the trail does not call it sound when records are gone', async () => {
    await admin.createAcls([deny('clerk', 'describe-configs', 'trail')])
    const trail = { SELFMONITOR_AUDIT: 'trail' }
    for (const name of ['a', 'b']) await as(kafka.admin, ['topics', 'create', name, '--yes'], trail)
    expect(await as(clerk, ['audit', 'verify'], trail)).toMatchObject({ code: 0 })
    await admin.deleteRecords([{ topic: 'trail', partition: 0, offset: 1n }])
    expect(await as(clerk, ['audit', 'verify'], trail)).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^not verified: 1 record at the beginning is gone.*AUTHORIZATION_FAILED/),
    })
  })

  it('that may not write to the origin of letters sends them elsewhere', async () => {
    const appender = await admin.appendBatches()
    const headers = [{ key: 'dlq.original.topic', value: Buffer.from('shop') }]
    const letters = [{ value: Buffer.from('x'), headers, timestamp: BigInt(Date.now()) }]
    await appender.append('shop.dlq', 0, encodeBatch(letters, { ...(await admin.initProducer()), baseSequence: 0 }))
    await appender.close()
    const refused = await as(clerk, ['dlq', 'replay', 'shop.dlq', '--yes'])
    expect(refused).toMatchObject({
      code: 4,
      stderr: expect.stringMatching(/shop\.dlq\/0\/0 cannot be sent to shop: [\s\S]*--to <topic>/),
    })
    const sent = await as(clerk, ['dlq', 'replay', 'shop.dlq', '--to', 'repair', '--yes'])
    expect(sent).toMatchObject({ code: 0, stdout: expect.stringMatching(/sent +1\n/) })
  })
})

async function succeeds(work: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    expect((error as { code?: string }).code).toMatch(/AUTHORIZATION_FAILED|UNKNOWN_TOPIC/)
    return false
  }
}
