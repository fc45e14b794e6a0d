// The order of references in a normalised schema: by subject, version and name, each once.
import type { SchemaReference } from '../types.ts'

export function sortReferences(references: readonly SchemaReference[]): SchemaReference[] {
  const unique = new Map(
    references.map((reference) => [JSON.stringify([reference.subject, reference.version, reference.name]), reference]),
  )
  return [...unique.values()].toSorted(
    (a, b) => compare(a.subject, b.subject) || a.version - b.version || compare(a.name, b.name),
  )
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
