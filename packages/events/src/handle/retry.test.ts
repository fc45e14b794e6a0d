import { describe, expect, it } from 'vitest'
import { retryDelayMs } from './retry.ts'

const policy = { attempts: 5, initialDelayMs: 100, maxDelayMs: 1000, factor: 2, jitter: false }

describe('the wait before another try', () => {
  it('doubles up to its limit', () => {
    expect([1, 2, 3, 4, 5, 6].map((attempt) => retryDelayMs(policy, attempt, 0.5))).toEqual([
      100, 200, 400, 800, 1000, 1000,
    ])
  })

  it('is between half and all of that with jitter', () => {
    const jittery = { ...policy, jitter: true }
    expect([0, 0.5, 1].map((random) => retryDelayMs(jittery, 2, random))).toEqual([100, 150, 200])
  })
})
