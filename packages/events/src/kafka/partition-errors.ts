// What an error about a partition means for somebody who reads it or commits its offsets: one table.
// https://kafka.apache.org/protocol#protocol_error_codes

export type PartitionErrorKind =
  /** Another broker leads the partition, or what is known of the topic is out of date: learn it anew and try again. */
  | 'stale metadata'
  /** The log does not hold the position: only another position helps. */
  | 'out of range'
  /** Trying again helps only after somebody has changed something: permissions, the broker's settings, damaged data. */
  | 'fatal'
  /** Goes away when the brokers have recovered: try again. */
  | 'passing'

const kinds: Readonly<Record<string, PartitionErrorKind>> = {
  OFFSET_OUT_OF_RANGE: 'out of range',
  NOT_LEADER_OR_FOLLOWER: 'stale metadata',
  LEADER_NOT_AVAILABLE: 'stale metadata',
  FENCED_LEADER_EPOCH: 'stale metadata',
  UNKNOWN_LEADER_EPOCH: 'stale metadata',
  UNKNOWN_TOPIC_OR_PARTITION: 'stale metadata',
  UNKNOWN_TOPIC_ID: 'stale metadata',
  INCONSISTENT_TOPIC_ID: 'stale metadata',
  KAFKA_STORAGE_ERROR: 'stale metadata',
  REPLICA_NOT_AVAILABLE: 'stale metadata',
  TOPIC_AUTHORIZATION_FAILED: 'fatal',
  GROUP_AUTHORIZATION_FAILED: 'fatal',
  CLUSTER_AUTHORIZATION_FAILED: 'fatal',
  SASL_AUTHENTICATION_FAILED: 'fatal',
  INVALID_TOPIC_EXCEPTION: 'fatal',
  UNSUPPORTED_COMPRESSION_TYPE: 'fatal',
  UNSUPPORTED_VERSION: 'fatal',
  CORRUPT_MESSAGE: 'fatal',
  OFFSET_METADATA_TOO_LARGE: 'fatal',
}

/** @param error Kafka's name of it */
export function partitionErrorKind(error: string): PartitionErrorKind {
  return kinds[error] ?? 'passing'
}

/** What somebody has to do about a fatal error, as the second half of a sentence; empty for those that say it themselves. */
export function partitionErrorAdvice(error: string): string {
  switch (error) {
    case 'TOPIC_AUTHORIZATION_FAILED':
    case 'GROUP_AUTHORIZATION_FAILED':
      return 'this service may not read here: add the topic to its `consumes` in platform.yaml and apply it'
    case 'SASL_AUTHENTICATION_FAILED':
      return 'check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'
    case 'CORRUPT_MESSAGE':
      return "the log is damaged at this offset: see the broker's log, and move the group past it with `selfmonitor groups reset-offsets`"
    case 'UNSUPPORTED_COMPRESSION_TYPE':
      return 'a newer client compressed these records in a way that this broker cannot hand out'
    default:
      return ''
  }
}
