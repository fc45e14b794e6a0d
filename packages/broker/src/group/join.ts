// JoinGroup on a classic group: which members are admitted, which are replaced, and what starts a rebalance.
//
// A member that is admitted waits (`joinWaiter`) until the join phase completes; every other outcome is answered at once.
import {
  answerJoin,
  answerSync,
  type ClassicGroup,
  emptyAssignment,
  failedJoin,
  failedSync,
  failure,
  joinAdmitted,
  joinMembers,
  log,
  type Member,
  remember,
  removeMember,
  type Step,
  selectProtocol,
  supportsProtocols,
  validateMember,
  type Waiter,
  write,
} from './classic-group.ts'
import { completeIfAllJoined, prepareRebalance, rebalanceOrComplete, restartSession } from './rebalance.ts'
import type { GroupConfig, GroupError, GroupProtocol, JoinInput, JoinResult } from './types.ts'

/**
 * A new member's first join may wait this long for the rebalance; a living client then retries. It cannot send heartbeats yet, so
 * a connection that died during the wait would not be noticed otherwise.
 */
const newMemberJoinTimeoutMs = 5 * 60_000

/** @returns why the join fails, as far as this can be said without the group */
export function validateJoin(input: JoinInput, config: GroupConfig): GroupError | undefined {
  if (input.groupId === '') return failure('INVALID_GROUP_ID', 'the group id is empty')
  const { minSessionTimeoutMs: min, maxSessionTimeoutMs: max } = config
  if (input.sessionTimeoutMs < min || input.sessionTimeoutMs > max) {
    const reason = `session timeout ${input.sessionTimeoutMs} ms is not within ${min} and ${max} ms`
    return failure('INVALID_SESSION_TIMEOUT', reason)
  }
  return undefined
}

/** Handles a JoinGroup whose input is valid. Its answer is an effect of this step or of a later one. */
export function join(group: ClassicGroup, step: Step, input: JoinInput, waiter: Waiter): void {
  const rejection = rejectionOf(group, step, input)
  if (rejection) {
    step.effects.push({ type: 'answer-join', waiter, result: rejection })
    completeIfAllJoined(group, step)
  } else if (input.memberId === '') {
    joinNew(group, step, input, waiter)
  } else {
    joinKnown(group, step, input, waiter)
  }
}

function rejectionOf(group: ClassicGroup, step: Step, input: JoinInput): JoinResult | undefined {
  if (group.state === 'Dead') {
    return failedJoin(input.memberId, failure('COORDINATOR_NOT_AVAILABLE', 'the group is deleted'))
  }
  if (!hasRoom(group, input.memberId, step.config.maxSize)) {
    const why = `the group is full (group.max.size=${step.config.maxSize})`
    if (group.members.has(input.memberId)) removeMember(group, step, input.memberId, { what: 'rejected', detail: why })
    return failedJoin('', failure('GROUP_MAX_SIZE_REACHED', why))
  }
  const names = input.protocols.map((protocol) => protocol.name)
  if (!supportsProtocols(group, input.protocolType, names)) {
    return failedJoin(input.memberId, failure('INCONSISTENT_GROUP_PROTOCOL', inconsistency(group, input)))
  }
  return undefined
}

function hasRoom(group: ClassicGroup, memberId: string, maxSize: number): boolean {
  switch (group.state) {
    case 'Empty':
    case 'Dead':
      return true
    case 'PreparingRebalance': {
      // Counts the members that wait: a group above a limit that was lowered then loses the last members to rejoin.
      let waiting = 0
      for (const member of group.members.values()) if (member.joinWaiter !== undefined) waiting++
      return group.members.get(memberId)?.joinWaiter !== undefined || waiting < maxSize
    }
    case 'CompletingRebalance':
    case 'Stable':
      return group.members.has(memberId) || group.members.size < maxSize
  }
}

function inconsistency(group: ClassicGroup, input: JoinInput): string {
  const offered = `${input.protocolType || '(no type)'} [${input.protocols.map((p) => p.name).join(', ')}]`
  if (group.state === 'Empty') return `the member offers no protocol: ${offered}`
  const members = [...group.members.values()]
  const all = members[0]?.protocols.filter(({ name }) => members.every((m) => m.protocols.some((p) => p.name === name)))
  return `the member offers ${offered}, the group uses ${group.protocolType} [${all?.map((p) => p.name).join(', ')}]`
}

/** A join without a member id: a new member, or a static member that returns. */
function joinNew(group: ClassicGroup, step: Step, input: JoinInput, waiter: Waiter): void {
  const { groupInstanceId } = input
  const memberId = `${groupInstanceId ?? input.clientId}-${step.newUuid()}`
  const formerId = groupInstanceId === null ? undefined : group.staticMembers.get(groupInstanceId)
  if (formerId !== undefined) {
    replaceStatic(group, step, input, waiter, formerId, memberId)
  } else if (groupInstanceId === null && input.requireKnownMemberId) {
    group.pendingMembers.set(memberId, step.nowMs + input.sessionTimeoutMs)
    const error = failure('MEMBER_ID_REQUIRED', 'the member has to join again with the id in the answer')
    step.effects.push({ type: 'answer-join', waiter, result: failedJoin(memberId, error) })
  } else {
    addMember(group, step, input, waiter, memberId)
  }
}

/** A join with a member id: from the pending list, or a member that rejoins. */
function joinKnown(group: ClassicGroup, step: Step, input: JoinInput, waiter: Waiter): void {
  const { memberId } = input
  const answer = (result: JoinResult) => void step.effects.push({ type: 'answer-join', waiter, result })

  if (group.pendingMembers.has(memberId) && input.groupInstanceId === null) {
    addMember(group, step, input, waiter, memberId)
    return
  }
  const error = validateMember(group, step.nowMs, memberId, input.groupInstanceId)
  if (error) {
    answer(failedJoin(memberId, error))
    return
  }

  const member = group.members.get(memberId)!
  const unchanged = sameProtocols(member.protocols, input.protocols)
  const isLeader = group.leaderId === memberId
  switch (group.state) {
    case 'PreparingRebalance':
      updateMember(step, member, input, waiter)
      completeIfAllJoined(group, step)
      return
    case 'CompletingRebalance':
      // The metadata is the same, so the answer to the first join was probably lost.
      if (unchanged) {
        answer(joinAdmitted(group, memberId, isLeader ? joinMembers(group) : []))
        return
      }
      break
    case 'Stable':
      // The leader rejoins when it wants a new assignment, for example because a topic grew.
      if (unchanged && !isLeader) {
        answer(joinAdmitted(group, memberId, []))
        return
      }
      break
    case 'Empty':
    case 'Dead':
      answer(failedJoin(memberId, failure('UNKNOWN_MEMBER_ID', `the group is ${group.state}`)))
      return
  }
  updateMember(step, member, input, waiter)
  const cause = unchanged ? `leader ${memberId} rejoined` : `member ${memberId} changed its metadata`
  rebalanceOrComplete(group, step, withClientReason(cause, input))
}

function addMember(group: ClassicGroup, step: Step, input: JoinInput, waiter: Waiter, memberId: string): void {
  const member: Member = {
    memberId,
    groupInstanceId: input.groupInstanceId,
    clientId: input.clientId,
    clientHost: input.clientHost,
    sessionTimeoutMs: input.sessionTimeoutMs,
    rebalanceTimeoutMs: rebalanceTimeoutOf(input),
    protocols: input.protocols,
    assignment: emptyAssignment,
    joinWaiter: waiter,
    syncWaiter: undefined,
    isNew: true,
    deadlineMs: step.nowMs + newMemberJoinTimeoutMs,
  }
  if (group.members.size === 0) group.protocolType = input.protocolType
  group.pendingMembers.delete(memberId)
  group.members.set(memberId, member)
  if (input.groupInstanceId !== null) group.staticMembers.set(input.groupInstanceId, memberId)
  group.leaderId ??= memberId
  if (group.joinTimer?.initial) group.newMemberAdded = true
  const instance = input.groupInstanceId === null ? '' : ` (instance ${input.groupInstanceId})`
  rebalanceOrComplete(group, step, withClientReason(`member ${memberId}${instance} joined`, input))
}

function updateMember(step: Step, member: Member, input: JoinInput, waiter: Waiter): void {
  // An older join of this member can only wait on a connection that its client no longer uses.
  answerJoin(step, member, failedJoin(member.memberId, failure('REBALANCE_IN_PROGRESS', 'the member joined again')))
  member.protocols = input.protocols
  member.sessionTimeoutMs = input.sessionTimeoutMs
  member.rebalanceTimeoutMs = rebalanceTimeoutOf(input)
  member.joinWaiter = waiter
}

/** KIP-345: a static member that returns takes over the place and the assignment of its former member id. */
function replaceStatic(
  group: ClassicGroup,
  step: Step,
  input: JoinInput,
  waiter: Waiter,
  oldMemberId: string,
  memberId: string,
): void {
  const old = group.members.get(oldMemberId)!
  const formerLeader = group.leaderId ?? ''
  const fenced = failure('FENCED_INSTANCE_ID', `instance ${input.groupInstanceId} is now member ${memberId}`)
  answerJoin(step, old, failedJoin(oldMemberId, fenced))
  answerSync(step, old, failedSync(fenced))

  const member: Member = {
    ...old,
    memberId,
    protocols: input.protocols,
    sessionTimeoutMs: input.sessionTimeoutMs,
    rebalanceTimeoutMs: rebalanceTimeoutOf(input),
    joinWaiter: waiter,
    syncWaiter: undefined,
    isNew: false,
  }
  restartSession(step, member)
  group.members.delete(oldMemberId)
  group.members.set(memberId, member)
  group.staticMembers.set(input.groupInstanceId!, memberId)
  if (group.leaderId === oldMemberId) group.leaderId = memberId
  remember(group, oldMemberId, { what: 'replaced', detail: `by ${memberId}` }, step.nowMs)
  const cause = `static member ${input.groupInstanceId} came back as ${memberId}`

  switch (group.state) {
    case 'Stable': {
      if (selectProtocol(group) !== group.protocolName) {
        prepareRebalance(group, step, withClientReason(`${cause} and changes the assignor`, input))
        return
      }
      log(step, 'info', `group ${group.groupId}: ${cause} without a rebalance`)
      write(group, step)
      const isLeader = group.leaderId === memberId
      // KIP-814: a leader that supports it gets the members, and is asked to keep the assignment. An
      // older one must not consider itself the leader, because its assignment would not be used.
      const result = input.supportsSkippingAssignment
        ? { ...joinAdmitted(group, memberId, isLeader ? joinMembers(group) : []), skipAssignment: isLeader }
        : { ...joinAdmitted(group, memberId, []), leader: formerLeader }
      answerJoin(step, member, result)
      return
    }
    case 'CompletingRebalance':
      // The leader may already be assigning to the old member id, so the generation is void.
      prepareRebalance(group, step, withClientReason(cause, input))
      return
    case 'PreparingRebalance':
      completeIfAllJoined(group, step)
      return
    case 'Empty':
    case 'Dead':
      throw new Error(`group ${group.groupId} is ${group.state} and yet has the static member ${oldMemberId}`)
  }
}

function rebalanceTimeoutOf(input: JoinInput): number {
  return input.rebalanceTimeoutMs < 0 ? input.sessionTimeoutMs : input.rebalanceTimeoutMs
}

function sameProtocols(a: readonly GroupProtocol[], b: readonly GroupProtocol[]): boolean {
  return a.length === b.length && a.every((p, i) => p.name === b[i]!.name && p.metadata.equals(b[i]!.metadata))
}

/** Adds the client's reason for its join (KIP-800). */
function withClientReason(cause: string, input: JoinInput): string {
  return input.reason ? `${cause}; client's reason: ${input.reason}` : cause
}
