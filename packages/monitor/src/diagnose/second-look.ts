// Whether one snapshot says enough, or whether a while of watching would say more. Pure.
import type { Snapshot } from '../snapshot/types.ts'
import { factsOf, hasUnread } from './facts.ts'
import type { Diagnosis } from './types.ts'
import { counted, is } from './words.ts'

/**
 * Whether to watch for a few seconds more: only that shows whether a group makes progress, and whether it keeps rebalancing.
 * @returns why to watch, as a clause without a full stop; null where a second look says nothing more
 */
export function secondLook(snapshot: Snapshot, { verdicts }: Diagnosis): string | null {
  if (verdicts.some(({ code }) => code === 'CLUSTER_UNREACHABLE')) return null
  const { groups, offsets } = factsOf(snapshot, snapshot.finishedAtMs)
  const hasMessages = (topic: string, partition: number): boolean => {
    const { start = null, end = null } = offsets(topic, partition) ?? {}
    return start !== null && end !== null && end > start
  }
  const lagging = groups.filter(
    ({ members, partitions }) =>
      members.length > 0 &&
      partitions.some((one) => hasUnread(one) || (one.committed === null && hasMessages(one.topic, one.partition))),
  )
  const unsettled = groups.filter(({ state }) => state !== 'Stable' && state !== 'Empty' && state !== 'Dead')
  if (lagging.length > 0) {
    return `${counted(lagging.length, 'group')} with members ${lagging.length === 1 ? 'has' : 'have'} unread messages`
  }
  return unsettled.length > 0 ? `${counted(unsettled.length, 'group')} ${is(unsettled.length)} rebalancing` : null
}
