import { describe, expect, it } from 'vitest'
import { fingerprint } from './dead-letter.ts'

describe('the fingerprint of a failure', () => {
  it('is the same for failures that differ in numbers, ids and quoted texts only', () => {
    const one = new Error('card 4711 of "ada" has no owner (7f9c24e8-3b12-4fef-91d0-b65c0d9b8a5e)')
    const two = new Error('card 12 of "grace" has no owner (0b0c1f2a-0000-4000-8000-000000000000)')
    expect(fingerprint(one)).toBe(fingerprint(two))
    expect(fingerprint(one)).toMatch(/^[0-9a-f]{16}$/)
  })

  it('differs for other errors and other messages', () => {
    const all = [new Error('no owner'), new TypeError('no owner'), new Error('no card'), 'no owner'].map(fingerprint)
    expect(new Set(all).size).toBe(4)
  })
})
