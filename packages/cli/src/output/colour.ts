// Colours that mean something: good, careful, bad, aside; and a steady colour for a word such as an event type.
import { styleText } from 'node:util'
import type { Output } from './terminal.ts'

export interface Colours {
  readonly good: (text: string) => string
  readonly careful: (text: string) => string
  readonly bad: (text: string) => string
  readonly aside: (text: string) => string
  readonly strong: (text: string) => string
  /** The same word gets the same colour in every run. */
  readonly word: (text: string, by?: string) => string
}

type Format = Parameters<typeof styleText>[0]

const wordFormats = [
  ...(['cyan', 'magenta', 'blue', 'green', 'yellow'] as const),
  ...(['cyanBright', 'magentaBright', 'blueBright'] as const),
]

/** Colour only on a terminal; NO_COLOR (https://no-color.org) and `--no-color` win, FORCE_COLOR asks for it elsewhere. */
export function coloursFor(
  output: Pick<Output, 'isTTY'>,
  env: Readonly<Record<string, string | undefined>>,
  wanted: boolean,
): Colours {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '' && env.FORCE_COLOR !== '0'
  const unwanted = !wanted || (env.NO_COLOR !== undefined && env.NO_COLOR !== '') || env.TERM === 'dumb'
  const isColoured = !unwanted && (forced || output.isTTY)
  const style = (format: Format, text: string): string =>
    // Whether there is colour has been decided here, and not by what the process writes to.
    isColoured ? styleText(format, text, { validateStream: false }) : text
  return {
    good: (text) => style('green', text),
    careful: (text) => style('yellow', text),
    bad: (text) => style('red', text),
    aside: (text) => style('dim', text),
    strong: (text) => style('bold', text),
    word: (text, by = text) => {
      let hash = 0
      for (const character of by) hash = (hash * 31 + character.codePointAt(0)!) >>> 0
      return style(wordFormats[hash % wordFormats.length]!, text)
    },
  }
}
