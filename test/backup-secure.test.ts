// Backup and restore by accounts that have only the rights that docs/backup.md names, over TLS with SCRAM, as commands.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type AclBinding, type Cluster, connectCluster, loadClientProperties } from '@selfmonitor/cluster'
import { encodeBatch } from '@selfmonitor/protocol/records'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { selfmonitor } from '../packages/cli/src/test-io.ts'
import { type SecureApache, startSecureApache } from './support/secure-apache.ts'

describe.skipIf('missing' in inject('apache'))('backup and restore of a secured cluster', { timeout: 60_000 }, () => {
  const keeper = { name: 'backup', password: 'not-a-secret-1' }
  const restorer = { name: 'restore', password: 'not-a-secret-2' }
  let kafka: SecureApache
  let admin: Cluster
  let folder: string

  const rules = (
    principal: string,
    resourceType: 'topic' | 'group',
    operations: readonly AclBinding['operation'][],
  ): AclBinding[] =>
    operations.map((operation) => ({
      resourceType,
      resourceName: resourceType === 'topic' ? 'orders' : '*',
      pattern: resourceType === 'topic' ? 'prefixed' : 'literal',
      principal: `User:${principal}`,
      host: '*',
      operation,
      permission: 'allow',
    }))

  beforeAll(async () => {
    kafka = await startSecureApache()
    folder = await mkdtemp(join(tmpdir(), 'backup-secure-'))
    const { options } = loadClientProperties(await kafka.clientProperties(kafka.admin))
    admin = connectCluster({ ...options, bootstrapServers: kafka.bootstrapServers })
    await admin.setUserPasswords([keeper, restorer])
    await admin.createTopics(['orders', 'secrets'].map((name) => ({ name, partitions: 1, replicationFactor: 1 })))
    await admin.createAcls([
      ...rules('backup', 'topic', ['read', 'describe-configs']),
      ...rules('backup', 'group', ['describe']),
      ...(['describe', 'describe-configs'] as const).map((operation) => ({
        ...rules('backup', 'group', [operation])[0]!,
        ...({ resourceType: 'cluster', resourceName: 'kafka-cluster' } as const),
      })),
      ...rules('restore', 'topic', ['create', 'write', 'read', 'describe-configs', 'alter-configs']),
      ...rules('restore', 'group', ['read']),
    ])
    const identity = await admin.initProducer()
    const appender = await admin.appendBatches()
    const records = ['a', 'b', 'c'].map((value) => ({ value: Buffer.from(value), timestamp: BigInt(Date.now()) }))
    await appender.append('orders', 0, encodeBatch(records, { ...identity, baseSequence: 0 }))
    await appender.close()
    await admin.commitOffsets('billing', [{ topic: 'orders', partition: 0, to: 2n }])
  }, 120_000)
  afterAll(async () => {
    await admin?.close()
    await kafka?.close()
    if (folder !== undefined) await rm(folder, { recursive: true, force: true })
  })

  const as = async (user: typeof keeper, ...words: string[]) =>
    selfmonitor([...words, '--command-config', await kafka.clientProperties(user)])

  it('needs the rights that the documents name, and no more', async () => {
    const taken = await as(keeper, 'backup', '--target', folder, '-o', 'json')
    expect(taken.stderr).toBe('')
    expect(JSON.parse(taken.stdout)).toMatchObject({ number: 1, added: { records: '3' }, problems: [] })
    const words = ['restore', '--source', folder, '--topic', 'orders', '--target', 'orders.restored', '--groups', 'all']
    const restored = await as(restorer, ...words, '--yes')
    expect(restored.stdout).toMatch(
      /^restored: 3 records in 1 partition, read back and equal, in .*\n {2}group billing: 1 partition, 1 record to read\n$/,
    )
    expect(restored.code).toBe(0)
    const lag = (await admin.groupLag('billing')).find(({ topic }) => topic === 'orders.restored')
    expect(lag).toMatchObject({ committedOffset: 2n, lag: 1n })
  })

  it('says which topic it may not see, and backs up the others', async () => {
    const { code, stderr } = await as(keeper, 'backup', '--target', folder, '--topic', 'orders', '--topic', 'secrets')
    expect(stderr).toContain('Not backed up: topic secrets does not exist, or this account may not describe it.')
    expect(code).toBe(1)
  })

  it('says which right is missing, with nothing half done', async () => {
    const words = ['restore', '--source', folder, '--topic', 'orders', '--target', 'orders.second', '--yes']
    const { code, stderr } = await as(keeper, ...words)
    expect(stderr).toMatch(/TOPIC_AUTHORIZATION_FAILED|CLUSTER_AUTHORIZATION_FAILED/)
    expect(code).toBe(4)
    expect((await admin.listTopics()).map(({ name }) => name)).not.toContain('orders.second')
  })

  it('says that the password is wrong', async () => {
    const { code, stderr } = await as({ ...keeper, password: 'wrong' }, 'backup', '--target', folder)
    expect(stderr).toContain('refused the credentials')
    expect(code).toBe(4)
  })
})
