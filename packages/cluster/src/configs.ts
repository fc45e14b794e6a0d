// Settings of topics and brokers: read, and change one by one (KIP-339).
import { ConfigResourceTypes, ConfigSources, IncrementalAlterConfigOperationTypes } from '@platformatic/kafka'
import { apis } from './apis.ts'
import { chunks, mapConcurrently } from './batch.ts'
import { brokerError, type ClusterError, several } from './errors.ts'
import { problemOf } from './problem.ts'
import type { ClusterSurvey, Problem } from './survey-types.ts'
import { settle, throwFirst } from './topics.ts'
import type { Deadline } from './transport/deadline.ts'
import type { Target, Transport } from './transport/transport.ts'
import type { Cluster, ConfigEntry, ConfigSource } from './types.ts'

const sources: Readonly<Record<number, ConfigSource>> = {
  [ConfigSources.DYNAMIC_TOPIC_CONFIG]: 'topic',
  [ConfigSources.DYNAMIC_BROKER_CONFIG]: 'dynamic-broker',
  [ConfigSources.DYNAMIC_DEFAULT_BROKER_CONFIG]: 'dynamic-default-broker',
  [ConfigSources.STATIC_BROKER_CONFIG]: 'static-broker',
  [ConfigSources.DEFAULT_CONFIG]: 'default',
}

// One topic's settings are about 2 KB on the transport.
const topicsPerRequest = 500

export const topicConfigs =
  (transport: Transport): Cluster['topicConfigs'] =>
  (names) =>
    transport.operation('topicConfigs', (deadline) => readTopicConfigs(transport, deadline, names))

async function readTopicConfigs(
  transport: Transport,
  deadline: Deadline,
  names: readonly string[],
): Promise<Map<string, ConfigEntry[]>> {
  const parts = await mapConcurrently(chunks([...new Set(names)], topicsPerRequest), 4, (part) =>
    transport.retrying(deadline, () => describe(transport, 'any', ConfigResourceTypes.TOPIC, part)),
  )
  return new Map(parts.flat())
}

export const brokerConfigs =
  (transport: Transport): Cluster['brokerConfigs'] =>
  (brokerId) =>
    transport.operation('brokerConfigs', async () => {
      const [result] = await describe(transport, brokerId, ConfigResourceTypes.BROKER, [String(brokerId)])
      return result![1]
    })

/** The settings of these topics and brokers; those that cannot be read are missing, and `problem` is the first reason. */
export const surveyConfigs =
  (transport: Transport): ClusterSurvey['surveyConfigs'] =>
  ({ topics, brokers }) =>
    transport.operation('surveyConfigs', async () => {
      let problem: Problem | null = null
      const note = (error: unknown): [] => {
        problem ??= problemOf(error)
        return []
      }
      const parts = chunks([...new Set(topics)], topicsPerRequest)
      const ofTopics = await mapConcurrently(parts, 4, (part) =>
        describe(transport, 'any', ConfigResourceTypes.TOPIC, part, note).catch(note),
      )
      const ofBrokers = await mapConcurrently([...new Set(brokers)], 4, (id) =>
        describe(transport, id, ConfigResourceTypes.BROKER, [String(id)], note).catch(note),
      )
      const byId = ofBrokers.flat().map(([name, entries]) => [Number(name), entries] as const)
      return { topics: new Map(ofTopics.flat()), brokers: new Map(byId), problem }
    })

function fail(error: ClusterError): never {
  throw error
}

async function describe(
  transport: Transport,
  target: Target,
  resourceType: typeof ConfigResourceTypes.TOPIC | typeof ConfigResourceTypes.BROKER,
  names: readonly string[],
  refused: (error: ClusterError) => void = fail,
): Promise<(readonly [string, ConfigEntry[]])[]> {
  const response = await transport.send(
    target,
    apis.describeConfigs,
    names.map((resourceName) => ({ resourceType, resourceName })),
    false,
    false,
  )
  return response.results.flatMap((result) => {
    const resource = `${resourceType === ConfigResourceTypes.TOPIC ? 'topic' : 'broker'} ${result.resourceName}`
    if (result.errorCode !== 0) {
      refused(brokerError(result.errorCode, resource, result.errorMessage))
      return []
    }
    const entries = result.configs.map(
      ({ name, value, configSource, readOnly, isSensitive }): ConfigEntry => ({
        name,
        value: isSensitive ? null : (value ?? null),
        source: sources[configSource] ?? 'other',
        readOnly,
        sensitive: isSensitive,
      }),
    )
    return [[result.resourceName, entries.sort((a, b) => (a.name < b.name ? -1 : 1))] as const]
  })
}

export const alterTopicConfigs =
  (transport: Transport): Cluster['alterTopicConfigs'] =>
  (changes, options = {}) =>
    transport.operation('alterTopicConfigs', async (deadline) => {
      if (changes.length === 0) {
        return
      }
      const response = await transport.change(
        deadline,
        options.validateOnly ? null : `changing the settings of ${several('topic', changes, ({ topic }) => topic)}`,
        'controller',
        apis.incrementalAlterConfigs,
        changes.map(({ topic, set }) => ({
          resourceType: ConfigResourceTypes.TOPIC,
          resourceName: topic,
          configs: Object.entries(set).map(([name, value]) =>
            value === null
              ? { name, configOperation: IncrementalAlterConfigOperationTypes.DELETE }
              : { name, configOperation: IncrementalAlterConfigOperationTypes.SET, value },
          ),
        })),
        options.validateOnly ?? false,
      )
      throwFirst(response.responses, ({ resourceName }) => `topic ${resourceName}`)
      if (!options.validateOnly) {
        await settle(deadline, async () => {
          const live = await readTopicConfigs(
            transport,
            deadline,
            changes.map(({ topic }) => topic),
          )
          return changes.every(({ topic, set }) =>
            Object.entries(set).every(([name, value]) => {
              const own = live.get(topic)?.find((entry) => entry.name === name && entry.source === 'topic')
              return value === null ? own === undefined : own?.value === value
            }),
          )
        })
      }
    })
