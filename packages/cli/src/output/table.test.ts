import { describe, expect, it } from 'vitest'
import { coloursFor } from './colour.ts'
import { bytes, count, elapsed, retention, span } from './format.ts'
import { renderFields, renderTable } from './table.ts'
import { padStart, textWidth, truncate } from './width.ts'

const output = { write: () => {}, isTTY: false, columns: 80, rows: 24 }
const plain = coloursFor(output, {}, true)
const coloured = coloursFor({ ...output, isTTY: true }, {}, true)

describe('a table', () => {
  const rows = [
    { name: 'user.events', lag: 1234567n, note: 'first' },
    { name: '支払い', lag: 5n, note: 'wide' },
    { name: 'é🎉', lag: null, note: '' },
  ]
  const columns = [
    { header: 'NAME', value: (row: (typeof rows)[number]) => row.name },
    { header: 'LAG', value: (row: (typeof rows)[number]) => row.lag },
    { header: 'NOTE', value: (row: (typeof rows)[number]) => row.note },
  ]

  it('aligns by what a terminal shows, numbers to the right with separators, nothing as a dash', () => {
    expect(renderTable(rows, columns, plain)).toBe(
      [
        'NAME               LAG  NOTE',
        'user.events  1,234,567  first',
        '支払い               5  wide',
        'é🎉                  –',
        '',
      ].join('\n'),
    )
  })

  it('is as wide with colours as without', () => {
    const painted = columns.map((column) => ({ ...column, colour: (text: string) => coloured.bad(text) }))
    const lines = renderTable(rows, painted, coloured).split('\n')
    expect(lines[1]).toContain('\u001b[31m')
    expect(lines.map(textWidth)).toEqual(renderTable(rows, columns, plain).split('\n').map(textWidth))
  })

  it('cuts its last column to the width of the terminal', () => {
    const long = [{ name: 'a', lag: 1n, note: 'x'.repeat(60) }]
    expect(renderTable(long, columns, plain, 30).split('\n')[1]).toMatch(/^a {7}1 {2}x+…$/)
    expect(textWidth(renderTable(long, columns, plain, 30).split('\n')[1]!)).toBe(30)
  })

  it('shows the fields of one thing below each other', () => {
    expect(
      renderFields(
        [
          ['topic', 'a'],
          ['records', 1200n],
        ],
        plain,
      ),
    ).toBe('topic    a\nrecords  1,200\n')
  })
})

describe('colours', () => {
  it('are for terminals; NO_COLOR and --no-color win over them, FORCE_COLOR asks for them elsewhere', () => {
    const terminal = { ...output, isTTY: true }
    const paints = (colours: typeof plain): boolean => colours.bad('x') !== 'x'
    expect(paints(coloursFor(terminal, {}, true))).toBe(true)
    expect(paints(coloursFor(output, {}, true))).toBe(false)
    expect(paints(coloursFor(terminal, { NO_COLOR: '1' }, true))).toBe(false)
    expect(paints(coloursFor(terminal, {}, false))).toBe(false)
    expect(paints(coloursFor(terminal, { TERM: 'dumb' }, true))).toBe(false)
    expect(paints(coloursFor(output, { FORCE_COLOR: '1' }, true))).toBe(true)
    expect(paints(coloursFor(terminal, { FORCE_COLOR: '1', NO_COLOR: '1' }, true))).toBe(false)
  })

  it('give a word the same colour every time', () => {
    expect(coloured.word('user_created')).toBe(coloured.word('user_created'))
  })
})

describe('figures', () => {
  it('reads as people write them', () => {
    expect(count(1234567)).toBe('1,234,567')
    expect(count(-1234n)).toBe('-1,234')
    expect(bytes(999)).toBe('999 B')
    expect(bytes(1536)).toBe('1.5 KiB')
    expect(bytes(20n * 1024n ** 3n)).toBe('20 GiB')
    expect(elapsed(12.4)).toBe('12 ms')
    expect(elapsed(1340)).toBe('1.34 s')
    expect(span(3_900_000)).toBe('1h 5m')
    expect(retention('604800000')).toBe('7d')
    expect(retention('-1')).toBe('forever')
  })

  it('cuts and pads by columns, never inside a character', () => {
    expect(truncate('支払い済み', 5)).toBe('支払…')
    expect(truncate('short', 5)).toBe('short')
    expect(padStart('い', 4)).toBe('  い')
    expect(textWidth('👩‍👩‍👧‍👦')).toBe(2)
  })
})
