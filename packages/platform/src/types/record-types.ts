// Turns an Avro record into the TypeScript types of the values that the library emits and hands to handlers.
//
// | Avro                                    | TypeScript                                                     |
// |-----------------------------------------|----------------------------------------------------------------|
// | int, long, float, double                | number; a long outside ±2^53 is an error, never rounded        |
// | long with logicalType "bigint"          | bigint                                                         |
// | string, enum                            | string, union of the symbols                                   |
// | bytes, fixed                            | Buffer                                                         |
// | … with logicalType decimal              | string such as '12.30', with all digits                        |
// | union                                   | union; branches that JavaScript cannot tell apart are wrapped: |
// |                                         | { 'shop.Card': Card } | { 'shop.Cash': Cash }                  |
// | other logical types                     | their underlying type (timestamp-millis: number)               |
import type { AvroSchema, RecordSchema } from '@selfmonitor/registry'
import { docComment, pascalCase, propertyName, quoted, union } from './json-schema-types.ts'

export interface RecordTypes {
  /** Of the record itself. */
  readonly name: string
  /** Fields that may be left out when a record is emitted, because they have a default. */
  readonly defaulted: readonly string[]
}

/** Hands out names; the same Avro type gets the same name everywhere. */
export interface TypeNames {
  /** @returns the name, and whether it is new and must be declared */
  nameOf(wanted: string, definition: string): { readonly name: string; readonly isNew: boolean }
}

/**
 * @param declare is given the text of each type that is new, the record's own first
 */
export function recordTypes(record: RecordSchema, names: TypeNames, declare: (text: string) => void): RecordTypes {
  const seen = new Map<AvroSchema, string>()
  const pending: (() => void)[] = []

  function named(schema: RecordSchema | Extract<AvroSchema, { type: 'enum' }>): string {
    const known = seen.get(schema)
    if (known !== undefined) {
      return known
    }
    const { name, isNew } = names.nameOf(pascalCase(schema.name.name), definitionOf(schema))
    seen.set(schema, name)
    if (isNew) {
      // Declared after the type that refers to it, in the order of the schema.
      pending.push(() => declare(schema.type === 'enum' ? enumText(name, schema) : recordText(name, schema)))
    }
    return name
  }

  function recordText(name: string, schema: RecordSchema): string {
    const lines = schema.fields.map((field) => {
      const notes = [...docLines(field.doc), ...logicalNote(field.type)]
      return `${docComment(notes, '  ')}  ${propertyName(field.name)}: ${typeOf(field.type)}\n`
    })
    return lines.length === 0
      ? `${docComment(docLines(schema.doc), '')}export type ${name} = Record<string, never>\n`
      : `${docComment(docLines(schema.doc), '')}export interface ${name} {\n${lines.join('')}}\n`
  }

  function enumText(name: string, schema: Extract<AvroSchema, { type: 'enum' }>): string {
    return `${docComment(docLines(schema.doc), '')}export type ${name} = ${schema.symbols.map(quoted).join(' | ')}\n`
  }

  function typeOf(schema: AvroSchema): string {
    switch (schema.type) {
      case 'null':
      case 'boolean':
      case 'string':
        return schema.type
      case 'int':
      case 'float':
      case 'double':
        return 'number'
      case 'long':
        return logicalType(schema) === 'bigint' ? 'bigint' : 'number'
      case 'bytes':
      case 'fixed':
        return logicalType(schema) === 'decimal' ? 'string' : 'Buffer'
      case 'array': {
        const items = typeOf(schema.items)
        return items.includes(' | ') ? `(${items})[]` : `${items}[]`
      }
      case 'map':
        return `Record<string, ${typeOf(schema.values)}>`
      case 'union':
        return unionOf(schema.branches)
      case 'enum':
      case 'record':
        return named(schema)
      default:
        return schema satisfies never
    }
  }

  function unionOf(branches: readonly AvroSchema[]): string {
    const kinds = branches.filter((branch) => logicalKind(branch) === null).map(kindOf)
    const wrapped = new Set(kinds).size < kinds.length
    return union(
      branches.map((branch) =>
        wrapped && branch.type !== 'null'
          ? `{ ${propertyName(branchName(branch))}: ${typeOf(branch)} }`
          : typeOf(branch),
      ),
    )
  }

  const name = named(record)
  for (let next = pending.shift(); next !== undefined; next = pending.shift()) {
    next()
  }
  return {
    name,
    defaulted: record.fields.filter((field) => field.default !== undefined).map((field) => field.name),
  }
}

function docLines(doc: string | undefined): string[] {
  return doc === undefined || doc === '' ? [] : doc.split('\n')
}

function logicalType(schema: AvroSchema): string | null {
  const value = 'props' in schema ? schema.props.get('logicalType') : undefined
  return typeof value === 'string' ? value : null
}

/** The meaning of a plain type, such as `@format timestamp-millis`. */
function logicalNote(schema: AvroSchema): string[] {
  const schemas = schema.type === 'union' ? schema.branches : [schema]
  return schemas.flatMap((one) => {
    const logical = logicalType(one)
    return logical === null || logical === 'bigint' ? [] : [`@format ${logical}`]
  })
}

/** The two logical types that have a TypeScript type of their own. */
function logicalKind(schema: AvroSchema): 'bigint' | 'decimal' | null {
  const logical = logicalType(schema)
  if (schema.type === 'long' && logical === 'bigint') {
    return 'bigint'
  }
  return (schema.type === 'bytes' || schema.type === 'fixed') && logical === 'decimal' ? 'decimal' : null
}

/** What JavaScript can tell apart; as avsc's `wrapUnions: 'auto'` sees it. */
function kindOf(schema: AvroSchema): string {
  switch (schema.type) {
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return 'number'
    case 'bytes':
    case 'fixed':
      return 'buffer'
    case 'enum':
    case 'string':
      return 'string'
    case 'map':
    case 'record':
      return 'object'
    default:
      return schema.type
  }
}

function branchName(schema: AvroSchema): string {
  return 'name' in schema ? schema.name.full : schema.type
}

/** Everything that makes two types of the same name the same. */
function definitionOf(schema: AvroSchema): string {
  const seen = new Set<string>()
  return JSON.stringify(plain(schema))

  function plain(one: AvroSchema): unknown {
    switch (one.type) {
      case 'array':
        return { array: plain(one.items) }
      case 'map':
        return { map: plain(one.values) }
      case 'union':
        return one.branches.map(plain)
      case 'enum':
        return { enum: one.name.full, symbols: one.symbols, doc: one.doc }
      case 'record': {
        if (seen.has(one.name.full)) {
          return one.name.full
        }
        seen.add(one.name.full)
        return {
          record: one.name.full,
          doc: one.doc,
          fields: one.fields.map((field) => [field.name, field.doc, plain(field.type)]),
        }
      }
      default:
        return [one.type, logicalType(one)]
    }
  }
}
