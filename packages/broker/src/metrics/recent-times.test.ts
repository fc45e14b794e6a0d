import { describe, expect, it } from 'vitest'
import { RecentTimes } from './recent-times.ts'

describe('recent times', () => {
  it('give quantiles within 3 %', () => {
    const times = new RecentTimes()
    for (let ms = 1; ms <= 1000; ms++) times.record(ms, 0)
    const [half, most] = times.quantiles([0.5, 0.99], 0)
    expect(Math.abs(half! - 500)).toBeLessThan(15)
    expect(Math.abs(most! - 990)).toBeLessThan(30)
  })

  it('are 0 when there are none', () => {
    expect(new RecentTimes().quantiles([0.5, 0.999], 0)).toEqual([0, 0])
  })

  it('forget what is older than five minutes', () => {
    const times = new RecentTimes()
    times.record(1000, 0)
    times.record(10, 4 * 60_000)
    expect(times.quantiles([0.99], 4 * 60_000)[0]).toBeGreaterThan(900)
    expect(times.quantiles([0.99], 5 * 60_000)[0]).toBeLessThan(11)
    // The slice is used again.
    times.record(20, 10 * 60_000)
    expect(times.quantiles([0.01, 1], 10 * 60_000).map(Math.round)).toEqual([20, 20])
  })

  it('take what is below and above their range', () => {
    const times = new RecentTimes()
    times.record(0, 0)
    times.record(1e9, 0)
    const [low, high] = times.quantiles([0.5, 1], 0)
    expect(low).toBe(0.005)
    expect(high).toBeGreaterThan(580_000)
  })
})
