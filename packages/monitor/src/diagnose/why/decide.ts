// From the evidence to the reasons, in the order of `reasonCodes`. Pure.
import {
  denied,
  flapping,
  noMembers,
  notSubscribed,
  rebalancing,
  skipped,
  startedAtLatest,
  unassigned,
} from './group-rules.ts'
import { consumed, deadLettered, inRetry, notThereYet, notYet, poison, stuck, waits } from './progress-rules.ts'
import { aborted, compacted, deleted, invisible, noRecord } from './record-rules.ts'
import type { EventEvidence, Reason } from './types.ts'
import { type Rule, viewOf } from './view.ts'

/**
 * Why a group has not received a record.
 * @returns at least one reason. The first is the answer; further ones are true as well: a record that retention has deleted, for a
 *   group without members
 */
export function diagnoseEvent(given: EventEvidence): readonly Reason[] {
  if (given.record.kind === 'future') return [notThereYet(given)]
  const view = viewOf(given)
  const found = rules.flatMap((rule) => rule(view) ?? [])
  return found.length > 0 ? found : [notYet(view)]
}

/** In the order of `reasonCodes`. */
const rules: readonly Rule[] = [
  deleted,
  compacted,
  noRecord,
  invisible,
  aborted,
  notSubscribed,
  noMembers,
  unassigned,
  rebalancing,
  flapping,
  denied,
  startedAtLatest,
  skipped,
  stuck,
  poison,
  inRetry,
  deadLettered,
  waits,
  consumed,
]
