// How the records of dead letter topics say where they came from and why: one row for each convention.
import { deadLetterHeaders, isDeadLetterTopic } from '../dead-letter-names.ts'

export interface Convention {
  readonly name: 'selfmonitor' | 'spring' | 'connect'
  /** Names of headers. Where there are several, the first that is there counts. */
  readonly headers: {
    readonly topic: string
    readonly partition: string
    readonly offset: string
    readonly timestamp?: string
    readonly errorClass: readonly string[]
    readonly errorMessage: readonly string[]
    readonly stack?: string
    readonly fingerprint?: string
    readonly attempts?: string
    /** The group, service or connector that failed. */
    readonly by?: string
    readonly failedAt?: string
    /** What it did when it failed. */
    readonly stage?: string
  }
  /** How numbers are written. */
  readonly numbers: 'text' | 'big-endian'
  /** The letter's own timestamp is that of the original record, where no header has that. */
  readonly keepsTimestamp: boolean
  /** Headers that the convention added; a replay removes them. */
  readonly isOwn: (header: string) => boolean
}

const selfmonitorNames: ReadonlySet<string> = new Set(Object.values(deadLetterHeaders))

export const conventions: readonly Convention[] = [
  {
    name: 'selfmonitor',
    headers: {
      topic: deadLetterHeaders.topic,
      partition: deadLetterHeaders.partition,
      offset: deadLetterHeaders.offset,
      timestamp: deadLetterHeaders.timestamp,
      errorClass: [deadLetterHeaders.errorClass],
      errorMessage: [deadLetterHeaders.errorMessage],
      fingerprint: deadLetterHeaders.fingerprint,
      attempts: deadLetterHeaders.attempts,
      by: deadLetterHeaders.service,
      failedAt: deadLetterHeaders.failedAt,
    },
    numbers: 'text',
    keepsTimestamp: false,
    isOwn: (header) => selfmonitorNames.has(header),
  },
  {
    // https://docs.spring.io/spring-kafka/reference/retrytopic.html, KafkaHeaders.DLT_*
    name: 'spring',
    headers: {
      topic: 'kafka_dlt-original-topic',
      partition: 'kafka_dlt-original-partition',
      offset: 'kafka_dlt-original-offset',
      timestamp: 'kafka_dlt-original-timestamp',
      // The exception itself is mostly ListenerExecutionFailedException.
      errorClass: ['kafka_dlt-exception-cause-fqcn', 'kafka_dlt-exception-fqcn'],
      errorMessage: ['kafka_dlt-exception-message'],
      stack: 'kafka_dlt-exception-stacktrace',
      by: 'kafka_dlt-original-consumer-group',
    },
    numbers: 'big-endian',
    keepsTimestamp: false,
    isOwn: isSpringHeader,
  },
  {
    name: 'spring',
    headers: {
      topic: 'kafka_original-topic',
      partition: 'kafka_original-partition',
      offset: 'kafka_original-offset',
      timestamp: 'kafka_original-timestamp',
      attempts: 'retry_topic-attempts',
      errorClass: ['kafka_exception-cause-fqcn', 'kafka_exception-fqcn'],
      errorMessage: ['kafka_exception-message'],
      stack: 'kafka_exception-stacktrace',
    },
    numbers: 'big-endian',
    keepsTimestamp: false,
    isOwn: isSpringHeader,
  },
  {
    // KIP-298, errors.deadletterqueue.context.headers.enable
    name: 'connect',
    headers: {
      topic: '__connect.errors.topic',
      partition: '__connect.errors.partition',
      offset: '__connect.errors.offset',
      errorClass: ['__connect.errors.exception.class.name'],
      errorMessage: ['__connect.errors.exception.message'],
      stack: '__connect.errors.exception.stacktrace',
      by: '__connect.errors.connector.name',
      stage: '__connect.errors.stage',
    },
    numbers: 'text',
    keepsTimestamp: true,
    isOwn: (header) => header.startsWith('__connect.errors.'),
  },
]

function isSpringHeader(header: string): boolean {
  return /^(kafka_(dlt-)?(original|exception)-|retry_topic-)/.test(header)
}

/** Whether a topic is one of dead letters by its name: `orders.dlq`, Spring's `orders-dlt` and `orders.DLT`, `dlq-sink` of Kafka Connect. */
export function isDeadLetterName(name: string): boolean {
  return isDeadLetterTopic(name) || /(^|[._-])(dlq|dlt|dead[._-]?letters?)([._-]|$)/i.test(name)
}
