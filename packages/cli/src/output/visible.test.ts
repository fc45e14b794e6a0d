// Texts of others move no cursor, in tables, fields, notes and errors.
import { expect, it } from 'vitest'
import { coloursFor } from './colour.ts'
import { renderFields, renderTable } from './table.ts'
import { visible, visibleLines } from './visible.ts'

const plain = coloursFor({ isTTY: false }, {}, false)
const coloured = coloursFor({ isTTY: true }, { FORCE_COLOR: '1' }, true)
const hostile = 'a\u001b[2K\r\n\u009b31mb\u202ec\u2028'
const shown = 'a\\u001b[2K\\u000d\\u000a\\u009b31mb\\u202ec\\u2028'

it('control characters are shown as JSON writes them', () => {
  expect(visible(hostile)).toBe(shown)
  expect(visible('ada – ünï 漢字 🙂')).toBe('ada – ünï 漢字 🙂')
})

it('lines keep their breaks and our colours', () => {
  const { good, careful, bad, aside, strong, word } = coloured
  const text = [good, careful, bad, aside, strong, word].map((paint) => paint('x\ny')).join('\n')
  expect(text).toContain('\u001b[')
  expect(visibleLines(text)).toBe(text)
  for (const name of ['a', 'bb', 'ccc', 'orders', 'users', 'payments'])
    expect(visibleLines(word(name))).toBe(word(name))
  expect(visibleLines(bad(hostile))).toBe(bad(shown.replace('\\u000a', '\n')))
})

it('tables and fields show them, and stay aligned', () => {
  const rows = [{ name: hostile, count: 1 }]
  const table = renderTable(
    rows,
    [
      { header: 'NAME', value: ({ name }) => name },
      { header: 'COUNT', value: ({ count }) => count },
    ],
    plain,
  )
  expect(table).toBe(`${'NAME'.padEnd(shown.length)}  COUNT\n${shown}      1\n`)
  expect(renderFields([['key', hostile]], plain)).toBe(`key  ${shown}\n`)
})
