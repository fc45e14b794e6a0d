// The lines that `up` and `setup` write while they work: one a part, with how long it took.

import type { Colours } from '../output/colour.ts'
import { elapsed } from '../output/format.ts'
import type { Output } from '../output/terminal.ts'
import { padEnd, padStart } from '../output/width.ts'

/** Reports progress: a stage of the work, or one of many small ticks, which only a terminal shows. */
export type Progress = (text: string, kind?: 'stage' | 'tick') => void

export interface Steps {
  /**
   * Runs one part and writes its line when it is done: name, what came out, time taken. While it runs a terminal shows
   * what it is doing; elsewhere each stage is a line of its own, for the logs of a CI run.
   */
  run<Result>(
    name: string,
    work: (progress: Progress) => Promise<Result>,
    describe: (result: Result) => string,
  ): Promise<Result>
}

const nameWidth = 10
const textColumns = 44

/** @param signal after this signal nothing more is written, because the user does not want to read about interrupted steps */
export function createSteps(
  output: Output,
  colours: Colours,
  signal?: AbortSignal,
  now: () => number = () => performance.now(),
): Steps {
  const write = (text: string): void => {
    if (signal?.aborted !== true) output.write(text)
  }
  return {
    async run(name, work, describe) {
      const started = now()
      const label = padEnd(name, nameWidth)
      let shown = ''
      const progress: Progress = (text, kind = 'stage') => {
        if (text === shown || (kind === 'tick' && !output.isTTY)) return
        shown = text
        write(output.isTTY ? `\r\u001b[K  ${colours.aside(`… ${label} ${text}`)}` : `  … ${label} ${text}\n`)
      }
      const clear = (): void => {
        if (output.isTTY && shown !== '') write('\r\u001b[K')
      }
      if (output.isTTY) progress('starting')
      try {
        const result = await work(progress)
        clear()
        const took = padStart(elapsed(now() - started), 8)
        write(`  ${colours.good('✔')} ${label} ${padEnd(describe(result), textColumns)} ${colours.aside(took)}\n`)
        return result
      } catch (error) {
        clear()
        write(`  ${colours.bad('✘')} ${name}\n`)
        throw error
      }
    },
  }
}
