// Errors of the registry's topic.

/** The topic cannot be used as it is; starting again does not help until its settings are changed. */
export class TopicUnusableError extends Error {
  readonly code = 'TOPIC_UNUSABLE'
  readonly topic: string

  constructor(topic: string, problem: string) {
    super(problem)
    this.topic = topic
  }
}

/** A record could not be written to Kafka or read from it. */
export class StoreError extends Error {
  readonly code: 'STORE_FAILED' | 'STORE_TIMEOUT'

  constructor(code: 'STORE_FAILED' | 'STORE_TIMEOUT', message: string, cause?: unknown) {
    super(message, { cause })
    this.code = code
  }
}
