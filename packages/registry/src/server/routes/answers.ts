// How a version is shown: Confluent's field order; the type of Avro and empty references are left out.
import { parseStored } from '../../operations/index.ts'
import { contextOf, qualify, type RegistryState, type SchemaValue } from '../../store/index.ts'
import type { Call } from './route.ts'

export function versionAnswer(value: SchemaValue, call: Call): Record<string, unknown> {
  return {
    subject: value.subject,
    version: value.version,
    id: value.id,
    ...typeAnswer(value, call),
    schema: value.schema,
  }
}

/** References are shown as they were registered; with `referenceFormat=qualified` each names its context. */
export function typeAnswer(value: SchemaValue, call: Call): Record<string, unknown> {
  const { schemaType } = value
  const references =
    call.query.referenceFormat?.toLowerCase() !== 'qualified'
      ? value.references
      : value.references.map((reference) => ({
          ...reference,
          subject: qualify(reference.subject, contextOf(value.subject)),
        }))
  return {
    ...(schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references.length === 0 ? {} : { references }),
  }
}

/** The text that `format` asks for; `resolved` has the referenced types written out. Unknown formats are ignored. */
export function textOf(state: RegistryState, value: SchemaValue, format: string | undefined): string {
  return format?.toLowerCase() === 'resolved' ? parseStored(state, value).resolved : value.schema
}
