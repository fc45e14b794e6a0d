// The seven compatibility levels: which versions a new schema is compared with, and which side reads.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/schema-evolution.html
import type { CompatibilityLevel, Incompatibility, SchemaType } from '../types.ts'
import type { Side } from './messages.ts'

export const compatibilityLevels = [
  'NONE',
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
] as const satisfies readonly CompatibilityLevel[]

export function isCompatibilityLevel(text: string): text is CompatibilityLevel {
  return (compatibilityLevels as readonly string[]).includes(text)
}

/** The operations on a schema, of any format, that the levels need. */
export interface Comparable<Self> {
  readonly schemaType: SchemaType
  /** Every problem of reading, with this schema, what `writer` wrote. May throw what makes a comparison impossible. */
  problemsReading(writer: Self): readonly Incompatibility[]
  /** A problem as Confluent's registry words it for this format, in a line of `messages`. */
  describe(problem: Incompatibility, reader: Side, writer: Side): string
}

export interface Versioned<Schema> {
  readonly version: number
  readonly text: string
  /** Called only for the versions that are compared. */
  parse(): Schema
}

/** The first version that the new schema does not get along with, and why. */
export interface Conflict {
  readonly version: number
  readonly problems: readonly (Incompatibility & { readonly reader: Side })[]
  /** In Confluent's words: one text a problem, then the old version's number and text. */
  readonly messages: readonly string[]
}

/** As Confluent's client says it (io.confluent.kafka.schemaregistry.ParsedSchema, Apache-2.0). */
const otherLanguage = 'Incompatible because of different schema type'

const longestQuotedSchema = 10 * 1024

/**
 * Compares a schema with a subject's versions, newest first, and stops at the first conflict, as Confluent's registry
 * does; the levels that are not transitive look at the newest only.
 * @param versions oldest first
 * @returns undefined when compatible
 */
export function findConflict<Schema extends Comparable<Schema>>(
  level: CompatibilityLevel,
  candidate: Schema,
  versions: readonly Versioned<Schema>[],
): Conflict | undefined {
  const readers = readersOf(level)
  if (readers.length === 0) return undefined
  const compared = level.endsWith('_TRANSITIVE') ? versions.toReversed() : versions.slice(-1)
  for (const existing of compared) {
    const conflict = compare(readers, candidate, existing)
    if (conflict) return conflict
  }
  return undefined
}

/** Confluent lists the old schema's problems before the new one's. */
function readersOf(level: CompatibilityLevel): readonly Side[] {
  switch (level) {
    case 'NONE':
      return []
    case 'BACKWARD':
    case 'BACKWARD_TRANSITIVE':
      return ['new']
    case 'FORWARD':
    case 'FORWARD_TRANSITIVE':
      return ['old']
    case 'FULL':
    case 'FULL_TRANSITIVE':
      return ['old', 'new']
  }
}

function compare<Schema extends Comparable<Schema>>(
  readers: readonly Side[],
  candidate: Schema,
  { version, text, parse }: Versioned<Schema>,
): Conflict | undefined {
  const problems: (Incompatibility & { reader: Side })[] = []
  const messages: string[] = []
  let lines: readonly string[] = []
  for (const reader of readers) {
    const writer = reader === 'new' ? 'old' : 'new'
    try {
      const existing = parse()
      if (existing.schemaType !== candidate.schemaType) {
        return { version, problems, messages: [otherLanguage, `{oldSchemaVersion: ${version}}`, quoteSchema(text)] }
      }
      const found = reader === 'new' ? candidate.problemsReading(existing) : existing.problemsReading(candidate)
      problems.push(...found.map((problem) => ({ ...problem, reader })))
      lines = found.map((problem) => candidate.describe(problem, reader, writer))
    } catch (error) {
      lines = [`Unexpected exception during compatibility check: ${(error as Error).message}`]
    }
    messages.push(...lines)
  }
  if (messages.length === 0) return undefined
  // Under FULL the old schema is quoted only when the new one has problems with it.
  const quoted = lines.length === 0 ? [] : [`{oldSchemaVersion: ${version}}`, quoteSchema(text)]
  return { version, problems, messages: [...messages, ...quoted] }
}

function quoteSchema(text: string): string {
  if (text.length <= longestQuotedSchema) return `{oldSchema: '${text}'}`
  return `{oldSchema: <truncated to ${longestQuotedSchema} characters> '${text.slice(0, longestQuotedSchema)}'}`
}
