// The types that a service uses: the envelope, the options and the `EventStream`.
import type { Logger, SaslOptions, TlsOptions } from '@selfmonitor/cluster'

export type { Logger } from '@selfmonitor/cluster'

/** Event types by topic, payloads by event type. `selfmonitor types` generates one for platform.yaml. */
export type EventCatalogue = Record<string, Record<string, unknown>>

/** Any type of the shape of `EventCatalogue`, generated interfaces included. */
export type CatalogueOf<Events> = { readonly [T in keyof Events]: { readonly [K in keyof Events[T]]: unknown } }

declare const shape: unique symbol

/**
 * In a catalogue: a topic without event types, whose records have an Avro shape of their own.
 * `Events = { 'shop.carts': RecordsOf<Cart, 'note'> }`
 *
 * @typeParam Defaulted fields of `Value` that may be left out when a record is emitted, because the schema has a default
 */
export interface RecordsOf<Value, Defaulted extends PropertyKey = never> {
  readonly [shape]: { readonly value: Value; readonly defaulted: Defaulted }
}

/** The same for a compacted topic, where `null` instead of a value deletes the key. */
export type CompactedRecordsOf<Value, Defaulted extends PropertyKey = never> = RecordsOf<Value | null, Defaulted>

/** Topics of a catalogue, of either kind. */
export type TopicOf<Events> = keyof Events & string

/** Topics whose records have a shape of their own. A stream without a catalogue may treat every topic so. */
export type RecordTopicOf<Events> = string extends keyof Events
  ? string
  : { [T in TopicOf<Events>]: Events[T] extends RecordsOf<unknown, PropertyKey> ? T : never }[TopicOf<Events>]

/** Topics with event types. */
export type EventTopicOf<Events> = string extends keyof Events
  ? TopicOf<Events>
  : Exclude<TopicOf<Events>, RecordTopicOf<Events>>

export type EventTypeOf<Events, Topic extends TopicOf<Events>> = keyof Events[Topic] & string

/** The value that a handler of such a topic gets. */
export type RecordValueOf<Events, Topic extends TopicOf<Events>> = string extends keyof Events
  ? Readonly<Record<string, unknown>> | null
  : Events[Topic] extends RecordsOf<infer Value, infer _Defaulted>
    ? Value
    : never

/** The value that is emitted to such a topic: fields with a default may be left out. */
export type NewRecordOf<Events, Topic extends TopicOf<Events>> = string extends keyof Events
  ? Readonly<Record<string, unknown>> | null
  : Events[Topic] extends RecordsOf<infer Value, infer Defaulted>
    ? WithDefaults<Value, Defaulted>
    : never

type WithDefaults<Value, Defaulted> = [Defaulted] extends [never]
  ? Value
  : Value extends object
    ? Omit<Value, Defaulted & keyof Value> & Partial<Pick<Value, Defaulted & keyof Value>>
    : Value

/** The envelope that SelfMonitor's services in every language write. */
export interface Envelope {
  readonly event_id: string
  readonly event_type: string
  readonly user_id: string
  /** Milliseconds since the epoch. */
  readonly timestamp: number
  /** The payload, as JSON text. */
  readonly data: string
}

/** An event as a handler gets it. */
export interface ReceivedEvent<Type extends string = string, Data = unknown> {
  readonly eventId: string
  readonly eventType: Type
  readonly userId: string
  readonly timestampMs: number
  readonly data: Data
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly key: string | null
  readonly headers: ReadonlyMap<string, Buffer>
  /** The schema of the payload that the event was written with; null when its record does not say. */
  readonly schema: EventSchema | null
  /** 1 for the first try. */
  readonly attempt: number
}

/** The schema of an event's payload in the registry. */
export interface EventSchema {
  /** `user.events-user_created` */
  readonly subject: string
  /** From 1, in the order of registration; null when the subject has no version with the id, as after a move to another registry. */
  readonly version: number | null
  readonly id: number
}

/** A record of a topic that has a shape of its own, as a handler gets it. */
export interface ReceivedRecord<Value = unknown> {
  /** null for a tombstone: the record has no value, and in a compacted topic deletes its key. */
  readonly value: Value
  readonly key: string | null
  /** The key as it is, where it is not text. */
  readonly keyBytes: Buffer | null
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** The record's time, in milliseconds since the epoch. */
  readonly timestampMs: number
  readonly headers: ReadonlyMap<string, Buffer>
  /** 1 for the first try. */
  readonly attempt: number
}

/** Every event of a topic, told apart by `eventType`. */
export type AnyEventOf<Events, Topic extends TopicOf<Events>> = {
  [K in EventTypeOf<Events, Topic>]: ReceivedEvent<K, Events[Topic][K]>
}[EventTypeOf<Events, Topic>]

export interface HandlerContext {
  /** Aborted when the result no longer counts: `close()` has waited long enough, or the partition went to another member. */
  readonly signal: AbortSignal
}

/** Resolves when the event is dealt with. Throws to have it tried again: `PermanentError` to give up at once, `RetryLater` to say when. */
export type EventHandler<Event = ReceivedEvent> = (event: Event, context: HandlerContext) => void | Promise<void>

/** The same for a topic whose records have a shape of their own. */
export type RecordHandler<Value = unknown> = EventHandler<ReceivedRecord<Value>>

export interface EmitOptions {
  userId: string
  /** Record key. Default: `userId`. */
  key?: string
  /** Those that are undefined are left out. */
  headers?: Readonly<Record<string, string | undefined>>
  /** Milliseconds since the epoch. Default: now. */
  timestampMs?: number
}

export interface RecordOptions extends Pick<EmitOptions, 'headers' | 'timestampMs'> {
  /** Text, bytes, or null for none. Records of one key keep their order. */
  key: string | Uint8Array | null
}

/** One event of `emitMany`. */
export type OutgoingEvent<Events> = {
  [T in EventTopicOf<Events>]: {
    [K in EventTypeOf<Events, T>]: EmitOptions & { topic: T; eventType: K; data: Events[T][K] }
  }[EventTypeOf<Events, T>]
}[EventTopicOf<Events>]

/** One record of `emitMany`. */
export type OutgoingRecord<Events> = {
  [T in RecordTopicOf<Events>]: RecordOptions & { topic: T; value: NewRecordOf<Events, T & TopicOf<Events>> }
}[RecordTopicOf<Events>]

/** Where a record is now. */
export interface RecordResult {
  readonly topic: string
  readonly partition: number
  /** -1 when the broker only says that it has the record already. */
  readonly offset: bigint
}

export interface EmitResult extends RecordResult {
  readonly eventId: string
}

/** A record that could not be handled, as it was moved to `<topic>.dlq`. */
export interface DeadLetter {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** null when the record could not be decoded, or is not an event. */
  readonly eventId: string | null
  readonly eventType: string | null
  readonly error: Error
  readonly attempts: number
  /** Where it is now. */
  readonly deadLetterTopic: string
}

/** Called with the outcome of every event; for test kits and counters. It must not throw. */
export interface EventObserver {
  emitted?(event: EmitResult & { readonly eventType: string; readonly userId: string; readonly data: unknown }): void
  handled?(event: ReceivedEvent): void
  failed?(event: ReceivedEvent, error: Error): void
  deadLettered?(letter: DeadLetter): void
  /** The same of topics whose records have a shape of their own. */
  recordEmitted?(record: RecordResult & { readonly key: string | Uint8Array | null; readonly value: unknown }): void
  recordHandled?(record: ReceivedRecord): void
  recordFailed?(record: ReceivedRecord, error: Error): void
}

export interface EventStreamOptions {
  /** Name of the service: consumer group and client id. Default `SELFMONITOR_SERVICE`. */
  service?: string
  /** Default `KAFKA_BOOTSTRAP_SERVERS`, else what `selfmonitor up` runs in this project, else `127.0.0.1:9092`; an error when that platform is stopped. */
  bootstrapServers?: string
  /** Default `SCHEMA_REGISTRY_URL`, else that of the same platform, else `http://127.0.0.1:8081`. */
  registryUrl?: string
  /**
   * Where the two addresses above come from, for messages: `KAFKA_SERVERS in app.yaml`. Default: the option, variable or
   * default that gave each.
   */
  origins?: { bootstrapServers?: string; registryUrl?: string }
  /** HTTP basic. Default `SCHEMA_REGISTRY_USERNAME` and `SCHEMA_REGISTRY_PASSWORD`. null: no login. */
  registryAuth?: { username: string; password: string } | null
  /** PEM of the CAs to trust. Default `SCHEMA_REGISTRY_CA` (PEM, or a file's path), else the system's. null: the system's. */
  registryTls?: { ca: string } | null
  /** How long `connectEvents` waits for a broker and the registry to answer, in milliseconds. Default 0: one attempt. */
  waitForBrokerMs?: number
  /** Consumer group. Default: the service's name. */
  group?: string
  /**
   * Kafka's `group.instance.id` (KIP-345): makes this process a static member of its group, which finds its partitions again when
   * it restarts within `sessionTimeoutMs`, without a rebalance. Each process of the group needs an id of its own that stays the
   * same across restarts, such as a StatefulSet pod's name. Default `KAFKA_GROUP_INSTANCE_ID`, else none.
   */
  groupInstanceId?: string
  /** Where a group with no committed offset begins. Default `earliest`. */
  from?: 'earliest' | 'latest'
  /** Handlers that may run at the same time; events of one key never overlap. Default 16. */
  concurrency?: number
  /** Before an event goes to the dead letters. Default: 5 tries, 100 ms doubling to 10 s, with jitter. */
  retry?: { attempts?: number; initialDelayMs?: number; maxDelayMs?: number; factor?: number; jitter?: boolean }
  /** How long `close()` waits for handlers that are running. Default 30000. */
  drainTimeoutMs?: number
  /** How long an event may wait for its acknowledgement, through broker restarts too. Default 120000. */
  deliveryTimeoutMs?: number
  /** Bytes of unacknowledged events beyond which `emit` waits before it adds more. Default 32 MiB. */
  maxWaitingBytes?: number
  /**
   * The codec for batches of events (Kafka's `compression.type`). Default `KAFKA_COMPRESSION_TYPE`, else `none`.
   * A batch that would not become smaller is sent as it is.
   */
  compression?: 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd'
  /** How long the group waits for this member's heartbeats; handlers may run for longer. Default 45000. */
  sessionTimeoutMs?: number
  /** How often offsets of handled events are committed. Default 1000. */
  commitIntervalMs?: number
  /** Events fetched and not yet handled; beyond it fetching pauses. Default 2000. */
  maxQueued?: number
  /** Partitions and replicas of `<topic>.dlq` when the library creates it. Default: the source topic's. */
  deadLetters?: { partitions?: number; replicationFactor?: number }
  /**
   * By topic: JSON Schemas by event type, which payloads are validated against (an empty map takes any event type); or, for
   * a topic whose records have a shape of their own, the text of its Avro schema. null: nothing is known, every topic and
   * event type is taken. Default: what platform.yaml in the current folder says, else the folder `schemas` in it, else the
   * nearest platform.yaml above.
   */
  schemas?: Readonly<Record<string, Readonly<Record<string, object>> | string>> | null
  /** Default `KAFKA_SASL_MECHANISM`, `KAFKA_SASL_USERNAME`, `KAFKA_SASL_PASSWORD`. */
  sasl?: SaslOptions
  /**
   * `true` for the system's trust store, or PEM texts. Default `KAFKA_TLS=true`, `KAFKA_TLS_CA` (PEM).
   */
  tls?: boolean | TlsOptions
  /** Payloads are never logged. Default: warnings and errors to stderr. */
  logger?: Logger
  observer?: EventObserver
  /** Whether durations are measured from the start, for `metrics()`; otherwise from its first call on. Default false. */
  metrics?: boolean
  /** Of the spans, in a process with an OpenTelemetry SDK. */
  tracing?: TracingOptions
}

export interface TracingOptions {
  /** Whether spans have the record's key (`messaging.kafka.message.key`), which is often the id of a person. Default false. */
  messageKey?: boolean
  /**
   * `child`: the handler's span is in the trace of the event that it handles. `linked`: it begins a trace of its own, which is better
   * where one event leads to very many others. It has a link to the event's span in both. Default `child`.
   */
  process?: 'child' | 'linked'
  /** Whether `emitMany` makes a `create` span for each event; without them all events have the context of its `send` span. Default true. */
  createSpans?: boolean
  /** The header that has the id of the conversation (`messaging.message.conversation_id`). Default `correlation_id`. */
  conversationHeader?: string
}

/** Counters since the start, and the present state. */
export interface EventStreamStats {
  readonly emitted: number
  readonly emitFailed: number
  /** Emitted and not yet acknowledged. */
  readonly emitWaiting: number
  readonly handled: number
  /** Attempts that failed and were, or will be, tried again. */
  readonly retried: number
  readonly deadLettered: number
  /** Events of types that nothing here handles. */
  readonly skipped: number
  /** Handlers that are running now. */
  readonly running: number
  /** Events fetched that wait for their turn. */
  readonly queued: number
  readonly assignedPartitions: number
  readonly rebalances: number
}

/** A problem that prevents a stream from working now. */
export interface StreamProblem {
  /** `broker`, `group billing`, `user.events-3`. */
  readonly resource: string
  /** Kafka's name of the error, or the library's own code. */
  readonly code: string
  readonly message: string
  /** Needs a manual change; other problems end when the library tries again. */
  readonly fatal: boolean
  /** Milliseconds since the epoch. */
  readonly sinceMs: number
}

export interface EventStreamHealth {
  /** Ready to emit and, once `run()` was called, to handle: connected, a member of the group, and nothing fatal in the way. */
  readonly ready: boolean
  readonly broker: 'connected' | 'disconnected'
  /** `fenced`: another process has joined the group with this one's `groupInstanceId`, and this one handles nothing any more. */
  readonly consumer: 'not started' | 'joining' | 'running' | 'fenced' | 'closed'
  /** Problems now, fatal ones first; empty when there are none. */
  readonly problems: readonly StreamProblem[]
}

export interface RunOptions {
  /** Wait until this member has its partitions. Default true. */
  waitForGroup?: boolean
}

/** A service's connection to its events. */
export interface EventStream<Events extends CatalogueOf<Events> = EventCatalogue> {
  readonly service: string

  /**
   * Sends one record of a topic whose records have a shape of their own: checked against the schema that is registered for
   * the topic, and encoded with it. null for a value deletes the key of a compacted topic.
   * @throws EventValidationError before anything is sent; EmitError when the cluster does not take it
   */
  emit<T extends RecordTopicOf<Events>>(
    topic: T,
    value: NewRecordOf<Events, T & TopicOf<Events>>,
    options: RecordOptions,
  ): Promise<RecordResult>
  /**
   * Validates and sends one event; resolves when the cluster has acknowledged it. Events of one key keep their order.
   * @throws EventValidationError, UnknownEventError before anything is sent; EmitError when the cluster does not take it
   */
  emit<T extends EventTopicOf<Events>, K extends EventTypeOf<Events, T>>(
    topic: T,
    eventType: K,
    data: Events[T][K],
    options: EmitOptions,
  ): Promise<EmitResult>

  /**
   * Sends several events, or several records. All are validated before the first is sent.
   * @returns the results in the order of the events
   * @throws EmitManyError with the outcome of each event when any of them failed
   */
  emitMany(records: readonly OutgoingRecord<Events>[]): Promise<RecordResult[]>
  emitMany(events: readonly OutgoingEvent<Events>[]): Promise<EmitResult[]>

  /** Names the handler of a topic whose records have a shape of their own. Before `run()`. */
  on<T extends RecordTopicOf<Events>>(
    topic: T,
    handler: RecordHandler<RecordValueOf<Events, T & TopicOf<Events>>>,
  ): EventStream<Events>
  /** Names the handler of an event type, or with `*` of all those of the topic that have none. Before `run()`. */
  on<T extends EventTopicOf<Events>>(
    topic: T,
    eventType: '*',
    handler: EventHandler<AnyEventOf<Events, T>>,
  ): EventStream<Events>
  on<T extends EventTopicOf<Events>, K extends EventTypeOf<Events, T>>(
    topic: T,
    eventType: K,
    handler: EventHandler<ReceivedEvent<K, Events[T][K]>>,
  ): EventStream<Events>

  /**
   * Starts handling. Resolves once this member has its partitions, which takes as long as the group's rebalance: up to the
   * session timeout of a member that died; also when `close()` comes first. With `waitForGroup: false` it resolves at once,
   * and the member joins in the background; `health()` says `joining` until it is done, and why it is not.
   * @throws UnknownEventError, TopicDeniedError, EventsError GROUP_REFUSED when the group cannot be joined, EventsError
   *   FENCED_INSTANCE_ID when another process joins with the same `groupInstanceId` meanwhile; the stream is closed then. With `waitForGroup: false` these are problems that `health()` shows, and joining is tried again.
   */
  run(options?: RunOptions): Promise<void>

  /** Resolves when everything emitted before this call is acknowledged or has failed; what is emitted later is not waited for. */
  flush(): Promise<void>

  /**
   * Stops fetching, waits for running handlers and unacknowledged events, commits, leaves the group (a static member
   * does not: its partitions wait for it until its session ends). Safe to call twice.
   */
  close(): Promise<void>

  stats(): EventStreamStats
  /**
   * The stream's metrics as text for Prometheus (version 0.0.4): those of OpenTelemetry's messaging conventions, and what became of
   * the events by group and topic. Durations and messages are counted from the first call on, or from the start with the option
   * `metrics`. With an OpenTelemetry SDK in the process they go to its meter as well.
   */
  metrics(): string
  health(): EventStreamHealth
}
