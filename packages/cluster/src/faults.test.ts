// What happens when brokers fail in the middle of an operation, and how many requests an operation costs.
import { type Broker, startBroker } from '@selfmonitor/broker'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { connectCluster } from './cluster.ts'
import type { Cluster } from './types.ts'

describe('a cluster of three brokers', () => {
  let broker: Broker
  let cluster: Cluster
  const partitions = Array.from({ length: 60 }, (_, partition) => ({ topic: 'orders', partition }))
  beforeAll(async () => {
    broker = await startBroker({ brokers: 3 })
    cluster = connectCluster({ bootstrapServers: broker.bootstrapServers, timeoutMs: 5_000 })
    await cluster.createTopics([{ name: 'orders', partitions: 60, replicationFactor: 1 }])
  })
  afterAll(async () => {
    await cluster.close()
    await broker.close()
  })
  afterEach(() => {
    broker.faults.clear()
    broker.requests.clear()
  })
  const requests = (api: string) => broker.requests.list().filter((entry) => entry.api === api)

  it('is asked for the offsets of sixty partitions with one request a leader', async () => {
    expect((await cluster.info()).brokers).toHaveLength(3)
    const [topic] = await cluster.describeTopics(['orders'])
    const leaders = new Set(topic!.partitions.map(({ leader }) => leader))
    expect(leaders.size).toBe(3)
    expect(await cluster.listOffsets(partitions, 'latest')).toHaveLength(60)
    const asked = requests('ListOffsets').map(({ brokerId }) => brokerId)
    expect(asked.sort()).toEqual([...leaders].sort())
  })

  it.each(['NOT_LEADER_OR_FOLLOWER', 'LEADER_NOT_AVAILABLE'])('reads again after %s', async (error) => {
    broker.faults.add({ api: 'ListOffsets', nth: 1, action: { error } })
    expect(await cluster.listOffsets(partitions, 'earliest')).toHaveLength(60)
  })

  it('reads again after a broker closed the connection', async () => {
    broker.faults.add({ api: 'ListOffsets', nth: 1, action: { close: true } })
    expect(await cluster.listOffsets(partitions, 'earliest')).toHaveLength(60)
  })

  it('finds the coordinator again when a group has moved', async () => {
    await cluster.resetOffsets(
      'readers',
      await cluster.planOffsetReset('readers', [{ topic: 'orders' }], { kind: 'latest' }),
    )
    broker.faults.add({ api: 'OffsetFetch', nth: 1, action: { error: 'NOT_COORDINATOR' } })
    expect(await cluster.groupLag('readers')).toHaveLength(60)
  })

  it('never sends a change twice, because the first may have been done', async () => {
    broker.faults.add({ api: 'CreateTopics', action: { close: true } })
    await expect(cluster.createTopics([{ name: 'once', partitions: 1, replicationFactor: 1 }])).rejects.toMatchObject({
      code: 'CONNECTION_CLOSED',
    })
    expect(requests('CreateTopics')).toHaveLength(1)
  })

  it('ends at the timeout when a broker goes quiet', async () => {
    broker.faults.add({ api: 'DescribeConfigs', action: { drop: true } })
    const impatient = connectCluster({ bootstrapServers: broker.bootstrapServers, timeoutMs: 300 })
    await expect(impatient.topicConfigs(['orders'])).rejects.toMatchObject({ code: 'TIMEOUT', reason: 'timeout' })
    await impatient.close()
  })

  it('says that something is not allowed, and by what', async () => {
    broker.faults.add({ api: 'DeleteTopics', action: { error: 'TOPIC_AUTHORIZATION_FAILED' } })
    await expect(cluster.deleteTopics(['orders'])).rejects.toMatchObject({
      code: 'TOPIC_AUTHORIZATION_FAILED',
      reason: 'not-allowed',
      hint: expect.stringContaining('ACL'),
    })
  })
})
