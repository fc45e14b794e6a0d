import { describe, expect, it } from 'vitest'
import { filesToMerge } from './index-files.ts'

const files = (...segments: number[]) => segments.map((count) => ({ segments: count }))

describe('the files of an index', () => {
  it('are left alone while they are few', () => {
    expect(filesToMerge(files(1, 1, 1, 1, 1, 1, 1), 1)).toBe(0)
  })

  it('are merged from the end, without large ones', () => {
    expect(filesToMerge(files(1000, 100, 1, 1, 1, 1, 1, 1), 1)).toBe(6)
    expect(filesToMerge(files(1000, 100, 40, 1, 1, 1, 1, 1), 60)).toBe(7)
  })

  it('stay few, and a segment’s line is written again a few times, however many runs there are', () => {
    let current = files()
    let written = 0
    for (let run = 0; run < 10_000; run++) {
      const count = filesToMerge(current, 3)
      const merged = current.slice(current.length - count).reduce((sum, { segments }) => sum + segments, 3)
      current = [...current.slice(0, current.length - count), ...files(merged)]
      written += merged
    }
    expect(current.reduce((sum, { segments }) => sum + segments, 0)).toBe(30_000)
    expect(current.length).toBeLessThan(20)
    expect(written / 30_000).toBeLessThan(15)
  })
})
