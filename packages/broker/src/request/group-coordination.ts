// Helpers of the group APIs: which presented broker coordinates a group, and the error codes of group errors.
import { errorCodes } from '@selfmonitor/protocol'
import type { GroupError } from '../group/types.ts'
import type { RequestContext } from './handler.ts'

/** The error code; 0 without an error. */
export function codeOf(error: GroupError | undefined): number {
  return error ? errorCodes[error.name] : errorCodes.NONE
}

/**
 * @returns NOT_COORDINATOR when another presented broker coordinates the group: the client then looks for its coordinator again;
 *   COORDINATOR_NOT_AVAILABLE when the group's data is damaged: the client retries until it is repaired; else undefined
 */
export function wrongCoordinator({ broker, brokerId }: RequestContext, groupId: string): GroupError | undefined {
  const coordinator = broker.coordinatorOf(groupId)
  if (coordinator.brokerId === brokerId) return broker.groups.unavailable(groupId)
  return { name: 'NOT_COORDINATOR', reason: `broker ${coordinator.brokerId} coordinates group ${groupId}` }
}
