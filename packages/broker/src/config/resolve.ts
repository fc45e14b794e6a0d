// The effective value of a setting: one chain of sources for brokers, one for topics, and the typed views of both.

import { brokerConfig } from './broker-configs.ts'
import { ConfigError, type ConfigValue, parseValue, splitList } from './definition.ts'
import { type TopicConfigDefinition, topicConfig, topicConfigs } from './topic-configs.ts'
import type { BrokerConfig, BrokerLayers, TopicConfig } from './types.ts'

/** Kafka's `DescribeConfigsResponse.ConfigSource`. */
export const configSource = {
  topic: 1,
  dynamicBroker: 2,
  dynamicDefaultBroker: 3,
  staticBroker: 4,
  default: 5,
  brokerLogger: 6,
  clientMetrics: 7,
  group: 8,
} as const
export type ConfigSource = (typeof configSource)[keyof typeof configSource]

export interface SourcedValue {
  readonly name: string
  readonly value: string
  readonly source: ConfigSource
}

/** Other names of a broker setting, the wanted one first (KIP-226). */
const brokerSynonyms: readonly (readonly string[])[] = [
  ['log.retention.ms', 'log.retention.minutes', 'log.retention.hours'],
  ['log.roll.ms', 'log.roll.hours'],
  ['log.roll.jitter.ms', 'log.roll.jitter.hours'],
  ['log.flush.interval.ms', 'log.flush.scheduler.interval.ms'],
]

function brokerSynonymsOf(name: string): readonly string[] {
  return brokerSynonyms.find(([first]) => first === name) ?? [name]
}

/** Every place where a broker setting (or a synonym of it) has a value, the effective one first. */
function brokerChain(layers: BrokerLayers, name: string): readonly SourcedValue[] {
  const names = brokerSynonymsOf(name)
  const chain: SourcedValue[] = []
  const add = (source: ConfigSource, values: ReadonlyMap<string, string>) => {
    for (const synonym of names) {
      const value = values.get(synonym)
      if (value !== undefined) chain.push({ name: synonym, value, source })
    }
  }
  add(configSource.dynamicBroker, layers.dynamic)
  add(configSource.dynamicDefaultBroker, layers.dynamicDefault)
  add(configSource.staticBroker, layers.static)
  for (const synonym of names) {
    const value = brokerConfig(synonym)?.default
    if (value !== undefined && value !== null) chain.push({ name: synonym, value, source: configSource.default })
  }
  return chain
}

/**
 * The synonyms that Kafka lists for a broker setting: the chain, starting with the first entry that has the setting's own name.
 * (So `log.retention.ms` has none while only `log.retention.hours` is set.)
 */
export function describedChain(layers: BrokerLayers, name: string): readonly SourcedValue[] {
  const chain = brokerChain(layers, name)
  const start = chain.findIndex((entry) => entry.name === name)
  return start === -1 ? [] : chain.slice(start)
}

/** The value of one broker setting as a typed value. @throws Error for a name that is not in the table. */
export function brokerValue(layers: BrokerLayers, name: string): ConfigValue {
  const definition = brokerConfig(name)
  if (!definition) throw new Error(`broker setting ${name} is not in the table`)
  const value = brokerOwnValue(layers, name)
  return value === null ? null : parseValue(definition, value)
}

function brokerOwnValue(layers: BrokerLayers, name: string): string | null {
  return (
    layers.dynamic.get(name) ??
    layers.dynamicDefault.get(name) ??
    layers.static.get(name) ??
    brokerConfig(name)?.default ??
    null
  )
}

/** The typed view of the broker's settings; `layers` is called on each read, so that changes take effect at once. */
export function makeBrokerConfig(layers: () => BrokerLayers): BrokerConfig {
  const read = <T>(name: string, is: (value: ConfigValue) => value is ConfigValue & T, what: string): T => {
    const value = brokerValue(layers(), name)
    if (!is(value)) throw new Error(`broker setting ${name} is not a ${what}`)
    return value
  }
  return {
    number: (name) => read<number>(name, (value) => typeof value === 'number', 'number'),
    boolean: (name) => read<boolean>(name, (value) => typeof value === 'boolean', 'boolean'),
    string: (name) => read<string>(name, (value) => typeof value === 'string', 'string'),
    optionalString: (name) => {
      const value = brokerValue(layers(), name)
      return value === null ? null : String(value)
    },
    list: (name) => read<readonly string[]>(name, (value) => Array.isArray(value), 'list'),
  }
}

/** The text of one topic setting when it is not set on the topic itself. */
export function inheritedTopicValue(layers: BrokerLayers, definition: TopicConfigDefinition): string | null {
  for (const synonym of definition.brokerSynonyms) {
    const value = brokerOwnValue(layers, synonym.name)
    if (value === null) continue
    // -1 hours, minutes or ms all mean "no limit".
    if (synonym.factor === 1 || value === '-1') return value
    return String(BigInt(value) * BigInt(synonym.factor))
  }
  return definition.default
}

/** All settings of a topic, typed. */
export function resolveTopicConfig(layers: BrokerLayers, overrides: ReadonlyMap<string, string>): TopicConfig {
  const resolved: Record<string, ConfigValue> = {}
  for (const definition of topicConfigs) {
    if (definition.internal) continue
    const text = overrides.get(definition.name) ?? inheritedTopicValue(layers, definition)
    resolved[definition.name] = text === null ? null : parseValue(definition, text)
  }
  const smallSegments = overrides.get('internal.segment.bytes')
  if (smallSegments !== undefined) resolved['segment.bytes'] = Number(smallSegments)
  return resolved as unknown as TopicConfig
}

/**
 * Checks a topic's own settings as a whole, as Kafka's `LogConfig.validate` does.
 * @throws ConfigError in Kafka's words.
 */
export function validateTopicConfig(layers: BrokerLayers, overrides: ReadonlyMap<string, string>): void {
  for (const name of overrides.keys()) {
    if (!topicConfig(name)) throw new ConfigError(`Unknown topic config name: ${name}`)
  }
  const values = resolveTopicConfig(layers, overrides)
  if (values['min.compaction.lag.ms'] > values['max.compaction.lag.ms']) {
    throw new ConfigError(
      `conflict topic config setting min.compaction.lag.ms (${values['min.compaction.lag.ms']}) > ` +
        `max.compaction.lag.ms (${values['max.compaction.lag.ms']})`,
    )
  }
  if (overrides.get('remote.storage.enable')?.trim().toLowerCase() === 'true') {
    throw new ConfigError(
      'Tiered Storage functionality is disabled in the broker. Topic cannot be configured with remote log storage.',
    )
  }
}

/** The result of APPEND or SUBTRACT on a list (KIP-339). */
export function changeList(current: string | null, operand: string, operation: 'append' | 'subtract'): string {
  const items = current === null ? [] : splitList(current).filter((item) => item !== '')
  const operands = operand.split(',')
  if (operation === 'append') return [...items, ...operands.filter((item) => !items.includes(item))].join(',')
  return items.filter((item) => !operands.includes(item)).join(',')
}
