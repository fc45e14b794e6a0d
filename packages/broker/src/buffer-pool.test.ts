import { describe, expect, it } from 'vitest'
import { createBufferPool } from './buffer-pool.ts'

const mib = 1024 * 1024

describe('buffer pool', () => {
  it('gives the memory out again that was given back, also as a view', () => {
    const pool = createBufferPool(10 * mib)
    const first = pool.take(mib)
    pool.giveBack(first.subarray(5, 10))
    expect(pool.take(mib).buffer).toBe(first.buffer)
  })

  it('never lends the same memory twice, even when it is given back twice', () => {
    const pool = createBufferPool(10 * mib)
    const first = pool.take(mib)
    pool.giveBack(first)
    pool.giveBack(first)
    expect(pool.take(mib).buffer).not.toBe(pool.take(mib).buffer)
  })

  it('ignores memory that is not its own', () => {
    const pool = createBufferPool(10 * mib)
    const foreign = Buffer.alloc(64 * 1024)
    pool.giveBack(foreign)
    expect(pool.take(64 * 1024).buffer).not.toBe(foreign.buffer)
  })

  it('gives at least what is asked for, at any size', () => {
    const pool = createBufferPool(10 * mib)
    for (const size of [0, 1, 32 * 1024, 64 * 1024 + 1, mib + 16 * 1024, 3 * mib]) {
      expect(pool.take(size).length).toBeGreaterThanOrEqual(size)
    }
  })

  it('keeps no more than it may', () => {
    const pool = createBufferPool(64 * 1024)
    const both = [pool.take(64 * 1024), pool.take(64 * 1024)]
    for (const buffer of both) pool.giveBack(buffer)
    const again = [pool.take(64 * 1024), pool.take(64 * 1024)]
    expect(again.filter((buffer) => both.some((one) => one.buffer === buffer.buffer))).toHaveLength(1)
  })
})
