// CreateTopics: new topics, each on its own: one that fails does not stop the others.
//
// Behaviour: the rules and words are those of Kafka's controller (`plan-topic.ts`). A topic is on disk before the
// answer is sent. `validateOnly` checks and changes nothing.
//
// Versions: v4 adds the defaults (-1 for partitions and replicas, KIP-464), v5 the settings of the new topic in the answer
// (KIP-525), v7 its id.
import { errorCodes, type RequestOf, type ResponseInput } from '@selfmonitor/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { describeTopicConfigs } from '../config-resources/describe.ts'
import { KafkaError, toKafkaError } from '../errors.ts'
import { maxPartitionsPerRequest, metricName, type NewTopic, planTopic } from '../metadata/index.ts'
import type { ApiHandler } from '../request/handler.ts'

type RequestedTopic = RequestOf<'CreateTopics'>['topics'][number]
type Answer = NonNullable<ResponseInput<'CreateTopics'>['topics']>[number]

export const handleCreateTopics: ApiHandler<'CreateTopics'> = (request, { broker, apiVersion }) =>
  broker.metadata.exclusively(async () => {
    const { planned, rejected } = plan(request.topics, broker)
    const created = request.validateOnly ? [] : await broker.metadata.createTopics([...planned.values()])
    const ids = new Map(created.map(({ name, id }) => [name, id]))
    const names = [...new Set(request.topics.map(({ name }) => name))]
    const topics = names.map((name): Answer => {
      const topic = planned.get(name)
      if (!topic) return rejected.get(name)!
      const answer: Answer = { name, errorCode: errorCodes.NONE, errorMessage: null, topicId: ids.get(name) }
      if (apiVersion < 5) return answer
      return {
        ...answer,
        numPartitions: topic.assignments.length,
        replicationFactor: topic.assignments[0]!.length,
        configs: describeTopicConfigs(broker.metadata.brokerLayers(), topic.configs),
      }
    })
    return { topics }
  })

function plan(
  requested: readonly RequestedTopic[],
  { metadata, brokers }: BrokerContext,
): { readonly planned: ReadonlyMap<string, NewTopic>; readonly rejected: ReadonlyMap<string, Answer> } {
  const brokerIds = brokers.map(({ brokerId }) => brokerId)
  const planned = new Map<string, NewTopic>()
  const rejected = new Map<string, Answer>()
  const seen = new Set<string>()
  const metricNames = new Map<string, string>()
  let partitions = 0
  for (const one of requested) {
    const { name } = one
    try {
      if (seen.has(name)) {
        if (planned.delete(name)) metricNames.delete(metricName(name))
        throw new KafkaError('INVALID_REQUEST', 'Duplicate topic name.')
      }
      seen.add(name)
      if (name === '__cluster_metadata') {
        throw new KafkaError('INVALID_REQUEST', `Creation of internal topic ${name} is prohibited.`)
      }
      const colliding = metricNames.get(metricName(name))
      if (colliding !== undefined) {
        throw new KafkaError('INVALID_TOPIC_EXCEPTION', `Topic '${name}' collides with existing topic: ${colliding}`)
      }
      const topic = planTopic(one, metadata, brokerIds)
      partitions += topic.assignments.length
      if (partitions > maxPartitionsPerRequest) {
        throw new KafkaError('POLICY_VIOLATION', 'Excessively large number of partitions per request.')
      }
      planned.set(name, topic)
      metricNames.set(metricName(name), name)
    } catch (error) {
      const { code, message, name: errorName } = toKafkaError(error)
      if (errorName === 'UNKNOWN_SERVER_ERROR') throw error
      rejected.set(name, { name, errorCode: code, errorMessage: message })
    }
  }
  return { planned, rejected }
}
