// Where a group reads a partition on when the log does not hold its position.

export interface Misplaced {
  /** The next offset that the group wanted to read. */
  readonly position: bigint
  /** False when the topic was deleted and created again since the position was taken. */
  readonly sameTopic: boolean
  /** The first offset of the log, and the one after its last. */
  readonly earliest: bigint
  readonly latest: bigint
  /** Where a group begins that has no position (Kafka's `auto.offset.reset`). */
  readonly from: 'earliest' | 'latest'
}

export interface Move {
  readonly to: bigint
  /** The same log, further on: what was read before still counts. */
  readonly forward: boolean
  /** For the log. */
  readonly reason: string
}

/**
 * - Another topic of the same name: the group has no position in it, and begins as `from` says.
 * - Below the log: retention was faster than the group. It goes on with the oldest events that are left, whatever `from` says,
 *   because to go to the end would lose more.
 * - Above the log: the topic was created again while this service was not running, or the log lost its end (an unclean leader
 *   election, a disk that was restored). Which records came since cannot be told by their offsets, so the group begins as
 *   `from` says: with `earliest` events may come again, and none is lost.
 *
 * @returns null when the log holds the position after all
 */
export function whereToReadOn({ position, sameTopic, earliest, latest, from }: Misplaced): Move | null {
  const beginning = from === 'earliest' ? earliest : latest
  if (!sameTopic) {
    return {
      to: beginning,
      forward: false,
      reason: `the topic was deleted and created again: this group has no position in it and begins at its ${from} offset`,
    }
  }
  if (position < earliest) {
    return {
      to: earliest,
      forward: true,
      reason: 'events were deleted by retention before this group read them: going on with the oldest that are left',
    }
  }
  if (position > latest) {
    return {
      to: beginning,
      forward: false,
      reason: `the log ends before the position of this group: its topic was created again, or it lost records; beginning at its ${from} offset`,
    }
  }
  return null
}
