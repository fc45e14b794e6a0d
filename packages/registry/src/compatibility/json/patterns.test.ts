import vm from 'node:vm'
import { describe, expect, it, vi } from 'vitest'
import { hasPattern, startPatterns } from './patterns.ts'

describe('a pattern', () => {
  it('is not known to be in a long text when the search takes too long, even with one repetition', () => {
    startPatterns()
    expect(hasPattern('a'.repeat(200_000), 'a*b')).toBeNull()
    expect(hasPattern('a'.repeat(500), 'a*b')).toBe(false)
  })

  it('that the flag u refuses is tried without it', () => {
    startPatterns()
    expect([hasPattern('x-a', '^x\\-'), hasPattern('y-a', '^x\\-'), hasPattern('x-aa', '^(x\\-)+a+$')]).toEqual([
      true,
      false,
      true,
    ])
    expect(hasPattern('x', '(?i)^x')).toBeNull()
  })

  it('is not tried any more when a comparison has spent its time, but is in the next one', () => {
    const runs = [
      vi.spyOn(vm.Script.prototype, 'runInContext'),
      vi.spyOn(vm.Script.prototype, 'runInNewContext'),
    ] as const
    const count = () => runs.reduce((sum, { mock }) => sum + mock.calls.length, 0)
    startPatterns()
    const slow = (index: number) => hasPattern(`${'a'.repeat(40)}!`, `^(a+)+${index}$`)
    const results = Array.from({ length: 40 }, (_, index) => slow(index))
    expect(results).toEqual(results.map(() => null))
    expect(count()).toBeLessThan(20)
    expect(hasPattern('ab', '^(a+|b)+$')).toBeNull()
    startPatterns()
    expect(hasPattern('ab', '^(a+|b)+$')).toBe(true)
    for (const run of runs) run.mockRestore()
  })
})
