// What the end-to-end probe has seen: a value, and the steps that change it. Time is passed in.
import { probeBuckets } from '../metrics/table.ts'
import type { Distribution, Probe, Problem } from '../snapshot/types.ts'

interface Sent {
  readonly sentAtMs: number
  readonly acknowledged: boolean
}

export interface ProbeState {
  readonly totals: Probe
  /** Messages that have not come back, by their key. */
  readonly pending: ReadonlyMap<string, Sent>
}

const none: Distribution = { counts: Array(probeBuckets.length + 1).fill(0), sum: 0 }

export function firstProbeState(topic: string): ProbeState {
  const counts = { produced: 0, produceFailures: 0, consumed: 0, lost: 0, commits: 0, commitFailures: 0 }
  const latencies = { produceLatency: none, commitLatency: none, roundTrip: none }
  return { totals: { topic, ...counts, ...latencies, lastProblem: null }, pending: new Map() }
}

/** Counts a duration in the first bucket whose bound is not below it; the last one has no bound. */
export function observe({ counts, sum }: Distribution, ms: number): Distribution {
  const seconds = ms / 1_000
  const found = probeBuckets.findIndex((bound) => seconds <= bound)
  return { counts: counts.with(found < 0 ? -1 : found, counts.at(found < 0 ? -1 : found)! + 1), sum: sum + seconds }
}

function withPending(state: ProbeState, change: (pending: Map<string, Sent>) => void): ProbeState {
  const pending = new Map(state.pending)
  change(pending)
  return { ...state, pending }
}

export function sent(state: ProbeState, key: string, atMs: number): ProbeState {
  return withPending(state, (pending) => pending.set(key, { sentAtMs: atMs, acknowledged: false }))
}

/** It may have come back before. */
export function acknowledged({ totals, pending }: ProbeState, key: string, tookMs: number): ProbeState {
  const next = { ...totals, produced: totals.produced + 1, produceLatency: observe(totals.produceLatency, tookMs) }
  const message = pending.get(key)
  if (message === undefined) return { totals: next, pending }
  return withPending({ totals: next, pending }, (all) => all.set(key, { ...message, acknowledged: true }))
}

/** A message that was not acknowledged is not waited for: it is not lost. */
export function notProduced({ totals, pending }: ProbeState, key: string, lastProblem: Problem): ProbeState {
  const next = { ...totals, produceFailures: totals.produceFailures + 1, lastProblem }
  return withPending({ totals: next, pending }, (all) => all.delete(key))
}

/** One that is not waited for (another exporter's, or one that was given up) does not count. */
export function arrived({ totals, pending }: ProbeState, key: string, atMs: number): ProbeState {
  const message = pending.get(key)
  if (message === undefined) return { totals, pending }
  const roundTrip = observe(totals.roundTrip, atMs - message.sentAtMs)
  return withPending({ totals: { ...totals, consumed: totals.consumed + 1, roundTrip }, pending }, (all) =>
    all.delete(key),
  )
}

/** Gives up what was acknowledged and has not come back in time. */
export function expired({ totals, pending }: ProbeState, atMs: number, timeoutMs: number): ProbeState {
  const late = [...pending].filter(([, message]) => message.acknowledged && atMs - message.sentAtMs > timeoutMs)
  if (late.length === 0) return { totals, pending }
  return withPending({ totals: { ...totals, lost: totals.lost + late.length }, pending }, (all) => {
    for (const [key] of late) all.delete(key)
  })
}

export function committed(state: ProbeState, tookMs: number): ProbeState {
  const { totals } = state
  return {
    ...state,
    totals: { ...totals, commits: totals.commits + 1, commitLatency: observe(totals.commitLatency, tookMs) },
  }
}

export function notCommitted(state: ProbeState, lastProblem: Problem): ProbeState {
  const { totals } = state
  return { ...state, totals: { ...totals, commitFailures: totals.commitFailures + 1, lastProblem } }
}
