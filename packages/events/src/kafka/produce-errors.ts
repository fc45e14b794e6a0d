// The remedies for answers to a Produce request that no retry changes.

/**
 * The remedy for an error that is not temporary.
 * @param said what the broker says about it; null when it says nothing
 */
export function explainRefusal(error: string, said: string | null): string {
  const advice = adviceOf(error)
  if (advice === null) return said ?? error
  return said === null ? `${error}: ${advice}` : `${error}: ${said.replace(/\.$/, '')}: ${advice}`
}

function adviceOf(error: string): string | null {
  switch (error) {
    case 'MESSAGE_TOO_LARGE':
    case 'RECORD_LIST_TOO_LARGE':
      return "the event is larger than the topic's max.message.bytes; make it smaller, set `compression` (KAFKA_COMPRESSION_TYPE), or raise the setting"
    case 'TOPIC_AUTHORIZATION_FAILED':
      return 'this service may not write here; add the topic to its `produces` in platform.yaml'
    default:
      return null
  }
}
