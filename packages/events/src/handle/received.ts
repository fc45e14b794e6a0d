// Decodes a record for its handler: an event from its envelope, or a record of the topic's own shape.
import { UndecodableEventError } from '../errors.ts'
import type { FetchedRecord } from '../kafka/index.ts'
import type { Envelope, EventHandler, EventSchema, ReceivedEvent, ReceivedRecord, RecordHandler } from '../types.ts'
import type { Codec, RecordValue } from '../wire/index.ts'

/** The handlers of one topic. */
export type TopicHandlers =
  /** By event type; `*` is for those that have none. */
  | { readonly kind: 'events'; readonly byType: Map<string, EventHandler> }
  /** `schema` is the text of the service's own schema, undefined when it has none. */
  | { readonly kind: 'records'; readonly handler: RecordHandler; readonly schema: string | undefined }

export type HandlerTable = ReadonlyMap<string, TopicHandlers>

/** A record's content, decoded once and kept for further attempts. */
export type Content =
  | { readonly kind: 'event'; readonly envelope: Envelope; readonly data: unknown; readonly schema: EventSchema | null }
  | { readonly kind: 'record'; readonly value: RecordValue | null }

/**
 * Not a promise when the schema is known already: this is done for every event.
 * @throws UndecodableEventError when it never will be readable; anything else is worth another try
 */
export function readContent(
  topic: string,
  { value, headers }: Pick<FetchedRecord, 'value' | 'headers'>,
  handlers: TopicHandlers,
  codec: Codec,
): Content | Promise<Content> {
  if (handlers.kind === 'events') {
    const contentOf = (envelope: Envelope): Content | Promise<Content> => {
      const isHandled = handlerOf(handlers, envelope) !== undefined
      const schema = isHandled ? codec.payloads.read(topic, envelope.event_type, headers) : null
      return schema instanceof Promise
        ? schema.then((found) => eventContent(envelope, found))
        : eventContent(envelope, schema)
    }
    const envelope = codec.decode(value)
    return envelope instanceof Promise ? envelope.then(contentOf) : contentOf(envelope)
  }
  // A tombstone: its meaning is up to the handler.
  if (value === null) return { kind: 'record', value: null }
  const decoded = codec.decodeRecord(topic, value, handlers.schema)
  return decoded instanceof Promise ? decoded.then(recordContent) : recordContent(decoded)
}

/** @returns undefined when nothing here handles events of this type */
export function handlerOf(
  { byType }: Extract<TopicHandlers, { kind: 'events' }>,
  { event_type }: Envelope,
): EventHandler | undefined {
  return byType.get(event_type) ?? byType.get('*')
}

function eventContent(envelope: Envelope, schema: EventSchema | null): Content {
  return { kind: 'event', envelope, data: parseData(envelope), schema }
}
const recordContent = (value: RecordValue): Content => ({ kind: 'record', value })

function parseData(envelope: Envelope): unknown {
  try {
    return JSON.parse(envelope.data) as unknown
  } catch (error) {
    throw new UndecodableEventError("the envelope's field data is not JSON", error)
  }
}

export interface Place {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

/** @param attempt 1 for the first try */
export function toEvent(
  { topic, partition, offset }: Place,
  record: FetchedRecord,
  { envelope, data, schema }: Extract<Content, { kind: 'event' }>,
  attempt: number,
): ReceivedEvent {
  return {
    eventId: envelope.event_id,
    eventType: envelope.event_type,
    userId: envelope.user_id,
    timestampMs: envelope.timestamp,
    data,
    topic,
    partition,
    offset,
    key: record.key === null ? null : record.key.toString(),
    headers: headersOf(record),
    schema,
    attempt,
  }
}

export function toRecord(
  { topic, partition, offset }: Place,
  record: FetchedRecord,
  { value }: Extract<Content, { kind: 'record' }>,
  attempt: number,
): ReceivedRecord {
  return {
    value,
    key: record.key === null ? null : record.key.toString(),
    keyBytes: record.key,
    topic,
    partition,
    offset,
    timestampMs: Number(record.timestampMs),
    headers: headersOf(record),
    attempt,
  }
}

function headersOf({ headers }: FetchedRecord): ReadonlyMap<string, Buffer> {
  return new Map(headers.map(({ key, value }) => [key, value ?? Buffer.alloc(0)]))
}
