import type { NewTopic } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import { describe, expect, it } from 'vitest'
import {
  acceptedLimits,
  finalConfig,
  heldConfig,
  refusedSettings,
  targetDefaults,
  timeLimits,
  withoutSettings,
} from './settings.ts'

const state = (config: Record<string, string>) =>
  ({ name: 't', id: 'id', partitions: 1, replicationFactor: 3, config, timestampType: 'CreateTime' }) as const

describe('the settings of a restored topic', () => {
  it('are its own in the end, without those that name brokers of another cluster', () => {
    const config = { 'retention.ms': '1', 'leader.replication.throttled.replicas': '0:1', 'min.insync.replicas': '2' }
    expect(finalConfig(state(config), 3)).toEqual({
      config: { 'retention.ms': '1', 'min.insync.replicas': '2' },
      warnings: [],
    })
  })

  it('let it be written to where it gets fewer replicas', () => {
    expect(finalConfig(state({ 'min.insync.replicas': '2' }), 1)).toEqual({
      config: { 'min.insync.replicas': '1' },
      warnings: [expect.stringContaining('had min.insync.replicas 2, and gets 1')],
    })
  })

  it('hold back everything that would change or delete records while they come', () => {
    expect(heldConfig(timeLimits['before 3.6'])).toEqual({
      'retention.ms': '-1',
      'retention.bytes': '-1',
      'cleanup.policy': 'delete',
      'message.timestamp.type': 'CreateTime',
      'max.message.bytes': '2147483647',
      'compression.type': 'producer',
      'message.timestamp.difference.max.ms': '9223372036854775807',
    })
  })
})

describe('the target', () => {
  const topics = [{ name: 't', partitions: 1, replicationFactor: 1, config: {} }]
  const target = (known: (config: Readonly<Record<string, string>>) => ClusterError | null) => {
    const asked: NewTopic[][] = []
    const createTopics = async (wanted: readonly NewTopic[], options?: { validateOnly?: boolean }): Promise<void> => {
      expect(options).toEqual({ validateOnly: true })
      asked.push([...wanted])
      const error = known(wanted[0]!.config!)
      if (error !== null) throw error
    }
    return { asked, createTopics }
  }
  const unknown = (setting: string) =>
    new ClusterError('INVALID_CONFIG', `topic t: INVALID_CONFIG: Unknown topic config name: ${setting}`)

  it('is asked before anything is created', async () => {
    const newer = target(() => null)
    expect(await acceptedLimits(newer, topics)).toEqual(timeLimits['since 3.6'])
    expect(newer.asked).toHaveLength(1)
  })

  it('may be older than Kafka 3.6, whose setting has another name', async () => {
    const older = target((config) =>
      'message.timestamp.before.max.ms' in config ? unknown('message.timestamp.before.max.ms') : null,
    )
    expect(await acceptedLimits(older, topics)).toEqual({
      'message.timestamp.difference.max.ms': '9223372036854775807',
    })
  })

  it('says of each setting whether it takes it', async () => {
    const config = { 'retention.ms': '1', 'confluent.tier.enable': 'true' }
    const other = target((asked) => ('confluent.tier.enable' in asked ? unknown('confluent.tier.enable') : null))
    const refused = await refusedSettings(other, [{ ...topics[0]!, config }])
    const reason = 'Unknown topic config name: confluent.tier.enable'
    expect(refused).toEqual([{ name: 'confluent.tier.enable', value: 'true', reason }])
    expect(withoutSettings(config, refused)).toEqual({ 'retention.ms': '1' })
  })

  it('says how long it keeps records of topics that say nothing', async () => {
    const broker = (configs: Record<string, string | null>) => ({
      brokerConfigs: async () => Object.entries(configs).map(([name, value]) => ({ name, value }) as never),
    })
    const retention = async (configs: Record<string, string | null>) =>
      (await targetDefaults(broker(configs), 1)).defaults.retentionMs
    expect(await retention({ 'log.retention.ms': null, 'log.retention.hours': '24' })).toBe(86_400_000n)
    expect(await retention({ 'log.retention.minutes': '2', 'log.retention.hours': '24' })).toBe(120_000n)
    expect(await retention({ 'log.retention.ms': '-1', 'log.retention.minutes': '2' })).toBe(-1n)
    const denied = { brokerConfigs: () => Promise.reject(new ClusterError('X', 'no', { reason: 'not-allowed' })) }
    expect(await targetDefaults(denied, 1)).toMatchObject({ isKnown: false, defaults: { retentionMs: 604_800_000n } })
  })

  it('says which setting it does not know, or which right is missing', async () => {
    const other = target(() => unknown('confluent.value.schema.validation'))
    await expect(acceptedLimits(other, topics)).rejects.toMatchObject({
      message: expect.stringContaining('confluent.value'),
    })
    const denied = target(() => new ClusterError('TOPIC_AUTHORIZATION_FAILED', 'no'))
    await expect(acceptedLimits(denied, topics)).rejects.toMatchObject({ code: 'TOPIC_AUTHORIZATION_FAILED' })
  })
})
