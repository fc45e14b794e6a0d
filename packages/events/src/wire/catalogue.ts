// Knows what the records of each topic look like: event types with JSON Schemas, compiled when first needed, or records of
// an Avro shape of their own.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { EventsConfigError, EventValidationError, UnknownEventError, type ValidationProblem } from '../errors.ts'

/** By topic: payload schemas by event type (none: any event type), or the Avro schema of the topic's records. */
export type PayloadSchemas = Readonly<Record<string, Readonly<Record<string, object>> | string>>

export interface Catalogue {
  /** @throws UnknownEventError, EventValidationError; EventsConfigError for a topic whose records have a shape of their own */
  validate(topic: string, eventType: string, data: unknown): void
  /** @throws as `validate`, of the names alone */
  check(topic: string, eventType: string): void
  /** @throws UnknownEventError when the topic is unknown, EventsConfigError when it has event types */
  checkRecord(topic: string): void
  /** Text of the Avro schema of a topic's records; undefined when the service has none. */
  recordSchema(topic: string): string | undefined
}

/** @param schemas null when the service has none: then every event type is allowed and nothing is validated */
export function createCatalogue(schemas: PayloadSchemas | null): Catalogue {
  if (schemas === null) return { validate() {}, check() {}, checkRecord() {}, recordSchema: () => undefined }
  const known = schemas
  const compiled = new Map<string, Map<string, ValidateFunction>>()
  const options = { allErrors: true, strict: false, verbose: true }
  const draft7 = formats.default(new Ajv(options))
  const draft2020 = formats.default(new Ajv2020(options))

  function shapeOf(topic: string): Readonly<Record<string, object>> | string {
    const shape = Object.hasOwn(known, topic) ? known[topic] : undefined
    if (shape !== undefined) return shape
    throw new UnknownEventError(topic, null, nearest(topic, Object.keys(known)), '(not in the schemas of this service)')
  }

  function typesOf(topic: string): Readonly<Record<string, object>> {
    const shape = shapeOf(topic)
    if (typeof shape !== 'string') return shape
    throw new EventsConfigError(
      'topic',
      `${topic} has no event types, its records have a shape of their own: emit(topic, value, { key }) and on(topic, handler)`,
    )
  }

  /** @returns false when the topic takes any event type */
  function check(topic: string, eventType: string): boolean {
    const types = typesOf(topic)
    if (Object.hasOwn(types, eventType)) return true
    const names = Object.keys(types)
    if (names.length === 0) return false
    const detail = `(a new one needs a JSON Schema beside the others, ${eventType}.json)`
    throw new UnknownEventError(topic, eventType, nearest(eventType, names), detail)
  }

  function validator(topic: string, eventType: string): ValidateFunction | null {
    const found = compiled.get(topic)?.get(eventType)
    if (found !== undefined) return found
    if (!check(topic, eventType)) return null
    const schema = typesOf(topic)[eventType] as { $schema?: string; $id?: string }
    const { $id: _, ...anonymous } = schema
    let validate: ValidateFunction
    try {
      // Draft 2020-12 unless it says otherwise, as `selfmonitor validate` reads it.
      validate = (schema.$schema?.includes('draft-07') ? draft7 : draft2020).compile(anonymous)
    } catch (error) {
      throw new EventsConfigError(
        `schemas."${topic}".${eventType}`,
        `is not a usable JSON Schema: ${(error as Error).message}`,
      )
    }
    const ofTopic = compiled.get(topic) ?? new Map<string, ValidateFunction>()
    compiled.set(topic, ofTopic.set(eventType, validate))
    return validate
  }

  return {
    check: (topic, eventType) => void check(topic, eventType),

    validate(topic, eventType, data) {
      const validate = validator(topic, eventType)
      if (validate !== null && !validate(data)) {
        throw new EventValidationError(topic, eventType, (validate.errors ?? []).map(problem))
      }
    },

    checkRecord(topic) {
      if (typeof shapeOf(topic) === 'string') return
      throw new EventsConfigError(
        'topic',
        `${topic} has event types: emit(topic, eventType, data, { userId }) and on(topic, eventType, handler)`,
      )
    },

    recordSchema(topic) {
      const shape = Object.hasOwn(known, topic) ? known[topic] : undefined
      return typeof shape === 'string' ? shape : undefined
    },
  }
}

/** One of ajv's findings as `path expected` that reads on: `/amount must be > 0, it is -3`. Texts are not repeated: they may be personal. */
function problem(error: ErrorObject): ValidationProblem {
  const params = error.params as { additionalProperty?: string; allowedValues?: unknown[] }
  let expected = error.message ?? 'is not valid'
  if (params.additionalProperty !== undefined) expected += ` ("${params.additionalProperty}")`
  if (params.allowedValues !== undefined) expected += `: ${params.allowedValues.join(', ')}`
  const actual = error.data
  if (error.keyword === 'type')
    expected += `, it is ${actual === null ? 'null' : Array.isArray(actual) ? 'array' : typeof actual}`
  else if (typeof actual === 'number') expected += `, it is ${actual}`
  return { path: error.instancePath, expected }
}

/** The known name that is at most a third of its letters away; null when none is. */
export function nearest(name: string, known: readonly string[]): string | null {
  let best: string | null = null
  let bestDistance = Number.POSITIVE_INFINITY
  for (const candidate of known) {
    const distance = editDistance(name, candidate)
    if (distance < bestDistance && distance <= Math.max(2, Math.ceil(candidate.length / 3))) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(next[j - 1]! + 1, row[j]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
