// Turns places (a time, an offset, the last ten) into the offsets of each partition.

import type { Isolation, ReadRange } from '../read-types.ts'
import type { Cluster, TopicInfo } from '../types.ts'

export type ReadPlace =
  | { readonly kind: 'earliest' }
  /** The end of the log: the last stable offset with `read_committed`, else the high watermark. */
  | { readonly kind: 'latest' }
  | { readonly kind: 'offset'; readonly offset: bigint }
  /** The first record at or after this time, in milliseconds since the epoch. */
  | { readonly kind: 'time'; readonly timestampMs: number }
  /** So many offsets before the end. */
  | { readonly kind: 'last'; readonly offsets: number }

export interface ReadWindow {
  readonly from: ReadPlace
  /** Exclusive; the end of the log when it lies behind that, because such an offset might never be reached. null: follow. */
  readonly until: ReadPlace | null
  /** Default `read_uncommitted`. */
  readonly isolation?: Isolation
}

/**
 * The offsets of every partition of the window; a partition whose `next` has reached `end` has nothing to read. A partition without
 * a leader cannot be read now and is left out.
 * @throws ClusterError when the offsets cannot be read
 */
export async function readRanges(
  cluster: Pick<Cluster, 'listOffsets'>,
  topics: readonly Pick<TopicInfo, 'name' | 'partitions'>[],
  { from, until, isolation }: ReadWindow,
): Promise<ReadRange[]> {
  const partitions = topics.flatMap(({ name, partitions: all }) =>
    all.filter(({ leader }) => leader >= 0).map(({ partition }) => ({ topic: name, partition })),
  )
  const ask = async (at: 'earliest' | 'latest' | number): Promise<(bigint | null)[]> =>
    (await cluster.listOffsets(partitions, at, { isolation })).map(({ offset }) => offset)
  const [earliest, latest, fromTime, untilTime] = await Promise.all([
    ask('earliest'),
    ask('latest'),
    from.kind === 'time' ? ask(from.timestampMs) : [],
    until?.kind === 'time' ? ask(until.timestampMs) : [],
  ])
  return partitions.map((of, index) => {
    const first = earliest[index] ?? 0n
    const behind = latest[index] ?? first
    const wanted = offsetOf(from, first, behind, fromTime[index] ?? null)
    const next = wanted < first ? first : wanted
    if (until === null) return { ...of, next, end: null }
    const stop = offsetOf(until, first, behind, untilTime[index] ?? null)
    return { ...of, next, end: stop < behind ? stop : behind }
  })
}

/** @param byTime the first offset at or after the place's time; null where there is none, which is the end of the log */
function offsetOf(place: ReadPlace, first: bigint, behind: bigint, byTime: bigint | null): bigint {
  switch (place.kind) {
    case 'earliest':
      return first
    case 'latest':
      return behind
    case 'offset':
      return place.offset
    case 'time':
      return byTime ?? behind
    case 'last':
      return behind - BigInt(place.offsets)
    default:
      return place satisfies never
  }
}
