// DeleteTopics: topics with their records, by name or by id.
//
// Behaviour: the deletion is on disk before the answer leaves; the records follow soon after. Offsets that groups have
// committed for the topic are forgotten.
//
// Versions: v1 to v5 name topics in a list of strings, v6 by name or id (KIP-516), v5 adds messages. v3 knows
// TOPIC_DELETION_DISABLED; before, INVALID_REQUEST says the same.
import { errorCodes, type RequestOf, type ResponseInput, type Uuid, zeroUuid } from '@selfmonitor/protocol'
import { KafkaError, toKafkaError } from '../errors.ts'
import type { MetadataStore, TopicMetadata } from '../metadata/index.ts'
import type { ApiHandler } from '../request/handler.ts'

type Answer = NonNullable<ResponseInput<'DeleteTopics'>['responses']>[number]
interface Wish {
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
    const wishes = wishesOf(request, apiVersion)
    const doomed = new Map<Uuid, TopicMetadata>()
    const responses = wishes.map((wish): Answer => {
      try {
        checkForm(wish, wishes)
        const topic = find(wish, broker.metadata)
        if (doomed.has(topic.id)) {
          throw new KafkaError('INVALID_REQUEST', 'The provided topic name maps to an ID that was already supplied.')
        }
        doomed.set(topic.id, topic)
        return { name: topic.name, topicId: topic.id, errorCode: errorCodes.NONE }
      } catch (error) {
        const { code, message } = toKafkaError(error)
        return { ...wish, name: wish.name ?? (apiVersion < 6 ? '' : null), errorCode: code, errorMessage: message }
      }
    })
    await broker.metadata.deleteTopics([...doomed.keys()])
    return { responses }
  })

function wishesOf(request: RequestOf<'DeleteTopics'>, apiVersion: number): readonly Wish[] {
  if (apiVersion >= 6) return request.topics
  return [...new Set(request.topicNames)].map((name) => ({ name, topicId: zeroUuid }))
}

function checkForm(wish: Wish, all: readonly Wish[]): void {
  if (wish.name === null && wish.topicId === zeroUuid) {
    throw new KafkaError('INVALID_REQUEST', 'Neither topic name nor id were specified.')
  }
  if (wish.name !== null && wish.topicId !== zeroUuid) {
    throw new KafkaError('INVALID_REQUEST', 'You may not specify both topic name and topic id.')
  }
  const same = all.filter(({ name, topicId }) => name === wish.name && topicId === wish.topicId)
  if (same.length > 1) {
    throw new KafkaError('INVALID_REQUEST', wish.name === null ? 'Duplicate topic id.' : 'Duplicate topic name.')
  }
}

function find(wish: Wish, metadata: MetadataStore): TopicMetadata {
  const topic = wish.name === null ? metadata.topicById(wish.topicId) : metadata.topic(wish.name)
  if (topic) return topic
  if (wish.name === null) throw new KafkaError('UNKNOWN_TOPIC_ID', 'This server does not host this topic ID.')
  throw new KafkaError('UNKNOWN_TOPIC_OR_PARTITION', 'This server does not host this topic-partition.')
}
