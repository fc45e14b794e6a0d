import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { diskSpace, isFull } from './disk.ts'

describe('the space on a disk', () => {
  it('is that of the nearest folder that is there', () => {
    const space = diskSpace(join(tmpdir(), 'not', 'made', 'yet'))
    expect(space).toMatchObject({ freeBytes: expect.any(Number), totalBytes: expect.any(Number) })
    expect(space!.totalBytes).toBeGreaterThanOrEqual(space!.freeBytes)
  })

  it('is used up when less than 16 MiB are free; what is not known is not full', () => {
    const totalBytes = 2 ** 40
    expect(isFull({ freeBytes: 2 ** 24 - 1, totalBytes })).toBe(true)
    expect(isFull({ freeBytes: 2 ** 24, totalBytes })).toBe(false)
    expect(isFull(undefined)).toBe(false)
  })
})
