import { describe, expect, it } from 'vitest'
import {
  acknowledged,
  arrived,
  committed,
  expired,
  firstProbeState,
  notCommitted,
  notProduced,
  type ProbeState,
  sent,
} from './state.ts'

const problem = { code: 'TIMEOUT', message: 'no answer' }
const counts = ({
  totals: { produced, produceFailures, consumed, lost, commits, commitFailures },
  pending,
}: ProbeState) =>
  `produced ${produced} failed ${produceFailures} consumed ${consumed} lost ${lost} commits ${commits}/${commitFailures} pending ${pending.size}`

describe('the probe', () => {
  it('counts a message that is acknowledged and comes back, in either order', () => {
    let state = firstProbeState('probe')
    state = arrived(acknowledged(sent(state, 'a', 0), 'a', 4), 'a', 30)
    state = acknowledged(arrived(sent(state, 'b', 100), 'b', 120), 'b', 25)
    expect(counts(state)).toBe('produced 2 failed 0 consumed 2 lost 0 commits 0/0 pending 0')
    expect(state.totals.produceLatency).toMatchObject({ sum: 0.029 })
    expect(state.totals.produceLatency.counts.slice(0, 3)).toEqual([1, 0, 1])
    expect(state.totals.roundTrip.counts.slice(0, 4)).toEqual([0, 0, 1, 1])
  })

  it('loses what was acknowledged and does not come back in time, once, and not what was never acknowledged', () => {
    let state = acknowledged(sent(firstProbeState('probe'), 'a', 0), 'a', 4)
    state = sent(state, 'b', 0)
    expect(counts(expired(state, 10_000, 10_000))).toContain('lost 0 commits 0/0 pending 2')
    state = expired(state, 10_001, 10_000)
    expect(counts(state)).toBe('produced 1 failed 0 consumed 0 lost 1 commits 0/0 pending 1')
    state = notProduced(arrived(expired(state, 20_000, 10_000), 'a', 20_000), 'b', problem)
    expect(counts(state)).toBe('produced 1 failed 1 consumed 0 lost 1 commits 0/0 pending 0')
    expect(state.totals.lastProblem).toEqual(problem)
  })

  it('puts what is slower than every bound into the last bucket', () => {
    const { commitLatency } = committed(notCommitted(firstProbeState('probe'), problem), 60_000).totals
    expect(commitLatency.counts.at(-1)).toBe(1)
  })
})
