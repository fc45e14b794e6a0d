import { describe, expect, it } from 'vitest'
import { matches, place, placeTime } from './filter.ts'

describe('a place in the log', () => {
  it.each([
    ['earliest', { kind: 'earliest' }],
    ['latest', { kind: 'latest' }],
    ['10m', { kind: 'ago', ms: 600_000 }],
    ['PT1H', { kind: 'ago', ms: 3_600_000 }],
    ['42', { kind: 'offset', offset: 42n }],
    ['offset:99999999999', { kind: 'offset', offset: 99_999_999_999n }],
    ['1795352400000', { kind: 'time', timestampMs: 1_795_352_400_000 }],
    ['2026-11-22T13:00:00Z', { kind: 'time', timestampMs: 1_795_352_400_000 }],
  ])('%s is %o', (text, expected) => {
    expect(place(text)).toEqual(expected)
  })

  it.each(['', 'soon', 'offset:x', '10q', '-5'])('refuses "%s"', (text) => {
    expect(() => place(text)).toThrow()
  })

  it('counts durations back from now', () => {
    expect(placeTime({ kind: 'ago', ms: 1000 }, 5000)).toBe(4000)
  })
})

describe('a filter', () => {
  const event = { eventType: 'user_created', userId: 'u1' }

  it('takes everything when it names nothing, undecodable records too', () => {
    expect(matches({ types: [], users: [] }, event)).toBe(true)
    expect(matches({ types: [], users: [] }, undefined)).toBe(true)
  })

  it('wants one of the types and one of the users', () => {
    expect(matches({ types: ['user_created', 'x'], users: ['u1'] }, event)).toBe(true)
    expect(matches({ types: ['x'], users: ['u1'] }, event)).toBe(false)
    expect(matches({ types: [], users: ['u2'] }, event)).toBe(false)
    expect(matches({ types: ['user_created'], users: [] }, undefined)).toBe(false)
  })
})
