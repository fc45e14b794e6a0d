// Schema text to schema, with the checks and the namespace rules of Apache Avro's parser.
// Source: https://avro.apache.org/docs/1.12.0/specification/ and the behaviour of Java Avro 1.12.

import {
  isArray,
  isNumber,
  isObject,
  type JsonObject,
  JsonSyntaxError,
  type JsonValue,
  parseJson,
  writeJson,
} from '../json/index.ts'
import { isValidDefault, parseJavaDouble } from './defaults.ts'
import { printAvro } from './print.ts'
import { type AvroName, type AvroSchema, isPrimitiveType, type NamedSchema, type RecordField } from './schema.ts'

/** The text is not a valid Avro schema; `path` is a JSON pointer to the offending part. */
export class AvroSchemaError extends Error {
  readonly code = 'AVRO_SCHEMA'
  /** The message without the place. */
  readonly problem: string
  readonly path: string

  constructor(problem: string, path: string) {
    super(path === '' ? problem : `${problem} (at ${path})`)
    this.problem = problem
    this.path = path
  }
}

/** The named types that a text may use, by full name; parsing adds those that it defines. */
export type NamedTypes = Map<string, NamedSchema>

export interface ParseOptions {
  /** Types of referenced schemas. */
  readonly types?: NamedTypes
  /**
   * Let names of any characters pass, and defaults that do not fit their type: older versions of Avro did, and a registry
   * holds what they wrote. Default false.
   */
  readonly lenient?: boolean
}

const schemaReserved = new Set([
  'doc',
  'fields',
  'items',
  'name',
  'namespace',
  'size',
  'symbols',
  'values',
  'type',
  'aliases',
])
const enumReserved = new Set([...schemaReserved, 'default'])
const fieldReserved = new Set(['default', 'doc', 'name', 'order', 'type', 'aliases'])
const noProps: JsonObject = new Map()

/**
 * Parses a schema's text.
 * @throws {AvroSchemaError} what is wrong and where; not JSON, an undefined or repeated name, a default of another type, …
 */
export function parseAvro(text: string, options: ParseOptions = {}): AvroSchema {
  return new AvroParser(options).parseNode(readJson(text), undefined, '')
}

/** Parses one text; its state is the named types that the text may use so far. */
class AvroParser {
  private readonly types: NamedTypes
  private readonly lenient: boolean
  /** Records whose fields are being parsed: a default may not be checked against them yet. */
  private readonly unfinished = new Set<AvroSchema>()

  constructor({ types = new Map(), lenient = false }: ParseOptions) {
    this.types = types
    this.lenient = lenient
  }

  parseNode(node: JsonValue, space: string | undefined, path: string): AvroSchema {
    if (typeof node === 'string') return this.resolve(node, space, path)
    if (isArray(node)) return this.parseUnion(node, space, path)
    if (isObject(node)) return this.parseObject(node, space, path)
    throw new AvroSchemaError(`Schema not yet supported: ${writeJson(node)}`, path)
  }

  private parseObject(node: JsonObject, space: string | undefined, path: string): AvroSchema {
    const type = requiredText(node, 'type', 'No type', path)
    if (isPrimitiveType(type)) return { type, props: propsOf(node, schemaReserved) }
    switch (type) {
      case 'record':
      case 'error':
        return this.parseRecord(node, space, path, type === 'error')
      case 'enum':
        return this.parseEnum(node, space, path)
      case 'fixed':
        return this.parseFixed(node, space, path)
      case 'array': {
        const items = node.get('items')
        if (items === undefined) throw new AvroSchemaError(`Array has no items type: ${writeJson(node)}`, path)
        return { type, items: this.parseNode(items, space, `${path}/items`), props: propsOf(node, schemaReserved) }
      }
      case 'map': {
        const values = node.get('values')
        if (values === undefined) throw new AvroSchemaError(`Map has no values type: ${writeJson(node)}`, path)
        return { type, values: this.parseNode(values, space, `${path}/values`), props: propsOf(node, schemaReserved) }
      }
      default:
        return this.resolve(type, space, `${path}/type`)
    }
  }

  private resolve(name: string, space: string | undefined, path: string): AvroSchema {
    if (isPrimitiveType(name)) return { type: name, props: noProps }
    const full = space !== undefined && !name.includes('.') ? `${space}.${name}` : name
    const schema = this.types.get(full) ?? this.types.get(name)
    if (schema) return schema
    throw new AvroSchemaError(
      `Undefined name: "${full}"; a type must be defined before it is used, or be in a referenced schema`,
      path,
    )
  }

  private define(schema: NamedSchema, path: string): void {
    const { full } = schema.name
    const known = this.types.get(full)
    if (known === undefined) {
      this.types.set(full, schema)
      return
    }
    if (!sameDefinition(known, schema)) throw new AvroSchemaError(`Can't redefine: ${full}`, path)
  }

  private parseRecord(node: JsonObject, space: string | undefined, path: string, isError: boolean): AvroSchema {
    const name = this.nameOf(node, space, path)
    const fields: RecordField[] = []
    const schema = {
      type: 'record' as const,
      isError,
      name,
      doc: optionalText(node, 'doc'),
      fields,
      props: propsOf(node, schemaReserved),
      aliases: this.schemaAliases(node, name, path),
    }
    this.define(schema, path)
    this.unfinished.add(schema)
    const fieldNodes = node.get('fields')
    if (!isArray(fieldNodes)) throw new AvroSchemaError(`Record has no fields: ${writeJson(node)}`, path)
    const seen = new Set<string>()
    fieldNodes.forEach((fieldNode, index) => {
      const fieldPath = `${path}/fields/${index}`
      if (!isObject(fieldNode)) throw new AvroSchemaError(`No field name: ${writeJson(fieldNode)}`, fieldPath)
      const field = this.parseField(fieldNode, name.space, fieldPath)
      if (seen.has(field.name)) {
        throw new AvroSchemaError(`Duplicate field ${field.name} in record ${name.full}`, fieldPath)
      }
      seen.add(field.name)
      fields.push(field)
    })
    this.unfinished.delete(schema)
    return schema
  }

  private parseField(node: JsonObject, space: string | undefined, path: string): RecordField {
    const name = this.checkedName(requiredText(node, 'name', 'No field name', path), `${path}/name`)
    const typeNode = node.get('type')
    if (typeNode === undefined) throw new AvroSchemaError(`No field type: ${writeJson(node)}`, path)
    const type = this.parseNode(typeNode, space, `${path}/type`)
    let value = node.get('default')
    // Java Avro reads "NaN" and other texts as the default of a floating-point field.
    if ((type.type === 'float' || type.type === 'double') && typeof value === 'string') {
      value = parseJavaDouble(value) ?? value
    }
    if (value !== undefined && !this.lenient && !isValidDefault(type, value, this.unfinished)) {
      const problem = `Invalid default for field ${name}: ${writeJson(value)} not a ${printAvro(type)}`
      throw new AvroSchemaError(problem, `${path}/default`)
    }
    return {
      name,
      type,
      doc: optionalText(node, 'doc'),
      default: value,
      order: orderOf(node, path),
      aliases: aliasTexts(node, path),
      props: propsOf(node, fieldReserved),
    }
  }

  private parseEnum(node: JsonObject, space: string | undefined, path: string): AvroSchema {
    const name = this.nameOf(node, space, path)
    const symbolNodes = node.get('symbols')
    if (!isArray(symbolNodes)) throw new AvroSchemaError(`Enum has no symbols: ${writeJson(node)}`, path)
    const symbols = symbolNodes.map((symbol, index) => {
      const at = `${path}/symbols/${index}`
      if (typeof symbol !== 'string') throw new AvroSchemaError(`Enum symbol is not a string: ${writeJson(symbol)}`, at)
      return this.checkedName(symbol, at)
    })
    const repeated = symbols.find((symbol, index) => symbols.indexOf(symbol) !== index)
    if (repeated !== undefined) throw new AvroSchemaError(`Duplicate enum symbol: ${repeated}`, path)
    const value = optionalText(node, 'default')
    if (value !== undefined && !symbols.includes(value)) {
      throw new AvroSchemaError(
        `The Enum Default: ${value} is not in the enum symbol set: [${symbols.join(', ')}]`,
        path,
      )
    }
    const schema = {
      type: 'enum' as const,
      name,
      doc: optionalText(node, 'doc'),
      symbols,
      default: value,
      props: propsOf(node, enumReserved),
      aliases: this.schemaAliases(node, name, path),
    }
    this.define(schema, path)
    return schema
  }

  private parseFixed(node: JsonObject, space: string | undefined, path: string): AvroSchema {
    const name = this.nameOf(node, space, path)
    const size = node.get('size')
    const bytes = isNumber(size) && size.kind === 'integer' ? Number(size.digits) : -1
    if (bytes < 0 || bytes > 0x7fffffff) throw new AvroSchemaError(`Invalid or no size: ${writeJson(node)}`, path)
    const schema = {
      type: 'fixed' as const,
      name,
      doc: optionalText(node, 'doc'),
      size: bytes,
      props: propsOf(node, schemaReserved),
      aliases: this.schemaAliases(node, name, path),
    }
    this.define(schema, path)
    return schema
  }

  private nameOf(node: JsonObject, space: string | undefined, path: string): AvroName {
    const name = requiredText(node, 'name', 'No name in schema', path)
    const own = optionalText(node, 'namespace')
    const result = this.qualify(name, own ?? space, `${path}/name`)
    if (isPrimitiveType(result.full)) {
      throw new AvroSchemaError(`Schemas may not be named after primitives: ${result.full}`, `${path}/name`)
    }
    const spaceAt = own !== undefined && !name.includes('.') ? `${path}/namespace` : `${path}/name`
    for (const part of result.space?.split('.') ?? []) this.checkedName(part, spaceAt)
    return result
  }

  private qualify(name: string, space: string | undefined, path: string): AvroName {
    const dot = name.lastIndexOf('.')
    const own = this.checkedName(dot < 0 ? name : name.slice(dot + 1), path)
    const namespace = (dot < 0 ? space : name.slice(0, dot)) || undefined
    return { name: own, space: namespace, full: namespace === undefined ? own : `${namespace}.${own}` }
  }

  private schemaAliases(node: JsonObject, name: AvroName, path: string): AvroName[] {
    const aliases = aliasTexts(node, path).map((alias) => this.qualify(alias, name.space, `${path}/aliases`))
    return [...new Map(aliases.map((alias) => [alias.full, alias])).values()]
  }

  private checkedName(name: string, path: string): string {
    return this.lenient ? name : validName(name, path)
  }

  private parseUnion(node: readonly JsonValue[], space: string | undefined, path: string): AvroSchema {
    const seen = new Set<string>()
    const branches = node.map((branchNode, index) => {
      const at = `${path}/${index}`
      const branch = this.parseNode(branchNode, space, at)
      if (branch.type === 'union') throw new AvroSchemaError('Nested union', at)
      const name = 'name' in branch ? branch.name.full : branch.type
      if (seen.has(name)) throw new AvroSchemaError(`Duplicate in union:${name}`, at)
      seen.add(name)
      return branch
    })
    return { type: 'union', branches }
  }
}

function readJson(text: string): JsonValue {
  try {
    return parseJson(text)
  } catch (error) {
    if (error instanceof JsonSyntaxError) throw new AvroSchemaError(error.message, '')
    throw error
  }
}

/** A second definition of a name is allowed only for an enum or a fixed that says the same, as in Java Avro 1.12. */
function sameDefinition(a: NamedSchema, b: NamedSchema): boolean {
  if (a.type === 'enum' && b.type === 'enum') return a.symbols.join() === b.symbols.join() && a.props.size === 0
  return a.type === 'fixed' && b.type === 'fixed' && a.size === b.size && a.props.size === 0
}

/** Java tests each UTF-16 unit with `Character.isLetter` and `isLetterOrDigit`; a surrogate is neither. */
function validName(name: string, path: string): string {
  if (name === '') throw new AvroSchemaError('Empty name', path)
  if (!/^[\p{L}_]/u.test(name.charAt(0))) throw new AvroSchemaError(`Illegal initial character: ${name}`, path)
  for (let index = 1; index < name.length; index++) {
    if (!/^[\p{L}\p{Nd}_]/u.test(name.charAt(index))) throw new AvroSchemaError(`Illegal character in: ${name}`, path)
  }
  return name
}

function aliasTexts(node: JsonObject, path: string): string[] {
  const aliases = node.get('aliases')
  if (aliases === undefined) return []
  if (!isArray(aliases)) throw new AvroSchemaError(`aliases not an array: ${writeJson(node)}`, path)
  const texts = aliases.map((alias) => {
    if (typeof alias !== 'string') throw new AvroSchemaError(`alias not a string: ${writeJson(alias)}`, path)
    return alias
  })
  return [...new Set(texts)]
}

function orderOf(node: JsonObject, path: string): RecordField['order'] {
  const order = node.get('order')
  if (order === undefined) return 'ascending'
  const value = typeof order === 'string' ? order.toLowerCase() : ''
  if (value === 'ascending' || value === 'descending' || value === 'ignore') return value
  throw new AvroSchemaError(`Invalid order: ${writeJson(order)}`, path)
}

function propsOf(node: JsonObject, reserved: ReadonlySet<string>): JsonObject {
  return new Map([...node].filter(([key]) => !reserved.has(key)))
}

function optionalText(node: JsonObject, key: string): string | undefined {
  const value = node.get(key)
  return typeof value === 'string' ? value : undefined
}

function requiredText(node: JsonObject, key: string, problem: string, path: string): string {
  const value = optionalText(node, key)
  if (value === undefined) throw new AvroSchemaError(`${problem}: ${writeJson(node)}`, path)
  return value
}
