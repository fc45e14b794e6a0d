// Groups as clients see them: the filters of ListGroups and the answer of DescribeGroups.
import { type ClassicGroup, emptyAssignment, failure, metadataFor } from './classic-group.ts'
import type { DescribedGroup } from './types.ts'

/** The only type of group that exists so far, as Kafka spells it. */
export const groupType = 'classic'

/** Whether the group passes the filters of states (KIP-518) and types (KIP-848); letter case does not matter. */
export function isListed(
  group: ClassicGroup,
  filter: { readonly states: readonly string[]; readonly types: readonly string[] },
): boolean {
  const passes = (values: readonly string[], actual: string) =>
    values.length === 0 || values.some((value) => value.toLowerCase() === actual.toLowerCase())
  return passes(filter.states, group.state) && passes(filter.types, groupType)
}

export function describeGroup(group: ClassicGroup): DescribedGroup {
  const isStable = group.state === 'Stable'
  return {
    groupId: group.groupId,
    state: group.state,
    protocolType: group.protocolType ?? '',
    protocolName: isStable ? (group.protocolName ?? '') : '',
    members: [...group.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.groupInstanceId,
      clientId: member.clientId,
      clientHost: member.clientHost,
      metadata: isStable ? metadataFor(member, group.protocolName) : emptyAssignment,
      assignment: member.assignment,
    })),
  }
}

/** Kafka describes a group that does not exist as dead; v6 of the API adds an error (KIP-1043). */
export function describeMissing(groupId: string): DescribedGroup {
  const error = failure('GROUP_ID_NOT_FOUND', `Group ${groupId} not found.`)
  return { error, groupId, state: 'Dead', protocolType: '', protocolName: '', members: [] }
}
