// The shape of a topic's records, derived from its declared schema: events in the envelope, records of an Avro shape of their own, or a
// format that the library does not encode.
import { parseAvro, type RecordSchema } from '@selfmonitor/registry'
import { envelopeDocs, envelopeProblem } from './envelope.ts'
import type { PlatformTopic } from './model.ts'

export type Shape =
  | { readonly kind: 'events' }
  | { readonly kind: 'records'; readonly record: RecordSchema }
  /** No schema, or one that is not an Avro record: such a topic can be declared, and other clients use it. */
  | { readonly kind: 'other' }

type Declared = Pick<PlatformTopic, 'schema' | 'eventTypes'>

/** @throws AvroSchemaError when the topic's schema is not one; those of a loaded platform file are */
export function shapeOf({ schema }: Declared): Shape {
  if (schema === undefined || (schema.schemaType ?? 'AVRO') !== 'AVRO') {
    return { kind: 'other' }
  }
  if (envelopeProblem(schema.schema) === null) {
    return { kind: 'events' }
  }
  const record = parseAvro(schema.schema, { lenient: true })
  return record.type === 'record' ? { kind: 'records', record } : { kind: 'other' }
}

/** Why a topic that has event types cannot be emitted to; null when it can, or has none. */
export function notEmittable(topic: Declared): string | null {
  const { schema, eventTypes } = topic
  const count = Object.keys(eventTypes).length
  if (count === 0) {
    return null
  }
  const has = `has ${count === 1 ? '1 event type' : `${count} event types`}, and`
  const remedy = `events travel in the envelope (${envelopeDocs}). Name its schema`
  if (schema === undefined) {
    return `${has} no schema; ${remedy} with schema:, or write events: null`
  }
  if ((schema.schemaType ?? 'AVRO') !== 'AVRO') {
    return `${has} ${schema.file} is not Avro; ${remedy}, or write events: null`
  }
  const problem = envelopeProblem(schema.schema)
  return problem === null
    ? null
    : `${has} ${schema.file} cannot carry them: ${problem}; ${remedy}, or write events: null for records of this shape`
}
