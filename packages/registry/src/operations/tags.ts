// Tags that a request writes into the text of a schema.
import { InvalidSchemaError, type ParsedSchema, type TaggedEntity } from '../formats/index.ts'
import type { RegistryState, SchemaValue } from '../store/index.ts'
import { errors } from './errors.ts'
import { parseStored } from './schemas.ts'

export interface TagChange {
  readonly add: readonly TaggedEntity[]
  readonly remove: readonly TaggedEntity[]
}

/** @throws {RegistryRefusal} 42201 nothing has a path, or the language has no tags */
export function tagged(schema: ParsedSchema, { add, remove }: TagChange): ParsedSchema {
  if (add.length === 0 && remove.length === 0) return schema
  if (!schema.withTags)
    throw errors.invalidSchema(`Schemas of type ${schema.schemaType} cannot be tagged by this registry`)
  try {
    return schema.withTags(add, remove)
  } catch (error) {
    if (error instanceof InvalidSchemaError) throw errors.invalidSchema(error.message, error)
    throw error
  }
}

/** The schema with the tags that the latest version has, where it has the same records and fields. */
export function withTagsOf(state: RegistryState, latest: SchemaValue | undefined, schema: ParsedSchema): ParsedSchema {
  const before = latest === undefined ? [] : (parseStored(state, latest).tags ?? [])
  const places = new Set(schema.tags?.map(({ path, type }) => `${type} ${path}`))
  const add = before.filter(({ path, type, tags }) => tags.length > 0 && places.has(`${type} ${path}`))
  return tagged(schema, { add, remove: [] })
}
