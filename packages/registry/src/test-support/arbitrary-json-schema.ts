// Random JSON Schemas, changes of them, and values, over few names and numbers so that they meet.
import fc from 'fast-check'

type Schema = boolean | Readonly<Record<string, unknown>>

const name = fc.constantFrom('a', 'b', 'ab', 'c')
const pattern = fc.constantFrom('^a', 'b$')
const small = fc.integer({ min: 0, max: 3 })
const scalar = fc.constantFrom<unknown>(null, true, false, 0, 1, 2, 3, 1.5, '', 'a', 'b', 'ab', 'aab')

/** Values of every type. */
export const arbitraryValue: fc.Arbitrary<unknown> = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(name, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value

const type = fc.constantFrom('null', 'boolean', 'string', 'array', 'object', 'number', 'integer')

const optional = (keywords: Readonly<Record<string, fc.Arbitrary<unknown>>>) =>
  fc.record(keywords, { requiredKeys: [] })

const scalarKeywords = optional({
  minLength: small,
  maxLength: small,
  pattern,
  minimum: small,
  maximum: small,
  exclusiveMinimum: small,
  exclusiveMaximum: small,
  multipleOf: fc.constantFrom(0.5, 1, 2, 3),
})

/** Schemas of draft 2020-12; the branches of `oneOf` differ in type, because a comparison does not look for overlaps. */
export const arbitraryJsonSchema: fc.Arbitrary<Schema> = fc.letrec<{ schema: Schema }>((tie) => {
  const schema = tie('schema')
  const objects = optional({
    properties: fc.dictionary(name, schema, { maxKeys: 3 }),
    patternProperties: fc.dictionary(pattern, schema, { maxKeys: 2 }),
    additionalProperties: fc.oneof(fc.constant(false), schema),
    unevaluatedProperties: fc.constant(false),
    required: fc.uniqueArray(name, { maxLength: 2 }),
    minProperties: small,
    maxProperties: small,
    propertyNames: scalarKeywords,
    dependentRequired: fc.dictionary(name, fc.uniqueArray(name, { maxLength: 2 }), { maxKeys: 1 }),
    dependentSchemas: fc.dictionary(name, schema, { maxKeys: 1 }),
  })
  const arrays = optional({
    prefixItems: fc.array(schema, { minLength: 1, maxLength: 2 }),
    items: fc.oneof(fc.constant(false), schema),
    unevaluatedItems: fc.constant(false),
    minItems: small,
    maxItems: small,
    uniqueItems: fc.boolean(),
    contains: schema,
    minContains: small,
    maxContains: small,
  })
  const combinations = optional({
    allOf: fc.array(schema, { minLength: 1, maxLength: 2 }),
    anyOf: fc.array(schema, { minLength: 1, maxLength: 3 }),
    oneOf: fc
      .uniqueArray(fc.constantFrom('null', 'string', 'integer', 'object'), { minLength: 1, maxLength: 3 })
      .map((types) => types.map((one) => ({ type: one }))),
    not: schema,
    if: schema,
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: schema,
    else: schema,
  })
  const some = (keywords: fc.Arbitrary<object>, weight: number) =>
    fc.oneof({ weight, arbitrary: keywords }, { weight: 5, arbitrary: fc.constant({}) })
  const types = fc.oneof(
    { weight: 6, arbitrary: type.map((one) => ({ type: one })) },
    { weight: 2, arbitrary: fc.uniqueArray(type, { minLength: 1, maxLength: 3 }).map((all) => ({ type: all })) },
    { weight: 1, arbitrary: fc.uniqueArray(scalar, { minLength: 1, maxLength: 3 }).map((all) => ({ enum: all })) },
    { weight: 1, arbitrary: scalar.map((value) => ({ const: value })) },
    { weight: 2, arbitrary: fc.constant({}) },
  )
  return {
    schema: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      fc.oneof(fc.boolean(), types, fc.tuple(types, scalarKeywords).map(merge)),
      fc.tuple(types, some(scalarKeywords, 1), some(objects, 3), some(arrays, 2), some(combinations, 1)).map(merge),
    ),
  }
}).schema

function merge(parts: readonly object[]): Schema {
  return Object.assign({}, ...parts)
}

/** A schema and one that was made of it by a few changes at random places. */
export const arbitraryChange: fc.Arbitrary<readonly [Schema, Schema]> = fc
  .tuple(
    arbitraryJsonSchema,
    fc.array(fc.tuple(fc.nat(), fc.nat(), arbitraryJsonSchema, fc.integer({ min: -1, max: 1 })), { maxLength: 3 }),
  )
  .map(([schema, changes]) => [
    schema,
    changes.reduce((before, [at, kind, fresh, step]) => changed(before, at, kind, fresh, step), schema),
  ])

function changed(schema: Schema, at: number, kind: number, fresh: Schema, step: number): Schema {
  const copy = structuredClone(schema) as Record<string, unknown> | boolean
  const places: Record<string, unknown>[] = []
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return
    if (!Array.isArray(value)) places.push(value as Record<string, unknown>)
    for (const item of Object.values(value)) visit(item)
  }
  visit(copy)
  const place = places[at % Math.max(1, places.length)]
  if (place === undefined) return fresh
  const keys = Object.keys(place)
  const key = keys[kind % Math.max(1, keys.length)]
  const value = key === undefined ? undefined : place[key]
  if (key === undefined) return kind % 2 === 0 ? fresh : copy
  if (typeof value === 'number') place[key] = Math.max(key === 'multipleOf' ? 0.5 : 0, value + step)
  else if (kind % 3 === 0) delete place[key]
  else if (kind % 3 === 1 && typeof fresh === 'object') {
    const [other] = Object.entries(fresh)
    if (other !== undefined) place[other[0]] = other[1]
  } else if (typeof value === 'object' && !Array.isArray(value) && value !== null) place[key] = fresh
  return copy
}

/** The same in the words of draft 7, without what it does not have. */
export function inDraft7(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(inDraft7)
  if (typeof schema !== 'object' || schema === null) return schema
  const { prefixItems, items, dependentRequired, dependentSchemas, ...rest } = schema as Record<string, unknown>
  for (const keyword of ['unevaluatedProperties', 'unevaluatedItems', 'minContains', 'maxContains'])
    delete rest[keyword]
  const dependencies = { ...(dependentRequired as object), ...(dependentSchemas as object) }
  const result = {
    ...rest,
    ...(prefixItems === undefined ? { items } : { items: prefixItems, additionalItems: items }),
    ...(Object.keys(dependencies).length === 0 ? {} : { dependencies }),
  }
  const entries = Object.entries(result).filter(([, value]) => value !== undefined)
  return Object.fromEntries(
    entries.map(([keyword, value]) => [keyword, keyword === 'enum' || keyword === 'const' ? value : inDraft7(value)]),
  )
}

/** Whether ajv 8.20 accepts `[]` against the schema wrongly: where an object has schemas by position and `contains`. */
export function isMisjudged(schema: unknown): boolean {
  if (typeof schema !== 'object' || schema === null) return false
  const { contains, prefixItems, items } = schema as Record<string, unknown>
  const hasPositions = prefixItems !== undefined || Array.isArray(items)
  return (contains !== undefined && hasPositions) || Object.values(schema).some(isMisjudged)
}
