// DescribeGroups: state, assignor and members of groups.
//
// Versions: v3 can return the operations that the caller may do (KIP-430). v4 adds static members (KIP-345). Up to v5 a group that does not
// exist is described as Dead without an error, authorised operations included; v6 answers GROUP_ID_NOT_FOUND with a message (KIP-1043).
import { allGroupOperations } from '../request/authorized-operations.ts'
import { codeOf, wrongCoordinator } from '../request/group-coordination.ts'
import type { ApiHandler } from '../request/handler.ts'

export const handleDescribeGroups: ApiHandler<'DescribeGroups'> = (request, context) => {
  const groups = request.groups.map((groupId) => {
    const misplaced = wrongCoordinator(context, groupId)
    if (misplaced) return { groupId, errorCode: codeOf(misplaced) }
    const { error, state, protocolType, protocolName, members } = context.broker.groups.describe(groupId)
    const saysNotFound = error !== undefined && context.apiVersion >= 6
    return {
      groupId,
      ...(saysNotFound && { errorCode: codeOf(error), errorMessage: error.reason }),
      groupState: state,
      protocolType,
      protocolData: protocolName,
      members: members.map(({ metadata, assignment, ...member }) => ({
        ...member,
        memberMetadata: metadata,
        memberAssignment: assignment,
      })),
      ...(request.includeAuthorizedOperations && !saysNotFound && { authorizedOperations: allGroupOperations }),
    }
  })
  return { groups }
}
