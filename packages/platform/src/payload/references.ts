// The schemas inside a JSON Schema, and the references between them.

export type JsonSchema = { readonly [keyword: string]: unknown }

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Keywords whose value is a schema, a list of schemas, or a map of schemas by name. */
const direct = [
  ...['additionalProperties', 'unevaluatedProperties', 'propertyNames', 'items', 'unevaluatedItems', 'contains'],
  ...['not', 'if', 'then', 'else', 'contentSchema', 'allOf', 'anyOf', 'oneOf', 'prefixItems'],
]
const maps: ReadonlySet<string> = new Set([
  ...['dependentSchemas', '$defs', 'definitions', 'properties', 'patternProperties'],
])
const schemaKeywords: ReadonlySet<string> = new Set([...direct, ...maps])

/** A schema directly inside another; `path` leads to it: `['properties', 'a']`. */
export interface Child {
  readonly path: readonly [keyword: string, ...key: string[]]
  readonly schema: JsonSchema
}

export function childrenOf(schema: JsonSchema): Child[] {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    if (!schemaKeywords.has(keyword) || typeof value !== 'object' || value === null) {
      return []
    }
    const named: (readonly [Child['path'], unknown])[] =
      Array.isArray(value) || maps.has(keyword)
        ? Object.entries(value).map(([key, part]) => [[keyword, key], part])
        : [[[keyword], value]]
    return named.flatMap(([path, part]) => (isSchema(part) ? [{ path, schema: part }] : []))
  })
}

/** @returns a copy in which each schema directly inside is what `change` makes of it */
export function withChildren(schema: JsonSchema, change: (child: Child) => JsonSchema): JsonSchema {
  const result: Record<string, unknown> = { ...schema }
  for (const child of childrenOf(schema)) {
    const [keyword, key] = child.path
    if (key === undefined) {
      result[keyword] = change(child)
      continue
    }
    if (result[keyword] === schema[keyword]) {
      const value = schema[keyword]
      result[keyword] = Array.isArray(value) ? [...value] : { ...(value as object) }
    }
    // Not an assignment, which a property called __proto__ would turn into another thing.
    const property = { value: change(child), enumerable: true, configurable: true, writable: true }
    Object.defineProperty(result[keyword], key, property)
  }
  return result
}

/** @returns the schema that a reference leads to: a JSON pointer or an anchor in the same document; undefined for anything else */
export function resolveReference(reference: string, root: JsonSchema): unknown {
  if (!reference.startsWith('#')) {
    return undefined
  }
  let fragment: string
  try {
    fragment = decodeURIComponent(reference.slice(1))
  } catch {
    return undefined
  }
  if (fragment !== '' && !fragment.startsWith('/')) {
    return anchorsIn(root).get(fragment)
  }
  let found: unknown = root
  for (const part of fragment.split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    const inside = typeof found === 'object' && found !== null && Object.hasOwn(found, key)
    found = inside ? (found as JsonSchema)[key] : undefined
  }
  return found
}

const anchors = new WeakMap<JsonSchema, ReadonlyMap<string, JsonSchema>>()

function anchorsIn(root: JsonSchema): ReadonlyMap<string, JsonSchema> {
  let found = anchors.get(root)
  if (found === undefined) {
    const named = new Map<string, JsonSchema>()
    const schemas = new Set([root])
    // A set's iteration comes to what is added meanwhile, too.
    for (const schema of schemas) {
      // Draft 7 names an anchor as `$id`.
      const id = typeof schema.$id === 'string' && schema.$id.startsWith('#') ? schema.$id.slice(1) : undefined
      for (const name of [schema.$anchor, schema.$dynamicAnchor, id]) {
        if (typeof name === 'string' && !named.has(name)) {
          named.set(name, schema)
        }
      }
      for (const child of childrenOf(schema)) {
        schemas.add(child.schema)
      }
    }
    found = named
    anchors.set(root, found)
  }
  return found
}

/**
 * The `$ref`s that lead nowhere in their document. In a document that names itself or a part (`$id`), only pointers and anchors outside
 * of such a part are judged.
 * @returns each with the path to it
 */
export function brokenReferences(root: JsonSchema): { reference: string; path: readonly string[] }[] {
  const found: { reference: string; path: readonly string[] }[] = []
  let hasId = false
  const elsewhere: typeof found = []
  function visit(schema: JsonSchema, path: readonly string[]): void {
    if (schema.$id !== undefined) {
      hasId = true
      if (schema !== root) {
        return
      }
    }
    const { $ref: reference } = schema
    if (typeof reference === 'string' && !reference.startsWith('https://json-schema.org/')) {
      if (!reference.startsWith('#')) {
        elsewhere.push({ reference, path: [...path, '$ref'] })
      } else if (resolveReference(reference, root) === undefined) {
        found.push({ reference, path: [...path, '$ref'] })
      }
    }
    for (const child of childrenOf(schema)) {
      visit(child.schema, [...path, ...child.path])
    }
  }
  visit(root, [])
  return hasId ? found : [...found, ...elsewhere]
}
