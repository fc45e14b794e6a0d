// The state of a member of a consumer group, and how joins, assignments and errors change it. Pure: the group's requests
// are in group-requests.ts and the loop that sends them in group.ts.
import { nameOf, type TopicPartition } from './topic-partition.ts'

export interface Membership {
  /** Given by the coordinator; empty before that. */
  readonly memberId: string
  /** -1 while the member is of no generation. */
  readonly generation: number
  /** The partitions that are this member's, and stay so during a rebalance until they are revoked (KIP-429). */
  readonly owned: readonly TopicPartition[]
  /** It assigns the partitions of the group. */
  readonly leading: boolean
  /** It has an assignment. */
  readonly joined: boolean
}

export const noMembership: Membership = { memberId: '', generation: -1, owned: [], leading: false, joined: false }

/** How an assignment differs from what the member owns. */
export interface Difference {
  readonly added: readonly TopicPartition[]
  readonly revoked: readonly TopicPartition[]
}

export function differenceTo({ owned }: Membership, assigned: readonly TopicPartition[]): Difference {
  return { added: without(assigned, owned), revoked: without(owned, assigned) }
}

export function withGeneration(
  membership: Membership,
  joined: { readonly memberId: string; readonly generation: number; readonly leading: boolean },
): Membership {
  return { ...membership, ...joined }
}

export function withPartitions(membership: Membership, added: readonly TopicPartition[]): Membership {
  return { ...membership, owned: [...membership.owned, ...added] }
}

export function withoutPartitions(membership: Membership, revoked: readonly TopicPartition[]): Membership {
  return { ...membership, owned: without(membership.owned, revoked) }
}

/** A membership after an answer of the coordinator, and the partitions that it has lost by it. */
export interface Setback {
  readonly membership: Membership
  readonly lost: readonly TopicPartition[]
}

/**
 * @param error Kafka's name of it; null when there was no answer
 * @param givenId the member id that came with it
 */
export function afterError(membership: Membership, error: string | null, givenId: string): Setback {
  switch (error) {
    case 'MEMBER_ID_REQUIRED':
      // KIP-394: the first answer names the member, who then joins under that name.
      return { membership: { ...membership, memberId: givenId }, lost: [] }
    case 'UNKNOWN_MEMBER_ID':
      return putOut({ ...membership, memberId: '' })
    case 'FENCED_INSTANCE_ID':
    case 'ILLEGAL_GENERATION':
      return putOut(membership)
    default:
      return { membership, lost: [] }
  }
}

/** The member is no longer of the group's generation. */
export const isPutOut = (error: string | null): boolean =>
  error === 'UNKNOWN_MEMBER_ID' || error === 'ILLEGAL_GENERATION' || error === 'FENCED_INSTANCE_ID'

function putOut(membership: Membership): Setback {
  return { membership: { ...membership, generation: -1, owned: [], joined: false }, lost: membership.owned }
}

function without(from: readonly TopicPartition[], what: readonly TopicPartition[]): TopicPartition[] {
  const names = new Set(what.map(nameOf))
  return from.filter((one) => !names.has(nameOf(one)))
}
