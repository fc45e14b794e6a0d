// How many columns a text takes on a terminal: East Asian wide characters and emoji take two, combining marks none.
import { stripVTControlCharacters } from 'node:util'

const ascii = /^[\x20-\x7e]*$/
const emoji = /\p{Emoji_Presentation}|\p{Emoji}\u{fe0f}/u
const zeroWidth = /^[\p{Mark}\p{Format}\p{Control}]+$/u

/** Unicode's wide and fullwidth blocks (UAX #11), coarse on purpose: whole blocks, not single characters. */
const wideBlocks: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe6f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x20000, 0x3fffd],
]

let segmenter: Intl.Segmenter | undefined

function* graphemes(text: string): Generator<string> {
  segmenter ??= new Intl.Segmenter(undefined, { granularity: 'grapheme' })
  for (const { segment } of segmenter.segment(text)) yield segment
}

function graphemeWidth(grapheme: string): number {
  if (zeroWidth.test(grapheme)) return 0
  if (emoji.test(grapheme)) return 2
  const point = grapheme.codePointAt(0)!
  return wideBlocks.some(([from, to]) => point >= from && point <= to) ? 2 : 1
}

/** Columns that `text` takes, colours not counted. */
export function textWidth(text: string): number {
  const plain = stripVTControlCharacters(text)
  if (ascii.test(plain)) return plain.length
  let width = 0
  for (const grapheme of graphemes(plain)) width += graphemeWidth(grapheme)
  return width
}

/** Cuts a text without colours to `columns`, ending in `…` when something was cut. */
export function truncate(text: string, columns: number): string {
  if (textWidth(text) <= columns) return text
  let width = 0
  let kept = ''
  for (const grapheme of graphemes(text)) {
    width += graphemeWidth(grapheme)
    if (width > columns - 1) break
    kept += grapheme
  }
  return `${kept}…`
}

export function padEnd(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - textWidth(text)))
}

export function padStart(text: string, columns: number): string {
  return ' '.repeat(Math.max(0, columns - textWidth(text))) + text
}
