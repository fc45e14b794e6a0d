// The meaning of an answer to a Produce request for its batch: one table.
// https://kafka.apache.org/protocol#protocol_error_codes

export type ProduceErrorKind =
  /** The records can never be taken as they are. */
  | 'refused'
  /** The broker does not know, or no longer accepts, the producer that the batch names, and has not written it. */
  | 'identity lost'
  /** Another broker leads the partition. */
  | 'stale leader'
  /** Goes away when the brokers have recovered. */
  | 'passing'

const kinds: Readonly<Record<string, ProduceErrorKind>> = {
  MESSAGE_TOO_LARGE: 'refused',
  RECORD_LIST_TOO_LARGE: 'refused',
  INVALID_RECORD: 'refused',
  INVALID_TIMESTAMP: 'refused',
  INVALID_TOPIC_EXCEPTION: 'refused',
  INVALID_REQUIRED_ACKS: 'refused',
  UNSUPPORTED_FOR_MESSAGE_FORMAT: 'refused',
  UNSUPPORTED_COMPRESSION_TYPE: 'refused',
  TOPIC_AUTHORIZATION_FAILED: 'refused',
  CLUSTER_AUTHORIZATION_FAILED: 'refused',
  POLICY_VIOLATION: 'refused',
  OUT_OF_ORDER_SEQUENCE_NUMBER: 'identity lost',
  UNKNOWN_PRODUCER_ID: 'identity lost',
  INVALID_PRODUCER_EPOCH: 'identity lost',
  PRODUCER_FENCED: 'identity lost',
  NOT_LEADER_OR_FOLLOWER: 'stale leader',
  LEADER_NOT_AVAILABLE: 'stale leader',
  FENCED_LEADER_EPOCH: 'stale leader',
  UNKNOWN_LEADER_EPOCH: 'stale leader',
  UNKNOWN_TOPIC_OR_PARTITION: 'stale leader',
  UNKNOWN_TOPIC_ID: 'stale leader',
  KAFKA_STORAGE_ERROR: 'stale leader',
}

/** @param error Kafka's name of it */
export function produceErrorKind(error: string): ProduceErrorKind {
  return kinds[error] ?? 'passing'
}
