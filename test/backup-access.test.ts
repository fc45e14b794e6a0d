// ACLs, quotas and accounts in a backup, and brought back: on a real Kafka with an authorizer, and pure.
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { latestManifest, openStore, readState } from '@selfmonitor/backup'
import { type AclBinding, type Cluster, connectCluster, loadClientProperties } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { selfmonitor } from '../packages/cli/src/test-io.ts'
import { type SecureApache, startSecureApache } from './support/secure-apache.ts'

describe.skipIf('missing' in inject('apache'))('access in backups of a secured cluster', { timeout: 120_000 }, () => {
  const alice = { name: 'alice', password: 'not-a-secret-1' }
  const keeper = { name: 'keeper', password: 'not-a-secret-2' }
  let kafka: SecureApache
  let admin: Cluster
  let folder: string

  const rule = (more: Partial<AclBinding>): AclBinding => ({
    resourceType: 'topic',
    resourceName: 'orders',
    pattern: 'literal',
    principal: 'User:alice',
    host: '*',
    operation: 'read',
    permission: 'allow',
    ...more,
  })
  const ofAlice = [
    rule({}),
    rule({ operation: 'write', permission: 'deny', host: '10.0.0.1' }),
    rule({ resourceName: 'ord', pattern: 'prefixed', operation: 'describe' }),
    rule({ resourceType: 'group', resourceName: 'billing' }),
  ]
  const ofKeeper = [
    rule({ principal: 'User:keeper', resourceName: '*' }),
    rule({ principal: 'User:keeper', resourceName: '*', operation: 'describe-configs' }),
    rule({ principal: 'User:keeper', resourceType: 'group', resourceName: '*', operation: 'describe' }),
  ]
  const quotas = [
    {
      entity: [
        { type: 'user', name: 'alice' },
        { type: 'client-id', name: null },
      ],
      values: { consumer_byte_rate: 1_000_000 },
    },
    { entity: [{ type: 'user', name: null }], values: { producer_byte_rate: 2_000_000, request_percentage: 12.5 } },
    { entity: [{ type: 'ip', name: '10.0.0.7' }], values: { connection_creation_rate: 5 } },
  ] as const

  beforeAll(async () => {
    kafka = await startSecureApache()
    folder = await mkdtemp(join(tmpdir(), 'backup-access-'))
    const { options } = loadClientProperties(await kafka.clientProperties(kafka.admin))
    admin = connectCluster({ ...options, bootstrapServers: kafka.bootstrapServers })
    await admin.setUserPasswords([alice, { ...alice, mechanism: 'SCRAM-SHA-256', iterations: 4096 }, keeper])
    await admin.createTopics([{ name: 'orders', partitions: 1, replicationFactor: 1 }])
    await admin.createAcls([...ofAlice, ...ofKeeper])
    await admin.alterClientQuotas(quotas.map(({ entity, values }) => ({ entity, set: values })))
    const appender = await admin.appendBatches()
    const record = { value: Buffer.from('a'), timestamp: BigInt(Date.now()) }
    await appender.append('orders', 0, encodeBatch([record], { ...(await admin.initProducer()), baseSequence: 0 }))
    await appender.close()
  }, 120_000)
  afterAll(async () => {
    await admin?.close()
    await kafka?.close()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  const as = async (user: { name: string; password: string }, ...words: string[]) =>
    selfmonitor([...words, '--command-config', await kafka.clientProperties(user)])

  const stateNow = async () => {
    const store = await openStore(folder)
    const last = await latestManifest(store, (await admin.info()).clusterId)
    const state = await readState(store, last!.manifest)
    await store.close()
    return state
  }

  it('says which right is missing, and has everything else', async () => {
    const { code, stderr } = await as(keeper, 'backup', '--target', folder)
    expect(code).toBe(1)
    for (const [part, right] of [
      ['acls', 'DESCRIBE'],
      ['quotas', 'DESCRIBE_CONFIGS'],
      ['accounts', 'DESCRIBE'],
    ]) {
      expect(stderr).toMatch(
        new RegExp(`Not backed up: ${part}: CLUSTER_AUTHORIZATION_FAILED: .* needs ${right} on the cluster`),
      )
    }
    const { access, topics } = await stateNow()
    expect(access).toEqual({ acls: null, quotas: null, accounts: null })
    expect(topics.map(({ name }) => name)).toContain('orders')
    const without = await as(keeper, 'backup', '--target', folder, '--without-access')
    expect([without.code, without.stderr]).toEqual([0, ''])
    const restored = await as(kafka.admin, 'restore', '--source', folder, '--access', '--yes')
    expect(restored.stdout).toContain('missing: the backup has no ACLs, quotas and accounts')
    expect(restored.code).toBe(1)
  })

  it('has all of them, brings back what is missing, and takes nothing away', async () => {
    expect((await as(kafka.admin, 'backup', '--target', folder)).code).toBe(0)
    const { access } = await stateNow()
    expect(access!.acls).toEqual(await admin.acls())
    expect(access!.quotas).toEqual(await admin.clientQuotas())
    expect(access!.quotas).toHaveLength(3)
    expect(access!.accounts!.find(({ name }) => name === 'alice')!.credentials).toEqual([
      { mechanism: 'SCRAM-SHA-256', iterations: 4096 },
      { mechanism: 'SCRAM-SHA-512', iterations: 8192 },
    ])

    const extra = rule({ principal: 'User:mallory', operation: 'describe' })
    await admin.createAcls([extra])
    await admin.deleteAcls(ofAlice)
    await admin.deleteUsers(['alice'])
    await admin.alterClientQuotas([
      { entity: quotas[0].entity, set: { consumer_byte_rate: null } },
      { entity: quotas[1].entity, set: { producer_byte_rate: 7 } },
    ])
    const words = ['restore', '--source', folder, '--access', '--topic', 'orders', '--target', 'sales']
    const passwords = join(folder, 'passwords.json')
    const dry = await as(kafka.admin, ...words, '--new-passwords', passwords, '--dry-run')
    expect(dry.code).toBe(0)
    expect(dry.stderr).toContain('+ ACL allow User:alice read on topic literal sales from *')
    expect(dry.stderr).toContain('+ quota of user <default>: producer_byte_rate 2000000 instead of 7')
    expect(dry.stderr).toContain('+ account alice (SCRAM-SHA-256, SCRAM-SHA-512): gets a generated password')
    expect(dry.stderr).toContain(
      'stays, and is not in the backup: ACL allow User:mallory describe on topic literal orders',
    )
    expect(dry.stderr).toContain(
      "'allow User:alice describe on topic prefixed ord from *' covered orders and does not cover sales",
    )
    await expect(stat(passwords)).rejects.toThrow('ENOENT')

    const first = await as(kafka.admin, ...words, '--yes')
    expect(first.stdout).toContain('missing: account alice needs a new password')
    expect(first.code).toBe(1)
    expect((await admin.users()).map(({ name }) => name)).not.toContain('alice')

    const second = await as(kafka.admin, ...words, '--new-passwords', passwords, '--yes')
    expect(second.stdout).toContain('restored: ')
    expect(second.code).toBe(0)
    expect((await stat(passwords)).mode & 0o777).toBe(0o600)
    const [made] = JSON.parse(await readFile(passwords, 'utf8'))
    expect(made).toMatchObject({ name: 'alice', mechanisms: ['SCRAM-SHA-256', 'SCRAM-SHA-512'] })
    expect(`${second.stdout}${second.stderr}`).not.toContain(made.password)
    await expect.poll(() => admin.authenticates({ name: 'alice', password: made.password })).toBe(true)
    const renamed = ofAlice.map((one) => (one.resourceName === 'orders' ? { ...one, resourceName: 'sales' } : one))
    const now = await admin.acls()
    for (const one of [...renamed, extra]) expect(now).toContainEqual(one)
    expect(await admin.clientQuotas()).toEqual(access!.quotas)

    const again = await as(kafka.admin, ...words, '--new-passwords', passwords, '--yes')
    expect([again.code, again.stdout]).toEqual([0, 'restored: nothing was to be added\n'])
  })

  it('writes no password over a file that is there', async () => {
    await admin.deleteUsers(['alice'])
    const passwords = join(folder, 'passwords.json')
    const before = await readFile(passwords, 'utf8')
    const words = ['restore', '--source', folder, '--access', '--new-passwords', passwords, '--yes']
    const { code, stderr } = await as(kafka.admin, ...words)
    expect(stderr).toContain('exists: no password is written over another file')
    expect(code).toBe(2)
    expect(await readFile(passwords, 'utf8')).toBe(before)
    expect((await admin.users()).map(({ name }) => name)).not.toContain('alice')
  })
})
