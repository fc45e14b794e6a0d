// The probe on Apache Kafka with an authorizer, with exactly the rights that docs/monitoring.md and the chart give it.
import { type AclBinding, type Cluster, type ClusterOptions, connectCluster } from '@selfmonitor/cluster'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type SecureApache, startSecureApache } from '../../../../test/support/secure-apache.ts'
import { missingTool } from '../../../../test/support/tools.ts'
import { probeGroup, probeTopic } from '../snapshot/probe-names.ts'
import { startProbe } from './probe.ts'

const silent = { debug() {}, info() {}, warn() {}, error() {} }
const allowed = { pattern: 'literal', principal: 'User:kafka-exporter', host: '*', permission: 'allow' } as const
const rights: readonly AclBinding[] = [
  ...(['create', 'alter', 'write', 'read'] as const).map(
    (operation) => ({ ...allowed, resourceType: 'topic', resourceName: probeTopic, operation }) as const,
  ),
  { ...allowed, resourceType: 'group', resourceName: probeGroup, operation: 'read' },
]

const missing = 'missing' in inject('apache') || missingTool('openssl', 'version') !== null

describe.skipIf(missing)('the probe where Kafka has an authorizer', () => {
  let secure: SecureApache
  let admin: Cluster
  const connection = ({ name, password }: { readonly name: string; readonly password: string }): ClusterOptions => ({
    bootstrapServers: secure.bootstrapServers,
    tls: { ca: secure.ca.cert },
    sasl: { mechanism: 'SCRAM-SHA-512', username: name, password },
  })
  beforeAll(async () => {
    secure = await startSecureApache()
    admin = connectCluster(connection(secure.admin))
  }, 120_000)
  afterAll(async () => {
    await admin?.close()
    await secure?.close()
  })

  it('makes its topic, writes, reads and commits with the rights on its topic and its group alone', {
    timeout: 60_000,
  }, async () => {
    const account = { name: 'kafka-exporter', password: 'of-the-exporter' }
    await admin.setUserPasswords([account])
    const cluster = connectCluster(connection(account))
    const probe = startProbe(cluster, connection(account), { intervalMs: 100, followMs: 200 }, silent)
    try {
      // Without rights it counts failures and goes on.
      await expect.poll(() => probe.totals().lastProblem?.code, { timeout: 20_000 }).toMatch(/AUTHORIZATION_FAILED$/)
      await admin.createAcls(rights)
      await expect.poll(() => probe.totals().consumed, { timeout: 30_000 }).toBeGreaterThan(3)
      await expect.poll(() => probe.totals().commits, { timeout: 30_000 }).toBeGreaterThan(0)
      expect(probe.totals()).toMatchObject({ lost: 0, commitFailures: 0 })
    } finally {
      await probe.close()
      await cluster.close()
    }
  })
})
