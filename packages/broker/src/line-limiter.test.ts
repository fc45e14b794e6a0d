import { describe, expect, it } from 'vitest'
import { createLineLimiter } from './line-limiter.ts'
import { createTestClock, createTestLogger } from './log/test-support/logs.ts'

describe('log lines that clients cause', () => {
  const begin = () => {
    const clock = createTestClock()
    const logger = createTestLogger()
    const limiter = createLineLimiter(logger, clock)
    const said = () => logger.lines.map(({ message, context }) => `${message} ${JSON.stringify(context)}`)
    return { clock, limiter, said }
  }

  it('are written once a minute and kind: the first at once, the others counted', () => {
    const { clock, limiter, said } = begin()
    for (let n = 1; n <= 1000; n++) limiter.log('warn', 'bad', { n }, 'closing')
    limiter.log('warn', 'damaged', {}, 'reading')
    expect(said()).toEqual(['closing {"n":1}', 'reading {}'])
    clock.advance(60_000)
    expect(said().slice(2)).toEqual([
      'closing (999 more like this within a minute, the last one here) {"n":1000,"repeated":999}',
    ])
    limiter.log('warn', 'bad', { n: 0 }, 'closing')
    expect(said().at(-1)).toBe('closing {"n":0}')
  })

  it('are not lost when the broker stops, and kinds without end are one', () => {
    const { limiter, said } = begin()
    for (let n = 0; n < 5000; n++) limiter.log('warn', `kind ${n}`, {}, 'closing')
    expect(said()).toHaveLength(1001)
    limiter.close()
    expect(said().at(-1)).toMatch(/^closing \(3999 more/)
  })
})
