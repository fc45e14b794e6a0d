// From a call of `emit` to a record in the producer: validate, envelope, encode, choose the partition, wait for the answer.
import { checkEmitArguments, checkEventList, codedError, headerEntries, payloadJson } from './emit-arguments.ts'
import { EmitManyError, EventsClosedError, EventsConfigError, EventsError } from './errors.ts'
import {
  backoffMs,
  encodeHeaders,
  noHeaders,
  type Producer,
  partitionForKey,
  pause,
  type Receipt,
} from './kafka/index.ts'
import { type SendSpan, startSend } from './tracing.ts'
import type { EmitOptions, EmitResult, Envelope, EventObserver } from './types.ts'
import type { Catalogue, Codec, Encoder } from './wire/index.ts'

export interface EmitterOptions {
  readonly clientId: string
  readonly producer: Producer
  readonly catalogue: Catalogue
  readonly codec: Codec
  readonly newId: () => string
  readonly now: () => number
  /** How long looking a topic up may take, in milliseconds. */
  readonly deliveryTimeoutMs: number
  readonly observer?: EventObserver
}

export interface Emitter {
  emit(topic: string, eventType: string, data: unknown, options: EmitOptions): Promise<EmitResult>
  emitMany(
    events: readonly (EmitOptions & { topic: string; eventType: string; data: unknown })[],
  ): Promise<EmitResult[]>
  /** To be called when the producer has room again. */
  resume(): void
  /** Refuses further events; those that wait for room fail. */
  close(): void
  /** Emitted and not yet handed to the producer. */
  waiting(): number
  readonly counters: { emitted: number; emitFailed: number }
}

interface TopicState {
  encoder: Encoder | null
  loading: boolean
  /** Events that came while the topic was being looked up or the producer was full, in their order. */
  readonly waiting: PendingEvent[]
}

interface PendingEvent {
  readonly envelope: Envelope
  readonly key: string
  readonly headers: EmitOptions['headers']
  readonly receipt: EmitReceipt
}

/** What the producer tells about one event. A class because there are a hundred thousand of them a second. */
class EmitReceipt implements Receipt {
  readonly topic: string
  readonly eventId: string
  readonly span: SendSpan | null
  /** Kept for observers only: what is under way is what the garbage collector has to carry. */
  readonly envelope: Envelope | null
  readonly done: (receipt: EmitReceipt, error: Error | null, result: EmitResult | null) => void
  resolve!: (result: EmitResult) => void
  reject!: (error: Error) => void

  constructor(
    topic: string,
    eventId: string,
    span: SendSpan | null,
    envelope: Envelope | null,
    done: EmitReceipt['done'],
  ) {
    this.topic = topic
    this.eventId = eventId
    this.span = span
    this.envelope = envelope
    this.done = done
  }

  acknowledged(partition: number, offset: bigint): void {
    const result = { eventId: this.eventId, topic: this.topic, partition, offset }
    this.done(this, null, result)
    this.resolve(result)
  }

  failed(error: Error): void {
    this.done(this, error, null)
    this.reject(error)
  }
}

/** No topic takes events of this size; beyond it buffers that have to grow become a danger to the process. */
const maxEventBytes = 256 * 1024 * 1024

const neverAborted = new AbortController().signal

export function createEmitter(options: EmitterOptions): Emitter {
  const { producer, catalogue, codec, observer } = options
  const topics = new Map<string, TopicState>()
  const counters = { emitted: 0, emitFailed: 0 }
  let waiting = 0
  let closed = false
  let keyBuffer = Buffer.allocUnsafe(1024)

  function done(receipt: EmitReceipt, error: Error | null, result: EmitResult | null): void {
    if (error !== null) {
      counters.emitFailed++
      receipt.span?.failed(error)
      return
    }
    counters.emitted++
    receipt.span?.sent(result!.partition, result!.offset)
    if (observer?.emitted !== undefined && receipt.envelope !== null) {
      const { event_type, user_id, data } = receipt.envelope
      try {
        observer.emitted({ ...result!, eventType: event_type, userId: user_id, data: JSON.parse(data) as unknown })
      } catch (error) {
        // It must not throw; when it does, the producer's work goes on all the same.
        process.emitWarning(error as Error)
      }
    }
  }

  function toEnvelope(topic: string, eventType: string, data: unknown, given: EmitOptions): Envelope {
    checkEmitArguments(topic, eventType, given)
    // First: a payload that JSON cannot hold, such as one with a cycle, is nothing to validate either.
    const json = payloadJson(topic, eventType, data)
    catalogue.validate(topic, eventType, data)
    return {
      event_id: options.newId(),
      event_type: eventType,
      user_id: given.userId,
      timestamp: given.timestampMs ?? options.now(),
      data: json,
    }
  }

  function send(topic: string, envelope: Envelope, given: EmitOptions): Promise<EmitResult> {
    if (closed) return Promise.reject(new EventsClosedError('emit'))
    const key = given.key ?? given.userId
    const span = startSend(topic, envelope.event_type, key, options.clientId)
    const observed = observer?.emitted === undefined ? null : envelope
    const receipt = new EmitReceipt(topic, envelope.event_id, span, observed, done)
    const promise = new Promise<EmitResult>((resolve, reject) => {
      receipt.resolve = resolve
      receipt.reject = reject
    })
    let state = topics.get(topic)
    if (state === undefined) {
      state = { encoder: null, loading: false, waiting: [] }
      topics.set(topic, state)
    }
    // Whoever came first goes first: an event never overtakes those that wait.
    if (state.encoder !== null && state.waiting.length === 0 && producer.hasRoom()) {
      append(topic, state, envelope, key, given.headers, receipt)
    } else {
      state.waiting.push({ envelope, key, headers: given.headers, receipt })
      waiting++
      if (state.encoder === null) void load(topic, state)
    }
    return promise
  }

  /** Hands an event to the producer; one that cannot be encoded fails, and does not disturb the caller's or the others'. */
  function append(
    topic: string,
    state: TopicState,
    envelope: Envelope,
    key: string,
    given: EmitOptions['headers'],
    receipt: EmitReceipt,
  ): void {
    try {
      encodeAndAppend(topic, state, envelope, key, given, receipt)
    } catch (error) {
      receipt.failed(codedError(error))
    }
  }

  function encodeAndAppend(
    topic: string,
    state: TopicState,
    envelope: Envelope,
    key: string,
    given: EmitOptions['headers'],
    receipt: EmitReceipt,
  ): void {
    let headers = noHeaders
    if (given !== undefined || (receipt.span !== null && receipt.span.headers.length > 0)) {
      headers = encodeHeaders([...headerEntries(given), ...(receipt.span?.headers ?? [])])
    }
    const encoder = state.encoder!
    const valueLength = encoder.encodeShared(envelope)
    if (valueLength + key.length + headers.length > maxEventBytes) {
      throw new EventsConfigError('data', `makes an event of more than ${maxEventBytes} bytes (${topic})`)
    }
    // A code unit takes three bytes of UTF-8 at most.
    if (keyBuffer.length < key.length * 3) keyBuffer = Buffer.allocUnsafe(key.length * 3)
    const keyLength = keyBuffer.write(key)
    const partition = partitionForKey(keyBuffer, producer.partitions(topic)!, keyLength)
    const { timestamp } = envelope
    producer.append(
      topic,
      partition,
      keyBuffer,
      keyLength,
      encoder.shared.buffer,
      valueLength,
      headers,
      timestamp,
      receipt,
    )
  }

  async function load(topic: string, state: TopicState): Promise<void> {
    if (state.loading) return
    state.loading = true
    const deadlineMs = options.now() + options.deliveryTimeoutMs
    for (let failures = 1; !closed && state.encoder === null; failures++) {
      try {
        const [encoder] = await Promise.all([codec.encoderFor(topic), producer.load(topic)])
        state.encoder = encoder
      } catch (error) {
        // A broker or a registry that is restarting is waited for; an answer ("no such topic") is final.
        if (!(error instanceof EventsError) && options.now() < deadlineMs) {
          await pause(backoffMs(failures), neverAborted)
          continue
        }
        // The next emit asks again: the topic or its schema may have been created by then.
        for (const { receipt } of state.waiting.splice(0)) {
          waiting--
          receipt.failed(error as Error)
        }
        break
      }
    }
    state.loading = false
    resume()
  }

  function resume(): void {
    for (const [topic, state] of topics) {
      if (state.encoder === null || state.waiting.length === 0) continue
      let next = 0
      while (next < state.waiting.length && producer.hasRoom()) {
        const { envelope, key, headers, receipt } = state.waiting[next++]!
        append(topic, state, envelope, key, headers, receipt)
      }
      state.waiting.splice(0, next)
      waiting -= next
    }
  }

  return {
    counters,
    resume,
    waiting: () => waiting,

    emit(topic, eventType, data, given) {
      try {
        return send(topic, toEnvelope(topic, eventType, data, given), given)
      } catch (error) {
        return Promise.reject(codedError(error))
      }
    },

    async emitMany(events) {
      checkEventList(events)
      const prepared = events.map((event) => {
        try {
          return { ok: true as const, event, envelope: toEnvelope(event.topic, event.eventType, event.data, event) }
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
      const settled = await Promise.allSettled(
        prepared.flatMap((one) => (one.ok ? [send(one.event.topic, one.envelope, one.event)] : [])),
      )
      if (settled.every((one) => one.status === 'fulfilled')) return settled.map(({ value }) => value)
      throw new EmitManyError(
        settled.map((one) =>
          one.status === 'fulfilled' ? { ok: true, result: one.value } : { ok: false, error: one.reason as Error },
        ),
        false,
      )
    },

    close() {
      closed = true
      for (const state of topics.values()) {
        for (const { receipt } of state.waiting.splice(0)) receipt.failed(new EventsClosedError('emit'))
      }
      waiting = 0
    },
  }
}
