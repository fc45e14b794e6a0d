// How a version is shown: Confluent's field order; the type of Avro and empty references are left out.
import { parseStored } from '../../registry/index.ts'
import type { RegistryState, SchemaValue } from '../../store/index.ts'

export function versionAnswer(value: SchemaValue): Record<string, unknown> {
  return {
    subject: value.subject,
    version: value.version,
    id: value.id,
    ...typeAnswer(value),
    schema: value.schema,
  }
}

export function typeAnswer({ schemaType, references }: SchemaValue): Record<string, unknown> {
  return {
    ...(schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references.length === 0 ? {} : { references }),
  }
}

/** The text that `format` asks for; `resolved` has the referenced types written out. Unknown formats are ignored. */
export function textOf(state: RegistryState, value: SchemaValue, format: string | undefined): string {
  return format?.toLowerCase() === 'resolved' ? parseStored(state, value).resolved : value.schema
}
