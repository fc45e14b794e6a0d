// LeaveGroup: members leave their group, which rebalances among the remaining ones.
//
// Versions: up to v2 one member leaves and the error is its own. v3 takes several and static ones, which may be named by
// their instance id alone (KIP-345), and answers each. v5 adds a reason (KIP-800).
import { codeOf, wrongCoordinator } from '../request/group-coordination.ts'
import type { ApiHandler } from '../request/handler.ts'

export const handleLeaveGroup: ApiHandler<'LeaveGroup'> = async (request, context) => {
  const misplaced = wrongCoordinator(context, request.groupId)
  if (misplaced) return { errorCode: codeOf(misplaced), members: [] }
  const isSingle = context.apiVersion < 3
  const alone = { memberId: request.memberId, groupInstanceId: null, reason: null }
  const result = await context.broker.groups.leave({
    groupId: request.groupId,
    members: isSingle ? [alone] : request.members,
  })
  if (isSingle) return { errorCode: codeOf(result.error ?? result.members[0]?.error) }
  return {
    errorCode: codeOf(result.error),
    members: result.members.map(({ memberId, groupInstanceId, error }) => ({
      memberId,
      groupInstanceId,
      errorCode: codeOf(error),
    })),
  }
}
