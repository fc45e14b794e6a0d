import { AsyncLocalStorage } from 'node:async_hooks'
import {
  type Context,
  type ContextManager,
  context,
  propagation,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  type SpanOptions,
  type TextMapPropagator,
  type Tracer,
  trace,
} from '@opentelemetry/api'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startTestPlatform, type TestPlatform } from './testing.ts'

// What an OpenTelemetry SDK would bring, in as few lines as it takes: contexts that follow calls, spans that are kept,
// and the W3C header.

interface KeptSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly traceId: string
  readonly spanId: string
  readonly parentId: string | null
  readonly attributes: Record<string, unknown>
  failed: boolean
  ended: boolean
}

const spans: KeptSpan[] = []

const tracer = {
  startSpan(name: string, options: SpanOptions = {}, parent: Context = context.active()): Span {
    const above = trace.getSpanContext(parent)
    const kept: KeptSpan = {
      name,
      kind: options.kind ?? SpanKind.INTERNAL,
      traceId: above?.traceId ?? (spans.length + 1).toString(16).padStart(32, 'a'),
      spanId: (spans.length + 1).toString(16).padStart(16, 'b'),
      parentId: above?.spanId ?? null,
      attributes: {},
      failed: false,
      ended: false,
    }
    spans.push(kept)
    const spanContext: SpanContext = { traceId: kept.traceId, spanId: kept.spanId, traceFlags: 1 }
    const span: Partial<Span> = {
      spanContext: () => spanContext,
      isRecording: () => true,
      setAttributes(attributes) {
        Object.assign(kept.attributes, attributes)
        return this as Span
      },
      setAttribute(key, value) {
        kept.attributes[key] = value
        return this as Span
      },
      setStatus() {
        kept.failed = true
        return this as Span
      },
      end() {
        kept.ended = true
      },
    }
    return span as Span
  },
} as Tracer

const w3c: TextMapPropagator = {
  fields: () => ['traceparent'],
  inject(from, carrier, setter) {
    const span = trace.getSpanContext(from)
    if (span) setter.set(carrier, 'traceparent', `00-${span.traceId}-${span.spanId}-01`)
  },
  extract(into, carrier, getter) {
    const header = getter.get(carrier, 'traceparent')
    const parts = /^00-(\w{32})-(\w{16})-/.exec(String(header ?? ''))
    return parts === null
      ? into
      : trace.setSpanContext(into, { traceId: parts[1]!, spanId: parts[2]!, traceFlags: 1, isRemote: true })
  },
}

const storage = new AsyncLocalStorage<Context>()
const contexts = {
  active: () => storage.getStore() ?? ROOT_CONTEXT,
  with: (given: Context, act: (...args: unknown[]) => unknown, self: unknown, ...args: unknown[]) =>
    storage.run(given, () => act.apply(self, args)),
  disable() {},
} as unknown as ContextManager

describe('tracing', () => {
  let platform: TestPlatform
  beforeAll(async () => {
    trace.setGlobalTracerProvider({ getTracer: () => tracer })
    propagation.setGlobalPropagator(w3c)
    context.setGlobalContextManager(contexts)
    platform = await startTestPlatform({ topics: { 'user.events': {}, 'fraud.alerts': {} } })
  })
  afterAll(async () => {
    await platform?.close()
    trace.disable()
    propagation.disable()
    context.disable()
  })

  it('follows an event through its handler to the events that the handler emits', async () => {
    const service = await platform.connect({ service: 'fraud' })
    service.on('user.events', 'paid', async ({ userId }) => {
      await service.emit('fraud.alerts', 'suspected', {}, { userId })
    })
    await service.run()
    const { eventId } = await service.emit('user.events', 'paid', {}, { userId: 'u' })
    await platform.waitForHandled(eventId)

    const [sent, processed, alert] = ['send user.events', 'process user.events', 'send fraud.alerts'].map((name) =>
      spans.find((span) => span.name === name),
    )
    expect(sent).toMatchObject({ kind: SpanKind.PRODUCER, parentId: null, ended: true })
    expect(processed).toMatchObject({
      kind: SpanKind.CONSUMER,
      traceId: sent!.traceId,
      parentId: sent!.spanId,
      ended: true,
    })
    expect(alert).toMatchObject({
      kind: SpanKind.PRODUCER,
      traceId: sent!.traceId,
      parentId: processed!.spanId,
      ended: true,
    })
    expect(sent!.attributes).toMatchObject({
      'messaging.system': 'kafka',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'user.events',
      'messaging.kafka.message.key': 'u',
      'messaging.kafka.offset': 0,
    })
    expect(processed!.attributes).toMatchObject({
      'messaging.operation.type': 'process',
      'messaging.consumer.group.name': 'fraud',
      'messaging.message.id': eventId,
      'selfmonitor.attempt': 1,
    })
  })

  it('marks the span of a handler that throws, and keeps the trace in the dead letter', async () => {
    const service = await platform.connect({ service: 'failing', from: 'latest' })
    service.on('fraud.alerts', 'broken', () => {
      throw new TypeError('no')
    })
    const letters: string[] = []
    const watcher = await platform.connect({ service: 'watcher' })
    await service.run()
    const { eventId } = await service.emit('fraud.alerts', 'broken', {}, { userId: 'u' })
    await platform.waitForDeadLetter(eventId)
    watcher.on('fraud.alerts.dlq', '*', ({ headers }) => void letters.push(headers.get('traceparent')!.toString()))
    await watcher.run()
    await platform.waitForHandled(({ topic }) => topic === 'fraud.alerts.dlq')

    const tries = spans.filter((span) => span.name === 'process fraud.alerts')
    expect(
      tries.map((span) => [span.failed, span.attributes['error.type'], span.attributes['selfmonitor.attempt']]),
    ).toEqual([
      [true, 'TypeError', 1],
      [true, 'TypeError', 2],
      [true, 'TypeError', 3],
    ])
    expect(letters[0]).toContain(tries[0]!.traceId)
  })
})
