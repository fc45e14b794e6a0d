// SyncGroup: the leader sends the assignment, and every member gets its part once the assignment is written.
//
// Versions: v3 adds static members (KIP-345). v5 repeats the protocol's type and name, which must be the group's (KIP-559).
import { errorCodes } from '@selfmonitor/protocol'
import { codeOf, wrongCoordinator } from '../request/group-coordination.ts'
import type { ApiHandler } from '../request/handler.ts'

const none = Buffer.alloc(0)

export const handleSyncGroup: ApiHandler<'SyncGroup'> = async (request, context) => {
  const misplaced = wrongCoordinator(context, request.groupId)
  if (misplaced) return { errorCode: codeOf(misplaced), assignment: none }
  if (context.apiVersion >= 5 && (request.protocolType === null || request.protocolName === null)) {
    return { errorCode: errorCodes.INCONSISTENT_GROUP_PROTOCOL, assignment: none }
  }
  // Copied, because the memory of the request is reused.
  const assignments = request.assignments.map((given) => ({ ...given, assignment: Buffer.from(given.assignment) }))
  const result = await context.broker.groups.sync({ ...request, assignments }, context.signal)
  const { error, protocolType, protocolName, assignment } = result
  return { errorCode: codeOf(error), protocolType, protocolName, assignment }
}
