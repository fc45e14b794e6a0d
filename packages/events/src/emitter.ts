// From a call of `emit` to a record in the producer: validate, wait for the topic and for room, encode, choose the partition, wait
// for the answer.
//
// emit ─▶ toEnvelope (outgoing.ts) ─▶ sendEvent ─▶ send ─▶ append ─▶ writeRecord (record-writer.ts) ─▶ producer.append
//                                                  └────▶ topic-queue.ts ─▶ load, resume ─▶ append
import { checkEventList, checkRecordArguments, codedError } from './emit-arguments.ts'
import { emitAll } from './emit-many.ts'
import { EventsClosedError, EventsError } from './errors.ts'
import { backoffMs, type Producer, pause, type ServerAddress } from './kafka/index.ts'
import { Emission, type Observed, type OutcomeListener, snapshot, toEnvelope } from './outgoing.ts'
import { PayloadHeaders } from './payload-headers.ts'
import { createRecordWriter, type RecordWriter, writeRecord } from './record-writer.ts'
import {
  clientErrorType,
  type Outgoing,
  type SendSpan,
  type StreamMetrics,
  startBatch,
  startSend,
  type Tracing,
} from './telemetry/index.ts'
import {
  allQueues,
  enqueue,
  newTopicQueues,
  noteLeft,
  queueOf,
  type TopicQueue,
  type TopicQueues,
  takeAll,
  whenLeft,
} from './topic-queue.ts'
import type { EmitOptions, EmitResult, Envelope, EventObserver, Logger, RecordOptions, RecordResult } from './types.ts'
import type { Catalogue, Codec, Encoder, RecordEncoder, RecordValue } from './wire/index.ts'

export interface EmitterOptions {
  readonly tracing: Tracing
  readonly metrics: StreamMetrics
  readonly producer: Producer
  readonly catalogue: Catalogue
  readonly codec: Codec
  readonly logger: Logger
  readonly newId: () => string
  readonly now: () => number
  /** From 0 up to 1: where records without a key begin. */
  readonly random: () => number
  /** How long looking a topic up may take, in milliseconds. */
  readonly deliveryTimeoutMs: number
  readonly observer?: EventObserver
}

type EventToEmit = EmitOptions & { readonly topic: string; readonly eventType: string; readonly data: unknown }
type RecordToEmit = RecordOptions & { readonly topic: string; readonly value: RecordValue | null }

export interface Emitter {
  emit(topic: string, eventType: string, data: unknown, options: EmitOptions): Promise<EmitResult>
  emitRecord(topic: string, value: RecordValue | null, options: RecordOptions): Promise<RecordResult>
  emitMany(events: readonly EventToEmit[]): Promise<EmitResult[]>
  emitManyRecords(records: readonly RecordToEmit[]): Promise<RecordResult[]>
  /** To be called when the producer has room again. */
  resume(): void
  /** Refuses further events; those that wait for room fail. */
  close(): void
  /** Emitted and not yet handed to the producer. */
  waiting(): number
  /** Resolves when everything emitted before is acknowledged or has failed; what comes later is not waited for. */
  flush(): Promise<void>
  readonly counters: { readonly emitted: number; readonly emitFailed: number }
}

interface EmitterState {
  readonly options: EmitterOptions
  readonly writer: RecordWriter
  readonly queues: TopicQueues
  readonly counters: { emitted: number; emitFailed: number }
  /** See `noteOutcome`. One function for all emissions, because there are a hundred thousand of them a second. */
  readonly done: OutcomeListener
  /** Counts the turns of topics that wait for room. */
  turn: number
  closed: boolean
}

const neverAborted = new AbortController().signal
/** How many events of a topic that waited for room are taken before it is another topic's turn. */
const eventsATurn = 256

export function createEmitter(options: EmitterOptions): Emitter {
  const state: EmitterState = {
    options,
    writer: createRecordWriter(options.producer, options.random),
    queues: newTopicQueues(),
    counters: { emitted: 0, emitFailed: 0 },
    done: (emission, error, result, server) => noteOutcome(state, emission, error, result, server),
    turn: 0,
    closed: false,
  }
  return {
    counters: state.counters,
    emit: (topic, eventType, data, given) => emit(state, topic, eventType, data, given),
    emitRecord: (topic, value, given) => emitRecord(state, topic, value, given),
    emitMany: (events) => emitMany(state, events),
    emitManyRecords: (records) => emitManyRecords(state, records),
    resume: () => resume(state),
    waiting: () => state.queues.waiting,
    async flush() {
      await whenLeft(state.queues)
      await options.producer.flush()
    },
    close: () => close(state),
  }
}

function emit(
  state: EmitterState,
  topic: string,
  eventType: string,
  data: unknown,
  given: EmitOptions,
): Promise<EmitResult> {
  try {
    return sendEvent(state, topic, toEnvelope(topic, eventType, data, given, state.options), given)
  } catch (error) {
    return Promise.reject(codedError(error))
  }
}

function emitRecord(
  state: EmitterState,
  topic: string,
  value: RecordValue | null,
  given: RecordOptions,
): Promise<RecordResult> {
  try {
    checkRecordArguments(topic, value, given)
    state.options.catalogue.checkRecord(topic)
    return sendRecord(state, topic, value, given)
  } catch (error) {
    return Promise.reject(codedError(error))
  }
}

async function emitMany(state: EmitterState, events: readonly EventToEmit[]): Promise<EmitResult[]> {
  checkEventList(events)
  return emitAll(events, {
    prepare: (event) => toEnvelope(event.topic, event.eventType, event.data, event, state.options),
    spans: (envelopes) =>
      startBatch(
        state.options.tracing,
        envelopes.map((envelope, at) => outgoingEvent(events[at]!.topic, envelope, events[at]!)),
      ),
    send: (event, envelope, span) => sendEvent(state, event.topic, envelope, event, span),
  })
}

async function emitManyRecords(state: EmitterState, records: readonly RecordToEmit[]): Promise<RecordResult[]> {
  // Nothing is sent unless all are valid, so their schemas are needed first.
  const named = records.filter((record) => typeof record?.topic === 'string')
  const queues = new Set(named.map(({ topic }) => queueOf(state.queues, 'records', topic)))
  const failures = new Map<TopicQueue, Error>()
  for (const queue of queues) {
    const failure = queue.encoder === null ? await load(state, queue) : null
    if (failure !== null) failures.set(queue, failure)
  }
  return emitAll(records, {
    prepare(record) {
      const { topic, value } = record
      checkRecordArguments(topic, value, record)
      state.options.catalogue.checkRecord(topic)
      const queue = queueOf(state.queues, 'records', topic)
      const failure = failures.get(queue)
      if (failure !== undefined) throw failure
      if (value !== null) (queue.encoder as RecordEncoder | null)?.check(value)
    },
    spans: () =>
      startBatch(
        state.options.tracing,
        records.map((record) => outgoingRecord(record.topic, record.value, record)),
      ),
    send: (record, _checked, span) => sendRecord(state, record.topic, record.value, record, span),
  })
}

function sendEvent(
  state: EmitterState,
  topic: string,
  envelope: Envelope,
  given: EmitOptions,
  inBatch?: SendSpan | null,
): Promise<EmitResult> {
  if (state.closed) return Promise.reject(new EventsClosedError('emit'))
  const { tracing, observer } = state.options
  const { event_id, timestamp } = envelope
  const startedMs = startOf(state)
  const key = keyOf(given)
  const emission = new Emission(topic, event_id, timestamp, envelope, key, given.headers, startedMs, state.done)
  emission.span = inBatch === undefined ? startSend(tracing, outgoingEvent(topic, envelope, given)) : inBatch
  if (observer?.emitted !== undefined) emission.observed = { kind: 'event', envelope }
  return send(state, queueOf(state.queues, 'events', topic), emission)
}

const keyOf = ({ key, userId }: EmitOptions): string => key ?? userId

/** When a send that is measured began, on the monotonic clock in milliseconds; 0 for one that is not. */
const startOf = ({ options }: EmitterState): number => (options.metrics.wanted() ? performance.now() : 0)

const outgoingEvent = (topic: string, { event_type, event_id }: Envelope, given: EmitOptions): Outgoing => ({
  topic,
  eventType: event_type,
  eventId: event_id,
  key: keyOf(given),
  tombstone: false,
  headers: given.headers,
})

const outgoingRecord = (topic: string, value: RecordValue | null, { key, headers }: RecordOptions): Outgoing => ({
  topic,
  eventType: null,
  eventId: null,
  key: typeof key === 'string' ? key : null,
  tombstone: value === null,
  headers,
})

/** @throws EventValidationError when the schema is known already; otherwise the promise rejects with it */
function sendRecord(
  state: EmitterState,
  topic: string,
  value: RecordValue | null,
  given: RecordOptions,
  inBatch?: SendSpan | null,
): Promise<RecordResult> {
  if (state.closed) return Promise.reject(new EventsClosedError('emit'))
  const { key, timestampMs = state.options.now(), headers } = given
  const { tracing, observer, producer } = state.options
  const queue = queueOf(state.queues, 'records', topic)
  const encoder = queue.encoder as RecordEncoder | null
  if (value !== null) encoder?.check(value)
  const waits = encoder === null || queue.waiting.length > 0 || !producer.hasRoom()
  // Waiting events are copies, because the caller may change its object as soon as this call returns.
  const sent = value === null || !waits ? value : encoder === null ? snapshot(value, topic) : encoder.encode(value)
  const emission = new Emission(topic, null, timestampMs, sent, key, headers, startOf(state), state.done)
  emission.span = inBatch === undefined ? startSend(tracing, outgoingRecord(topic, value, given)) : inBatch
  if (observer?.recordEmitted !== undefined) {
    emission.observed = { kind: 'record', key, value: value === null ? null : snapshot(value, topic) }
  }
  return send(state, queue, emission)
}

function send(state: EmitterState, queue: TopicQueue, emission: Emission): Promise<EmitResult> {
  const promise = new Promise<EmitResult>((resolve, reject) => {
    emission.resolve = resolve
    emission.reject = reject
  })
  // First come, first served: an event never overtakes those that wait.
  if (queue.encoder !== null && queue.waiting.length === 0 && state.options.producer.hasRoom()) {
    append(state, queue, emission)
  } else {
    enqueue(state.queues, queue, emission)
    if (queue.encoder === null) void load(state, queue)
  }
  return promise
}

/** Hands an event to the producer; one that cannot be encoded fails, and does not disturb the caller's or the others'. */
function append(state: EmitterState, queue: TopicQueue, emission: Emission): void {
  try {
    writeRecord(state.writer, queue, emission)
  } catch (error) {
    emission.failed(codedError(error))
  }
}

function load(state: EmitterState, queue: TopicQueue): Promise<Error | null> {
  queue.loading ??= lookUp(state, queue).finally(() => {
    queue.loading = null
  })
  return queue.loading
}

async function lookUp(state: EmitterState, queue: TopicQueue): Promise<Error | null> {
  const { codec, producer, now, deliveryTimeoutMs } = state.options
  const { topic } = queue
  const deadlineMs = now() + deliveryTimeoutMs
  for (let failures = 1; !state.closed && queue.encoder === null; failures++) {
    try {
      const encoder = queue.kind === 'events' ? codec.encoderFor(topic) : codec.recordEncoderFor(topic)
      const [ready] = await Promise.all([
        encoder as Promise<Encoder<never>>,
        queue.kind === 'events' ? loadHeaders(state, queue) : null,
        producer.load(topic),
      ])
      queue.encoder = ready as unknown as Encoder<unknown>
    } catch (error) {
      // A broker or a registry that is restarting is waited for; an answer ("no such topic") is final.
      if (!(error instanceof EventsError) && now() < deadlineMs) {
        await pause(backoffMs(failures), neverAborted)
        continue
      }
      // The next emit asks again: the topic or its schema may have been created by then.
      failWaiting(state, queue, error as Error)
      return error as Error
    }
  }
  if (queue.kind === 'records' && queue.encoder !== null) checkWaiting(state, queue, queue.encoder as RecordEncoder)
  resume(state)
  return null
}

/** Those that are known stay known when the topic is looked up again. */
function loadHeaders({ options }: EmitterState, queue: TopicQueue): Promise<void> {
  const { catalogue, codec, logger, now } = options
  const { topic } = queue
  queue.payloads ??= new PayloadHeaders(topic, catalogue.eventTypes(topic), { versions: codec.payloads, logger, now })
  return queue.payloads.load()
}

/** Records that came before their schema was known are checked against it now. */
function checkWaiting(state: EmitterState, queue: TopicQueue, encoder: RecordEncoder): void {
  for (const emission of queue.waiting.splice(0)) {
    try {
      if (emission.value !== null) encoder.check(emission.value as RecordValue)
      queue.waiting.push(emission)
    } catch (error) {
      emission.failed(error as Error)
      noteLeft(state.queues, queue, 1)
    }
  }
}

/** Topics take turns: one with a long queue does not keep the others from the room that there is. */
function resume(state: EmitterState): void {
  const { producer } = state.options
  const queues = allQueues(state.queues).filter(({ encoder, waiting }) => encoder !== null && waiting.length > 0)
  while (queues.length > 0 && producer.hasRoom()) {
    const at = state.turn++ % queues.length
    const queue = queues[at]!
    let next = 0
    while (next < Math.min(queue.waiting.length, eventsATurn) && producer.hasRoom()) {
      append(state, queue, queue.waiting[next++]!)
    }
    queue.waiting.splice(0, next)
    noteLeft(state.queues, queue, next)
    if (queue.waiting.length === 0) queues.splice(at, 1)
  }
}

/** Counts what became of an event, ends its span and tells the observer. */
function noteOutcome(
  { counters, options }: EmitterState,
  { topic, startedMs, span, observed }: Emission,
  error: Error | null,
  result: RecordResult | null,
  server: ServerAddress | null,
): void {
  if (startedMs !== 0) {
    const seconds = (performance.now() - startedMs) / 1000
    const type = error === null ? null : clientErrorType(error)
    options.metrics.sent({ topic, server, seconds, error: type })
  }
  if (error !== null) {
    counters.emitFailed++
    span?.failed(error)
    return
  }
  counters.emitted++
  span?.sent(result!.partition, result!.offset, server)
  if (observed === null) return
  try {
    notifyObserver(options.observer, observed, result!)
  } catch (thrown) {
    // An observer must not throw; if it does, the producer continues.
    process.emitWarning(thrown as Error)
  }
}

function notifyObserver(observer: EventObserver | undefined, observed: Observed, result: RecordResult): void {
  if (observed.kind === 'record') {
    observer?.recordEmitted?.({ ...result, key: observed.key, value: observed.value })
    return
  }
  const { event_type, user_id, data } = observed.envelope
  const event = { ...(result as EmitResult), eventType: event_type, userId: user_id }
  observer?.emitted?.({ ...event, data: JSON.parse(data) as unknown })
}

function failWaiting(state: EmitterState, queue: TopicQueue, error: Error): void {
  for (const emission of takeAll(state.queues, queue)) emission.failed(error)
}

function close(state: EmitterState): void {
  state.closed = true
  for (const queue of allQueues(state.queues)) failWaiting(state, queue, new EventsClosedError('emit'))
}
