// The service in simulated time: sleeping moves the clock, and a run takes as long as the test says.
import type { Manifest } from '@selfmonitor/backup'
import { parseSchedule, type Schedule } from '@selfmonitor/platform/schedule'
import { describe, expect, it } from 'vitest'
import { serveBackups } from './service.ts'

const minute = 60_000
const iso = (ms: number) => new Date(ms).toISOString().slice(0, 16)

interface World {
  /** Schedules by topic. */
  readonly topics: Record<string, string>
  readonly from: string
  readonly until: string
  readonly tookMs?: number
  /** By number of the run, from 1. */
  readonly fails?: (run: number) => boolean
  /** Topics that no run can read. */
  readonly unreadable?: readonly string[]
  readonly before?: Record<string, string>
}

async function simulate({ topics, from, until, tookMs = 0, fails, unreadable = [], before = {} }: World) {
  const stop = new AbortController()
  let clock = Date.parse(from)
  const readAt = new Map(Object.entries(before).map(([name, time]) => [name, Date.parse(time)]))
  const runs: string[] = []
  const waits: string[] = []
  const failures: string[] = []
  const pass = (ms: number) => {
    clock += ms
    if (clock >= Date.parse(until)) stop.abort()
  }
  const code = await serveBackups({
    planOf: (name) => parseSchedule(topics[name]!) as Schedule,
    signal: stop.signal,
    now: () => clock,
    sleep: async (ms) => pass(ms),
    async look() {
      const backedUp = [...readAt].map(([name, asOfMs]) => ({ name, id: name, partitions: [{ asOfMs }] }))
      return {
        topics: Object.keys(topics).map((name) => ({ name, id: name })),
        manifest: { number: 1, cutAtMs: clock, topics: backedUp } as unknown as Manifest,
      }
    },
    async run({ now }) {
      runs.push(`${iso(clock)} ${now.join(' ')}`)
      const cut = clock
      if (fails?.(runs.length) === true) throw new Error(`run ${runs.length}`)
      pass(tookMs)
      if (stop.signal.aborted) throw new Error('aborted')
      for (const name of now) if (!unreadable.includes(name)) readAt.set(name, cut)
      return 0
    },
    onWait: (next) => waits.push(iso(next!.atMs)),
    onFailure: (error, retryInMs) => failures.push(`${(error as Error).message}, ${retryInMs / 1_000} s`),
  })
  return { code, runs, waits, failures }
}

describe('the service', () => {
  it('backs up critical topics more often, and says once when the next run is', async () => {
    const { runs, waits } = await simulate({
      topics: { payments: '5m', orders: '10m' },
      from: '2027-01-10T12:00Z',
      until: '2027-01-10T12:16Z',
    })
    expect(runs).toEqual([
      '2027-01-10T12:00 payments orders',
      '2027-01-10T12:05 payments',
      '2027-01-10T12:10 payments orders',
      '2027-01-10T12:15 payments',
    ])
    expect(waits).toEqual(['2027-01-10T12:05', '2027-01-10T12:10', '2027-01-10T12:15', '2027-01-10T12:20'])
  })

  it('goes on after a restart as if it had not been away, and makes up for all missed runs with one', async () => {
    const before = { a: '2027-01-10T11:58Z', b: '2027-01-09T02:00Z' }
    const { runs } = await simulate({
      topics: { a: '5m', b: '0 2 * * *' },
      before,
      from: '2027-01-10T12:00Z',
      until: '2027-01-10T12:04Z',
    })
    expect(runs).toEqual(['2027-01-10T12:00 b', '2027-01-10T12:03 a'])
  })

  it('never runs twice at a time: after a run that was longer than the interval comes one', async () => {
    const { runs } = await simulate({
      topics: { a: '5m' },
      tookMs: 12 * minute,
      from: '2027-01-10T12:00Z',
      until: '2027-01-10T12:36Z',
    })
    expect(runs).toEqual(['2027-01-10T12:00 a', '2027-01-10T12:12 a', '2027-01-10T12:24 a'])
  })

  it('tries a failed run again soon, and ever less often', async () => {
    const { code, runs, failures } = await simulate({
      topics: { a: '0 2 * * *' },
      before: { a: '2027-01-09T02:00Z' },
      fails: (run) => run < 4,
      from: '2027-01-10T02:00Z',
      until: '2027-01-10T12:00Z',
    })
    expect(failures).toEqual(['run 1, 5 s', 'run 2, 10 s', 'run 3, 20 s'])
    expect(runs).toHaveLength(4)
    expect(code).toBe(0)
  })

  it('does not run again and again for a topic that cannot be read', async () => {
    const { runs } = await simulate({
      topics: { a: '5m', tiered: '5m' },
      unreadable: ['tiered'],
      from: '2027-01-10T12:00Z',
      until: '2027-01-10T12:06Z',
    })
    expect(runs).toEqual(['2027-01-10T12:00 a tiered', '2027-01-10T12:05 a tiered'])
  })

  it('keeps the hour of the wall through both changes of the clock', async () => {
    const nights = (from: string, until: string) =>
      simulate({ topics: { a: '30 2 * * * Europe/Berlin' }, before: { a: from }, from, until })
    expect((await nights('2027-03-26T12:00Z', '2027-03-29T12:00Z')).runs).toEqual([
      '2027-03-27T01:30 a',
      '2027-03-28T01:00 a',
      '2027-03-29T00:30 a',
    ])
    expect((await nights('2027-10-29T12:00Z', '2027-11-01T12:00Z')).runs).toEqual([
      '2027-10-30T00:30 a',
      '2027-10-31T00:30 a',
      '2027-11-01T01:30 a',
    ])
  })

  it('does not count a run that was stopped as one that failed', async () => {
    const stop = new AbortController()
    const code = await serveBackups({
      planOf: () => parseSchedule('5m') as Schedule,
      signal: stop.signal,
      look: async () => ({ topics: [{ name: 'a', id: 'a' }], manifest: null }),
      run: async () => {
        stop.abort()
        return 1
      },
      onWait: () => {},
      onFailure: () => {},
    })
    expect(code).toBe(0)
  })

  it('ends a run that is under way when it is stopped, and reports no failure', async () => {
    const { code, runs, failures } = await simulate({
      topics: { a: '5m' },
      tookMs: 60 * minute,
      from: '2027-01-10T12:00Z',
      until: '2027-01-10T12:30Z',
    })
    expect({ code, runs: runs.length, failures }).toEqual({ code: 0, runs: 1, failures: [] })
  })
})
