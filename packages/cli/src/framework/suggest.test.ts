import { describe, expect, it } from 'vitest'
import { didYouMean, editDistance, nearest } from './suggest.ts'

describe('did you mean', () => {
  it('counts inserted, deleted, replaced and swapped letters', () => {
    expect(editDistance('events', 'events')).toBe(0)
    expect(editDistance('evnts', 'events')).toBe(1)
    expect(editDistance('evetns', 'events')).toBe(1)
    expect(editDistance('', 'abc')).toBe(3)
  })

  it('names the nearest known name, and none when nothing is near', () => {
    expect(nearest('user.evnts', ['audit.events', 'user.events'])).toBe('user.events')
    expect(nearest('orders', ['audit.events', 'user.events'])).toBeUndefined()
    expect(didYouMean('user.evnts', ['user.events'])).toBe('Did you mean user.events?')
  })
})
