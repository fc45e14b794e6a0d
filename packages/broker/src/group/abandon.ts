// Handles the close of a connection whose request waits, so that its answer cannot be sent.
//
// Kafka keeps such a member: a first join that was abandoned counts as joined for up to five minutes, and may even be elected
// leader, whose assignment the other members then wait for. A service that is killed and restarted repeatedly leaves one such
// member behind each time. Here a dead member costs no more than one session timeout: a member that never got an answer is
// removed, and a known member gets one session from now, within which a living client joins again.
import {
  answerJoin,
  answerSync,
  type ClassicGroup,
  failedJoin,
  failedSync,
  failure,
  log,
  type Member,
  type Step,
  type Waiter,
} from './classic-group.ts'
import { expelMember } from './rebalance.ts'

/** The connection of a waiting JoinGroup or SyncGroup has closed. Does nothing when the request has already been answered. */
export function abandon(group: ClassicGroup, step: Step, waiter: Waiter): void {
  for (const member of group.members.values()) {
    if (member.joinWaiter === waiter) {
      abandonJoin(group, step, member)
      return
    }
    if (member.syncWaiter === waiter) {
      const lost = failure('REBALANCE_IN_PROGRESS', 'the connection closed')
      answerSync(step, member, failedSync(lost))
      limitSession(group, step, member)
      return
    }
  }
}

function abandonJoin(group: ClassicGroup, step: Step, member: Member): void {
  // A static member returns with its instance id and keeps its place.
  if (member.isNew && member.groupInstanceId === null) {
    log(step, 'info', `group ${group.groupId}: member ${member.memberId} closed its connection before it was admitted`)
    expelMember(group, step, member, { what: 'removed', detail: 'its connection closed during its first join' })
    return
  }
  const lost = failure('REBALANCE_IN_PROGRESS', 'the connection closed')
  answerJoin(step, member, failedJoin(member.memberId, lost))
  limitSession(group, step, member)
}

/** Gives the member at most one session from now: its client may have lost the connection, or its process may have died. */
function limitSession(group: ClassicGroup, step: Step, member: Member): void {
  member.deadlineMs = Math.min(member.deadlineMs, step.nowMs + member.sessionTimeoutMs)
  log(step, 'debug', `group ${group.groupId}: member ${member.memberId} closed its connection while it waited`)
}
