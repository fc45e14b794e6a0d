// Heartbeat and OffsetCommit of a member of a classic group: each keeps its session alive, and its answer may ask it to rejoin.
import { type ClassicGroup, failure, illegalGeneration, type Step, validateMember } from './classic-group.ts'
import { restartSession } from './rebalance.ts'
import type { GroupError, HeartbeatInput } from './types.ts'

/** Keeps the member's session alive, also when the answer asks it to rejoin. */
export function heartbeat(group: ClassicGroup, step: Step, input: HeartbeatInput): GroupError | undefined {
  if (group.state === 'Dead') return failure('COORDINATOR_NOT_AVAILABLE', 'the group is deleted')
  const error = validateMember(group, step.nowMs, input.memberId, input.groupInstanceId)
  if (error) return error
  if (input.generationId !== group.generationId) return illegalGeneration(group, input.generationId)
  restartSession(step, group.members.get(input.memberId)!)
  if (group.state !== 'PreparingRebalance') return undefined
  return failure('REBALANCE_IN_PROGRESS', 'the group waits for its members to rejoin')
}

/** @returns why the client may not commit offsets now. A member's commit keeps its session alive, as in Kafka. */
export function admitCommit(group: ClassicGroup, step: Step, input: HeartbeatInput): GroupError | undefined {
  if (group.state === 'Dead') return failure('COORDINATOR_NOT_AVAILABLE', 'the group is deleted')
  // Generation -1 is an admin client or a consumer that assigns its partitions itself.
  if (input.generationId < 0 && group.state === 'Empty') return undefined
  if (input.generationId < 0 && input.memberId === '' && input.groupInstanceId === null) {
    return failure('UNKNOWN_MEMBER_ID', `the group is ${group.state}: only its members may commit`)
  }
  const error = validateMember(group, step.nowMs, input.memberId, input.groupInstanceId)
  if (error) return error
  if (input.generationId !== group.generationId) return illegalGeneration(group, input.generationId)
  // The member knows the new generation but has no assignment in it yet.
  if (group.state === 'CompletingRebalance') return failure('REBALANCE_IN_PROGRESS', 'the assignment is not known yet')
  restartSession(step, group.members.get(input.memberId)!)
  return undefined
}
