import { describe, expect, it } from 'vitest'
import { robustSlope } from './trend.ts'

const line = (count: number, wild: ReadonlySet<number> = new Set()) =>
  Array.from({ length: count }, (_, at) => ({ atMs: at * 1000, value: wild.has(at) ? 1e12 : 10 + 3 * at }))

describe('the robust slope', () => {
  it('is that of the line, per millisecond', () => {
    expect(robustSlope(line(10))).toBeCloseTo(0.003, 10)
  })
  it('is not changed by a quarter of wild points, at the ends too', () => {
    expect(robustSlope(line(20, new Set([0, 7, 13, 18, 19])))).toBeCloseTo(0.003, 10)
  })
  it('is found with many points', () => {
    expect(robustSlope(line(5_000))).toBeCloseTo(0.003, 10)
  })
  it('needs two different times', () => {
    expect(robustSlope([])).toBeNull()
    expect(
      robustSlope([
        { atMs: 1, value: 1 },
        { atMs: 1, value: 2 },
      ]),
    ).toBeNull()
  })
})
