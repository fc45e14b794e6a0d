// Where the addresses and the environment come from: option, then environment variable, then what `up` started here,
// then the default. Each keeps its origin, so that an error can say why this address was tried.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ClientProperties, ClusterOptions } from '@selfmonitor/cluster'
import { type FoundState, findStates } from '../local/state.ts'
import { usageError } from './errors.ts'
import type { Io } from './io.ts'

export interface Setting {
  readonly value: string
  /** `--bootstrap-servers`, `KAFKA_BOOTSTRAP_SERVERS`, `selfmonitor up`, `default` */
  readonly origin: string
}

export interface GlobalOptions {
  readonly bootstrapServers?: string
  readonly registryUrl?: string
  readonly commandConfig?: string
  readonly env?: string
  readonly timeout?: number
  readonly verbose?: boolean
  readonly color?: boolean
}

export interface Settings {
  readonly bootstrapServers: Setting
  readonly registryUrl: Setting
  /** How to connect to the brokers: the account, TLS, the client's name. Empty without a file of client settings. */
  readonly security: Pick<ClusterOptions, 'sasl' | 'tls' | 'clientId'>
  /** Settings of that file that mean nothing here. */
  readonly ignoredProperties: readonly string[]
  readonly environment: Setting
  readonly timeoutMs: number
  readonly verbose: boolean
}

export const defaults = {
  kafkaPort: 9092,
  registryPort: 8081,
  environment: 'development',
  timeoutMs: 30_000,
} as const

/**
 * Settings of one run of a command. Reads the state files of the project and the file of client settings, nothing else.
 * @throws ClusterError INVALID_CLIENT_PROPERTIES, CliError USAGE when there is no such file
 */
export async function resolveSettings(options: GlobalOptions, io: Pick<Io, 'env' | 'cwd'>): Promise<Settings> {
  const file = await clientProperties(options, io)
  let running: FoundState | undefined | null = null
  const local = (): FoundState | undefined => {
    if (running === null) running = findStates(io.cwd).find((found) => found.alive)
    return running
  }
  const pick = (
    option: [string, string | undefined],
    variable: string,
    state: (found: FoundState) => string,
    fallback: string,
  ): Setting => {
    const [name, given] = option
    if (given !== undefined) return { value: given, origin: name }
    const fromEnv = io.env[variable]
    if (fromEnv !== undefined && fromEnv !== '') return { value: fromEnv, origin: variable }
    const found = local()
    if (found !== undefined) return { value: state(found), origin: 'selfmonitor up' }
    return { value: fallback, origin: 'default' }
  }
  // The file's account belongs to the file's cluster: no address of the surroundings takes its place.
  const fromFile = options.bootstrapServers === undefined ? file?.options.bootstrapServers : undefined
  const bootstrapServers: Setting =
    fromFile !== undefined
      ? { value: fromFile, origin: file!.path }
      : pick(
          ['--bootstrap-servers', options.bootstrapServers],
          'KAFKA_BOOTSTRAP_SERVERS',
          ({ state }) => state.bootstrapServers,
          `127.0.0.1:${defaults.kafkaPort}`,
        )
  const { sasl, tls, clientId } = file?.options ?? {}
  return {
    bootstrapServers,
    security: { sasl, tls, clientId },
    ignoredProperties: file?.ignored ?? [],
    registryUrl: pick(
      ['--registry-url', options.registryUrl],
      'SCHEMA_REGISTRY_URL',
      ({ state }) => state.registryUrl,
      `http://127.0.0.1:${defaults.registryPort}`,
    ),
    environment: pick(
      ['--env', options.env],
      'SELFMONITOR_ENV',
      ({ state }) => state.environment,
      defaults.environment,
    ),
    timeoutMs: options.timeout ?? file?.options.timeoutMs ?? defaults.timeoutMs,
    verbose: options.verbose ?? false,
  }
}

/** Kafka's client.properties, where `--command-config` or the environment names one. */
async function clientProperties(
  { commandConfig }: GlobalOptions,
  { env, cwd }: Pick<Io, 'env' | 'cwd'>,
): Promise<(ClientProperties & { path: string }) | null> {
  const path = commandConfig ?? env.SELFMONITOR_COMMAND_CONFIG
  if (path === undefined || path === '') return null
  const file = resolve(cwd, path)
  if (!existsSync(file)) {
    const origin = commandConfig === undefined ? 'SELFMONITOR_COMMAND_CONFIG' : '--command-config'
    throw usageError(
      `${origin} ${path}: there is no such file.`,
      'It names a client.properties, as Kafka’s tools take it.',
    )
  }
  const { loadClientProperties } = await import('@selfmonitor/cluster')
  return { path, ...loadClientProperties(file) }
}

/** Environments in which a change wants a typed name. */
export function isProduction(environment: string): boolean {
  return /^prod(uction)?\b/i.test(environment)
}
