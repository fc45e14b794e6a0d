import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatDuration, formatSize, parseDuration, parseSize } from './units.ts'

const day = 86_400_000

describe('durations', () => {
  it.each([
    ['7d', 7 * day],
    ['366d', 366 * day],
    ['30 days', 30 * day],
    ['1 day', day],
    ['2w', 14 * day],
    ['12h', day / 2],
    ['1d 12h', 1.5 * day],
    ['1d12h', 1.5 * day],
    ['1.5h', 5_400_000],
    ['15 minutes', 900_000],
    ['10m', 600_000],
    ['500ms', 500],
    ['0s', 0],
    ['forever', -1],
  ])('reads %s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms)
  })

  it.each(['', '7', 'd', '7x', '-1d', '1y', '1 year', '2 months', '7d!', '1,5h', '9999999999999999999d'])(
    'refuses %j, which has no fixed length or no meaning',
    (text) => {
      expect(parseDuration(text)).toBeNull()
    },
  )

  it('writes every duration so that it reads back the same', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constant(-1),
          fc.nat(),
          fc.nat(1_000).map((n) => n * day),
        ),
        (ms) => {
          expect(parseDuration(formatDuration(ms))).toBe(ms)
        },
      ),
    )
    expect(formatDuration(7 * day)).toBe('7d')
    expect(formatDuration(1_500)).toBe('1500ms')
  })
})

describe('sizes', () => {
  it.each([
    ['10GiB', 10 * 2 ** 30],
    ['512 KiB', 524_288],
    ['10GB', 1e10],
    ['1.5 MB', 1_500_000],
    ['100 bytes', 100],
    ['unlimited', -1],
  ])('reads %s', (text, bytes) => {
    expect(parseSize(text)).toBe(bytes)
  })

  it.each(['', '10', '10G', 'GB', '-1GB', '0.3B'])('refuses %j', (text) => {
    expect(parseSize(text)).toBeNull()
  })

  it('writes every size so that it reads back the same', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.constant(-1),
          fc.nat(),
          fc.nat(5_000).map((n) => n * 2 ** 20),
        ),
        (bytes) => {
          expect(parseSize(formatSize(bytes))).toBe(bytes)
        },
      ),
    )
    expect(formatSize(2 ** 30)).toBe('1GiB')
  })
})
