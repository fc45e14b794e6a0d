// An event's payload in a Schema Registry: the name of its subject, and the text that is registered.
import type { SchemaDefinition } from '@selfmonitor/registry'
import { closePayload } from './close.ts'

/**
 * The subject of an event type's payload: `<topic>-<event type>`, as Confluent's TopicRecordNameStrategy names it.
 * https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#subject-name-strategy
 */
export function payloadSubjectOf(topic: string, eventType: string): string {
  return `${topic}-${eventType}`
}

/** What is registered for a payload: the schema that the library validates with, which is closed where the file does not say otherwise. */
export function payloadDefinition(schema: object): SchemaDefinition {
  return { schemaType: 'JSON', schema: JSON.stringify(closePayload(schema)) }
}
