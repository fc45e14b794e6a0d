// Spans, against OpenTelemetry's own SDK, on both engines: names, kinds, parents, links and attributes.
import { propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { describeEngines } from '../../../../test/support/engines.ts'
import { until, useEvents } from '../../../../test/support/events.ts'
import type { EventStream, EventStreamOptions } from '../index.ts'
import { startSdk, type TestSdk } from './test-support/sdk.ts'

const cart = { type: 'record', name: 'Cart', fields: [{ name: 'total', type: 'int' }] }

describeEngines('spans', (engine) => {
  const rig = useEvents(engine)
  let sdk: TestSdk
  let clusterId: string | null
  beforeAll(async () => {
    sdk = startSdk()
    clusterId = (await rig.cluster.info()).clusterId
  })
  afterAll(async () => {
    await sdk?.stop()
  })
  beforeEach(() => sdk.reset())

  const named = (name: string): readonly ReadableSpan[] => sdk.spans().filter((span) => span.name === name)
  const one = (name: string): ReadableSpan => {
    const found = named(name)
    expect({ name, spans: found.length }).toEqual({ name, spans: 1 })
    return found[0]!
  }
  const linkedTo = (span: ReadableSpan): readonly string[] => span.links.map(({ context }) => context.spanId)

  /** What a test does not know before: the broker's port, and whatever the rig counted up. */
  const server = { 'server.address': expect.any(String), 'server.port': expect.any(Number) }
  const common = (stream: EventStream, name: string, type: string, topic: string) => ({
    'messaging.system': 'kafka',
    'messaging.operation.name': name,
    'messaging.operation.type': type,
    'messaging.destination.name': topic,
    'messaging.client.id': stream.service,
    'messaging.kafka.cluster.id': clusterId,
  })

  /** A stream that handles a topic, and has handled `count` events when `done` resolves. */
  async function handling(topic: string, options: EventStreamOptions = {}, act: () => void | Promise<void> = () => {}) {
    const stream = await rig.connect(options)
    let handled = 0
    stream.on(topic, '*', async () => {
      await act()
      handled++
    })
    await stream.run()
    return { stream, done: (count: number) => until(`${count} events are handled`, () => handled === count) }
  }

  it('follow one event from emit through poll and process to the commit, with the attributes of the conventions', async () => {
    const topic = await rig.topic('orders', { partitions: 1 })
    const { stream, done } = await handling(topic)
    const { eventId } = await stream.emit(topic, 'paid', {}, { userId: 'u', headers: { correlation_id: 'c-1' } })
    await done(1)
    await until('the commit', () => named(`commit ${topic}`).length === 1)

    const send = one(`send ${topic}`)
    expect({ kind: send.kind, parent: send.parentSpanContext, links: send.links }).toEqual({
      kind: SpanKind.PRODUCER,
      parent: undefined,
      links: [],
    })
    const place = { 'messaging.destination.partition.id': '0', 'messaging.kafka.offset': 0 }
    const message = { 'messaging.message.id': eventId, 'messaging.message.conversation_id': 'c-1' }
    expect(send.attributes).toEqual({
      ...common(stream, 'send', 'send', topic),
      ...server,
      ...place,
      ...message,
      'selfmonitor.event_type': 'paid',
    })

    const poll = one(`poll ${topic}`)
    expect({ kind: poll.kind, parent: poll.parentSpanContext, links: linkedTo(poll) }).toEqual({
      kind: SpanKind.CLIENT,
      parent: undefined,
      links: [send.spanContext().spanId],
    })
    const group = { 'messaging.consumer.group.name': stream.service }
    expect(poll.attributes).toEqual({
      ...common(stream, 'poll', 'receive', topic),
      ...server,
      ...group,
      'messaging.destination.partition.id': '0',
      'messaging.batch.message_count': 1,
    })

    const process = one(`process ${topic}`)
    expect({ kind: process.kind, parent: process.parentSpanContext?.spanId, links: linkedTo(process) }).toEqual({
      kind: SpanKind.CONSUMER,
      parent: send.spanContext().spanId,
      links: [send.spanContext().spanId],
    })
    expect(process.attributes).toEqual({
      ...common(stream, 'process', 'process', topic),
      ...group,
      ...place,
      ...message,
      'selfmonitor.event_type': 'paid',
      'selfmonitor.attempt': 1,
    })

    const commit = one(`commit ${topic}`)
    expect({ kind: commit.kind, parent: commit.parentSpanContext, links: commit.links }).toEqual({
      kind: SpanKind.CLIENT,
      parent: undefined,
      links: [],
    })
    expect(commit.attributes).toEqual({
      ...common(stream, 'commit', 'settle', topic),
      ...server,
      ...group,
      'messaging.destination.partition.id': '0',
    })
  })

  it('of an event that a handler emits are in the trace of the event that it handles', async () => {
    const [orders, alerts] = [await rig.topic('orders'), await rig.topic('alerts')]
    const { stream, done } = await handling(orders, {}, async () => {
      await stream.emit(alerts, 'suspected', {}, { userId: 'u' })
    })
    await stream.emit(orders, 'paid', {}, { userId: 'u' })
    await done(1)
    expect(one(`send ${alerts}`).parentSpanContext?.spanId).toBe(one(`process ${orders}`).spanContext().spanId)
    expect(one(`send ${alerts}`).spanContext().traceId).toBe(one(`send ${orders}`).spanContext().traceId)
  })

  it('of a handler begin a trace of their own with `process: linked`, and have the key with `messageKey`', async () => {
    const topic = await rig.topic('orders')
    const { stream, done } = await handling(topic, { tracing: { process: 'linked', messageKey: true } })
    await stream.emit(topic, 'paid', {}, { userId: 'u', key: 'k-1' })
    await done(1)
    const [send, process] = [one(`send ${topic}`), one(`process ${topic}`)]
    expect(process.parentSpanContext).toBeUndefined()
    expect(process.spanContext().traceId).not.toBe(send.spanContext().traceId)
    expect(linkedTo(process)).toEqual([send.spanContext().spanId])
    for (const span of [send, process]) expect(span.attributes['messaging.kafka.message.key']).toBe('k-1')
  })

  it('of emitMany are one creation for each event and one send for the call', async () => {
    const topic = await rig.topic('orders', { partitions: 1 })
    const { stream, done } = await handling(topic)
    const event = { topic, eventType: 'paid', data: {}, userId: 'u' }
    const [first, second] = await stream.emitMany([event, event])
    await done(2)

    const creations = named(`create ${topic}`)
    expect(creations.map(({ kind }) => kind)).toEqual([SpanKind.PRODUCER, SpanKind.PRODUCER])
    expect(creations.map(({ attributes }) => attributes)).toEqual(
      [first!, second!].map(({ eventId }) => ({
        ...common(stream, 'create', 'create', topic),
        'messaging.message.id': eventId,
        'selfmonitor.event_type': 'paid',
      })),
    )
    const ids = creations.map((span) => span.spanContext().spanId)
    const send = one(`send ${topic}`)
    expect({ kind: send.kind, links: linkedTo(send) }).toEqual({ kind: SpanKind.CLIENT, links: ids })
    expect(send.links.map(({ attributes }) => attributes)).toEqual(
      [first!, second!].map(({ eventId }) => ({ 'messaging.message.id': eventId })),
    )
    expect(send.attributes).toEqual({
      ...common(stream, 'send', 'send', topic),
      'messaging.batch.message_count': 2,
    })
    expect(named(`process ${topic}`).map((span) => span.parentSpanContext?.spanId)).toEqual(ids)
    expect(named(`poll ${topic}`).flatMap(linkedTo)).toEqual(ids)
  })

  it('of emitMany without creations give all events the context of the send', async () => {
    const topic = await rig.topic('orders')
    const { stream, done } = await handling(topic, { tracing: { createSpans: false } })
    const event = { topic, eventType: 'paid', data: {}, userId: 'u' }
    await stream.emitMany([event, event])
    await done(2)
    expect(named(`create ${topic}`)).toEqual([])
    const send = one(`send ${topic}`)
    expect({ kind: send.kind, links: send.links }).toEqual({ kind: SpanKind.PRODUCER, links: [] })
    const { spanId } = send.spanContext()
    expect(named(`process ${topic}`).map((span) => span.parentSpanContext?.spanId)).toEqual([spanId, spanId])
  })

  it('of emitMany to several topics name none', async () => {
    const [orders, alerts] = [await rig.topic('orders'), await rig.topic('alerts')]
    const stream = await rig.connect()
    const event = { eventType: 'paid', data: {}, userId: 'u' }
    await stream.emitMany([
      { ...event, topic: orders },
      { ...event, topic: alerts },
    ])
    expect(one('send').attributes).not.toHaveProperty('messaging.destination.name')
  })

  it('leave a creation context of the caller as it is, and link to it', async () => {
    const topic = await rig.topic('orders')
    const { stream, done } = await handling(topic)
    const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`
    await stream.emit(topic, 'paid', {}, { userId: 'u', headers: { traceparent } })
    await stream.emitMany([{ topic, eventType: 'paid', data: {}, userId: 'u', headers: { traceparent } }])
    await done(2)
    const given = 'b'.repeat(16)
    expect(named(`send ${topic}`).map((span) => ({ kind: span.kind, links: linkedTo(span) }))).toEqual([
      { kind: SpanKind.CLIENT, links: [given] },
      { kind: SpanKind.CLIENT, links: [given] },
    ])
    expect(named(`create ${topic}`)).toEqual([])
    expect(named(`process ${topic}`).map((span) => span.parentSpanContext?.spanId)).toEqual([given, given])
  })

  it('of a tombstone say that it is one', async () => {
    const topic = await rig.topic('carts', { schema: cart })
    const stream = await rig.connect({ tracing: { messageKey: true } })
    const seen: unknown[] = []
    stream.on(topic, ({ value }) => void seen.push(value))
    await stream.run()
    await stream.emit(topic, { total: 1 }, { key: 'cart-1' })
    await stream.emit(topic, null, { key: Buffer.from('cart-1') })
    await until('both are handled', () => seen.length === 2)
    const marked = (name: string) =>
      named(`${name} ${topic}`).map(({ attributes }) => [
        attributes['messaging.kafka.message.tombstone'],
        attributes['messaging.kafka.message.key'],
      ])
    // A key of bytes is not text for the producer; the consumer cannot tell.
    expect(marked('send')).toEqual([
      [undefined, 'cart-1'],
      [true, undefined],
    ])
    expect(marked('process')).toEqual([
      [undefined, 'cart-1'],
      [true, 'cart-1'],
    ])
  })

  it('of a handler that throws are failed for each attempt, and the dead letter keeps the trace', async () => {
    const topic = await rig.topic('orders')
    const stream = await rig.connect()
    stream.on(topic, '*', () => {
      throw new TypeError('no')
    })
    await stream.run()
    await stream.emit(topic, 'paid', {}, { userId: 'u' })
    await until('the dead letter', () => stream.stats().deadLettered === 1)
    const tries = named(`process ${topic}`)
    expect(
      tries.map(({ status, attributes, events }) => [
        status,
        attributes['error.type'],
        attributes['selfmonitor.attempt'],
        events.map(({ name, attributes: about }) => [name, about?.['exception.type']]),
      ]),
    ).toEqual(
      [1, 2, 3].map((attempt) => [
        { code: SpanStatusCode.ERROR, message: 'no' },
        'TypeError',
        attempt,
        [['messaging.process.exception', 'TypeError']],
      ]),
    )
    const letters: string[] = []
    const watcher = await rig.connect()
    watcher.on(`${topic}.dlq`, '*', ({ headers }) => void letters.push(String(headers.get('traceparent'))))
    await watcher.run()
    await until('the dead letter is read', () => letters.length === 1)
    expect(letters[0]).toContain(one(`send ${topic}`).spanContext().traceId)
  })

  it('of an event that the broker refuses have the name of Kafka’s error', async () => {
    const topic = await rig.topic('orders', { config: { 'max.message.bytes': '2000' } })
    const stream = await rig.connect()
    const refused = stream.emit(topic, 'paid', { text: 'x'.repeat(5000) }, { userId: 'u' })
    await expect(refused).rejects.toMatchObject({ kafkaError: 'MESSAGE_TOO_LARGE' })
    const { status, attributes } = one(`send ${topic}`)
    expect([status.code, attributes['error.type']]).toEqual([SpanStatusCode.ERROR, 'MESSAGE_TOO_LARGE'])
  })

  it('are children of the span that is active where emit is called', async () => {
    const topic = await rig.topic('orders')
    const stream = await rig.connect()
    await trace.getTracer('test').startActiveSpan('request', async (span) => {
      await stream.emit(topic, 'paid', {}, { userId: 'u' })
      span.end()
    })
    expect(one(`send ${topic}`).parentSpanContext?.spanId).toBe(one('request').spanContext().spanId)
  })

  it('never have an attribute that the conventions have dropped, nor the key unless it is asked for', async () => {
    const topic = await rig.topic('orders')
    const { stream, done } = await handling(topic)
    await stream.emit(topic, 'paid', {}, { userId: 'person-17' })
    await done(1)
    const names = new Set(sdk.spans().flatMap(({ attributes }) => Object.keys(attributes)))
    for (const dropped of [
      'messaging.kafka.consumer.group',
      'messaging.kafka.message.offset',
      'messaging.operation',
      'messaging.kafka.message.key',
    ]) {
      expect(names).not.toContain(dropped)
    }
    expect(JSON.stringify(sdk.spans().map(({ attributes }) => attributes))).not.toContain('person-17')
  })

  it('use whatever headers the process’s propagator writes', async () => {
    propagation.disable()
    propagation.setGlobalPropagator({
      fields: () => ['x-trace'],
      inject(from, carrier, setter) {
        const span = trace.getSpanContext(from)
        if (span !== undefined) setter.set(carrier, 'x-trace', `${span.traceId}/${span.spanId}`)
      },
      extract(into, carrier, getter) {
        const [traceId, spanId] = String(getter.get(carrier, 'x-trace') ?? '').split('/')
        if (spanId === undefined) return into
        return trace.setSpanContext(into, { traceId: traceId!, spanId, traceFlags: 1, isRemote: true })
      },
    })
    const topic = await rig.topic('orders')
    const { stream, done } = await handling(topic)
    await stream.emit(topic, 'paid', {}, { userId: 'u' })
    await done(1)
    propagation.disable()
    propagation.setGlobalPropagator(new W3CTraceContextPropagator())
    const sent = one(`send ${topic}`).spanContext().spanId
    expect(linkedTo(one(`poll ${topic}`))).toEqual([sent])
    expect(one(`process ${topic}`).parentSpanContext?.spanId).toBe(sent)
  })

  it('put a context into the header that any consumer can read', async () => {
    const topic = await rig.topic('orders')
    const stream = await rig.connect()
    const headers: Record<string, string>[] = []
    stream.on(topic, '*', (event) => {
      headers.push(Object.fromEntries([...event.headers].map(([name, value]) => [name, value.toString()])))
    })
    await stream.run()
    await stream.emit(topic, 'paid', {}, { userId: 'u' })
    await until('the event', () => headers.length === 1)
    const context = propagation.extract(ROOT_CONTEXT, headers[0]!)
    expect(trace.getSpanContext(context)?.spanId).toBe(one(`send ${topic}`).spanContext().spanId)
  })
})
