import { describe, expect, it, vi } from 'vitest'
import { SchemaDocument } from '../../json-schema/index.ts'
import { checkJsonReader } from './index.ts'

/** The problems of reading with one schema what was written with another, as `TYPE #/path`. */
function problems(writer: unknown, reader: unknown): string[] {
  const [from, to] = [writer, reader].map((schema) => new SchemaDocument(JSON.stringify(schema)).node)
  return checkJsonReader(to!, from!).map(({ type, path }) => `${type} ${path}`)
}

const string = { type: 'string' }
const integer = { type: 'integer' }
const number = { type: 'number' }
const object = (properties: object, more: object = {}) => ({ type: 'object', properties, ...more })
const closed = (properties: object, more: object = {}) => object(properties, { additionalProperties: false, ...more })
const in2020 = (schema: object) => ({ $schema: 'https://json-schema.org/draft/2020-12/schema', ...schema })

const closedReference = (properties: object) => ({
  properties: { m: { $ref: '#/$defs/m', unevaluatedProperties: false } },
  $defs: { m: object(properties) },
})

type Case = readonly [change: string, writer: unknown, reader: unknown, problems?: readonly string[]]

const groups: Readonly<Record<string, readonly Case[]>> = {
  types: [
    ['anything becomes anything', { type: 'string' }, {}],
    ['anything becomes a boolean schema', string, true],
    ['nothing becomes something', false, string],
    ['something becomes nothing', string, false, ['TYPE_NARROWED #']],
    ['titles, descriptions and ids change', { $id: 'a', title: 'a' }, { $id: 'b', description: 'b' }],
    ['another type', string, { type: 'array' }, ['TYPE_CHANGED #']],
    ['a wider number', integer, number],
    ['a narrower number', number, integer, ['TYPE_NARROWED #']],
    ['one type more', string, { type: ['string', 'null'] }],
    ['one type less', { type: ['string', 'null'] }, string, ['TYPE_NARROWED #']],
    ['types in another order', { type: ['string', 'null'] }, { type: ['null', 'string'] }],
    ['a format is only said', string, { type: 'string', format: 'uuid' }],
  ],
  'texts and numbers': [
    ['maxLength added', string, { ...string, maxLength: 9 }, ['MAX_LENGTH_ADDED #/maxLength']],
    ['maxLength less', { ...string, maxLength: 9 }, { ...string, maxLength: 8 }, ['MAX_LENGTH_DECREASED #/maxLength']],
    ['maxLength more', { ...string, maxLength: 9 }, { ...string, maxLength: 10 }],
    ['maxLength removed', { ...string, maxLength: 9 }, string],
    ['minLength added', string, { ...string, minLength: 1 }, ['MIN_LENGTH_ADDED #/minLength']],
    ['minLength 0 added', string, { ...string, minLength: 0 }],
    ['minLength more', { ...string, minLength: 1 }, { ...string, minLength: 2 }, ['MIN_LENGTH_INCREASED #/minLength']],
    ['a length that no value of the type has', integer, { type: 'integer', maxLength: 1 }],
    ['pattern added', string, { ...string, pattern: 'a' }, ['PATTERN_ADDED #/pattern']],
    ['pattern changed', { ...string, pattern: 'a' }, { ...string, pattern: 'b' }, ['PATTERN_CHANGED #/pattern']],
    ['pattern kept', { ...string, pattern: 'a' }, { ...string, pattern: 'a' }],
    ['maximum added', number, { ...number, maximum: 1 }, ['MAXIMUM_ADDED #/maximum']],
    ['maximum less', { ...number, maximum: 2 }, { ...number, maximum: 1 }, ['MAXIMUM_DECREASED #/maximum']],
    ['minimum more', { ...number, minimum: 1 }, { ...number, minimum: 2 }, ['MINIMUM_INCREASED #/minimum']],
    ['an exclusive bound becomes inclusive', { ...number, exclusiveMinimum: 1 }, { ...number, minimum: 1 }],
    [
      'an inclusive bound becomes exclusive',
      { ...number, minimum: 1 },
      { ...number, exclusiveMinimum: 1 },
      ['MINIMUM_EXCLUSIVE_INCREASED #/exclusiveMinimum'],
    ],
    ['multipleOf added', number, { ...number, multipleOf: 2 }, ['MULTIPLE_OF_ADDED #/multipleOf']],
    ['multipleOf of a divisor', { ...number, multipleOf: 0.3 }, { ...number, multipleOf: 0.1 }],
    [
      'multipleOf of a multiple',
      { ...number, multipleOf: 2 },
      { ...number, multipleOf: 4 },
      ['MULTIPLE_OF_EXPANDED #/multipleOf'],
    ],
    [
      'another multipleOf',
      { ...number, multipleOf: 10 },
      { ...number, multipleOf: 11 },
      ['MULTIPLE_OF_CHANGED #/multipleOf'],
    ],
    ['integers are multiples of 1', integer, { ...number, multipleOf: 0.5 }],
    [
      'draft 4 makes a bound exclusive with a boolean',
      { $schema: 'http://json-schema.org/draft-04/schema#', type: 'number', minimum: 1 },
      { $schema: 'http://json-schema.org/draft-04/schema#', type: 'number', minimum: 1, exclusiveMinimum: true },
      ['MINIMUM_INCREASED #/minimum'],
    ],
  ],
  'enum and const': [
    ['a value more', { enum: ['a'] }, { enum: ['b', 'a'] }],
    ['a value less', { enum: ['a', 'b'] }, { enum: ['a'] }, ['ENUM_ARRAY_NARROWED #/enum']],
    ['another value', { enum: ['a'] }, { enum: ['b'] }, ['ENUM_ARRAY_CHANGED #/enum']],
    ['an enum removed', { ...string, enum: ['a'] }, string],
    ['an enum added', string, { ...string, enum: ['a'] }, ['ENUM_ARRAY_NARROWED #/enum']],
    ['all booleans are listed', { type: 'boolean' }, { enum: [false, true] }],
    ['const changed', { const: 'a' }, { const: 'b' }, ['ENUM_ARRAY_CHANGED #/const']],
    ['const becomes one of an enum', { const: 'a' }, { enum: ['a', 'b'] }],
    ['const and enum count both', { const: 'a' }, { const: 'a', enum: ['b'] }, ['ENUM_ARRAY_NARROWED #/const']],
    ['objects are equal in any order of keys', { const: { a: 1, b: 2 } }, { const: { b: 2, a: 1 } }],
    ['listed values are short enough', { enum: ['a', 'bc'] }, { ...string, maxLength: 2, pattern: '^[a-c]+$' }],
  ],
  'properties in an open content model': [
    ['removed', object({ a: string, b: string }), object({ a: string })],
    [
      'added',
      object({ a: string }),
      object({ a: string, b: string }),
      ['PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/b'],
    ],
    ['added without a restriction', object({ a: string }), object({ a: string, b: {} })],
    [
      'added in a nested object',
      object({ a: object({}) }),
      object({ a: object({ 'b/c': string }) }),
      ['PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/properties/a/properties/b~1c'],
    ],
    [
      'two problems are both said',
      object({ a: string, b: { ...string, maxLength: 3 } }),
      object({ a: integer, b: { ...string, maxLength: 2 } }),
      ['TYPE_CHANGED #/properties/a', 'MAX_LENGTH_DECREASED #/properties/b/maxLength'],
    ],
    ['the model is closed', object({}), closed({}), ['ADDITIONAL_PROPERTIES_REMOVED #/additionalProperties']],
    [
      'the model is closed in part',
      object({}),
      object({}, { additionalProperties: string }),
      ['ADDITIONAL_PROPERTIES_NARROWED #/additionalProperties'],
    ],
    [
      'a property that is called like a keyword',
      closed({ $ref: string, enum: string, default: string }),
      closed({ $ref: string, enum: integer, default: string }),
      ['TYPE_CHANGED #/properties/enum'],
    ],
  ],
  'properties in a closed content model': [
    ['added', closed({ a: string }), closed({ a: string, b: string })],
    [
      'removed',
      closed({ a: string, b: string }),
      closed({ a: string }),
      ['PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/b'],
    ],
    ['the model is opened', closed({ a: string }), object({ a: string })],
    [
      'added and required',
      closed({}),
      closed({ a: string }, { required: ['a'] }),
      ['REQUIRED_PROPERTY_ADDED_TO_UNOPEN_CONTENT_MODEL #/properties/a'],
    ],
    ['added and required with a default', closed({}), closed({ a: { ...string, default: '' } }, { required: ['a'] })],
  ],
  'properties in a partially open content model': [
    [
      'added as the model has it',
      object({}, { additionalProperties: string }),
      object({ a: string }, { additionalProperties: string }),
    ],
    [
      'added otherwise',
      object({}, { additionalProperties: string }),
      object({ a: integer }, { additionalProperties: string }),
      ['PROPERTY_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a'],
    ],
    [
      'removed as the model has it',
      object({ a: string }, { additionalProperties: string }),
      object({}, { additionalProperties: string }),
    ],
    [
      'removed otherwise',
      object({ a: integer }, { additionalProperties: string }),
      object({}, { additionalProperties: string }),
      ['PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/a'],
    ],
    ['removed as a pattern has it', closed({ ab: string }), closed({}, { patternProperties: { '^a': string } })],
    [
      'removed otherwise than a pattern has it',
      closed({ ab: integer }),
      closed({}, { patternProperties: { '^a': string } }),
      ['PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/ab'],
    ],
    [
      'a pattern added to an open model',
      object({}),
      object({}, { patternProperties: { '^a': string } }),
      ['PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL #/patternProperties/^a'],
    ],
    ['a pattern added to a closed model', closed({}), closed({}, { patternProperties: { '^a': string } })],
    [
      'a pattern with another schema',
      closed({}, { patternProperties: { '^a': string } }),
      closed({}, { patternProperties: { '^a': integer } }),
      ['TYPE_CHANGED #/patternProperties/^a'],
    ],
    [
      'a pattern removed from a closed model',
      closed({}, { patternProperties: { '^a': string } }),
      closed({}),
      ['PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/patternProperties/^a'],
    ],
    [
      'a stricter schema of other properties',
      object({}, { additionalProperties: number }),
      object({}, { additionalProperties: integer }),
      ['TYPE_NARROWED #/additionalProperties'],
    ],
  ],
  'required properties, counts and names': [
    [
      'required added',
      object({ a: string }),
      object({ a: string }, { required: ['a'] }),
      ['REQUIRED_ATTRIBUTE_ADDED #/properties/a'],
    ],
    ['required removed', object({ a: string }, { required: ['a'] }), object({ a: string })],
    [
      'required added with a default',
      object({ a: string }),
      object({ a: { ...string, default: '' } }, { required: ['a'] }),
    ],
    ['minProperties added', object({}), object({}, { minProperties: 1 }), ['MIN_PROPERTIES_ADDED #/minProperties']],
    [
      'maxProperties less',
      object({}, { maxProperties: 2 }),
      object({}, { maxProperties: 1 }),
      ['MAX_PROPERTIES_DECREASED #/maxProperties'],
    ],
    ['names restricted', object({}), object({}, { propertyNames: { maxLength: 3 } }), ['SCHEMA_ADDED #/propertyNames']],
  ],
  dependencies: [
    [
      'an array added',
      object({}),
      object({}, { dependencies: { a: ['b'] } }),
      ['DEPENDENCY_ARRAY_ADDED #/dependencies/a'],
    ],
    [
      'an array extended',
      object({}, { dependencies: { a: ['b'] } }),
      object({}, { dependencies: { a: ['b', 'c'] } }),
      ['DEPENDENCY_ARRAY_EXTENDED #/dependencies/a'],
    ],
    [
      'an array that is always kept',
      object({ b: string }, { required: ['b'] }),
      object({}, { dependencies: { a: ['b'] } }),
    ],
    [
      'the newer keyword',
      in2020(object({})),
      in2020(object({}, { dependentRequired: { a: ['b'] } })),
      ['DEPENDENCY_ARRAY_ADDED #/dependentRequired/a'],
    ],
    [
      'a schema added',
      in2020(object({})),
      in2020(object({}, { dependentSchemas: { a: { minProperties: 2 } } })),
      ['DEPENDENCY_SCHEMA_ADDED #/dependentSchemas/a'],
    ],
    ['a keyword that the draft does not have', object({}), object({}, { dependentRequired: { a: ['b'] } })],
  ],
  arrays: [
    ['items added', { type: 'array' }, { type: 'array', items: string }, ['SCHEMA_ADDED #/items']],
    ['items removed', { type: 'array', items: string }, { type: 'array' }],
    ['stricter items', { type: 'array', items: number }, { type: 'array', items: integer }, ['TYPE_NARROWED #/items']],
    ['maxItems added', { type: 'array' }, { type: 'array', maxItems: 1 }, ['MAX_ITEMS_ADDED #/maxItems']],
    ['minItems more', { minItems: 1 }, { minItems: 2 }, ['MIN_ITEMS_INCREASED #/minItems']],
    [
      'uniqueItems added',
      { type: 'array' },
      { type: 'array', uniqueItems: true },
      ['UNIQUE_ITEMS_ADDED #/uniqueItems'],
    ],
    [
      'an item added to an open tuple',
      { items: [string] },
      { items: [string, string] },
      ['ITEM_ADDED_TO_OPEN_CONTENT_MODEL #/items/1'],
    ],
    [
      'an item added to a closed tuple',
      { items: [string], additionalItems: false },
      { items: [string, string], additionalItems: false },
    ],
    [
      'an item removed from a closed tuple',
      { items: [string, string], additionalItems: false },
      { items: [string], additionalItems: false },
      ['ITEM_REMOVED_FROM_CLOSED_CONTENT_MODEL #/items/1'],
    ],
    [
      'an item added otherwise than a partially open tuple has it',
      { items: [string], additionalItems: string },
      { items: [string, integer], additionalItems: string },
      ['ITEM_ADDED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/1'],
    ],
    [
      'an item removed otherwise than a partially open tuple has it',
      { items: [string, integer], additionalItems: string },
      { items: [string], additionalItems: string },
      ['ITEM_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/items/1'],
    ],
    [
      'a tuple is closed',
      { items: [string] },
      { items: [string], additionalItems: false },
      ['ADDITIONAL_ITEMS_REMOVED #/additionalItems'],
    ],
    [
      'draft 2020-12 has prefixItems',
      in2020({ prefixItems: [number], items: false }),
      in2020({ prefixItems: [integer, string], items: false }),
      ['TYPE_NARROWED #/prefixItems/0'],
    ],
    ['contains added', { type: 'array' }, { type: 'array', contains: string }, ['CONTAINS_CHANGED #/contains']],
    ['contains loosened', { contains: integer }, { contains: number }],
  ],
  combinations: [
    ['oneOf extended', { oneOf: [string, integer] }, { oneOf: [string, integer, { type: 'null' }] }],
    ['oneOf narrowed', { oneOf: [string, integer] }, { oneOf: [string] }, ['SUM_TYPE_NARROWED #']],
    [
      'oneOf of three becomes one of two',
      { oneOf: [string, integer, { type: 'null' }] },
      { oneOf: [string, integer] },
      ['SUM_TYPE_NARROWED #/oneOf'],
    ],
    ['oneOf in another order', { oneOf: [string, integer] }, { oneOf: [integer, string] }],
    [
      'oneOf with another branch',
      { oneOf: [string, integer] },
      { oneOf: [string, { type: 'null' }] },
      ['COMBINED_TYPE_SUBSCHEMAS_CHANGED #/oneOf'],
    ],
    ['a type becomes one of several', string, { oneOf: [integer, string] }],
    ['several types become branches', { type: ['string', 'null'] }, { anyOf: [{ type: 'null' }, string] }],
    ['branches become several types', { oneOf: [{ type: 'null' }, string] }, { type: ['string', 'null'] }],
    [
      'listed values become branches',
      { enum: ['a', 'b'] },
      { oneOf: [{ const: 'a' }, { const: 'b' }, { const: 'c' }] },
    ],
    ['oneOf becomes anyOf', { oneOf: [string, integer] }, { anyOf: [string, integer] }],
    [
      'anyOf becomes oneOf',
      { anyOf: [string, integer] },
      { oneOf: [string, integer] },
      ['COMBINED_TYPE_CHANGED #/oneOf'],
    ],
    [
      'allOf extended',
      { allOf: [object({ a: string })] },
      { allOf: [object({ a: string }), object({ b: string })] },
      ['PRODUCT_TYPE_EXTENDED #/allOf'],
    ],
    ['allOf narrowed', { allOf: [string, { minLength: 1 }] }, { allOf: [string] }],
    ['allOf in another order', { allOf: [string, { enum: ['a'] }] }, { allOf: [{ enum: ['a', 'b'] }, string] }],
    [
      'a property in a member of allOf',
      { allOf: [object({ a: string }), object({ b: string })] },
      { allOf: [object({ a: string }), object({ b: integer })] },
      ['TYPE_CHANGED #/allOf/1/properties/b'],
    ],
    ['not loosened', { not: number }, { not: integer }],
    ['not extended', { not: integer }, { not: number }, ['NOT_TYPE_NARROWED #/not']],
    ['not added', {}, { not: integer }, ['NOT_TYPE_NARROWED #/not']],
    ['not of a type that is not written', string, { not: integer }],
    // biome-ignore-start lint/suspicious/noThenProperty: a keyword of JSON Schema
    ['a condition kept', { if: string, then: { minLength: 2 } }, { if: string, then: { minLength: 1 } }],
    ['a condition added', {}, { if: string, then: { minLength: 1 } }, ['CONDITION_CHANGED #/then']],
    // biome-ignore-end lint/suspicious/noThenProperty: a keyword of JSON Schema
  ],
  references: [
    [
      'a definition changes',
      { $ref: '#/definitions/a', definitions: { a: object({ b: string }) } },
      { $ref: '#/definitions/c', definitions: { c: object({ b: integer }) } },
      ['TYPE_CHANGED #/properties/b'],
    ],
    [
      'keywords beside $ref do not count before 2019-09',
      { $ref: '#/definitions/a', definitions: { a: string } },
      { $ref: '#/definitions/a', minLength: 1, definitions: { a: string } },
    ],
    [
      'they do from 2019-09',
      in2020({ $ref: '#/$defs/a', $defs: { a: string } }),
      in2020({ $ref: '#/$defs/a', minLength: 1, $defs: { a: string } }),
      ['MIN_LENGTH_ADDED #/minLength'],
    ],
    [
      'a recursive schema',
      object({ next: { $ref: '#' }, value: string }),
      object({ next: { $ref: '#' }, value: { ...string, maxLength: 5 } }),
      ['MAX_LENGTH_ADDED #/properties/value/maxLength'],
    ],
    [
      'a recursive schema that stays as it is',
      object({ next: { anyOf: [{ $ref: '#' }, { type: 'null' }] } }),
      object({ next: { anyOf: [{ type: 'null' }, { $ref: '#' }] } }),
    ],
    ['a reference to itself says nothing', { $ref: '#' }, { $ref: '#' }],
    [
      'anchors and ids',
      in2020({ $ref: '#here', $defs: { a: { $anchor: 'here', type: 'string' } } }),
      in2020({ $ref: 'other.json', $defs: { a: { $id: 'other.json', type: 'integer' } } }),
      ['TYPE_CHANGED #'],
    ],
  ],
  'unevaluated properties and items': [
    [
      'they close a model together with allOf',
      in2020({ allOf: [object({ a: string })], ...object({}, { unevaluatedProperties: false }) }),
      in2020({ allOf: [object({ a: string })], ...object({ b: string }, { unevaluatedProperties: false }) }),
    ],
    [
      'a property removed',
      in2020(object({ a: string, b: string }, { unevaluatedProperties: false })),
      in2020(object({ a: string }, { unevaluatedProperties: false })),
      ['PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/b'],
    ],
    [
      'items',
      in2020({ prefixItems: [string] }),
      in2020({ prefixItems: [string], unevaluatedItems: false }),
      ['ADDITIONAL_ITEMS_REMOVED #/unevaluatedItems'],
    ],
    [
      'items beside a $ref that may evaluate them',
      in2020({ $ref: '#/$defs/a', $defs: { a: { type: 'array' } } }),
      in2020({ $ref: '#/$defs/a', unevaluatedItems: false, $defs: { a: { type: 'array' } } }),
      ['ADDITIONAL_ITEMS_REMOVED #/unevaluatedItems'],
    ],
    [
      'a property added to a definition that is closed where it is referred to',
      in2020(closedReference({ id: string })),
      in2020(closedReference({ id: string, note: string })),
    ],
    [
      'a property removed from a definition that is closed where it is referred to',
      in2020(closedReference({ id: string, note: string })),
      in2020(closedReference({ id: string })),
      ['PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/m/properties/note'],
    ],
  ],
}

describe.each(Object.entries(groups))('reading JSON after a change of %s', (_, cases) => {
  it.each(cases)('%s', (_change, writer, reader, expected = []) => {
    expect(problems(writer, reader)).toEqual(expected)
  })

  it.each(cases)('%s: nothing changes', (_change, writer, reader) => {
    expect([problems(writer, writer), problems(reader, reader)]).toEqual([[], []])
  })
})

/** Schemas in which parts of the comparison are conservative; they are compatible with themselves nevertheless. */
const a = { properties: { a: string } }
const b = { properties: { b: integer } }
const conservative: readonly (readonly [what: string, schema: object])[] = [
  ['oneOf', in2020({ oneOf: [a, b], unevaluatedProperties: false })],
  ['anyOf with $ref', in2020({ anyOf: [{ $ref: '#/$defs/a' }, b], $defs: { a }, unevaluatedProperties: false })],
  // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
  ['if and then', in2020({ if: a, then: b, unevaluatedProperties: false })],
  ['dependentSchemas', in2020({ dependentSchemas: { a: b }, unevaluatedProperties: false })],
  ['a pattern that is not valid', closed({ xy: string }, { patternProperties: { '(?i)^x': integer } })],
  ['a pattern that the flag u refuses', closed({ 'x-a': string }, { patternProperties: { '^x\\-': string } })],
  [
    'items behind $ref',
    in2020({ $ref: '#/$defs/t', unevaluatedItems: false, $defs: { t: { prefixItems: [string] } } }),
  ],
]

const schemas = Object.values(groups).flatMap((cases) =>
  cases.flatMap(([change, writer, reader]) => [[change, writer] as const, [change, reader] as const]),
)

describe('a schema with another title and description is compatible with itself', () => {
  it.each([...conservative, ...schemas].filter(([, schema]) => typeof schema === 'object'))('%s', (_, schema) => {
    const other = { ...(schema as object), title: 'other', description: 'other' }
    expect([problems(schema, other), problems(other, schema)]).toEqual([[], []])
  })

  it('unless a $ref leads to another schema', () => {
    const branches = (name: string) =>
      in2020({
        oneOf: [{ $ref: '#/$defs/a' }, b],
        $defs: { a: object({ [name]: string }) },
        unevaluatedProperties: false,
      })
    expect(problems(branches('a'), branches('c'))).not.toEqual([])
  })

  it('and counts a property that is called title', () => {
    const named = (title: object) => closed({ title, next: { $ref: '#' } })
    expect(problems(named(string), named(integer))).toEqual(['TYPE_CHANGED #/properties/title'])
  })
})

describe('a comparison', () => {
  it('ends with an error when there are too many combinations', () => {
    const branch = (index: number) => ({
      anyOf: Array.from({ length: 6 }, (_, at) => object({ [`p${index}${at}`]: string })),
    })
    const many = (more: object) => ({ allOf: Array.from({ length: 12 }, (_, index) => branch(index)), ...more })
    expect(() =>
      problems(many({}), many({ minProperties: 1, anyOf: [object({ x: string }), object({ y: string })] })),
    ).toThrow(/too many combinations of oneOf, anyOf and allOf to be compared in 20000 steps: split them/)
  })

  it('does not hang on a pattern that takes years', () => {
    const pattern = { patternProperties: { '^(a+)+$': string } }
    const name = `${'a'.repeat(40)}!`
    expect(problems(closed({ [name]: integer }), closed({}, pattern))).toEqual([
      `PROPERTY_REMOVED_NOT_COVERED_BY_PARTIALLY_OPEN_CONTENT_MODEL #/properties/${name}`,
      `PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL #/properties/${name}`,
    ])
  })

  it('of 300 kinds of objects, a property of which names the kind, needs few steps', () => {
    const kinds = (more: object) =>
      Array.from({ length: 300 }, (_, kind) => closed({ kind: { const: kind }, ...more }, { required: ['kind'] }))
    expect(problems({ oneOf: kinds({}) }, { oneOf: kinds({ note: string }).toReversed() })).toEqual([])
    expect(problems({ oneOf: kinds({ note: string }) }, { oneOf: kinds({}) })).toEqual([
      'COMBINED_TYPE_SUBSCHEMAS_CHANGED #/oneOf',
    ])
  })

  it('makes the key of each value of an enum a few times, not once for each pair', () => {
    const values = Array.from({ length: 500 }, (_, value) => `v${value}`)
    const [from, to] = [{ enum: values }, { ...string, enum: values.toReversed() }].map(
      (schema) => new SchemaDocument(JSON.stringify(schema)).node,
    )
    const written = vi.spyOn(JSON, 'stringify')
    const found = checkJsonReader(to!, from!)
    const calls = written.mock.calls.length
    written.mockRestore()
    expect(found).toEqual([])
    expect(calls).toBeLessThan(10 * values.length)
  })

  it('of an allOf takes steps for each pair of members', () => {
    const members = (count: number) => ({
      allOf: Array.from({ length: count }, (_, index) => object({ [`p${index}`]: { ...string, maxLength: 9 } })),
    })
    expect(problems(members(200), { ...members(200), title: 'a' })).toEqual([])
    expect(() => problems(members(1_500), members(1_501))).toThrow(/too many combinations/)
  })

  it('compares integers of 64 bits exactly', () => {
    const at = (maximum: string) => new SchemaDocument(`{"type":"integer","maximum":${maximum}}`).node
    expect(checkJsonReader(at('9223372036854775806'), at('9223372036854775807')).map(({ type }) => type)).toEqual([
      'MAXIMUM_DECREASED',
    ])
  })
})
