import { describe, expect, it } from 'vitest'
import { markAsked, markIdle, newReading, planFetches, postpone, type Reading } from './reading.ts'

const noNodes = new Set<number>()

/** Partitions 0 to n - 1 of a topic, on the nodes that are named. */
function readingsOn(...leaders: readonly number[]): Reading[] {
  return leaders.map((leader, partition) => ({ ...newReading({ topic: 't', partition }, 'id'), leader }))
}

function plan(readings: readonly Reading[], nowMs = 0, busy: ReadonlySet<number> = noNodes, full: number[] = []) {
  const { fetches, leaderless, wakeAtMs } = planFetches(readings, nowMs, busy, ({ partition }) =>
    full.includes(partition) ? null : { offset: 7n, leaderEpoch: 0 },
  )
  const asked = [...fetches].map(([node, list]) => `${node}: ${list.map(({ reading }) => reading.partition)}`)
  return { asked, leaderless: leaderless.map(({ partition }) => partition), wakeAtMs }
}

describe('a plan of fetches', () => {
  it('asks each node for its partitions, in their order', () => {
    expect(plan(readingsOn(1, 2, 1, 2))).toEqual({ asked: ['1: 0,2', '2: 1,3'], leaderless: [], wakeAtMs: null })
  })

  it('leaves out nodes that have not answered yet, partitions without room, and those of another fetch', () => {
    const readings = readingsOn(1, 2, 2, 2)
    markAsked(readings[3]!)
    expect(plan(readings, 0, new Set([1]), [1]).asked).toEqual(['2: 2'])
    markIdle(readings[3]!)
    expect(plan(readings, 0, new Set([1]), [1]).asked).toEqual(['2: 2,3'])
  })

  it('looks for the leader of a partition that failed after a wait of its own, which grows', () => {
    const readings = readingsOn(1, 1)
    postpone(readings[0]!, 1000)
    expect(plan(readings, 1000)).toEqual({ asked: ['1: 1'], leaderless: [], wakeAtMs: 1050 })
    expect(plan(readings, 1050)).toMatchObject({ leaderless: [0], wakeAtMs: null })
    postpone(readings[0]!, 1050)
    expect(plan(readings, 1050)).toMatchObject({ leaderless: [], wakeAtMs: 1150 })
  })
})
