import { describe, expect, it } from 'vitest'
import { nameFilter } from './patterns.ts'

describe('the filter of names', () => {
  it.each([
    [{}, 'a', true],
    [{ include: ['orders\\..*'] }, 'orders.paid', true],
    [{ include: ['orders'] }, 'my-orders', false],
    [{ include: ['a', 'b'] }, 'b', true],
    [{ exclude: ['__.*'] }, '__consumer_offsets', false],
    [{ include: ['.*'], exclude: ['console-consumer-.*'] }, 'console-consumer-17', false],
    [{ include: ['a|b'] }, 'xb', false],
    [{ include: ['.*'] }, 'x'.repeat(2_000), false],
  ])('%j of %s: %s', (patterns, name, collected) => {
    expect(nameFilter(patterns)(name)).toBe(collected)
    expect(nameFilter(patterns)(name)).toBe(collected)
  })

  it.each([['('], ['(a+)+b'], ['x'.repeat(501)]])('refuses %s', (pattern) => {
    expect(() => nameFilter({ include: [pattern] })).toThrow(expect.objectContaining({ code: 'INVALID_PATTERN' }))
  })
})
