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
   * The direction that fails: reading records of the old schema with the new one (`backward`), or those of the new with the old
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
/** Of JSON Schema, with the quotes that Confluent's registry writes. */
const jsonReasonLine = /^\{errorType:\s*"([^"]*)",\s*description:\s*"(.*)['"]\}$/s
const contextLine = /^\{(oldSchema|oldSchemaVersion|validateFields|compatibility)\b/

/**
 * @param messages of a compatibility check with `verbose=true`, or of a refused registration
 * @param schema the new schema's text, in which a place that is said of the old schema is looked for by the names of its fields
 */
export function readIncompatibility(messages: readonly string[], schema?: string): Incompatibility {
  const version = firstMatch(messages, /^\{oldSchemaVersion: (\d+)\}/)
  const compatibility = firstMatch(messages, /compatibility: '(\w+)'/)
  const [old, wanted] = [parsed(firstMatch(messages, /^\{oldSchema: '(.*)'\}$/s)), parsed(schema ?? null)]
  const toNew: FindPlace = (pointer) => (old === null || wanted === null ? null : samePlace(pointer, old, wanted))
  return {
    reasons: messages.filter((line) => !contextLine.test(line)).map((line) => reasonOf(line, compatibility, toNew)),
    version: version === null ? null : Number(version),
    compatibility,
  }
}

/**
 * A reason in words, with the name of the field and what the registry says beyond its description (`reader type: INT not
 * compatible with writer type: STRING`), unless the description says it.
 * @param schema the new schema's text
 */
export function explainReason({ description, path, additionalInfo }: IncompatibilityReason, schema: string): string {
  const field = path === null ? null : fieldName(schema, path)
  const more = [
    ...(field === null || description.includes(`'${field.split('.').at(-1)}'`) ? [] : [`field ${field}`]),
    ...(additionalInfo === null || additionalInfo === '' || description.includes(additionalInfo)
      ? []
      : [additionalInfo]),
  ]
  return more.length === 0 ? description : `${description} (${more.join('; ')})`
}

/** @returns the field that a pointer into an Avro schema leads to or into, with those around it: `address.city`; null for none */
function fieldName(schema: string, pointer: string): string | null {
  let found = parsed(schema)
  const parts = pointer.split('/').slice(1)
  const names: string[] = []
  for (const [index, part] of parts.entries()) {
    found = partOf(found, part)
    const name = partOf(found, 'name')
    if (parts[index - 1] === 'fields' && typeof name === 'string') names.push(name)
  }
  return names.length === 0 ? null : names.join('.')
}

/** @param pointer into the old schema @returns the pointer to the same place in the new one, null where that is not known */
type FindPlace = (pointer: string) => string | null

/** Fields have the same name and may have another position. Where the new schema has no such part, it is the part around it. */
function samePlace(pointer: string, old: unknown, wanted: unknown): string | null {
  let [before, after] = [old, wanted]
  const found: string[] = []
  const parts = pointer.split('/').slice(1)
  for (const [index, part] of parts.entries()) {
    before = partOf(before, part)
    const name = partOf(before, 'name')
    const isField = parts[index - 1] === 'fields' && Array.isArray(after)
    const key = isField ? String((after as unknown[]).findIndex((field) => partOf(field, 'name') === name)) : part
    after = partOf(after, key)
    if (after === undefined) break
    found.push(key)
  }
  return found.length === 0 ? null : `/${found.join('/')}`
}

function partOf(schema: unknown, key: string): unknown {
  return typeof schema === 'object' && schema !== null && Object.hasOwn(schema, key)
    ? (schema as Readonly<Record<string, unknown>>)[key]
    : undefined
}

/** @returns null for what is not JSON */
function parsed(text: string | null): unknown {
  try {
    return text === null ? null : JSON.parse(text)
  } catch {
    return null
  }
}

function reasonOf(line: string, level: string | null, toNew: FindPlace): IncompatibilityReason {
  const [, type, description, additionalInfo] = reasonLine.exec(line) ?? jsonReasonLine.exec(line) ?? []
  if (type === undefined || description === undefined) {
    return { type: null, description: line, path: null, additionalInfo: null, direction: null }
  }
  // The schema that reads comes first, in Confluent's words as in ours.
  const reader = /\bthe (new|old) (?:schema|has)\b/i.exec(description)?.[1]
  const direction = reader === 'new' ? 'backward' : reader === 'old' ? 'forward' : null
  // Paths are those of the schema that reads (org.apache.avro.SchemaCompatibility.Incompatibility.getLocation), whichever
  // of the two schemas the words name next to them.
  const reads =
    direction ?? (level?.startsWith('BACKWARD') ? 'backward' : level?.startsWith('FORWARD') ? 'forward' : null)
  // JSON Schema's are URI fragments: `#/properties/name`.
  const said = /\bpath '#?([^']*)'/.exec(description)?.[1] ?? null
  const path = said === null || reads === null ? null : reads === 'backward' ? said : toNew(said)
  return { type, description, path, additionalInfo: additionalInfo ?? null, direction }
}

function firstMatch(lines: readonly string[], pattern: RegExp): string | null {
  for (const line of lines) {
    const found = pattern.exec(line)?.[1]
    if (found !== undefined) return found
  }
  return null
}
