// Java's properties syntax, as `java.util.Properties.load` reads it: comments, continued lines, separators, escapes.

export interface Property {
  readonly value: string
  /** Of the key, from 1. */
  readonly line: number
}

/** A line that Java also rejects. */
export class MalformedEscape extends Error {
  readonly line: number
  constructor(line: number) {
    super('a \\u needs four hexadecimal digits')
    this.line = line
  }
}

/**
 * Reads a properties text. If a key occurs twice, the last value counts.
 *
 * @throws MalformedEscape for a `\u` without four hexadecimal digits
 */
export function parseProperties(text: string): Map<string, Property> {
  const found = new Map<string, Property>()
  for (const { content, line } of logicalLines(text)) {
    // The key ends at the first `=`, `:` or space that is not escaped; one separator and the space around it belong to neither.
    const [whole, key = ''] = /^((?:\\.|[^\\=: \t\f])*)[ \t\f]*(?:[=:][ \t\f]*)?/s.exec(content)!
    found.set(unescaped(key, line), { value: unescaped(content.slice(whole.length), line), line })
  }
  return found
}

function* logicalLines(text: string): Generator<{ content: string; line: number }> {
  const lines = text.split(/\r\n|\r|\n/)
  for (let i = 0; i < lines.length; i++) {
    const start = i
    let content = lines[i]!.replace(/^[ \t\f]+/, '')
    if (content === '' || /^[#!]/.test(content)) {
      continue
    }
    while (continues(content)) {
      content = content.slice(0, -1) + (lines[++i] ?? '').replace(/^[ \t\f]+/, '')
    }
    yield { content, line: start + 1 }
  }
}

/** An odd number of backslashes at the end: the last one is not escaped. */
function continues(line: string): boolean {
  return /\\*$/.exec(line)![0].length % 2 === 1
}

const escapes: Readonly<Record<string, string>> = { t: '\t', n: '\n', r: '\r', f: '\f' }

function unescaped(text: string, line: number): string {
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.?))/gs, (_, hex: string | undefined, char: string | undefined) => {
    if (hex !== undefined) {
      return String.fromCharCode(Number.parseInt(hex, 16))
    }
    if (char === 'u') {
      throw new MalformedEscape(line)
    }
    return escapes[char!] ?? char!
  })
}
