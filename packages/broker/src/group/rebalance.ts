// How a classic group moves from one generation to the next, and what happens when a deadline passes.
//
//   Empty ──join──▶ PreparingRebalance ──all joined, or time is up──▶ CompletingRebalance ──leader syncs──▶ Stable
//                        ▲    │ no members: Empty                           │                               │
//                        └────┴──── a member joins, changes, leaves or expires ─────────────────────────────┘
import {
  allMembersJoined,
  answerJoin,
  answerSync,
  type ClassicGroup,
  describeRemoval,
  emptyAssignment,
  failedJoin,
  failedSync,
  failure,
  joinAdmitted,
  joinMembers,
  log,
  type Member,
  nextDeadline,
  type Removal,
  removeMember,
  type Step,
  selectProtocol,
  transition,
  write,
} from './classic-group.ts'
import { subscribedTopicsOf } from './subscription.ts'

/** Gives the member a full session from now. */
export function restartSession(step: Step, member: Member, timeoutMs = member.sessionTimeoutMs): void {
  member.deadlineMs = step.nowMs + timeoutMs
}

/** Starts a rebalance; or, while one is being prepared, completes it if every member has joined. */
export function rebalanceOrComplete(group: ClassicGroup, step: Step, reason: string): void {
  switch (group.state) {
    case 'Empty':
    case 'CompletingRebalance':
    case 'Stable':
      prepareRebalance(group, step, reason)
      return
    case 'PreparingRebalance':
      completeIfAllJoined(group, step)
      return
    case 'Dead':
      return
  }
}

export function prepareRebalance(group: ClassicGroup, step: Step, reason: string): void {
  if (group.state === 'CompletingRebalance') resetAssignments(group, step)
  group.pendingSync.clear()
  group.syncDeadlineMs = undefined

  const isInitial = group.state === 'Empty'
  transition(group, step, 'PreparingRebalance')
  log(step, 'info', `group ${group.groupId} prepares to rebalance after generation ${group.generationId}: ${reason}`)
  if (isInitial) {
    // The group is new: more members are probably starting now, so it waits a little for them.
    const delayMs = step.config.initialRebalanceDelayMs
    const remainingMs = Math.max(rebalanceTimeoutMs(group) - delayMs, 0)
    group.newMemberAdded = false
    group.joinTimer = { deadlineMs: step.nowMs + delayMs, initial: { delayMs, remainingMs } }
  } else if (allMembersJoined(group)) {
    completeJoin(group, step)
  } else {
    group.joinTimer = { deadlineMs: step.nowMs + rebalanceTimeoutMs(group) }
  }
}

/** Ends the join phase when every member has joined, but never ends the initial delay early. */
export function completeIfAllJoined(group: ClassicGroup, step: Step): void {
  if (group.state !== 'PreparingRebalance' || group.joinTimer?.initial) return
  if (allMembersJoined(group)) completeJoin(group, step)
}

/** The longest rebalance timeout of all members. */
function rebalanceTimeoutMs(group: ClassicGroup): number {
  let longest = 0
  for (const member of group.members.values()) longest = Math.max(longest, member.rebalanceTimeoutMs)
  return longest
}

function resetAssignments(group: ClassicGroup, step: Step): void {
  const error = failure('REBALANCE_IN_PROGRESS', 'another rebalance began before the leader sent the assignment')
  for (const member of group.members.values()) {
    member.assignment = emptyAssignment
    if (member.syncWaiter !== undefined) restartSession(step, member)
    answerSync(step, member, failedSync(error))
  }
}

function completeJoin(group: ClassicGroup, step: Step): void {
  group.joinTimer = undefined
  const missing = [...group.members.values()].filter((m) => m.joinWaiter === undefined && m.groupInstanceId === null)
  const removal = { what: 'expelled', detail: 'it did not rejoin in the rebalance timeout' }
  for (const member of missing) removeMember(group, step, member.memberId, removal)
  if (missing.length > 0) {
    const names = missing.map((member) => member.memberId).join(', ')
    log(step, 'info', `group ${group.groupId} continues without members that did not rejoin: ${names}`)
  }

  if (group.members.size > 0 && !electJoinedLeader(group)) {
    // Only static members are left and none has rejoined. Their sessions decide, so it waits another round.
    group.joinTimer = { deadlineMs: step.nowMs + Math.max(rebalanceTimeoutMs(group), 1) }
    log(step, 'warn', `group ${group.groupId} cannot complete its rebalance: no member has rejoined`)
    return
  }
  nextGeneration(group, step)
}

/** Keeps the leader if it has rejoined; otherwise the first member that has rejoined becomes leader. */
function electJoinedLeader(group: ClassicGroup): boolean {
  const current = group.leaderId === undefined ? undefined : group.members.get(group.leaderId)
  if (current?.joinWaiter !== undefined) return true
  for (const member of group.members.values()) {
    if (member.joinWaiter === undefined) continue
    group.leaderId = member.memberId
    return true
  }
  return false
}

function nextGeneration(group: ClassicGroup, step: Step): void {
  group.generationId++
  group.pendingSync.clear()
  if (group.members.size === 0) {
    group.protocolName = undefined
    group.leaderId = undefined
    group.subscribedTopics = subscribedTopicsOf(group)
    transition(group, step, 'Empty')
    log(step, 'info', `group ${group.groupId} is empty at generation ${group.generationId}`)
    write(group, step)
    return
  }

  group.protocolName = selectProtocol(group)
  group.subscribedTopics = subscribedTopicsOf(group)
  transition(group, step, 'CompletingRebalance')
  log(
    step,
    'info',
    `group ${group.groupId} reached generation ${group.generationId}: ${group.members.size} members, ` +
      `assignor ${group.protocolName}, leader ${group.leaderId}`,
  )
  for (const member of group.members.values()) {
    const members = member.memberId === group.leaderId ? joinMembers(group) : []
    answerJoin(step, member, joinAdmitted(group, member.memberId, members))
    restartSession(step, member)
    member.isNew = false
    group.pendingSync.add(member.memberId)
  }
  group.syncDeadlineMs = step.nowMs + rebalanceTimeoutMs(group)
}

/** Removes a member and rebalances. Its waiting join, if any, is answered with an error, so that a living client retries. */
export function expelMember(group: ClassicGroup, step: Step, member: Member, removal: Removal): void {
  dropMember(group, step, member, removal)
  rebalanceOrComplete(group, step, `member ${member.memberId}: ${describeRemoval(removal)}`)
}

/** Removes a member without a rebalance. */
export function dropMember(group: ClassicGroup, step: Step, member: Member, removal: Removal): void {
  const error = failure('UNKNOWN_MEMBER_ID', describeRemoval(removal))
  answerJoin(step, member, failedJoin('', error))
  answerSync(step, member, failedSync(error))
  removeMember(group, step, member.memberId, removal)
}

/** Handles every timeout that is due at `step.nowMs`, earliest first. */
export function passTime(group: ClassicGroup, step: Step): void {
  for (;;) {
    const dueMs = nextDeadline(group)
    if (dueMs > step.nowMs) return
    if (group.joinTimer?.deadlineMs === dueMs) joinTimeIsUp(group, step)
    else if (group.syncDeadlineMs === dueMs) syncTimeIsUp(group, step)
    else expireSession(group, step, dueMs)
  }
}

function joinTimeIsUp(group: ClassicGroup, step: Step): void {
  const initial = group.joinTimer?.initial
  if (!initial || !group.newMemberAdded || initial.remainingMs === 0) {
    completeJoin(group, step)
    return
  }
  group.newMemberAdded = false
  const delayMs = Math.min(step.config.initialRebalanceDelayMs, initial.remainingMs)
  const remainingMs = Math.max(initial.remainingMs - initial.delayMs, 0)
  group.joinTimer = { deadlineMs: step.nowMs + delayMs, initial: { delayMs, remainingMs } }
}

function syncTimeIsUp(group: ClassicGroup, step: Step): void {
  group.syncDeadlineMs = undefined
  if (group.pendingSync.size === 0) return
  const missing = [...group.pendingSync]
  const removal = { what: 'expelled', detail: 'it did not sync in the rebalance timeout' }
  for (const memberId of missing) dropMember(group, step, group.members.get(memberId)!, removal)
  prepareRebalance(group, step, `members did not sync in time: ${missing.join(', ')}`)
}

function expireSession(group: ClassicGroup, step: Step, dueMs: number): void {
  for (const [memberId, deadlineMs] of group.pendingMembers) {
    if (deadlineMs !== dueMs) continue
    removeMember(group, step, memberId, { what: 'its id expired', detail: 'it did not join in its session timeout' })
    log(step, 'info', `group ${group.groupId}: the pending member ${memberId} did not join in its session timeout`)
    completeIfAllJoined(group, step)
    return
  }
  for (const member of group.members.values()) {
    if (member.deadlineMs !== dueMs) continue
    // A member whose join or sync waits here cannot send heartbeats; its session restarts with the answer.
    if (!member.isNew && (member.joinWaiter !== undefined || member.syncWaiter !== undefined)) {
      member.deadlineMs = Infinity
      return
    }
    log(step, 'info', `group ${group.groupId}: the session of member ${member.memberId} expired`)
    const detail = member.isNew ? 'its first join waited too long' : undefined
    expelMember(group, step, member, { what: 'session expired', detail })
    return
  }
}

/** Starts a new rebalance when the group could not be written, because its generation is then void. */
export function writeFailed(group: ClassicGroup, step: Step, generationId: number): void {
  if (group.generationId !== generationId || group.state !== 'Stable') return
  for (const member of group.members.values()) member.assignment = emptyAssignment
  prepareRebalance(group, step, 'the assignment could not be written')
}

/** Ends the group: its waiting requests are answered with COORDINATOR_NOT_AVAILABLE. */
export function closeGroup(group: ClassicGroup, step: Step, reason: string): void {
  const error = failure('COORDINATOR_NOT_AVAILABLE', reason)
  for (const member of group.members.values()) {
    answerJoin(step, member, failedJoin(member.memberId, error))
    answerSync(step, member, failedSync(error))
    member.deadlineMs = Infinity
  }
  group.pendingMembers.clear()
  group.joinTimer = undefined
  group.syncDeadlineMs = undefined
  transition(group, step, 'Dead')
}
