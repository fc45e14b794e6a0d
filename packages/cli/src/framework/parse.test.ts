import { describe, expect, it } from 'vitest'
import {
  bigInteger,
  duration,
  integer,
  keyValue,
  pointInTime,
  throughDate,
  timestamp,
  topicPartitions,
  wallClock,
} from './parse.ts'

describe('duration', () => {
  it.each([
    ['250ms', 250],
    ['10s', 10_000],
    ['1.5h', 5_400_000],
    ['1h30m', 5_400_000],
    ['7d', 604_800_000],
    ['PT10M', 600_000],
    ['P1DT2H30M', 95_400_000],
    ['PT0.5S', 500],
    ['P2W', 1_209_600_000],
  ])('reads %s as %d ms', (text, ms) => {
    expect(duration(text)).toBe(ms)
  })

  it.each(['', '10', 'ten', 'P', 'PT', '5 m', '10x', '-5m'])('refuses "%s" and says what it takes', (text) => {
    expect(() => duration(text)).toThrow(/is not a duration/)
  })
})

describe('timestamp', () => {
  it.each([
    ['2026-11-22T13:00:00Z', '2026-11-22T13:00:00.000Z'],
    ['2026-11-22T13:00:00.250', '2026-11-22T13:00:00.250Z'],
    ['2026-11-22 13:00', '2026-11-22T13:00:00.000Z'],
    ['2026-11-22T13:00:00+02:00', '2026-11-22T11:00:00.000Z'],
    ['2026-11-22T13:00:00+0200', '2026-11-22T11:00:00.000Z'],
    ['2026-11-22T13:00:00+02', '2026-11-22T11:00:00.000Z'],
    ['2026-11-22', '2026-11-22T00:00:00.000Z'],
    ['1795352400000', '2026-11-22T13:00:00.000Z'],
  ])('reads %s', (text, iso) => {
    expect(new Date(timestamp(text)).toISOString()).toBe(iso)
  })

  it.each(['yesterday', '2026-13-01', '22.11.2026', '12345', '2026-11-22T1'])('refuses "%s"', (text) => {
    expect(() => timestamp(text)).toThrow(/is not a time/)
  })
})

describe('numbers and pairs', () => {
  it('keeps offsets beyond 2^53 exact', () => {
    expect(bigInteger('9007199254740993')).toBe(9007199254740993n)
  })

  it('refuses what is not whole, or too small', () => {
    expect(() => integer(1)('1.5')).toThrow(/whole number/)
    expect(() => integer(1)('0')).toThrow(/at least 1/)
    expect(() => bigInteger('12x')).toThrow(/whole number/)
  })

  it('collects key=value, the value with further equal signs', () => {
    expect(keyValue('b=c=d', { a: '1' })).toEqual({ a: '1', b: 'c=d' })
    expect(() => keyValue('retention.ms')).toThrow(/key=value/)
    expect(() => keyValue('=x')).toThrow(/key=value/)
  })

  it('takes topics, or some of their partitions', () => {
    const first = topicPartitions('user.events')
    expect(topicPartitions('audit.events:0,2', first)).toEqual([
      { topic: 'user.events' },
      { topic: 'audit.events', partitions: [0, 2] },
    ])
    expect(() => topicPartitions('a:x')).toThrow(/whole number/)
  })
})

describe('a point in time', () => {
  it('a date goes through its last millisecond, also on the day on which the clock changes', () => {
    expect(new Date(throughDate('2024-01-01')).toISOString()).toBe('2024-01-01T23:59:59.999Z')
    expect(new Date(throughDate('2026-10-25 Europe/Berlin')).toISOString()).toBe('2026-10-25T22:59:59.999Z')
    expect(new Date(throughDate('2026-12-31 America/New_York')).toISOString()).toBe('2027-01-01T04:59:59.999Z')
    expect(throughDate('2026-07-29T14:03Z')).toBe(Date.UTC(2026, 6, 29, 14, 3))
    expect(() => throughDate('2026-02-30')).toThrow('"2026-02-30" is not a time')
  })

  it('a clock on the wall of a zone', () => {
    expect(wallClock('Europe/Berlin')(Date.UTC(2026, 6, 29, 14))).toBe(Date.UTC(2026, 6, 29, 12))
    expect(() => wallClock('Europe/Nowhere')).toThrow('"Europe/Nowhere" is not a time zone')
  })

  it('is a time of the wall in a zone, in summer and in winter', () => {
    expect(new Date(pointInTime('2026-11-29 14:03 Europe/Berlin')).toISOString()).toBe('2026-11-29T13:03:00.000Z')
    expect(new Date(pointInTime('2026-07-29 14:03:30 Europe/Berlin')).toISOString()).toBe('2026-07-29T12:03:30.000Z')
    expect(new Date(pointInTime('2026-07-29 Asia/Kolkata')).toISOString()).toBe('2026-07-28T18:30:00.000Z')
    expect(pointInTime('2026-07-29T14:03Z')).toBe(Date.UTC(2026, 6, 29, 14, 3))
  })

  it('is right on the day when the clock changes', () => {
    // https://www.ptb.de: forward at 2:00 on 29 March 2026, back at 3:00 on 25 October.
    expect(new Date(pointInTime('2026-03-29 01:59 Europe/Berlin')).toISOString()).toBe('2026-03-29T00:59:00.000Z')
    expect(new Date(pointInTime('2026-03-29 03:00 Europe/Berlin')).toISOString()).toBe('2026-03-29T01:00:00.000Z')
    expect(new Date(pointInTime('2026-10-25 03:00 Europe/Berlin')).toISOString()).toBe('2026-10-25T02:00:00.000Z')
    expect(() => pointInTime('2026-03-29 02:30 Europe/Berlin')).toThrow('does not exist')
  })

  it('names a zone that there is', () => {
    expect(() => pointInTime('2026-03-29 02:30 Europe/Berlim')).toThrow('"Europe/Berlim" is not a time zone')
    expect(() => pointInTime('yesterday')).toThrow('is not a time')
  })
})
