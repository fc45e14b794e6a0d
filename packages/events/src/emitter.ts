// From a call of `emit` to a record in the producer: validate, encode, choose the partition, wait for the answer.
import { checkEventList, checkRecordArguments, codedError, headerEntries } from './emit-arguments.ts'
import { EmitManyError, EventsClosedError, EventsConfigError, EventsError } from './errors.ts'
import { backoffMs, encodeHeaders, noHeaders, type Producer, partitionForKey, pause } from './kafka/index.ts'
import { EmitReceipt, type Key, type Observed, snapshot, toEnvelope } from './outgoing.ts'
import { startSend } from './tracing.ts'
import type { EmitOptions, EmitResult, Envelope, EventObserver, RecordOptions, RecordResult } from './types.ts'
import type { Catalogue, Codec, Encoder, RecordEncoder, RecordValue } from './wire/index.ts'

export interface EmitterOptions {
  readonly clientId: string
  readonly producer: Producer
  readonly catalogue: Catalogue
  readonly codec: Codec
  readonly newId: () => string
  readonly now: () => number
  /** From 0 up to 1: where records without a key begin. */
  readonly random: () => number
  /** How long looking a topic up may take, in milliseconds. */
  readonly deliveryTimeoutMs: number
  readonly observer?: EventObserver
}

export interface Emitter {
  emit(topic: string, eventType: string, data: unknown, options: EmitOptions): Promise<EmitResult>
  emitRecord(topic: string, value: RecordValue | null, options: RecordOptions): Promise<RecordResult>
  emitMany(
    events: readonly (EmitOptions & { topic: string; eventType: string; data: unknown })[],
  ): Promise<EmitResult[]>
  emitManyRecords(
    records: readonly (RecordOptions & { topic: string; value: RecordValue | null })[],
  ): Promise<RecordResult[]>
  /** To be called when the producer has room again. */
  resume(): void
  /** Refuses further events; those that wait for room fail. */
  close(): void
  /** Emitted and not yet handed to the producer. */
  waiting(): number
  /** Resolves when everything emitted before is acknowledged or has failed; what comes later is not waited for. */
  flush(): Promise<void>
  readonly counters: { emitted: number; emitFailed: number }
}

interface TopicState {
  readonly topic: string
  readonly kind: 'events' | 'records'
  encoder: Encoder<unknown> | null
  /** The lookup that is under way; resolves with why it failed, for good. */
  loading: Promise<Error | null> | null
  /** Events that came while the topic was being looked up or the producer was full, in their order. */
  readonly waiting: Pending[]
  /** How many have left `waiting` so far. */
  moved: number
  /** Where records without a key go, until `stickyBytes` of them are there (KIP-794). */
  readonly sticky: { partition: number; leftBytes: number }
}

/** An envelope, a record of a shape of its own, its bytes once it is encoded, or null for none. */
type Value = Envelope | RecordValue | Buffer | null

interface Pending {
  readonly value: Value
  readonly key: Key
  readonly timestampMs: number
  readonly headers: EmitOptions['headers']
  readonly receipt: EmitReceipt
}

/** No topic takes events of this size; beyond it buffers that have to grow become a danger to the process. */
const maxEventBytes = 256 * 1024 * 1024

const neverAborted = new AbortController().signal
const noBytes = Buffer.alloc(0)
const stickyBytes = 16 * 1024
/** How many events of a topic that waited for room are taken before it is another topic's turn. */
const eventsATurn = 256

export function createEmitter(options: EmitterOptions): Emitter {
  const { producer, catalogue, codec, observer } = options
  const topics = { events: new Map<string, TopicState>(), records: new Map<string, TopicState>() }
  const counters = { emitted: 0, emitFailed: 0 }
  let waiting = 0
  /** Calls of `flush` that wait until events that waited for room are with the producer. */
  let flushes: { readonly targets: Map<TopicState, number>; readonly resolve: () => void }[] = []
  let turn = 0
  let closed = false
  let keyBuffer = Buffer.allocUnsafe(1024)

  function done(receipt: EmitReceipt, error: Error | null, result: RecordResult | null): void {
    if (error !== null) {
      counters.emitFailed++
      receipt.span?.failed(error)
      return
    }
    counters.emitted++
    receipt.span?.sent(result!.partition, result!.offset)
    if (receipt.observed === null) return
    try {
      tell(receipt.observed, result!)
    } catch (error) {
      // It must not throw; when it does, the producer's work goes on all the same.
      process.emitWarning(error as Error)
    }
  }

  function tell(observed: Observed, result: RecordResult): void {
    if (observed.kind === 'record') {
      observer?.recordEmitted?.({ ...result, key: observed.key, value: observed.value })
      return
    }
    const { event_type, user_id, data } = observed.envelope
    const event = { ...(result as EmitResult), eventType: event_type, userId: user_id }
    observer?.emitted?.({ ...event, data: JSON.parse(data) as unknown })
  }

  function stateOf(kind: TopicState['kind'], topic: string): TopicState {
    let state = topics[kind].get(topic)
    if (state === undefined) {
      state = {
        topic,
        kind,
        encoder: null,
        loading: null,
        waiting: [],
        moved: 0,
        sticky: { partition: -1, leftBytes: 0 },
      }
      topics[kind].set(topic, state)
    }
    return state
  }

  function sendEvent(topic: string, envelope: Envelope, given: EmitOptions): Promise<EmitResult> {
    if (closed) return Promise.reject(new EventsClosedError('emit'))
    const key = given.key ?? given.userId
    const span = startSend(topic, envelope.event_type, key, options.clientId)
    const observed: Observed | null = observer?.emitted === undefined ? null : { kind: 'event', envelope }
    const receipt = new EmitReceipt(topic, envelope.event_id, span, observed, done)
    return send(stateOf('events', topic), envelope, key, envelope.timestamp, given.headers, receipt)
  }

  /** @throws EventValidationError when the schema is known already; otherwise the promise rejects with it */
  function sendRecord(topic: string, value: RecordValue | null, given: RecordOptions): Promise<RecordResult> {
    if (closed) return Promise.reject(new EventsClosedError('emit'))
    const { key, timestampMs = options.now(), headers } = given
    const state = stateOf('records', topic)
    const encoder = state.encoder as RecordEncoder | null
    if (value !== null) encoder?.check(value)
    const waits = encoder === null || state.waiting.length > 0 || !producer.hasRoom()
    // What waits is a copy: the caller may change its object as soon as this call returns.
    const sent = value === null || !waits ? value : encoder === null ? snapshot(value, topic) : encoder.encode(value)
    const span = startSend(topic, null, typeof key === 'string' ? key : null, options.clientId)
    const observed: Observed | null =
      observer?.recordEmitted === undefined
        ? null
        : { kind: 'record', key, value: value === null ? null : snapshot(value, topic) }
    const receipt = new EmitReceipt(topic, null, span, observed, done)
    return send(state, sent, key, timestampMs, headers, receipt)
  }

  function send(
    state: TopicState,
    value: Value,
    key: Key,
    timestampMs: number,
    headers: EmitOptions['headers'],
    receipt: EmitReceipt,
  ): Promise<EmitResult> {
    const promise = new Promise<EmitResult>((resolve, reject) => {
      receipt.resolve = resolve
      receipt.reject = reject
    })
    // First come, first served: an event never overtakes those that wait.
    if (state.encoder !== null && state.waiting.length === 0 && producer.hasRoom()) {
      append(state, value, key, timestampMs, headers, receipt)
    } else {
      state.waiting.push({ value, key, timestampMs, headers, receipt })
      waiting++
      if (state.encoder === null) void load(state)
    }
    return promise
  }

  /** Hands an event to the producer; one that cannot be encoded fails, and does not disturb the caller's or the others'. */
  function append(
    state: TopicState,
    value: Value,
    key: Key,
    timestampMs: number,
    given: EmitOptions['headers'],
    receipt: EmitReceipt,
  ): void {
    try {
      encodeAndAppend(state, value, key, timestampMs, given, receipt)
    } catch (error) {
      receipt.failed(codedError(error))
    }
  }

  function encodeAndAppend(
    state: TopicState,
    value: Value,
    key: Key,
    timestampMs: number,
    given: EmitOptions['headers'],
    receipt: EmitReceipt,
  ): void {
    const { topic } = state
    let headers = noHeaders
    if (given !== undefined || (receipt.span !== null && receipt.span.headers.length > 0)) {
      headers = encodeHeaders([...headerEntries(given), ...(receipt.span?.headers ?? [])])
    }
    const encoder = state.encoder!
    let valueBytes: Buffer = noBytes
    let valueLength = -1
    if (value instanceof Buffer) {
      valueBytes = value
      valueLength = value.length
    } else if (value !== null) {
      valueLength = encoder.encodeShared(value)
      valueBytes = encoder.shared.buffer
    }
    if (valueLength + (key?.length ?? 0) + headers.length > maxEventBytes) {
      throw new EventsConfigError('data', `makes an event of more than ${maxEventBytes} bytes (${topic})`)
    }
    let keyBytes: Uint8Array = noBytes
    let keyLength = -1
    if (typeof key === 'string') {
      // A code unit takes three bytes of UTF-8 at most.
      if (keyBuffer.length < key.length * 3) keyBuffer = Buffer.allocUnsafe(key.length * 3)
      keyBytes = keyBuffer
      keyLength = keyBuffer.write(key)
    } else if (key !== null) {
      keyBytes = key
      keyLength = key.length
    }
    const partition =
      keyLength < 0
        ? stickyPartition(state, valueLength)
        : partitionForKey(keyBytes, producer.partitions(topic)!, keyLength)
    producer.append({
      topic,
      partition,
      key: keyBytes,
      keyLength,
      value: valueBytes,
      valueLength,
      headers,
      timestampMs,
      receipt,
    })
  }

  /** Records without a key stay with a partition for a batch's length: small batches cost more than an even spread gains. */
  function stickyPartition({ topic, sticky }: TopicState, bytes: number): number {
    const partitions = producer.partitions(topic)!
    if (sticky.leftBytes <= 0 || sticky.partition >= partitions) {
      const first = sticky.partition < 0 ? Math.floor(options.random() * partitions) : sticky.partition + 1
      sticky.partition = first % partitions
      sticky.leftBytes = stickyBytes
    }
    sticky.leftBytes -= Math.max(1, bytes)
    return sticky.partition
  }

  function load(state: TopicState): Promise<Error | null> {
    state.loading ??= lookUp(state).finally(() => {
      state.loading = null
    })
    return state.loading
  }

  async function lookUp(state: TopicState): Promise<Error | null> {
    const { topic } = state
    const deadlineMs = options.now() + options.deliveryTimeoutMs
    for (let failures = 1; !closed && state.encoder === null; failures++) {
      try {
        const encoder = state.kind === 'events' ? codec.encoderFor(topic) : codec.recordEncoderFor(topic)
        const [ready] = await Promise.all([encoder as Promise<Encoder<never>>, producer.load(topic)])
        state.encoder = ready as unknown as Encoder<unknown>
      } catch (error) {
        // A broker or a registry that is restarting is waited for; an answer ("no such topic") is final.
        if (!(error instanceof EventsError) && options.now() < deadlineMs) {
          await pause(backoffMs(failures), neverAborted)
          continue
        }
        // The next emit asks again: the topic or its schema may have been created by then.
        const gone = state.waiting.splice(0)
        for (const { receipt } of gone) receipt.failed(error as Error)
        moved(state, gone.length)
        return error as Error
      }
    }
    if (state.kind === 'records' && state.encoder !== null) checkWaiting(state, state.encoder as RecordEncoder)
    resume()
    return null
  }

  /** Records that came before their schema was known are checked against it now. */
  function checkWaiting(state: TopicState, encoder: RecordEncoder): void {
    for (const pending of state.waiting.splice(0)) {
      try {
        if (pending.value !== null) encoder.check(pending.value as RecordValue)
        state.waiting.push(pending)
      } catch (error) {
        pending.receipt.failed(error as Error)
        moved(state, 1)
      }
    }
  }

  function* allStates(): Generator<TopicState> {
    yield* topics.events.values()
    yield* topics.records.values()
  }

  /** Topics take turns: one with a long queue does not keep the others from the room that there is. */
  function resume(): void {
    const states = [...allStates()].filter((state) => state.encoder !== null && state.waiting.length > 0)
    while (states.length > 0 && producer.hasRoom()) {
      const at = turn++ % states.length
      const state = states[at]!
      let next = 0
      while (next < Math.min(state.waiting.length, eventsATurn) && producer.hasRoom()) {
        const { value, key, timestampMs, headers, receipt } = state.waiting[next++]!
        append(state, value, key, timestampMs, headers, receipt)
      }
      state.waiting.splice(0, next)
      moved(state, next)
      if (state.waiting.length === 0) states.splice(at, 1)
    }
  }

  /** Notes that events of a topic no longer wait here: they are with the producer, or have failed. */
  function moved(state: TopicState, count: number): void {
    waiting -= count
    state.moved += count
    if (flushes.length === 0) return
    flushes = flushes.filter(({ targets, resolve }) => {
      if ([...targets].some(([one, target]) => one.moved < target)) return true
      resolve()
      return false
    })
  }

  return {
    counters,
    resume,
    waiting: () => waiting,

    async flush() {
      const waitingNow = [...allStates()].filter((state) => state.waiting.length > 0)
      if (waitingNow.length > 0) {
        const targets = new Map(waitingNow.map((state) => [state, state.moved + state.waiting.length]))
        await new Promise<void>((resolve) => flushes.push({ targets, resolve }))
      }
      await producer.flush()
    },

    emit(topic, eventType, data, given) {
      try {
        return sendEvent(topic, toEnvelope(topic, eventType, data, given, options), given)
      } catch (error) {
        return Promise.reject(codedError(error))
      }
    },

    emitRecord(topic, value, given) {
      try {
        checkRecordArguments(topic, value, given)
        catalogue.checkRecord(topic)
        return sendRecord(topic, value, given)
      } catch (error) {
        return Promise.reject(codedError(error))
      }
    },

    async emitMany(events) {
      checkEventList(events)
      return manyOf(events, (event) => {
        const envelope = toEnvelope(event.topic, event.eventType, event.data, event, options)
        return () => sendEvent(event.topic, envelope, event)
      })
    },

    async emitManyRecords(records) {
      // Nothing is sent unless all are valid, so their schemas are needed first.
      const named = records.filter((record) => typeof record?.topic === 'string')
      const states = new Set(named.map(({ topic }) => stateOf('records', topic)))
      const failures = new Map<TopicState, Error>()
      for (const state of states) {
        const failure = state.encoder === null ? await load(state) : null
        if (failure !== null) failures.set(state, failure)
      }
      return manyOf(records, (record) => {
        const { topic, value } = record
        checkRecordArguments(topic, value, record)
        catalogue.checkRecord(topic)
        const state = stateOf('records', topic)
        const failure = failures.get(state)
        if (failure !== undefined) throw failure
        if (value !== null) (state.encoder as RecordEncoder | null)?.check(value)
        return () => sendRecord(topic, value, record)
      })
    },

    close() {
      closed = true
      for (const state of allStates()) {
        const gone = state.waiting.splice(0)
        for (const { receipt } of gone) receipt.failed(new EventsClosedError('emit'))
        moved(state, gone.length)
      }
    },
  }
}

/**
 * Prepares all, then sends all.
 * @param prepare checks one; what it returns sends it
 * @throws EmitManyError with the outcome of each when any failed
 */
async function manyOf<One, Result extends RecordResult>(
  all: readonly One[],
  prepare: (one: One) => () => Promise<Result>,
): Promise<Result[]> {
  const prepared = all.map((one) => {
    try {
      return { ok: true as const, send: prepare(one) }
    } catch (error) {
      return { ok: false as const, error: codedError(error) }
    }
  })
  if (prepared.some(({ ok }) => !ok)) {
    const unsent = new EventsConfigError('emitMany', 'not sent, because other events of the call are invalid')
    throw new EmitManyError(
      prepared.map((one) => ({ ok: false, error: one.ok ? unsent : one.error })),
      true,
    )
  }
  const settled = await Promise.allSettled(prepared.flatMap((one) => (one.ok ? [one.send()] : [])))
  if (settled.every((one) => one.status === 'fulfilled')) return settled.map(({ value }) => value)
  throw new EmitManyError(
    settled.map((one) =>
      one.status === 'fulfilled' ? { ok: true, result: one.value } : { ok: false, error: one.reason as Error },
    ),
    false,
  )
}
