// Reads the lines in which a Schema Registry says why a schema is incompatible: Confluent's and ours have one form.

/** One reason against a schema. */
export interface IncompatibilityReason {
  /** `READER_FIELD_MISSING_DEFAULT_VALUE`; null where the registry's words have another form. */
  readonly type: string | null
  /** In words, without the old schema's text. */
  readonly description: string
  /** JSON pointer to the place in the new schema, `/fields/5`; null where it is not said. */
  readonly path: string | null
  /** The name or the type that it is about. */
  readonly additionalInfo: string | null
  /**
   * What does not work: to read records of the old schema with the new one (`backward`), or those of the new with the old
   * (`forward`); null where the registry's words do not say which schema reads.
   */
  readonly direction: 'backward' | 'forward' | null
}

export interface Incompatibility {
  readonly reasons: readonly IncompatibilityReason[]
  /** The version that it was compared with. */
  readonly version: number | null
  /** The level that it was compared under. */
  readonly compatibility: string | null
}

const reasonLine = /^\{errorType:\s*'([^']*)',\s*description:\s*'(.*)',\s*additionalInfo:\s*'(.*)'\}$/s
const contextLine = /^\{(oldSchema|oldSchemaVersion|validateFields|compatibility)\b/

/** @param messages of a compatibility check with `verbose=true`, or of a refused registration */
export function readIncompatibility(messages: readonly string[]): Incompatibility {
  const version = firstMatch(messages, /^\{oldSchemaVersion: (\d+)\}/)
  return {
    reasons: messages.filter((line) => !contextLine.test(line)).map(reasonOf),
    version: version === null ? null : Number(version),
    compatibility: firstMatch(messages, /compatibility: '(\w+)'/),
  }
}

function reasonOf(line: string): IncompatibilityReason {
  const [, type, description, additionalInfo] = reasonLine.exec(line) ?? []
  if (type === undefined || description === undefined) {
    return { type: null, description: line, path: null, additionalInfo: null, direction: null }
  }
  const path = /at path '([^']*)' in the new schema/.exec(description)?.[1] ?? null
  // The schema that reads comes first, in Confluent's words as in ours.
  const reader = /\bthe (new|old) schema\b/i.exec(description)?.[1]
  const direction = reader === 'new' ? 'backward' : reader === 'old' ? 'forward' : null
  return { type, description, path, additionalInfo: additionalInfo ?? null, direction }
}

function firstMatch(lines: readonly string[], pattern: RegExp): string | null {
  for (const line of lines) {
    const found = pattern.exec(line)?.[1]
    if (found !== undefined) return found
  }
  return null
}
