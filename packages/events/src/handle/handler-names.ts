// The handlers that `on` names: checked, and kept by topic.
import { EventsConfigError } from '../errors.ts'
import type { EventHandler, RecordHandler } from '../types.ts'
import type { Catalogue } from '../wire/index.ts'
import type { TopicHandlers } from './received.ts'

/**
 * Names the handler of an event type, or of all records of a topic.
 * @param eventType `*` for the types that have no handler of their own; null for a topic whose records have a shape of their own
 * @throws EventsConfigError naming the argument that is wrong; UnknownEventError when the catalogue does not have it
 */
export function addHandler(
  handlers: Map<string, TopicHandlers>,
  catalogue: Catalogue,
  topic: string,
  eventType: string | null,
  handler: EventHandler | RecordHandler | undefined,
): void {
  const what = eventType === null ? topic : `${topic} ${eventType}`
  if (typeof topic !== 'string' || topic === '') {
    throw new EventsConfigError('topic', 'must be a non-empty string')
  }
  if (eventType !== null && (typeof eventType !== 'string' || eventType === '')) {
    throw new EventsConfigError('eventType', `must be a non-empty string (topic ${topic})`)
  }
  if (typeof handler !== 'function') {
    throw new EventsConfigError('on', `the handler of ${what} is not a function`)
  }
  if (eventType === null) {
    addRecordHandler(handlers, catalogue, topic, handler as RecordHandler)
    return
  }
  if (eventType !== '*') catalogue.check(topic, eventType)
  const ofTopic = handlers.get(topic) ?? { kind: 'events', byType: new Map<string, EventHandler>() }
  if (ofTopic.kind === 'records' || ofTopic.byType.has(eventType)) {
    throw new EventsConfigError('on', `${ofTopic.kind === 'records' ? topic : what} has a handler already`)
  }
  ofTopic.byType.set(eventType, handler as EventHandler)
  handlers.set(topic, ofTopic)
}

function addRecordHandler(
  handlers: Map<string, TopicHandlers>,
  catalogue: Catalogue,
  topic: string,
  handler: RecordHandler,
): void {
  catalogue.checkRecord(topic)
  if (handlers.has(topic)) throw new EventsConfigError('on', `${topic} has a handler already`)
  handlers.set(topic, { kind: 'records', handler, schema: catalogue.recordSchema(topic) })
}
