// Where the addresses and the environment come from: option, then environment variable, then what `up` started here,
// then the default. Each keeps its origin, so that an error can say why this address was tried.
import { type FoundState, findStates } from '../local/state.ts'
import type { Io } from './io.ts'

export interface Setting {
  readonly value: string
  /** `--bootstrap-servers`, `KAFKA_BOOTSTRAP_SERVERS`, `selfmonitor up`, `default` */
  readonly origin: string
}

export interface GlobalOptions {
  readonly bootstrapServers?: string
  readonly registryUrl?: string
  readonly env?: string
  readonly timeout?: number
  readonly verbose?: boolean
  readonly color?: boolean
}

export interface Settings {
  readonly bootstrapServers: Setting
  readonly registryUrl: Setting
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

/** Settings of one run of a command. Reads the state files of the project, nothing else. */
export function resolveSettings(options: GlobalOptions, io: Pick<Io, 'env' | 'cwd'>): Settings {
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
  return {
    bootstrapServers: pick(
      ['--bootstrap-servers', options.bootstrapServers],
      'KAFKA_BOOTSTRAP_SERVERS',
      ({ state }) => state.bootstrapServers,
      `127.0.0.1:${defaults.kafkaPort}`,
    ),
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
    timeoutMs: options.timeout ?? defaults.timeoutMs,
    verbose: options.verbose ?? false,
  }
}

/** Environments in which a change wants a typed name. */
export function isProduction(environment: string): boolean {
  return /^prod(uction)?\b/i.test(environment)
}
