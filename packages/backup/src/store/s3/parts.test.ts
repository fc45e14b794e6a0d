import { expect, it } from 'vitest'
import { maxObjectBytes, partSizeBytes } from './parts.ts'

it('10,000 parts are enough for more than a terabyte, each between 5 MiB and 5 GiB', () => {
  const sizes = Array.from({ length: 10_000 }, (_, index) => partSizeBytes(index + 1)!)
  expect(sizes.reduce((total, size) => total + size, 0)).toBe(maxObjectBytes)
  expect(maxObjectBytes).toBeGreaterThan(1024 ** 4)
  expect(Math.min(...sizes)).toBeGreaterThanOrEqual(5 * 1024 ** 2)
  expect(Math.max(...sizes)).toBeLessThanOrEqual(5 * 1024 ** 3)
  expect(partSizeBytes(10_001)).toBeNull()
})
