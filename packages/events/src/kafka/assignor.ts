// The leader's part of a rebalance: it divides the partitions of all topics among the members, so that as few as possible move
// (cooperative-sticky, KIP-429). Pure.
import { cooperativeStickyAssigner } from '@platformatic/kafka'
import * as consumerProtocol from '@selfmonitor/protocol/consumer-protocol'
import type { TopicPartition } from './topic-partition.ts'

/** A member as JoinGroup shows it to the leader. */
export interface JoinedMember {
  readonly memberId: string
  /** Its subscription. */
  readonly metadata: Buffer
}

export interface MemberAssignment {
  readonly memberId: string
  readonly assignment: Buffer
}

const protocolVersion = 3

/**
 * The user data of a member's subscription, for the leader.
 * @param generation the generation in which it got `owned`; the assignor believes the newest
 */
export function encodeSubscription(
  topics: readonly string[],
  owned: readonly TopicPartition[],
  generation: number,
): Buffer {
  const claimed = owned.length > 0 ? generation : -1
  const userData = Buffer.alloc(4)
  userData.writeInt32BE(claimed)
  const ownedPartitions = [...Map.groupBy(owned, ({ topic }) => topic)].map(([topic, list]) => ({
    topic,
    partitions: list.map(({ partition }) => partition),
  }))
  const subscription = { topics: [...topics], userData, ownedPartitions, generationId: claimed }
  return consumerProtocol.encodeSubscription(subscription, protocolVersion)
}

export function decodeAssignment(assignment: Buffer): TopicPartition[] {
  // A member that is to read nothing may get no bytes at all.
  if (assignment.length === 0) return []
  const { assignedPartitions } = consumerProtocol.decodeAssignment(assignment).value
  return assignedPartitions.flatMap(({ topic, partitions }) => partitions.map((partition) => ({ topic, partition })))
}

/** The topics that any of the members wants to read. */
export function subscribedTopics(members: readonly JoinedMember[]): Set<string> {
  return new Set(members.flatMap(({ metadata }) => consumerProtocol.decodeSubscription(metadata).value.topics))
}

/**
 * @param leaderId the member that assigns
 * @param partitionCounts of the subscribed topics; those that are not there get no assignment
 */
export function assignPartitions(
  leaderId: string,
  joined: readonly JoinedMember[],
  partitionCounts: ReadonlyMap<string, number>,
): MemberAssignment[] {
  const members = new Map(
    joined.map(({ memberId, metadata }) => [
      memberId,
      { ...subscriptionOf(metadata), memberId, metadata: Buffer.alloc(0) },
    ]),
  )
  const metadata = {
    topics: new Map([...partitionCounts].map(([name, partitionsCount]) => [name, { partitionsCount }])),
  }
  type Metadata = Parameters<typeof cooperativeStickyAssigner>[3]
  const assigned = cooperativeStickyAssigner(
    leaderId,
    members,
    subscribedTopics(joined),
    metadata as unknown as Metadata,
  )
  return assigned.map(({ memberId, assignments }) => ({
    memberId,
    assignment: consumerProtocol.encodeAssignment({ assignedPartitions: [...assignments.values()] }, protocolVersion),
  }))
}

function subscriptionOf(metadata: Buffer) {
  const { version, value } = consumerProtocol.decodeSubscription(metadata)
  return { version, ...value }
}
