// DeleteTopics: topics with their records, by name or by id.
//
// Behaviour: the deletion is on disk before the answer is sent; the records are removed soon after, and the offsets that groups
// have committed for the topic.
//
// Versions: v1 to v5 name topics in a list of strings, v6 by name or id (KIP-516), v5 adds messages. v3 has
// TOPIC_DELETION_DISABLED; earlier versions answer INVALID_REQUEST.
import { errorCodes, type RequestOf, type ResponseInput, type Uuid, zeroUuid } from '@selfmonitor/protocol'
import { KafkaError, toKafkaError } from '../errors.ts'
import type { MetadataStore, TopicMetadata } from '../metadata/index.ts'
import type { ApiHandler } from '../request/handler.ts'

type Answer = NonNullable<ResponseInput<'DeleteTopics'>['responses']>[number]
interface RequestedTopic {
  readonly name: string | null
  readonly topicId: Uuid
}

export const handleDeleteTopics: ApiHandler<'DeleteTopics'> = (request, { broker, apiVersion }) =>
  broker.metadata.exclusively(async () => {
    if (!broker.config.boolean('delete.topic.enable')) {
      throw new KafkaError(
        apiVersion < 3 ? 'INVALID_REQUEST' : 'TOPIC_DELETION_DISABLED',
        'Topic deletion is disabled.',
      )
    }
    const requested = requestedTopics(request, apiVersion)
    const toDelete = new Map<Uuid, TopicMetadata>()
    const responses = requested.map((wanted): Answer => {
      try {
        checkForm(wanted, requested)
        const topic = find(wanted, broker.metadata)
        if (toDelete.has(topic.id)) {
          throw new KafkaError('INVALID_REQUEST', 'The provided topic name maps to an ID that was already supplied.')
        }
        toDelete.set(topic.id, topic)
        return { name: topic.name, topicId: topic.id, errorCode: errorCodes.NONE }
      } catch (error) {
        const { code, message } = toKafkaError(error)
        return { ...wanted, name: wanted.name ?? (apiVersion < 6 ? '' : null), errorCode: code, errorMessage: message }
      }
    })
    await broker.metadata.deleteTopics([...toDelete.keys()])
    return { responses }
  })

function requestedTopics(request: RequestOf<'DeleteTopics'>, apiVersion: number): readonly RequestedTopic[] {
  if (apiVersion >= 6) return request.topics
  return [...new Set(request.topicNames)].map((name) => ({ name, topicId: zeroUuid }))
}

function checkForm(wanted: RequestedTopic, all: readonly RequestedTopic[]): void {
  if (wanted.name === null && wanted.topicId === zeroUuid) {
    throw new KafkaError('INVALID_REQUEST', 'Neither topic name nor id were specified.')
  }
  if (wanted.name !== null && wanted.topicId !== zeroUuid) {
    throw new KafkaError('INVALID_REQUEST', 'You may not specify both topic name and topic id.')
  }
  const same = all.filter(({ name, topicId }) => name === wanted.name && topicId === wanted.topicId)
  if (same.length > 1) {
    throw new KafkaError('INVALID_REQUEST', wanted.name === null ? 'Duplicate topic id.' : 'Duplicate topic name.')
  }
}

function find(wanted: RequestedTopic, metadata: MetadataStore): TopicMetadata {
  const topic = wanted.name === null ? metadata.topicById(wanted.topicId) : metadata.topic(wanted.name)
  if (topic) return topic
  if (wanted.name === null) throw new KafkaError('UNKNOWN_TOPIC_ID', 'This server does not host this topic ID.')
  throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
}
