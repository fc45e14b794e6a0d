// The resources that have settings, and how DescribeConfigs, AlterConfigs and IncrementalAlterConfigs find them.
import {
  brokerConfig,
  ConfigError,
  type ConfigType,
  clientMetricsConfigs,
  groupConfigs,
  parseValue,
  topicConfig,
  validateClientMetrics,
  validateGroupConfigs,
} from '../config/index.ts'
import { KafkaError } from '../errors.ts'
import { type ConfigResource, checkTopicConfig, type TopicMetadata, topicNameProblem } from '../metadata/index.ts'
import type { RequestContext } from '../request/handler.ts'
import { checkLoggerLevels, loggerLevels, setLoggerLevels } from './broker-loggers.ts'

/** Kafka's `ConfigResource.Type`. */
export const resourceType = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const

/** The topic. @throws KafkaError INVALID_TOPIC_EXCEPTION, or UNKNOWN_TOPIC_OR_PARTITION with `unknown` as its message */
export function topicResource(name: string, { broker }: RequestContext, unknown: string): TopicMetadata {
  const problem = topicNameProblem(name)
  if (problem !== undefined) throw new KafkaError('INVALID_TOPIC_EXCEPTION', problem)
  const topic = broker.metadata.topic(name)
  if (!topic) throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', unknown)
  return topic
}

/**
 * Checks that a broker's name is empty (all of them) or this broker's id.
 * @param noun `Broker` or `Node`, as Kafka says in DescribeConfigs and AlterConfigs
 */
export function checkBrokerResource(name: string, { brokerId }: RequestContext, noun: 'Broker' | 'Node'): void {
  if (name === '') return
  if (!/^-?\d+$/.test(name)) {
    throw new KafkaError('INVALID_REQUEST', `${noun} id must be an integer, but it is: ${name}`)
  }
  if (Number(name) !== brokerId) {
    const expected = noun === 'Broker' ? `${brokerId} or empty string` : `${brokerId}`
    throw new KafkaError('INVALID_REQUEST', `Unexpected broker id, expected ${expected}, but received ${name}`)
  }
}

/** The id of this broker's loggers, which has no default for all brokers. @param noun as in `checkBrokerResource` */
export function checkLoggerResource(name: string, { brokerId }: RequestContext, noun: 'Broker' | 'Node'): void {
  const invalid = (message: string) => new KafkaError('INVALID_REQUEST', message)
  if (noun === 'Broker' && name === '') throw invalid('Broker id must not be empty')
  if (!/^-?\d+$/.test(name)) {
    throw invalid(`${noun} id must be an integer, but it is: ${name}`)
  }
  if (Number(name) === brokerId) return
  throw invalid(
    noun === 'Broker'
      ? `Unexpected broker id, expected ${brokerId} but received ${name}`
      : `Unexpected node id. Expected ${brokerId}, but received ${name}`,
  )
}

/** A resource whose settings can be changed: what is set there now, and how a change is checked and made. */
export interface AlterableResource {
  readonly current: ReadonlyMap<string, string>
  /** The type of a setting, for APPEND and SUBTRACT; undefined for one that is not known. */
  typeOf(setting: string): ConfigType | undefined
  /** @throws KafkaError that names the setting whose value is not allowed */
  check(next: ReadonlyMap<string, string>): void
  /** Replaces everything that is set. */
  change(next: ReadonlyMap<string, string>): void | Promise<void>
}

/** @throws KafkaError for a resource that does not exist or has nothing to alter */
export function alterableResource(type: number, name: string, context: RequestContext): AlterableResource {
  const { metadata, logger } = context.broker
  const stored = (resource: ConfigResource) => ({
    current: metadata.overrides(resource),
    change: (configs: ReadonlyMap<string, string>) => metadata.alterConfigs([{ resource, configs }]),
  })
  switch (type) {
    case resourceType.topic:
      if (name === '') throw new KafkaError('INVALID_REQUEST', 'Default topic resources are not allowed.')
      topicResource(name, context, `The topic '${name}' does not exist.`)
      return {
        ...stored({ type: 'topic', name }),
        typeOf: (setting) => topicConfig(setting)?.type,
        check: (next) => checkTopicConfig(metadata, next),
      }
    case resourceType.broker: {
      checkBrokerResource(name, context, 'Node')
      const resource = stored({ type: 'broker', name })
      return {
        ...resource,
        typeOf: (setting) => brokerConfig(setting)?.type,
        check: (next) => checkBrokerConfigs(resource.current, next),
      }
    }
    case resourceType.brokerLogger:
      checkLoggerResource(name, context, 'Node')
      return {
        current: loggerLevels(logger),
        typeOf: () => 'string',
        check: (next) => checkLoggerLevels(logger, next),
        change: (next) => setLoggerLevels(logger, next),
      }
    case resourceType.clientMetrics:
      if (name === '') throw new KafkaError('INVALID_REQUEST', "Subscription name can't be empty")
      return {
        ...stored({ type: 'client-metrics', name }),
        typeOf: (setting) => clientMetricsConfigs.find((config) => config.name === setting)?.type,
        check: validateClientMetrics,
      }
    case resourceType.group:
      if (name === '') throw new KafkaError('INVALID_REQUEST', 'Default group resources are not allowed.')
      return {
        ...stored({ type: 'group', name }),
        typeOf: (setting) => groupConfigs.find((config) => config.name === setting)?.type,
        check: (next) => validateGroupConfigs(metadata.brokerLayers(), next),
      }
    default:
      throw new KafkaError('INVALID_REQUEST', `Unknown resource type ${type}`)
  }
}

function checkBrokerConfigs(current: ReadonlyMap<string, string>, next: ReadonlyMap<string, string>): void {
  const changed = [...new Set([...current.keys(), ...next.keys()])].filter((key) => current.get(key) !== next.get(key))
  // Kafka accepts settings that it does not know, for its plugins; so does this broker.
  const definitions = changed.flatMap((key) => brokerConfig(key) ?? [])
  const fixed = definitions.filter(({ update }) => update === 'read-only').map(({ name }) => name)
  if (fixed.length > 0) {
    throw new KafkaError('INVALID_REQUEST', `Cannot update these configs dynamically: [${fixed.join(', ')}]`)
  }
  for (const definition of definitions) {
    const value = next.get(definition.name)
    if (value === undefined) continue
    if (definition.whyFixed !== undefined && value !== definition.default) {
      throw new KafkaError('INVALID_REQUEST', `${definition.name} cannot be set: ${definition.whyFixed}`)
    }
    try {
      parseValue(definition, value)
    } catch (error) {
      if (error instanceof ConfigError) throw new KafkaError('INVALID_REQUEST', error.message)
      throw error
    }
  }
}
