import { describe, expect, it } from 'vitest'
import { coloursFor } from './colour.ts'
import { progressLine, progressText } from './progress-line.ts'

const amount = { done: 1_234n, total: 2_468n, unit: 'records', bytes: 40 * 1024 * 1024 }

describe('progress', () => {
  it('has share, amount, speed and the time that is left', () => {
    expect(progressText('restoring', amount, 4_000)).toBe(
      'restoring  50 %, 1,234 of 2,468 records, 40 MiB, 10 MiB/s, 4s left',
    )
    expect(progressText('verifying', { ...amount, done: 0, total: 0, bytes: 0 }, 0)).toBe(
      'verifying  100 %, 0 of 0 records',
    )
  })

  it('is one line of a terminal, written five times a second at most, and nothing elsewhere', () => {
    const written: string[] = []
    let nowMs = 0
    const lineOf = (isTTY: boolean) => {
      const output = { isTTY, columns: 80, rows: 24, write: (text: string) => void written.push(text) }
      return progressLine(output, coloursFor(output, { NO_COLOR: '1' }, false), () => nowMs)
    }
    const elsewhere = lineOf(false)
    elsewhere.show('restoring', amount)
    elsewhere.end()
    expect(written).toEqual([])
    const line = lineOf(true)
    for (; nowMs < 1_000; nowMs += 50) line.show('restoring', amount)
    line.end()
    expect(written.slice(0, -1)).toHaveLength(5)
    expect(written.at(-1)).toBe('\r\u001b[K')
  })
})
