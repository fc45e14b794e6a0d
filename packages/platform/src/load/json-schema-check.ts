// Checks a JSON Schema: each keyword's value must fit the draft's meta-schema, and an unknown keyword is a mistake, because a mistyped
// `requird` is valid JSON Schema but has no effect.
//
// The table is the meta-schema of https://json-schema.org/draft/2020-12 as data. A validator would have to compile that
// meta-schema first, which takes a third of the time of a command that reads a platform file; a test holds the table against it.
import { fullFormats } from 'ajv-formats/dist/formats.js'
import { brokenReferences, type JsonSchema } from '../payload/references.ts'
import { didYouMean } from '../suggest.ts'

/** The type of a keyword's value. */
type ValueOf =
  | 'anything'
  | 'text'
  | 'regular expression'
  | 'anchor'
  | 'id'
  | 'boolean'
  | 'number'
  | 'positive number'
  | 'count'
  | 'list'
  | 'names'
  | 'type'
  | 'map of booleans'
  | 'map of names'
  | 'schema'
  | 'schemas'
  | 'map of schemas'

const keywordsOf: Readonly<Partial<Record<ValueOf, string>>> = {
  anything: 'const default',
  text: '$schema $ref $dynamicRef $comment title description format contentEncoding contentMediaType',
  'regular expression': 'pattern',
  anchor: '$anchor $dynamicAnchor',
  id: '$id',
  // `nullable` is OpenAPI's, and the types know it.
  boolean: 'deprecated readOnly writeOnly uniqueItems nullable',
  number: 'maximum exclusiveMaximum minimum exclusiveMinimum',
  'positive number': 'multipleOf',
  count: 'maxLength minLength maxItems minItems maxContains minContains maxProperties minProperties',
  list: 'enum examples',
  names: 'required',
  type: 'type',
  'map of booleans': '$vocabulary',
  'map of names': 'dependentRequired',
  schema:
    'additionalProperties unevaluatedProperties unevaluatedItems items contains propertyNames not if then else contentSchema',
  schemas: 'allOf anyOf oneOf prefixItems',
  'map of schemas': '$defs definitions properties patternProperties dependentSchemas',
}

const keywords = new Map(
  Object.entries(keywordsOf).flatMap(([value, names]) => names.split(' ').map((name) => [name, value as ValueOf])),
)

const types = ['array', 'boolean', 'integer', 'null', 'number', 'object', 'string']

// Those that the library validates with; a format that it does not know would pass anything.
const formats: ReadonlySet<string> = new Set(Object.keys(fullFormats))

const draft = 'https://json-schema.org/draft/2020-12/schema'

/** A mistake, and the JSON pointer to it. */
export interface JsonSchemaProblem {
  readonly message: string
  readonly pointer: string
  /** A keyword or a format that is not known, which validators pass over; or a `$ref` that leads nowhere, which the draft allows. */
  readonly unknown?: 'keyword' | 'format' | 'reference'
}

/** @returns every mistake, in the order of the schema, and then the references that lead nowhere */
export function jsonSchemaProblems(schema: unknown): JsonSchemaProblem[] {
  if (!isObject(schema)) {
    return [{ message: 'it must be an object', pointer: '' }]
  }
  const declared = schema.$schema
  if (declared !== undefined && declared !== draft) {
    return [{ message: `$schema must be ${draft}, it is ${String(declared)}`, pointer: '/$schema' }]
  }
  return [...schemaProblems(schema, ''), ...referenceProblems(schema)]
}

function referenceProblems(schema: JsonSchema): JsonSchemaProblem[] {
  return brokenReferences(schema).map(({ reference, path }) => {
    const pointer = path.reduce(below, '')
    const message = `${pointer} '${reference}' leads to no schema in this file; refer to a part of it: '#/$defs/<name>'`
    return { message, pointer, unknown: 'reference' }
  })
}

function* schemaProblems(schema: unknown, pointer: string): Generator<JsonSchemaProblem> {
  if (typeof schema === 'boolean') {
    return
  }
  if (!isObject(schema)) {
    yield wrong(pointer, 'must be a schema: an object, true or false')
    return
  }
  for (const [name, value] of Object.entries(schema)) {
    const at = below(pointer, name)
    const expected = keywords.get(name)
    if (expected !== undefined) {
      yield* valueProblems(expected, value, at)
    } else if (!name.startsWith('x-')) {
      const message = `${at} is not a keyword${didYouMean(name, keywords.keys())}`
      yield { message, pointer: at, unknown: 'keyword' }
    }
    if (name === 'format' && typeof value === 'string' && !formats.has(value)) {
      const message = `${at} '${value}' is not a format${didYouMean(value, formats)}`
      yield { message, pointer: at, unknown: 'format' }
    }
    if (name === 'patternProperties' && isObject(value)) {
      for (const key of Object.keys(value)) {
        yield* regularExpressionProblems(key, below(at, key))
      }
    }
  }
}

function* valueProblems(expected: ValueOf, value: unknown, at: string): Generator<JsonSchemaProblem> {
  switch (expected) {
    case 'regular expression':
      return yield* regularExpressionProblems(value, at)
    case 'type':
      return yield* typeProblems(value, at)
    case 'map of booleans':
      return yield* entryProblems(value, at, (entry, place) => valueProblems('boolean', entry, place))
    case 'map of names':
      return yield* entryProblems(value, at, (entry, place) => valueProblems('names', entry, place))
    case 'schema':
      return yield* schemaProblems(value, at)
    case 'schemas':
      if (!Array.isArray(value) || value.length === 0) {
        return yield wrong(at, 'must be a list of schemas')
      }
      for (const [i, item] of value.entries()) {
        yield* schemaProblems(item, below(at, String(i)))
      }
      return
    case 'map of schemas':
      return yield* entryProblems(value, at, schemaProblems)
    default: {
      const [isRight, rule] = plainValues[expected]
      if (!isRight(value)) {
        yield wrong(at, rule)
      }
    }
  }
}

type PlainValue = Exclude<
  ValueOf,
  'regular expression' | 'type' | 'map of booleans' | 'map of names' | 'schema' | 'schemas' | 'map of schemas'
>

const plainValues: Readonly<Record<PlainValue, readonly [isRight: (value: unknown) => boolean, rule: string]>> = {
  anything: [() => true, ''],
  text: [(value) => typeof value === 'string', 'must be text'],
  id: [(value) => typeof value === 'string' && /^[^#]*#?$/.test(value), 'must be a URI without a fragment'],
  anchor: [
    (value) => typeof value === 'string' && /^[A-Za-z_][-A-Za-z0-9._]*$/.test(value),
    'must be a name of letters, digits, -, _ and .',
  ],
  boolean: [(value) => typeof value === 'boolean', 'must be true or false'],
  number: [(value) => typeof value === 'number', 'must be a number'],
  'positive number': [(value) => typeof value === 'number' && value > 0, 'must be a number above 0'],
  count: [(value) => Number.isInteger(value) && (value as number) >= 0, 'must be a whole number, 0 or more'],
  list: [(value) => Array.isArray(value), 'must be a list'],
  names: [
    (value) =>
      Array.isArray(value) && value.every((item) => typeof item === 'string') && new Set(value).size === value.length,
    'must be a list of different texts',
  ],
}

function* typeProblems(value: unknown, at: string): Generator<JsonSchemaProblem> {
  const isList = Array.isArray(value) && value.length > 0 && new Set(value).size === value.length
  const wrongType = (isList ? value : [value]).find((type) => !types.includes(type))
  if (wrongType !== undefined || value === undefined) {
    const meant = typeof wrongType === 'string' ? didYouMean(wrongType, types) : ''
    yield wrong(at, `must be ${types.slice(0, -1).join(', ')} or ${types.at(-1)}, or a list of these${meant}`)
  }
}

function* regularExpressionProblems(value: unknown, at: string): Generator<JsonSchemaProblem> {
  try {
    new RegExp(String(value), 'u')
    if (typeof value !== 'string') {
      yield wrong(at, 'must be text, a regular expression')
    }
  } catch (error) {
    yield wrong(at, `is not a regular expression: ${(error as Error).message}`)
  }
}

function* entryProblems(
  value: unknown,
  at: string,
  check: (entry: unknown, place: string) => Iterable<JsonSchemaProblem>,
): Generator<JsonSchemaProblem> {
  if (!isObject(value)) {
    return yield wrong(at, 'must be an object')
  }
  for (const [key, entry] of Object.entries(value)) {
    yield* check(entry, below(at, key))
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** RFC 6901. */
function below(pointer: string, key: string): string {
  return `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function wrong(pointer: string, rule: string): JsonSchemaProblem {
  return { message: `${pointer === '' ? '/' : pointer} ${rule}`, pointer }
}
