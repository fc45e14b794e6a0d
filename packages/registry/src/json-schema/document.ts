// A JSON Schema and what its `$ref`s lead to: inside the text by pointer, `$id` and anchor, and in the schemas that it
// references by the name which it has for each. A reference's own references are known to it alone, so that two schemas of
// one name or `$id` in different parts of a tree do not mix.
import { type Draft, draftOf, draftOfMetaschema, isKeywordOf } from './drafts.ts'

/** The text is not a JSON Schema, or refers to a schema that is not there. */
export class JsonSchemaError extends Error {
  readonly code = 'JSON_SCHEMA'
}

export type JsonSchemaObject = Readonly<Record<string, unknown>>
export type JsonSchema = boolean | JsonSchemaObject

/** A schema inside a document. */
export interface SchemaNode {
  readonly schema: JsonSchema
  readonly document: SchemaDocument
}

/** A schema that a `$ref` leads to, and how: by pointer from a resource. */
export interface Target extends SchemaNode {
  readonly resource: JsonSchema
  readonly pointer: string
}

/** A document that another one knows by a name. */
export interface NamedDocument {
  readonly name: string
  readonly document: SchemaDocument
}

/** Places in `references`, by name as written, without an empty fragment, and as an address. */
interface NameIndex {
  readonly exact: Map<string, number>
  readonly plain: Map<string, number>
  readonly addresses: Map<string, number>
}

/** Base of addresses that are not absolute; no schema can have it. */
const unnamed = 'schema:///'

/** Keywords whose values are data, in which `$id` and `$ref` mean nothing. */
export const dataKeywords: ReadonlySet<string> = new Set(['enum', 'const', 'default', 'examples'])

/** Keywords with schemas by names that the author chose, `$id` and `default` among them. */
const mapKeywords: ReadonlySet<string> = new Set([
  'properties',
  'patternProperties',
  '$defs',
  'definitions',
  'dependencies',
  'dependentSchemas',
  'dependentRequired',
])

/** Whether the keys of a keyword's value are names, not keywords. */
export function isSchemaMap(keyword: string, value: unknown): value is Readonly<Record<string, unknown>> {
  return mapKeywords.has(keyword) && typeof value === 'object' && value !== null && !Array.isArray(value)
}

const pointerStart = /^(?:\/|$)/

/** A schema of which all addresses are known. Its references are found when they are followed. */
export class SchemaDocument {
  readonly root: JsonSchema
  readonly draft: Draft
  readonly references: readonly NamedDocument[]
  /** Addresses of `$id`s and of anchors. */
  private readonly targets = new Map<string, JsonSchemaObject>()
  private readonly bases = new Map<object, string>()
  private readonly known = new WeakMap<object, JsonSchemaObject>()
  private names: NameIndex | undefined

  /**
   * @param text is JSON
   * @param references by the names that `$ref`s in this text have for them
   * @throws {JsonSchemaError} neither an object nor a boolean
   */
  constructor(text: string, references: readonly NamedDocument[] = []) {
    this.root = asSchema(parseExact(text))
    this.draft = draftOf(this.root)
    this.references = references
    this.collect(this.root, unnamed)
    if (typeof this.root === 'object' && !this.targets.has(unnamed)) this.targets.set(unnamed, this.root)
  }

  get node(): SchemaNode {
    return { schema: this.root, document: this }
  }

  /**
   * The schema that a reference leads to.
   * @param from the object that has it
   * @throws {JsonSchemaError} there is no such schema
   */
  follow(reference: string, from: JsonSchemaObject): Target {
    const base = this.bases.get(from) ?? unnamed
    const hash = reference.indexOf('#')
    const [before, fragment] = hash < 0 ? [reference, ''] : [reference.slice(0, hash), reference.slice(hash + 1)]
    const address = before === '' ? base : resolveAddress(base, before)
    const own = this.targets.get(address) ?? (before === '' && typeof this.root === 'object' ? this.root : undefined)
    if (own !== undefined) return this.at(own, address, fragment, reference)
    const other = this.referenced(before, address)
    if (other !== undefined) {
      const { root } = other
      if (typeof root === 'boolean') return { ...other.node, resource: root, pointer: '' }
      return other.at(root, other.bases.get(root) ?? unnamed, fragment, reference)
    }
    if (draftOfMetaschema(address) !== undefined) {
      throw new JsonSchemaError(`"${reference}" is a metaschema, which this registry cannot refer to`)
    }
    throw new JsonSchemaError(
      `"${reference}" is neither in the schema nor the name of one of its references: register that schema and name it in "references"`,
    )
  }

  /** A schema of this document with the keywords that its draft has. The same object for the same schema. */
  keywords(schema: JsonSchemaObject): JsonSchemaObject {
    const known = this.known.get(schema)
    if (known !== undefined) return known
    const foreign = Object.keys(schema).filter((keyword) => !isKeywordOf(this.draft, keyword))
    const result =
      foreign.length === 0
        ? schema
        : Object.fromEntries(Object.entries(schema).filter(([keyword]) => !foreign.includes(keyword)))
    this.known.set(schema, result)
    return result
  }

  /** Every `$ref` in the text, with the object that has it. */
  *allReferences(): Generator<readonly [reference: string, from: JsonSchemaObject]> {
    for (const value of this.bases.keys()) {
      const { $ref } = value as JsonSchemaObject
      if (typeof $ref === 'string') yield [$ref, value as JsonSchemaObject]
    }
  }

  private referenced(reference: string, address: string): SchemaDocument | undefined {
    this.names ??= this.indexNames()
    const { exact, plain, addresses } = this.names
    const named = Math.min(plain.get(reference) ?? Infinity, addresses.get(address) ?? Infinity)
    const found =
      this.references[exact.get(reference) ?? named] ??
      this.references.find(({ document }) => document.targets.get(address) === document.root)
    return found?.document
  }

  /** The names of the references, each with the place of the first one that has it. */
  private indexNames(): NameIndex {
    const root = typeof this.root === 'object' ? (this.bases.get(this.root) ?? unnamed) : unnamed
    const index: NameIndex = { exact: new Map(), plain: new Map(), addresses: new Map() }
    for (const [place, { name }] of this.references.entries()) {
      const plain = name.replace(/#$/, '')
      const addresses = [resolveAddress(root, plain), resolveAddress(unnamed, plain)]
      for (const [map, key] of [
        [index.exact, name],
        [index.plain, plain],
        ...addresses.map((address) => [index.addresses, address] as const),
      ] as const) {
        if (!map.has(key)) map.set(key, place)
      }
    }
    return index
  }

  private at(root: JsonSchemaObject, address: string, fragment: string, reference: string): Target {
    const pointer = decode(fragment)
    if (!pointerStart.test(pointer)) {
      const anchored = this.targets.get(`${address}#${pointer}`)
      if (anchored === undefined) throw new JsonSchemaError(`"${reference}" names no anchor of the schema`)
      return { schema: anchored, document: this, resource: anchored, pointer: '' }
    }
    let found: unknown = root
    for (const part of pointer.split('/').slice(1)) {
      const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
      found =
        typeof found === 'object' && found !== null && Object.hasOwn(found, key) ? Reflect.get(found, key) : undefined
    }
    const isSchema =
      typeof found === 'boolean' || (typeof found === 'object' && found !== null && !Array.isArray(found))
    if (!isSchema) throw new JsonSchemaError(`"${reference}" leads to no schema`)
    return { schema: found as JsonSchema, document: this, resource: root, pointer }
  }

  private collect(value: unknown, base: string): void {
    if (Array.isArray(value)) {
      for (const item of value) this.collect(item, base)
      return
    }
    if (typeof value !== 'object' || value === null) return
    const schema = value as JsonSchemaObject
    const inner = this.identify(schema, base)
    this.bases.set(schema, inner)
    for (const [key, item] of Object.entries(schema)) {
      if (dataKeywords.has(key)) continue
      for (const part of isSchemaMap(key, item) ? Object.values(item) : [item]) this.collect(part, inner)
    }
  }

  /** @returns the base of the addresses inside the schema */
  private identify(schema: JsonSchemaObject, base: string): string {
    const id = schema[this.draft === 'draft-04' ? 'id' : '$id']
    let inner = base
    if (typeof id === 'string') {
      const [before, fragment] = id.split('#', 2) as [string, string | undefined]
      if (before !== '') {
        inner = resolveAddress(base, before)
        this.add(inner, schema)
      }
      if (fragment !== undefined && fragment !== '') this.add(`${inner}#${fragment}`, schema)
    }
    for (const anchor of [schema.$anchor, schema.$dynamicAnchor]) {
      if (typeof anchor === 'string') this.add(`${inner}#${anchor}`, schema)
    }
    return inner
  }

  private add(address: string, schema: JsonSchemaObject): void {
    if (!this.targets.has(address)) this.targets.set(address, schema)
  }
}

/** Integers that a double cannot hold are bigints, so that bounds of 64 bits compare exactly. */
function parseExact(text: string): unknown {
  return JSON.parse(text, (_, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
    const source = context?.source
    return source !== undefined && /^-?\d+$/.test(source) ? BigInt(source) : value
  })
}

function asSchema(value: unknown): JsonSchema {
  if (typeof value === 'boolean') return value
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonSchemaObject
  throw new JsonSchemaError('a JSON Schema is an object, true or false')
}

function resolveAddress(base: string, reference: string): string {
  try {
    return new URL(reference, base).href
  } catch {
    return reference
  }
}

function decode(fragment: string): string {
  try {
    return decodeURIComponent(fragment)
  } catch {
    return fragment
  }
}
