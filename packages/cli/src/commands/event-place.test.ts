import { describe, expect, it } from 'vitest'
import { recordPlace } from './event-place.ts'

describe('the place of a record', () => {
  it.each([
    [['user.events', '3', '17']],
    [['user.events[3]@17']],
    [['user.events', '[3]@17']],
    [['user.events', 'user.events[3]@17']],
    [['user.events-3@17']],
    [['user.events/3/17']],
    [['user.events:3:17']],
  ])('is read of %j', (words) => {
    expect(recordPlace(words)).toEqual({ topic: 'user.events', partition: 3, offset: 17n })
  })
  it.each([
    [['user.events']],
    [['user.events', '3']],
    [['user.events', 'x', '17']],
    [['a', 'b[3]@17']],
    [['[3]@17']],
    [['a', '2147483648', '17']],
    [['a', '3', '9223372036854775808']],
  ])('is not there in %j', (words) => {
    expect(() => recordPlace(words)).toThrow(/is not the place of a record/)
  })
})
