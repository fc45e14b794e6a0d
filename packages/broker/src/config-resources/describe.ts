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
      const brokerName = definition.brokerSynonyms[0]?.name
      const inherited = brokerName === undefined ? [] : describedChain(layers, brokerName)
      const chain = withOwn(definition.name, overrides, configSource.topic, inherited)
      // The broker's setting may have another unit, and be unset beside a synonym that is set.
      const value = overrides.get(definition.name) ?? inheritedTopicValue(layers, definition)
      return { ...described(definition, chain), value }
    })
}

/** Every setting of a broker, and unknown ones that were set (shown as secret, as Kafka does). */
export function describeBrokerConfigs(layers: BrokerLayers): readonly DescribedConfig[] {
  const known = brokerConfigs.map((definition) => describeBrokerConfig(layers, definition))
  const unknown = [...layers.dynamic.keys()].filter((name) => !brokerConfig(name))
  return [...known, ...unknown.map((name) => secret(name, configSource.dynamicBroker))]
}

/** Dynamic settings of all brokers. */
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
  const chain = describedChain(layers, definition.name)
  return {
    ...described(definition, chain),
    value: chain[0]?.value ?? null,
    readOnly: definition.update === 'read-only',
    isSensitive: definition.type === 'password',
  }
}

/** Every setting of a group, with the broker's where the group has none. */
export function describeGroupConfigs(
  layers: BrokerLayers,
  overrides: ReadonlyMap<string, string>,
): readonly DescribedConfig[] {
  return groupConfigs.map((definition) => {
    const { name, brokerSynonym } = definition
    const inherited =
      brokerSynonym === null
        ? [{ name, value: definition.default!, source: configSource.default }]
        : describedChain(layers, brokerSynonym)
    return described(definition, withOwn(name, overrides, configSource.group, inherited))
  })
}

export function describeClientMetrics(overrides: ReadonlyMap<string, string>): readonly DescribedConfig[] {
  return clientMetricsConfigs.map((definition) =>
    described(definition, withOwn(definition.name, overrides, configSource.clientMetrics, [])),
  )
}

/** The synonyms of a setting: its value in `overrides` first, then the inherited ones. */
function withOwn(
  name: string,
  overrides: ReadonlyMap<string, string>,
  source: SourcedValue['source'],
  inherited: readonly SourcedValue[],
): readonly SourcedValue[] {
  const own = overrides.get(name)
  return own === undefined ? inherited : [{ name, value: own, source }, ...inherited]
}

/** A setting of the tables, which may be altered. @param chain where its value may come from; the first one is in force */
function described(definition: ConfigDefinition, chain: readonly SourcedValue[]): DescribedConfig {
  return {
    name: definition.name,
    value: chain[0]?.value ?? definition.default,
    readOnly: false,
    configSource: chain[0]?.source ?? configSource.default,
    isSensitive: false,
    synonyms: chain,
    configType: typeCodes[definition.type],
    documentation: definition.doc,
  }
}

export function describeLoggers(levels: ReadonlyMap<string, string>): readonly DescribedConfig[] {
  return [...levels].map(([name, value]) => ({ ...undocumented(name, configSource.brokerLogger), value }))
}

/** A setting that the broker does not know: its value may be a password. */
const secret = (name: string, source: SourcedValue['source']): DescribedConfig => ({
  ...undocumented(name, source),
  readOnly: true,
  isSensitive: true,
})

/** A setting that is in no table. */
function undocumented(name: string, source: SourcedValue['source']): DescribedConfig {
  return {
    name,
    value: null,
    readOnly: false,
    configSource: source,
    isSensitive: false,
    synonyms: [],
    configType: 0,
    documentation: '',
  }
}
