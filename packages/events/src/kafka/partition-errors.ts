// The meaning of an error about a partition to this library, and its remedy. The table is that of @selfmonitor/cluster.
import { partitionErrorKind as kindOf } from '@selfmonitor/cluster/partition-errors'

export type PartitionErrorKind =
  /** Another broker leads the partition, or what is known of the topic is out of date: learn it anew and try again. */
  | 'stale metadata'
  /** The log does not hold the position: only another position helps. */
  | 'out of range'
  /** Trying again helps only after a change: permissions, the broker's settings, damaged data. */
  | 'fatal'
  /** Goes away when the brokers have recovered: try again. */
  | 'passing'

/** @param error Kafka's name of it */
export function partitionErrorKind(error: string): PartitionErrorKind {
  const kind = kindOf(error)
  return kind === 'denied' || kind === 'damaged' ? 'fatal' : kind
}

/** The remedy of an error, as the second half of a sentence; empty for errors whose name says it. */
export function partitionErrorAdvice(error: string): string {
  switch (error) {
    case 'TOPIC_AUTHORIZATION_FAILED':
    case 'GROUP_AUTHORIZATION_FAILED':
      return 'this service may not read here: add the topic to its `consumes` in platform.yaml and apply it'
    case 'UNKNOWN_TOPIC_OR_PARTITION':
      return 'it does not exist: create it with `selfmonitor apply`; it is read as soon as it exists'
    case 'SASL_AUTHENTICATION_FAILED':
      return 'check KAFKA_SASL_USERNAME and KAFKA_SASL_PASSWORD'
    case 'CORRUPT_MESSAGE':
      return "the log is damaged at this offset: see the broker's log, and move the group past it with `selfmonitor groups reset-offsets`"
    case 'UNSUPPORTED_COMPRESSION_TYPE':
      return 'a newer client compressed these records with a codec that this broker cannot serve'
    default:
      return ''
  }
}
