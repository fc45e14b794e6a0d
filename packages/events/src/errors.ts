// Every error that this library throws: a stable code, what and where it went wrong, and what to do next.
import type { EmitResult, RecordResult } from './types.ts'

/** Base of the library's errors; `code` is stable and meant for `switch`. */
export class EventsError extends Error {
  readonly code: string
  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** An option or an environment variable is missing or malformed. */
export class EventsConfigError extends EventsError {
  readonly field: string
  constructor(field: string, problem: string) {
    super('INVALID_OPTION', `${field}: ${problem}`)
    this.field = field
  }
}

/** The origin, in messages, of an address of a platform that `selfmonitor up` runs. */
export const upOrigin = '`selfmonitor up`'
/** The origin of an address that nothing set. */
export const defaultOrigin = 'the default'
/** Origins that cannot be set to another address. */
const unnamedOrigins: ReadonlySet<string> = new Set([upOrigin, defaultOrigin])

/** The broker or the schema registry cannot be reached. */
export class EventsConnectionError extends EventsError {
  readonly address: string
  /** @param origin what gave the address: the option, the environment variable, or the default */
  constructor(what: 'broker' | 'registry', address: string, origin: string, reason: string, cause?: unknown) {
    const [name, variable, remedy] =
      what === 'broker'
        ? ['No Kafka broker', 'KAFKA_BOOTSTRAP_SERVERS', 'start one with `selfmonitor up`']
        : ['No schema registry', 'SCHEMA_REGISTRY_URL', 'start one with `selfmonitor up`']
    super(
      what === 'broker' ? 'BROKER_UNREACHABLE' : 'REGISTRY_UNREACHABLE',
      `${name} answers at ${address}, from ${origin} (${reason}); ${remedy}, or set ${unnamedOrigins.has(origin) ? variable : origin} to where it is`,
      { cause },
    )
    this.address = address
  }
}

/** One thing that is wrong with a payload. */
export interface ValidationProblem {
  /** JSON pointer into the payload, `/amount`; empty for the payload itself. */
  readonly path: string
  readonly expected: string
}

/** A payload does not fit the schema of its event type, or a record that of its topic; nothing has been sent. */
export class EventValidationError extends EventsError {
  readonly topic: string
  /** null for a record of a shape of its own. */
  readonly eventType: string | null
  readonly problems: readonly ValidationProblem[]
  constructor(topic: string, eventType: string | null, problems: readonly ValidationProblem[]) {
    const root = eventType === null ? 'value' : 'data'
    const list = problems.map((problem) => `${root}${problem.path} ${problem.expected}`)
    super('EVENT_INVALID', `${topic}${eventType === null ? '' : ` ${eventType}`}: ${list.join('; ')}`)
    this.topic = topic
    this.eventType = eventType
    this.problems = problems
  }
}

/** The topic, or the event type within it, is not in the catalogue (or not on the cluster). */
export class UnknownEventError extends EventsError {
  readonly topic: string
  readonly eventType: string | null
  /** The nearest known name, when one is near. */
  readonly suggestion: string | null
  constructor(topic: string, eventType: string | null, suggestion: string | null, detail: string) {
    const what = eventType === null ? `unknown topic "${topic}"` : `unknown event type "${eventType}" of topic ${topic}`
    super(
      eventType === null ? 'UNKNOWN_TOPIC' : 'UNKNOWN_EVENT_TYPE',
      `${what}${suggestion === null ? '' : `, did you mean "${suggestion}"?`} ${detail}`.trim(),
    )
    this.topic = topic
    this.eventType = eventType
    this.suggestion = suggestion
  }
}

/** The cluster does not let this service see, read or write a topic. */
export class TopicDeniedError extends EventsError {
  readonly topic: string
  constructor(topic: string, use: 'read' | 'write') {
    const list = use === 'read' ? 'consumes' : 'produces'
    super(
      'TOPIC_DENIED',
      `${topic}: TOPIC_AUTHORIZATION_FAILED: this service may not ${use} it: add the topic to its \`${list}\` in platform.yaml and apply it`,
    )
    this.topic = topic
  }
}

/** The registered schema is missing, or is not one that carries what is emitted. */
export class EventSchemaError extends EventsError {
  readonly subject: string
  constructor(subject: string, problem: string, cause?: unknown) {
    super('SCHEMA_UNUSABLE', `${subject}: ${problem}`, { cause })
    this.subject = subject
  }
}

/** The cluster did not take an event: EMIT_REFUSED with Kafka's reason, or EMIT_UNACKNOWLEDGED when no answer came in time. */
export class EmitError extends EventsError {
  readonly topic: string
  readonly partition: number
  /** Kafka's name of the error, when the broker gave one. */
  readonly kafkaError: string | null
  /** True when the event may be in the log nevertheless (no answer came in time). */
  readonly maybeWritten: boolean
  constructor(topic: string, partition: number, kafkaError: string | null, reason: string, maybeWritten: boolean) {
    super(kafkaError === null ? 'EMIT_UNACKNOWLEDGED' : 'EMIT_REFUSED', `${topic}-${partition}: ${reason}`)
    this.topic = topic
    this.partition = partition
    this.kafkaError = kafkaError
    this.maybeWritten = maybeWritten
  }
}

/** The stream is closed, or closing. */
export class EventsClosedError extends EventsError {
  constructor(what: string) {
    super('CLOSED', `${what}: the event stream is closed`)
  }
}

/** A record that is not an event: unknown framing, unknown schema, an envelope without its fields, data that is not JSON. */
export class UndecodableEventError extends EventsError {
  constructor(problem: string, cause?: unknown) {
    super('EVENT_UNDECODABLE', problem, { cause })
  }
}

/** Thrown by a handler to say that trying again is of no use: the event goes to the dead letters at once. */
export class PermanentError extends EventsError {
  constructor(message: string, options?: ErrorOptions) {
    super('PERMANENT', message, options)
  }
}

/** Thrown by a handler to say when to try again; such a retry does not count as an attempt that failed. */
export class RetryLater extends EventsError {
  readonly delayMs: number
  /**
   * @param delayMs how long to wait, in milliseconds
   * @throws EventsConfigError when that is not a time
   */
  constructor(delayMs: number, message = `asked to be tried again in ${delayMs} ms`) {
    super('RETRY_LATER', message)
    if (!Number.isFinite(delayMs) || delayMs < 0) {
      throw new EventsConfigError('delayMs', `must be a number of milliseconds from 0, it is ${String(delayMs)}`)
    }
    this.delayMs = delayMs
  }
}

/** Some events of an `emitMany` did not go out; `outcomes` says which, in the order of the events. */
export class EmitManyError extends EventsError {
  readonly outcomes: readonly (
    | { readonly ok: true; readonly result: RecordResult & Partial<EmitResult> }
    | { readonly ok: false; readonly error: Error }
  )[]
  constructor(outcomes: EmitManyError['outcomes'], nothingSent: boolean) {
    const failures = outcomes.flatMap((outcome, i) => (outcome.ok ? [] : [`event ${i}: ${outcome.error.message}`]))
    const first = failures.slice(0, 3).join('; ')
    super(
      'EMIT_MANY_FAILED',
      `${failures.length} of ${outcomes.length} events failed${nothingSent ? ', nothing was sent' : ''}: ${first}${failures.length > 3 ? '; …' : ''}`,
    )
    this.outcomes = outcomes
  }
}
