// Places in a JSON text: where a mistake is, and where a JSON pointer leads.
import { jsonProblem } from '@selfmonitor/registry'
import { isMap, isScalar, LineCounter, parseDocument } from 'yaml'
import type { PlatformProblem } from '../model.ts'

export interface Place {
  /** From 1. */
  readonly line: number
  /** From 1. */
  readonly column: number
}

/** Parses a file's text as JSON (RFC 8259). A mistake is described in JSON's terms, at its line and column. */
export function parseJsonFile(file: string, text: string): { value: unknown } | { problem: PlatformProblem } {
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    const found = jsonProblem(text)
    const { line, column } = found ?? { line: 1, column: 1 }
    const message = `is not valid JSON: ${found?.problem ?? (error as Error).message}`
    return { problem: { file, line, column, path: '', message } }
  }
}

/**
 * Where a JSON pointer (RFC 6901) leads in a text; the nearest place around it where the pointer leads nowhere, and the
 * beginning where that cannot be told.
 *
 * @param of whether the place is that of the value, or of the key in front of it
 */
export function placeIn(text: string, pointer: string | null, of: 'key' | 'value' = 'value'): Place {
  if (pointer === null || pointer === '' || pointer === '/') {
    return { line: 1, column: 1 }
  }
  // JSON is YAML, whose parser knows the place of each node.
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const path = pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .map((part) => (/^\d+$/.test(part) ? Number(part) : part))
  const parent = of === 'key' ? document.getIn(path.slice(0, -1), true) : undefined
  const pair = isMap(parent) ? parent.items.find(({ key }) => isScalar(key) && key.value === path.at(-1)) : undefined
  for (let depth = path.length; depth > 0; depth--) {
    const node = (pair?.key ?? document.getIn(path.slice(0, depth), true)) as { range?: readonly number[] } | undefined
    if (node?.range?.[0] !== undefined) {
      const { line, col } = lines.linePos(node.range[0])
      return { line, column: col }
    }
  }
  return { line: 1, column: 1 }
}
