// Metadata: brokers, and where the partitions of topics are.
//
// Behaviour
// - A topic that does not exist is created when the request allows it and `auto.create.topics.enable` is on; it exists
//   when the answer is sent (Kafka first answers UNKNOWN_TOPIC_OR_PARTITION, and the client asks again).
// - An answer about all topics is encoded once for all clients that ask, until a topic changes.
// - The controller is the first presented broker: as in KRaft, any broker takes admin requests.
//
// Versions: v0 asks for all topics with an empty list, later ones with null. v10 returns topic ids, v12 takes them
// (KIP-516). v8 to v10 may ask for the cluster's authorised operations.
import {
  encodeResponseBody,
  errorCodes,
  type RequestOf,
  type ResponseInput,
  type Uuid,
  zeroUuid,
} from '@selfmonitor/protocol'
import type { BrokerContext } from '../broker-context.ts'
import { KafkaError } from '../errors.ts'
import { planTopic, type TopicMetadata, topicNameProblem } from '../metadata/index.ts'
import { allClusterOperations, allTopicOperations, operationsNotAsked } from '../request/authorized-operations.ts'
import type { ApiHandler } from '../request/handler.ts'
import { createSharedAnswers } from '../request/shared-answers.ts'

type TopicAnswer = NonNullable<ResponseInput<'Metadata'>['topics']>[number]

export const handleMetadata: ApiHandler<'Metadata'> = async (request, { broker, apiVersion }) => {
  const operations = request.includeTopicAuthorizedOperations ? allTopicOperations : operationsNotAsked
  if (request.topics === null || (apiVersion === 0 && request.topics.length === 0)) {
    const all = broker.metadata.topics()
    const flags = [operations, request.includeClusterAuthorizedOperations]
    return allTopics.answer(all, `${apiVersion} ${flags}`, () => {
      const topics = all.map((topic) => describe(topic, operations))
      return encodeResponseBody('Metadata', apiVersion, responseOf(request, broker, apiVersion, topics))
    })
  }
  return responseOf(
    request,
    broker,
    apiVersion,
    await answerNamed(request, request.topics, broker, apiVersion, operations),
  )
}

/** Encoded answers about all topics. With thousands of partitions each has megabytes and takes tens of milliseconds to encode. */
const allTopics = createSharedAnswers()

function responseOf(
  request: RequestOf<'Metadata'>,
  broker: BrokerContext,
  apiVersion: number,
  topics: TopicAnswer[],
): ResponseInput<'Metadata'> {
  const rack = broker.config.optionalString('broker.rack')
  return {
    brokers: broker.brokers.map(({ brokerId, host, port }) => ({ nodeId: brokerId, host, port, rack })),
    clusterId: broker.clusterId,
    controllerId: broker.brokers[0]!.brokerId,
    topics,
    ...(apiVersion >= 8 &&
      apiVersion <= 10 &&
      request.includeClusterAuthorizedOperations && { clusterAuthorizedOperations: allClusterOperations }),
  }
}

function answerNamed(
  { allowAutoTopicCreation }: RequestOf<'Metadata'>,
  wanted: NonNullable<RequestOf<'Metadata'>['topics']>,
  broker: BrokerContext,
  apiVersion: number,
  operations: number,
): TopicAnswer[] | Promise<TopicAnswer[]> {
  if (apiVersion >= 12 && wanted.some(({ name, topicId }) => name === null && topicId === zeroUuid)) {
    // Kafka fails on a topic without name and id, and with it on all others.
    return wanted.map((topic) => errorAnswer(topic, errorCodes.UNKNOWN_SERVER_ERROR))
  }
  // Versions 10 and 11 have the field for a topic's id, but in answers only.
  const byIdTooEarly = apiVersion < 12 && wanted.some(({ name, topicId }) => name === null || topicId !== zeroUuid)
  if (byIdTooEarly) return wanted.map((topic) => errorAnswer(topic, errorCodes.INVALID_REQUEST))
  return answerTopics(broker, wanted, allowAutoTopicCreation, operations)
}

function errorAnswer(
  { name, topicId }: { readonly name: string | null; readonly topicId: Uuid },
  errorCode: number,
): TopicAnswer {
  return {
    errorCode,
    name: name ?? '',
    topicId,
    topicAuthorizedOperations: operationsNotAsked,
  }
}

async function answerTopics(
  broker: BrokerContext,
  wanted: readonly { readonly topicId: Uuid; readonly name: string | null }[],
  mayCreate: boolean,
  operations: number,
): Promise<TopicAnswer[]> {
  const byId = wanted.some(({ topicId }) => topicId !== zeroUuid)
  if (byId && wanted.some(({ topicId }) => topicId === zeroUuid)) {
    throw new KafkaError('INVALID_REQUEST', 'Topic ids and topic names cannot be mixed in one request.')
  }
  if (byId) {
    return wanted.map(({ topicId }) => {
      const topic = broker.metadata.topicById(topicId)
      if (topic) return describe(topic, operations)
      return {
        errorCode: errorCodes.UNKNOWN_TOPIC_ID,
        name: null,
        topicId,
        topicAuthorizedOperations: operationsNotAsked,
      }
    })
  }
  const names = [...new Set(wanted.map(({ name }) => name ?? ''))]
  if (mayCreate && broker.config.boolean('auto.create.topics.enable')) {
    const missing = names.filter((name) => !broker.metadata.topic(name) && topicNameProblem(name) === undefined)
    if (missing.length > 0) await createTopics(broker, missing)
  }
  return names.map((name) => {
    const topic = broker.metadata.topic(name)
    if (topic) return describe(topic, operations)
    const valid = topicNameProblem(name) === undefined && !collides(broker, name)
    return {
      errorCode: valid ? errorCodes.UNKNOWN_TOPIC_OR_PARTITION : errorCodes.INVALID_TOPIC_EXCEPTION,
      name,
      isInternal: isInternalName(name),
      topicAuthorizedOperations: operationsNotAsked,
    }
  })
}

const isInternalName = (name: string) => name === '__consumer_offsets' || name === '__transaction_state'

/** Creates the topics that can be created; the others are answered as unknown. */
async function createTopics(broker: BrokerContext, names: readonly string[]): Promise<void> {
  const { metadata, logger } = broker
  for (const name of names) {
    try {
      if (name === '__consumer_offsets' || name === '__transaction_state') await metadata.ensureInternalTopic(name)
      else await metadata.exclusively(() => createTopic(broker, name))
      logger.info({ topic: name }, 'created a topic because a client asked for it')
    } catch (error) {
      logger.warn({ topic: name, error }, 'could not create a topic that a client asked for')
    }
  }
}

async function createTopic({ metadata, brokers }: BrokerContext, name: string): Promise<void> {
  if (metadata.topic(name)) return
  const ids = brokers.map(({ brokerId }) => brokerId)
  const requested = { name, numPartitions: -1, replicationFactor: -1, assignments: [], configs: [] }
  await metadata.createTopics([planTopic(requested, metadata, ids)])
}

function collides({ metadata, config }: BrokerContext, name: string): boolean {
  if (!config.boolean('auto.create.topics.enable')) return false
  return metadata.topics().some((topic) => topic.name.replaceAll('.', '_') === name.replaceAll('.', '_'))
}

function describe(topic: TopicMetadata, topicAuthorizedOperations: number): TopicAnswer {
  return {
    errorCode: errorCodes.NONE,
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: topic.partitions.map(({ partition, leader, leaderEpoch, replicas, isr }) => ({
      errorCode: errorCodes.NONE,
      partitionIndex: partition,
      leaderId: leader,
      leaderEpoch,
      replicaNodes: replicas,
      isrNodes: isr,
      offlineReplicas: replicas.filter((id) => !isr.includes(id)),
    })),
    ...(topicAuthorizedOperations !== operationsNotAsked && { topicAuthorizedOperations }),
  }
}
