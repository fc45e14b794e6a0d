// Where a group reads a partition on when the log does not hold its position. Pure.
import type { Position } from '../kafka/index.ts'

export interface Misplaced {
  /** The next offset that the group wanted to read. */
  readonly position: bigint
  /** False when the topic was deleted and created again since the position was taken. */
  readonly sameTopic: boolean
  /** The first offset of the log, and the one after its last. */
  readonly earliest: bigint
  readonly latest: bigint
  /**
   * Where the epoch in which the position was reached ends in this log (KIP-320): `never` when the log has no such epoch;
   * undefined when it is not known.
   */
  readonly epochEnd?: Position | 'never' | undefined
  /** Where a group begins that has no position (Kafka's `auto.offset.reset`). */
  readonly from: 'earliest' | 'latest'
}

export interface Move {
  readonly to: bigint
  /** Of the record before `to`; -1 when it is not known. */
  readonly leaderEpoch: number
  /** The same log, further on: what was read before still counts. */
  readonly forward: boolean
  /** For the log. */
  readonly reason: string
}

/**
 * - Another topic of the same name: the group has no position in it, and begins as `from` says.
 * - Truncated: the log has lost records that the group has read, because a leader without them took over (an unclean leader
 *   election), and may have others at their offsets. It reads on where the logs diverge, as Java's consumer does; where that
 *   cannot be told, it begins as `from` says.
 * - Below the log: retention was faster than the group. It continues with the oldest events that are left, whatever `from` says,
 *   because to go to the end would lose more.
 * - Above the log: the topic was created again while this service was not running, or the log lost its end (an unclean leader
 *   election, a disk that was restored). Which records came since cannot be told by their offsets, so the group begins as
 *   `from` says: with `earliest` events may come again, and none is lost.
 *
 * @returns null when the log holds the position after all
 */
export function whereToReadOn({ position, sameTopic, epochEnd, earliest, latest, from }: Misplaced): Move | null {
  const beginning = from === 'earliest' ? earliest : latest
  if (!sameTopic) {
    return {
      to: beginning,
      leaderEpoch: -1,
      forward: false,
      reason: `the topic was deleted and created again: this group has no position in it and begins at its ${from} offset`,
    }
  }
  if (epochEnd === 'never') {
    return {
      to: beginning,
      leaderEpoch: -1,
      forward: false,
      reason: `the log was truncated: it does not know the leader whose records this group has read; beginning at its ${from} offset`,
    }
  }
  if (epochEnd !== undefined && epochEnd.offset < position) {
    const within = epochEnd.offset >= earliest
    return {
      to: within ? epochEnd.offset : earliest,
      leaderEpoch: within ? epochEnd.leaderEpoch : -1,
      forward: false,
      reason:
        'the log was truncated: a leader without the latest records took over (unclean leader election), and records that this group had read are gone; reading on where the logs diverge',
    }
  }
  if (position < earliest) {
    return {
      to: earliest,
      leaderEpoch: -1,
      forward: true,
      reason: 'events were deleted by retention before this group read them: continuing with the oldest that are left',
    }
  }
  if (position > latest) {
    return {
      to: beginning,
      leaderEpoch: -1,
      forward: false,
      reason: `the log ends before the position of this group: its topic was created again, or it lost records; beginning at its ${from} offset`,
    }
  }
  return null
}
