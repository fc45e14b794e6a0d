// Where a stream's settings come from: options first, then the environment, then the platform that `selfmonitor up` runs in
// this project, then the ports that it has without an offset.

import type { SaslOptions, TlsOptions } from '@selfmonitor/cluster'
import type { FoundState } from '@selfmonitor/platform/running'
import { type CompressionType, compressionTypes } from '@selfmonitor/protocol/compression'
import { RegistryError, type RegistryLogin, registryLogin } from '@selfmonitor/registry'
import { parseRegistryUrls } from '@selfmonitor/registry/url'
import { defaultOrigin, EventsConfigError, upOrigin } from './errors.ts'
import { type Addresses, chooseRunning, runningPlatforms } from './running-platform.ts'
import type { EventStreamOptions } from './types.ts'

export interface SecurityOptions {
  readonly sasl?: SaslOptions
  /** `true` for the system's trust store. */
  readonly tls?: true | TlsOptions
}

/** The option or the environment variable that gave a setting, `selfmonitor up`, or `the default`. */
export type Origin = string

/** Of spans. */
export interface TracingSettings {
  /** Whether spans have the record's key, which may be a person's id. */
  readonly messageKey: boolean
  /** Whether `process` is a child of the span that created the event. It is linked to it in any case. */
  readonly process: 'child' | 'linked'
  /** Whether `emitMany` makes a `create` span for each record. */
  readonly createSpans: boolean
  /** The header whose value is `messaging.message.conversation_id`. */
  readonly conversationHeader: string
}

/** Settings after defaults and checks. Times in milliseconds. */
export interface ResolvedOptions extends SecurityOptions {
  readonly service: string
  readonly bootstrapServers: string
  readonly registryUrl: string
  readonly registryLogin: RegistryLogin
  /** Where the addresses come from, for messages. */
  readonly origins: { readonly bootstrapServers: Origin; readonly registryUrl: Origin }
  readonly waitForBrokerMs: number
  readonly group: string
  readonly groupInstanceId: string | null
  readonly from: 'earliest' | 'latest'
  readonly concurrency: number
  readonly retry: {
    readonly attempts: number
    readonly initialDelayMs: number
    readonly maxDelayMs: number
    readonly factor: number
    readonly jitter: boolean
  }
  readonly drainTimeoutMs: number
  readonly deliveryTimeoutMs: number
  readonly maxWaitingBytes: number
  readonly compression: CompressionType
  readonly sessionTimeoutMs: number
  readonly commitIntervalMs: number
  readonly maxQueued: number
  readonly tracing: TracingSettings
  readonly deadLetters: { readonly partitions: number | null; readonly replicationFactor: number | null }
}

/**
 * Fills in what the caller left out and checks all of it.
 * @param platforms what `selfmonitor up` runs in this project
 * @throws EventsConfigError naming the option, or the environment variable, that is wrong; EventsError PLATFORM_STOPPED when no
 *   address is given and the platform of this project has ended
 */
export function resolveOptions(
  options: EventStreamOptions,
  env: NodeJS.ProcessEnv = process.env,
  platforms: () => readonly FoundState[] = () => runningPlatforms(env),
): ResolvedOptions {
  const service = text(options.service, 'service', env, 'SELFMONITOR_SERVICE')
  if (service === null) {
    throw new EventsConfigError(
      'service',
      'is missing: pass `service`, or set SELFMONITOR_SERVICE (it names the consumer group)',
    )
  }
  if (!/^[A-Za-z0-9._-]{1,200}$/.test(service)) {
    throw new EventsConfigError('service', `"${service}" may hold letters, digits, ".", "_" and "-" only`)
  }
  const retry = options.retry ?? {}
  return {
    service,
    // Before the addresses: it is how long to wait for a platform that is stopped.
    waitForBrokerMs: integer('waitForBrokerMs', options.waitForBrokerMs ?? 0, 0, 86_400_000),
    ...addressesOf(options, env, platforms),
    registryLogin: loginOf(options, env),
    group: text(options.group, 'group', env, null) ?? service,
    groupInstanceId: instanceId(text(options.groupInstanceId, 'groupInstanceId', env, 'KAFKA_GROUP_INSTANCE_ID')),
    from: oneOf('from', options.from ?? 'earliest', ['earliest', 'latest'] as const),
    concurrency: integer('concurrency', options.concurrency ?? 16, 1, 10_000),
    retry: {
      attempts: integer('retry.attempts', retry.attempts ?? 5, 1, 1000),
      initialDelayMs: integer('retry.initialDelayMs', retry.initialDelayMs ?? 100, 0, 86_400_000),
      maxDelayMs: integer('retry.maxDelayMs', retry.maxDelayMs ?? 10_000, 0, 86_400_000),
      factor: atLeast('retry.factor', retry.factor ?? 2, 1),
      jitter: retry.jitter ?? true,
    },
    drainTimeoutMs: integer('drainTimeoutMs', options.drainTimeoutMs ?? 30_000, 0, 86_400_000),
    deliveryTimeoutMs: integer('deliveryTimeoutMs', options.deliveryTimeoutMs ?? 120_000, 1, 86_400_000),
    maxWaitingBytes: integer('maxWaitingBytes', options.maxWaitingBytes ?? 32 * 1024 * 1024, 1, 2 ** 40),
    compression: compression(options.compression, env),
    sessionTimeoutMs: integer('sessionTimeoutMs', options.sessionTimeoutMs ?? 45_000, 1000, 1_800_000),
    commitIntervalMs: integer('commitIntervalMs', options.commitIntervalMs ?? 1000, 1, 3_600_000),
    maxQueued: integer('maxQueued', options.maxQueued ?? 2000, 1, 10_000_000),
    tracing: tracingOf(options),
    deadLetters: {
      partitions:
        options.deadLetters?.partitions === undefined
          ? null
          : integer('deadLetters.partitions', options.deadLetters.partitions, 1, 100_000),
      replicationFactor:
        options.deadLetters?.replicationFactor === undefined
          ? null
          : integer('deadLetters.replicationFactor', options.deadLetters.replicationFactor, 1, 32_767),
    },
    ...security(options, env),
  }
}

function tracingOf({ tracing = {} }: EventStreamOptions): TracingSettings {
  return {
    messageKey: tracing.messageKey ?? false,
    process: oneOf('tracing.process', tracing.process ?? 'child', ['child', 'linked'] as const),
    createSpans: tracing.createSpans ?? true,
    conversationHeader: tracing.conversationHeader ?? 'correlation_id',
  }
}

const defaultAddresses: Addresses = { bootstrapServers: '127.0.0.1:9092', registryUrl: 'http://127.0.0.1:8081' }

function addressesOf(
  options: EventStreamOptions,
  env: NodeJS.ProcessEnv,
  platforms: () => readonly FoundState[],
): Pick<ResolvedOptions, 'bootstrapServers' | 'registryUrl' | 'origins'> {
  const servers = text(options.bootstrapServers, 'bootstrapServers', env, 'KAFKA_BOOTSTRAP_SERVERS')
  const registry = text(options.registryUrl, 'registryUrl', env, 'SCHEMA_REGISTRY_URL')
  const here = servers !== null && registry !== null ? null : chooseRunning(platforms(), servers)
  const unnamed: Origin = here === null ? defaultOrigin : upOrigin
  const { bootstrapServers, registryUrl } = here ?? defaultAddresses
  return {
    bootstrapServers: addresses(servers ?? bootstrapServers),
    registryUrl: urls(registry ?? registryUrl),
    origins: {
      bootstrapServers:
        options.origins?.bootstrapServers ??
        originOf(options.bootstrapServers, 'bootstrapServers', env, 'KAFKA_BOOTSTRAP_SERVERS') ??
        unnamed,
      registryUrl:
        options.origins?.registryUrl ??
        originOf(options.registryUrl, 'registryUrl', env, 'SCHEMA_REGISTRY_URL') ??
        unnamed,
    },
  }
}

/** Kafka allows what it allows in names of topics: JoinGroupRequest.validateGroupInstanceId. */
function instanceId(id: string | null): string | null {
  if (id !== null && (!/^[A-Za-z0-9._-]{1,249}$/.test(id) || id === '.' || id === '..')) {
    const allowed = 'letters, digits, ".", "_" and "-" only, at most 249'
    throw new EventsConfigError('groupInstanceId', `"${id}" may hold ${allowed} (KAFKA_GROUP_INSTANCE_ID)`)
  }
  return id
}

function compression(option: string | undefined, env: NodeJS.ProcessEnv): CompressionType {
  if (option !== undefined) return oneOf('compression', option, compressionTypes)
  const variable = env.KAFKA_COMPRESSION_TYPE?.trim()
  return variable ? oneOf('KAFKA_COMPRESSION_TYPE', variable, compressionTypes) : 'none'
}

function security(options: EventStreamOptions, env: NodeJS.ProcessEnv): SecurityOptions {
  const sasl = options.sasl ?? saslFromEnv(env)
  const tls = options.tls ?? tlsFromEnv(env)
  return {
    ...(sasl === undefined
      ? {}
      : { sasl: { ...sasl, mechanism: oneOf('sasl.mechanism', sasl.mechanism, mechanisms) } }),
    ...(tls === undefined || tls === false ? {} : { tls }),
  }
}

/** Each part from the options, where it is given there, else from the environment. */
function loginOf({ registryAuth, registryTls }: EventStreamOptions, env: NodeJS.ProcessEnv): RegistryLogin {
  const named = { ...env }
  if (registryAuth !== undefined) for (const name of ['USERNAME', 'PASSWORD']) delete named[`SCHEMA_REGISTRY_${name}`]
  if (registryTls !== undefined) delete named.SCHEMA_REGISTRY_CA
  try {
    return {
      ...registryLogin(named),
      ...(registryAuth && { auth: registryAuth }),
      ...(registryTls && { tls: registryTls }),
    }
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    const [variable, ...problem] = error.message.split(/:? /)
    throw new EventsConfigError(variable!, problem.join(' '))
  }
}

const mechanisms = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

function saslFromEnv(env: NodeJS.ProcessEnv): SecurityOptions['sasl'] {
  const username = env.KAFKA_SASL_USERNAME
  const password = env.KAFKA_SASL_PASSWORD
  const mechanism = env.KAFKA_SASL_MECHANISM
  if (!username && !password && !mechanism) return undefined
  if (!username)
    throw new EventsConfigError(
      'KAFKA_SASL_USERNAME',
      'is missing, but KAFKA_SASL_MECHANISM or KAFKA_SASL_PASSWORD is set',
    )
  if (!password) throw new EventsConfigError('KAFKA_SASL_PASSWORD', 'is missing, but KAFKA_SASL_USERNAME is set')
  return { mechanism: oneOf('KAFKA_SASL_MECHANISM', mechanism || 'SCRAM-SHA-512', mechanisms), username, password }
}

function tlsFromEnv(env: NodeJS.ProcessEnv): SecurityOptions['tls'] {
  const ca = env.KAFKA_TLS_CA
  const enabled = env.KAFKA_TLS
  if (enabled !== undefined && enabled !== '') oneOf('KAFKA_TLS', enabled, ['true', 'false'] as const)
  if (enabled === 'false' || (!enabled && !ca)) return undefined
  return ca ? { ca } : true
}

function text(
  option: string | undefined,
  field: string,
  env: NodeJS.ProcessEnv,
  variable: string | null,
): string | null {
  if (option !== undefined) {
    if (typeof option !== 'string' || option.trim() === '')
      throw new EventsConfigError(field, 'must be a non-empty string')
    return option.trim()
  }
  const value = variable === null ? undefined : env[variable]?.trim()
  return value ? value : null
}

/** As `text` chooses; null where it finds nothing. */
function originOf(option: string | undefined, field: string, env: NodeJS.ProcessEnv, variable: string): Origin | null {
  if (option !== undefined) return `the option ${field}`
  return env[variable]?.trim() ? variable : null
}

function addresses(list: string): string {
  for (const address of list.split(',')) {
    const match = /^\s*(.+):(\d{1,5})\s*$/.exec(address)
    if (match === null || Number(match[2]) < 1 || Number(match[2]) > 65_535) {
      throw new EventsConfigError(
        'bootstrapServers',
        `"${address.trim()}" is not host:port (KAFKA_BOOTSTRAP_SERVERS, several joined with commas)`,
      )
    }
  }
  return list
}

function urls(list: string): string {
  try {
    parseRegistryUrls(list)
  } catch (error) {
    if (!(error instanceof RegistryError)) throw error
    const problem = error.message.replace(/^url: /, '')
    throw new EventsConfigError('registryUrl', `${problem} (SCHEMA_REGISTRY_URL); ${error.hint}`)
  }
  return list
}

function integer(field: string, value: number, min: number, max: number): number {
  if (!Number.isInteger(value) || value < min || value > max) {
    throw new EventsConfigError(field, `must be a whole number from ${min} to ${max}, it is ${value}`)
  }
  return value
}

function atLeast(field: string, value: number, min: number): number {
  if (!(value >= min)) throw new EventsConfigError(field, `must be at least ${min}, it is ${value}`)
  return value
}

function oneOf<const T extends string>(field: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((name) => name === value)
  if (found === undefined) throw new EventsConfigError(field, `"${value}" is not one of ${allowed.join(', ')}`)
  return found
}
