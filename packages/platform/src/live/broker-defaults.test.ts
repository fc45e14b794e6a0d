import { type Cluster, ClusterError, type ConfigEntry } from '@selfmonitor/cluster'
import { describe, expect, it } from 'vitest'
import { readBrokerDefaults, topicDefaults } from './broker-defaults.ts'

const entries = (values: Record<string, string | null>): ConfigEntry[] =>
  Object.entries(values).map(([name, value]) => ({ name, value, source: 'default', readOnly: false, sensitive: false }))

describe('what a topic without settings of its own has', () => {
  it('is the first of the broker’s retention settings that is set, in milliseconds', () => {
    const of = (values: Record<string, string | null>) => topicDefaults(entries(values)).get('retention.ms')
    expect(of({ 'log.retention.ms': null, 'log.retention.minutes': null, 'log.retention.hours': '168' })).toBe(
      '604800000',
    )
    expect(of({ 'log.retention.ms': null, 'log.retention.minutes': '5', 'log.retention.hours': '168' })).toBe('300000')
    expect(of({ 'log.retention.ms': '7', 'log.retention.minutes': '5', 'log.retention.hours': '168' })).toBe('7')
    expect(of({ 'log.retention.ms': null, 'log.retention.minutes': null, 'log.retention.hours': '-1' })).toBe('-1')
    expect(of({})).toBeUndefined()
  })

  it('is the shortest retention, where brokers differ', async () => {
    const brokers = [
      entries({ 'log.retention.hours': '168', 'log.retention.bytes': '-1', 'log.cleanup.policy': 'delete' }),
      entries({ 'log.retention.hours': '1', 'log.retention.bytes': '500', 'log.cleanup.policy': 'compact' }),
    ]
    const cluster = { brokerConfigs: async (id: number) => brokers[id]! } as unknown as Cluster
    expect(Object.fromEntries(await readBrokerDefaults(cluster, [0, 1]))).toEqual({
      'retention.ms': '3600000',
      'retention.bytes': '500',
      'remote.storage.enable': 'false',
    })
  })

  it('is not known to an account that may not read the brokers’ settings', async () => {
    const cluster = {
      brokerConfigs: async () => {
        throw new ClusterError('CLUSTER_AUTHORIZATION_FAILED', 'no', { reason: 'not-allowed' })
      },
    } as unknown as Cluster
    expect((await readBrokerDefaults(cluster, [1])).size).toBe(0)
  })
})
