import { describe, expect, it } from 'vitest'
import { checkReport } from './engines.ts'

describe('the check of partition logs after a start', () => {
  function report(steps: readonly (readonly [atMs: number, done: number])[]): string[] {
    const said: string[] = []
    let nowMs = 0
    const say = checkReport(
      (text) => said.push(text),
      () => nowMs,
    )
    for (const [atMs, done] of steps) {
      nowMs = atMs
      say({ done, total: 100 })
    }
    return said
  }

  it('is not mentioned when it takes a moment', () => {
    expect(
      report([
        [10, 1],
        [900, 50],
        [1900, 100],
      ]),
    ).toEqual([])
  })

  it('is reported every two seconds when it takes longer, and when it is done', () => {
    expect(
      report([
        [1999, 10],
        [2001, 11],
        [2500, 40],
        [4100, 60],
        [4200, 100],
      ]),
    ).toEqual([
      'checking partition logs: 11 of 100; requests are answered meanwhile',
      'checking partition logs: 60 of 100; requests are answered meanwhile',
      'all 100 partition logs are checked',
    ])
  })
})
