// The package's public types: the server's options, the client, and the results of the compatibility rules.
import type { ClusterOptions, Logger } from '@selfmonitor/cluster'
import type { TlsFiles } from '@selfmonitor/http'

export type { Logger } from '@selfmonitor/cluster'

export type SchemaType = 'AVRO' | 'JSON' | 'PROTOBUF'

export type CompatibilityLevel =
  | 'NONE'
  | 'BACKWARD'
  | 'BACKWARD_TRANSITIVE'
  | 'FORWARD'
  | 'FORWARD_TRANSITIVE'
  | 'FULL'
  | 'FULL_TRANSITIVE'

export interface SchemaReference {
  readonly name: string
  readonly subject: string
  readonly version: number
}

export interface SchemaDefinition {
  /** The schema's text. */
  readonly schema: string
  /** Default `AVRO`. */
  readonly schemaType?: SchemaType
  readonly references?: readonly SchemaReference[]
  /** Absent: a registration inherits those of the version before; `{}`: none. */
  readonly metadata?: SchemaMetadata
  /** As `metadata`. */
  readonly ruleSet?: SchemaRuleSet
}

/** What is known about a schema beside its text. */
export interface SchemaMetadata {
  /** By path in the schema, for example `User.email` or `*.email`. */
  readonly tags?: Readonly<Record<string, readonly string[]>>
  readonly properties?: Readonly<Record<string, string>>
  /** Properties that are not to be shown. */
  readonly sensitive?: readonly string[]
}

/** A rule, which serializers and deserializers execute. */
export interface SchemaRule {
  readonly name: string
  readonly doc?: string
  readonly kind: 'CONDITION' | 'TRANSFORM'
  readonly mode: 'UPGRADE' | 'DOWNGRADE' | 'UPDOWN' | 'WRITE' | 'READ' | 'WRITEREAD'
  /** What executes it: `CEL`, `CEL_FIELD`, `ENCRYPT`, `JSONATA` or a name that the clients know. */
  readonly type: string
  /** Only fields with one of these. */
  readonly tags?: readonly string[]
  readonly params?: Readonly<Record<string, string>>
  readonly expr?: string
  /** `NONE`, `ERROR`, `DLQ` or a name that the clients know; two, joined with a comma, where the mode is a double one. */
  readonly onSuccess?: string
  readonly onFailure?: string
  readonly disabled?: boolean
}

export interface SchemaRuleSet {
  /** From one version to another. */
  readonly migrationRules?: readonly SchemaRule[]
  /** Of valid values. */
  readonly domainRules?: readonly SchemaRule[]
  /** Applied to the serialized bytes. */
  readonly encodingRules?: readonly SchemaRule[]
}

export interface RegisteredSchema extends SchemaDefinition {
  readonly subject: string
  readonly version: number
  readonly id: number
}

/** One reason why a reader cannot read what a writer wrote. */
export interface Incompatibility {
  /** The name that Confluent's registry has for it: `READER_FIELD_MISSING_DEFAULT_VALUE`. Each format has its own. */
  readonly type: string
  /** Where in the schema, in the format's notation: `/fields/2/type` of Avro is a JSON pointer into the reader's schema. */
  readonly path: string
  readonly message: string
}

export interface RegistryOptions {
  bootstrapServers: string
  /** TLS and SASL of the connections to Kafka. Default: plain ones. */
  security?: Pick<ClusterOptions, 'sasl' | 'tls'>
  /** Default `127.0.0.1`. */
  host?: string
  /** Default 8081; 0 takes a free one. */
  port?: number
  /** Topic that holds the state. Default `_schemas`. */
  topic?: string
  /** Replication factor of the `_schemas` topic when the registry creates it. Default 3, lowered to the number of brokers. */
  replicationFactor?: number
  /** Level while nothing else is configured. Default `BACKWARD`. */
  compatibilityLevel?: CompatibilityLevel
  logger?: Logger
  /**
   * Listen on an address that others can reach although something is missing for it: TLS, or an access file. Without this the registry
   * refuses.
   */
  insecure?: boolean
  /** Default: plain HTTP. The files are followed: renewed ones are in use within seconds. */
  tls?: TlsFiles
  /** Who may log in and do what: a YAML file, see docs/registry.md. It is followed. Default: everyone may do everything, without a login. */
  accessFile?: string
  /** How often the access file is looked at, in milliseconds. Default 5000. */
  accessCheckMs?: number
  /** Records each change before and after it is made, and may refuse it. Default: changes are not recorded. */
  recordChange?: RecordChange
  /**
   * Host names that the registry answers to besides `localhost`, as in the URL that clients use: `registry.dev.example`, a
   * domain as `.dev.example`, or `*` for any. On an address that others can reach it also answers to IP addresses and to
   * names without a dot, which no page of the web can have (DNS rebinding).
   */
  allowedHosts?: readonly string[]
  /** How long a client may take to send a request, in milliseconds. Default 30000. */
  requestTimeoutMs?: number
  /** How long a request may wait for Kafka before it is answered with 50001 or 50002. Default 5000. */
  storeTimeoutMs?: number
  /** How long `startRegistry` waits for Kafka. Default 30000. */
  startTimeoutMs?: number
}

/** Who asked for a change. */
export interface ChangeOrigin {
  /** `User:alice`; `User:ANONYMOUS` without an access file. */
  readonly principal: string
  /** The address that the request came from. */
  readonly address: string | null
}

/** A change to a subject or a context. */
export interface RegistryChange {
  /** `schemas.register` */
  readonly action: string
  readonly resources: readonly { readonly type: string; readonly name: string }[]
  readonly before: unknown
  /** The records that are written to the topic. */
  readonly after: unknown
  readonly by: ChangeOrigin
}

/**
 * Records the intention, runs the change, records its outcome. Its error is thrown on; one with the code `AUDIT_UNAVAILABLE` before the
 * change refuses it.
 */
export type RecordChange = (
  change: RegistryChange,
  run: (report: { after(data: unknown): void }) => Promise<void>,
) => Promise<void>

export interface RegistryServer {
  readonly url: string
  readonly address: { readonly host: string; readonly port: number }
  close(): Promise<void>
}

export interface RegistryClientOptions {
  /** `http://host:port`, several joined with commas. */
  url: string
  auth?: { username: string; password: string }
  /** `ca`: PEM of the CAs to trust instead of the system's. */
  tls?: { ca: string }
  /** Of one attempt. Default 10000. */
  timeoutMs?: number
  /** Attempts after the first, on connection errors and 5xx answers, over all urls in turn. Default 3. */
  retries?: number
}

/** One request of the REST API. */
export interface RegistryRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  /** From the registry's root, encoded, with the query: `/contexts`. */
  readonly path: string
  /** Sent as JSON. */
  readonly body?: unknown
}

/** Talks to any registry with Confluent's REST API. Schemas by id and by subject version are cached: they never change. */
export interface RegistryClient {
  readonly url: string
  /** Registers a schema (or finds it) and returns its id. */
  register(subject: string, schema: SchemaDefinition, options?: { normalize?: boolean }): Promise<{ id: number }>
  /**
   * Finds a schema under a subject; null when it is not registered there. Without a contract it is also found with the one of the latest
   * version, which a registration would inherit.
   */
  lookup(
    subject: string,
    schema: SchemaDefinition,
    options?: { normalize?: boolean; deleted?: boolean },
  ): Promise<RegisteredSchema | null>
  getById(id: number): Promise<SchemaDefinition>
  /** null when there is no such subject or version. */
  getVersion(subject: string, version: number | 'latest'): Promise<RegisteredSchema | null>
  subjects(options?: { deleted?: boolean }): Promise<string[]>
  versions(subject: string, options?: { deleted?: boolean }): Promise<number[]>
  deleteSubject(subject: string, options?: { permanent?: boolean }): Promise<number[]>
  deleteVersion(subject: string, version: number | 'latest', options?: { permanent?: boolean }): Promise<number>
  /** Tests a schema against the versions that the subject's level names; compatible when the subject does not exist. */
  check(
    subject: string,
    schema: SchemaDefinition,
    options?: { version?: number | 'latest' },
  ): Promise<{ compatible: boolean; messages: string[] }>
  /** The subject's level, or the global one; without a subject, the global one. */
  getCompatibility(subject?: string, options?: { defaultToGlobal?: boolean }): Promise<CompatibilityLevel | null>
  setCompatibility(level: CompatibilityLevel, subject?: string): Promise<void>
  /** A request that has no method here, with the same login, attempts and limits. @returns the body of the answer; nothing is cached */
  request(request: RegistryRequest): Promise<unknown>
}
