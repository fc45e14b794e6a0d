// Colours that mean something: good, careful, bad, aside; and a steady colour for a word such as an event type.
import pc from 'picocolors'
import type { Io, Output } from '../framework/io.ts'

export interface Colours {
  readonly good: (text: string) => string
  readonly careful: (text: string) => string
  readonly bad: (text: string) => string
  readonly aside: (text: string) => string
  readonly strong: (text: string) => string
  /** The same word gets the same colour in every run. */
  readonly word: (text: string, by?: string) => string
}

/** Colour only on a terminal; NO_COLOR (https://no-color.org) and `--no-color` win, FORCE_COLOR asks for it elsewhere. */
export function coloursFor(output: Output, env: Io['env'], wanted: boolean): Colours {
  const forced = env.FORCE_COLOR !== undefined && env.FORCE_COLOR !== '' && env.FORCE_COLOR !== '0'
  const refused = !wanted || (env.NO_COLOR !== undefined && env.NO_COLOR !== '') || env.TERM === 'dumb'
  const colours = pc.createColors(!refused && (forced || output.isTTY))
  const palette = [
    colours.cyan,
    colours.magenta,
    colours.blue,
    colours.green,
    colours.yellow,
    colours.cyanBright,
    colours.magentaBright,
    colours.blueBright,
  ]
  return {
    good: colours.green,
    careful: colours.yellow,
    bad: colours.red,
    aside: colours.dim,
    strong: colours.bold,
    word: (text, by = text) => {
      let hash = 0
      for (const character of by) hash = (hash * 31 + character.codePointAt(0)!) >>> 0
      return palette[hash % palette.length]!(text)
    },
  }
}
