import { expect, it } from 'vitest'
import { bytes, count, counted, twoUnits } from './numbers.ts'

it('numbers have commas, and their noun a plural', () => {
  expect([count(999), count(1234567), count(12345678901234567890n)]).toEqual([
    '999',
    '1,234,567',
    '12,345,678,901,234,567,890',
  ])
  expect([counted(1, 'topic'), counted(0, 'topic'), counted(2000n, 'topic')]).toEqual([
    '1 topic',
    '0 topics',
    '2,000 topics',
  ])
})

it('sizes have the largest unit that leaves at least 1, and a decimal below 10', () => {
  expect([0, 1023, 1024, 1536, 10 * 1024, 5 * 2 ** 40, 3n * 2n ** 60n].map(bytes)).toEqual([
    '0 B',
    '1023 B',
    '1.0 KiB',
    '1.5 KiB',
    '10 KiB',
    '5.0 TiB',
    '3072 PiB',
  ])
})

it('spans of time have their two largest units', () => {
  const span = (seconds: number) => twoUnits(seconds * 1000, ['d', ' h', ' min', 's'])
  expect([0.4, 59, 60, 3 * 3600 + 5, 90_061, 86_400 * 7].map(span)).toEqual([
    '',
    '59s',
    '1 min',
    '3 h 5s',
    '1d 1 h',
    '7d',
  ])
})
