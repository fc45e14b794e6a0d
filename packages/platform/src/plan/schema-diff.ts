// The differences between two versions of a schema, for the reader of a plan.
import type { Change } from '../model.ts'
import { declaredProperties, isSchema, type JsonSchema } from '../payload/close.ts'

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
 * Properties of a payload that were added, removed or changed their type or whether they are required, those of objects inside it too.
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
  const [old, now] = [properties(registered, registered), properties(after, after)]
  return [...new Set([...old.keys(), ...now.keys()])]
    .map((name) => ({ key: `field ${name}`, from: old.get(name) ?? null, to: now.get(name) ?? null }))
    .filter(({ from, to }) => from !== to)
}

const deepest = 5

function properties(schema: JsonSchema, root: JsonSchema, around: readonly string[] = []): Map<string, string> {
  const found = new Map<string, string>()
  const required = Array.isArray(schema.required) ? schema.required : []
  for (const [name, part] of declaredProperties(schema, root)) {
    if (!isSchema(part)) {
      continue
    }
    const path = [...around, name]
    const type = part.type === undefined ? 'any' : [part.type].flat().join(' or ')
    found.set(path.join('.'), required.includes(name) ? `${type}, required` : type)
    // A schema may refer to itself.
    if (path.length < deepest) {
      for (const [inner, text] of properties(part, root, path)) {
        found.set(inner, text)
      }
    }
  }
  return found
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
