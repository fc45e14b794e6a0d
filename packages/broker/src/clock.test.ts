import { describe, expect, it } from 'vitest'
import { makeManualClock } from './clock.ts'

describe('manual clock', () => {
  it('fires timers in the order of their time, with the time that they were due', () => {
    const clock = makeManualClock(1000)
    const fired: string[] = []
    clock.setTimer(20, () => fired.push(`b ${clock.now()}`))
    clock.setTimer(10, () => fired.push(`a ${clock.now()}`))
    clock.setTimer(20, () => fired.push(`c ${clock.now()}`))
    clock.setTimer(31, () => fired.push('late'))
    clock.advance(30)
    expect(fired).toEqual(['a 1010', 'b 1020', 'c 1020'])
    expect(clock.now()).toBe(1030)
  })

  it('fires a timer that another one sets within the span', () => {
    const clock = makeManualClock(0)
    const fired: number[] = []
    clock.setTimer(10, () => {
      clock.setTimer(5, () => fired.push(clock.now()))
    })
    clock.advance(15)
    expect(fired).toEqual([15])
  })

  it('does not fire a timer that was cancelled', () => {
    const clock = makeManualClock(0)
    let fired = false
    const cancel = clock.setTimer(1, () => {
      fired = true
    })
    cancel()
    clock.advance(10)
    expect(fired).toBe(false)
  })
})
