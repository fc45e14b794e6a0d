// From an answer about topics to the topic that is needed, or the reason why there is none.
import { TopicDeniedError, UnknownEventError } from '../errors.ts'
import type { TopicMetadata } from './client.ts'

/**
 * @param use what this service wants to do with it, for the advice
 * @throws UnknownEventError when the topic does not exist; TopicDeniedError when this service may not see it; Error for what
 *   goes away when it is tried again
 */
export function requireTopic(
  described: ReadonlyMap<string, TopicMetadata>,
  topic: string,
  use: 'read' | 'write',
): TopicMetadata {
  const found = described.get(topic)
  if (found === undefined) {
    throw new UnknownEventError(topic, null, null, '(not on the cluster: create it with `selfmonitor apply`)')
  }
  switch (found.error) {
    case null:
      return found
    case 'TOPIC_AUTHORIZATION_FAILED':
      throw new TopicDeniedError(topic, use)
    case 'INVALID_TOPIC_EXCEPTION':
      throw new UnknownEventError(topic, null, null, '(Kafka does not allow this name)')
    default:
      throw new Error(`${topic}: ${found.error}`)
  }
}
