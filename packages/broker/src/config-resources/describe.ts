// Settings as the answers to CreateTopics and DescribeConfigs list them: value, source, synonyms, type.
import {
  type BrokerConfigDefinition,
  type BrokerLayers,
  brokerConfig,
  brokerConfigs,
  type ConfigDefinition,
  type ConfigType,
  clientMetricsConfigs,
  configSource,
  describedChain,
  groupConfigs,
  inheritedTopicValue,
  type SourcedValue,
  topicConfigs,
} from '../config/index.ts'

/** Kafka's `DescribeConfigsResponse.ConfigType`. */
const typeCodes: Readonly<Record<ConfigType, number>> = {
  boolean: 1,
  string: 2,
  int: 3,
  short: 4,
  long: 5,
  double: 6,
  list: 7,
  class: 8,
  password: 9,
}

export interface DescribedConfig {
  readonly name: string
  readonly value: string | null
  readonly readOnly: boolean
  readonly configSource: number
  readonly isSensitive: boolean
  readonly synonyms: readonly SourcedValue[]
  readonly configType: number
  readonly documentation: string
}

/** Every setting of a topic, with where its value comes from. */
export function describeTopicConfigs(
  layers: BrokerLayers,
  overrides: ReadonlyMap<string, string>,
): readonly DescribedConfig[] {
  return topicConfigs
    .filter((definition) => !definition.internal || overrides.has(definition.name))
    .map((definition) => {
      const own = overrides.get(definition.name)
      const brokerName = definition.brokerSynonyms[0]?.name
      const inherited = brokerName === undefined ? [] : describedChain(layers, brokerName)
      const synonyms =
        own === undefined
          ? inherited
          : [{ name: definition.name, value: own, source: configSource.topic }, ...inherited]
      return {
        name: definition.name,
        value: own ?? inheritedTopicValue(layers, definition),
        readOnly: false,
        configSource: synonyms[0]?.source ?? configSource.default,
        isSensitive: false,
        synonyms,
        configType: typeCodes[definition.type],
        documentation: definition.doc,
      }
    })
}

/** Every setting of a broker, and unknown ones that were set (shown as secret, as Kafka does). */
export function describeBrokerConfigs(layers: BrokerLayers): readonly DescribedConfig[] {
  const known = brokerConfigs.map((definition) => describeBrokerConfig(layers, definition))
  const unknown = [...layers.dynamic.keys()].filter((name) => !brokerConfig(name))
  return [...known, ...unknown.map((name) => secret(name, configSource.dynamicBroker))]
}

/** What was set for all brokers while running. */
export function describeDefaultBrokerConfigs(layers: BrokerLayers): readonly DescribedConfig[] {
  return [...layers.dynamicDefault].map(([name, value]) => {
    const definition = brokerConfig(name)
    if (!definition) return secret(name, configSource.dynamicDefaultBroker)
    return {
      ...describeBrokerConfig(layers, definition),
      value,
      configSource: configSource.dynamicDefaultBroker,
      synonyms: [{ name, value, source: configSource.dynamicDefaultBroker }],
    }
  })
}

function describeBrokerConfig(layers: BrokerLayers, definition: BrokerConfigDefinition): DescribedConfig {
  const synonyms = describedChain(layers, definition.name)
  return {
    name: definition.name,
    value: synonyms[0]?.value ?? null,
    readOnly: definition.update === 'read-only',
    configSource: synonyms[0]?.source ?? configSource.default,
    isSensitive: definition.type === 'password',
    synonyms,
    configType: typeCodes[definition.type],
    documentation: definition.doc,
  }
}

/** Every setting of a group, with the broker's where the group has none. */
export function describeGroupConfigs(
  layers: BrokerLayers,
  overrides: ReadonlyMap<string, string>,
): readonly DescribedConfig[] {
  return groupConfigs.map(({ brokerSynonym, ...definition }) => {
    const inherited =
      brokerSynonym === null
        ? [{ name: definition.name, value: definition.default!, source: configSource.default }]
        : describedChain(layers, brokerSynonym)
    return named(definition, overrides, configSource.group, inherited)
  })
}

export function describeClientMetrics(overrides: ReadonlyMap<string, string>): readonly DescribedConfig[] {
  return clientMetricsConfigs.map((definition) => named(definition, overrides, configSource.clientMetrics, []))
}

function named(
  definition: ConfigDefinition,
  overrides: ReadonlyMap<string, string>,
  source: SourcedValue['source'],
  inherited: readonly SourcedValue[],
): DescribedConfig {
  const { name } = definition
  const own = overrides.get(name)
  const synonyms = own === undefined ? inherited : [{ name, value: own, source }, ...inherited]
  return {
    name,
    value: synonyms[0]?.value ?? definition.default,
    readOnly: false,
    configSource: synonyms[0]?.source ?? configSource.default,
    isSensitive: false,
    synonyms,
    configType: typeCodes[definition.type],
    documentation: definition.doc,
  }
}

export function describeLoggers(levels: ReadonlyMap<string, string>): readonly DescribedConfig[] {
  return [...levels].map(([name, value]) => ({
    name,
    value,
    readOnly: false,
    configSource: configSource.brokerLogger,
    isSensitive: false,
    synonyms: [],
    configType: 0,
    documentation: '',
  }))
}

function secret(name: string, source: SourcedValue['source']): DescribedConfig {
  return {
    name,
    value: null,
    readOnly: true,
    configSource: source,
    isSensitive: true,
    synonyms: [],
    configType: 0,
    documentation: '',
  }
}
