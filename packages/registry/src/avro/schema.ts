// An Avro schema after parsing: named types are objects that may refer back to themselves, properties keep their order.
import type { JsonObject, JsonValue } from '../json/index.ts'

export const primitiveTypes = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'] as const
export type PrimitiveType = (typeof primitiveTypes)[number]

/** A qualified name; `space` is undefined in the null namespace. */
export interface AvroName {
  readonly name: string
  readonly space: string | undefined
  readonly full: string
}

export interface PrimitiveSchema {
  readonly type: PrimitiveType
  readonly props: JsonObject
}

export interface ArraySchema {
  readonly type: 'array'
  readonly items: AvroSchema
  readonly props: JsonObject
}

export interface MapSchema {
  readonly type: 'map'
  readonly values: AvroSchema
  readonly props: JsonObject
}

export interface UnionSchema {
  readonly type: 'union'
  readonly branches: readonly AvroSchema[]
}

export interface RecordField {
  readonly name: string
  readonly type: AvroSchema
  readonly doc: string | undefined
  /** undefined: the field has no default. */
  readonly default: JsonValue | undefined
  readonly order: 'ascending' | 'descending' | 'ignore'
  readonly aliases: readonly string[]
  readonly props: JsonObject
}

interface Named {
  readonly name: AvroName
  readonly doc: string | undefined
  readonly aliases: readonly AvroName[]
  readonly props: JsonObject
}

export interface RecordSchema extends Named {
  readonly type: 'record'
  readonly isError: boolean
  readonly fields: readonly RecordField[]
}

export interface EnumSchema extends Named {
  readonly type: 'enum'
  readonly symbols: readonly string[]
  readonly default: string | undefined
}

export interface FixedSchema extends Named {
  readonly type: 'fixed'
  readonly size: number
}

export type NamedSchema = RecordSchema | EnumSchema | FixedSchema
export type AvroSchema = PrimitiveSchema | ArraySchema | MapSchema | UnionSchema | NamedSchema

export function isPrimitiveType(name: string): name is PrimitiveType {
  return (primitiveTypes as readonly string[]).includes(name)
}

export function isNamed(schema: AvroSchema): schema is NamedSchema {
  return schema.type === 'record' || schema.type === 'enum' || schema.type === 'fixed'
}

/** Aliases as Java's `Schema.getAliases` gives them: fully qualified, with a leading dot out of a namespace into none. */
export function aliasNames(schema: NamedSchema): string[] {
  return schema.aliases.map((alias) =>
    alias.space === undefined && schema.name.space !== undefined ? `.${alias.name}` : alias.full,
  )
}
