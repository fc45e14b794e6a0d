// The requests of a member to the coordinator of its group, and which broker that is.
import { COOPERATIVE_STICKY_ASSIGNOR } from '@platformatic/kafka'
import { EventsError } from '../errors.ts'
import { decodeAssignment, type JoinedMember, type MemberAssignment } from './assignor.ts'
import { hasKafkaError, type KafkaClient, kafkaErrorName } from './client.ts'
import type { Membership } from './membership.ts'
import type { Position, TopicPartition } from './topic-partition.ts'

export interface Coordination {
  readonly group: string
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
  await Promise.all([to.client.describe([]), to.joinClient.describe([])])
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
    null,
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
    null,
    protocolType,
    protocolName,
    assignments,
  ])
  return decodeAssignment(response.assignment)
}

export async function sendHeartbeat(to: Coordination, { memberId, generation }: Membership): Promise<void> {
  await to.client.call(await findCoordinator(to), 'Heartbeat', () => [to.group, generation, memberId, null])
}

/** Does nothing when no coordinator is known. */
export async function leaveGroup(to: Coordination, { memberId }: Membership): Promise<void> {
  if (memberId === '' || to.coordinator === null) return
  const leaving = { memberId, groupInstanceId: null, reason: 'closing' }
  await to.client.call(to.coordinator, 'LeaveGroup', () => [to.group, [leaving]])
}

/** With the epoch of the record before it (KIP-320). */
export type OffsetToCommit = TopicPartition & Position

/** @throws when the coordinator refuses, for instance because the member is not, or no longer, of this generation */
export async function commitOffsets(
  to: Coordination,
  { memberId, generation }: Membership,
  offsets: readonly OffsetToCommit[],
): Promise<void> {
  const node = await findCoordinator(to)
  const topics = [...Map.groupBy(offsets, ({ topic }) => topic)].map(([name, partitions]) => ({
    name,
    partitions: partitions.map(({ partition, offset, leaderEpoch }) => ({
      partitionIndex: partition,
      committedOffset: offset,
      committedLeaderEpoch: leaderEpoch,
      committedMetadata: '',
    })),
  }))
  try {
    await to.client.call(node, 'OffsetCommit', () => [to.group, generation, memberId, null, topics])
  } catch (error) {
    if (kafkaErrorName(error) === null || hasKafkaError(error, 'NOT_COORDINATOR', 'COORDINATOR_NOT_AVAILABLE')) {
      to.coordinator = null
    }
    throw error
  }
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
