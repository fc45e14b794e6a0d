// Why a group has not received one record: the evidence, and the reasons that follow from it. Plain data.
import type { AclBinding, GroupState, OpenTransaction, Problem, SurveyedGroup } from '@selfmonitor/cluster'
import type { Evidence, Remedy } from '../types.ts'

/** In the order in which they are looked for and given: what the record is, then who could read it, then how far they are. */
export const reasonCodes = [
  'DELETED_BY_RETENTION',
  'COMPACTED',
  'NO_RECORD',
  'INVISIBLE_OPEN_TRANSACTION',
  'ABORTED',
  'NOT_SUBSCRIBED',
  'NO_MEMBERS',
  'UNASSIGNED',
  'REBALANCING',
  'FLAPPING',
  'ACL_DENIED',
  'STARTED_AT_LATEST',
  'SKIPPED_BY_RESET',
  'STUCK',
  'POISON',
  'IN_RETRY',
  'DEAD_LETTERED',
  'NOT_YET',
  'CONSUMED',
  'NOT_THERE_YET',
] as const

export type ReasonCode = (typeof reasonCodes)[number]

/** `certain`: the cluster says so. `likely`: it follows from what the cluster says and from what consumers usually do. */
export type Certainty = 'certain' | 'likely'

export interface Reason {
  readonly code: ReasonCode
  readonly certainty: Certainty
  /** One sentence without a full stop. */
  readonly message: string
  readonly evidence: readonly Evidence[]
  readonly remedy: Remedy
  /** Path and heading of the runbook's section. */
  readonly runbook: string
}

/** What became of the record itself. */
export type RecordFate =
  | { readonly kind: 'there'; readonly timestampMs: number; readonly sizeBytes: number }
  /** Of a transaction that was aborted: consumers with read_committed skip it. */
  | { readonly kind: 'aborted'; readonly timestampMs: number }
  /** Of a transaction that is still open. */
  | { readonly kind: 'open'; readonly timestampMs: number }
  /** There is nothing at this offset; `next` is the first record after it, null where none is. */
  | { readonly kind: 'nothing'; readonly next: bigint | null }
  | { readonly kind: 'deleted' }
  | { readonly kind: 'future' }
  | { readonly kind: 'unreadable'; readonly problem: Problem }

/** A copy of the record in a topic for retries or dead letters, found by the headers that name where it came from. */
export interface Letter {
  readonly kind: 'dead letter' | 'retry'
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly timestampMs: number
  /** `selfmonitor`, `spring`, `connect` */
  readonly convention: string
  readonly attempts: string | null
  readonly error: string | null
  /** The service, group or connector that put it there. */
  readonly by: string | null
}

/** One look at the group. */
export interface GroupLook {
  readonly atMs: number
  readonly state: GroupState
  /** Which member has which partition of the topic: changes with each rebalance that moves something. */
  readonly assignment: string
  /** Committed offsets of the topic, by partition. */
  readonly committed: ReadonlyMap<number, bigint>
}

export type Access =
  /** The cluster has no authorizer. */
  | { readonly kind: 'open' }
  | { readonly kind: 'unreadable'; readonly problem: Problem }
  | {
      readonly kind: 'rules'
      readonly bindings: readonly AclBinding[]
      /** `User:name`; null where it is not known as whom the members log in. */
      readonly principal: string | null
      /** The principal was named; else it was found by the names of the members and the group. */
      readonly named: boolean
      /** null where they are not known: Kafka does not give the authorizer's settings to clients. */
      readonly superUsers: readonly string[] | null
      /** allow.everyone.if.no.acl.found */
      readonly openByDefault: boolean
    }

export interface EventEvidence {
  readonly atMs: number
  /** For the options of Kafka's tools. */
  readonly bootstrap: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly groupId: string
  readonly start: bigint
  readonly end: bigint
  readonly lastStable: bigint
  readonly record: RecordFate
  readonly cleanupPolicy: string | null
  readonly retentionMs: number | null
  /** null when there is no such group. */
  readonly group: SurveyedGroup | null
  /** At least one; oldest first. */
  readonly looks: readonly GroupLook[]
  /** Why the committed offsets could not be read. */
  readonly offsetsProblem: Problem | null
  /** The transaction that holds back the last stable offset. */
  readonly transaction: OpenTransaction | null
  readonly access: Access
  readonly letters: {
    readonly found: readonly Letter[]
    readonly searched: readonly string[]
    readonly problem: Problem | null
  }
  /** What a collector has seen of the group before; null for a command that was just started. */
  readonly watched: {
    readonly movedAtMs: number | null
    readonly lastReset: { readonly atMs: number; readonly from: bigint; readonly to: bigint } | null
    readonly rebalancedAtMs: readonly number[]
  } | null
}
