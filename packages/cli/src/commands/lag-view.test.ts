import type { LagRow } from '@selfmonitor/monitor'
import { describe, expect, it } from 'vitest'
import { coloursFor } from '../output/colour.ts'
import { createLagView, sparkline, worstFirst } from './lag-view.ts'

const row = (over: Partial<LagRow>): LagRow => ({
  group: 'billing',
  state: 'Stable',
  members: 2,
  topic: 'orders',
  partition: null,
  messages: 10n,
  seconds: 1,
  inPerSecond: 5,
  outPerSecond: 10,
  catchUpSeconds: 2,
  problem: null,
  ...over,
})

function screen(columns: number, rows: number) {
  const written: string[] = []
  const output = { write: (text: string) => void written.push(text), isTTY: true, columns, rows }
  const view = createLagView(output, coloursFor({ isTTY: false }, {}, false), { showPartitions: false })
  // Escape sequences as text.
  return { view, last: () => written.at(-1)!.replaceAll('\u001b', '<ESC>') }
}

describe('the rows', () => {
  it('are the worst first: by seconds, then by messages; without a lag only if they are asked for', () => {
    const rows = [
      row({ group: 'none', messages: 0n, seconds: 0 }),
      row({ group: 'few', seconds: 3 }),
      row({ group: 'many', messages: 99n, seconds: 3 }),
      row({ group: 'old', seconds: 9 }),
      row({ group: 'unknown', seconds: null }),
    ]
    expect(worstFirst(rows, false).map(({ group }) => group)).toEqual(['old', 'many', 'few', 'unknown'])
    expect(worstFirst(rows, true)).toHaveLength(5)
  })
})

describe('the table on a terminal', () => {
  it('is redrawn over itself, line by line', () => {
    const { view, last } = screen(120, 24)
    view.show([row({})], null)
    expect(last()).toMatch(
      /^10 behind in 1 group .*<ESC>\[K\n<ESC>\[K\nGROUP .*STATE<ESC>\[K\nbilling +orders +10 +1s +5\.0 +10 +2s +Stable/,
    )
    view.show([row({ messages: 20n })], null)
    expect(last()).toMatch(/^\r<ESC>\[4A20 behind/)
    expect(last()).toContain('▅█')
  })

  it('fits the terminal: rows are cut and counted, columns left out from the right', () => {
    const { view, last } = screen(60, 10)
    view.show(
      Array.from({ length: 50 }, (_, n) => row({ group: `group-${n}` })),
      null,
    )
    const lines = last()
      .replace(/<ESC>\[\d*[KJ]/g, '')
      .split('\n')
    expect(lines.length).toBeLessThanOrEqual(10)
    expect(lines.every((line) => line.length < 60)).toBe(true)
    expect(last()).toContain('and 45 more rows')
  })

  it('says that a group keeps pace, never catches up, or has no members', () => {
    const { view, last } = screen(140, 24)
    view.show(
      [
        row({ group: 'a', inPerSecond: 100, outPerSecond: 99.5, catchUpSeconds: Number.POSITIVE_INFINITY }),
        row({ group: 'b', outPerSecond: 0, catchUpSeconds: Number.POSITIVE_INFINITY, members: 0, state: 'Empty' }),
      ],
      { code: 'CANNOT_CONNECT', message: 'x' },
    )
    expect(last()).toMatch(/a +orders .* steady +Stable/)
    expect(last()).toMatch(/b +orders .* never +no members/)
    expect(last()).toContain('CANNOT_CONNECT: the numbers are the last ones')
  })
})

describe('a sparkline', () => {
  it.each([
    [[1], ''],
    [[0, 0], '▁▁'],
    [[0, 7, 14], '▁▅█'],
  ])('of %j is %s', (values, text) => {
    expect(sparkline(values)).toBe(text)
  })
})
