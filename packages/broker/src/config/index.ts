// The exports of `config/` for the rest of the broker: the tables of settings, and values computed from them.
export { type BrokerConfigDefinition, brokerConfig, brokerConfigs } from './broker-configs.ts'
export { clientMetricsConfigs, validateClientMetrics } from './client-metrics-configs.ts'
export { type ConfigDefinition, ConfigError, type ConfigType, type ConfigValue, parseValue } from './definition.ts'
export { factsOf } from './facts.ts'
export { groupConfigs, validateGroupConfigs } from './group-configs.ts'
export {
  changeList,
  configSource,
  describedChain,
  inheritedTopicValue,
  makeBrokerConfig,
  resolveTopicConfig,
  type SourcedValue,
  validateTopicConfig,
} from './resolve.ts'
export { type TopicConfigDefinition, topicConfig, topicConfigs } from './topic-configs.ts'
export type * from './types.ts'
