// The seam between the registry and a schema language: each is a row of the table in index.ts.
import type { Comparable } from '../compatibility/index.ts'
import type { SchemaDefinition, SchemaReference, SchemaType } from '../types.ts'

/** The text of a schema is wrong; the message says what and where. */
export class InvalidSchemaError extends Error {
  readonly code = 'INVALID_SCHEMA'
}

/** A schema that another one names, its own references already found. */
export interface ResolvedReference {
  readonly reference: SchemaReference
  readonly schema: string
}

/** A schema that another one names, with the schemas that it names itself. */
export interface NamedReference extends ResolvedReference {
  readonly references: readonly NamedReference[]
}

/** A record or a field of a schema, and its tags. */
export interface TaggedEntity {
  /** The record's full name, and the field's behind it: `com.x.User.email`. */
  readonly path: string
  readonly type: 'sr_record' | 'sr_field'
  readonly tags: readonly string[]
}

export interface ParsedSchema extends Comparable<ParsedSchema> {
  readonly schemaType: SchemaType
  /** The text that is stored, compared and hashed. */
  readonly canonical: string
  /** The text with all referenced types written out in it. */
  readonly resolved: string
  readonly references: readonly SchemaReference[]
  /** The same schema without the differences that mean nothing. */
  normalize(): ParsedSchema
  /**
   * The text in the form that the query parameter `format` asks for: `resolved` of Avro and JSON Schema, `serialized` and
   * `ignore_extensions` of Protobuf.
   * @returns undefined for a form that the language does not have
   */
  formatted(form: string): string | undefined
  /** Names of the fields at the top, where it is a record. Absent: the language does not say them yet. */
  readonly fields?: readonly string[]
  /** What is tagged in the text. Absent: the language has no tags yet. */
  readonly tags?: readonly TaggedEntity[]
  /**
   * The same schema with some tags more and others less; a path may leave out the namespace. Absent: the language has no tags yet.
   * @throws {InvalidSchemaError} nothing in the schema has the path
   */
  withTags?(add: readonly TaggedEntity[], remove: readonly TaggedEntity[]): ParsedSchema
}

export interface SchemaFormat {
  readonly schemaType: SchemaType
  /**
   * @param references every schema that the text depends on, dependencies before their dependents
   * @param lenient let pass what older registries let pass; for schemas that may be registered already
   * @param named the schemas that the text itself names, each with its own: where the same name may mean another schema in
   *   another text. Default: none of `references` names another
   * @throws {InvalidSchemaError}
   */
  parse(
    definition: SchemaDefinition,
    references: readonly ResolvedReference[],
    lenient: boolean,
    named?: readonly NamedReference[],
  ): ParsedSchema
}
