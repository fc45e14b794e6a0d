// A schema's canonical text: what Java Avro's `Schema.toString` writes, which is what Confluent's registry stores and
// compares. Key order is fixed, properties keep theirs, `{"type":"string"}` becomes `"string"`, a type is written out
// where it first appears and by name afterwards.
import { type JsonValue, quote, writeJson } from '../json/index.ts'
import { type AvroName, type AvroSchema, isPrimitiveType, type NamedSchema, type RecordField } from './schema.ts'

const typeWords = new Set(['record', 'enum', 'array', 'map', 'union', 'fixed'])

/**
 * @param known full names that are written as references from the start: the types of referenced schemas
 */
export function printAvro(schema: AvroSchema, known: Iterable<string> = []): string {
  const written = new Set(known)
  return print(schema, undefined)

  function print(node: AvroSchema, space: string | undefined): string {
    switch (node.type) {
      case 'union':
        return `[${node.branches.map((branch) => print(branch, space)).join(',')}]`
      case 'array':
        return object([['type', quote('array')], ['items', print(node.items, space)], ...props(node.props)])
      case 'map':
        return object([['type', quote('map')], ['values', print(node.values, space)], ...props(node.props)])
      case 'record':
      case 'enum':
      case 'fixed':
        return printNamed(node, space)
      default:
        return node.props.size === 0 ? quote(node.type) : object([['type', quote(node.type)], ...props(node.props)])
    }
  }

  function printNamed(node: NamedSchema, space: string | undefined): string {
    if (written.has(node.name.full)) return quote(qualified(node.name, space))
    written.add(node.name.full)
    return object([
      ['type', quote(node.type === 'record' && node.isError ? 'error' : node.type)],
      ['name', quote(node.name.name)],
      ...namespace(node.name, space),
      ...optional('doc', node.doc),
      ...body(node),
      ...props(node.props),
      ...aliases(node),
    ])
  }

  function body(node: NamedSchema): Entry[] {
    switch (node.type) {
      case 'record':
        return [['fields', `[${node.fields.map((field) => printField(field, node.name.space)).join(',')}]`]]
      case 'enum':
        return [['symbols', `[${node.symbols.map(quote).join(',')}]`], ...optional('default', node.default)]
      case 'fixed':
        return [['size', String(node.size)]]
    }
  }

  function printField(field: RecordField, space: string | undefined): string {
    return object([
      ['name', quote(field.name)],
      ['type', print(field.type, space)],
      ...optional('doc', field.doc),
      ...(field.default === undefined ? [] : [['default', writeJson(field.default)] as const]),
      ...(field.order === 'ascending' ? [] : [['order', quote(field.order)] as const]),
      ...(field.aliases.length === 0 ? [] : [['aliases', `[${field.aliases.map(quote).join(',')}]`] as const]),
      ...props(field.props),
    ])
  }
}

type Entry = readonly [key: string, text: string]

function object(entries: readonly Entry[]): string {
  return `{${entries.map(([key, text]) => `${quote(key)}:${text}`).join(',')}}`
}

function optional(key: string, value: string | undefined): Entry[] {
  return value === undefined ? [] : [[key, quote(value)]]
}

function props(values: ReadonlyMap<string, JsonValue>): Entry[] {
  return [...values].map(([key, value]) => [key, writeJson(value)])
}

function namespace(name: AvroName, space: string | undefined): Entry[] {
  if (name.space !== undefined) return name.space === space ? [] : [['namespace', quote(name.space)]]
  return space === undefined ? [] : [['namespace', '""']]
}

function aliases(node: NamedSchema): Entry[] {
  if (node.aliases.length === 0) return []
  return [['aliases', `[${node.aliases.map((alias) => quote(qualified(alias, node.name.space))).join(',')}]`]]
}

/** The short name inside its own namespace, unless it could be taken for a type's word. */
function qualified(name: AvroName, space: string | undefined): string {
  if (name.space === undefined || name.space !== space) return name.full
  return isPrimitiveType(name.name) || typeWords.has(name.name) ? name.full : name.name
}
