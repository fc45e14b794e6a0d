// What a group does when the connection of a request that waits here is gone: nobody can be given the answer any more.
//
// Kafka keeps such a member: a first join that was abandoned counts as joined, for five minutes at most, and may even be
// elected leader, whose assignment the others then wait for. A service that is killed and restarted again and again leaves one
// behind each time. Here a dead member costs no more than one session timeout: a member that never got an answer is dropped,
// one that is known gets a session from now on, within which a client that is alive joins again.
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

/** The connection of a JoinGroup or SyncGroup that waits is gone. Does nothing when it has been answered already. */
export function abandon(group: ClassicGroup, step: Step, waiter: Waiter): void {
  for (const member of group.members.values()) {
    if (member.joinWaiter === waiter) {
      abandonJoin(group, step, member)
      return
    }
    if (member.syncWaiter === waiter) {
      const gone = failure('REBALANCE_IN_PROGRESS', 'the connection closed')
      answerSync(step, member, failedSync(gone))
      expectBack(group, step, member)
      return
    }
  }
}

function abandonJoin(group: ClassicGroup, step: Step, member: Member): void {
  // A static member comes back under its instance id, and is known by it.
  if (member.isNew && member.groupInstanceId === null) {
    log(step, 'info', `group ${group.groupId}: member ${member.memberId} closed its connection before it was admitted`)
    expelMember(group, step, member, { what: 'dropped', detail: 'its connection closed during its first join' })
    return
  }
  const gone = failure('REBALANCE_IN_PROGRESS', 'the connection closed')
  answerJoin(step, member, failedJoin(member.memberId, gone))
  expectBack(group, step, member)
}

/** The member has a session from now on at most: it may be a client that lost its connection, or a process that died. */
function expectBack(group: ClassicGroup, step: Step, member: Member): void {
  member.deadlineMs = Math.min(member.deadlineMs, step.nowMs + member.sessionTimeoutMs)
  log(step, 'debug', `group ${group.groupId}: member ${member.memberId} closed its connection while it waited`)
}
