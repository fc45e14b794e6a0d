// The check of an event's payload before it is sent: a JSON Schema, compiled.
//
// A field that the schema does not declare is refused, as it is for records of an Avro shape: `closePayload` closes the schema. Readers
// check nothing, so that events with the fields of a newer schema are handled by services that have an older one.
import {
  closePayload,
  declaredProperties,
  isDraft7,
  type JsonSchema,
  jsonSchemaProblems,
} from '@selfmonitor/platform/shapes'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { ValidationProblem } from '../errors.ts'
import { meantName } from './meant-name.ts'

/** The problems of a payload; empty when there are none. */
export type PayloadValidator = (data: unknown) => readonly ValidationProblem[]

const options = { allErrors: true, strict: false, verbose: true }
let draft2020: Ajv2020 | undefined
let draft7: Ajv | undefined

/**
 * @param schema draft 2020-12 unless its `$schema` says draft-07
 * @throws Error when it is not a JSON Schema
 */
export function createPayloadValidator(schema: object): PayloadValidator {
  const { $id: _, ...anonymous } = schema as JsonSchema
  const validate = isDraft7(anonymous) ? compileDraft7(anonymous) : compileDraft2020(anonymous)
  const root = validate.schema as JsonSchema
  return (data) => (validate(data) ? [] : (validate.errors ?? []).map((error) => problemOf(error, root)))
}

function compileDraft7(schema: JsonSchema): ValidateFunction {
  draft7 ??= formats.default(new Ajv(options))
  return draft7.compile(closePayload(schema))
}

function compileDraft2020(schema: JsonSchema): ValidateFunction {
  // Keywords and formats that are not known mean nothing to this validator, and are for `selfmonitor validate` to find.
  const problem = jsonSchemaProblems(schema).find(({ unknown }) => unknown === undefined)
  if (problem !== undefined) throw new Error(problem.message)
  // To compile the meta-schema takes longer than everything else that a short process does.
  draft2020 ??= formats.default(new Ajv2020({ ...options, validateSchema: false }))
  return draft2020.compile(closePayload(schema))
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
    const known = declaredProperties(error.parentSchema as JsonSchema, root).map(([declared]) => declared)
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
