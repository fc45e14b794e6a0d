// Lines for a terminal, broken between words; elsewhere they stay whole, for grep and logs.
import { wrapAnsi } from 'fast-wrap-ansi'
import type { Output } from './terminal.ts'

const leastColumns = 24

/** Breaks each line of a text to the terminal's width; further lines begin below the text, behind `indent` columns. */
export function wrapFor(output: Pick<Output, 'isTTY' | 'columns'>, text: string, indent: number): string {
  if (!output.isTTY) return text
  const room = Math.max(leastColumns, output.columns - indent)
  return text
    .split('\n')
    .map((line) => wrapLine(line, room))
    .join('\n')
    .replaceAll('\n', `\n${' '.repeat(indent)}`)
}

/** The same where it is not a terminal, too: lines stay whole there, and all of them begin behind `indent` columns. */
export function indented(output: Pick<Output, 'isTTY' | 'columns'>, text: string, indent: number): string {
  return output.isTTY ? wrapFor(output, text, indent) : text.replaceAll('\n', `\n${' '.repeat(indent)}`)
}

/**
 * A text of one line, broken between words to `width` columns; further lines are behind `indent` columns. A word that is longer than
 * a line is broken as well.
 */
export function wrapHanging(text: string, width: number, indent: number): string {
  const room = Math.max(leastColumns, width - indent)
  return wrapAnsi(text, room, { hard: true }).replaceAll('\n', `\n${' '.repeat(indent)}`)
}

/** A line's own indentation is kept, for all that it becomes. A word that is longer than the room stays whole. */
function wrapLine(line: string, room: number): string {
  const start = /^ */.exec(line)![0]
  const width = Math.max(leastColumns, room - start.length)
  return wrapAnsi(line.slice(start.length), width).replace(/^/gm, start)
}
