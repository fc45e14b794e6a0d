// This broker claims to be one release of Kafka. Here every setting, feature and version that it tells is held against that release.
import { pinnedVersion } from '@selfmonitor/apache'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { type Broker, startBroker } from './index.ts'
import { kafkaRelease } from './kafka-release.ts'
import { type RawClient, rawClient } from './test-support/raw-client.ts'

const types = { topic: 2, broker: 4, clientMetrics: 16, group: 32 }
const sourceDefault = 5

it(`the pinned Apache Kafka is a ${kafkaRelease}`, async () => {
  expect(await pinnedVersion()).toMatch(new RegExp(`^${kafkaRelease.replace('.', '\\.')}\\.`))
})

const apache = inject('apache')

describe.skipIf('missing' in apache)(`clients see what Apache Kafka ${kafkaRelease} shows`, () => {
  let broker: Broker
  let ours: RawClient
  let kafkas: RawClient
  beforeAll(async () => {
    broker = await startBroker()
    ours = await rawClient(broker.bootstrapServers)
    kafkas = await rawClient((apache as { bootstrapServers: string }).bootstrapServers)
  })
  afterAll(async () => {
    ours?.close()
    kafkas?.close()
    await broker?.close()
  })

  /** Every setting by name: type, default, where it may change, whether it is secret. Values of one installation are left out. */
  async function settingsOf(client: RawClient, resourceType: number, resourceName: string) {
    const resources = [{ resourceType, resourceName, configurationKeys: null }]
    const { results } = await client.call('DescribeConfigs', 4, { resources, includeSynonyms: true })
    const [{ configs }] = results as [(typeof results)[number]]
    return Object.fromEntries(
      configs.map(({ name, configType, readOnly, isSensitive, synonyms, configSource, value }) => {
        const byDefault = synonyms.find(({ source }) => source === sourceDefault)
        const defaultValue = byDefault?.value ?? (configSource === sourceDefault ? value : undefined)
        return [name, { configType, readOnly, isSensitive, defaultValue }]
      }),
    )
  }

  it('broker settings', async () => {
    const [here, there] = [await settingsOf(ours, types.broker, '1'), await settingsOf(kafkas, types.broker, '1')]
    expect(Object.keys(here)).toEqual(Object.keys(there).sort())
    // In Kafka listeners can change while it runs.
    for (const name of ['listeners', 'listener.security.protocol.map']) here[name]!.readOnly = false
    // Set by the pinned Kafka's configuration, without a default; here they are not set.
    for (const name of ['controller.listener.names', 'inter.broker.listener.name']) {
      expect(here[name]!.defaultValue).toBeNull()
      here[name]!.defaultValue = undefined
    }
    expect(here).toEqual(there)
  })

  it('topic settings', async () => {
    for (const [client, name] of [
      [ours, 'kafka-release'],
      [kafkas, `kafka-release-${broker.clusterId}`],
    ] as const) {
      const topic = { name, numPartitions: 1, replicationFactor: 1 }
      await client.call('CreateTopics', 7, { topics: [topic], timeoutMs: 10_000 })
    }
    const name = `kafka-release-${broker.clusterId}`
    await expect.poll(() => settingsOf(kafkas, types.topic, name)).toHaveProperty('retention\\.ms')
    const there = await settingsOf(kafkas, types.topic, name)
    await kafkas.call('DeleteTopics', 6, { topics: [{ name }], timeoutMs: 10_000 })
    expect(await settingsOf(ours, types.topic, 'kafka-release')).toEqual(there)
  })

  it('settings of groups and of client metrics', async () => {
    for (const type of [types.group, types.clientMetrics]) {
      expect(await settingsOf(ours, type, 'any')).toEqual(await settingsOf(kafkas, type, 'any'))
    }
  })

  it('features and versions, none of which Kafka does not have', async () => {
    const ask = { clientSoftwareName: 'test', clientSoftwareVersion: '1' }
    const [here, there] = [await ours.call('ApiVersions', 4, ask), await kafkas.call('ApiVersions', 4, ask)]
    expect(there.supportedFeatures).toEqual(expect.arrayContaining([...here.supportedFeatures]))
    expect(there.finalizedFeatures).toEqual(expect.arrayContaining([...here.finalizedFeatures]))
    expect(there.apiKeys).toEqual(expect.arrayContaining([...here.apiKeys]))
  })
})
