// How a client that reads a partition or commits its offsets reacts to an error: one table.
// https://kafka.apache.org/protocol#protocol_error_codes
import type { KafkaErrorName } from '@selfmonitor/protocol/errors'

export type PartitionErrorKind =
  /** Another broker leads the partition, or the client's metadata of the topic is out of date: ask again, then try again. */
  | 'stale metadata'
  /** The log does not hold the position: only another position helps. */
  | 'out of range'
  /** The account may not do it. */
  | 'denied'
  /** The data cannot be read as it is. */
  | 'damaged'
  /** Trying again helps only after the topic or the brokers were changed. */
  | 'fatal'
  /** Goes away when the brokers have recovered: try again. */
  | 'passing'

const kinds: Partial<Record<KafkaErrorName, PartitionErrorKind>> = {
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
  TOPIC_AUTHORIZATION_FAILED: 'denied',
  GROUP_AUTHORIZATION_FAILED: 'denied',
  CLUSTER_AUTHORIZATION_FAILED: 'denied',
  SASL_AUTHENTICATION_FAILED: 'denied',
  CORRUPT_MESSAGE: 'damaged',
  UNSUPPORTED_COMPRESSION_TYPE: 'damaged',
  INVALID_TOPIC_EXCEPTION: 'fatal',
  UNSUPPORTED_VERSION: 'fatal',
  OFFSET_METADATA_TOO_LARGE: 'fatal',
}

/** @param error Kafka's name of it */
export function partitionErrorKind(error: string): PartitionErrorKind {
  return (kinds as Readonly<Record<string, PartitionErrorKind | undefined>>)[error] ?? 'passing'
}
