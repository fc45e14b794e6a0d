// Reserved fields: names that the metadata keep free for later, where `validateFields` is set. The property `confluent:reserved` lists
// them, joined with commas.
import { propertyOf } from '../contract/index.ts'
import type { ParsedSchema } from '../formats/index.ts'
import type { SchemaMetadata } from '../types.ts'

const reservedProperty = 'confluent:reserved'

/** @returns a line for each reserved name that the schema uses, and for each that the version before reserved and this one does not */
export function reservedFieldProblems(
  schema: ParsedSchema,
  metadata: SchemaMetadata | undefined,
  before: SchemaMetadata | undefined,
): readonly string[] {
  const reserved = reservedIn(metadata)
  const fields = new Set(schema.fields)
  const removed = reservedIn(before).filter((name) => !reserved.includes(name))
  const used = reserved.filter((name) => fields.has(name))
  return [
    ...removed.map(
      (name) =>
        `{errorType:'RESERVED_FIELD_REMOVED', description:'The new schema has reserved field ${name} removed from its metadata which is present in the old schema's metadata.'}`,
    ),
    ...used.map(
      (name) =>
        `{errorType:'FIELD_CONFLICTS_WITH_RESERVED_FIELD', description:'The new schema has field that conflicts with the reserved field ${name}.'}`,
    ),
  ]
}

function reservedIn(metadata: SchemaMetadata | undefined): string[] {
  const names = (propertyOf(metadata, reservedProperty) ?? '').split(',').map((name) => name.trim())
  return names.filter((name) => name !== '')
}
