// The data of one classic group, and functions that read it. The functions that change it are in join.ts, sync.ts,
// heartbeat.ts, leave.ts and rebalance.ts. They do no I/O and read no clock: each one gets a `Step`.
import type { GroupConfig, GroupError, GroupProtocol, GroupState, JoinMember, JoinResult, SyncResult } from './types.ts'

export const emptyAssignment = Buffer.alloc(0)

/** A request that waits for an answer; the caller knows which one a number means. */
export type Waiter = number

export interface Member {
  readonly memberId: string
  readonly groupInstanceId: string | null
  readonly clientId: string
  readonly clientHost: string
  sessionTimeoutMs: number
  rebalanceTimeoutMs: number
  protocols: readonly GroupProtocol[]
  assignment: Buffer
  /** Its JoinGroup that waits for the rebalance. */
  joinWaiter: Waiter | undefined
  /** Its SyncGroup that waits for the leader's assignment. */
  syncWaiter: Waiter | undefined
  /** Not part of any generation yet: it expires even while its join waits, because it cannot send heartbeats. */
  isNew: boolean
  /** When its session expires; Infinity after it expired while its request waited here, which does not count. */
  deadlineMs: number
}

export interface ClassicGroup {
  readonly groupId: string
  state: GroupState
  previousState: GroupState
  /** When the state was entered, milliseconds since the epoch; undefined in records of old brokers. */
  stateTimestampMs: number | undefined
  /** `consumer`, `connect`, …; undefined for a group that only stores offsets. */
  protocolType: string | undefined
  protocolName: string | undefined
  generationId: number
  leaderId: string | undefined
  readonly members: Map<string, Member>
  /** Instance id → member id (KIP-345). */
  readonly staticMembers: Map<string, string>
  /** Ids given out with MEMBER_ID_REQUIRED (KIP-394), and when they expire. */
  readonly pendingMembers: Map<string, number>
  /** Members of this generation that have not sent SyncGroup. */
  readonly pendingSync: Set<string>
  /** Topics of all members; undefined when unknown (not a consumer group, unreadable metadata). */
  subscribedTopics: ReadonlySet<string> | undefined
  /** A member came during the initial delay, which is then extended. */
  newMemberAdded: boolean
  /** When the join phase ends at the latest. `initial` while it is the delay of a new group. */
  joinTimer: { deadlineMs: number; initial?: { delayMs: number; remainingMs: number } } | undefined
  syncDeadlineMs: number | undefined
  /** Why recent members were removed, for error messages. Bounded. */
  readonly removed: Map<string, Removal & { readonly atMs: number }>
}

/** Why a member was removed, in two halves: `session expired`, or `expelled` and `it did not rejoin in the rebalance timeout`. */
export interface Removal {
  readonly what: string
  readonly detail?: string
}

/** The group as a GroupMetadata record holds it. */
export interface GroupSnapshot {
  readonly protocolType: string
  readonly generationId: number
  readonly protocolName: string | null
  readonly leader: string | null
  /** -1 when unknown. */
  readonly stateTimestampMs: number
  readonly members: readonly {
    readonly memberId: string
    readonly groupInstanceId: string | null
    readonly clientId: string
    readonly clientHost: string
    /** -1 in records of old brokers, which means the session timeout. */
    readonly rebalanceTimeoutMs: number
    readonly sessionTimeoutMs: number
    readonly subscription: Buffer
    readonly assignment: Buffer
  }[]
}

/** The effects of a step, which its caller carries out in this order: an answer after a write waits until the write is on disk. */
export type Effect =
  | { readonly type: 'write'; readonly snapshot: GroupSnapshot }
  | { readonly type: 'answer-join'; readonly waiter: Waiter; readonly result: JoinResult }
  | { readonly type: 'answer-sync'; readonly waiter: Waiter; readonly result: SyncResult }
  | { readonly type: 'log'; readonly level: 'debug' | 'info' | 'warn'; readonly message: string }

/** One step of a group: its time, the settings, a source of uuids, and where its effects are collected. */
export interface Step {
  readonly nowMs: number
  readonly config: GroupConfig
  readonly newUuid: () => string
  readonly effects: Effect[]
}

export function createGroup(groupId: string, nowMs: number | undefined): ClassicGroup {
  return {
    groupId,
    state: 'Empty',
    previousState: 'Dead',
    stateTimestampMs: nowMs,
    protocolType: undefined,
    protocolName: undefined,
    generationId: 0,
    leaderId: undefined,
    members: new Map(),
    staticMembers: new Map(),
    pendingMembers: new Map(),
    pendingSync: new Set(),
    subscribedTopics: undefined,
    newMemberAdded: false,
    joinTimer: undefined,
    syncDeadlineMs: undefined,
    removed: new Map(),
  }
}

export function transition(group: ClassicGroup, step: Step, to: GroupState): void {
  group.previousState = group.state
  group.state = to
  group.stateTimestampMs = step.nowMs
}

export function log(step: Step, level: 'debug' | 'info' | 'warn', message: string): void {
  step.effects.push({ type: 'log', level, message })
}

export function failure(name: GroupError['name'], reason: string): GroupError {
  return { name, reason }
}

export function illegalGeneration(group: ClassicGroup, generationId: number): GroupError {
  return failure('ILLEGAL_GENERATION', `generation ${generationId}, the group is at ${group.generationId}`)
}

export function failedJoin(memberId: string, error: GroupError): JoinResult {
  return {
    error,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  }
}

export function failedSync(error: GroupError): SyncResult {
  return { error, protocolType: null, protocolName: null, assignment: emptyAssignment }
}

export function answerJoin(step: Step, member: Member, result: JoinResult): void {
  if (member.joinWaiter === undefined) return
  step.effects.push({ type: 'answer-join', waiter: member.joinWaiter, result })
  member.joinWaiter = undefined
}

export function answerSync(step: Step, member: Member, result: SyncResult): void {
  if (member.syncWaiter === undefined) return
  step.effects.push({ type: 'answer-sync', waiter: member.syncWaiter, result })
  member.syncWaiter = undefined
}

/** Writes the group as it is now. */
export function write(group: ClassicGroup, step: Step): void {
  step.effects.push({ type: 'write', snapshot: snapshotOf(group) })
}

export function snapshotOf(group: ClassicGroup): GroupSnapshot {
  const protocolName = group.protocolName ?? null
  return {
    protocolType: group.protocolType ?? '',
    generationId: group.generationId,
    protocolName,
    leader: group.leaderId ?? null,
    stateTimestampMs: group.stateTimestampMs ?? -1,
    members:
      protocolName === null
        ? []
        : [...group.members.values()].map((member) => ({
            memberId: member.memberId,
            groupInstanceId: member.groupInstanceId,
            clientId: member.clientId,
            clientHost: member.clientHost,
            rebalanceTimeoutMs: member.rebalanceTimeoutMs,
            sessionTimeoutMs: member.sessionTimeoutMs,
            subscription: metadataFor(member, protocolName),
            assignment: member.assignment,
          })),
  }
}

/** The metadata that the member gave for an assignor; empty when it does not support it. */
export function metadataFor(member: Member, protocolName: string | undefined): Buffer {
  return member.protocols.find((protocol) => protocol.name === protocolName)?.metadata ?? emptyAssignment
}

export function joinMembers(group: ClassicGroup): readonly JoinMember[] {
  return [...group.members.values()].map((member) => ({
    memberId: member.memberId,
    groupInstanceId: member.groupInstanceId,
    metadata: metadataFor(member, group.protocolName),
  }))
}

/** The answer that admits a member to the present generation. */
export function joinAdmitted(group: ClassicGroup, memberId: string, members: readonly JoinMember[]): JoinResult {
  return {
    generationId: group.generationId,
    protocolType: group.protocolType ?? null,
    protocolName: group.protocolName ?? null,
    leader: group.leaderId ?? '',
    skipAssignment: false,
    memberId,
    members,
  }
}

export function allMembersJoined(group: ClassicGroup): boolean {
  if (group.pendingMembers.size > 0) return false
  for (const member of group.members.values()) if (member.joinWaiter === undefined) return false
  return true
}

/** Whether at least one of the assignors is supported by every member (and the protocol type is the group's). */
export function supportsProtocols(group: ClassicGroup, type: string, names: readonly string[]): boolean {
  if (group.state === 'Empty') return type !== '' && names.length > 0
  if (group.protocolType !== type) return false
  return names.some((name) => [...group.members.values()].every((member) => supports(member, name)))
}

function supports(member: Member, protocolName: string): boolean {
  return member.protocols.some((protocol) => protocol.name === protocolName)
}

/**
 * Every member votes for the first of its assignors that all members support; most votes win, and on a tie the first of
 * them that got a vote.
 */
export function selectProtocol(group: ClassicGroup): string {
  const members = [...group.members.values()]
  const votes = new Map<string, number>()
  for (const member of members) {
    const vote = member.protocols.find(({ name }) => members.every((other) => supports(other, name)))
    if (vote) votes.set(vote.name, (votes.get(vote.name) ?? 0) + 1)
  }
  let winner: string | undefined
  for (const [name, count] of votes) if (winner === undefined || count > votes.get(winner)!) winner = name
  if (winner === undefined) throw new Error(`group ${group.groupId} admitted members without a common assignor`)
  return winner
}

export function removeMember(group: ClassicGroup, step: Step, memberId: string, removal: Removal): void {
  const member = group.members.get(memberId)
  group.members.delete(memberId)
  // An empty string is an instance id, too.
  const instanceId = member?.groupInstanceId ?? null
  if (instanceId !== null && group.staticMembers.get(instanceId) === memberId) group.staticMembers.delete(instanceId)
  if (group.leaderId === memberId) group.leaderId = group.members.keys().next().value
  group.pendingMembers.delete(memberId)
  group.pendingSync.delete(memberId)
  remember(group, memberId, removal, step.nowMs)
}

const rememberedRemovals = 64

/** Remembers why a member was removed, so that the error of its next request can say it. */
export function remember(group: ClassicGroup, memberId: string, removal: Removal, atMs: number): void {
  group.removed.delete(memberId)
  group.removed.set(memberId, { ...removal, atMs })
  if (group.removed.size > rememberedRemovals) group.removed.delete(group.removed.keys().next().value!)
}

/** Checks that the member id, and the instance id when given, are known and belong together. */
export function validateMember(
  group: ClassicGroup,
  nowMs: number,
  memberId: string,
  groupInstanceId: string | null,
): GroupError | undefined {
  if (groupInstanceId !== null) {
    const current = group.staticMembers.get(groupInstanceId)
    if (current === undefined) {
      const reason = `the group has no member with instance id ${groupInstanceId}`
      return failure('UNKNOWN_MEMBER_ID', group.removed.has(memberId) ? unknownMember(group, nowMs, memberId) : reason)
    }
    if (current !== memberId) {
      return failure('FENCED_INSTANCE_ID', `instance ${groupInstanceId} is now member ${current}`)
    }
  }
  if (!group.members.has(memberId)) return failure('UNKNOWN_MEMBER_ID', unknownMember(group, nowMs, memberId))
  return undefined
}

export function describeRemoval({ what, detail }: Removal): string {
  return detail === undefined ? what : `${what}: ${detail}`
}

function unknownMember(group: ClassicGroup, nowMs: number, memberId: string): string {
  const removed = group.removed.get(memberId)
  if (removed) return describeRemoval({ ...removed, what: `${removed.what} ${nowMs - removed.atMs} ms ago` })
  if (group.pendingMembers.has(memberId)) return 'the member has its id but has not joined'
  return memberId === '' ? 'the request has no member id' : `the group has no member ${memberId}`
}

/** @returns when the next timeout of the group is due, milliseconds since the epoch; Infinity when it has none */
export function nextDeadline(group: ClassicGroup): number {
  let earliest = Math.min(group.joinTimer?.deadlineMs ?? Infinity, group.syncDeadlineMs ?? Infinity)
  for (const deadlineMs of group.pendingMembers.values()) earliest = Math.min(earliest, deadlineMs)
  for (const member of group.members.values()) earliest = Math.min(earliest, member.deadlineMs)
  return earliest
}
