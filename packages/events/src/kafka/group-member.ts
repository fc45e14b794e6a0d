// One member of a consumer group: joins, keeps its membership alive, hands partitions over, commits. The classic protocol
// with the cooperative-sticky assignor (KIP-429), so that a rebalance stops only the partitions that move.
//
// Why not the client's own `Consumer`: it commits again under the new generation when a commit is refused, which commits
// work of partitions that now belong to another member, and it gives up its membership when one rejoin fails.
//
// run ─▶ joinAndSync ─▶ takeAssignment ─▶ options.revoked, options.assigned ─▶ heartbeatUntilRebalance ─▶ run
//  └──▶ afterFailure (what an error means for the membership) ─▶ options.lost

import { backoffMs, pause } from '@selfmonitor/cluster/backoff'
import { EventsError } from '../errors.ts'
import type { Problems } from '../problems.ts'
import type { Logger } from '../types.ts'
import { assignPartitions, encodeSubscription, subscribedTopics } from './assignor.ts'
import { type KafkaClient, kafkaErrorName, reasonOf, type ServerAddress, type TopicMetadata } from './client.ts'
import {
  type CommitResult,
  type Coordination,
  commitOffsets,
  fetchCommitted,
  type JoinAnswer,
  joinGroup,
  leaveGroup,
  type OffsetToCommit,
  sendHeartbeat,
  syncGroup,
} from './group-requests.ts'
import {
  afterError,
  differenceTo,
  isPutOut,
  type Membership,
  noMembership,
  withGeneration,
  withoutPartitions,
  withPartitions,
} from './membership.ts'
import { partitionErrorAdvice } from './partition-errors.ts'
import { requireTopic } from './require-topic.ts'
import type { Position, TopicPartition } from './topic-partition.ts'

export interface GroupMemberOptions {
  /** Connection for JoinGroup and SyncGroup, which block it for as long as the rebalance takes. */
  readonly joinClient: KafkaClient
  /** Connection for everything else. */
  readonly client: KafkaClient
  readonly group: string
  /** Kafka's `group.instance.id` (KIP-345); null for a member that is not static. */
  readonly groupInstanceId: string | null
  readonly topics: readonly string[]
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
  readonly logger: Logger
  readonly problems: Problems
  /** Partitions that are this member's now. */
  assigned(partitions: readonly TopicPartition[]): Promise<void>
  /** Partitions to give up: running handlers may end and be committed before this resolves. */
  revoked(partitions: readonly TopicPartition[]): Promise<void>
  /** Partitions that belong to another member already. */
  lost(partitions: readonly TopicPartition[]): void
}

export interface GroupMember {
  /** Resolves with the first assignment, or when `leave` comes first. @throws EventsError when the group cannot be joined at all */
  start(): Promise<void>
  /**
   * Commits offsets as this member.
   * @returns what became of each; when the member is not, or no longer, of this generation, they all have that error
   * @throws when there is no answer
   */
  commit(offsets: readonly OffsetToCommit[]): Promise<CommitResult[]>
  /** The committed position of each partition, null where there is none. */
  committedOffsets(partitions: readonly TopicPartition[]): Promise<(Position | null)[]>
  /** Ends the membership; that of a static member lasts until its session ends. */
  leave(): Promise<void>
  /** Where the group's coordinator is reached; null when it is not known. */
  coordinator(): ServerAddress | null
  joined(): boolean
  /** Another member has taken over the instance id of this one, which does not join again. */
  fenced(): boolean
  rebalances(): number
}

interface MemberState {
  readonly options: GroupMemberOptions
  readonly coordination: Coordination
  readonly stopping: AbortController
  /** Settled with the first assignment, or with why there will be none. */
  readonly first: PromiseWithResolvers<void>
  membership: Membership
  /** Of the group's topics, as they were last seen; 0 for a topic that is missing. */
  partitionCounts: ReadonlyMap<string, number>
  joinedBefore: boolean
  /** Whether the log says that the partitions are lost, and not yet that there are some again. */
  lossLogged: boolean
  fenced: boolean
  rebalances: number
}

/** How often the leader looks whether its topics have grown, in milliseconds. For those that are missing it looks at each heartbeat. */
const growthCheckMs = 30_000
/** How long the member waits after a refusal that trying again does not change, in milliseconds. */
const refusedPauseMs = 5000

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
  const { group, groupInstanceId, client, joinClient } = options
  const state: MemberState = {
    options,
    coordination: { group, groupInstanceId, client, joinClient, coordinator: null },
    stopping: new AbortController(),
    first: Promise.withResolvers<void>(),
    membership: noMembership,
    partitionCounts: new Map(),
    joinedBefore: false,
    lossLogged: false,
    fenced: false,
    rebalances: 0,
  }
  // A failure that no caller of `start` waits for is among the problems; it must not be an unhandled rejection.
  state.first.promise.catch(() => {})
  return {
    async start() {
      void run(state)
      await state.first.promise
    },
    commit: (offsets) => commitOffsets(state.coordination, state.membership, offsets),
    committedOffsets: (partitions) => fetchCommitted(state.coordination, partitions),
    leave: () => leave(state),
    coordinator() {
      const node = state.coordination.coordinator
      return node === null ? null : client.server(node)
    },
    joined: () => state.membership.joined,
    fenced: () => state.fenced,
    rebalances: () => state.rebalances,
  }
}

async function run(state: MemberState): Promise<void> {
  const { signal } = state.stopping
  let failures = 0
  while (!signal.aborted && !state.fenced) {
    try {
      const assigned = await joinAndSync(state)
      if (signal.aborted) return
      failures = 0
      const revoked = await takeAssignment(state, assigned)
      state.membership = { ...state.membership, joined: true }
      state.joinedBefore = true
      state.options.problems.solved(resourceOf(state))
      sayRejoined(state)
      state.first.resolve()
      // Another member can get the revoked partitions now (KIP-429: a second round follows a revocation).
      if (revoked.length === 0) await heartbeatUntilRebalance(state)
    } catch (error) {
      if (signal.aborted) return
      failures++
      await pause(afterFailure(state, error, failures), signal)
    }
  }
}

async function joinAndSync(state: MemberState): Promise<TopicPartition[]> {
  const { options, coordination } = state
  await lookUpTopics(state)
  const { owned, generation } = state.membership
  const subscription = encodeSubscription(options.topics, owned, generation)
  const join = await joinGroup(coordination, state.membership, subscription, options)
  state.membership = withGeneration(state.membership, {
    memberId: join.memberId,
    generation: join.generationId,
    leading: join.leader === join.memberId,
  })
  const assigns = state.membership.leading && join.skipAssignment !== true
  const assignments = assigns ? await assign(state, join) : []
  return syncGroup(coordination, state.membership, join.protocolName, assignments)
}

/** At the start, a topic that cannot be read is an error; later, the member continues with the others, and the fetcher reports it. */
async function lookUpTopics(state: MemberState): Promise<void> {
  const { client, topics } = state.options
  const described = await client.metadata(topics)
  if (!state.joinedBefore) for (const topic of topics) requireTopic(described, topic, 'read')
  state.partitionCounts = countPartitions(topics, described)
  reportMissing(state)
}

const countPartitions = (
  topics: Iterable<string>,
  described: ReadonlyMap<string, TopicMetadata>,
): ReadonlyMap<string, number> =>
  new Map([...topics].map((topic) => [topic, described.get(topic)?.partitions.length ?? 0]))

/** Nothing of a missing topic is assigned, so the fetcher does not meet it. */
function reportMissing({ options, partitionCounts }: MemberState): void {
  for (const topic of options.topics) {
    const resource = `topic ${topic}`
    if (partitionCounts.get(topic) !== 0) {
      options.problems.solved(resource)
      continue
    }
    const code = 'UNKNOWN_TOPIC_OR_PARTITION'
    const message = `events of ${topic} cannot be read: ${code}: ${partitionErrorAdvice(code)}`
    options.problems.report(resource, { code, topic, message, fatal: false })
  }
}

/** The leader's part of a rebalance. */
async function assign(state: MemberState, join: JoinAnswer) {
  const topics = subscribedTopics(join.members)
  const described = await state.options.client.metadata([...topics])
  state.partitionCounts = countPartitions(topics, described)
  const present = [...state.partitionCounts].filter(([, count]) => count > 0)
  return assignPartitions(join.memberId, join.members, new Map(present))
}

/** Gives up and takes over what an assignment says. @returns what was given up */
async function takeAssignment(
  state: MemberState,
  assigned: readonly TopicPartition[],
): Promise<readonly TopicPartition[]> {
  const { options } = state
  const { added, revoked } = differenceTo(state.membership, assigned)
  state.rebalances++
  options.logger.info(
    {
      group: options.group,
      generation: state.membership.generation,
      assigned: assigned.length,
      added: added.length,
      revoked: revoked.length,
    },
    'the group has rebalanced',
  )
  if (revoked.length > 0) {
    await handOver(state, revoked)
    state.membership = withoutPartitions(state.membership, revoked)
  }
  if (added.length > 0) {
    state.membership = withPartitions(state.membership, added)
    await options.assigned(added)
  }
  return revoked
}

/** Handlers that are running may take longer than the session: heartbeats are sent meanwhile. */
async function handOver(state: MemberState, revoked: readonly TopicPartition[]): Promise<void> {
  const handover = new AbortController()
  const heartbeats = heartbeat(state, AbortSignal.any([handover.signal, state.stopping.signal]), {
    untilRebalance: false,
  })
  await state.options.revoked(revoked).finally(() => handover.abort())
  await heartbeats
}

const heartbeatUntilRebalance = (state: MemberState): Promise<void> =>
  heartbeat(state, state.stopping.signal, { untilRebalance: true })

/**
 * Sends heartbeats until the signal, or until the group wants to rebalance.
 * @param untilRebalance false while partitions are handed over: the rejoin comes right after that anyway
 */
async function heartbeat(
  state: MemberState,
  signal: AbortSignal,
  { untilRebalance }: { readonly untilRebalance: boolean },
): Promise<void> {
  const { options, coordination } = state
  const intervalMs = Math.min(3000, Math.floor(options.sessionTimeoutMs / 3))
  let failures = 0
  let lastGrowthCheckMs = Date.now()
  while (!signal.aborted) {
    await pause(failures === 0 ? intervalMs : backoffMs(failures), signal)
    if (signal.aborted) return
    try {
      await sendHeartbeat(coordination, state.membership)
      if (failures > 0 || state.membership.joined) options.problems.solved(resourceOf(state))
      failures = 0
      const checkMs = [...state.partitionCounts.values()].includes(0) ? 0 : growthCheckMs
      if (state.membership.leading && untilRebalance && Date.now() - lastGrowthCheckMs >= checkMs) {
        lastGrowthCheckMs = Date.now()
        if (await hasGrown(state)) return
      }
    } catch (error) {
      const name = kafkaErrorName(error)
      if (name === 'REBALANCE_IN_PROGRESS') {
        if (untilRebalance) return
      } else if (isPutOut(name)) {
        if (untilRebalance) throw error
        return
      } else {
        // The coordinator moved or is down: the membership outlives that for the session timeout.
        failures++
        coordination.coordinator = null
        reportFailure(state, 'a heartbeat failed', error)
      }
    }
  }
}

async function hasGrown({ options, partitionCounts }: MemberState): Promise<boolean> {
  const described = await options.client.metadata([...partitionCounts.keys()])
  return [...partitionCounts].some(([name, count]) => (described.get(name)?.partitions.length ?? count) !== count)
}

/** Applies an error to the membership. @returns how long to wait before the next attempt, in milliseconds */
function afterFailure(state: MemberState, error: unknown, failures: number): number {
  const name = kafkaErrorName(error)
  const setback = afterError(state.membership, name, (error as { response?: JoinAnswer }).response?.memberId ?? '')
  state.membership = setback.membership
  loseAll(state, setback.lost, name)
  if (name === 'FENCED_INSTANCE_ID') {
    fence(state, error)
    return 0
  }
  if (name === 'MEMBER_ID_REQUIRED') return 0
  if (name === 'REBALANCE_IN_PROGRESS' || isPutOut(name)) return backoffMs(failures)

  state.coordination.coordinator = null
  const refusal = refusalOf(state, error, name)
  if (refusal === null) {
    reportFailure(state, 'cannot join the group', error)
    return backoffMs(failures)
  }
  state.first.reject(refusal)
  state.options.problems.report(resourceOf(state), { code: refusal.code, message: refusal.message, fatal: true })
  return refusedPauseMs
}

/** To join again would fence the other member in turn: this one stays out. */
function fence(state: MemberState, cause: unknown): void {
  const { group, groupInstanceId, problems } = state.options
  state.fenced = true
  const message = `group ${group}: another member has joined with this one's groupInstanceId "${groupInstanceId}" (FENCED_INSTANCE_ID): give each process its own id, and restart this one`
  const refusal = new EventsError('FENCED_INSTANCE_ID', message, { cause })
  state.first.reject(refusal)
  problems.report(resourceOf(state), { code: refusal.code, message, fatal: true })
}

/** The error to show when trying again is of no use, else null. */
function refusalOf({ options }: MemberState, error: unknown, name: string | null): EventsError | null {
  if (error instanceof EventsError) return error
  if (name === null || !fatal.includes(name)) return null
  return new EventsError('GROUP_REFUSED', `group ${options.group}: ${name}${explain(name)}`, { cause: error })
}

/** A warning like the loss before it: otherwise a log with warnings only would end with the loss. */
function sayRejoined(state: MemberState): void {
  const { options, membership } = state
  if (!state.lossLogged || membership.owned.length === 0) return
  state.lossLogged = false
  options.logger.warn(
    { group: options.group, partitions: membership.owned.length },
    'this member is in its group again and has partitions',
  )
}

function loseAll(state: MemberState, lost: readonly TopicPartition[], reason: string | null): void {
  if (lost.length === 0) return
  const { options } = state
  state.lossLogged = true
  options.logger.warn(
    { group: options.group, reason, partitions: lost.length },
    'this member was removed from its group: its partitions are lost',
  )
  options.lost(lost)
}

/** Something that goes away, but may last: routine at first. */
function reportFailure(state: MemberState, what: string, error: unknown): void {
  const code = kafkaErrorName(error) ?? 'UNREACHABLE'
  const refused = fatal.includes(code)
  const message = `${resourceOf(state)}: ${what}: ${reasonOf(error)}${explain(code)}`
  state.options.problems.report(resourceOf(state), { code, message, fatal: refused, routine: !refused })
}

async function leave(state: MemberState): Promise<void> {
  const { group, logger } = state.options
  state.stopping.abort()
  state.first.resolve()
  state.membership = { ...state.membership, joined: false }
  // Leaving is a courtesy to the others: without it they wait for the session timeout.
  await leaveGroup(state.coordination, state.membership).catch((error: unknown) =>
    logger.debug({ group, reason: reasonOf(error) }, 'could not leave the group'),
  )
}

const resourceOf = ({ options }: MemberState): string => `group ${options.group}`

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
