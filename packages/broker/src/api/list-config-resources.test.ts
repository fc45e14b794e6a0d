// ListConfigResources at both versions, on the embedded broker and on Apache Kafka: what is expected here holds for both.
import { randomUUID } from 'node:crypto'
import { errorCodes } from '@selfmonitor/protocol'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { type RawClient, rawClient } from '../test-support/raw-client.ts'

const types = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 }

describeEngines('ListConfigResources', (engine) => {
  let client: RawClient
  beforeEach(async () => {
    client = await rawClient(engine.bootstrapServers)
  })
  afterEach(() => client.close())

  const list = async (version: number, ...resourceTypes: readonly number[]) => {
    const answer = await client.call('ListConfigResources', version, version === 0 ? {} : { resourceTypes })
    return { errorCode: answer.errorCode, resources: answer.configResources }
  }
  /** What is set on a resource that exists by being configured; null unsets it. */
  async function set(type: number, name: string, key: string, value: string | null): Promise<void> {
    const change = { name: key, value, configOperation: value === null ? 1 : 0 }
    const resources = [{ resourceType: type, resourceName: name, configs: [change] }]
    const answer = await client.call('IncrementalAlterConfigs', 1, { resources })
    expect(answer.responses).toMatchObject([{ errorCode: 0 }])
  }

  it('v1 lists topics, brokers and loggers, and groups and client metrics that have settings', async () => {
    const [topic, group, metrics] = ['topic', 'group', 'metrics'].map((kind) => `${kind}-${randomUUID()}`) as [
      string,
      string,
      string,
    ]
    const created = { name: topic, numPartitions: 1, replicationFactor: 1 }
    await client.call('CreateTopics', 7, { topics: [created], timeoutMs: 10_000 })
    const own = async () => {
      const { errorCode, resources } = await list(1)
      expect(errorCode).toBe(0)
      return resources
        .filter(({ resourceName }) => [topic, group, metrics, '1'].includes(resourceName))
        .map(({ resourceType, resourceName }) => `${resourceType} ${resourceName}`)
        .sort()
    }
    // Kafka's brokers get a change a little after the controller has it.
    const becomes = (...wanted: readonly string[]) =>
      vi.waitUntil(async () => String(await own()) === String(wanted.toSorted()), { timeout: 20_000 })
    const always = [`${types.topic} ${topic}`, `${types.broker} 1`, `${types.brokerLogger} 1`]
    await becomes(...always)

    await set(types.group, group, 'consumer.session.timeout.ms', '50000')
    await set(types.clientMetrics, metrics, 'interval.ms', '60000')
    await becomes(...always, `${types.group} ${group}`, `${types.clientMetrics} ${metrics}`)
    const ofGroups = await list(1, types.group)
    expect(ofGroups.resources.every(({ resourceType }) => resourceType === types.group)).toBe(true)
    // v0 is ListClientMetricsResources.
    expect((await list(0)).resources).toContainEqual({ resourceName: metrics, resourceType: types.clientMetrics })
    expect((await list(0)).resources.map(({ resourceName }) => resourceName)).not.toContain(group)

    await set(types.group, group, 'consumer.session.timeout.ms', null)
    await set(types.clientMetrics, metrics, 'interval.ms', null)
    await becomes(...always)
    await client.call('DeleteTopics', 1, { topicNames: [topic], timeoutMs: 10_000 })
  })

  it.each([0, 1, 7])('refuses the type %i', async (type) => {
    expect(await list(1, types.topic, type)).toEqual({ errorCode: errorCodes.UNSUPPORTED_VERSION, resources: [] })
  })
})
