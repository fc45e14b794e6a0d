// `normalize=true`: the differences that mean nothing are taken out, so that two spellings of a schema get one id.
// Follows Confluent's rules for Avro: properties and aliases sorted, a logical type's own properties first, empty docs
// of types dropped, numbers of defaults as their field's type spells them.
import { integer, isArray, isNumber, isObject, type JsonObject, type JsonValue } from '../json/index.ts'
import { logicalTypeProps } from './logical.ts'
import { type AvroName, type AvroSchema, aliasNames, isNamed, type NamedSchema, type RecordField } from './schema.ts'

/** The same schema with everything that has no meaning in one fixed form. */
export function normalizeAvro(schema: AvroSchema): AvroSchema {
  const done = new Map<AvroSchema, AvroSchema>()
  return normalize(schema)

  function normalize(node: AvroSchema): AvroSchema {
    if (isNamed(node)) return done.get(node) ?? normalizeNamed(node)
    switch (node.type) {
      case 'union':
        return { type: 'union', branches: node.branches.map(normalize) }
      case 'array':
        return { ...node, items: normalize(node.items), props: sortProps(node.props) }
      case 'map':
        return { ...node, values: normalize(node.values), props: sortProps(node.props) }
      default:
        return { ...node, props: withLogicalFirst(node) }
    }
  }

  function normalizeNamed(node: NamedSchema): NamedSchema {
    const common = { doc: node.doc || undefined, aliases: sortAliases(node) }
    switch (node.type) {
      case 'enum': {
        const result = { ...node, ...common, props: sortProps(node.props) }
        done.set(node, result)
        return result
      }
      case 'fixed': {
        const result = { ...node, ...common, props: withLogicalFirst(node) }
        done.set(node, result)
        return result
      }
      case 'record': {
        const fields: RecordField[] = []
        const result = { ...node, ...common, fields, props: sortProps(node.props) }
        done.set(node, result)
        fields.push(...node.fields.map(normalizeField))
        return result
      }
    }
  }

  function normalizeField(field: RecordField): RecordField {
    return {
      ...field,
      type: normalize(field.type),
      aliases: field.aliases.toSorted(compare),
      default: field.default === undefined ? undefined : normalizeDefault(field.default, field.type),
      props: sortProps(field.props),
    }
  }
}

function sortAliases(node: NamedSchema): AvroName[] {
  const names = aliasNames(node)
  return node.aliases
    .map((alias, index) => ({ alias, key: names[index]! }))
    .toSorted((a, b) => compare(a.key, b.key))
    .map(({ alias }) => alias)
}

function withLogicalFirst(node: AvroSchema & { props: JsonObject }): JsonObject {
  return new Map([...logicalTypeProps(node), ...sortProps(node.props)])
}

function sortProps(props: JsonObject): JsonObject {
  return sortKeys(props) as JsonObject
}

function sortKeys(value: JsonValue): JsonValue {
  if (isArray(value)) return value.map(sortKeys)
  if (!isObject(value)) return value
  return new Map([...value].toSorted(([a], [b]) => compare(a, b)).map(([key, item]) => [key, sortKeys(item)]))
}

/** A union's default is that of its first branch. */
function normalizeDefault(value: JsonValue, schema: AvroSchema): JsonValue {
  switch (schema.type) {
    case 'union':
      return schema.branches[0] ? normalizeDefault(value, schema.branches[0]) : value
    case 'float':
      return isNumber(value) ? { kind: 'double', value: shortestFloat(numberOf(value)) } : value
    case 'double':
      return isNumber(value) ? { kind: 'double', value: numberOf(value) } : value
    case 'long':
    case 'int':
      return isNumber(value) && value.kind === 'integer' ? integer(BigInt(value.digits)) : value
    case 'array':
      return isArray(value) ? value.map((item) => normalizeDefault(item, schema.items)) : value
    case 'map':
      return isObject(value) ? sortKeys(mapValues(value, (item) => normalizeDefault(item, schema.values))) : value
    case 'record': {
      if (!isObject(value)) return value
      const types = new Map(schema.fields.map((field) => [field.name, field.type]))
      return sortKeys(
        mapValues(value, (item, key) => {
          const type = types.get(key)
          return type ? normalizeDefault(item, type) : item
        }),
      )
    }
    default:
      return sortKeys(value)
  }
}

function mapValues(value: JsonObject, change: (item: JsonValue, key: string) => JsonValue): JsonObject {
  return new Map([...value].map(([key, item]) => [key, change(item, key)]))
}

function numberOf(value: JsonValue): number {
  if (!isNumber(value)) return Number.NaN
  return value.kind === 'integer' ? Number(value.digits) : value.value
}

/** The shortest decimal that is this value as a 32-bit float: what Java prints for a float. */
function shortestFloat(value: number): number {
  const single = Math.fround(value)
  for (let digits = 1; digits <= 9; digits++) {
    const candidate = Number(single.toPrecision(digits))
    if (Math.fround(candidate) === single) return candidate
  }
  return single
}

/** By UTF-16 units, as Java's `String.compareTo`. */
function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
