// The shape of each topic's records: event types with JSON Schemas, compiled when first needed, or records of an Avro shape of their
// own.
import { nearest } from '@selfmonitor/cluster/nearest'
import { EventsConfigError, EventValidationError, UnknownEventError } from '../errors.ts'
import { holdsRawNumber, withNumbers } from './exact-json.ts'
import { createPayloadValidator, type PayloadValidator } from './payload-validator.ts'

/** By topic: payload schemas by event type (none: any event type), or the Avro schema of the topic's records. */
export type PayloadSchemas = Readonly<Record<string, Readonly<Record<string, object>> | string>>

export interface Catalogue {
  /** @throws UnknownEventError, EventValidationError; EventsConfigError for a topic whose records have a shape of their own */
  validate(topic: string, eventType: string, data: unknown): void
  /** @throws as `validate`, of the names alone */
  check(topic: string, eventType: string): void
  /** @throws UnknownEventError when the topic is unknown, EventsConfigError when it has event types */
  checkRecord(topic: string): void
  /** JSON Schemas of a topic's event types; empty when the service has none. */
  eventTypes(topic: string): Readonly<Record<string, object>>
  /** Text of the Avro schema of a topic's records; undefined when the service has none. */
  recordSchema(topic: string): string | undefined
}

/** @param schemas null when the service has none: then every event type is allowed and nothing is validated */
export function createCatalogue(schemas: PayloadSchemas | null): Catalogue {
  if (schemas === null) {
    return { validate() {}, check() {}, checkRecord() {}, eventTypes: () => ({}), recordSchema: () => undefined }
  }
  const known = schemas
  const compiled = new Map<string, Map<string, PayloadValidator>>()

  function shapeOf(topic: string): Readonly<Record<string, object>> | string {
    const shape = Object.hasOwn(known, topic) ? known[topic] : undefined
    if (shape !== undefined) return shape
    throw new UnknownEventError(
      topic,
      null,
      nearest(topic, Object.keys(known)) ?? null,
      '(not in the schemas of this service)',
    )
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
    throw new UnknownEventError(topic, eventType, nearest(eventType, names) ?? null, detail)
  }

  function validator(topic: string, eventType: string): PayloadValidator | null {
    const found = compiled.get(topic)?.get(eventType)
    if (found !== undefined) return found
    if (!check(topic, eventType)) return null
    let validate: PayloadValidator
    try {
      validate = createPayloadValidator(typesOf(topic)[eventType]!)
    } catch (error) {
      throw new EventsConfigError(
        `schemas."${topic}".${eventType}`,
        `is not a usable JSON Schema: ${(error as Error).message}`,
      )
    }
    const ofTopic = compiled.get(topic) ?? new Map<string, PayloadValidator>()
    compiled.set(topic, ofTopic.set(eventType, validate))
    return validate
  }

  return {
    check: (topic, eventType) => void check(topic, eventType),

    validate(topic, eventType, data) {
      const check = validator(topic, eventType)
      let problems = check?.(data) ?? []
      // Ajv takes a number that keeps every digit for an object.
      if (problems.length > 0 && holdsRawNumber(data)) problems = check!(withNumbers(data))
      if (problems.length > 0) throw new EventValidationError(topic, eventType, problems)
    },

    checkRecord(topic) {
      if (typeof shapeOf(topic) === 'string') return
      throw new EventsConfigError(
        'topic',
        `${topic} has event types: emit(topic, eventType, data, { userId }) and on(topic, eventType, handler)`,
      )
    },

    eventTypes(topic) {
      const shape = Object.hasOwn(known, topic) ? known[topic] : undefined
      return typeof shape === 'object' ? shape : {}
    },

    recordSchema(topic) {
      const shape = Object.hasOwn(known, topic) ? known[topic] : undefined
      return typeof shape === 'string' ? shape : undefined
    },
  }
}
