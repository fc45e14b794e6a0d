// A broker, group or partition that fails does not take the rest with it; and how many requests a survey costs.
import { beforeAll, describe, expect, it } from 'vitest'
import { useThreeBrokers } from '../test-support/three-brokers.ts'

describe('a survey of three brokers', () => {
  const brokers = useThreeBrokers()
  const groups = Array.from({ length: 120 }, (_, i) => `group-${String(i).padStart(3, '0')}`)
  beforeAll(async () => {
    for (const group of groups) {
      await brokers.cluster.resetOffsets(group, [{ topic: 'orders', partition: 0, from: null, to: 0n, clamped: false }])
    }
  })
  const partitions = async () =>
    (await brokers.cluster.describeTopics(['orders']))[0]!.partitions.map(({ partition, leader }) => {
      return { topic: 'orders', partition, leader }
    })

  it('costs three requests a leader for all bounds', async () => {
    const bounds = await brokers.cluster.partitionBounds(await partitions())
    expect(bounds.map(({ end }) => end)).toEqual(Array(60).fill(0n))
    expect(brokers.requests('ListOffsets')).toHaveLength(9)
  })

  it('costs one Metadata for brokers, topics and the listing of groups', async () => {
    const { brokers: found, topics } = await brokers.cluster.surveyMetadata()
    await brokers.cluster.surveyGroups({ brokers: found.map(({ id }) => id) })
    expect([found.length, topics.map(({ name }) => name)]).toEqual([3, expect.arrayContaining(['orders'])])
    expect(brokers.requests('Metadata')).toHaveLength(1)
  })

  it('costs a listing, a description and three requests for offsets of 120 groups a coordinator', async () => {
    const { groups: found } = await brokers.cluster.surveyGroups()
    expect(found.map(({ groupId }) => groupId)).toEqual(groups)
    const coordinators = new Set(found.map(({ coordinatorId }) => coordinatorId)).size
    expect(coordinators).toBe(3)
    expect(brokers.requests('ListGroups')).toHaveLength(3)
    expect(brokers.requests('DescribeGroups')).toHaveLength(3)
    const offsets = await brokers.cluster.groupOffsets(found)
    expect(offsets.every((group) => group.offsets.length === 1)).toBe(true)
    expect(brokers.requests('OffsetFetch').length).toBeLessThanOrEqual(6)
    expect(brokers.requests('FindCoordinator')).toEqual([])
  })

  it('asks again where a leader has moved, for those partitions', async () => {
    brokers.broker.faults.add({ api: 'ListOffsets', nth: 1, action: { error: 'NOT_LEADER_OR_FOLLOWER' } })
    const bounds = await brokers.cluster.partitionBounds(await partitions())
    expect(bounds.every(({ start, problem }) => start === 0n && problem === null)).toBe(true)
  })

  it('tells the offsets of the other leaders when one does not answer', async () => {
    const all = await partitions()
    brokers.broker.faults.add({ api: 'ListOffsets', nth: 1, action: { close: true } })
    brokers.broker.faults.add({ api: 'ListOffsets', nth: 8, action: { close: true } })
    const bounds = await brokers.cluster.partitionBounds(all)
    const failed = bounds.filter(({ problem }) => problem !== null)
    expect(failed.length).toBeLessThan(60)
    for (const { problem } of failed) expect(problem!.code).toBe('CONNECTION_CLOSED')
  })

  it('tells the groups of the other brokers, and which broker did not list its own', async () => {
    brokers.broker.faults.add({ api: 'ListGroups', nth: 1, action: { error: 'COORDINATOR_LOAD_IN_PROGRESS' } })
    const { groups: found, problems } = await brokers.cluster.surveyGroups()
    expect(problems).toMatchObject([{ problem: { code: 'COORDINATOR_LOAD_IN_PROGRESS' } }])
    expect(found.length).toBeGreaterThan(0)
    expect(found.map(({ coordinatorId }) => coordinatorId)).not.toContain(problems[0]!.brokerId)
  })

  it('tells of the groups of one request that failed that their members are not known', async () => {
    brokers.broker.faults.add({ api: 'DescribeGroups', nth: 1, action: { close: true } })
    const { groups: found } = await brokers.cluster.surveyGroups()
    expect(found).toHaveLength(groups.length)
    const failed = found.filter(({ problem }) => problem !== null)
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.length).toBeLessThan(groups.length)
    expect(failed[0]).toMatchObject({ state: 'Empty', members: [], problem: { code: 'CONNECTION_CLOSED' } })
  })

  it('tells the offsets of the other groups when one request is refused', async () => {
    const { groups: found } = await brokers.cluster.surveyGroups()
    brokers.broker.faults.add({ api: 'OffsetFetch', nth: 1, action: { error: 'GROUP_AUTHORIZATION_FAILED' } })
    const offsets = await brokers.cluster.groupOffsets(found)
    const failed = offsets.filter(({ problem }) => problem !== null)
    expect(failed.length).toBeGreaterThan(0)
    expect(failed.length).toBeLessThan(groups.length)
    expect(failed[0]!.problem!.code).toBe('GROUP_AUTHORIZATION_FAILED')
  })

  it('tells the disks of the other brokers', async () => {
    brokers.broker.faults.add({ api: 'DescribeLogDirs', nth: 1, action: { close: true } })
    const { logDirs, problems } = await brokers.cluster.surveyLogDirs()
    expect(new Set(logDirs.map(({ brokerId }) => brokerId)).size).toBe(2)
    expect(problems).toHaveLength(1)
  })
})
