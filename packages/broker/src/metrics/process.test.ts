import { describe, expect, it } from 'vitest'
import { createIdleRatio, processUse } from './process.ts'

describe('what the process uses', () => {
  it('is what the system says', () => {
    const { cpuSeconds, residentBytes, startSeconds, openFiles, maxFiles } = processUse()
    expect(cpuSeconds).toBeGreaterThan(0)
    expect(residentBytes).toBeGreaterThan(10 * 1024 * 1024)
    expect(startSeconds).toBeGreaterThan(Date.now() / 1000 - 86_400)
    expect(startSeconds).toBeLessThanOrEqual(Date.now() / 1000)
    if (process.platform !== 'linux') return
    expect(openFiles).toBeGreaterThan(2)
    expect(maxFiles).toBeGreaterThanOrEqual(openFiles!)
  })

  it('leaves a share of idle time between 0 and 1', async () => {
    const idle = createIdleRatio()
    // The event loop counts itself once a turn.
    await new Promise(setImmediate)
    expect(idle()).toBeGreaterThanOrEqual(0)
    expect(idle()).toBeLessThanOrEqual(1)
  })
})
