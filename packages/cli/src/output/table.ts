// Tables that align: numbers to the right with thousands separators, texts to the left, no rulers to get in grep's way.
import type { Colours } from './colour.ts'
import { count } from './format.ts'
import { visible } from './visible.ts'
import { padEnd, padStart, textWidth, truncate } from './width.ts'

export type Cell = string | number | bigint | null | undefined

export interface Column<Row> {
  readonly header: string
  readonly value: (row: Row) => Cell
  /** Default: numbers to the right. `right` for texts that are numbers with a unit. */
  readonly align?: 'left' | 'right'
  readonly colour?: (text: string, row: Row, colours: Colours) => string
}

function cellText(cell: Cell): string {
  if (cell === null || cell === undefined) return '–'
  return typeof cell === 'string' ? visible(cell) : count(cell)
}

/**
 * One line a row, the header first, each ending in a line feed.
 * @param width columns of the terminal; the last column is cut to it. Pass Infinity where output is not a terminal.
 */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  colours: Colours,
  width = Number.POSITIVE_INFINITY,
): string {
  const cells = rows.map((row) => columns.map((column) => column.value(row)))
  const texts = cells.map((row) => row.map(cellText))
  const right = columns.map(
    (column, index) =>
      (column.align ??
        (cells.some((row) => typeof row[index] === 'number' || typeof row[index] === 'bigint') ? 'right' : 'left')) ===
      'right',
  )
  const widths = columns.map((column, index) =>
    Math.max(textWidth(column.header), ...texts.map((row) => textWidth(row[index]!))),
  )
  const last = columns.length - 1
  const before = widths.slice(0, last).reduce((sum, one) => sum + one + 2, 0)
  const room = Math.max(10, width - before)

  const line = (parts: readonly string[], paint: (text: string, index: number) => string): string =>
    `${parts
      .map((part, index) => {
        const shown = index === last && !right[index] ? truncate(part, room) : part
        const padding = right[index] ? padStart(shown, widths[index]!) : padEnd(shown, widths[index]!)
        return shown === '' ? padding : padding.replace(shown, () => paint(shown, index))
      })
      .join('  ')
      .trimEnd()}\n`

  let output = line(
    columns.map((column) => column.header),
    (text) => colours.aside(text),
  )
  texts.forEach((row, rowIndex) => {
    output += line(row, (text, index) => columns[index]!.colour?.(text, rows[rowIndex]!, colours) ?? text)
  })
  return output
}

/** Two columns without a header: what a thing is made of. */
export function renderFields(fields: readonly (readonly [string, Cell])[], colours: Colours): string {
  const width = Math.max(...fields.map(([name]) => textWidth(name)))
  return fields.map(([name, cell]) => `${colours.aside(padEnd(name, width))}  ${cellText(cell)}\n`).join('')
}
