// Where the addresses and the environment come from: option, then environment variable, then what `up` started here,
// then the default. Each keeps its origin, so that an error can say why this address was tried.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import type { ClientProperties, ClusterOptions } from '@selfmonitor/cluster'
import { chooseTarget, type FoundState, findStates, type Target } from '@selfmonitor/platform/running'
import { parseRegistryUrls, withoutUser } from '@selfmonitor/registry/url'
import { usageError } from './errors.ts'
import type { Io } from './io.ts'
import { requireTarget, targetEnvironment } from './target.ts'

export interface Setting {
  readonly value: string
  /** `--bootstrap-servers`, `KAFKA_BOOTSTRAP_SERVERS`, `selfmonitor up`, `default` */
  readonly origin: string
}

export interface GlobalOptions {
  readonly bootstrapServers?: string
  readonly registryUrl?: string
  readonly portOffset?: number
  readonly commandConfig?: string
  readonly env?: string
  readonly timeout?: number
  readonly verbose?: boolean
  readonly color?: boolean
}

export interface Settings {
  /** @throws CliError when several platforms run here and none is named, or not the one that is named. */
  readonly bootstrapServers: Setting
  /** @throws CliError as `bootstrapServers` does. */
  readonly registryUrl: Setting
  /** The registry's address comes from an option or a variable, so the login in the environment is for it. */
  readonly registryNamed: boolean
  /** Brokers were named, by an option, a variable or a file of client settings. */
  readonly named: boolean
  /** The brokers come from `--bootstrap-servers`, or from the file that `--command-config` names. */
  readonly serversFromOption: boolean
  /** `--port-offset` */
  readonly portOffset: number | undefined
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
  metricsPort: 9308,
  environment: 'development',
  timeoutMs: 30_000,
} as const

/**
 * Settings of one run of a command. Reads the state files of the project and the file of client settings, nothing else.
 * @throws ClusterError INVALID_CLIENT_PROPERTIES, CliError USAGE when there is no such file
 */
export async function resolveSettings(options: GlobalOptions, io: Pick<Io, 'env' | 'cwd'>): Promise<Settings> {
  const { portOffset } = options
  for (const [name, given] of [
    ['--bootstrap-servers', options.bootstrapServers],
    ['--command-config', options.commandConfig],
  ]) {
    if (portOffset !== undefined && given !== undefined)
      throw usageError(`--port-offset and ${name} cannot be used together.`)
  }
  // A platform that was started here has no accounts, so client settings in the environment are for another cluster.
  const file = portOffset === undefined ? await clientProperties(options, io) : null
  const fromEnv = (variable: string): Setting | undefined => {
    const value = io.env[variable]
    return value === undefined || value === '' ? undefined : { value, origin: variable }
  }
  const fromOption = (origin: string, value: string | undefined): Setting | undefined =>
    value === undefined ? undefined : { value, origin }
  const unlessHere = (setting: Setting | undefined): Setting | undefined =>
    portOffset === undefined ? setting : undefined

  // The file's account belongs to the file's cluster, so an address in the environment does not replace the file's.
  const namedServers =
    fromOption('--bootstrap-servers', options.bootstrapServers) ??
    (file === null ? undefined : fromOption(file.path, file.options.bootstrapServers)) ??
    unlessHere(fromEnv('KAFKA_BOOTSTRAP_SERVERS'))
  const namedRegistry = checkedUrl(
    fromOption('--registry-url', options.registryUrl) ?? unlessHere(fromEnv('SCHEMA_REGISTRY_URL')),
  )
  let chosen: Target | undefined
  const target = (): Target => {
    chosen ??= chooseTarget(findStates(io.cwd), { portOffset, bootstrapServers: namedServers?.value })
    return chosen
  }
  const local = (of: (state: FoundState['state']) => string, fallback: string): Setting => {
    const found = requireTarget(target())
    return found === undefined
      ? { value: fallback, origin: 'default' }
      : { value: of(found.state), origin: 'selfmonitor up' }
  }
  const { sasl, tls, clientId } = file?.options ?? {}
  return {
    get bootstrapServers() {
      return namedServers ?? local((state) => state.bootstrapServers, `127.0.0.1:${defaults.kafkaPort}`)
    },
    get registryUrl() {
      return namedRegistry ?? local((state) => state.registryUrl, `http://127.0.0.1:${defaults.registryPort}`)
    },
    get environment() {
      const named = fromOption('--env', options.env) ?? fromEnv('SELFMONITOR_ENV')
      if (named !== undefined) return named
      const value = targetEnvironment(target())
      return value === undefined
        ? { value: defaults.environment, origin: 'default' }
        : { value, origin: 'selfmonitor up' }
    },
    named: namedServers !== undefined,
    serversFromOption:
      options.bootstrapServers !== undefined ||
      (options.commandConfig !== undefined && file?.options.bootstrapServers !== undefined),
    registryNamed: namedRegistry !== undefined,
    portOffset,
    security: { sasl, tls, clientId },
    ignoredProperties: file?.ignored ?? [],
    timeoutMs: options.timeout ?? file?.options.timeoutMs ?? defaults.timeoutMs,
    verbose: options.verbose ?? false,
  }
}

/** @throws CliError USAGE when it is not an http or https URL: `localhost:8081` is one of the scheme `localhost`. */
function checkedUrl(setting: Setting | undefined): Setting | undefined {
  if (setting === undefined) return undefined
  try {
    parseRegistryUrls(setting.value)
    return setting
  } catch (error) {
    const { hint } = error as { readonly hint: string }
    throw usageError(
      `${setting.origin} ${withoutUser(setting.value)} is not the URL of a Schema Registry.`,
      `${hint[0]!.toUpperCase()}${hint.slice(1)}`,
    )
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
      'It must be a client.properties file, as for Kafka’s tools.',
    )
  }
  const { loadClientProperties } = await import('@selfmonitor/cluster')
  return { path, ...loadClientProperties(file) }
}

/** Environments in which a change must be confirmed by typing a name. */
export function isProduction(environment: string): boolean {
  return /^prod(uction)?\b/i.test(environment)
}
