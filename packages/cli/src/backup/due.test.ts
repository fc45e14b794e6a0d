import { parseSchedule, type Schedule } from '@selfmonitor/platform/schedule'
import { describe, expect, it } from 'vitest'
import { type DueInput, dueTopics, type Plan } from './due.ts'

const minute = 60_000
const now = Date.parse('2027-01-10T12:00:00Z')
const at = (text: string) => parseSchedule(text) as Schedule

/** `plans`: by topic; `readAt`: how many minutes ago the newest backup read it. */
function due(plans: Record<string, Plan>, readAt: Record<string, number> = {}, more: Partial<DueInput> = {}) {
  return dueTopics({
    topics: Object.keys(plans).map((name) => ({ name, id: `id-${name}` })),
    manifest: {
      cutAtMs: now + 600 * minute,
      topics: Object.entries(readAt).map(([name, ago]) => ({
        name,
        id: `id-${name}`,
        partitions: [
          { partition: 0, start: 0n, end: 1n, records: 1n, gaps: [], leaderEpoch: 0, asOfMs: now - ago * minute },
        ],
      })),
    },
    planOf: (name) => plans[name] ?? null,
    tried: new Map(),
    nowMs: now,
    ...more,
  })
}

describe('topics that are due', () => {
  it('are those whose own schedule says so, critical ones more often', () => {
    const plans = { payments: at('5m'), orders: at('1h'), archive: at('0 2 * * *') }
    expect(due(plans, { payments: 5, orders: 59, archive: 9 * 60 })).toEqual({
      now: ['payments'],
      next: { atMs: now + minute, topics: ['orders'] },
    })
    expect(due(plans, { payments: 1, orders: 1, archive: 11 * 60 })).toEqual({
      now: ['archive'],
      next: { atMs: now + 4 * minute, topics: ['payments'] },
    })
  })

  it('are all that are in no backup, and those that were created again', () => {
    expect(due({ a: at('1h'), b: 'with-others' }).now).toEqual(['a', 'b'])
    expect(due({ a: at('1h') }, { a: 1 }, { topics: [{ name: 'a', id: 'another' }] }).now).toEqual(['a'])
  })

  it('take those without a schedule along', () => {
    const plans: Record<string, Plan> = { a: at('1h'), b: 'with-others', c: null }
    expect(due(plans, { a: 60, b: 1 }).now).toEqual(['a', 'b'])
    expect(due(plans, { a: 59, b: 600 }).now).toEqual([])
    expect(due({ b: 'with-others' }, { b: 600 })).toEqual({ now: [], next: null })
  })

  it('are due once for all runs that were missed', () => {
    expect(due({ a: at('5m') }, { a: 600 }).now).toEqual(['a'])
    expect(due({ a: at('5m') }, { a: 0 }).now).toEqual([])
  })

  it('are not tried again before they are due, where a run could not read them', () => {
    const tried = new Map([['id-a', now - minute]])
    expect(due({ a: at('5m') }, {}, { tried })).toEqual({ now: [], next: { atMs: now + 4 * minute, topics: ['a'] } })
  })

  it('do not wait for a clock that was put back', () => {
    expect(due({ a: at('5m') }, { a: -120 }).now).toEqual(['a'])
    // Two machines’ clocks differ a little.
    expect(due({ a: at('5m') }, { a: -0.5 }).now).toEqual([])
  })

  it('are due a little earlier for a job that starts every five minutes or so', () => {
    expect(due({ a: at('5m') }, { a: 4.6 }).now).toEqual([])
    expect(due({ a: at('5m') }, { a: 4.6 }, { tolerance: 0.1 }).now).toEqual(['a'])
    expect(due({ a: at('5m') }, { a: 4.4 }, { tolerance: 0.1 }).now).toEqual([])
  })
})
