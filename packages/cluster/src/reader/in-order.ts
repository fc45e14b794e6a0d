// Merging partitions by time. Pure: which records may be given out now, so that none of another partition should have come first.
import type { ReadPosition, ReadRecord } from '../read-types.ts'

/** Records of one partition that wait for those of the others, at least one. */
export interface Waiting {
  readonly records: readonly ReadRecord[]
  /** How many of the records are given out already. */
  readonly taken: number
  /** Behind the last of them, and where the partition ends. */
  readonly position: ReadPosition
  /**
   * The place of each record among those of other partitions: timestamps may go back within a partition and offsets never, so
   * it is the latest time so far.
   */
  readonly order: readonly number[]
  /** Whether later records of the partition are known to be there, or may be. */
  readonly hasMore: boolean
}

/** @param after the order of the partition's last record before these; -Infinity at its beginning */
export function waiting(
  records: readonly ReadRecord[],
  position: ReadPosition,
  after: number,
  hasMore: boolean,
): Waiting {
  let latest = after
  const order = records.map(({ timestampMs }) => {
    latest = Math.max(latest, timestampMs)
    return latest
  })
  return { records, taken: 0, position, order, hasMore }
}

export interface Taken {
  readonly records: readonly ReadRecord[]
  readonly positions: readonly ReadPosition[]
  /** The partitions that have records left, by their keys. */
  readonly left: ReadonlyMap<string, Waiting>
}

/**
 * Takes everything up to the time that the first partition reaches which has more to come. That partition is emptied by it, so
 * that there is always progress. Partitions that are caught up hold nothing up.
 */
export function takeInOrder(all: ReadonlyMap<string, Waiting>): Taken {
  const reach = Math.min(...[...all.values()].filter(({ hasMore }) => hasMore).map(({ order }) => order.at(-1)!))
  const found: { readonly record: ReadRecord; readonly order: number }[] = []
  const positions: ReadPosition[] = []
  const left = new Map<string, Waiting>()
  for (const [key, one] of all) {
    let { taken } = one
    while (taken < one.records.length && one.order[taken]! <= reach) {
      found.push({ record: one.records[taken]!, order: one.order[taken]! })
      taken++
    }
    const isEmpty = taken === one.records.length
    if (isEmpty) positions.push(one.position)
    else if (taken > one.taken) positions.push({ ...one.position, next: one.records[taken - 1]!.offset + 1n })
    if (!isEmpty) left.set(key, { ...one, taken })
  }
  // The sort is stable: records of one time keep the order of their offsets.
  const records = found.sort((a, b) => a.order - b.order).map(({ record }) => record)
  return { records, positions, left }
}
