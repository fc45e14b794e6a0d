// The state of each partition that is read, and which partitions a fetch asks for. Pure: the time and the positions
// are arguments, and nothing is sent from here.
import { backoffMs } from '@selfmonitor/cluster/backoff'
import type { Position, TopicPartition } from './topic-partition.ts'

export type ReadingState =
  /** May be asked for, as soon as it has a leader and room. */
  | { readonly kind: 'idle' }
  /** Part of a fetch that is under way. */
  | { readonly kind: 'asked' }
  /** Could not be read: not asked for before this time, milliseconds since the epoch. */
  | { readonly kind: 'waiting'; readonly untilMs: number }
  /** Removed: a later answer is ignored. */
  | { readonly kind: 'removed' }

/** A partition that is read, from `add` to `remove`. */
export interface Reading extends TopicPartition {
  readonly topicId: string
  /** The node to ask; -1 while it is not known. */
  leader: number
  /** Of that leader, as Metadata says; -1 while it is not known. */
  leaderEpoch: number
  state: ReadingState
  /** How often it could not be read since it was last. */
  failures: number
}

/** A partition in a fetch, and the position asked for. */
export interface Wanted {
  readonly reading: Reading
  readonly from: Position
}

/** The fetcher's next steps. */
export interface Plan {
  /** The partitions to ask each node for, in this order. */
  readonly fetches: ReadonlyMap<number, readonly Wanted[]>
  /** Partitions whose leader must be looked up. */
  readonly leaderless: readonly Reading[]
  /** When to plan again, because a partition has waited long enough; null when none waits. */
  readonly wakeAtMs: number | null
}

const idle: ReadingState = { kind: 'idle' }
const asked: ReadingState = { kind: 'asked' }
const removed: ReadingState = { kind: 'removed' }

export function newReading({ topic, partition }: TopicPartition, topicId: string): Reading {
  return { topic, partition, topicId, leader: -1, leaderEpoch: -1, state: idle, failures: 0 }
}

/**
 * Each partition that failed waits for a time of its own: one that cannot be read does not slow the others down.
 *
 * @param readings in the order in which to ask for them
 * @param busyNodes nodes that have not answered the latest fetch yet
 * @param position where to continue; null while there is no room for more
 */
export function planFetches(
  readings: Iterable<Reading>,
  nowMs: number,
  busyNodes: ReadonlySet<number>,
  position: (reading: Reading) => Position | null,
): Plan {
  const perNode = new Map<number, Wanted[]>()
  const leaderless: Reading[] = []
  let wakeAtMs = Number.POSITIVE_INFINITY
  for (const reading of readings) {
    const { state, leader } = reading
    if (state.kind === 'asked' || state.kind === 'removed') continue
    if (state.kind === 'waiting' && state.untilMs > nowMs) {
      wakeAtMs = Math.min(wakeAtMs, state.untilMs)
    } else if (leader < 0) {
      leaderless.push(reading)
    } else if (!busyNodes.has(leader)) {
      const from = position(reading)
      if (from === null) continue
      const list = perNode.get(leader)
      if (list === undefined) perNode.set(leader, [{ reading, from }])
      else list.push({ reading, from })
    }
  }
  return { fetches: perNode, leaderless, wakeAtMs: wakeAtMs === Number.POSITIVE_INFINITY ? null : wakeAtMs }
}

export function markAsked(reading: Reading): void {
  reading.state = asked
}

/** The broker has answered for it, with records or without. */
export function markRead(reading: Reading): void {
  reading.failures = 0
}

/** The fetch is over; it may be asked for again. */
export function markIdle(reading: Reading): void {
  if (reading.state.kind === 'asked') reading.state = idle
}

/** It could not be read: its leader is looked up, after a wait that grows with each failure. */
export function postpone(reading: Reading, nowMs: number): void {
  if (reading.state.kind === 'removed') return
  reading.leader = -1
  reading.failures++
  reading.state = { kind: 'waiting', untilMs: nowMs + backoffMs(reading.failures) }
}

export function markRemoved(reading: Reading): void {
  reading.state = removed
}

export const isRemoved = ({ state }: Reading): boolean => state.kind === 'removed'
