// What settings may belong to, and how DescribeConfigs, AlterConfigs and IncrementalAlterConfigs find it.
import { brokerConfig, ConfigError, parseValue } from '../config/index.ts'
import { KafkaError } from '../errors.ts'
import { type ConfigResource, checkTopicConfig, type TopicMetadata, topicNameProblem } from '../metadata/index.ts'
import type { RequestContext } from './handler.ts'

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

/** Where the settings of an alterable resource are kept, and what is set there now. */
export interface AlterableResource {
  readonly resource: ConfigResource
  readonly current: ReadonlyMap<string, string>
}

/** @throws KafkaError for a resource that does not exist or has nothing to alter */
export function alterableResource(type: number, name: string, context: RequestContext): AlterableResource {
  switch (type) {
    case resourceType.topic: {
      if (name === '') throw new KafkaError('INVALID_REQUEST', 'Default topic resources are not allowed.')
      const topic = topicResource(name, context, `The topic '${name}' does not exist.`)
      return { resource: { type: 'topic', name }, current: topic.overrides }
    }
    case resourceType.broker:
      checkBrokerResource(name, context, 'Node')
      return { resource: { type: 'broker', name }, current: context.broker.metadata.brokerOverrides(name) }
    default:
      throw unsupportedResource(type)
  }
}

export function unsupportedResource(type: number): KafkaError {
  const names: Readonly<Record<number, string>> = {
    [resourceType.brokerLogger]: 'Broker loggers cannot be changed or shown here',
    [resourceType.clientMetrics]: 'Client metrics are not supported by this broker',
    [resourceType.group]: 'Group settings belong to the consumer protocol, which this broker does not have yet',
  }
  return new KafkaError('INVALID_REQUEST', names[type] ?? `Unknown resource type ${type}`)
}

/** @throws KafkaError that says which setting cannot be what it is asked to be */
export function checkAltered(
  { resource, current }: AlterableResource,
  next: ReadonlyMap<string, string>,
  { broker }: RequestContext,
): void {
  if (resource.type === 'topic') {
    checkTopicConfig(broker.metadata, next)
    return
  }
  const changed = [...new Set([...current.keys(), ...next.keys()])].filter((key) => current.get(key) !== next.get(key))
  // Kafka takes settings that it does not know, for its plugins; so does this.
  const definitions = changed.flatMap((key) => brokerConfig(key) ?? [])
  const fixed = definitions.filter(({ update }) => update === 'read-only').map(({ name }) => name)
  if (fixed.length > 0) {
    throw new KafkaError('INVALID_REQUEST', `Cannot update these configs dynamically: [${fixed.join(', ')}]`)
  }
  for (const definition of definitions) {
    const value = next.get(definition.name)
    if (value === undefined) continue
    try {
      parseValue(definition, value)
    } catch (error) {
      if (error instanceof ConfigError) throw new KafkaError('INVALID_REQUEST', error.message)
      throw error
    }
  }
}
