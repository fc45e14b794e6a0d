// The options of `startBroker`: whether they can be used, and the settings that follow from them.
import { brokerConfig, ConfigError, factsOf, type PresentedBroker, parseValue } from './config/index.ts'
import { kafkaRelease } from './kafka-release.ts'
import { BrokerStartError } from './start-error.ts'
import type { BrokerOptions } from './types.ts'

/** Where the embedded broker's defaults differ from Kafka's, because one node serves a laptop. `options.config` overrides them. */
export const embeddedDefaults: Readonly<Record<string, string>> = {
  // As in the server.properties that Kafka ships: a first consumer need not wait three seconds.
  'group.initial.rebalance.delay.ms': '0',
}

/** The memory that requests of all connections may hold together, unless `queued.max.request.bytes` is set. */
const defaultRequestMemoryBytes = 256 * 1024 * 1024

/** @throws BrokerStartError INVALID_OPTION */
export function checkOptions(options: BrokerOptions, host: string, port: number, brokers: number): void {
  const invalid = (message: string) => new BrokerStartError('INVALID_OPTION', message)
  if (!Number.isInteger(brokers) || brokers < 1 || brokers > 100) {
    throw invalid(`brokers: must be a whole number from 1 to 100, it is ${brokers}`)
  }
  if (!Number.isInteger(port) || port < 0 || port + brokers - 1 > 65535) {
    throw invalid(`port: must be a whole number from 0 to ${65536 - brokers}, it is ${port}`)
  }
  if (!isLoopback(host) && options.insecure !== true) {
    throw invalid(
      `host: ${host} can be reached from other machines, and this broker does not authenticate clients; ` +
        'listen on 127.0.0.1, or set `insecure: true`',
    )
  }
  for (const [name, value] of Object.entries(options.config ?? {})) {
    const definition = brokerConfig(name)
    if (!definition) throw invalid(`config: ${name} is not a broker setting of Kafka ${kafkaRelease}`)
    if (definition.whyFixed !== undefined && value !== definition.default) {
      throw invalid(`config: ${name} cannot be set: ${definition.whyFixed}`)
    }
    try {
      parseValue(definition, value)
    } catch (error) {
      if (error instanceof ConfigError) throw invalid(`config: ${error.message}`)
      throw error
    }
  }
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host)
}

/** The settings that Kafka would read from `server.properties`. */
export function staticConfig(
  options: BrokerOptions,
  logsDir: string,
  firstBroker: PresentedBroker,
): ReadonlyMap<string, string> {
  const facts = {
    ...factsOf(firstBroker),
    'process.roles': 'broker,controller',
    'log.dirs': logsDir,
    'group.coordinator.rebalance.protocols': 'classic',
  }
  return new Map(Object.entries({ ...embeddedDefaults, ...options.config, ...facts }))
}

/** @param configured `queued.max.request.bytes`; negative: the default */
export function requestMemoryBytes(configured: number): number {
  return configured < 0 ? defaultRequestMemoryBytes : Math.max(configured, 1024 * 1024)
}
