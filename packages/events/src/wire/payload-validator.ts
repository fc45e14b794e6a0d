// The check of an event's payload before it is sent: a JSON Schema, compiled.
//
// A field that the schema does not declare is refused, as it is for records of an Avro shape and as the generated types say: a
// mistyped name of an optional field would be lost otherwise. `additionalProperties: true` lets any field pass. Readers check
// nothing, so that events with the fields of a newer schema are handled by services that have an older one.
import { jsonSchemaProblems } from '@selfmonitor/platform/shapes'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { ValidationProblem } from '../errors.ts'
import { meantName } from './meant-name.ts'

/** The problems of a payload; empty when there are none. */
export type PayloadValidator = (data: unknown) => readonly ValidationProblem[]

type JsonSchema = { readonly [keyword: string]: unknown }

const options = { allErrors: true, strict: false, verbose: true }
let draft2020: Ajv2020 | undefined
let draft7: Ajv | undefined

/**
 * @param schema draft 2020-12 unless its `$schema` says draft-07
 * @throws Error when it is not a JSON Schema
 */
export function createPayloadValidator(schema: object): PayloadValidator {
  const { $id: _, ...anonymous } = schema as JsonSchema
  const isDraft7 = typeof anonymous.$schema === 'string' && anonymous.$schema.includes('draft-07')
  const validate = isDraft7 ? compileDraft7(anonymous) : compileDraft2020(anonymous)
  const root = validate.schema as JsonSchema
  return (data) => (validate(data) ? [] : (validate.errors ?? []).map((error) => problemOf(error, root)))
}

function compileDraft7(schema: JsonSchema): ValidateFunction {
  draft7 ??= formats.default(new Ajv(options))
  return draft7.compile(closed(schema, schema, true))
}

function compileDraft2020(schema: JsonSchema): ValidateFunction {
  // Keywords and formats that are not known mean nothing to this validator, and are for `selfmonitor validate` to find.
  const problem = jsonSchemaProblems(schema).find(({ unknown }) => unknown === undefined)
  if (problem !== undefined) throw new Error(problem.message)
  // To compile the meta-schema takes longer than everything else that a short process does.
  draft2020 ??= formats.default(new Ajv2020({ ...options, validateSchema: false }))
  return draft2020.compile(closed(schema, schema, false))
}

/** Keywords whose schemas say more of the same value. */
const ofSame = ['allOf', 'anyOf', 'oneOf', 'then', 'else', 'dependentSchemas', '$defs', 'definitions']
/** Keywords whose schemas are of the values inside it. */
const ofInside = [
  ...['properties', 'patternProperties', 'additionalProperties', 'unevaluatedProperties'],
  ...['items', 'prefixItems', 'contains', 'unevaluatedItems'],
]
const maps = new Set(['dependentSchemas', '$defs', 'definitions', 'properties', 'patternProperties'])
const composing = ['$ref', 'allOf', 'anyOf', 'oneOf', 'if', 'dependentSchemas'] as const

/** The same schema, in which an object that declares properties has no others, unless the schema says so. */
function closed(schema: JsonSchema, root: JsonSchema, isDraft7: boolean): JsonSchema {
  const result = withClosedParts(schema, root, isDraft7)
  const isOpen = 'additionalProperties' in schema || 'unevaluatedProperties' in schema
  if (isOpen || !declaresProperties(schema, root)) return result
  if (composing.every((keyword) => schema[keyword] === undefined)) return { ...result, additionalProperties: false }
  // Draft 7 has no way to close a schema that is composed of others.
  return isDraft7 ? result : { ...result, unevaluatedProperties: false }
}

/** Closes the values inside. The value itself is closed as a whole, because each part declares only some of its properties. */
function withClosedParts(schema: JsonSchema, root: JsonSchema, isDraft7: boolean): JsonSchema {
  const result: Record<string, unknown> = { ...schema }
  for (const keyword of [...ofSame, ...ofInside]) {
    const change = ofInside.includes(keyword) ? closed : withClosedParts
    const changed = (part: unknown): unknown => (isSchema(part) ? change(part, root, isDraft7) : part)
    const value = schema[keyword]
    if (Array.isArray(value)) result[keyword] = value.map(changed)
    else if (isSchema(value) && maps.has(keyword)) {
      result[keyword] = Object.fromEntries(Object.entries(value).map(([name, part]) => [name, changed(part)]))
    } else if (isSchema(value)) result[keyword] = changed(value)
  }
  return result
}

/** Itself, or by a part that says more of the same value. A map of anything declares none. */
function declaresProperties(schema: JsonSchema, root: JsonSchema): boolean {
  return sameValue(schema, root).some(({ properties }) => properties !== undefined)
}

/** The names of the properties that a schema declares, itself or by a part. */
function declaredNames(schema: JsonSchema, root: JsonSchema): string[] {
  return sameValue(schema, root).flatMap(({ properties }) => (isSchema(properties) ? Object.keys(properties) : []))
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
    for (const more of [referenced, part.then, part.else, ...composed]) if (isSchema(more)) found.add(more)
  }
  return [...found]
}

/** A JSON pointer within the schema; undefined for anything else. */
function resolveReference(reference: string, root: JsonSchema): unknown {
  if (!reference.startsWith('#')) return undefined
  let found: unknown = root
  for (const part of decodeURIComponent(reference.slice(1)).split('/').slice(1)) {
    const key = part.replaceAll('~1', '/').replaceAll('~0', '~')
    found = isSchema(found) && Object.hasOwn(found, key) ? found[key] : undefined
  }
  return found
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** One of ajv's findings as `path expected` that reads on: `/amount must be > 0, it is -3`. Texts are not repeated: they may be personal. */
function problemOf(error: ErrorObject, root: JsonSchema): ValidationProblem {
  const params = error.params as {
    additionalProperty?: string
    unevaluatedProperty?: string
    allowedValues?: readonly unknown[]
  }
  const undeclared = params.additionalProperty ?? params.unevaluatedProperty
  if (undeclared !== undefined) {
    const name = undeclared.replaceAll('~', '~0').replaceAll('/', '~1')
    const known = declaredNames(error.parentSchema as JsonSchema, root)
    const meant = meantName(undeclared, known, error.data as object)
    return {
      path: `${error.instancePath}/${name}`,
      expected: `is not declared in the JSON Schema of this event type${meant}`,
    }
  }
  let expected = error.message ?? 'is not valid'
  if (params.allowedValues !== undefined) expected += `: ${params.allowedValues.join(', ')}`
  const actual = error.data
  if (error.keyword === 'type')
    expected += `, it is ${actual === null ? 'null' : Array.isArray(actual) ? 'array' : typeof actual}`
  else if (typeof actual === 'number') expected += `, it is ${actual}`
  return { path: error.instancePath, expected }
}
