// Which records a search shows. Pure.
import type { AuditOutcome, AuditRecord } from './types.ts'

export interface AuditFilter {
  /** A principal, with or without `User:`, or a user of the operating system. */
  readonly who?: readonly string[]
  /** `topics.delete`, or all of a noun: `topics`. */
  readonly actions?: readonly string[]
  /** A name, or kind and name: `topic/orders`. */
  readonly resources?: readonly string[]
  readonly outcomes?: readonly (AuditOutcome['status'] | 'unfinished')[]
  /** Milliseconds since the epoch, of the intention. */
  readonly fromMs?: number
  /** Exclusive. */
  readonly untilMs?: number
}

/** A change: its intention and, once it is there, its outcome. */
export interface AuditedChange {
  readonly intention: AuditRecord | undefined
  readonly outcome: AuditRecord | undefined
}

/** Puts the two records of each change together, in the order of the first. Another writer's record with the same id is another change. */
export function changesOf(records: Iterable<AuditRecord>): AuditedChange[] {
  const changes = new Map<string, AuditedChange>()
  for (const record of records) {
    const { change_id, outcome, chain } = record.data
    const id = `${chain.writer} ${change_id}`
    const known = changes.get(id) ?? { intention: undefined, outcome: undefined }
    changes.set(id, outcome === null ? { ...known, intention: record } : { ...known, outcome: record })
  }
  return [...changes.values()]
}

export const statusOf = ({ outcome }: AuditedChange): AuditOutcome['status'] | 'unfinished' =>
  outcome?.data.outcome?.status ?? 'unfinished'

/** The record that says when and by whom: the intention, else the outcome. */
export const firstOf = ({ intention, outcome }: AuditedChange): AuditRecord => (intention ?? outcome)!

export function matchesFilter(change: AuditedChange, filter: AuditFilter): boolean {
  const { timestamp, data } = firstOf(change)
  const { principal, os_user: osUser } = data.who
  const names = [principal, principal.replace(/^User:/, ''), osUser]
  return (
    isAmong(filter.who, (wanted) => names.includes(wanted)) &&
    isAmong(filter.actions, (wanted) => data.action === wanted || data.action.startsWith(`${wanted}.`)) &&
    isAmong(filter.resources, (wanted) =>
      data.resources.some(({ type, name }) => name === wanted || `${type}/${name}` === wanted),
    ) &&
    isAmong(filter.outcomes, (wanted) => statusOf(change) === wanted) &&
    timestamp >= (filter.fromMs ?? Number.NEGATIVE_INFINITY) &&
    timestamp < (filter.untilMs ?? Number.POSITIVE_INFINITY)
  )
}

function isAmong<T>(wanted: readonly T[] | undefined, fits: (one: T) => boolean): boolean {
  return wanted === undefined || wanted.some(fits)
}
