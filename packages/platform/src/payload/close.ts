// The content model of an event's payload: an object that declares properties has no others, unless the schema says so.
//
// Generated types say the same, and a mistyped name of an optional field would be lost otherwise. `additionalProperties: true` lets any
// field pass. In a registry it decides what may change: under BACKWARD an optional property may be added to a closed object, and not to
// an open one, whose old events may have had any value under that name.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/serdes-json.html#json-schema-compatibility-rules

import { type Child, childrenOf, isSchema, type JsonSchema, resolveReference, withChildren } from './references.ts'

export { isSchema, type JsonSchema }

/** Keywords whose schemas say more of the same value. */
const ofSame = new Set(['allOf', 'anyOf', 'oneOf', 'then', 'else', 'dependentSchemas'])
/** Keywords whose schemas are of the values inside it. The others are conditions: a closed one would no longer be met. */
const ofInside = new Set([
  ...['properties', 'patternProperties', 'additionalProperties', 'unevaluatedProperties'],
  ...['items', 'prefixItems', 'unevaluatedItems'],
])
const ofDefinitions = new Set(['$defs', 'definitions'])
const composing = ['$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'dependentSchemas'] as const
/** Beside a `$ref`, they say more of the object's properties than the definition. */
const ofProperties = [
  ...['properties', 'patternProperties', 'additionalProperties', 'unevaluatedProperties', '$dynamicRef'],
  ...['allOf', 'anyOf', 'oneOf', 'if', 'then', 'else', 'dependentSchemas'],
]

/**
 * How a schema is used: as the whole of what is said of a value, which is closed there; as a part of it, whose values inside are closed;
 * or left as it is written.
 */
type Use = 'whole' | 'part' | 'left'
const uses: readonly Use[] = ['whole', 'part', 'left']

interface Uses {
  /** Of definitions that something refers to. A definition that is always the whole is closed itself, and not where it is referred to. */
  readonly definitions: Map<JsonSchema, Use>
  /** Values inside that several parts of a schema say something of: each alone closed would refuse the fields of the others. */
  readonly left: Set<JsonSchema>
  /** Every schema that is used as a whole. */
  readonly whole: Set<JsonSchema>
}

/**
 * The schema that payloads are validated against, and that is registered. Closing it again changes nothing.
 * @param schema as its file has it, draft 2020-12 unless its `$schema` says draft-07
 */
export function closePayload(schema: object): JsonSchema {
  const root = schema as JsonSchema
  return closed(root, 'whole', root, usesIn(root), isDraft7(root))
}

export function isDraft7({ $schema }: JsonSchema): boolean {
  return typeof $schema === 'string' && $schema.includes('draft-07')
}

function closed(schema: JsonSchema, use: Use, root: JsonSchema, found: Uses, draft7: boolean): JsonSchema {
  const result = withChildren(schema, (child) => closed(child.schema, useOf(child, use, found), root, found, draft7))
  const isOpen = 'additionalProperties' in schema || 'unevaluatedProperties' in schema
  if (use !== 'whole' || isOpen || !declaresProperties(schema, root)) {
    return result
  }
  if (composing.every((keyword) => schema[keyword] === undefined)) {
    return { ...result, additionalProperties: false }
  }
  const target = onlyReference(schema, root)
  if (target !== undefined && found.whole.has(target)) {
    return result
  }
  // Draft 7 has no way to close a schema that is composed of others.
  return draft7 ? result : { ...result, unevaluatedProperties: false }
}

function useOf({ path: [keyword], schema }: Child, around: Use, { definitions, left }: Uses): Use {
  if (ofDefinitions.has(keyword)) {
    return definitions.get(schema) ?? 'part'
  }
  if (around === 'left' || left.has(schema)) {
    return 'left'
  }
  return ofInside.has(keyword) ? 'whole' : ofSame.has(keyword) ? 'part' : 'left'
}

/** A use of a definition may change how others are used, so the schema is read until nothing changes. */
function usesIn(root: JsonSchema): Uses {
  const definitions = new Map<JsonSchema, Use>()
  const left = new Set<JsonSchema>()
  const entries = definitionsIn(root)
  let found: Uses
  let before: number
  do {
    before = left.size + weightOf(definitions)
    found = { definitions, left, whole: new Set() }
    visit(root, 'whole', found)
  } while (left.size + weightOf(definitions) > before)
  return found

  function visit(schema: JsonSchema, use: Use, found: Uses): void {
    if (use === 'whole') {
      found.whole.add(schema)
      for (const shared of sharedInside(schema, root)) {
        left.add(shared)
      }
    }
    const only = use === 'whole' && onlyReference(schema, root) !== undefined
    for (const reference of [schema.$ref, schema.$dynamicRef]) {
      const target = typeof reference === 'string' ? resolveReference(reference, root) : undefined
      if (isSchema(target)) {
        refer(target, only ? 'whole' : use === 'left' ? 'left' : 'part')
      }
    }
    for (const child of childrenOf(schema)) {
      visit(child.schema, useOf(child, use, found), found)
    }
  }

  function refer(target: JsonSchema, use: Use): void {
    if (entries.has(target)) {
      const before = definitions.get(target) ?? 'whole'
      definitions.set(target, uses[Math.max(uses.indexOf(before), uses.indexOf(use))]!)
    } else if (use !== 'whole' && target !== root) {
      left.add(target)
    }
  }
}

/** It grows with each change. */
function weightOf(definitions: ReadonlyMap<JsonSchema, Use>): number {
  return [...definitions.values()].reduce((sum, use) => sum + 1 + uses.indexOf(use), 0)
}

function definitionsIn(root: JsonSchema): ReadonlySet<JsonSchema> {
  const found = new Set<JsonSchema>()
  const schemas = new Set([root])
  for (const one of schemas) {
    for (const { path, schema } of childrenOf(one)) {
      schemas.add(schema)
      if (ofDefinitions.has(path[0])) {
        found.add(schema)
      }
    }
  }
  return found
}

/** @returns what the schema refers to, if it says nothing else of an object's properties */
function onlyReference(schema: JsonSchema, root: JsonSchema): JsonSchema | undefined {
  if (typeof schema.$ref !== 'string' || ofProperties.some((keyword) => schema[keyword] !== undefined)) {
    return undefined
  }
  const target = resolveReference(schema.$ref, root)
  return isSchema(target) ? target : undefined
}

/** The schemas of values inside, under names that more than one part of a composed schema declares. Of `oneOf`, one part applies. */
function sharedInside(schema: JsonSchema, root: JsonSchema): readonly JsonSchema[] {
  if (composing.every((keyword) => schema[keyword] === undefined) || onlyReference(schema, root) !== undefined) {
    return []
  }
  return [...partsInside(schema, root, new Set()).values()].flatMap(({ count, schemas }) => (count > 1 ? schemas : []))
}

interface Inside {
  readonly count: number
  readonly schemas: readonly JsonSchema[]
}

/** @param seen each part counts once, even if several refer to it */
function partsInside(schema: JsonSchema, root: JsonSchema, seen: Set<JsonSchema>): Map<string, Inside> {
  const found = new Map<string, Inside>()
  if (seen.has(schema)) {
    return found
  }
  seen.add(schema)
  const add = (more: Map<string, Inside>, into: Map<string, Inside>, count: (a: number, b: number) => number) => {
    for (const [name, inside] of more) {
      const { count: before, schemas } = into.get(name) ?? { count: 0, schemas: [] }
      into.set(name, { count: count(before, inside.count), schemas: [...schemas, ...inside.schemas] })
    }
  }
  const sum = (a: number, b: number) => a + b
  const oneOf = new Map<string, Inside>()
  const children = childrenOf(schema)
  const target = typeof schema.$ref === 'string' ? resolveReference(schema.$ref, root) : undefined
  if (isSchema(target)) {
    add(partsInside(target, root, seen), found, sum)
  }
  for (const { path, schema: part } of children) {
    if (ofInside.has(path[0]) && closesAnything(part, root)) {
      add(new Map([[path.join('/'), { count: 1, schemas: [part] }]]), found, sum)
    } else if (ofSame.has(path[0]) && path[0] !== 'oneOf') {
      add(partsInside(part, root, seen), found, sum)
    }
  }
  for (const { path, schema: part } of children) {
    if (path[0] === 'oneOf') {
      add(partsInside(part, root, seen), oneOf, Math.max)
    }
  }
  add(oneOf, found, sum)
  return found
}

function closesAnything(schema: JsonSchema, root: JsonSchema): boolean {
  return declaresProperties(schema, root) || childrenOf(schema).some(({ schema: part }) => closesAnything(part, root))
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
export function sameValue(schema: JsonSchema, root: JsonSchema): readonly JsonSchema[] {
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
