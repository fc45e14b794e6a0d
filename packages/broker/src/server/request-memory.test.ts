import { describe, expect, it } from 'vitest'
import { createTestClock } from '../log/test-support/logs.ts'
import { createRequestMemory, type RequestMemory } from './request-memory.ts'

/** A connection that wants `wanted` bytes and takes them `step` at a time. */
function connection(memory: RequestMemory, name: string, log: string[]) {
  let has = 0
  let resume = () => {}
  const account = memory.open({
    onGranted: () => resume(),
    onStalled: () => {
      log.push(`${name} stalled`)
      account.close()
    },
  })
  return {
    account,
    /** Bytes arrive; whether they were taken now. */
    arrive(bytes: number): boolean {
      const take = () => {
        if (!account.grow(bytes, false)) return false
        has += bytes
        account.arriving(has)
        return true
      }
      resume = () => {
        if (take()) log.push(`${name} continues`)
      }
      return take()
    },
    complete() {
      account.hold(has)
      has = 0
      account.arriving(0)
    },
    answer: (bytes: number) => account.free(bytes),
  }
}

describe('the memory of requests', () => {
  it('is limited over all connections; one of those that wait may complete all the same', () => {
    const memory = createRequestMemory(100, createTestClock())
    const log: string[] = []
    const [a, b, c] = ['a', 'b', 'c'].map((name) => connection(memory, name, log))
    expect([a!.arrive(40), b!.arrive(40), c!.arrive(20)]).toEqual([true, true, true])
    expect(memory.isShort).toBe(true)
    // a is the first that wants more: it continues, the others wait.
    expect([a!.arrive(40), b!.arrive(40), c!.arrive(40)]).toEqual([true, false, false])
    expect(memory.usedBytes).toBe(140)
    a!.complete()
    // Complete requests hold too much now to let another one go beyond the limit.
    expect(log).toEqual([])
    a!.answer(80)
    // There is room for b; c is the one that goes beyond the limit now.
    expect(log).toEqual(['b continues', 'c continues'])
    expect(memory.usedBytes).toBe(140)
    b!.complete()
    b!.answer(80)
    c!.complete()
    c!.answer(60)
    expect(memory.usedBytes).toBe(0)
  })

  it('continues with the next one when a connection closes in the middle', () => {
    const memory = createRequestMemory(100, createTestClock())
    const log: string[] = []
    const [a, b, c] = ['a', 'b', 'c'].map((name) => connection(memory, name, log))
    a!.arrive(90)
    b!.arrive(10)
    expect(b!.arrive(50)).toBe(true)
    expect(c!.arrive(50)).toBe(false)
    b!.account.close()
    expect(log).toEqual(['c continues'])
    c!.account.close()
    a!.account.close()
    expect(memory.usedBytes).toBe(0)
  })

  it('is taken from connections that send too slowly, when others wait', () => {
    const clock = createTestClock()
    const memory = createRequestMemory(1_000_000, clock)
    const log: string[] = []
    const [idle, slow, other] = ['idle', 'slow', 'other'].map((name) => connection(memory, name, log))
    idle!.arrive(500_000)
    clock.advance(3_600_000)
    expect(log).toEqual([])
    slow!.arrive(500_000)
    expect(slow!.arrive(10)).toBe(true)
    expect(other!.arrive(500_000)).toBe(false)
    clock.advance(45_000)
    // An hour late; the others have sent 500 kB within the 30 s that each request has.
    expect(log).toEqual(['idle stalled', 'slow stalled', 'other continues'])
  })

  it('always accepts small requests', () => {
    const memory = createRequestMemory(10, createTestClock())
    const account = memory.open({ onGranted() {}, onStalled() {} })
    account.hold(1000)
    expect(account.grow(50, true)).toBe(true)
  })
})
