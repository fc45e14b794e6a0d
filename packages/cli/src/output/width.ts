// How many columns a text takes on a terminal: East Asian wide characters and emoji take two, combining marks none.
import stringWidth from 'fast-string-truncated-width'

const ellipsis = '…'

/** Columns that `text` takes, colours not counted. */
export function textWidth(text: string): number {
  return stringWidth(text).width
}

/** Cuts a text without colours to `columns`, ending in `…` when something was cut. */
export function truncate(text: string, columns: number): string {
  const { index, truncated } = stringWidth(text, { limit: columns, ellipsis, ellipsisWidth: 1 })
  return truncated ? `${text.slice(0, index)}${ellipsis}` : text
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - textWidth(text)))
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - textWidth(text))) + text
}
