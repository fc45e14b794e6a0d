// The envelope: what an Avro schema must hold to carry events of the library. One owner of that rule, for the file's
// validation and for the library's own check of the registered schema.
import { type AvroSchema, type NamedTypes, parseAvro } from '@selfmonitor/registry'

/** Where the envelope is described, for error messages. */
export const envelopeDocs = 'see “On the wire” in the README of @selfmonitor/events'

const fields = {
  event_id: 'string',
  event_type: 'string',
  user_id: 'string',
  timestamp: 'long',
  data: 'string',
} as const

export type EnvelopeField = keyof typeof fields

export const envelopeFields: Readonly<Record<EnvelopeField, 'string' | 'long'>> = fields

/** The smallest schema that carries events. */
export function envelopeSchema(name: string, namespace?: string): string {
  return JSON.stringify(
    {
      type: 'record',
      name,
      ...(namespace === undefined ? {} : { namespace }),
      fields: Object.entries(fields).map(([field, type]) => ({ name: field, type })),
    },
    null,
    2,
  )
}

/**
 * @param schema text of an Avro schema
 * @param referenced texts of the schemas that it refers to, each after those that it needs itself
 * @returns what keeps the schema from carrying events, as `it … `; null when nothing does
 * @throws AvroSchemaError when a text is not an Avro schema
 */
export function envelopeProblem(schema: string, referenced: readonly string[] = []): string | null {
  const types: NamedTypes = new Map()
  for (const text of referenced) {
    parseAvro(text, { types, lenient: true })
  }
  const parsed = parseAvro(schema, { types, lenient: true })
  if (parsed.type !== 'record') {
    return `it is of type ${parsed.type}, not a record`
  }
  const found = new Map(parsed.fields.map((field) => [field.name, field]))
  for (const [name, expected] of Object.entries(fields)) {
    const field = found.get(name)
    if (field === undefined) {
      return `it has no field ${name} (${expected})`
    }
    if (!holds(field.type, expected)) {
      return `its field ${name} is not a ${expected}`
    }
  }
  for (const field of parsed.fields) {
    if (!(field.name in fields) && field.default === undefined) {
      return `its field ${field.name} has no default, and events do not carry it`
    }
  }
  return null
}

function holds(type: AvroSchema, expected: string): boolean {
  return type.type === expected || (type.type === 'union' && type.branches.some((branch) => branch.type === expected))
}
