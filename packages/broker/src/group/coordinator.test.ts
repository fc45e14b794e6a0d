// The coordinator around the state machines: what is written when, what survives a restart, and what a client gets
// when the log fails.
import { describe, expect, it } from 'vitest'
import { commitOf, joinOf, memoryLog, setup, stableGroup } from './test-support/fixtures.ts'

describe('a group', () => {
  it('is written with its assignment before the leader is answered', async () => {
    const s = await setup()
    const joining = s.coordinator.join(joinOf('billing'))
    s.clock.advance(0)
    const { memberId, generationId } = await joining
    s.log.hold()
    let answered = false
    const assignments = [{ memberId, assignment: Buffer.from('p0') }]
    const identity = { groupId: 'billing', memberId, generationId, groupInstanceId: null }
    const syncing = s.coordinator
      .sync({ ...identity, protocolType: null, protocolName: null, assignments })
      .finally(() => {
        answered = true
      })
    // A heartbeat needs no write, so it is not held up; once it is answered the sync would have been, too.
    expect(await s.coordinator.heartbeat(identity)).toBeUndefined()
    expect(answered).toBe(false)
    s.log.release()
    expect((await syncing).assignment.toString()).toBe('p0')
    expect(s.log.decoded()).toMatchObject([
      { kind: 'group', group: 'billing', value: { generationId: 1, leader: memberId, members: [{ memberId }] } },
    ])
  })

  it('tells everyone to rejoin when its assignment could not be written', async () => {
    const s = await setup()
    const joining = s.coordinator.join(joinOf('billing'))
    s.clock.advance(0)
    const { memberId, generationId } = await joining
    s.log.failWith('KAFKA_STORAGE_ERROR')
    const identity = { groupId: 'billing', memberId, generationId, groupInstanceId: null }
    const assignments = [{ memberId, assignment: Buffer.from('p0') }]
    const refused = await s.coordinator.sync({ ...identity, protocolType: null, protocolName: null, assignments })
    expect(refused.error).toMatchObject({
      name: 'NOT_COORDINATOR',
      reason: expect.stringContaining('the disk is full'),
    })
    expect(await s.coordinator.heartbeat(identity)).toMatchObject({ name: 'REBALANCE_IN_PROGRESS' })

    s.log.failWith(undefined)
    const again = await s.coordinator.join(joinOf('billing', { memberId }))
    expect(again).toMatchObject({ generationId: 2, leader: memberId })
  })

  it.each([
    ['NOT_LEADER_OR_FOLLOWER', false],
    ['KAFKA_STORAGE_ERROR', false],
    ['INVALID_RECORD', true],
  ])('logs that the log failed with %s; as an error: %s', async (code, isError) => {
    const s = await setup()
    const joining = s.coordinator.join(joinOf('billing'))
    s.clock.advance(0)
    const { memberId, generationId } = await joining
    s.log.failWith(code)
    const assignments = [{ memberId, assignment: Buffer.from('p0') }]
    const identity = { groupId: 'billing', memberId, generationId, groupInstanceId: null }
    await s.coordinator.sync({ ...identity, protocolType: null, protocolName: null, assignments })
    const message = 'could not write the group to __consumer_offsets'
    expect(s.logged).toContain(message)
    expect(s.errors.includes(message)).toBe(isError)
  })

  it('forgets a static member that leaves, also one whose instance id is empty', async () => {
    const s = await setup()
    const { memberId } = await stableGroup(s, 'billing', { groupInstanceId: '' })
    const leaving = { memberId, groupInstanceId: '', reason: null }
    expect(await s.coordinator.leave({ groupId: 'billing', members: [leaving] })).toMatchObject({
      members: [{ memberId }],
    })
    const joining = s.coordinator.join(joinOf('billing', { groupInstanceId: '' }))
    s.clock.advance(0)
    expect(await joining).toMatchObject({ generationId: 3, members: [{ groupInstanceId: '' }] })
  })

  it('survives a restart: members keep their places for one session', async () => {
    const before = await setup()
    const identity = await stableGroup(before, 'billing', { groupInstanceId: 'i1' })
    await before.coordinator.close()

    const after = await setup({}, { log: before.log, clock: before.clock })
    expect(after.coordinator.describe('billing')).toMatchObject({
      state: 'Stable',
      protocolType: 'consumer',
      protocolName: 'range',
      members: [{ memberId: identity.memberId, groupInstanceId: 'i1', clientId: 'app', clientHost: '/127.0.0.1' }],
    })
    expect(await after.coordinator.heartbeat(identity)).toBeUndefined()
    const synced = await after.coordinator.sync({
      ...identity,
      protocolType: null,
      protocolName: null,
      assignments: [],
    })
    expect(synced.assignment.toString()).toBe('all of it')
    after.clock.advance(10_000)
    expect(await after.coordinator.heartbeat(identity)).toMatchObject({
      name: 'UNKNOWN_MEMBER_ID',
      reason: 'session expired 0 ms ago',
    })
    expect(after.coordinator.describe('billing').state).toBe('Empty')
  })

  it('restarts at its last stable generation when the broker went down in a rebalance', async () => {
    const before = await setup()
    const identity = await stableGroup(before, 'billing')
    void before.coordinator.join(joinOf('billing', { clientId: 'other' }))
    expect(before.coordinator.describe('billing').state).toBe('PreparingRebalance')

    const after = await setup({}, { log: before.log, clock: before.clock })
    expect(after.coordinator.describe('billing').state).toBe('Stable')
    expect(await after.coordinator.heartbeat(identity)).toBeUndefined()
  })

  it('refuses requests about a group that does not exist, and empty group ids', async () => {
    const { coordinator } = await setup()
    const identity = { groupId: 'nobody', memberId: 'm', generationId: 1, groupInstanceId: null }
    const sync = { ...identity, protocolType: null, protocolName: null, assignments: [] }
    const member = { memberId: 'm', groupInstanceId: null, reason: null }
    expect(await coordinator.heartbeat(identity)).toMatchObject({ name: 'UNKNOWN_MEMBER_ID' })
    expect((await coordinator.sync(sync)).error).toMatchObject({ name: 'UNKNOWN_MEMBER_ID' })
    expect((await coordinator.join(joinOf('nobody', { memberId: 'm' }))).error?.name).toBe('UNKNOWN_MEMBER_ID')
    expect(await coordinator.leave({ groupId: 'nobody', members: [member] })).toMatchObject({
      members: [{ memberId: 'm', error: { name: 'UNKNOWN_MEMBER_ID' } }],
    })
    expect(await coordinator.heartbeat({ ...identity, groupId: '' })).toMatchObject({ name: 'INVALID_GROUP_ID' })
    expect((await coordinator.sync({ ...sync, groupId: '' })).error?.name).toBe('INVALID_GROUP_ID')
    expect((await coordinator.join(joinOf(''))).error?.name).toBe('INVALID_GROUP_ID')
    expect((await coordinator.leave({ groupId: '', members: [member] })).error?.name).toBe('INVALID_GROUP_ID')
  })

  it('logs why the request of a member fails', async () => {
    const s = await setup()
    const identity = await stableGroup(s, 'billing')
    s.clock.advance(10_312)
    await s.coordinator.heartbeat(identity)
    expect(s.logged).toContain('Heartbeat failed with UNKNOWN_MEMBER_ID: session expired 312 ms ago')
  })

  it('answers waiting requests when the broker closes, and later ones with an error', async () => {
    const { coordinator, clock } = await setup({ initialRebalanceDelayMs: 3000 })
    const joining = coordinator.join(joinOf('billing'))
    await coordinator.close()
    await coordinator.close()
    expect((await joining).error).toMatchObject({ name: 'COORDINATOR_NOT_AVAILABLE' })
    expect((await coordinator.join(joinOf('billing'))).error?.name).toBe('COORDINATOR_NOT_AVAILABLE')
    const committed = await coordinator.commitOffsets(commitOf('billing', 'orders', 0, 1n))
    expect(committed.topics[0]?.partitions[0]?.error?.name).toBe('COORDINATOR_NOT_AVAILABLE')
    clock.advance(3_600_000)
  })
})

describe('listing and describing', () => {
  it('filters by state and type, whatever the letter case', async () => {
    const s = await setup()
    await stableGroup(s, 'busy')
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 5n))
    const ids = (states: string[], types: string[]) =>
      s.coordinator.list({ states, types }).map((group) => group.groupId)
    expect(ids([], [])).toEqual(['busy', 'simple'])
    expect(ids(['stable'], [])).toEqual(['busy'])
    expect(ids(['Stable', 'Empty'], ['CLASSIC'])).toEqual(['busy', 'simple'])
    expect(ids([], ['consumer'])).toEqual([])
    expect(ids(['dead'], [])).toEqual([])
    expect(s.coordinator.list({ states: ['Empty'], types: [] })).toEqual([
      { groupId: 'simple', protocolType: '', state: 'Empty', type: 'classic' },
    ])
  })

  it('shows metadata and assignor only while the group is stable', async () => {
    const s = await setup()
    await stableGroup(s, 'billing')
    expect(s.coordinator.describe('billing').members[0]?.metadata.length).toBeGreaterThan(0)
    void s.coordinator.join(joinOf('billing', { clientId: 'other' }))
    const rebalancing = s.coordinator.describe('billing')
    expect(rebalancing).toMatchObject({ state: 'PreparingRebalance', protocolName: '' })
    expect(rebalancing.members[0]?.metadata.length).toBe(0)
  })

  it('describes a group that does not exist as dead, with the error of newer versions', async () => {
    const { coordinator } = await setup()
    expect(coordinator.describe('nobody')).toMatchObject({
      state: 'Dead',
      members: [],
      error: { name: 'GROUP_ID_NOT_FOUND', reason: 'Group nobody not found.' },
    })
  })
})

describe('deleting groups', () => {
  it('takes empty groups with their offsets, and says what is wrong with the others', async () => {
    const s = await setup()
    await stableGroup(s, 'busy')
    await s.coordinator.commitOffsets(commitOf('old', 'orders', 1, 5n))
    const errors = await s.coordinator.deleteGroups(['old', 'busy', 'nobody'])
    expect(errors.map((error) => error?.name)).toEqual([undefined, 'NON_EMPTY_GROUP', 'GROUP_ID_NOT_FOUND'])
    expect(s.coordinator.list({ states: [], types: [] }).map((group) => group.groupId)).toEqual(['busy'])

    const after = await setup({}, { log: s.log })
    expect(after.coordinator.describe('old').state).toBe('Dead')
    const offsets = await after.coordinator.fetchOffsets({ groupId: 'old', topics: null })
    expect(offsets.topics).toEqual([])
  })

  it('keeps the group when the tombstones cannot be written', async () => {
    const s = await setup()
    await s.coordinator.commitOffsets(commitOf('old', 'orders', 1, 5n))
    s.log.failWith('KAFKA_STORAGE_ERROR')
    const [error] = await s.coordinator.deleteGroups(['old'])
    expect(error?.name).toBe('NOT_COORDINATOR')
    expect(s.coordinator.describe('old').state).toBe('Empty')
    const offsets = await s.coordinator.fetchOffsets({ groupId: 'old', topics: null })
    expect(offsets.topics[0]?.partitions[0]?.offset).toBe(5n)
  })
})

describe('the log of groups', () => {
  it('puts what belongs to one group into one partition, by the hash that Kafka uses', async () => {
    const { coordinator } = await setup()
    // Java: "console-consumer-1".hashCode() = -1276466361, "a" 97, "polygenelubricants" -2^31, which counts as 0.
    expect(coordinator.partitionFor('a')).toBe(97 % 50)
    expect(coordinator.partitionFor('polygenelubricants')).toBe(0)
  })

  it('writes the commits of one turn as one batch', async () => {
    const s = await setup()
    const groupId = 'billing'
    await Promise.all(
      [0, 1, 2].map((partition) => s.coordinator.commitOffsets(commitOf(groupId, 'orders', partition, 7n))),
    )
    expect(s.log.batches.map(({ records }) => records.length)).toEqual([3])
  })

  it('writes a commit of any size as one batch: it is in the log as a whole or not at all', async () => {
    const s = await setup()
    s.topics.set('wide', { ...s.topics.get('orders')!, partitions: 5000 })
    const commit = commitOf('billing', 'wide', 0, 7n)
    const metadata = 'x'.repeat(300)
    const partitions = Array.from({ length: 5000 }, (_, partition) => ({
      ...commit.topics[0]!.partitions[0]!,
      partition,
      metadata,
    }))
    await s.coordinator.commitOffsets({ ...commit, topics: [{ topic: 'wide', partitions }] })
    expect(s.log.batches.map(({ records }) => records.length)).toEqual([5000])
  })

  it('drops superseded records when they pile up, and still restores everything', async () => {
    const s = await setup()
    await stableGroup(s, 'busy')
    const partition = s.coordinator.partitionFor('simple')
    let last = 0n
    for (let round = 0; round < 60; round++) {
      const commits = Array.from({ length: 1000 }, () =>
        s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, ++last)),
      )
      await Promise.all(commits)
    }
    const kept = s.log.batches.filter((batch) => batch.partition === partition)
    expect(kept.reduce((sum, { records }) => sum + records.length, 0)).toBeLessThan(12_000)
    expect(s.logged).toContain('__consumer_offsets: dropped superseded records')

    const after = await setup({}, { log: memoryLog(50, s.log.batches) })
    const { topics } = await after.coordinator.fetchOffsets({ groupId: 'simple', topics: null })
    expect(topics[0]?.partitions[0]?.offset).toBe(60_000n)
    expect(after.coordinator.describe('busy').state).toBe('Stable')
  })
})
