// Knows which event types a topic has and what their payloads look like: JSON Schemas, compiled when first needed.
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { EventsConfigError, EventValidationError, UnknownEventError, type ValidationProblem } from '../errors.ts'

/** Payload schemas by topic and event type. */
export type PayloadSchemas = Readonly<Record<string, Readonly<Record<string, object>>>>

export interface Catalogue {
  /** @throws UnknownEventError, EventValidationError */
  validate(topic: string, eventType: string, data: unknown): void
  /** @throws UnknownEventError when the catalogue has topics, and not this one or not this event type of it */
  check(topic: string, eventType: string): void
}

/** @param schemas null when the service has none: then every event type is allowed and nothing is validated */
export function createCatalogue(schemas: PayloadSchemas | null): Catalogue {
  if (schemas === null) return { validate() {}, check() {} }
  const compiled = new Map<string, Map<string, ValidateFunction>>()
  const options = { allErrors: true, strict: false, verbose: true }
  const draft7 = formats.default(new Ajv(options))
  const draft2020 = formats.default(new Ajv2020(options))

  function check(topic: string, eventType: string): void {
    const types = Object.hasOwn(schemas!, topic) ? schemas![topic]! : undefined
    if (types === undefined) {
      throw new UnknownEventError(
        topic,
        null,
        nearest(topic, Object.keys(schemas!)),
        '(not in the schemas of this service)',
      )
    }
    if (!Object.hasOwn(types, eventType)) {
      throw new UnknownEventError(
        topic,
        eventType,
        nearest(eventType, Object.keys(types)),
        `(add schemas/${topic}/${eventType}.json for a new one)`,
      )
    }
  }

  function validator(topic: string, eventType: string): ValidateFunction {
    const found = compiled.get(topic)?.get(eventType)
    if (found !== undefined) return found
    check(topic, eventType)
    const schema = schemas![topic]![eventType]! as { $schema?: string; $id?: string }
    const { $id: _, ...anonymous } = schema
    let validate: ValidateFunction
    try {
      validate = (schema.$schema?.includes('2020-12') ? draft2020 : draft7).compile(anonymous)
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
    check,
    validate(topic, eventType, data) {
      const validate = validator(topic, eventType)
      if (!validate(data)) throw new EventValidationError(topic, eventType, (validate.errors ?? []).map(problem))
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

/**
 * The schemas of the service that runs in a folder: its own `schemas/`, or those beside the nearest platform.yaml above.
 * @returns null when there are none
 */
export function findSchemasFolder(from: string): string | null {
  for (let folder = resolve(from); ; folder = dirname(folder)) {
    const schemas = join(folder, 'schemas')
    const ours = folder === resolve(from) || existsSync(join(folder, 'platform.yaml'))
    if (ours && existsSync(schemas)) return schemas
    if (folder === dirname(folder)) return null
  }
}

/**
 * Reads `<folder>/<topic>/<event type>.json`.
 * @returns null when there is no such folder
 */
export function readSchemasFolder(folder: string): PayloadSchemas | null {
  let topics: string[]
  try {
    topics = readdirSync(folder, { withFileTypes: true }).flatMap((entry) => (entry.isDirectory() ? [entry.name] : []))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
  const schemas: Record<string, Record<string, object>> = {}
  for (const topic of topics) {
    const types: Record<string, object> = {}
    for (const file of readdirSync(join(folder, topic))) {
      if (!file.endsWith('.json')) continue
      const path = join(folder, topic, file)
      try {
        types[file.slice(0, -'.json'.length)] = JSON.parse(readFileSync(path, 'utf8')) as object
      } catch (error) {
        throw new EventsConfigError(path, `is not JSON: ${(error as Error).message}`)
      }
    }
    if (Object.keys(types).length > 0) schemas[topic] = types
  }
  return Object.keys(schemas).length === 0 ? null : schemas
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
