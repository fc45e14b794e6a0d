// Spans of one stream, as OpenTelemetry's semantic conventions 1.44 for messaging and for Kafka want them, and trace context in the
// headers of records. Without an SDK there are no spans and no headers.
// https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/, https://opentelemetry.io/docs/specs/semconv/messaging/kafka/
//
//   emit      send T    PRODUCER  its context goes into the record
//   emitMany  create T  PRODUCER  one for each record, its context goes into the record; can be turned off
//             send T    CLIENT    one for the call, linked to the creations (PRODUCER when they are turned off)
//   a fetch   poll T    CLIENT    one for each topic that it brought records of, linked to their creations
//   a handler process T CONSUMER  linked to the creation; also its child, unless that is turned off
//   a commit  commit T  CLIENT    one for each request; it covers many events, so it is a child of none
import type { Attributes, Context, Link, Span, SpanOptions } from '@opentelemetry/api'
import type { ServerAddress } from '../kafka/index.ts'
import type { TracingSettings } from '../options.ts'
import { clientErrorType, handlerErrorType } from './error-type.ts'
import { type OperationName, operationTypes } from './metrics-table.ts'
import { type OpenTelemetry, openTelemetry } from './opentelemetry.ts'

/** The attributes that all spans of a stream share. */
export interface Tracing {
  readonly settings: TracingSettings
  readonly clientId: string
  readonly group: string
  /** Known once a broker has answered; null when it gave none. */
  clusterId(): string | null
}

/** A record on its way out. */
export interface Outgoing {
  readonly topic: string
  /** null for a record of a shape of its own; so is `eventId`. */
  readonly eventType: string | null
  readonly eventId: string | null
  /** null for none, or one that is not text. */
  readonly key: string | null
  readonly tombstone: boolean
  readonly headers: Readonly<Record<string, string | undefined>> | undefined
}

export interface SendSpan {
  /** `traceparent` and `tracestate`, when there is something to propagate. */
  readonly headers: readonly (readonly [string, string])[]
  /** @param server that acknowledged it; null when it is not known */
  sent(partition: number, offset: bigint, server: ServerAddress | null): void
  failed(error: Error): void
}

const noHeaders: SendSpan['headers'] = []
const tracerName = '@selfmonitor/events'

/** @returns null when there is no trace to take part in */
export function startSend(tracing: Tracing, record: Outgoing): SendSpan | null {
  const otel = openTelemetry()
  if (otel === null) return null
  const parent = otel.context.active()
  const creation = ownCreation(otel, record)
  const options: SpanOptions = {
    kind: creation === null ? otel.SpanKind.PRODUCER : otel.SpanKind.CLIENT,
    attributes: { ...operation(tracing, 'send', record.topic), ...outgoingAttributes(tracing, record) },
    ...(creation === null ? {} : { links: [creation] }),
  }
  const span = otel.trace.getTracer(tracerName).startSpan(`send ${record.topic}`, options, parent)
  if (!span.isRecording() && !otel.trace.isSpanContextValid(span.spanContext())) return null
  return {
    headers: creation === null ? inject(otel, parent, span) : noHeaders,
    sent(partition, offset, server) {
      span.setAttributes({ ...placeAttributes(partition, offset), ...serverAttributes(server) })
      span.end()
    },
    failed(error) {
      fail(otel, span, 'send', error, clientErrorType(error))
      span.end()
    },
  }
}

/** The spans of one call of `emitMany`: `of(n)` is what the n-th record is sent with. null when there is no trace. */
export function startBatch(tracing: Tracing, records: readonly Outgoing[]): { of(at: number): SendSpan } | null {
  const otel = openTelemetry()
  if (otel === null || records.length === 0) return null
  const tracer = otel.trace.getTracer(tracerName)
  const parent = otel.context.active()
  const headers: SendSpan['headers'][] = []
  const links: Link[] = []
  for (const record of records) {
    const given = ownCreation(otel, record)
    if (given !== null) {
      links.push({ ...given, attributes: messageAttributes(record) })
    } else if (tracing.settings.createSpans) {
      const attributes = { ...operation(tracing, 'create', record.topic), ...outgoingAttributes(tracing, record) }
      const create = tracer.startSpan(`create ${record.topic}`, { kind: otel.SpanKind.PRODUCER, attributes }, parent)
      headers.push(inject(otel, parent, create))
      links.push({ context: create.spanContext(), attributes: messageAttributes(record) })
      create.end()
      continue
    }
    headers.push(noHeaders)
  }
  const topics = new Set(records.map(({ topic }) => topic))
  const topic = topics.size === 1 ? records[0]!.topic : null
  const injected = links.length < records.length
  const send = tracer.startSpan(
    nameOf('send', topic),
    {
      kind: injected ? otel.SpanKind.PRODUCER : otel.SpanKind.CLIENT,
      attributes: { ...operation(tracing, 'send', topic), 'messaging.batch.message_count': records.length },
      links,
    },
    parent,
  )
  if (!send.isRecording() && !otel.trace.isSpanContextValid(send.spanContext())) return null
  if (injected) {
    const own = inject(otel, parent, send)
    for (const [at, record] of records.entries()) if (ownCreation(otel, record) === null) headers[at] = own
  }
  return batchOf(otel, send, headers)
}

/** Ends the batch's span when the last of its records is acknowledged or has failed. */
function batchOf(
  otel: OpenTelemetry,
  send: Span,
  headers: readonly SendSpan['headers'][],
): { of(at: number): SendSpan } {
  let left = headers.length
  const settled = (): void => {
    if (--left === 0) send.end()
  }
  return {
    of: (at) => ({
      headers: headers[at]!,
      sent: settled,
      failed(error) {
        fail(otel, send, 'send', error, clientErrorType(error))
        settled()
      },
    }),
  }
}

/** A record that a fetch brought. */
export interface PolledRecord {
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
}

export interface Polled {
  readonly topic: string
  /** The fetched records, by partition. */
  readonly read: readonly {
    readonly partition: number
    readonly runs: readonly { readonly records: readonly PolledRecord[] }[]
  }[]
  readonly server: ServerAddress | null
  /** When the fetch was sent, in milliseconds since the epoch. */
  readonly startedAtMs: number
}

/** The span of a fetch that brought records of a topic. */
export function tracePoll(tracing: Tracing, { topic, read, server, startedAtMs }: Polled): void {
  const otel = openTelemetry()
  if (otel === null) return
  const records = read.flatMap(({ runs }) => runs.flatMap((run) => run.records))
  const fields = otel.propagation.fields()
  const links = records.flatMap(({ headers }) => {
    const context = headers.some(({ key }) => fields.includes(key)) ? extract(otel, listGetter, headers) : null
    return context === null ? [] : [{ context }]
  })
  const attributes: Attributes = {
    ...operation(tracing, 'poll', topic),
    ...consumerAttributes(tracing),
    ...serverAttributes(server),
    'messaging.batch.message_count': records.length,
    ...(read.length > 1 ? {} : { 'messaging.destination.partition.id': String(read[0]!.partition) }),
  }
  const options = { kind: otel.SpanKind.CLIENT, attributes, links, startTime: startedAtMs, root: true }
  otel.trace.getTracer(tracerName).startSpan(nameOf('poll', topic), options, otel.ROOT_CONTEXT).end()
}

export interface Committed {
  readonly topic: string | null
  readonly partition: number | null
  readonly server: ServerAddress | null
  readonly startedAtMs: number
  /** Kafka's name of the error; null when everything is committed. */
  readonly error: string | null
}

/** The span of one OffsetCommit request. */
export function traceCommit(tracing: Tracing, { topic, partition, server, startedAtMs, error }: Committed): void {
  const otel = openTelemetry()
  if (otel === null) return
  const attributes: Attributes = {
    ...operation(tracing, 'commit', topic),
    ...consumerAttributes(tracing),
    ...serverAttributes(server),
    ...(partition === null ? {} : { 'messaging.destination.partition.id': String(partition) }),
  }
  const options = { kind: otel.SpanKind.CLIENT, attributes, startTime: startedAtMs, root: true }
  const span = otel.trace.getTracer(tracerName).startSpan(nameOf('commit', topic), options, otel.ROOT_CONTEXT)
  if (error !== null) fail(otel, span, 'settle', null, error)
  span.end()
}

export interface ProcessedRecord {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly key: string | null
  readonly headers: ReadonlyMap<string, Buffer>
  /** Of events only. */
  readonly eventType?: string
  readonly eventId?: string
  /** Of records of a shape of their own only. */
  readonly value?: unknown
  readonly attempt: number
}

/** Runs a handler as a consumer span, linked to the span that created the event. */
export async function traceProcess(
  tracing: Tracing,
  record: ProcessedRecord,
  handle: () => void | Promise<void>,
): Promise<void> {
  const otel = openTelemetry()
  if (otel === null) return handle()
  const received = otel.propagation.extract(otel.ROOT_CONTEXT, record.headers, mapGetter)
  const creation = spanOf(otel, received)
  // Without a parent it is the root of a trace of its own, whatever context `run()` was called in. Baggage stays.
  const parent = tracing.settings.process === 'child' ? received : otel.trace.deleteSpan(received)
  const options: SpanOptions = {
    kind: otel.SpanKind.CONSUMER,
    attributes: processAttributes(tracing, record),
    links: creation === null ? [] : [{ context: creation }],
  }
  const span = otel.trace.getTracer(tracerName).startSpan(`process ${record.topic}`, options, parent)
  try {
    await otel.context.with(otel.trace.setSpan(parent, span), handle)
  } catch (error) {
    const thrown = error instanceof Error ? error : new Error(String(error))
    fail(otel, span, 'process', thrown, handlerErrorType(error))
    throw error
  } finally {
    span.end()
  }
}

const nameOf = (name: string, topic: string | null): string => (topic === null ? name : `${name} ${topic}`)

/** The attributes of every span. */
function operation(tracing: Tracing, name: OperationName, topic: string | null): Attributes {
  const clusterId = tracing.clusterId()
  return {
    'messaging.system': 'kafka',
    'messaging.operation.name': name,
    'messaging.operation.type': operationTypes[name],
    'messaging.client.id': tracing.clientId,
    ...(topic === null ? {} : { 'messaging.destination.name': topic }),
    ...(clusterId === null ? {} : { 'messaging.kafka.cluster.id': clusterId }),
  }
}

const consumerAttributes = ({ group }: Tracing): Attributes => ({ 'messaging.consumer.group.name': group })

const serverAttributes = (server: ServerAddress | null): Attributes =>
  server === null ? {} : { 'server.address': server.host, 'server.port': server.port }

const placeAttributes = (partition: number, offset: bigint): Attributes => ({
  'messaging.destination.partition.id': String(partition),
  // -1: the broker only said that it has the record already.
  ...(offset < 0n ? {} : { 'messaging.kafka.offset': Number(offset) }),
})

const messageAttributes = ({ eventId }: Outgoing): Attributes =>
  eventId === null ? {} : { 'messaging.message.id': eventId }

function outgoingAttributes({ settings }: Tracing, record: Outgoing): Attributes {
  const { key, eventType, tombstone, headers } = record
  const conversation = headers?.[settings.conversationHeader]
  return {
    ...messageAttributes(record),
    ...(conversation === undefined ? {} : { 'messaging.message.conversation_id': conversation }),
    ...(key === null || !settings.messageKey ? {} : { 'messaging.kafka.message.key': key }),
    ...(tombstone ? { 'messaging.kafka.message.tombstone': true } : {}),
    ...(eventType === null ? {} : { 'selfmonitor.event_type': eventType }),
  }
}

function processAttributes(tracing: Tracing, record: ProcessedRecord): Attributes {
  const { topic, partition, offset, key, headers, eventId, eventType, attempt } = record
  const { messageKey, conversationHeader } = tracing.settings
  const conversation = headers.get(conversationHeader)
  return {
    ...operation(tracing, 'process', topic),
    ...consumerAttributes(tracing),
    ...placeAttributes(partition, offset),
    ...(eventId === undefined ? {} : { 'messaging.message.id': eventId }),
    ...(conversation === undefined ? {} : { 'messaging.message.conversation_id': conversation.toString() }),
    ...(key === null || !messageKey ? {} : { 'messaging.kafka.message.key': key }),
    ...(record.value === null ? { 'messaging.kafka.message.tombstone': true } : {}),
    ...(eventType === undefined ? {} : { 'selfmonitor.event_type': eventType }),
    'selfmonitor.attempt': attempt,
  }
}

/** A creation context that the caller put into the headers: it is left as it is, and linked. */
function ownCreation(otel: OpenTelemetry, { headers }: Outgoing): Link | null {
  if (headers === undefined || !otel.propagation.fields().some((name) => headers[name] !== undefined)) return null
  const context = extract(otel, recordGetter, headers)
  return context === null ? null : { context }
}

function inject(otel: OpenTelemetry, parent: Context, span: Span): SendSpan['headers'] {
  const carrier: Record<string, string> = {}
  otel.propagation.inject(otel.trace.setSpan(parent, span), carrier)
  const entries = Object.entries(carrier)
  return entries.length === 0 ? noHeaders : entries
}

interface Getter<Carrier> {
  get(carrier: Carrier, name: string): string | undefined
  keys(carrier: Carrier): string[]
}

/** @returns the context of the span that created a record; null when its headers have none */
function extract<Carrier>(otel: OpenTelemetry, getter: Getter<Carrier>, carrier: Carrier): Link['context'] | null {
  return spanOf(otel, otel.propagation.extract(otel.ROOT_CONTEXT, carrier, getter))
}

function spanOf(otel: OpenTelemetry, context: Context): Link['context'] | null {
  const found = otel.trace.getSpanContext(context)
  return found !== undefined && otel.trace.isSpanContextValid(found) ? found : null
}

const mapGetter: Getter<ReadonlyMap<string, Buffer>> = {
  get: (headers, name) => headers.get(name)?.toString(),
  keys: (headers) => [...headers.keys()],
}

const listGetter: Getter<PolledRecord['headers']> = {
  get: (headers, name) => headers.findLast(({ key }) => key === name)?.value?.toString(),
  keys: (headers) => headers.map(({ key }) => key),
}

const recordGetter: Getter<Readonly<Record<string, string | undefined>>> = {
  get: (headers, name) => headers[name],
  keys: (headers) => Object.keys(headers),
}

function fail(
  otel: OpenTelemetry,
  span: Span,
  operationType: 'send' | 'settle' | 'process',
  error: Error | null,
  type: string,
): void {
  span.setStatus({ code: otel.SpanStatusCode.ERROR, message: error?.message ?? type })
  span.setAttribute('error.type', type)
  if (error === null) return
  span.addEvent(`messaging.${operationType}.exception`, {
    'exception.type': error.name,
    'exception.message': error.message,
    ...(error.stack === undefined ? {} : { 'exception.stacktrace': error.stack }),
  })
}
