// SyncGroup on a classic group: the leader sends the assignment, each member gets its part.
import {
  answerSync,
  type ClassicGroup,
  emptyAssignment,
  failedSync,
  failure,
  illegalGeneration,
  log,
  type Step,
  transition,
  validateMember,
  type Waiter,
  write,
} from './classic-group.ts'
import { restartSession } from './rebalance.ts'
import type { GroupError, SyncInput, SyncResult } from './types.ts'

/** Takes in a SyncGroup. Its answer comes as an effect, in this step or when the leader has synced. */
export function sync(group: ClassicGroup, step: Step, input: SyncInput, waiter: Waiter): void {
  const answer = (result: SyncResult) => void step.effects.push({ type: 'answer-sync', waiter, result })
  const error = validateSync(group, step, input)
  if (error) {
    answer(failedSync(error))
    return
  }
  const member = group.members.get(input.memberId)!

  switch (group.state) {
    case 'PreparingRebalance':
      answer(failedSync(failure('REBALANCE_IN_PROGRESS', 'the group waits for its members to rejoin')))
      return
    case 'CompletingRebalance': {
      const again = failure('REBALANCE_IN_PROGRESS', 'the member sent SyncGroup again')
      answerSync(step, member, failedSync(again))
      member.syncWaiter = waiter
      markSynced(group, input.memberId)
      if (group.leaderId === input.memberId) distribute(group, step, input)
      return
    }
    case 'Stable':
      markSynced(group, input.memberId)
      answer(assignmentOf(group, member.assignment))
      return
    case 'Empty':
    case 'Dead':
      throw new Error(`group ${group.groupId} is ${group.state} and yet has the member ${input.memberId}`)
  }
}

function validateSync(group: ClassicGroup, step: Step, input: SyncInput): GroupError | undefined {
  if (group.state === 'Dead') return failure('COORDINATOR_NOT_AVAILABLE', 'the group is deleted')
  const error = validateMember(group, step.nowMs, input.memberId, input.groupInstanceId)
  if (error) return error
  if (input.generationId !== group.generationId) return illegalGeneration(group, input.generationId)
  const { protocolType, protocolName } = group
  if (input.protocolType !== null && protocolType !== undefined && input.protocolType !== protocolType) {
    return failure('INCONSISTENT_GROUP_PROTOCOL', `protocol type ${input.protocolType}, the group has ${protocolType}`)
  }
  if (input.protocolName !== null && protocolName !== undefined && input.protocolName !== protocolName) {
    return failure(
      'INCONSISTENT_GROUP_PROTOCOL',
      `assignor ${input.protocolName}, the group has chosen ${protocolName}`,
    )
  }
  return undefined
}

/** Removes the member from those that have to sync before the timeout. */
function markSynced(group: ClassicGroup, memberId: string): void {
  group.pendingSync.delete(memberId)
  if (group.pendingSync.size === 0) group.syncDeadlineMs = undefined
}

/** Makes the group stable. Members are answered once this is written. */
function distribute(group: ClassicGroup, step: Step, input: SyncInput): void {
  const given = new Map(input.assignments.map(({ memberId, assignment }) => [memberId, assignment]))
  for (const member of group.members.values()) {
    member.assignment = given.get(member.memberId) ?? emptyAssignment
    if (!given.has(member.memberId)) {
      log(step, 'warn', `group ${group.groupId}: the leader assigned nothing to member ${member.memberId}`)
    }
  }
  transition(group, step, 'Stable')
  log(step, 'info', `group ${group.groupId} is stable at generation ${group.generationId}`)
  write(group, step)
  for (const member of group.members.values()) {
    if (member.syncWaiter === undefined) continue
    restartSession(step, member)
    answerSync(step, member, assignmentOf(group, member.assignment))
  }
}

function assignmentOf(group: ClassicGroup, assignment: Buffer): SyncResult {
  return { protocolType: group.protocolType ?? null, protocolName: group.protocolName ?? null, assignment }
}
