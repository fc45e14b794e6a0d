// A partition during a backup: what is known before it is read, what was read, and what the manifest says of it in the end.

import { type Collected, collect } from '../format/segments.ts'
import type { BackedUpPartition, BackedUpTopic, ClusterState, Gap, Manifest, Segment } from '../format/types.ts'

export type Problem = ClusterState['problems'][number]

/** Why the backup of a partition ends before the end that was read for it. */
export type Ending =
  /** The topic was deleted, or created again, while it was read: nothing comes behind this offset. */
  | { readonly kind: 'deleted'; readonly at: bigint }
  /** It could not be read on: the next backup continues where this one got to. */
  | { readonly kind: 'failed'; readonly problem: Problem }
  /** Its log is another one than the backup has: nothing that this run read of it is kept. */
  | { readonly kind: 'cut'; readonly problem: Problem; readonly at: bigint }

export interface Reading {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
  /** What the last backup has of it; null when it has nothing. */
  readonly known: BackedUpPartition | null
  readonly start: bigint
  readonly from: bigint
  readonly end: bigint
  /** The high watermark when the end was read: behind the end may be transactions that are open or not visible yet. */
  readonly high: bigint
  /** Of the leader that wrote what lies before `collected.next`; -1 while it is not known. */
  leaderEpoch: number
  readonly gaps: Gap[]
  readonly segments: Segment[]
  /** How many segments were begun, those that are still being written too. */
  begun: number
  collected: Collected
  ending: Ending | null
}

export interface Place {
  readonly topic: string
  readonly topicId: string
  readonly partition: number
}

/** @param bounds where its log begins, its last stable offset and its high watermark */
export function startReading(
  place: Place,
  known: BackedUpPartition | null,
  bounds: { readonly first: bigint; readonly end: bigint; readonly high: bigint },
): Reading {
  const { first, end, high } = bounds
  const from = known === null || first > known.end ? first : known.end
  const gaps = [...(known?.gaps ?? [])]
  if (known !== null && first > known.end) gaps.push({ from: known.end, to: first })
  const { topic, topicId, partition } = place
  return {
    ...{ topic, topicId, partition, known, start: known?.start ?? first, from, end, high, gaps },
    leaderEpoch: known !== null && known.end === from ? known.leaderEpoch : -1,
    ...{ segments: [], begun: 0, collected: collect(from), ending: null },
  }
}

/** A partition of which this run read nothing, as the last backup has it. */
export interface KeptPartition extends Place {
  readonly known: BackedUpPartition | null
  readonly problem: Problem
  /** Its log was cut there. */
  readonly cutAt: bigint | null
}

/** As the last backup has it, with the time of the last backup that read it to its end. */
export function asBefore(partition: BackedUpPartition, previous: Pick<Manifest, 'cutAtMs'>): BackedUpPartition {
  return { ...partition, asOfMs: partition.asOfMs === undefined ? previous.cutAtMs : partition.asOfMs }
}

/** The topics of the manifest, their partitions in order. */
export function backedUpTopics(
  readings: readonly Reading[],
  kept: readonly KeptPartition[],
  previous: Manifest | null,
): BackedUpTopic[] {
  const old = ({ known, partition }: Pick<KeptPartition, 'known' | 'partition'>): BackedUpPartition =>
    known === null ? unread(partition) : asBefore(known, previous!)
  const parts = [
    ...readings.map((reading) => ({
      ...reading,
      now: reading.ending?.kind === 'cut' ? old(reading) : backedUp(reading, previous),
    })),
    ...kept.map((one) => ({ ...one, now: old(one) })),
  ]
  return [...Map.groupBy(parts, ({ topicId }) => topicId).values()].map((all) => ({
    name: all[0]!.topic,
    id: all[0]!.topicId,
    partitions: all.map(({ now }) => now).sort((a, b) => a.partition - b.partition),
  }))
}

/** A partition that no backup has read: the manifest names it, so that its topic does not count as covered. */
function unread(partition: number): BackedUpPartition {
  return { partition, start: 0n, end: 0n, records: 0n, gaps: [], leaderEpoch: -1, asOfMs: null }
}

/** @returns null where no backup has read anything of it */
export function knownOf(partition: BackedUpPartition | undefined): BackedUpPartition | null {
  if (partition === undefined) return null
  const { asOfMs, start, end, gaps } = partition
  return asOfMs === null && start === end && gaps.length === 0 ? null : partition
}

function backedUp(reading: Reading, previous: Manifest | null): BackedUpPartition {
  const { partition, start, from, end, ending, gaps, known, segments, leaderEpoch, collected } = reading
  const records = segments.reduce((sum, segment) => sum + BigInt(segment.records), known?.records ?? 0n)
  const common = { partition, start, records, gaps }
  if (ending?.kind === 'deleted') return { ...common, end: ending.at, leaderEpoch: -1 }
  if (ending?.kind === 'failed') {
    const asOfMs = known === null ? null : asBefore(known, previous!).asOfMs
    // What retention took before the next batch came is known already: noted again by the next run, it would be there twice.
    const end = gaps.reduce((next, gap) => (gap.from === next ? gap.to : next), collected.next)
    return { ...common, end, leaderEpoch, asOfMs }
  }
  return { ...common, end: from > end ? from : end, leaderEpoch }
}

/** What this run could not read, for the backup and for people. */
export function problemsOf(readings: readonly Reading[], kept: readonly KeptPartition[]): Problem[] {
  const failed = readings.flatMap(({ ending }) =>
    ending === null || ending.kind === 'deleted' ? [] : [ending.problem],
  )
  return [...kept.map(({ problem }) => problem), ...failed]
}

/** By topic id and partition, where logs were cut. */
export function cutsOf(readings: readonly Reading[], kept: readonly KeptPartition[]): Map<string, bigint> {
  const ends = [
    ...kept.map(({ cutAt, ...place }) => ({ ...place, cutAt })),
    ...readings.map(({ ending, ...place }) => ({ ...place, cutAt: ending?.kind === 'cut' ? ending.at : null })),
  ]
  return new Map(
    ends.flatMap(({ topicId, partition, cutAt }) => (cutAt === null ? [] : [[`${partition}:${topicId}`, cutAt]])),
  )
}

/** The code of a partition that a run had no time to read to its end. */
export const stoppedCode = 'STOPPED'

/** The next run continues where this one got to. */
export function stoppedAt(reading: Reading): Ending {
  const { end, collected } = reading
  const text = `the run was stopped at offset ${collected.next} of ${end}; the next run continues there`
  return { kind: 'failed', problem: problemOf(reading, stoppedCode, text) }
}

/** A stopped partition may have other parts of the transactions that the backup has, in what was not read. */
export function mayHalveTransactions(ending: Extract<Ending, { readonly kind: 'failed' }>): Ending {
  const { problem } = ending
  const text = 'whether transactions go on there is not known, so half of one may be restored'
  return { ...ending, problem: { ...problem, message: `${problem.message}; ${text}` } }
}

export function isStopped(ending: Ending): boolean {
  return ending.kind === 'failed' && ending.problem.code === stoppedCode
}

export function problemOf({ topic, partition }: Place, code: string, message: string): Problem {
  return { part: `topic ${topic} partition ${partition}`, code, message }
}

export function logCut(place: Place, had: bigint, end: bigint): Problem {
  const text = `the log ends, or has another history, at offset ${end}, and the backup has it up to ${had}: it was cut, as by an unclean leader election. The backup keeps what it has; to back up the log as it is now, continue in an empty place`
  return problemOf(place, 'LOG_CUT', text)
}
