// Names of dead letters, for their readers. Apart from the code that writes them, so that the package's types
// say nothing of the Kafka client.

/** Headers of a dead letter; all values are text. The original headers come before them, unchanged. */
export const deadLetterHeaders = {
  topic: 'dlq.original.topic',
  partition: 'dlq.original.partition',
  offset: 'dlq.original.offset',
  timestamp: 'dlq.original.timestamp',
  errorClass: 'dlq.error.class',
  errorMessage: 'dlq.error.message',
  /** The same for failures that differ in numbers and ids only: what to group by. */
  fingerprint: 'dlq.error.fingerprint',
  attempts: 'dlq.attempts',
  service: 'dlq.service',
  failedAt: 'dlq.failed.at',
} as const

const suffix = '.dlq'

export const deadLetterTopic = (topic: string): string => `${topic}${suffix}`

export const isDeadLetterTopic = (topic: string): boolean => topic.endsWith(suffix)
