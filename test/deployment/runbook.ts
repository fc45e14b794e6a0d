// The runbook as data: its headings, and its fenced blocks with their section and line. Other tests run the blocks.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const runbookFile = fileURLToPath(new URL('../../docs/runbooks/kafka-operations.md', import.meta.url))

export interface RunbookBlock {
  /** First word of the info string: `bash` runs inside a broker, `console` is typed outside, `text` is output. */
  readonly language: string
  /** The rest of the info string: `scale-up`. */
  readonly label: string
  /** The `##` heading above it, and the `###` one, if any. */
  readonly section: string
  readonly heading: string
  /** Line of its first command, from 1. */
  readonly line: number
  readonly text: string
}

export interface Runbook {
  readonly text: string
  /** All headings of the second and third level, in order. */
  readonly headings: readonly string[]
  readonly blocks: readonly RunbookBlock[]
}

/** Reads the document. @throws Error when a fence is not closed. */
export function readRunbook(text = readFileSync(runbookFile, 'utf8')): Runbook {
  const headings: string[] = []
  const blocks: RunbookBlock[] = []
  let section = ''
  let heading = ''
  let open: { fence: string; info: string; line: number; lines: string[] } | null = null
  for (const [index, line] of text.split('\n').entries()) {
    const fence = /^( *)```(.*)$/.exec(line)
    if (open) {
      if (fence && fence[1] === open.fence && fence[2] === '') {
        const [language = '', ...label] = open.info.trim().split(/\s+/)
        const body = open.lines.map((inner) => inner.slice(open!.fence.length)).join('\n')
        blocks.push({ language, label: label.join(' '), section, heading, line: open.line, text: body })
        open = null
      } else open.lines.push(line)
    } else if (fence) {
      open = { fence: fence[1]!, info: fence[2]!, line: index + 2, lines: [] }
    } else {
      const [, level, title] = /^(##|###) (.+)$/.exec(line) ?? []
      if (!title) continue
      headings.push(title)
      heading = title
      if (level === '##') section = title
    }
  }
  if (open) throw new Error(`The block that begins in line ${open.line - 1} of the runbook is not closed`)
  return { text, headings, blocks }
}

export interface Command {
  /** `line 12` */
  readonly at: string
  readonly words: readonly string[]
}

/** Commands of blocks, one an entry: continued lines joined, pipes taken apart. */
export function commandsOf(blocks: readonly RunbookBlock[]): readonly Command[] {
  return blocks.flatMap(({ text, line }) =>
    text
      .replace(/\\\n\s*/g, ' ')
      .split('\n')
      .flatMap((command, index) =>
        // A pipe inside of quotes is part of an argument.
        command
          .split(/\s\|\s(?=(?:[^']*'[^']*')*[^']*$)/)
          .map((part) => ({ at: `line ${line + index}`, words: wordsOf(part.trim()) })),
      )
      .filter(({ words }) => words.length > 0),
  )
}

/** The part of a command before `--`; the rest runs in a pod. */
export const outside = (words: readonly string[]): readonly string[] =>
  words.includes('--') ? words.slice(0, words.indexOf('--')) : words

/** As a shell splits a line: quotes hold words together and vanish. */
function wordsOf(line: string): string[] {
  return [...line.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"/g, '$1$2'),
  )
}
