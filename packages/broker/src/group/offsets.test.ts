// Committed offsets: who may commit what, what is read back, and when they go.
import { describe, expect, it } from 'vitest'
import { commitOf, joinOf, type Setup, setup, stableGroup, topicId } from './test-support/fixtures.ts'
import type { CommitInput } from './types.ts'

const dayMs = 24 * 3600_000

async function commitError({ coordinator }: Setup, input: CommitInput): Promise<string | undefined> {
  const { topics } = await coordinator.commitOffsets(input)
  return topics[0]?.partitions[0]?.error?.name
}

async function committed({ coordinator }: Setup, groupId: string): Promise<string[]> {
  const { topics } = await coordinator.fetchOffsets({ groupId, topics: null })
  return topics.flatMap(({ topic, partitions }) => partitions.map((p) => `${topic}-${p.partition}@${p.offset}`))
}

describe('committing', () => {
  it('brings offset, leader epoch and metadata back, also after a restart', async () => {
    const s = await setup()
    const partitions = [{ partition: 2, offset: 2n ** 60n, leaderEpoch: 7, metadata: 'Grüße' }]
    await s.coordinator.commitOffsets(commitOf('simple', '', 0, 0n, { topics: [{ topic: 'orders', partitions }] }))
    const expected = [
      { partition: 2, offset: 2n ** 60n, leaderEpoch: 7, metadata: 'Grüße' },
      { partition: 0, offset: -1n, leaderEpoch: -1, metadata: '' },
    ]
    const query = { groupId: 'simple', topics: [{ topic: 'orders', partitions: [2, 0] }] }
    expect((await s.coordinator.fetchOffsets(query)).topics[0]?.partitions).toEqual(expected)
    await s.coordinator.close()
    const after = await setup({}, { log: s.log })
    expect((await after.coordinator.fetchOffsets(query)).topics[0]?.partitions).toEqual(expected)
  })

  it('is for members of the present generation only, once the group has members', async () => {
    const s = await setup()
    const member = await stableGroup(s, 'billing')
    const by = (options: Partial<CommitInput>) => commitError(s, commitOf('billing', 'orders', 0, 3n, options))
    expect(await by({})).toBe('UNKNOWN_MEMBER_ID')
    expect(await by({ ...member, memberId: 'stranger' })).toBe('UNKNOWN_MEMBER_ID')
    expect(await by({ ...member, generationId: 0 })).toBe('ILLEGAL_GENERATION')
    expect(await by({ ...member, groupInstanceId: 'i9' })).toBe('UNKNOWN_MEMBER_ID')
    expect(await committed(s, 'billing')).toEqual([])
    expect(await by(member)).toBeUndefined()
    expect(await committed(s, 'billing')).toEqual(['orders-0@3'])
  })

  it('fails for a member that does not know its assignment yet', async () => {
    const s = await setup()
    const member = await stableGroup(s, 'billing')
    const rejoining = s.coordinator.join(joinOf('billing', { memberId: member.memberId }))
    const { generationId } = await rejoining
    const input = commitOf('billing', 'orders', 0, 3n, { ...member, generationId })
    expect(await commitError(s, input)).toBe('REBALANCE_IN_PROGRESS')
  })

  it('with a generation of a group that no longer exists is an error, for older clients an illegal generation', async () => {
    const s = await setup()
    const input = commitOf('nobody', 'orders', 0, 3n, { generationId: 4, memberId: 'm' })
    expect(await commitError(s, input)).toBe('GROUP_ID_NOT_FOUND')
    expect(await commitError(s, { ...input, knowsGroupIdNotFound: false })).toBe('ILLEGAL_GENERATION')
    expect(s.coordinator.describe('nobody').state).toBe('Dead')
  })

  it('refuses partitions that do not exist and metadata that is too long, and takes the rest', async () => {
    const s = await setup({ offsetMetadataMaxBytes: 5 })
    const partition = (n: number, metadata = '') => ({ partition: n, offset: 1n, leaderEpoch: -1, metadata })
    const result = await s.coordinator.commitOffsets(
      commitOf('simple', '', 0, 0n, {
        topics: [
          {
            topic: 'orders',
            partitions: [partition(0, 'fits.'), partition(1, 'too long'), partition(3), partition(-1)],
          },
          { topic: 'nowhere', partitions: [partition(0)] },
        ],
      }),
    )
    expect(result.topics.map(({ partitions }) => partitions.map(({ error }) => error?.name))).toEqual([
      [undefined, 'OFFSET_METADATA_TOO_LARGE', 'UNKNOWN_TOPIC_OR_PARTITION', 'UNKNOWN_TOPIC_OR_PARTITION'],
      ['UNKNOWN_TOPIC_OR_PARTITION'],
    ])
    expect(await committed(s, 'simple')).toEqual(['orders-0@1'])
  })

  it('is taken back in memory when it cannot be written', async () => {
    const s = await setup()
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 3n))
    s.log.failWith('KAFKA_STORAGE_ERROR')
    const errors = await Promise.all([
      commitError(s, commitOf('simple', 'orders', 0, 4n)),
      commitError(s, commitOf('simple', 'orders', 0, 5n)),
      commitError(s, commitOf('simple', 'orders', 1, 1n)),
    ])
    expect(errors).toEqual(['NOT_COORDINATOR', 'NOT_COORDINATOR', 'NOT_COORDINATOR'])
    expect(await committed(s, 'simple')).toEqual(['orders-0@3'])
  })

  it('is not read by others before it is written', async () => {
    const s = await setup()
    s.log.hold()
    const committing = s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 3n))
    const fetching = committed(s, 'simple')
    s.log.release()
    await committing
    expect(await fetching).toEqual(['orders-0@3'])
  })

  it('keeps a member alive', async () => {
    const s = await setup()
    const member = await stableGroup(s, 'billing')
    s.clock.advance(9000)
    expect(await commitError(s, commitOf('billing', 'orders', 0, 3n, member))).toBeUndefined()
    s.clock.advance(9000)
    expect(await s.coordinator.heartbeat(member)).toBeUndefined()
  })
})

describe('a topic that is deleted', () => {
  it('takes its offsets with it', async () => {
    const s = await setup()
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 3n))
    await s.coordinator.commitOffsets(commitOf('simple', 'payments', 0, 4n))
    await s.coordinator.topicsDeleted(['orders'])
    expect(await committed(s, 'simple')).toEqual(['payments-0@4'])
    expect(await committed(await setup({}, { log: s.log }), 'simple')).toEqual(['payments-0@4'])
  })

  it('and created again does not inherit offsets, even when the broker went down in between', async () => {
    const s = await setup()
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 3n))
    const after = await setup({}, { log: s.log })
    after.topics.set('orders', { id: topicId(9), partitions: 3 })
    expect(await committed(after, 'simple')).toEqual([])
  })
})

describe('expiry', () => {
  it('counts from the moment that the group became empty', async () => {
    const s = await setup({ offsetsRetentionMs: dayMs })
    const member = await stableGroup(s, 'billing', { sessionTimeoutMs: 1_800_000 })
    await s.coordinator.commitOffsets(commitOf('billing', 'orders', 0, 3n, member))
    for (let quarter = 0; quarter < 192; quarter++) {
      s.clock.advance(dayMs / 96)
      expect(await s.coordinator.heartbeat(member)).toBeUndefined()
    }
    await s.coordinator.leave({ groupId: 'billing', members: [{ ...member, reason: null }] })
    s.clock.advance(dayMs - 1)
    expect(await committed(s, 'billing')).toEqual(['orders-0@3'])
    s.clock.advance(600_000)
    expect(await committed(s, 'billing')).toEqual([])
  })

  it('removes the group with its last offset, and writes the tombstones', async () => {
    const s = await setup({ offsetsRetentionMs: dayMs })
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 3n))
    s.clock.advance(dayMs + 600_000)
    await expect.poll(() => s.coordinator.describe('simple').state).toBe('Dead')
    await expect.poll(() => s.log.decoded().at(-1)).toMatchObject({ kind: 'group', group: 'simple', value: null })
  })

  it('counts from the commit for topics that a stable group no longer reads', async () => {
    const s = await setup({ offsetsRetentionMs: dayMs })
    const member = await stableGroup(s, 'billing', { sessionTimeoutMs: 1_800_000 })
    await s.coordinator.commitOffsets(commitOf('billing', 'orders', 0, 3n, member))
    await s.coordinator.commitOffsets(commitOf('billing', 'payments', 0, 4n, member))
    for (let quarter = 0; quarter < 100; quarter++) {
      s.clock.advance(dayMs / 96)
      expect(await s.coordinator.heartbeat(member)).toBeUndefined()
    }
    expect(await committed(s, 'billing')).toEqual(['orders-0@3'])
  })

  it('takes the longest retention that an old client can ask for', async () => {
    const s = await setup()
    const forEver = { retentionTimeMs: Number(2n ** 63n - 1n) }
    expect(await commitError(s, commitOf('simple', 'orders', 0, 3n, forEver))).toBeUndefined()
    await s.coordinator.close()
    expect(await committed(await setup({}, { log: s.log }), 'simple')).toEqual(['orders-0@3'])
  })

  it.each([
    ['NOT_LEADER_OR_FOLLOWER', false],
    ['KAFKA_STORAGE_ERROR', false],
    ['INVALID_RECORD', true],
  ])('is tried again when the log fails with %s; logged as an error: %s', async (code, isError) => {
    const s = await setup({ offsetsRetentionMs: dayMs })
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 3n))
    s.log.failWith(code)
    s.clock.advance(dayMs + 600_000)
    const message = 'could not remove expired offsets; the next round tries again'
    await expect.poll(() => s.logged).toContain(message)
    expect(s.errors.includes(message)).toBe(isError)
    s.log.failWith(undefined)
    s.clock.advance(600_000)
    await expect.poll(() => committed(s, 'simple')).toEqual([])
  })

  it('obeys a retention that an old client asked for', async () => {
    const s = await setup({ offsetsRetentionMs: dayMs })
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 3n, { retentionTimeMs: 3_600_000 }))
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 1, 4n))
    s.clock.advance(4_200_000)
    expect(await committed(s, 'simple')).toEqual(['orders-1@4'])
  })
})

describe('deleting offsets', () => {
  it('spares topics that the group reads, and ignores what was never committed', async () => {
    const s = await setup()
    const member = await stableGroup(s, 'billing')
    await s.coordinator.commitOffsets(commitOf('billing', 'orders', 0, 3n, member))
    await s.coordinator.commitOffsets(commitOf('billing', 'payments', 0, 4n, member))
    const result = await s.coordinator.deleteOffsets({
      groupId: 'billing',
      topics: [
        { topic: 'orders', partitions: [0] },
        { topic: 'payments', partitions: [0, 7] },
      ],
    })
    expect(result.topics.map(({ partitions }) => partitions.map(({ error }) => error?.name))).toEqual([
      ['GROUP_SUBSCRIBED_TO_TOPIC'],
      [undefined, 'UNKNOWN_TOPIC_OR_PARTITION'],
    ])
    expect(await committed(s, 'billing')).toEqual(['orders-0@3'])
  })

  it('fails for unknown groups, and for groups with members whose subscription is not known', async () => {
    const s = await setup()
    await stableGroup(s, 'workers', { protocolType: 'connect' })
    const error = async (groupId: string) => (await s.coordinator.deleteOffsets({ groupId, topics: [] })).error?.name
    expect(await error('nobody')).toBe('GROUP_ID_NOT_FOUND')
    expect(await error('workers')).toBe('NON_EMPTY_GROUP')
    expect(await error('')).toBe('INVALID_GROUP_ID')
  })
})

describe('waiting for a commit', () => {
  it('resolves when the group gets there, or has got there already', async () => {
    const s = await setup()
    const waiting = s.coordinator.waitForCommit('simple', 'orders', 0, 5n)
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 1, 9n))
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 4n))
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 6n))
    await waiting
    await s.coordinator.waitForCommit('simple', 'orders', 0, 6n)
  })

  it('gives up after its time, with the last offset of the group in the error', async () => {
    const s = await setup()
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 4n))
    await expect(s.coordinator.waitForCommit('simple', 'orders', 0, 5n, 20)).rejects.toMatchObject({
      code: 'COMMIT_WAIT_TIMEOUT',
      message: 'waited for group simple to commit orders-0 up to 5: not within 20 ms, its last offset is 4',
    })
  })

  it('fails when the broker is closed first', async () => {
    const s = await setup()
    const waiting = s.coordinator.waitForCommit('simple', 'orders', 0, 5n)
    const outcome = expect(waiting).rejects.toMatchObject({ code: 'COORDINATOR_CLOSED' })
    await s.coordinator.close()
    await outcome
  })

  it('reports commits only once they are written', async () => {
    const s = await setup()
    const heard: bigint[] = []
    const stop = s.coordinator.onCommit(({ offset }) => heard.push(offset))
    s.log.failWith('KAFKA_STORAGE_ERROR')
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 1n))
    s.log.failWith(undefined)
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 2n))
    stop()
    await s.coordinator.commitOffsets(commitOf('simple', 'orders', 0, 3n))
    expect(heard).toEqual([2n])
  })
})
