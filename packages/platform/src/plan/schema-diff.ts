// The differences between two versions of a schema, for the reader of a plan.
import type { Change } from '../model.ts'

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
