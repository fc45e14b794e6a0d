// What the group APIs have in common: which presented broker a group belongs to, and how a refusal becomes an error code.
import { errorCodes } from '@selfmonitor/protocol'
import type { GroupError } from '../group/types.ts'
import type { RequestContext } from './handler.ts'

/** The code of a refusal; 0 without one. */
export function codeOf(error: GroupError | undefined): number {
  return error ? errorCodes[error.name] : errorCodes.NONE
}

/**
 * NOT_COORDINATOR when the group belongs to another one of the presented brokers: the client then looks for its
 * coordinator again. COORDINATOR_NOT_AVAILABLE when what is known of the group is damaged: the client tries again until that is
 * mended. Undefined when it came to the right one.
 */
export function wrongCoordinator({ broker, brokerId }: RequestContext, groupId: string): GroupError | undefined {
  const coordinator = broker.coordinatorOf(groupId)
  if (coordinator.brokerId === brokerId) return broker.groups.unavailable(groupId)
  return { name: 'NOT_COORDINATOR', reason: `group ${groupId} belongs to broker ${coordinator.brokerId}` }
}
