// The content model of an event's payload: an object that declares properties has no others, unless the schema says so.
//
// Generated types say the same, and a mistyped name of an optional field would be lost otherwise. `additionalProperties: true` lets any
// field pass. In a registry it decides what may change: under BACKWARD an optional property may be added to a closed object, and not to
// an open one, whose old events may have had any value under that name.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/serdes-json.html#json-schema-compatibility-rules

export type JsonSchema = { readonly [keyword: string]: unknown }

/** Keywords whose schemas say more of the same value. */
const ofSame = ['allOf', 'anyOf', 'oneOf', 'then', 'else', 'dependentSchemas', '$defs', 'definitions']
/** Keywords whose schemas are of the values inside it. */
const ofInside = [
  ...['properties', 'patternProperties', 'additionalProperties', 'unevaluatedProperties'],
  ...['items', 'prefixItems', 'contains', 'unevaluatedItems'],
]
const maps = new Set(['dependentSchemas', '$defs', 'definitions', 'properties', 'patternProperties'])
const composing = ['$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'dependentSchemas'] as const

/**
 * The schema that payloads are validated against, and that is registered. Closing it again changes nothing.
 * @param schema as its file has it, draft 2020-12 unless its `$schema` says draft-07
 */
export function closePayload(schema: object): JsonSchema {
  const root = schema as JsonSchema
  return closed(root, root, isDraft7(root))
}

export function isDraft7({ $schema }: JsonSchema): boolean {
  return typeof $schema === 'string' && $schema.includes('draft-07')
}

function closed(schema: JsonSchema, root: JsonSchema, draft7: boolean): JsonSchema {
  const result = withClosedParts(schema, root, draft7)
  const isOpen = 'additionalProperties' in schema || 'unevaluatedProperties' in schema
  if (isOpen || !declaresProperties(schema, root)) {
    return result
  }
  if (composing.every((keyword) => schema[keyword] === undefined)) {
    return { ...result, additionalProperties: false }
  }
  // Draft 7 has no way to close a schema that is composed of others.
  return draft7 ? result : { ...result, unevaluatedProperties: false }
}

/** Closes the values inside. The value itself is closed as a whole, because each part declares only some of its properties. */
function withClosedParts(schema: JsonSchema, root: JsonSchema, draft7: boolean): JsonSchema {
  const result: Record<string, unknown> = { ...schema }
  for (const keyword of [...ofSame, ...ofInside]) {
    const change = ofInside.includes(keyword) ? closed : withClosedParts
    const changed = (part: unknown): unknown => (isSchema(part) ? change(part, root, draft7) : part)
    const value = schema[keyword]
    if (Array.isArray(value)) {
      result[keyword] = value.map(changed)
    } else if (isSchema(value) && maps.has(keyword)) {
      result[keyword] = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, changed(part)]))
    } else if (isSchema(value)) {
      result[keyword] = changed(value)
    }
  }
  return result
}

/** Itself, or by a part that says more of the same value. A map of anything declares none. */
function declaresProperties(schema: JsonSchema, root: JsonSchema): boolean {
  return sameValue(schema, root).some(({ properties }) => properties !== undefined)
}

/** The properties that a schema declares, itself or by a part, and their schemas. */
export function declaredProperties(schema: JsonSchema, root: JsonSchema): (readonly [name: string, schema: unknown])[] {
  return sameValue(schema, root).flatMap(({ properties }) => (isSchema(properties) ? Object.entries(properties) : []))
}

/** A schema with the parts that say more of the same value, each once. */
function sameValue(schema: JsonSchema, root: JsonSchema): readonly JsonSchema[] {
  const found = new Set([schema])
  // A set's iteration comes to what is added meanwhile, too.
  for (const part of found) {
    const referenced = typeof part.$ref === 'string' ? resolveReference(part.$ref, root) : undefined
    const composed = composing.flatMap((keyword) => {
      const value = part[keyword]
      return Array.isArray(value)
        ? value
        : keyword === 'dependentSchemas' && isSchema(value)
          ? Object.values(value)
          : []
    })
    for (const more of [referenced, part.then, part.else, ...composed]) {
      if (isSchema(more)) {
        found.add(more)
      }
    }
  }
  return [...found]
}

/** A JSON pointer within the schema; undefined for anything else. */
function resolveReference(reference: string, root: JsonSchema): unknown {
  if (!reference.startsWith('#')) {
    return undefined
  }
  let found: unknown = root
  for (const part of decodeURIComponent(reference.slice(1)).split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    found = isSchema(found) && Object.hasOwn(found, key) ? found[key] : undefined
  }
  return found
}

export function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
