// One member of a consumer group: joins, keeps its membership alive, hands partitions over, commits. The classic protocol
// with the cooperative-sticky assignor (KIP-429), so that a rebalance stops only the partitions that move.
//
// Why not the client's own `Consumer`: it commits again under the new generation when a commit is refused, which commits
// work of partitions that now belong to another member, and it gives up its membership when one rejoin fails.
import {
  COOPERATIVE_STICKY_ASSIGNOR,
  cooperativeStickyAssigner,
  decodeConsumerProtocolAssignment,
  decodeConsumerProtocolSubscription,
  encodeConsumerProtocolAssignment,
  encodeConsumerProtocolSubscription,
} from '@platformatic/kafka'
import { EventsError } from '../errors.ts'
import type { Problems } from '../problems.ts'
import type { Logger } from '../types.ts'
import { hasKafkaError, type KafkaClient, kafkaErrorName, reasonOf } from './client.ts'
import { requireTopic } from './require-topic.ts'
import { backoffMs, pause } from './wait.ts'

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

export interface GroupMemberOptions {
  /** Connection for JoinGroup and SyncGroup, which block it for as long as the rebalance takes. */
  readonly joinClient: KafkaClient
  /** Connection for everything else. */
  readonly client: KafkaClient
  readonly group: string
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly logger: Logger
  readonly problems: Problems
  /** Partitions that are this member's now. */
  assigned(partitions: readonly TopicPartition[]): Promise<void>
  /** Partitions that are to be given up: what is running may end and be committed before this resolves. */
  revoked(partitions: readonly TopicPartition[]): Promise<void>
  /** Partitions that are another's already. */
  lost(partitions: readonly TopicPartition[]): void
}

export interface GroupMember {
  /** Resolves with the first assignment, or when `leave` comes first. @throws EventsError when the group cannot be joined at all */
  start(): Promise<void>
  /** Commits offsets as this member. @throws when the coordinator refuses (the member is not, or no longer, of this generation) */
  commit(offsets: readonly (TopicPartition & { readonly offset: bigint })[]): Promise<void>
  /** The committed offset of each partition, null where there is none. */
  committedOffsets(partitions: readonly TopicPartition[]): Promise<(bigint | null)[]>
  leave(): Promise<void>
  joined(): boolean
  rebalances(): number
}

interface JoinResponse {
  readonly generationId: number
  readonly protocolName: string
  readonly leader: string
  readonly memberId: string
  readonly members: readonly { readonly memberId: string; readonly metadata: Buffer }[]
}

interface OffsetFetchResponse {
  readonly groups: readonly {
    readonly topics: readonly {
      readonly name: string
      readonly partitions: readonly { readonly partitionIndex: number; readonly committedOffset: bigint }[]
    }[]
  }[]
}

/** How often the leader looks whether its topics have grown, in milliseconds. */
const growthCheckMs = 30_000

// Nothing that trying again would change.
const fatal = [
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'INCONSISTENT_GROUP_PROTOCOL',
  'INVALID_GROUP_ID',
  'INVALID_SESSION_TIMEOUT',
  'GROUP_MAX_SIZE_REACHED',
  'SASL_AUTHENTICATION_FAILED',
]

export function createGroupMember(options: GroupMemberOptions): GroupMember {
  const { joinClient, client, group, topics, logger, problems } = options
  const resource = `group ${group}`
  const stopping = new AbortController()
  const first = Promise.withResolvers<void>()
  // Whoever waits for it hears of it; when nobody does, that is no unhandled rejection.
  first.promise.catch(() => {})
  const heartbeatIntervalMs = Math.min(3000, Math.floor(options.sessionTimeoutMs / 3))
  let memberId = ''
  let generation = -1
  let owned: TopicPartition[] = []
  let coordinator: number | null = null
  let partitionCounts = new Map<string, number>()
  let leading = false
  let joined = false
  let joinedBefore = false
  let rebalances = 0

  async function findCoordinator(): Promise<number> {
    if (coordinator !== null) return coordinator
    // Both clients need the addresses of the brokers.
    await Promise.all([client.describe([]), joinClient.describe([])])
    const response = await client.call<{ coordinators: { nodeId: number }[] }>(null, 'FindCoordinator', () => [
      0,
      [group],
    ])
    coordinator = response.coordinators[0]!.nodeId
    return coordinator
  }

  /** A topic that cannot be read ends the start; later, the member goes on with the others, and the fetcher says what is wrong. */
  async function lookUpTopics(): Promise<void> {
    const described = await client.describe(topics)
    if (!joinedBefore) for (const topic of topics) requireTopic(described, topic, 'read')
    partitionCounts = new Map([...described].map(([name, { partitions }]) => [name, partitions.length]))
  }

  async function joinAndSync(): Promise<TopicPartition[]> {
    await lookUpTopics()
    const node = await findCoordinator()
    const ownedPartitions = toAssignment(owned)
    const claimed = owned.length > 0 ? generation : -1
    const userData = Buffer.alloc(4)
    userData.writeInt32BE(claimed)
    const subscription = encodeConsumerProtocolSubscription({
      version: 3,
      topics: [...topics],
      userData,
      ownedPartitions,
      generationId: claimed,
    })
    const join = await joinClient.call<JoinResponse>(node, 'JoinGroup', () => [
      group,
      options.sessionTimeoutMs,
      options.rebalanceTimeoutMs,
      memberId,
      null,
      'consumer',
      [{ name: COOPERATIVE_STICKY_ASSIGNOR, metadata: subscription }],
      '',
    ])
    memberId = join.memberId
    generation = join.generationId
    leading = join.leader === join.memberId
    const assignments = leading ? await assign(join) : []
    const sync = await joinClient.call<{ assignment: Buffer }>(node, 'SyncGroup', () => [
      group,
      generation,
      memberId,
      null,
      'consumer',
      join.protocolName,
      assignments,
    ])
    return decodeConsumerProtocolAssignment(sync.assignment).assignedPartitions.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition })),
    )
  }

  /** What a leader does: divides the partitions among the members. */
  async function assign(join: JoinResponse): Promise<{ memberId: string; assignment: Buffer }[]> {
    const members = new Map(
      join.members.map((member) => [
        member.memberId,
        {
          ...decodeConsumerProtocolSubscription(member.metadata),
          memberId: member.memberId,
          metadata: Buffer.alloc(0),
        },
      ]),
    )
    const subscribed = new Set([...members.values()].flatMap((member) => member.topics))
    const described = await client.describe([...subscribed])
    partitionCounts = new Map([...described].map(([name, { partitions }]) => [name, partitions.length]))
    const metadata = {
      topics: new Map([...partitionCounts].map(([name, partitionsCount]) => [name, { partitionsCount }])),
    }
    type Metadata = Parameters<typeof cooperativeStickyAssigner>[3]
    const assigned = cooperativeStickyAssigner(memberId, members, subscribed, metadata as unknown as Metadata)
    return assigned.map((member) => ({
      memberId: member.memberId,
      assignment: encodeConsumerProtocolAssignment({
        version: 3,
        assignedPartitions: [...member.assignments.values()],
      }),
    }))
  }

  async function run(): Promise<void> {
    let failures = 0
    while (!stopping.signal.aborted) {
      try {
        const assigned = await joinAndSync()
        if (stopping.signal.aborted) return
        failures = 0
        rebalances++
        const added = minus(assigned, owned)
        const revoked = minus(owned, assigned)
        logger.info(
          { group, generation, assigned: assigned.length, added: added.length, revoked: revoked.length },
          'the group has rebalanced',
        )
        if (revoked.length > 0) {
          // Handlers that are running may take longer than the session: heartbeats go on meanwhile.
          const handover = new AbortController()
          const heartbeats = heartbeat(AbortSignal.any([handover.signal, stopping.signal]), false)
          await options.revoked(revoked).finally(() => handover.abort())
          await heartbeats
          owned = minus(owned, revoked)
        }
        if (added.length > 0) {
          owned = [...owned, ...added]
          await options.assigned(added)
        }
        joined = true
        joinedBefore = true
        problems.solved(resource)
        first.resolve()
        // What was given up can be given to another now (KIP-429: a second round follows a revocation).
        if (revoked.length > 0) continue
        await heartbeat(stopping.signal, true)
      } catch (error) {
        if (stopping.signal.aborted) return
        failures++
        const problem = give(error)
        if (problem !== null) {
          first.reject(problem)
          problems.report(resource, { code: problem.code, message: problem.message, fatal: true })
        }
        await pause(
          problem === null ? (kafkaErrorName(error) === 'MEMBER_ID_REQUIRED' ? 0 : backoffMs(failures)) : 5000,
          stopping.signal,
        )
      }
    }
  }

  /** Keeps what an error means for the membership. @returns the error to show when trying again is of no use, else null */
  function give(error: unknown): EventsError | null {
    const name = kafkaErrorName(error)
    switch (name) {
      case 'MEMBER_ID_REQUIRED': {
        // KIP-394: the first answer names the member, who then joins under that name.
        memberId = (error as { response?: JoinResponse }).response?.memberId ?? ''
        return null
      }
      case 'REBALANCE_IN_PROGRESS':
        return null
      case 'UNKNOWN_MEMBER_ID':
      case 'FENCED_INSTANCE_ID':
        memberId = ''
        loseAll(name)
        return null
      case 'ILLEGAL_GENERATION':
        loseAll(name)
        return null
      default:
        coordinator = null
        if (error instanceof EventsError) return error
        if (name !== null && fatal.includes(name)) {
          return new EventsError('GROUP_REFUSED', `group ${group}: ${name}${explain(name)}`, { cause: error })
        }
        hindered('cannot join the group', error)
        return null
    }
  }

  /** Something that goes away, but may last: routine at first. */
  function hindered(what: string, error: unknown): void {
    const code = kafkaErrorName(error) ?? 'UNREACHABLE'
    const refused = fatal.includes(code)
    const message = `${resource}: ${what}: ${reasonOf(error)}${explain(code)}`
    problems.report(resource, { code, message, fatal: refused, routine: !refused })
  }

  function loseAll(reason: string): void {
    generation = -1
    joined = false
    if (owned.length === 0) return
    logger.warn(
      { group, reason, partitions: owned.length },
      'this member was put out of its group: its partitions are lost',
    )
    const lost = owned
    owned = []
    options.lost(lost)
  }

  /**
   * Sends heartbeats until the signal, or until the group wants to rebalance.
   * @param leaveOnRebalance false while partitions are handed over: the rejoin comes right after that anyway
   */
  async function heartbeat(signal: AbortSignal, leaveOnRebalance: boolean): Promise<void> {
    let failures = 0
    let lastGrowthCheckMs = Date.now()
    while (!signal.aborted) {
      await pause(failures === 0 ? heartbeatIntervalMs : backoffMs(failures), signal)
      if (signal.aborted) return
      try {
        await client.call(await findCoordinator(), 'Heartbeat', () => [group, generation, memberId, null])
        if (failures > 0 || joined) problems.solved(resource)
        failures = 0
        if (leading && leaveOnRebalance && Date.now() - lastGrowthCheckMs >= growthCheckMs) {
          lastGrowthCheckMs = Date.now()
          if (await hasGrown()) return
        }
      } catch (error) {
        const name = kafkaErrorName(error)
        if (name === 'REBALANCE_IN_PROGRESS') {
          if (leaveOnRebalance) return
        } else if (['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'].includes(name ?? '')) {
          if (leaveOnRebalance) throw error
          return
        } else {
          // The coordinator moved or is down: the membership outlives that for the session timeout.
          failures++
          coordinator = null
          hindered('a heartbeat failed', error)
        }
      }
    }
  }

  async function hasGrown(): Promise<boolean> {
    const described = await client.describe([...partitionCounts.keys()])
    return [...partitionCounts].some(([name, count]) => (described.get(name)?.partitions.length ?? count) !== count)
  }

  return {
    async start() {
      void run()
      await first.promise
    },

    async commit(offsets) {
      const node = await findCoordinator()
      try {
        await client.call(node, 'OffsetCommit', () => [
          group,
          generation,
          memberId,
          null,
          [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, partitions]) => ({
            name,
            partitions: partitions.map(({ partition, offset }) => ({
              partitionIndex: partition,
              committedOffset: offset,
              committedLeaderEpoch: -1,
              committedMetadata: '',
            })),
          })),
        ])
      } catch (error) {
        if (kafkaErrorName(error) === null || hasKafkaError(error, 'NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE')) {
          coordinator = null
        }
        throw error
      }
    },

    async committedOffsets(partitions) {
      const node = await findCoordinator()
      const response = await client.call<OffsetFetchResponse>(node, 'OffsetFetch', (version) => {
        if (version < 8) throw new EventsError('BROKER_TOO_OLD', 'this library needs Apache Kafka 3.0 or newer')
        const wanted = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, list]) => ({
          name,
          partitionIndexes: list.map(({ partition }) => partition),
        }))
        return [[{ groupId: group, memberId: null, memberEpoch: -1, topics: wanted }], true]
      })
      return partitions.map(({ topic, partition }) => {
        const found = response.groups[0]?.topics
          .find(({ name }) => name === topic)
          ?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
        return found === undefined || found.committedOffset < 0n ? null : found.committedOffset
      })
    },

    async leave() {
      stopping.abort()
      first.resolve()
      joined = false
      if (memberId !== '' && coordinator !== null) {
        // Leaving is a courtesy to the others: without it they wait for the session timeout.
        await client
          .call(coordinator, 'LeaveGroup', () => [group, [{ memberId, groupInstanceId: null, reason: 'closing' }]])
          .catch((error: unknown) => logger.debug({ group, reason: reasonOf(error) }, 'could not leave the group'))
      }
    },

    joined: () => joined,
    rebalances: () => rebalances,
  }
}

function explain(error: string): string {
  switch (error) {
    case 'GROUP_AUTHORIZATION_FAILED':
    case 'TOPIC_AUTHORIZATION_FAILED':
      return ': this service may not read here; add the topic to its `consumes` in platform.yaml'
    case 'INCONSISTENT_GROUP_PROTOCOL':
      return ': other members of the group do not know the assignor cooperative-sticky; give this service a group of its own'
    default:
      return ''
  }
}

function toAssignment(partitions: readonly TopicPartition[]): { topic: string; partitions: number[] }[] {
  return [...Map.groupBy(partitions, ({ topic }) => topic)].map(([topic, list]) => ({
    topic,
    partitions: list.map(({ partition }) => partition),
  }))
}

function minus(from: readonly TopicPartition[], what: readonly TopicPartition[]): TopicPartition[] {
  const names = new Set(what.map(({ topic, partition }) => `${topic}/${partition}`))
  return from.filter(({ topic, partition }) => !names.has(`${topic}/${partition}`))
}
