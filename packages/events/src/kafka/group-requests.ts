// The requests of a member to the coordinator of its group, and which broker that is.
import { COOPERATIVE_STICKY_ASSIGNOR } from '@platformatic/kafka'
import { protocolApi } from '@selfmonitor/cluster/protocol-api'
import { offsetCommit } from '@selfmonitor/protocol/api/offset-commit'
import { errorName } from '@selfmonitor/protocol/errors'
import { EventsError } from '../errors.ts'
import { decodeAssignment, type JoinedMember, type MemberAssignment } from './assignor.ts'
import { type KafkaClient, kafkaErrorName, partialResponse } from './client.ts'
import type { Membership } from './membership.ts'
import { fromUuid, toUuid } from './topic-id.ts'
import { nameOf, type Position, type TopicPartition } from './topic-partition.ts'

export interface Coordination {
  readonly group: string
  /** Kafka's `group.instance.id` (KIP-345); null for a member that is not static. */
  readonly groupInstanceId: string | null
  /** Connection for JoinGroup and SyncGroup, which block it for as long as the rebalance takes. */
  readonly joinClient: KafkaClient
  /** Connection for everything else. */
  readonly client: KafkaClient
  /** The node; null while it is not known, or was wrong. */
  coordinator: number | null
}

export interface JoinAnswer {
  readonly generationId: number
  readonly protocolName: string
  readonly leader: string
  readonly memberId: string
  /** The leader is a static member that came back: the assignments of before stay (KIP-814). Absent before version 9. */
  readonly skipAssignment?: boolean
  /** Empty for all but the leader. */
  readonly members: readonly JoinedMember[]
}

export interface Timeouts {
  readonly sessionTimeoutMs: number
  readonly rebalanceTimeoutMs: number
}

interface OffsetFetchResponse {
  readonly groups: readonly {
    readonly topics: readonly {
      readonly name: string
      readonly partitions: readonly {
        readonly partitionIndex: number
        readonly committedOffset: bigint
        readonly committedLeaderEpoch: number
      }[]
    }[]
  }[]
}

const groupKeyType = 0
const protocolType = 'consumer'

export async function findCoordinator(to: Coordination): Promise<number> {
  if (to.coordinator !== null) return to.coordinator
  // Both clients need the addresses of the brokers.
  await Promise.all([to.client.metadata([]), to.joinClient.metadata([])])
  const response = await to.client.call<{ coordinators: { nodeId: number }[] }>(null, 'FindCoordinator', () => [
    groupKeyType,
    [to.group],
  ])
  to.coordinator = response.coordinators[0]!.nodeId
  return to.coordinator
}

/** Answers when all members have joined, or the rebalance timeout is over. @param subscription see `encodeSubscription` */
export async function joinGroup(
  to: Coordination,
  { memberId }: Membership,
  subscription: Buffer,
  { sessionTimeoutMs, rebalanceTimeoutMs }: Timeouts,
): Promise<JoinAnswer> {
  return to.joinClient.call<JoinAnswer>(await findCoordinator(to), 'JoinGroup', () => [
    to.group,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    memberId,
    to.groupInstanceId,
    protocolType,
    [{ name: COOPERATIVE_STICKY_ASSIGNOR, metadata: subscription }],
    '',
  ])
}

/** Answers when the leader has sent its assignments. @param assignments the leader's; empty for the others */
export async function syncGroup(
  to: Coordination,
  { memberId, generation }: Membership,
  protocolName: string,
  assignments: readonly MemberAssignment[],
): Promise<TopicPartition[]> {
  const response = await to.joinClient.call<{ assignment: Buffer }>(await findCoordinator(to), 'SyncGroup', () => [
    to.group,
    generation,
    memberId,
    to.groupInstanceId,
    protocolType,
    protocolName,
    assignments,
  ])
  return decodeAssignment(response.assignment)
}

export async function sendHeartbeat(to: Coordination, { memberId, generation }: Membership): Promise<void> {
  await to.client.call(await findCoordinator(to), 'Heartbeat', () => [
    to.group,
    generation,
    memberId,
    to.groupInstanceId,
  ])
}

/**
 * Does nothing when no coordinator is known. A static member does not leave: its partitions stay its own until its session ends,
 * so that it finds them when it returns (KIP-345).
 */
export async function leaveGroup(to: Coordination, { memberId }: Membership): Promise<void> {
  if (memberId === '' || to.coordinator === null || to.groupInstanceId !== null) return
  const leaving = { memberId, groupInstanceId: null, reason: 'closing' }
  await to.client.call(to.coordinator, 'LeaveGroup', () => [to.group, [leaving]])
}

/** With the epoch of the record before it (KIP-320), and the topic that it belongs to, where that is known. */
export type OffsetToCommit = TopicPartition & Position & { readonly topicId: string }

export interface CommitResult extends TopicPartition {
  /** Kafka's name of the error; null when the offset is committed. */
  readonly error: string | null
}

/**
 * Commits by topic id where the coordinator takes that (version 10, Kafka 4.1), else by name.
 * @returns what became of each offset, in their order
 * @throws when there is no answer
 */
export async function commitOffsets(
  to: Coordination,
  membership: Membership,
  offsets: readonly OffsetToCommit[],
): Promise<CommitResult[]> {
  const node = await findCoordinator(to)
  try {
    const byId =
      offsets.every(({ topicId }) => topicId !== '') &&
      (await to.client.offers(node, 'OffsetCommit', commitById.version))
    const answered = await (byId ? sendCommitById : sendCommitByName)(to, node, membership, offsets)
    const results = offsets.map(({ topic, partition, topicId }) => {
      const error = answered.get(nameOf({ topic: byId ? topicId : topic, partition }))
      return { topic, partition, error: error === undefined ? 'UNKNOWN_SERVER_ERROR' : error }
    })
    if (results.some(({ error }) => error !== null && coordinatorErrors.includes(error))) to.coordinator = null
    return results
  } catch (error) {
    if (kafkaErrorName(error) === null) to.coordinator = null
    throw error
  }
}

const coordinatorErrors = ['NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE']

/** By topic as it is on the wire, and partition. */
type CommitAnswer = ReadonlyMap<string, string | null>

/**
 * By id, so that what a member commits for a topic that was deleted and created again meanwhile is refused, and not taken for the
 * new topic's. The Kafka client does not know this version.
 */
const commitById = protocolApi(offsetCommit, 10)

async function sendCommitById(
  to: Coordination,
  node: number,
  { memberId, generation }: Membership,
  offsets: readonly OffsetToCommit[],
): Promise<CommitAnswer> {
  const { topics } = await commitById.async(await to.client.connection(node), {
    groupId: to.group,
    generationIdOrMemberEpoch: generation,
    memberId,
    groupInstanceId: to.groupInstanceId,
    topics: [...Map.groupBy(offsets, ({ topicId }) => topicId)].map(([topicId, list]) => ({
      topicId: toUuid(topicId),
      partitions: list.map(({ partition, offset, leaderEpoch }) => ({
        partitionIndex: partition,
        committedOffset: offset,
        committedLeaderEpoch: leaderEpoch,
        committedMetadata: '',
      })),
    })),
  })
  return answerOf(topics.map(({ topicId, partitions }) => ({ topic: fromUuid(topicId), partitions })))
}

interface OffsetCommitResponse {
  readonly topics: readonly {
    readonly name: string
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
  }[]
}

async function sendCommitByName(
  to: Coordination,
  node: number,
  { memberId, generation }: Membership,
  offsets: readonly OffsetToCommit[],
): Promise<CommitAnswer> {
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, partitions]) => ({
    name,
    partitions: partitions.map(({ partition, offset, leaderEpoch }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: leaderEpoch,
      committedMetadata: '',
    })),
  }))
  const response = await to.client
    .call<OffsetCommitResponse>(node, 'OffsetCommit', () => [
      to.group,
      generation,
      memberId,
      to.groupInstanceId,
      topics,
    ])
    .catch((error: unknown) => partialResponse<OffsetCommitResponse>(error))
  return answerOf(response.topics.map(({ name, partitions }) => ({ topic: name, partitions })))
}

function answerOf(
  topics: readonly {
    readonly topic: string
    readonly partitions: readonly { readonly partitionIndex: number; readonly errorCode: number }[]
  }[],
): CommitAnswer {
  return new Map(
    topics.flatMap(({ topic, partitions }) =>
      partitions.map(({ partitionIndex, errorCode }) => [
        nameOf({ topic, partition: partitionIndex }),
        errorCode === 0 ? null : errorName(errorCode),
      ]),
    ),
  )
}

/** The committed position of each partition, null where there is none. @throws EventsError BROKER_TOO_OLD */
export async function fetchCommitted(
  to: Coordination,
  partitions: readonly TopicPartition[],
): Promise<(Position | null)[]> {
  const node = await findCoordinator(to)
  const response = await to.client.call<OffsetFetchResponse>(node, 'OffsetFetch', (version) => {
    if (version < 8) throw new EventsError('BROKER_TOO_OLD', 'this library needs Apache Kafka 3.0 or newer')
    const topics = [...Map.groupBy(partitions, ({ topic }) => topic)].map(([name, list]) => ({
      name,
      partitionIndexes: list.map(({ partition }) => partition),
    }))
    return [[{ groupId: to.group, memberId: null, memberEpoch: -1, topics }], true]
  })
  return partitions.map(({ topic, partition }) => {
    const found = response.groups[0]?.topics
      .find(({ name }) => name === topic)
      ?.partitions.find(({ partitionIndex }) => partitionIndex === partition)
    if (found === undefined || found.committedOffset < 0n) return null
    return { offset: found.committedOffset, leaderEpoch: found.committedLeaderEpoch }
  })
}
