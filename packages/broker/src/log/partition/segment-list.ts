// The only code that changes which segments a log has. Each change needs the turn of the log's queue, so that two changes cannot
// interleave, and keeps two invariants: base offsets ascend, and there is at least one segment.
import type { Segment } from '../segment/segment.ts'
import type { LogState } from './state.ts'
import type { Turn } from './write-queue.ts'

/** Makes `segment` the active one. */
export function addSegment(state: LogState, turn: Turn, segment: Segment): void {
  const segments = begin(state, turn, 'adding a segment')
  const last = segments.at(-1)
  if (last !== undefined && last.baseOffset >= segment.baseOffset) {
    throw new Error(`segment ${segment.baseOffset} of ${state.dir} does not follow ${last.baseOffset}`)
  }
  segments.push(segment)
}

/** Puts `segment` in the place of all others. @returns those */
export function startOver(state: LogState, turn: Turn, segment: Segment): readonly Segment[] {
  return begin(state, turn, 'replacing the segments').splice(0, state.segments.length, segment)
}

/** Takes out the oldest segment, which must not be the only one. */
export function removeOldestSegment(state: LogState, turn: Turn): void {
  const segments = begin(state, turn, 'removing the oldest segment')
  if (segments.length < 2) throw new Error(`${state.dir} would be left without a segment`)
  segments.shift()
}

/** Takes out every segment after number `at`. @returns those */
export function removeSegmentsAfter(state: LogState, turn: Turn, at: number): readonly Segment[] {
  return begin(state, turn, 'removing the newest segments').splice(at + 1)
}

function begin(state: LogState, turn: Turn, what: string): Segment[] {
  turn.check(what)
  return state.segments as Segment[]
}
