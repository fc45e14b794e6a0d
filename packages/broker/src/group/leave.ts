// LeaveGroup on a classic group: members leave by their id or, when static, by their instance id.
import { type ClassicGroup, failure, removeMember, type Step, validateMember } from './classic-group.ts'
import { completeIfAllJoined, dropMember, rebalanceOrComplete } from './rebalance.ts'
import type { GroupError, LeaveResult, LeavingMember } from './types.ts'

export function leave(group: ClassicGroup, step: Step, members: readonly LeavingMember[]): LeaveResult {
  if (group.state === 'Dead')
    return { error: failure('COORDINATOR_NOT_AVAILABLE', 'the group is deleted'), members: [] }
  const left: string[] = []
  const results = members.map((leaving) => {
    const error = leaveOne(group, step, leaving, left)
    return { memberId: leaving.memberId, groupInstanceId: leaving.groupInstanceId, error }
  })
  if (left.length > 0) {
    if (group.state === 'PreparingRebalance') completeIfAllJoined(group, step)
    else rebalanceOrComplete(group, step, left.join(', '))
  }
  return { members: results }
}

function leaveOne(group: ClassicGroup, step: Step, leaving: LeavingMember, left: string[]): GroupError | undefined {
  const { memberId, groupInstanceId } = leaving
  if (group.pendingMembers.has(memberId)) {
    removeMember(group, step, memberId, { what: 'left', detail: 'before it joined' })
    // Only a join phase waits for pending members.
    if (group.state === 'PreparingRebalance') left.push(`pending member ${memberId} left`)
    return undefined
  }
  // An administrator removes a static member by its instance id alone (KIP-345).
  const target = memberId === '' && groupInstanceId !== null ? group.staticMembers.get(groupInstanceId) : memberId
  const error = validateMember(group, step.nowMs, target ?? '', groupInstanceId)
  if (error) return error
  const member = group.members.get(target!)!
  dropMember(group, step, member, { what: 'left' })
  left.push(`member ${member.memberId} left${leaving.reason ? `; client's reason: ${leaving.reason}` : ''}`)
  return undefined
}
