// The group APIs on the wire, at every version, on both engines: what is expected here is what Apache Kafka answers.
import { randomBytes } from 'node:crypto'
import { type ApiName, apis, errorCodes, kafkaErrorByCode } from '@selfmonitor/protocol'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { subscription } from '../group/test-support/transcript.ts'
import { connectWire, type WireClient } from './test-support/wire-client.ts'

const unique = (name: string) => `${name}-${randomBytes(4).toString('hex')}`
const name = (code: number) => kafkaErrorByCode(code)?.name
const versionsOf = (api: ApiName) => {
  const { min, max } = apis[api].advertised
  return Array.from({ length: max - min + 1 }, (_, i) => min + i)
}

interface Identity {
  readonly groupId: string
  readonly memberId: string
  readonly generationId: number
}

describeEngines('the group APIs', (engine) => {
  const clients: WireClient[] = []
  const topic = unique('group-apis')
  let client: WireClient
  let topicId: string

  const connect = async (clientId = 'wire') => {
    const another = await connectWire(engine.bootstrapServers, clientId)
    clients.push(another)
    return another
  }

  beforeAll(async () => {
    client = await connect()
    await client.call('CreateTopics', 7, {
      topics: [{ name: topic, numPartitions: 3, replicationFactor: 1, assignments: [], configs: [] }],
      timeoutMs: 10_000,
    })
    const limits = { timeout: 20_000, interval: 100 }
    // Kafka's brokers get a new topic a little after the controller has it; until then its id is zero.
    const created = async () => {
      const { topics } = await client.call('Metadata', 12, { topics: [{ name: topic }] })
      topicId = topics[0]!.topicId
      return topics[0]!.errorCode === errorCodes.NONE
    }
    await vi.waitUntil(created, limits)
    // The first use creates __consumer_offsets; until it exists, Kafka answers COORDINATOR_NOT_AVAILABLE.
    const ask = () => client.call('FindCoordinator', 4, { keyType: 0, coordinatorKeys: [topic] })
    await vi.waitUntil(async () => (await ask()).coordinators[0]!.errorCode === errorCodes.NONE, limits)
    const warmUp = () => client.call('OffsetFetch', 8, { groups: [{ groupId: topic, topics: null }] })
    await vi.waitUntil(async () => (await warmUp()).groups[0]!.errorCode === errorCodes.NONE, limits)
  })
  afterAll(() => {
    for (const each of clients) each.close()
  })

  const joinBody = (groupId: string, options: object = {}) => ({
    groupId,
    sessionTimeoutMs: 10_000,
    rebalanceTimeoutMs: 20_000,
    memberId: '',
    protocolType: 'consumer',
    protocols: [{ name: 'range', metadata: subscription(topic) }],
    ...options,
  })

  /** Joins, twice where the version wants it, and waits for the generation. */
  async function join(by: WireClient, version: number, groupId: string, options: object = {}) {
    const first = await by.call('JoinGroup', version, joinBody(groupId, options))
    if (name(first.errorCode) !== 'MEMBER_ID_REQUIRED') return first
    expect(version).toBeGreaterThanOrEqual(4)
    expect(first).toMatchObject({ generationId: -1, leader: '', members: [] })
    return by.call('JoinGroup', version, joinBody(groupId, { ...options, memberId: first.memberId }))
  }

  async function stable(groupId: string, options: object = {}): Promise<Identity> {
    const { memberId, generationId } = await join(client, 9, groupId, options)
    const assignments = [{ memberId, assignment: Buffer.from('everything') }]
    const body = { groupId, generationId, memberId, protocolType: 'consumer', protocolName: 'range', assignments }
    expect(name((await client.call('SyncGroup', 5, body)).errorCode)).toBe('NONE')
    return { groupId, memberId, generationId }
  }

  const leave = (version: number, { groupId, memberId }: Identity) =>
    client.call('LeaveGroup', version, version < 3 ? { groupId, memberId } : { groupId, members: [{ memberId }] })

  const commitBody = ({ groupId, memberId, generationId }: Identity, offset = 5n, partition: object = {}) => ({
    groupId,
    memberId,
    generationIdOrMemberEpoch: generationId,
    topics: [
      {
        name: topic,
        topicId,
        partitions: [
          { partitionIndex: 0, committedOffset: offset, committedLeaderEpoch: 0, committedMetadata: 'm', ...partition },
        ],
      },
    ],
  })
  const nobody = (groupId: string): Identity => ({ groupId, memberId: '', generationId: -1 })
  async function commitError(version: number, body: ReturnType<typeof commitBody>) {
    return name((await client.call('OffsetCommit', version, body)).topics[0]!.partitions[0]!.errorCode)
  }

  it.each(versionsOf('JoinGroup'))('JoinGroup v%i admits a member, as leader of its group', async (version) => {
    const groupId = unique('join')
    const joined = await join(client, version, groupId)
    expect(joined).toMatchObject({ errorCode: 0, generationId: 1, protocolName: 'range', skipAssignment: false })
    expect(joined.protocolType).toBe(version >= 7 ? 'consumer' : null)
    expect(joined.memberId).toMatch(/^wire-[0-9a-f-]{36}$/)
    expect(joined.leader).toBe(joined.memberId)
    expect(joined.members).toEqual([
      { memberId: joined.memberId, groupInstanceId: null, metadata: subscription(topic) },
    ])
    await leave(3, { ...joined, groupId })
  })

  it.each(versionsOf('JoinGroup'))('JoinGroup v%i refuses what is wrong', async (version) => {
    const refused = async (groupId: string, options: object) => {
      const answer = await client.call('JoinGroup', version, joinBody(groupId, options))
      expect(answer).toMatchObject({ generationId: -1, leader: '', members: [] })
      expect(answer.protocolName).toBe(version >= 7 ? null : '')
      return name(answer.errorCode)
    }
    expect(await refused('', {})).toBe('INVALID_GROUP_ID')
    expect(await refused(unique('join'), { sessionTimeoutMs: 10 })).toBe('INVALID_SESSION_TIMEOUT')
    expect(await refused(unique('join'), { sessionTimeoutMs: 2_000_000 })).toBe('INVALID_SESSION_TIMEOUT')
    expect(await refused(unique('join'), { memberId: 'stranger' })).toBe('UNKNOWN_MEMBER_ID')
    expect(await refused(unique('join'), { protocols: [] })).toBe('INCONSISTENT_GROUP_PROTOCOL')
    expect(await refused(unique('join'), { protocolType: '' })).toBe('INCONSISTENT_GROUP_PROTOCOL')
  })

  it.each(versionsOf('SyncGroup'))('SyncGroup v%i gives the leader back its own part', async (version) => {
    const groupId = unique('sync')
    const { memberId, generationId } = await join(client, 5, groupId)
    const assignments = [{ memberId, assignment: Buffer.from('mine') }]
    const body = { groupId, generationId, memberId, protocolType: 'consumer', protocolName: 'range', assignments }
    const refused = async (change: object) =>
      name((await client.call('SyncGroup', version, { ...body, ...change })).errorCode)
    expect(await refused({ groupId: '' })).toBe('INVALID_GROUP_ID')
    expect(await refused({ groupId: unique('sync') })).toBe('UNKNOWN_MEMBER_ID')
    expect(await refused({ memberId: 'stranger' })).toBe('UNKNOWN_MEMBER_ID')
    expect(await refused({ generationId: 7 })).toBe('ILLEGAL_GENERATION')
    if (version >= 3) expect(await refused({ groupInstanceId: 'i1' })).toBe('UNKNOWN_MEMBER_ID')
    if (version >= 5) {
      expect(await refused({ protocolName: 'sticky' })).toBe('INCONSISTENT_GROUP_PROTOCOL')
      expect(await refused({ protocolType: 'connect' })).toBe('INCONSISTENT_GROUP_PROTOCOL')
      expect(await refused({ protocolName: null })).toBe('INCONSISTENT_GROUP_PROTOCOL')
    }
    const protocol = version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {}
    const synced = await client.call('SyncGroup', version, body)
    expect(synced).toMatchObject({ errorCode: 0, assignment: Buffer.from('mine'), ...protocol })
    // Asked again, a stable group repeats it.
    expect((await client.call('SyncGroup', version, { ...body, assignments: [] })).assignment.toString()).toBe('mine')
    await leave(3, { groupId, memberId, generationId })
  })

  it.each(versionsOf('Heartbeat'))(
    'Heartbeat v%i keeps a member alive, and tells it when to rejoin',
    async (version) => {
      const identity = await stable(unique('heartbeat'))
      const beat = async (change: object = {}) =>
        name((await client.call('Heartbeat', version, { ...identity, ...change })).errorCode)
      expect(await beat()).toBe('NONE')
      expect(await beat({ groupId: '' })).toBe('INVALID_GROUP_ID')
      expect(await beat({ groupId: unique('heartbeat') })).toBe('UNKNOWN_MEMBER_ID')
      expect(await beat({ memberId: 'stranger' })).toBe('UNKNOWN_MEMBER_ID')
      expect(await beat({ generationId: 9 })).toBe('ILLEGAL_GENERATION')
      const other = await connect('other')
      const joining = join(other, 3, identity.groupId)
      await expect.poll(beat).toBe('REBALANCE_IN_PROGRESS')
      await leave(3, identity)
      const joined = await joining
      expect(joined.leader).toBe(joined.memberId)
      expect(await beat()).toBe('UNKNOWN_MEMBER_ID')
      await leave(3, { ...joined, groupId: identity.groupId })
    },
  )

  it.each(versionsOf('LeaveGroup'))('LeaveGroup v%i lets a member go', async (version) => {
    const identity = await stable(unique('leave'))
    const codes = async (who: Identity) => {
      const { errorCode, members } = await leave(version, who)
      return [name(errorCode), ...members.map((member) => name(member.errorCode))]
    }
    const alone = version < 3
    expect(await codes({ ...identity, groupId: '' })).toEqual(['INVALID_GROUP_ID'])
    const unknown = alone ? ['UNKNOWN_MEMBER_ID'] : ['NONE', 'UNKNOWN_MEMBER_ID']
    expect(await codes({ ...identity, groupId: unique('leave') })).toEqual(unknown)
    expect(await codes({ ...identity, memberId: 'stranger' })).toEqual(unknown)
    expect(await codes(identity)).toEqual(alone ? ['NONE'] : ['NONE', 'NONE'])
    expect(await codes(identity)).toEqual(unknown)
  })

  it.each(versionsOf('OffsetCommit'))(
    'OffsetCommit v%i commits for members, and without a member in an empty group',
    async (version) => {
      const identity = await stable(unique('commit'))
      expect(await commitError(version, commitBody(identity))).toBe('NONE')
      expect(await commitError(version, commitBody(nobody(identity.groupId)))).toBe('UNKNOWN_MEMBER_ID')
      expect(await commitError(version, commitBody({ ...identity, memberId: 'stranger' }))).toBe('UNKNOWN_MEMBER_ID')
      expect(await commitError(version, commitBody({ ...identity, generationId: 9 }))).toBe('ILLEGAL_GENERATION')
      expect(await commitError(version, commitBody(identity, 6n, { partitionIndex: 3 }))).toBe(
        'UNKNOWN_TOPIC_OR_PARTITION',
      )
      const tooLong = { committedMetadata: 'x'.repeat(4097) }
      expect(await commitError(version, commitBody(identity, 6n, tooLong))).toBe('OFFSET_METADATA_TOO_LARGE')
      const elsewhere = commitBody(identity)
      elsewhere.topics[0]!.name = unique('nowhere')
      elsewhere.topics[0]!.topicId = 'AAAAAAAAAAAAAAAAAAAAZw'
      const expected = version >= 10 ? 'UNKNOWN_TOPIC_ID' : 'UNKNOWN_TOPIC_OR_PARTITION'
      expect(await commitError(version, elsewhere)).toBe(expected)
      const gone = { ...identity, groupId: unique('commit') }
      expect(await commitError(version, commitBody(gone))).toBe(
        version >= 9 ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION',
      )
      await leave(3, identity)
      expect(await commitError(version, commitBody(nobody(identity.groupId), 8n))).toBe('NONE')
      expect(await commitError(version, commitBody(nobody(unique('commit'))))).toBe('NONE')
    },
  )

  it.each(versionsOf('OffsetFetch'))(
    'OffsetFetch v%i reads what was committed, and -1 for the rest',
    async (version) => {
      const groupId = unique('fetch')
      await commitError(9, commitBody(nobody(groupId), 2n ** 50n, { partitionIndex: 1, committedLeaderEpoch: 4 }))
      const fetch = async (group: string, partitionIndexes: number[] | null, id = topicId, byName = topic) => {
        const topics = partitionIndexes && [{ name: byName, topicId: id, partitionIndexes }]
        const body = version >= 8 ? { groups: [{ groupId: group, topics }] } : { groupId: group, topics }
        const answer = await client.call('OffsetFetch', version, body)
        const { errorCode, topics: found } = version >= 8 ? answer.groups[0]! : answer
        expect(errorCode).toBe(0)
        return found.flatMap(({ partitions }) =>
          partitions.map((p) => [
            p.partitionIndex,
            p.committedOffset,
            p.committedLeaderEpoch,
            p.metadata,
            name(p.errorCode),
          ]),
        )
      }
      const epoch = version >= 5 ? 4 : -1
      const nothing = (partition: number) => [partition, -1n, -1, '', 'NONE']
      expect(await fetch(groupId, [0, 1])).toEqual([nothing(0), [1, 2n ** 50n, epoch, 'm', 'NONE']])
      expect(await fetch(unique('fetch'), [0])).toEqual([nothing(0)])
      if (version < 10) expect(await fetch(groupId, [0], topicId, unique('nowhere'))).toEqual([nothing(0)])
      else expect(await fetch(groupId, [0], 'AAAAAAAAAAAAAAAAAAAAZw')).toEqual([[0, -1n, -1, '', 'UNKNOWN_TOPIC_ID']])
      if (version < 2) return
      expect(await fetch(groupId, null)).toEqual([[1, 2n ** 50n, epoch, 'm', 'NONE']])
      expect(await fetch(unique('fetch'), null)).toEqual([])
    },
  )

  it('OffsetFetch names the topics of all offsets by id from v10 on', async () => {
    const groupId = unique('fetch')
    await commitError(9, commitBody(nobody(groupId)))
    const { groups } = await client.call('OffsetFetch', 10, { groups: [{ groupId, topics: null }] })
    expect(groups[0]!.topics).toMatchObject([{ topicId, partitions: [{ partitionIndex: 0, committedOffset: 5n }] }])
  })

  it.each(versionsOf('FindCoordinator'))('FindCoordinator v%i finds the broker of a group', async (version) => {
    const keys = version >= 4 ? { coordinatorKeys: ['g', 'h'] } : { key: 'g' }
    const answer = await client.call('FindCoordinator', version, keys)
    const found = version >= 4 ? answer.coordinators : [answer]
    expect(found.map(({ errorCode }) => errorCode)).toEqual(version >= 4 ? [0, 0] : [0])
    expect(engine.bootstrapServers).toContain(`${found[0]!.host}:${found[0]!.port}`)
    if (version >= 4) expect(answer.coordinators.map(({ key }) => key)).toEqual(['g', 'h'])
  })

  it('FindCoordinator refuses types of keys that it does not know', async () => {
    const answer = await client.call('FindCoordinator', 4, { keyType: 9, coordinatorKeys: ['g'] })
    expect(name(answer.coordinators[0]!.errorCode)).toBe('INVALID_REQUEST')
  })

  it('DescribeGroups says what may be done with a group that does not exist, up to v5', async () => {
    const operations = async (version: number) => {
      const asked = { groups: [unique('absent')], includeAuthorizedOperations: true }
      return (await client.call('DescribeGroups', version, asked)).groups[0]!.authorizedOperations
    }
    expect([await operations(3), await operations(5), await operations(6)]).toEqual([3400, 3400, -2147483648])
  })

  if (engine.name === 'embedded') {
    it('FindCoordinator refuses transactional ids, and says that there are no transactions', async () => {
      const { coordinators } = await client.call('FindCoordinator', 4, { keyType: 1, coordinatorKeys: ['t'] })
      const refusal = { nodeId: -1, errorCode: 53, errorMessage: expect.stringContaining('no transactions') }
      expect(coordinators).toMatchObject([refusal])
    })

    it('ConsumerGroupHeartbeat is an error that names the supported protocol', async () => {
      const heartbeat = { groupId: unique('newer'), memberId: 'm', memberEpoch: 0 }
      const answer = await client.call('ConsumerGroupHeartbeat', 1, heartbeat)
      expect(name(answer.errorCode)).toBe('UNSUPPORTED_VERSION')
      expect(answer.errorMessage).toContain('group.protocol=classic')
    })
  }

  it.each(versionsOf('DescribeGroups'))('DescribeGroups v%i shows the members of a stable group', async (version) => {
    const instance = version >= 4 ? 'i1' : null
    const { groupId, memberId, generationId } = await stable(unique('describe'), { groupInstanceId: instance })
    const missing = unique('describe')
    const answer = await client.call('DescribeGroups', version, { groups: [groupId, missing] })
    // Kafka answers in an order of its own.
    const groups = answer.groups.toSorted((a) => (a.groupId === groupId ? -1 : 1))
    expect(groups[0]).toMatchObject({
      errorCode: 0,
      groupId,
      groupState: 'Stable',
      protocolType: 'consumer',
      protocolData: 'range',
      members: [
        {
          memberId,
          groupInstanceId: instance,
          clientId: 'wire',
          clientHost: '/127.0.0.1',
          memberMetadata: subscription(topic),
          memberAssignment: Buffer.from('everything'),
        },
      ],
      authorizedOperations: -2147483648,
    })
    const found = { groupId: missing, groupState: 'Dead', protocolType: '', protocolData: '', members: [] }
    expect(groups[1]).toMatchObject(found)
    expect(name(groups[1]!.errorCode)).toBe(version >= 6 ? 'GROUP_ID_NOT_FOUND' : 'NONE')
    expect(groups[1]!.errorMessage).toBe(version >= 6 ? `Group ${missing} not found.` : null)
    if (version >= 3) {
      const asked = await client.call('DescribeGroups', version, {
        groups: [groupId],
        includeAuthorizedOperations: true,
      })
      // read, delete, describe, describe and alter configs, by Kafka's codes 3, 6, 8, 10, 11.
      expect(asked.groups[0]!.authorizedOperations).toBe(0b1101_0100_1000)
    }
    await leave(3, { groupId, memberId, generationId })
  })

  it.each(versionsOf('ListGroups'))('ListGroups v%i lists and filters', async (version) => {
    const empty = unique('list')
    await commitError(9, commitBody(nobody(empty)))
    const busy = await stable(unique('list'))
    const mine = new Set([empty, busy.groupId])
    const list = async (filter: object = {}) => {
      const { groups } = await client.call('ListGroups', version, filter)
      return groups.filter(({ groupId }) => mine.has(groupId))
    }
    const all = await list()
    expect(new Set(all.map(({ groupId }) => groupId))).toEqual(mine)
    expect(all.find(({ groupId }) => groupId === empty)?.protocolType).toBe('')
    expect(all.find(({ groupId }) => groupId === busy.groupId)?.protocolType).toBe('consumer')
    if (version >= 4) {
      expect(await list({ statesFilter: ['stable'] })).toMatchObject([{ groupId: busy.groupId, groupState: 'Stable' }])
      expect(await list({ statesFilter: ['Empty'] })).toMatchObject([{ groupId: empty, groupState: 'Empty' }])
      expect(await list({ statesFilter: ['Dead'] })).toEqual([])
    }
    if (version >= 5) {
      expect((await list({ typesFilter: ['classic'] })).map(({ groupType }) => groupType)).toEqual([
        'classic',
        'classic',
      ])
      expect(await list({ typesFilter: ['consumer'] })).toEqual([])
    }
    await leave(3, busy)
  })

  it.each(versionsOf('DeleteGroups'))('DeleteGroups v%i deletes empty groups only', async (version) => {
    const empty = unique('delete')
    await commitError(9, commitBody(nobody(empty)))
    const busy = await stable(unique('delete'))
    const missing = unique('delete')
    const { results } = await client.call('DeleteGroups', version, { groupsNames: [empty, busy.groupId, missing] })
    const errors = new Map(results.map(({ groupId, errorCode }) => [groupId, name(errorCode)]))
    expect(errors).toEqual(
      new Map([
        [empty, 'NONE'],
        [busy.groupId, 'NON_EMPTY_GROUP'],
        [missing, 'GROUP_ID_NOT_FOUND'],
      ]),
    )
    const { groups } = await client.call('OffsetFetch', 8, { groups: [{ groupId: empty, topics: null }] })
    expect(groups[0]!.topics).toEqual([])
    await leave(3, busy)
  })

  it('OffsetDelete spares what the group reads', async () => {
    const other = unique('group-apis')
    const topics = [{ name: other, numPartitions: 1, replicationFactor: 1, assignments: [], configs: [] }]
    await client.call('CreateTopics', 7, { topics, timeoutMs: 10_000 })
    const identity = await stable(unique('offset-delete'))
    await commitError(9, commitBody(identity))
    const elsewhere = commitBody(identity)
    elsewhere.topics[0]!.name = other
    expect(await commitError(9, elsewhere)).toBe('NONE')
    const remove = async (groupId: string, names: string[]) => {
      const wanted = names.map((each) => ({ name: each, partitions: [{ partitionIndex: 0 }] }))
      const answer = await client.call('OffsetDelete', 0, { groupId, topics: wanted })
      const codes = new Map(answer.topics.map((each) => [each.name, name(each.partitions[0]!.errorCode)]))
      return { error: name(answer.errorCode), codes: names.map((each) => codes.get(each)) }
    }
    expect(await remove(identity.groupId, [topic, other, 'no-such-topic'])).toEqual({
      error: 'NONE',
      codes: ['GROUP_SUBSCRIBED_TO_TOPIC', 'NONE', 'UNKNOWN_TOPIC_OR_PARTITION'],
    })
    expect((await remove(unique('offset-delete'), [topic])).error).toBe('GROUP_ID_NOT_FOUND')
    const { groups } = await client.call('OffsetFetch', 8, { groups: [{ groupId: identity.groupId, topics: null }] })
    expect(groups[0]!.topics.map((each) => each.name)).toEqual([topic])
    await leave(3, identity)
  })

  describe('static members', () => {
    it('come back without a rebalance and fence their former selves', async () => {
      const groupId = unique('static')
      const first = await stable(groupId, { groupInstanceId: 'i1' })
      const again = await client.call('JoinGroup', 9, joinBody(groupId, { groupInstanceId: 'i1' }))
      expect(again).toMatchObject({ errorCode: 0, generationId: 1, skipAssignment: true })
      expect(again.memberId).toMatch(/^i1-/)
      expect(again.memberId).not.toBe(first.memberId)
      const beat = async (memberId: string) =>
        name((await client.call('Heartbeat', 4, { ...first, memberId, groupInstanceId: 'i1' })).errorCode)
      expect(await beat(first.memberId)).toBe('FENCED_INSTANCE_ID')
      expect(await beat(again.memberId)).toBe('NONE')
      const body = {
        groupId,
        generationId: 1,
        memberId: again.memberId,
        protocolType: 'consumer',
        protocolName: 'range',
      }
      const synced = await client.call('SyncGroup', 5, { ...body, groupInstanceId: 'i1', assignments: [] })
      expect(synced.assignment.toString()).toBe('everything')
      const fenced = { ...commitBody(first), groupInstanceId: 'i1' }
      expect(await commitError(9, fenced)).toBe('FENCED_INSTANCE_ID')
      const members = [
        { memberId: first.memberId, groupInstanceId: 'i1' },
        { memberId: '', groupInstanceId: 'i9' },
        { memberId: '', groupInstanceId: 'i1' },
      ]
      const left = await client.call('LeaveGroup', 5, { groupId, members })
      expect(left.members.map(({ errorCode }) => name(errorCode))).toEqual([
        'FENCED_INSTANCE_ID',
        'UNKNOWN_MEMBER_ID',
        'NONE',
      ])
    })

    it('that lead, of clients before v9, do not learn that they lead', async () => {
      const groupId = unique('static')
      const first = await stable(groupId, { groupInstanceId: 'i1' })
      const again = await client.call('JoinGroup', 8, joinBody(groupId, { groupInstanceId: 'i1' }))
      expect(again).toMatchObject({ errorCode: 0, generationId: 1, leader: first.memberId, members: [] })
      await client.call('LeaveGroup', 5, { groupId, members: [{ memberId: '', groupInstanceId: 'i1' }] })
    })
  })
})
