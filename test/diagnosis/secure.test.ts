// What only a secured Apache Kafka has: a certificate that ends soon, an account that may not look, and one that may not read.
import { type Cluster, connectCluster, loadClientProperties } from '@selfmonitor/cluster'
import kafkajs from 'kafkajs'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { selfmonitor } from '../../packages/cli/src/test-io.ts'
import { type SecureApache, startSecureApache } from '../support/secure-apache.ts'
import { type Watch, watch } from './watch.ts'

describe.skipIf('missing' in inject('apache'))('a secured cluster', { timeout: 60_000 }, () => {
  const outsider = { name: 'outsider', password: 'not-a-secret' }
  let kafka: SecureApache
  let admin: Cluster

  beforeAll(async () => {
    kafka = await startSecureApache()
    admin = await connect(kafka.admin)
    await admin.setUserPasswords([outsider])
    await admin.createTopics([{ name: 'orders', partitions: 1, replicationFactor: 1 }])
    await admin.createAcls(
      ['describe', 'read'].map((operation) => ({
        resourceType: 'topic',
        resourceName: 'orders',
        pattern: 'literal',
        principal: 'User:outsider',
        host: '*',
        operation: operation as 'describe' | 'read',
        permission: 'allow',
      })),
    )
    await admin.resetOffsets('billing', [{ topic: 'orders', partition: 0, from: null, to: 0n, clamped: false }])
  }, 120_000)
  afterAll(async () => {
    await admin?.close()
    await kafka?.close()
  })

  interface Account {
    readonly name: string
    readonly password: string
  }
  async function connect(user: Account): Promise<Cluster> {
    const { options } = loadClientProperties(await kafka.clientProperties(user))
    return connectCluster({ ...options, bootstrapServers: kafka.bootstrapServers })
  }
  async function watchAs(user: Account): Promise<Watch> {
    const { options } = loadClientProperties(await kafka.clientProperties(user))
    return watch(kafka.bootstrapServers, { connect: options })
  }

  it('has a certificate that expires within a day', async () => {
    const watcher = await watchAs(kafka.admin)
    const verdict = await watcher.finds('CERTIFICATE_EXPIRING', `certificate of broker 1 (${kafka.bootstrapServers})`)
    expect(verdict.severity).toBe('error')
    expect(watcher.diagnosis().verdicts).toEqual([verdict])
    await watcher.close()
  })

  it('names the rights that the account of the diagnosis lacks', async () => {
    const watcher = await watchAs(outsider)
    for (const part of ['logDirs', 'quorum']) {
      const { remedy } = await watcher.finds('NOT_ALLOWED', `${part} of the snapshot`)
      expect(remedy.command).toMatch(/^kafka-acls .* --add --allow-principal User:ACCOUNT --/)
    }
    await watcher.close()
  })

  it('is not healthy when it refuses the login', async () => {
    const config = await kafka.clientProperties({ ...outsider, password: 'wrong' })
    const { code, stdout } = await selfmonitor(['doctor', '--command-config', config])
    expect(stdout).toMatch(/^NOT WELL: 1 critical\. Worst: the cluster refuses the login of this account\n/)
    expect(code).toBe(4)
  })

  it('does not say that a group does not exist when the account may not describe it', async () => {
    const config = await kafka.clientProperties(outsider)
    const words = ['why', 'orders[0]@0', '--group', 'billing', '--watch', '0s', '--command-config', config]
    const { code, stdout, stderr } = await selfmonitor(words)
    expect(stdout).toBe('')
    expect(stderr).toContain('group billing: GROUP_AUTHORIZATION_FAILED')
    expect(code).toBe(4)
  })

  it('says which right the account of a group lacks', async () => {
    const client = new kafkajs.Kafka({
      brokers: [kafka.bootstrapServers],
      ssl: { ca: [kafka.ca.cert] },
      sasl: { mechanism: 'scram-sha-512', username: kafka.admin.name, password: kafka.admin.password },
      logLevel: kafkajs.logLevel.NOTHING,
    })
    const producer = client.producer()
    await producer.connect()
    await producer.send({ topic: 'orders', messages: [{ value: 'x' }] })
    await producer.disconnect()
    const config = ['--command-config', await kafka.clientProperties(kafka.admin)]
    const why = (...words: string[]) =>
      selfmonitor(['why', 'orders[0]@0', '--group', 'billing', '--watch', '0s', ...config, ...words])
    const answer = JSON.parse((await why('--principal', 'outsider', '-o', 'json')).stdout)
    expect(
      answer.reasons.map(({ code, certainty }: { code: string; certainty: string }) => `${certainty} ${code}`),
    ).toEqual(['certain NO_MEMBERS', 'likely ACL_DENIED'])
    expect(answer.reasons[1].message).toBe('User:outsider may not do this: it lacks READ on group billing')
    expect(answer.reasons[1].evidence[0].text).toContain('super users, who need none, cannot be seen from here')
    await admin.createAcls([
      {
        resourceType: 'group',
        resourceName: 'billing',
        pattern: 'literal',
        principal: 'User:outsider',
        host: '*',
        operation: 'read',
        permission: 'allow',
      },
    ])
    expect((await why('--principal', 'outsider', '-o', 'name')).stdout).toBe('NO_MEMBERS\n')
  })
})
