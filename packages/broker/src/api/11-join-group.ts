// JoinGroup: a consumer joins its group, and is answered when the group's next generation begins.
//
// Behaviour: the answer may take as long as the slowest member's rebalance timeout; the connection handles no other request until then. The
// leader's answer lists all members with the metadata for the chosen assignor. See `group/join.ts` for the rules.
// Versions: v1 adds the rebalance timeout. v4 makes a new member join twice, the second time with its id (KIP-394).
// v5 adds static members (KIP-345). v7 may answer without a protocol name. v8 adds the client's reason (KIP-800).
// v9 lets a static leader that returns skip the assignment (KIP-814).
import type { JoinResult } from '../group/types.ts'
import { codeOf, wrongCoordinator } from '../request/group-coordination.ts'
import type { ApiHandler } from '../request/handler.ts'

export const handleJoinGroup: ApiHandler<'JoinGroup'> = async (request, context) => {
  const { broker, apiVersion, clientId, clientHost } = context
  const misplaced = wrongCoordinator(context, request.groupId)
  if (misplaced) return { ...noGeneration(apiVersion), memberId: request.memberId, errorCode: codeOf(misplaced) }
  const { groupId, memberId, groupInstanceId, sessionTimeoutMs, rebalanceTimeoutMs, protocolType, reason } = request
  const input = {
    groupId,
    memberId,
    groupInstanceId,
    clientId: clientId ?? '',
    clientHost,
    sessionTimeoutMs,
    rebalanceTimeoutMs,
    protocolType,
    // Copied, because the memory of the request is reused.
    protocols: request.protocols.map(({ name, metadata }) => ({ name, metadata: Buffer.from(metadata) })),
    reason,
    requireKnownMemberId: apiVersion >= 4,
    supportsSkippingAssignment: apiVersion >= 9,
  }
  const result = await broker.groups.join(input, context.signal)
  return result.error ? { ...noGeneration(apiVersion), ...refusal(result) } : admission(result)
}

/** Before v7 a response cannot have a null protocol. */
function noGeneration(apiVersion: number) {
  return { generationId: -1, protocolType: null, protocolName: apiVersion >= 7 ? null : '', leader: '', members: [] }
}

function refusal({ error, memberId }: JoinResult) {
  return { errorCode: codeOf(error), memberId }
}

function admission({ error: _, ...result }: JoinResult) {
  return { ...result, errorCode: 0, members: [...result.members] }
}
