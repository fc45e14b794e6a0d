// Heartbeat: a member reports that it is alive, and learns from the answer when the group rebalances.
//
// Versions: v3 adds static members (KIP-345).
import { codeOf, wrongCoordinator } from '../request/group-coordination.ts'
import type { ApiHandler } from '../request/handler.ts'

export const handleHeartbeat: ApiHandler<'Heartbeat'> = async (request, context) => {
  const error = wrongCoordinator(context, request.groupId) ?? (await context.broker.groups.heartbeat(request))
  return { errorCode: codeOf(error) }
}
