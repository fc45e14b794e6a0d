// What happens when brokers fail in the middle of an operation, and how many requests an operation costs.
import { beforeAll, describe, expect, it } from 'vitest'
import { connectCluster } from './cluster.ts'
import { useThreeBrokers } from './test-support/three-brokers.ts'
import type { Cluster } from './types.ts'

describe('a cluster of three brokers', () => {
  const brokers = useThreeBrokers()
  let cluster: Cluster
  beforeAll(() => {
    cluster = brokers.cluster
  })
  const partitions = Array.from({ length: 60 }, (_, partition) => ({ topic: 'orders', partition }))

  it('is asked for the offsets of sixty partitions with one request a leader', async () => {
    expect((await cluster.info()).brokers).toHaveLength(3)
    const [topic] = await cluster.describeTopics(['orders'])
    const leaders = new Set(topic!.partitions.map(({ leader }) => leader))
    expect(leaders.size).toBe(3)
    expect(await cluster.listOffsets(partitions, 'latest')).toHaveLength(60)
    const asked = brokers.requests('ListOffsets').map(({ brokerId }) => brokerId)
    expect(asked.sort()).toEqual([...leaders].sort())
  })

  it.each(['NOT_LEADER_OR_FOLLOWER', 'LEADER_NOT_AVAILABLE'])('reads again after %s', async (error) => {
    brokers.broker.faults.add({ api: 'ListOffsets', nth: 1, action: { error } })
    expect(await cluster.listOffsets(partitions, 'earliest')).toHaveLength(60)
  })

  it('reads again after a broker closed the connection', async () => {
    brokers.broker.faults.add({ api: 'ListOffsets', nth: 1, action: { close: true } })
    expect(await cluster.listOffsets(partitions, 'earliest')).toHaveLength(60)
  })

  it('finds the coordinator again when a group has moved', async () => {
    await cluster.resetOffsets(
      'readers',
      await cluster.planOffsetReset('readers', [{ topic: 'orders' }], { kind: 'latest' }),
    )
    brokers.broker.faults.add({ api: 'OffsetFetch', nth: 1, action: { error: 'NOT_COORDINATOR' } })
    expect(await cluster.groupLag('readers')).toHaveLength(60)
  })

  const orders0 = { topic: 'orders', partition: 0 }
  const reset = (topic: string, to: bigint) => ({ topic, partition: 0, from: null, to, clamped: false })
  const changes: readonly [api: string, change: (name: string) => Promise<unknown>][] = [
    ['CreateTopics', (name) => cluster.createTopics([{ name, partitions: 1, replicationFactor: 1 }])],
    ['CreatePartitions', () => cluster.createPartitions([{ topic: 'orders', partitions: 61 }])],
    ['IncrementalAlterConfigs', () => cluster.alterTopicConfigs([{ topic: 'orders', set: { 'retention.ms': '1' } }])],
    ['DeleteRecords', () => cluster.deleteRecords([{ ...orders0, offset: 0n }])],
    ['DeleteTopics', (name) => cluster.deleteTopics([name])],
    ['OffsetCommit', (name) => cluster.resetOffsets(name, [reset('orders', 0n)])],
    ['OffsetDelete', (name) => cluster.deleteGroupOffsets(name, [orders0])],
    ['DeleteGroups', (name) => cluster.deleteGroups([name])],
  ]

  it.each(changes)(
    'sends %s once, and says that its outcome is unknown when the answer is lost',
    async (api, change) => {
      const name = `lost-${api.toLowerCase()}`
      await cluster.resetOffsets(name, [reset('orders', 0n)])
      brokers.broker.requests.clear()
      brokers.broker.faults.add({ api, action: { close: true } })
      await expect(change(name)).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN', reason: 'timeout' })
      expect(brokers.requests(api)).toHaveLength(1)
    },
  )

  it.each(changes)('says of %s that its outcome is unknown when no answer comes in time', async (api) => {
    const impatient = connectCluster({ bootstrapServers: brokers.broker.bootstrapServers, timeoutMs: 400 })
    const name = `late-${api.toLowerCase()}`
    await cluster.resetOffsets(name, [reset('orders', 0n)])
    brokers.broker.faults.add({ api, action: { drop: true } })
    const patient = cluster
    cluster = impatient
    const [, change] = changes.find(([one]) => one === api)!
    await expect(change(name)).rejects.toMatchObject({ code: 'OUTCOME_UNKNOWN', reason: 'timeout' })
    cluster = patient
    await impatient.close()
  })

  it('does not answer that a group is not there when its own request deleted it', async () => {
    await cluster.resetOffsets('deleted', [reset('orders', 0n)])
    const impatient = connectCluster({ bootstrapServers: brokers.broker.bootstrapServers, timeoutMs: 300 })
    brokers.broker.faults.add({ api: 'DeleteGroups', nth: 1, action: { delayMs: 500 } })
    await expect(impatient.deleteGroups(['deleted'])).rejects.toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      resource: 'deleting the group deleted',
    })
    const state = async () => (await cluster.describeGroups(['deleted']))[0]!.state
    await expect.poll(state, { timeout: 10_000 }).toBe('Dead')
    expect(brokers.requests('DeleteGroups')).toHaveLength(1)
    await impatient.close()
  })

  it('sends a change again when the coordinator says that the group is another one’s', async () => {
    await cluster.resetOffsets('moved', [reset('orders', 5n)])
    brokers.broker.faults.add({ api: 'OffsetCommit', nth: 1, action: { error: 'NOT_COORDINATOR' } })
    await cluster.resetOffsets('moved', [reset('orders', 0n)])
    brokers.broker.faults.add({ api: 'DeleteGroups', nth: 1, action: { error: 'NOT_COORDINATOR' } })
    await cluster.deleteGroups(['moved'])
    expect(await cluster.describeGroups(['moved'])).toMatchObject([{ state: 'Dead' }])
  })

  it('says of every group why it was not deleted, and deletes the others', async () => {
    for (const name of ['one', 'two']) await cluster.resetOffsets(name, [reset('orders', 0n)])
    const error = await cluster.deleteGroups(['one', 'absent', 'two', 'missing']).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'GROUP_ID_NOT_FOUND', others: [{ code: 'GROUP_ID_NOT_FOUND' }] })
    expect((await cluster.describeGroups(['one', 'two'])).map(({ state }) => state)).toEqual(['Dead', 'Dead'])
  })

  it('takes a change that was acknowledged for done, whatever happens while it looks whether it shows', async () => {
    brokers.broker.faults.add({ api: 'CreateTopics', action: { delayMs: 0 } })
    const creating = cluster.createTopics([{ name: 'acknowledged', partitions: 1, replicationFactor: 1 }])
    brokers.broker.faults.add({ api: 'Metadata', nth: 2, action: { close: true } })
    await creating
    brokers.broker.faults.clear()
    expect(await cluster.describeTopics(['acknowledged'])).toHaveLength(1)
  })

  it('ends at the timeout when a broker goes quiet', async () => {
    brokers.broker.faults.add({ api: 'DescribeConfigs', action: { drop: true } })
    const impatient = connectCluster({ bootstrapServers: brokers.broker.bootstrapServers, timeoutMs: 300 })
    await expect(impatient.topicConfigs(['orders'])).rejects.toMatchObject({ code: 'TIMEOUT', reason: 'timeout' })
    await impatient.close()
  })

  it('says that something is not allowed, and by what', async () => {
    brokers.broker.faults.add({ api: 'DeleteTopics', action: { error: 'TOPIC_AUTHORIZATION_FAILED' } })
    await expect(cluster.deleteTopics(['orders'])).rejects.toMatchObject({
      code: 'TOPIC_AUTHORIZATION_FAILED',
      reason: 'not-allowed',
      hint: expect.stringContaining('ACL'),
    })
  })
})
