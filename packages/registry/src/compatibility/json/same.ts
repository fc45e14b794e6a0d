// Whether two schemas say the same about values: they differ at most in titles, descriptions and other keywords that are only
// said, and their `$ref`s lead to schemas of which the same is true.
import { isSchemaMap, type SchemaDocument, type SchemaNode } from '../../json-schema/index.ts'
import { valueKey } from './values.ts'

/** Keywords that take no value away. Definitions count where a `$ref` leads to them. */
const saidOnly: ReadonlySet<string> = new Set([
  '$schema',
  '$id',
  'id',
  '$anchor',
  '$dynamicAnchor',
  '$recursiveAnchor',
  '$comment',
  '$defs',
  'definitions',
  'title',
  'description',
  'examples',
  'default',
  'deprecated',
  'readOnly',
  'writeOnly',
  'format',
])

const references: ReadonlySet<string> = new Set(['$ref', '$dynamicRef', '$recursiveRef'])

/** Pairs that were compared before; a pair of schemas never changes. */
const known = new WeakMap<object, WeakMap<object, boolean>>()

/** @throws {JsonSchemaError} a `$ref` leads nowhere */
export function isSame(a: SchemaNode, b: SchemaNode): boolean {
  if (a.document.draft !== b.document.draft) return false
  const open: [object, object][] = []
  const result = new Comparison(open).nodes(a, b)
  // Equal pairs were equal as far as the pairs around them are; a difference is one in any case.
  if (result) for (const [left, right] of open) remember(left, right, true)
  return result
}

function remember(a: object, b: object, result: boolean): void {
  const results = known.get(a) ?? new WeakMap<object, boolean>()
  known.set(a, results)
  results.set(b, result)
}

class Comparison {
  private readonly seen = new Map<object, Set<object>>()
  private readonly equal: [object, object][]

  constructor(equal: [object, object][]) {
    this.equal = equal
  }

  nodes(a: SchemaNode, b: SchemaNode): boolean {
    if (typeof a.schema === 'boolean' || typeof b.schema === 'boolean') return a.schema === b.schema
    if (a.schema === b.schema && a.document === b.document) return true
    const before = known.get(a.schema)?.get(b.schema)
    if (before !== undefined) return before
    const others = this.seen.get(a.schema) ?? new Set<object>()
    this.seen.set(a.schema, others)
    // A pair that is met again inside itself is the same as far as the rest of it is.
    if (others.has(b.schema)) return true
    others.add(b.schema)
    const [left, right] = [a.document.keywords(a.schema), b.document.keywords(b.schema)]
    const names = Object.keys(left).filter((name) => !saidOnly.has(name))
    const result =
      names.length === Object.keys(right).filter((name) => !saidOnly.has(name)).length &&
      names.every((name) => Object.hasOwn(right, name) && this.keyword(name, left[name], right[name], a, b))
    if (result) this.equal.push([a.schema, b.schema])
    else remember(a.schema, b.schema, false)
    return result
  }

  private keyword(name: string, left: unknown, right: unknown, a: SchemaNode, b: SchemaNode): boolean {
    if (name === 'enum' || name === 'const') return valueKey(left) === valueKey(right)
    if (references.has(name) && typeof left === 'string' && typeof right === 'string') {
      if (typeof a.schema === 'boolean' || typeof b.schema === 'boolean') return false
      return this.nodes(a.document.follow(left, a.schema), b.document.follow(right, b.schema))
    }
    if (!isSchemaMap(name, left) || !isSchemaMap(name, right)) return this.values(left, right, a.document, b.document)
    const keys = Object.keys(left)
    return (
      keys.length === Object.keys(right).length &&
      keys.every((key) => Object.hasOwn(right, key) && this.values(left[key], right[key], a.document, b.document))
    )
  }

  /** Schemas, lists of them, or what a keyword has else. */
  private values(left: unknown, right: unknown, a: SchemaDocument, b: SchemaDocument): boolean {
    if (Array.isArray(left) && Array.isArray(right)) {
      return left.length === right.length && left.every((item, index) => this.values(item, right[index], a, b))
    }
    if (!isObject(left) || !isObject(right)) return left === right
    return this.nodes({ schema: left, document: a }, { schema: right, document: b })
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
