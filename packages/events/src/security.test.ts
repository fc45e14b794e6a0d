// A cluster that asks who is there: real Apache Kafka with SASL, which the embedded broker does not speak yet.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ApacheCluster, startApache } from '@selfmonitor/apache'
import { connectCluster } from '@selfmonitor/cluster'
import { createRegistryClient, type RegistryServer, startRegistry } from '@selfmonitor/registry'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { envelopeSchema, until } from '../../../test/support/events.ts'
import { connectEvents } from './index.ts'

const apache = inject('apache')

describe.skipIf('missing' in apache)('a cluster with SASL [apache]', () => {
  const jaas =
    'org.apache.kafka.common.security.plain.PlainLoginModule required ' +
    'username="admin" password="admin-secret" user_admin="admin-secret" user_svc="svc-secret";'
  const sasl = { mechanism: 'PLAIN', username: 'svc', password: 'svc-secret' } as const
  let dataDir: string
  let kafka: ApacheCluster
  let registry: RegistryServer
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'events-sasl-'))
    kafka = await startApache({
      dataDir,
      port: 0,
      config: {
        'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_PLAINTEXT',
        'sasl.enabled.mechanisms': 'PLAIN',
        'sasl.mechanism.inter.broker.protocol': 'PLAIN',
        'listener.name.plaintext.plain.sasl.jaas.config': jaas,
      },
    })
    // The registry has no credentials of its own: it lives on the cluster that all tests share.
    const { bootstrapServers } = apache as { bootstrapServers: string }
    registry = await startRegistry({ bootstrapServers, port: 0, topic: `_schemas-sasl-${process.pid}-${Date.now()}` })
  })
  afterAll(async () => {
    await registry?.close()
    await kafka?.close()
    await rm(dataDir, { recursive: true, force: true })
  })
  const connect = (options: object) =>
    connectEvents({
      service: 'payments',
      schemas: null,
      bootstrapServers: kafka.bootstrapServers,
      registryUrl: registry.url,
      retry: { attempts: 1 },
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      ...options,
    })

  it('lets a service with its password emit, handle, and write dead letters', async () => {
    const cluster = await connectCluster({ bootstrapServers: kafka.bootstrapServers, sasl })
    await cluster.createTopics([{ name: 'pay.events', partitions: 2, replicationFactor: 1 }])
    await cluster.close()
    await createRegistryClient({ url: registry.url }).register('pay.events-value', {
      schema: JSON.stringify(envelopeSchema),
    })

    const stream = await connect({ sasl })
    stream.on('pay.events', 'paid', ({ userId }) => {
      if (userId === 'bad') throw new Error('no')
    })
    await stream.run()
    await stream.emit('pay.events', 'paid', {}, { userId: 'good' })
    await stream.emit('pay.events', 'paid', {}, { userId: 'bad' })
    await until('both', () => stream.stats().handled === 1 && stream.stats().deadLettered === 1)
    await stream.close()
  })

  it('says so when the password is wrong, and names the settings but not the password', async () => {
    const refused = await connect({ sasl: { ...sasl, password: 'guess-me' } }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'AUTHENTICATION_FAILED' })
    expect((refused as Error).message).toContain(
      'refuses the user svc (SASL_AUTHENTICATION_FAILED): check KAFKA_SASL_USERNAME',
    )
    expect((refused as Error).message).not.toContain('guess-me')
  })

  it('asks whether SASL or TLS is missing when the broker hangs up', async () => {
    await expect(connect({})).rejects.toThrow('does it require SASL or TLS?')
  })
})
