// Trace context across the broker: W3C headers in and out, and spans named as OpenTelemetry's messaging conventions want.
// Only the API is used: without an SDK in the service, spans are no-ops and no headers are written.
// https://opentelemetry.io/docs/specs/semconv/messaging/kafka/
import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api'

const tracer = trace.getTracer('@selfmonitor/events')

export interface SendSpan {
  /** `traceparent` and `tracestate`, when there is something to propagate. */
  readonly headers: readonly (readonly [string, string])[]
  sent(partition: number, offset: bigint): void
  failed(error: Error): void
}

const noHeaders: readonly (readonly [string, string])[] = []

/** @param eventType null for a record of a shape of its own; `key` null for none, or one that is not text */
export function startSend(
  topic: string,
  eventType: string | null,
  key: string | null,
  clientId: string,
): SendSpan | null {
  const parent = context.active()
  const span = tracer.startSpan(`send ${topic}`, { kind: SpanKind.PRODUCER }, parent)
  if (!span.isRecording()) {
    const spanContext = span.spanContext()
    if (!trace.isSpanContextValid(spanContext)) return null
  } else {
    span.setAttributes({
      'messaging.system': 'kafka',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': topic,
      'messaging.client.id': clientId,
      ...(key === null ? {} : { 'messaging.kafka.message.key': key }),
      ...(eventType === null ? {} : { 'selfmonitor.event_type': eventType }),
    })
  }
  const carrier: Record<string, string> = {}
  propagation.inject(trace.setSpan(parent, span), carrier)
  return {
    headers: Object.keys(carrier).length === 0 ? noHeaders : Object.entries(carrier),
    sent(partition, offset) {
      span.setAttributes({
        'messaging.destination.partition.id': String(partition),
        'messaging.kafka.offset': Number(offset),
      })
      span.end()
    },
    failed(error) {
      fail(span, error)
      span.end()
    },
  }
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
  readonly attempt: number
}

/** Runs a handler as a consumer span, a child of the span that sent the event. */
export async function traceProcess(
  record: ProcessedRecord,
  group: string,
  handle: () => void | Promise<void>,
): Promise<void> {
  const parent: Context = propagation.extract(ROOT_CONTEXT, record.headers, {
    get: (headers, name) => headers.get(name)?.toString(),
    keys: (headers) => [...headers.keys()],
  })
  const span = tracer.startSpan(`process ${record.topic}`, { kind: SpanKind.CONSUMER }, parent)
  if (span.isRecording()) {
    span.setAttributes({
      'messaging.system': 'kafka',
      'messaging.operation.name': 'process',
      'messaging.operation.type': 'process',
      'messaging.destination.name': record.topic,
      'messaging.destination.partition.id': String(record.partition),
      'messaging.consumer.group.name': group,
      'messaging.kafka.offset': Number(record.offset),
      ...(record.eventId === undefined ? {} : { 'messaging.message.id': record.eventId }),
      ...(record.eventType === undefined ? {} : { 'selfmonitor.event_type': record.eventType }),
      'selfmonitor.attempt': record.attempt,
      ...(record.key === null ? {} : { 'messaging.kafka.message.key': record.key }),
    })
  }
  try {
    await context.with(trace.setSpan(parent, span), handle)
  } catch (error) {
    fail(span, error as Error)
    throw error
  } finally {
    span.end()
  }
}

function fail(span: Span, error: Error): void {
  span.setStatus({ code: SpanStatusCode.ERROR, message: error.message })
  span.setAttribute('error.type', error.name ?? 'Error')
}
