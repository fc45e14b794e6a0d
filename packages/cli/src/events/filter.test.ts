import { describe, expect, it } from 'vitest'
import { type EventFilter, matches, place, readPlace } from './filter.ts'

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
    expect(readPlace({ kind: 'ago', ms: 1000 }, 5000)).toEqual({ kind: 'time', timestampMs: 4000 })
  })
})

describe('a filter', () => {
  const event = { types: ['user_created'], user: 'u1', key: 'u1' }
  const cart = { types: ['shop.Cart', 'Cart'], user: null, key: 'c-7' }
  const undecodable = { types: [], user: null, key: null }
  const filter = (wanted: Partial<EventFilter>): EventFilter => ({ types: [], users: [], keys: [], ...wanted })

  it('takes everything when it names nothing, undecodable records too', () => {
    for (const names of [event, cart, undecodable]) expect(matches(filter({}), names)).toBe(true)
  })

  it('wants one of the types, one of the users and one of the keys', () => {
    expect(matches(filter({ types: ['user_created', 'x'], users: ['u1'] }), event)).toBe(true)
    expect(matches(filter({ types: ['x'], users: ['u1'] }), event)).toBe(false)
    expect(matches(filter({ users: ['u2'] }), event)).toBe(false)
    expect(matches(filter({ types: ['user_created'] }), undecodable)).toBe(false)
    expect(matches(filter({ keys: ['c-7'], types: ['Cart'] }), cart)).toBe(true)
    expect(matches(filter({ types: ['shop.Cart'] }), cart)).toBe(true)
    expect(matches(filter({ users: ['c-7'] }), cart)).toBe(false)
    expect(matches(filter({ keys: ['c-8'] }), cart)).toBe(false)
  })
})
