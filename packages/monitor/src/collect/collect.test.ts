import { describe, expect, it } from 'vitest'
import { groupKey } from '../snapshot/keys.ts'
import type { Snapshot } from '../snapshot/types.ts'
import { type World, world } from './test-support/world.ts'

/** The lag and the next unread record of each partition of a group. */
function lagOf({ groups }: Snapshot, groupId: string): string[] {
  if (groups.state !== 'read') return [groups.state]
  const group = groups.value.find((one) => one.groupId === groupId)
  return (group?.partitions ?? []).map(({ partition, committed, lag, nextUnread }) => {
    const next = nextUnread === null || nextUnread === 'none' ? nextUnread : `${nextUnread.timestampMs}ms`
    return `${partition}: ${committed} lag ${lag} next ${next}`
  })
}
const problems = (snapshot: Snapshot): Record<string, string> =>
  Object.fromEntries(
    Object.entries(snapshot).flatMap(([part, reading]) => {
      const problem = (reading as { problem?: { code: string } | null } | null)?.problem
      return problem ? [[part, `${(reading as { state: string }).state} ${problem.code}`]] : []
    }),
  )

async function step(it: World, change: () => void = () => {}, afterMs = 15_000): Promise<Snapshot> {
  it.nowMs += afterMs
  it.calls.length = 0
  change()
  return (await it.collect()).snapshot
}

describe('a collection', () => {
  it('reads committed offsets before the ends of the logs', async () => {
    const it = world()
    it.groups.billing = { committed: { 0: 90n } }
    await step(it)
    const order = (name: string) => it.calls.indexOf(name)
    expect(order('groupOffsets')).toBeLessThan(order('partitionBounds'))
    expect(order('partitionBounds')).toBeLessThan(order('unreadRecords'))
  })

  it('reads an unread record once, however many groups wait for it, and again only when the offset moves', async () => {
    const it = world()
    it.groups.billing = { committed: { 0: 90n, 1: 100n } }
    it.groups.audit = { committed: { 0: 90n } }
    const reads = () => it.calls.filter((call) => call.includes('@'))
    expect(lagOf(await step(it), 'billing')).toEqual(['0: 90 lag 10 next 90000ms', '1: 100 lag 0 next null'])
    expect(reads()).toEqual(['orders-0@90'])
    await step(it, () => void it.topics.orders!.end.splice(0, 1, 120n))
    expect(reads()).toEqual([])
    const moved = await step(it, () => {
      it.groups.billing!.committed[0] = 95n
    })
    expect(reads()).toEqual(['orders-0@95'])
    expect(lagOf(moved, 'billing')[0]).toBe('0: 95 lag 25 next 95000ms')
    expect(it.state.unread.size).toBe(2)
  })

  it('is never negative: a group that has committed behind the end has lag 0', async () => {
    const it = world()
    it.groups.billing = { committed: { 0: 105n } }
    expect(lagOf(await step(it), 'billing')).toEqual(['0: 105 lag 0 next null'])
  })

  it('keeps every part with its problem while no broker answers, and asks for nothing else', async () => {
    const it = world()
    it.groups.billing = { committed: { 0: 90n } }
    const before = await step(it)
    const down = await step(it, () => {
      it.failing = { surveyMetadata: 'CANNOT_CONNECT' }
    })
    expect(it.calls).toEqual(['surveyMetadata'])
    expect(new Set(Object.values(problems(down)))).toEqual(new Set(['read CANNOT_CONNECT']))
    expect(lagOf(down, 'billing')).toEqual(lagOf(before, 'billing'))
    expect(down.metadata).toMatchObject({ atMs: 15_000 })
    const back = await step(it, () => {
      it.failing = {}
    })
    expect(problems(back)).toEqual({})
    expect(back.history.collections).toMatchObject({ done: 3, failures: new Map([['metadata', 1]]) })
  })

  it('was never read when nothing ever answered', async () => {
    const it = world()
    it.failing = { surveyMetadata: 'CANNOT_CONNECT' }
    const snapshot = await step(it)
    expect(snapshot.metadata).toEqual({
      state: 'never',
      problem: { code: 'CANNOT_CONNECT', message: 'surveyMetadata failed' },
    })
    expect(snapshot.groups.state).toBe('never')
  })

  it.each(['surveyGroups', 'groupOffsets'] as const)(
    'keeps the groups when %s fails, and reads the rest',
    async (failing) => {
      const it = world()
      it.groups.billing = { committed: { 0: 90n } }
      await step(it)
      const snapshot = await step(it, () => {
        it.failing = { [failing]: 'TIMEOUT' }
        it.topics.orders!.end = [200n, 200n]
      })
      expect(problems(snapshot)).toEqual({ groups: 'read TIMEOUT' })
      expect(lagOf(snapshot, 'billing')).toEqual(['0: 90 lag 10 next 90000ms'])
      expect(snapshot.offsets).toMatchObject({ value: [{ end: 200n }, { end: 200n }] })
    },
  )

  it('does not compute a lag from old ends', async () => {
    const it = world()
    it.groups.billing = { committed: { 0: 90n } }
    await step(it)
    const snapshot = await step(it, () => {
      it.failing = { partitionBounds: 'TIMEOUT' }
      it.groups.billing!.committed = { 0: 130n }
    })
    expect(problems(snapshot)).toEqual({ groups: 'read TIMEOUT', offsets: 'read TIMEOUT' })
    expect(lagOf(snapshot, 'billing')).toEqual(['0: 90 lag 10 next 90000ms'])
  })

  it('keeps the end of a partition without a leader: no message arrives there', async () => {
    const it = world()
    it.groups.billing = { committed: { 0: 90n } }
    await step(it)
    const snapshot = await step(it, () => {
      it.topics.orders!.leader = -1
    })
    expect(lagOf(snapshot, 'billing')).toEqual(['0: 90 lag 10 next 90000ms'])
    expect(snapshot.offsets).toMatchObject({
      value: [{ end: 100n, problem: { code: 'COORDINATOR_NOT_AVAILABLE' } }, {}],
    })
  })

  it('keeps the groups of a broker that does not list them, with its problem', async () => {
    const it = world()
    it.groups.billing = { committed: { 0: 90n } }
    await step(it)
    const snapshot = await step(it, () => {
      it.silent = [0]
      it.groups.other = { committed: {} }
    })
    expect(problems(snapshot)).toEqual({ groups: 'read COORDINATOR_NOT_AVAILABLE' })
    expect(lagOf(snapshot, 'billing')).toEqual(['0: 90 lag 10 next 90000ms'])
  })

  it('forgets topics and groups that are gone', async () => {
    const it = world()
    it.groups.billing = { committed: { 0: 90n } }
    it.groups.audit = { committed: { 0: 90n } }
    await step(it)
    const withoutGroup = await step(it, () => void delete it.groups.audit)
    expect(withoutGroup.history.groups.has('audit')).toBe(false)
    expect(withoutGroup.history.groupPartitions.has(groupKey('audit', 'orders', 0))).toBe(false)
    const { history, offsets, groups, configs } = await step(it, () => {
      it.topics = {}
    })
    expect(offsets).toMatchObject({ value: [] })
    expect(groups).toMatchObject({ value: [{ groupId: 'billing', partitions: [] }] })
    expect(configs).toMatchObject({ value: { topics: new Map() } })
    expect([history.topics.size, history.groupPartitions.size, it.state.unread.size]).toEqual([0, 0, 0])
  })

  it('reads settings seldom, and those of a new topic at once', async () => {
    const it = world()
    const collect = async () => {
      it.nowMs += 60_000
      it.calls.length = 0
      await it.collect({ everyMs: { configs: 5 * 60_000 } })
      return it.calls.filter((call) => call.startsWith('configs'))
    }
    expect(await collect()).toEqual(['configs of orders'])
    expect(await collect()).toEqual([])
    it.topics.payments = { id: 'id-2', start: [0n], end: [0n] }
    expect(await collect()).toEqual(['configs of payments'])
    expect(await collect()).toEqual([])
    expect(await collect()).toEqual([])
    expect(await collect()).toEqual(['configs of orders payments'])
  })

  it('reads everything when its clock was set back', async () => {
    const it = world()
    await step(it)
    await step(it, () => {}, -3_600_000)
    expect(it.calls).toEqual(
      expect.arrayContaining(['surveyMetadata', 'reachBrokers', 'configs of orders', 'surveyLogDirs']),
    )
  })

  it('keeps settings that topics have in common once', async () => {
    const it = world()
    it.topics.payments = { id: 'id-2', start: [0n], end: [0n] }
    it.topics.refunds = { id: 'id-3', start: [0n], end: [0n] }
    for (const topic of ['orders', 'payments'])
      it.topics[topic]!.config = { 'retention.ms': '7', 'cleanup.policy': 'delete' }
    it.topics.refunds!.config = { 'retention.ms': '5', 'cleanup.policy': 'delete' }
    const { snapshot } = await it.collect()
    const [orders, payments, refunds] = ['orders', 'payments', 'refunds'].map((name) =>
      snapshot.configs.state === 'read' ? snapshot.configs.value.topics.get(name) : undefined,
    )
    expect(payments).toBe(orders)
    expect(refunds!.map(({ value }) => value)).toEqual(['5', 'delete'])
    expect(refunds![1]).toBe(orders![1])
  })

  it('leaves out topics and groups that are not wanted', async () => {
    const it = world()
    it.topics.secret = { id: 'id-2', start: [0n], end: [5n] }
    const { snapshot } = await it.collect({ isTopicCollected: (name) => name !== 'secret' })
    expect(snapshot.metadata).toMatchObject({ value: { topics: [{ name: 'orders' }] } })
    expect(snapshot.offsets).toMatchObject({ value: [{ topic: 'orders' }, { topic: 'orders' }] })
  })

  it('says that the quorum has no leader, and keeps the rest that was known of it', async () => {
    const it = world()
    await it.collect()
    it.hasLeader = false
    const { snapshot } = await it.collect()
    expect(snapshot.quorum).toMatchObject({
      problem: null,
      value: { leaderId: -1, leaderEpoch: 3, highWatermark: 50n, voters: [{ id: 0 }] },
    })
  })

  it('tells how far the clock of the node that leads the quorum is from its own', async () => {
    const it = world()
    expect((await step(it)).quorum).toMatchObject({ value: { leaderId: 0, leaderClockOffsetMs: 200 } })
  })

  it('is not a failure where the cluster does not have something', async () => {
    const it = world()
    it.failing = { quorum: 'UNSUPPORTED_API', openTransactions: 'UNSUPPORTED_API' }
    const snapshot = await step(it)
    expect(problems(snapshot)).toEqual({ quorum: 'never UNSUPPORTED_API', transactions: 'never UNSUPPORTED_API' })
    expect(snapshot.history.collections.failures.size).toBe(0)
  })
})

describe('the history', () => {
  const day = 24 * 60 * 60_000
  const partition = ({ history }: Snapshot, groupId = 'billing') =>
    history.groupPartitions.get(groupKey(groupId, 'orders', 0))!

  it('expects the most brokers that were seen within a day, and remembers those that left', async () => {
    const it = world()
    const seen: unknown[] = []
    const note = ({ expectedBrokers, history }: Snapshot) => seen.push([expectedBrokers, [...history.brokersLastSeen]])
    note(await step(it))
    note(
      await step(it, () => {
        it.brokers = [0, 1]
      }),
    )
    note(await step(it, () => {}, day - 20_000))
    note(await step(it, () => {}, 10_000))
    expect(seen).toEqual([
      [3, []],
      [3, [[2, 15_000]]],
      [3, [[2, 15_000]]],
      [2, []],
    ])
  })

  it('tells when a committed offset moved, and a reset', async () => {
    const it = world()
    it.groups.billing = { committed: { 0: 10n }, members: { m: [0] } }
    const seen: unknown[] = []
    const note = (snapshot: Snapshot) => seen.push([partition(snapshot).movedAtMs, partition(snapshot).lastReset])
    note(await step(it))
    note(await step(it))
    note(
      await step(it, () => {
        it.groups.billing!.committed[0] = 30n
      }),
    )
    note(
      await step(it, () => {
        it.groups.billing!.committed[0] = 5n
      }),
    )
    note(
      await step(it, () => {
        it.groups.billing!.members = {}
      }),
    )
    note(
      await step(it, () => {
        it.groups.billing!.committed[0] = 80n
      }),
    )
    const back = { atMs: 60_000, from: 30n, to: 5n }
    expect(seen).toEqual([
      [null, null],
      [null, null],
      [45_000, null],
      [60_000, back],
      [60_000, back],
      [90_000, { atMs: 90_000, from: 5n, to: 80n }],
    ])
  })

  it('counts messages that were deleted before the group read them, once', async () => {
    const it = world()
    it.groups.billing = { committed: { 0: 10n } }
    const lost: bigint[] = []
    const note = (snapshot: Snapshot) => lost.push(partition(snapshot).lost)
    note(await step(it))
    note(
      await step(it, () => {
        it.topics.orders!.start[0] = 25n
      }),
    )
    note(await step(it))
    note(
      await step(it, () => {
        it.topics.orders!.start[0] = 40n
      }),
    )
    note(
      await step(it, () => {
        it.groups.billing!.committed[0] = 40n
      }),
    )
    note(
      await step(it, () => {
        it.topics.orders!.start[0] = 45n
      }),
    )
    note(
      await step(it, () => {
        it.groups.billing!.committed[0] = 0n
      }),
    )
    expect(lost).toEqual([0n, 15n, 15n, 30n, 30n, 35n, 35n])
  })

  it('keeps a point a minute and the newest, for fifteen minutes', async () => {
    const it = world()
    it.groups.billing = { committed: { 0: 10n } }
    let last = await step(it)
    for (let i = 0; i < 120; i++) last = await step(it)
    const { points } = partition(last)
    expect(points.length).toBeLessThanOrEqual(17)
    expect(points.at(-1)!.atMs).toBe(it.nowMs)
    expect(points.at(-1)!.atMs - points[0]!.atMs).toBeLessThanOrEqual(15 * 60_000)
    expect(points.at(-1)!.atMs - points[0]!.atMs).toBeGreaterThanOrEqual(14 * 60_000)
  })

  it('counts rebalances: a state that is part of one, or another assignment, once each', async () => {
    const it = world()
    it.groups.billing = { committed: {}, members: { a: [0, 1] } }
    const counts: unknown[] = []
    const note = ({ history }: Snapshot) => {
      const { rebalances, emptySinceMs } = history.groups.get('billing')!
      counts.push([rebalances, emptySinceMs])
    }
    note(await step(it))
    note(await step(it))
    note(
      await step(it, () => {
        it.groups.billing!.members = { a: [0], b: [1] }
      }),
    )
    note(
      await step(it, () => {
        it.groups.billing!.state = 'PreparingRebalance'
      }),
    )
    note(
      await step(it, () => {
        it.groups.billing!.state = 'CompletingRebalance'
      }),
    )
    note(await step(it, () => Object.assign(it.groups.billing!, { state: 'Stable', members: { b: [0, 1] } })))
    note(await step(it, () => Object.assign(it.groups.billing!, { state: 'Empty', members: {} })))
    note(await step(it))
    expect(counts).toEqual([
      [0, null],
      [0, null],
      [1, null],
      [2, null],
      [2, null],
      [2, null],
      [2, 105_000],
      [2, 105_000],
    ])
  })

  it('counts every rebalance of a group that has an epoch, also several between two collections', async () => {
    const it = world()
    it.groups.billing = { type: 'consumer', epoch: 3, committed: {}, members: { a: [0, 1] } }
    const count = ({ history }: Snapshot) => history.groups.get('billing')!.rebalances
    expect(count(await step(it))).toBe(0)
    expect(count(await step(it, () => Object.assign(it.groups.billing!, { epoch: 8 })))).toBe(5)
    // Reconciling after the last of them.
    expect(count(await step(it, () => Object.assign(it.groups.billing!, { state: 'Reconciling' })))).toBe(5)
    expect(count(await step(it, () => Object.assign(it.groups.billing!, { state: 'Stable', epoch: 1 })))).toBe(6)
  })

  it('counts the rebalances of a classic group that is never seen at rest, and one that takes long once', async () => {
    const it = world()
    it.groups.billing = { committed: {}, members: { a: [0, 1] } }
    const counts: number[] = []
    const note = async (state: string, ...members: string[]) => {
      const assigned = Object.fromEntries(members.map((member) => [member, []]))
      const { history } = await step(it, () => Object.assign(it.groups.billing!, { state, members: assigned }))
      counts.push(history.groups.get('billing')!.rebalances)
    }
    await note('Stable', 'a')
    await note('PreparingRebalance', 'a', 'b')
    await note('PreparingRebalance', 'a', 'b')
    await note('CompletingRebalance', 'a', 'b')
    await note('PreparingRebalance', 'a', 'b')
    await note('PreparingRebalance', 'a', 'c')
    await note('PreparingRebalance', 'a', 'd')
    expect(counts).toEqual([0, 1, 1, 1, 2, 3, 4])
  })

  it('sees a topic that was created again, and counts its messages on', async () => {
    const it = world()
    it.groups.billing = { committed: { 0: 90n } }
    await step(it)
    const arrived = await step(it, () => {
      it.topics.orders!.end = [130n, 100n]
    })
    expect(arrived.history.topics.get('orders')).toMatchObject({
      messages: 30n,
      messagesPerSecond: 2,
      lastMessageMs: 30_000,
    })
    const { history } = await step(it, () => {
      it.topics.orders = { id: 'id-2', start: [0n, 0n], end: [6n, 0n] }
    })
    expect(history.topics.get('orders')).toEqual({
      id: 'id-2',
      recreated: { atMs: 45_000, previousId: 'id-1', times: 1 },
      lastMessageMs: 45_000,
      messages: 36n,
      messagesPerSecond: 0.4,
    })
    expect(history.groupPartitions.get(groupKey('billing', 'orders', 0))).toMatchObject({
      firstSeenMs: 45_000,
      lost: 0n,
    })
  })

  it('keeps a point of each disk every five minutes', async () => {
    const it = world()
    let last = await step(it)
    for (let i = 0; i < 41; i++) last = await step(it)
    expect(last.history.logDirs.get('0 /d')!.map(({ atMs, usedBytes }) => [atMs, usedBytes])).toEqual([
      [15_000, 60n],
      [315_000, 60n],
      [615_000, 60n],
    ])
  })
})
