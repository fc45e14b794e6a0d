// What a service sees: the envelope, the options and the `EventStream`.

/** Event types by topic, payloads by event type. `selfmonitor types` generates one for platform.yaml. */
export type EventCatalogue = Record<string, Record<string, unknown>>

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
  /** 1 for the first try. */
  readonly attempt: number
}

export interface EmitOptions {
  userId: string
  /** Record key. Default: `userId`. */
  key?: string
  headers?: Readonly<Record<string, string>>
  /** Default: now. */
  timestampMs?: number
}

export interface EmitResult {
  readonly eventId: string
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

export interface EventStreamOptions {
  /** Name of the service: consumer group and client id. Default `SELFMONITOR_SERVICE`. */
  service?: string
  /** Default `KAFKA_BOOTSTRAP_SERVERS`, else `127.0.0.1:9092`. */
  bootstrapServers?: string
  /** Default `SCHEMA_REGISTRY_URL`, else `http://127.0.0.1:8081`. */
  registryUrl?: string
  /** Consumer group. Default: the service's name. */
  group?: string
  /** Where a group with no committed offset begins. Default `earliest`. */
  from?: 'earliest' | 'latest'
  /** Handlers that may run at the same time; events of one key never overlap. Default 16. */
  concurrency?: number
  /** Before an event goes to the dead letters. Default: 5 tries, 100 ms doubling to 10 s, with jitter. */
  retry?: { attempts?: number; initialDelayMs?: number; maxDelayMs?: number; factor?: number; jitter?: boolean }
  /** How long `close()` waits for handlers that are running. Default 30000. */
  drainTimeoutMs?: number
  /** Payload schemas by topic and event type; payloads are validated against them. Default: the `schemas/` folder's, when there is one. */
  schemas?: Readonly<Record<string, Readonly<Record<string, object>>>>
  logger?: { debug(c: object, m: string): void; info(c: object, m: string): void; warn(c: object, m: string): void; error(c: object, m: string): void }
}
