// A call of `emit`, checked: an event in its envelope, or a record of the topic's own shape; and the object that it is until it is
// acknowledged.
import { checkEmitArguments, payloadJson } from './emit-arguments.ts'
import { EventsConfigError } from './errors.ts'
import type { Receipt, ServerAddress } from './kafka/index.ts'
import type { SendSpan } from './telemetry/index.ts'
import type { EmitOptions, EmitResult, Envelope, RecordResult } from './types.ts'
import type { Catalogue, RecordValue } from './wire/index.ts'

export type Key = string | Uint8Array | null

/** Kept for an observer until the event or the record is acknowledged. */
export type Observed =
  | { readonly kind: 'event'; readonly envelope: Envelope }
  | { readonly kind: 'record'; readonly key: Key; readonly value: RecordValue | null }

/** Gets one call for each emission. One of `error` and `result` is null. */
export type OutcomeListener = (
  emission: Emission,
  error: Error | null,
  result: RecordResult | null,
  server: ServerAddress | null,
) => void

/** An envelope, a record of a shape of its own, its bytes once it is encoded, or null for none. */
export type Value = Envelope | RecordValue | Buffer | null

/**
 * One event or record from `emit` to its acknowledgement: it may wait for its topic and for room, is written, and is then the
 * producer's receipt. One object of a class, because there are a hundred thousand of them a second.
 */
export class Emission implements Receipt {
  readonly topic: string
  /** null for a record of a shape of its own. */
  readonly eventId: string | null
  readonly timestampMs: number
  value: Value
  key: Key
  headers: EmitOptions['headers']
  span: SendSpan | null = null
  /** Kept for observers only: what is under way is what the garbage collector has to carry. */
  observed: Observed | null = null
  /** On the monotonic clock, in milliseconds; 0 when the send is not measured. */
  readonly startedMs: number
  readonly done: OutcomeListener
  resolve!: (result: EmitResult & RecordResult) => void
  reject!: (error: Error) => void

  constructor(
    topic: string,
    eventId: string | null,
    timestampMs: number,
    value: Value,
    key: Key,
    headers: EmitOptions['headers'],
    startedMs: number,
    done: OutcomeListener,
  ) {
    this.topic = topic
    this.eventId = eventId
    this.timestampMs = timestampMs
    this.value = value
    this.key = key
    this.headers = headers
    this.startedMs = startedMs
    this.done = done
  }

  /** To be called once the producer has a copy of the content. */
  dropContent(): void {
    this.value = null
    this.key = null
    this.headers = undefined
  }

  acknowledged(partition: number, offset: bigint, server: ServerAddress | null): void {
    const { topic, eventId } = this
    const result = (
      eventId === null ? { topic, partition, offset } : { eventId, topic, partition, offset }
    ) as EmitResult
    this.done(this, null, result, server)
    this.resolve(result)
  }

  failed(error: Error): void {
    this.done(this, error, null, null)
    this.reject(error)
  }
}

/** @throws EventValidationError, UnknownEventError, EventsConfigError naming the argument */
export function toEnvelope(
  topic: string,
  eventType: string,
  data: unknown,
  given: EmitOptions,
  parts: { readonly catalogue: Catalogue; readonly newId: () => string; readonly now: () => number },
): Envelope {
  checkEmitArguments(topic, eventType, given)
  // First: a payload that JSON cannot hold, such as one with a cycle, is nothing to validate either.
  const json = payloadJson(topic, eventType, data)
  parts.catalogue.validate(topic, eventType, data)
  return {
    event_id: parts.newId(),
    event_type: eventType,
    user_id: given.userId,
    timestamp: given.timestampMs ?? parts.now(),
    data: json,
  }
}

const maxDepth = 200

/** A copy that later changes of the caller's object do not reach. @throws EventsConfigError for an object that holds itself */
export function snapshot(value: RecordValue, topic: string): RecordValue {
  function copy(part: unknown, depth: number): unknown {
    if (typeof part !== 'object' || part === null) return part
    if (depth > maxDepth) throw new EventsConfigError('value', `is nested too deeply, or holds itself (${topic})`)
    if (Array.isArray(part)) return part.map((item) => copy(item, depth + 1))
    if (ArrayBuffer.isView(part)) return Buffer.isBuffer(part) ? Buffer.from(part) : part
    return Object.fromEntries(Object.entries(part).map(([name, inner]) => [name, copy(inner, depth + 1)]))
  }
  return copy(value, 0) as RecordValue
}
