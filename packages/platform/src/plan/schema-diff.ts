// The differences between two versions of a schema, for the reader of a plan.
import type { Change } from '../model.ts'
import { declaredProperties, isSchema, type JsonSchema, sameValue } from '../payload/close.ts'

/**
 * Fields of an Avro record that were added, removed or changed their type.
 *
 * @returns nothing for other schema languages, and where a text is not a record
 */
export function schemaDetails(before: string, after: string): Change['details'] {
  const old = recordFields(before)
  const now = recordFields(after)
  if (old === null || now === null) {
    return []
  }
  const names = [...new Set([...old.keys(), ...now.keys()])]
  return names
    .map((name) => ({ key: `field ${name}`, from: old.get(name) ?? null, to: now.get(name) ?? null }))
    .filter(({ from, to }) => from !== to)
}

/**
 * Properties of a payload that were added, removed or changed their type or whether they are required, those of objects inside it too. Not all of
 * a very large schema.
 * @param before text of the registered schema
 * @returns nothing where the text is not a JSON Schema
 */
export function payloadDetails(before: string, after: JsonSchema): Change['details'] {
  let registered: unknown
  try {
    registered = JSON.parse(before)
  } catch {
    return []
  }
  if (!isSchema(registered)) {
    return []
  }
  const [old, now] = [fieldsOf(registered), fieldsOf(after)]
  return (
    [...new Set([...old.keys(), ...now.keys()])]
      .map((name) => ({ key: `field ${name}`, from: old.get(name) ?? null, to: now.get(name) ?? null }))
      // A field that is beyond the limit of one side may be there.
      .filter(({ from, to }) => from !== to && (from ?? old.size < mostFields) && (to ?? now.size < mostFields))
      .slice(0, mostRows)
  )
}

const deepest = 5
const mostFields = 2_000
const mostRows = 200

function fieldsOf(schema: JsonSchema): Map<string, string> {
  const found = new Map<string, string>()
  addFields(found, schema, schema, [], new Set())
  return found
}

/** @param entered the schemas around: one that refers to itself is entered once */
function addFields(
  found: Map<string, string>,
  schema: JsonSchema,
  root: JsonSchema,
  around: readonly string[],
  entered: ReadonlySet<JsonSchema>,
): void {
  const parts = sameValue(schema, root)
  if (around.length >= deepest || parts.some((part) => entered.has(part))) {
    return
  }
  const inner = new Set([...entered, ...parts])
  const required = Array.isArray(schema.required) ? schema.required : []
  for (const [name, part] of declaredProperties(schema, root)) {
    if (found.size >= mostFields) {
      return
    }
    if (isSchema(part)) {
      const path = [...around, name]
      const type = part.type === undefined ? 'any' : [part.type].flat().join(' or ')
      found.set(path.join('.'), required.includes(name) ? `${type}, required` : type)
      addFields(found, part, root, path, inner)
    }
  }
}

function recordFields(text: string): Map<string, string> | null {
  let schema: unknown
  try {
    schema = JSON.parse(text)
  } catch {
    // Protobuf is not JSON: its fields are not compared.
    return null
  }
  const fields = (schema as { fields?: unknown } | null)?.fields
  if (!Array.isArray(fields)) {
    return null
  }
  return new Map(fields.map(({ name, type }: { name: string; type: unknown }) => [name, typeText(type)]))
}

function typeText(type: unknown): string {
  return typeof type === 'string' ? type : JSON.stringify(type)
}
