// Every error code of the Kafka protocol as one table. `retriable` is what Apache Kafka 4.4's Java client says of it.

interface ErrorEntry {
  readonly code: number
  readonly retriable: boolean
  readonly meaning: string
}

const table = {
  UNKNOWN_SERVER_ERROR: {
    code: -1,
    retriable: false,
    meaning: 'An error that the broker did not expect; its log says more.',
  },
  NONE: { code: 0, retriable: false, meaning: 'No error.' },
  OFFSET_OUT_OF_RANGE: {
    code: 1,
    retriable: false,
    meaning: 'The offset lies before the start or after the end of the partition.',
  },
  CORRUPT_MESSAGE: {
    code: 2,
    retriable: true,
    meaning: 'The records are damaged: checksum, size, or a missing key on a compacted topic.',
  },
  UNKNOWN_TOPIC_OR_PARTITION: {
    code: 3,
    retriable: true,
    meaning: 'The topic or partition does not exist here, or is not known here yet.',
  },
  INVALID_FETCH_SIZE: { code: 4, retriable: false, meaning: 'The fetch size is not valid.' },
  LEADER_NOT_AVAILABLE: {
    code: 5,
    retriable: true,
    meaning: 'The partition has no leader at the moment; an election is under way.',
  },
  NOT_LEADER_OR_FOLLOWER: { code: 6, retriable: true, meaning: 'Another broker leads the partition.' },
  REQUEST_TIMED_OUT: {
    code: 7,
    retriable: true,
    meaning: 'The broker gave up waiting before the request could be completed.',
  },
  BROKER_NOT_AVAILABLE: { code: 8, retriable: false, meaning: 'The broker is not available.' },
  REPLICA_NOT_AVAILABLE: { code: 9, retriable: true, meaning: 'No replica of the partition is available here.' },
  MESSAGE_TOO_LARGE: { code: 10, retriable: false, meaning: 'A record batch is larger than max.message.bytes allows.' },
  STALE_CONTROLLER_EPOCH: {
    code: 11,
    retriable: false,
    meaning: 'The request comes from a controller that has been replaced.',
  },
  OFFSET_METADATA_TOO_LARGE: {
    code: 12,
    retriable: false,
    meaning: 'The metadata string of an offset commit is too long.',
  },
  NETWORK_EXCEPTION: { code: 13, retriable: true, meaning: 'The connection ended before the response arrived.' },
  COORDINATOR_LOAD_IN_PROGRESS: { code: 14, retriable: true, meaning: 'The coordinator is still loading its state.' },
  COORDINATOR_NOT_AVAILABLE: { code: 15, retriable: true, meaning: 'There is no coordinator at the moment.' },
  NOT_COORDINATOR: {
    code: 16,
    retriable: true,
    meaning: 'Another broker is the coordinator of this group or transaction.',
  },
  INVALID_TOPIC_EXCEPTION: {
    code: 17,
    retriable: false,
    meaning: "The topic's name is not valid, or the topic may not be written to.",
  },
  RECORD_LIST_TOO_LARGE: { code: 18, retriable: false, meaning: 'The batch is larger than a log segment.' },
  NOT_ENOUGH_REPLICAS: {
    code: 19,
    retriable: true,
    meaning: 'Fewer replicas are in sync than min.insync.replicas asks for.',
  },
  NOT_ENOUGH_REPLICAS_AFTER_APPEND: {
    code: 20,
    retriable: true,
    meaning: 'The records were written, but to fewer replicas than min.insync.replicas asks for.',
  },
  INVALID_REQUIRED_ACKS: { code: 21, retriable: false, meaning: 'acks must be -1, 0 or 1.' },
  ILLEGAL_GENERATION: { code: 22, retriable: false, meaning: 'The group has moved on to another generation.' },
  INCONSISTENT_GROUP_PROTOCOL: {
    code: 23,
    retriable: false,
    meaning: 'The member shares no protocol with the other members of the group, or names none.',
  },
  INVALID_GROUP_ID: { code: 24, retriable: false, meaning: 'The group id is not valid.' },
  UNKNOWN_MEMBER_ID: { code: 25, retriable: false, meaning: 'The coordinator does not know this member.' },
  INVALID_SESSION_TIMEOUT: {
    code: 26,
    retriable: false,
    meaning: 'The session timeout lies outside the range that the broker allows.',
  },
  REBALANCE_IN_PROGRESS: {
    code: 27,
    retriable: false,
    meaning: 'The group is rebalancing; the member must join again.',
  },
  INVALID_COMMIT_OFFSET_SIZE: { code: 28, retriable: false, meaning: 'The offset commit is too large.' },
  TOPIC_AUTHORIZATION_FAILED: { code: 29, retriable: false, meaning: 'The principal may not do this with the topic.' },
  GROUP_AUTHORIZATION_FAILED: { code: 30, retriable: false, meaning: 'The principal may not do this with the group.' },
  CLUSTER_AUTHORIZATION_FAILED: {
    code: 31,
    retriable: false,
    meaning: 'The principal may not do this with the cluster.',
  },
  INVALID_TIMESTAMP: {
    code: 32,
    retriable: false,
    meaning: "A record's timestamp lies outside the range that the topic allows.",
  },
  UNSUPPORTED_SASL_MECHANISM: { code: 33, retriable: false, meaning: 'The broker does not offer this SASL mechanism.' },
  ILLEGAL_SASL_STATE: {
    code: 34,
    retriable: false,
    meaning: 'The request does not fit the state of the SASL exchange.',
  },
  UNSUPPORTED_VERSION: { code: 35, retriable: false, meaning: 'The broker does not support this version of the API.' },
  TOPIC_ALREADY_EXISTS: { code: 36, retriable: false, meaning: 'A topic with this name exists already.' },
  INVALID_PARTITIONS: { code: 37, retriable: false, meaning: 'The number of partitions is not possible.' },
  INVALID_REPLICATION_FACTOR: {
    code: 38,
    retriable: false,
    meaning: 'The replication factor is below 1 or above the number of brokers.',
  },
  INVALID_REPLICA_ASSIGNMENT: { code: 39, retriable: false, meaning: 'The assignment of replicas is not valid.' },
  INVALID_CONFIG: { code: 40, retriable: false, meaning: 'A setting or its value is not valid.' },
  NOT_CONTROLLER: { code: 41, retriable: true, meaning: 'Another broker is the controller.' },
  INVALID_REQUEST: { code: 42, retriable: false, meaning: 'The request contradicts itself or lacks something.' },
  UNSUPPORTED_FOR_MESSAGE_FORMAT: {
    code: 43,
    retriable: false,
    meaning: 'The record format does not support what was asked, or is no longer accepted.',
  },
  POLICY_VIOLATION: { code: 44, retriable: false, meaning: 'A policy of the cluster forbids it.' },
  OUT_OF_ORDER_SEQUENCE_NUMBER: { code: 45, retriable: false, meaning: "An idempotent producer's sequence has a gap." },
  DUPLICATE_SEQUENCE_NUMBER: {
    code: 46,
    retriable: false,
    meaning: 'An idempotent producer sent a batch that was written before.',
  },
  INVALID_PRODUCER_EPOCH: {
    code: 47,
    retriable: false,
    meaning: "The producer's epoch is old; a newer instance has taken over.",
  },
  INVALID_TXN_STATE: {
    code: 48,
    retriable: false,
    meaning: 'The transaction is in a state in which this is not possible.',
  },
  INVALID_PRODUCER_ID_MAPPING: {
    code: 49,
    retriable: false,
    meaning: 'The producer id does not belong to the transactional id.',
  },
  INVALID_TRANSACTION_TIMEOUT: {
    code: 50,
    retriable: false,
    meaning: 'The transaction timeout is larger than transaction.max.timeout.ms.',
  },
  CONCURRENT_TRANSACTIONS: {
    code: 51,
    retriable: true,
    meaning: 'Another operation on the same transaction is under way.',
  },
  TRANSACTION_COORDINATOR_FENCED: {
    code: 52,
    retriable: false,
    meaning: 'The transaction coordinator has been replaced.',
  },
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: {
    code: 53,
    retriable: false,
    meaning: 'The principal may not use the transactional id.',
  },
  SECURITY_DISABLED: { code: 54, retriable: false, meaning: 'The broker has no authoriser, so there are no ACLs.' },
  OPERATION_NOT_ATTEMPTED: {
    code: 55,
    retriable: false,
    meaning: 'The operation was not tried, because another one in the same request failed.',
  },
  KAFKA_STORAGE_ERROR: { code: 56, retriable: true, meaning: 'The disk of the partition failed.' },
  LOG_DIR_NOT_FOUND: { code: 57, retriable: false, meaning: 'The log directory is not configured on the broker.' },
  SASL_AUTHENTICATION_FAILED: { code: 58, retriable: false, meaning: 'Authentication failed.' },
  UNKNOWN_PRODUCER_ID: {
    code: 59,
    retriable: false,
    meaning: 'The broker holds no state for this producer; its records may have been deleted.',
  },
  REASSIGNMENT_IN_PROGRESS: { code: 60, retriable: false, meaning: 'The partition is being reassigned.' },
  DELEGATION_TOKEN_AUTH_DISABLED: { code: 61, retriable: false, meaning: 'Delegation tokens are not enabled.' },
  DELEGATION_TOKEN_NOT_FOUND: { code: 62, retriable: false, meaning: 'The delegation token does not exist.' },
  DELEGATION_TOKEN_OWNER_MISMATCH: {
    code: 63,
    retriable: false,
    meaning: 'The principal is neither owner nor renewer of the token.',
  },
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: {
    code: 64,
    retriable: false,
    meaning: 'Delegation tokens may not be requested over this connection.',
  },
  DELEGATION_TOKEN_AUTHORIZATION_FAILED: {
    code: 65,
    retriable: false,
    meaning: 'The principal may not do this with the delegation token.',
  },
  DELEGATION_TOKEN_EXPIRED: { code: 66, retriable: false, meaning: 'The delegation token has expired.' },
  INVALID_PRINCIPAL_TYPE: { code: 67, retriable: false, meaning: 'The type of the principal is not supported.' },
  NON_EMPTY_GROUP: { code: 68, retriable: false, meaning: 'The group still has members.' },
  GROUP_ID_NOT_FOUND: { code: 69, retriable: false, meaning: 'The group does not exist.' },
  FETCH_SESSION_ID_NOT_FOUND: { code: 70, retriable: true, meaning: 'The broker does not know this fetch session.' },
  INVALID_FETCH_SESSION_EPOCH: {
    code: 71,
    retriable: true,
    meaning: 'The epoch of the fetch session is not the next one.',
  },
  LISTENER_NOT_FOUND: {
    code: 72,
    retriable: true,
    meaning: 'The leader has no listener of the name that the request came through.',
  },
  TOPIC_DELETION_DISABLED: { code: 73, retriable: false, meaning: 'The broker does not allow topics to be deleted.' },
  FENCED_LEADER_EPOCH: {
    code: 74,
    retriable: true,
    meaning: "The leader epoch of the request is older than the broker's.",
  },
  UNKNOWN_LEADER_EPOCH: {
    code: 75,
    retriable: true,
    meaning: "The leader epoch of the request is newer than the broker's.",
  },
  UNSUPPORTED_COMPRESSION_TYPE: {
    code: 76,
    retriable: false,
    meaning: "The client's version of the API does not know this compression.",
  },
  STALE_BROKER_EPOCH: { code: 77, retriable: false, meaning: "The broker's epoch has changed." },
  OFFSET_NOT_AVAILABLE: { code: 78, retriable: true, meaning: 'The new leader does not know its high watermark yet.' },
  MEMBER_ID_REQUIRED: {
    code: 79,
    retriable: false,
    meaning: 'The member must join again with the id that it was just given.',
  },
  PREFERRED_LEADER_NOT_AVAILABLE: { code: 80, retriable: true, meaning: 'The preferred leader is not available.' },
  GROUP_MAX_SIZE_REACHED: { code: 81, retriable: false, meaning: 'The group has as many members as it may have.' },
  FENCED_INSTANCE_ID: {
    code: 82,
    retriable: false,
    meaning: 'A newer member with the same group.instance.id has taken over.',
  },
  ELIGIBLE_LEADERS_NOT_AVAILABLE: { code: 83, retriable: true, meaning: 'No replica may be elected.' },
  ELECTION_NOT_NEEDED: { code: 84, retriable: true, meaning: 'The partition needs no election.' },
  NO_REASSIGNMENT_IN_PROGRESS: { code: 85, retriable: false, meaning: 'The partition is not being reassigned.' },
  GROUP_SUBSCRIBED_TO_TOPIC: { code: 86, retriable: false, meaning: 'The group still reads the topic.' },
  INVALID_RECORD: { code: 87, retriable: false, meaning: 'A record is not valid; the batch was refused.' },
  UNSTABLE_OFFSET_COMMIT: {
    code: 88,
    retriable: true,
    meaning: 'A transaction that commits these offsets is still open.',
  },
  THROTTLING_QUOTA_EXCEEDED: {
    code: 89,
    retriable: true,
    meaning: 'The quota is used up; try again after the throttle time.',
  },
  PRODUCER_FENCED: {
    code: 90,
    retriable: false,
    meaning: 'A newer producer with the same transactional id has taken over.',
  },
  RESOURCE_NOT_FOUND: { code: 91, retriable: false, meaning: 'The resource does not exist.' },
  DUPLICATE_RESOURCE: { code: 92, retriable: false, meaning: 'The request names the same resource twice.' },
  UNACCEPTABLE_CREDENTIAL: { code: 93, retriable: false, meaning: 'The credential does not meet the requirements.' },
  INCONSISTENT_VOTER_SET: {
    code: 94,
    retriable: false,
    meaning: 'Sender and receiver disagree about the voters of the quorum.',
  },
  INVALID_UPDATE_VERSION: { code: 95, retriable: false, meaning: 'The version given for the update is not valid.' },
  FEATURE_UPDATE_FAILED: { code: 96, retriable: false, meaning: 'The features could not be updated.' },
  PRINCIPAL_DESERIALIZATION_FAILURE: {
    code: 97,
    retriable: false,
    meaning: 'The principal of a forwarded request cannot be read.',
  },
  SNAPSHOT_NOT_FOUND: { code: 98, retriable: false, meaning: 'The snapshot does not exist.' },
  POSITION_OUT_OF_RANGE: { code: 99, retriable: false, meaning: 'The position lies outside the snapshot.' },
  UNKNOWN_TOPIC_ID: { code: 100, retriable: true, meaning: 'The topic id is not known here, or not yet.' },
  DUPLICATE_BROKER_REGISTRATION: { code: 101, retriable: false, meaning: 'The broker id is in use.' },
  BROKER_ID_NOT_REGISTERED: { code: 102, retriable: false, meaning: 'The broker id is not registered.' },
  INCONSISTENT_TOPIC_ID: {
    code: 103,
    retriable: true,
    meaning: 'The topic id of the log is another one than that of the request.',
  },
  INCONSISTENT_CLUSTER_ID: {
    code: 104,
    retriable: false,
    meaning: "The cluster id of the request is another one than the broker's.",
  },
  TRANSACTIONAL_ID_NOT_FOUND: { code: 105, retriable: false, meaning: 'The transactional id does not exist.' },
  FETCH_SESSION_TOPIC_ID_ERROR: {
    code: 106,
    retriable: true,
    meaning: 'The fetch session mixes topic names and topic ids.',
  },
  INELIGIBLE_REPLICA: { code: 107, retriable: false, meaning: 'A replica of the new in-sync set may not be in it.' },
  NEW_LEADER_ELECTED: {
    code: 108,
    retriable: false,
    meaning: 'The partition was changed, but its leader is a new one.',
  },
  OFFSET_MOVED_TO_TIERED_STORAGE: { code: 109, retriable: false, meaning: 'The offset lies in tiered storage.' },
  FENCED_MEMBER_EPOCH: {
    code: 110,
    retriable: false,
    meaning: "The coordinator has fenced the member's epoch; the member must give up its partitions and join again.",
  },
  UNRELEASED_INSTANCE_ID: { code: 111, retriable: false, meaning: 'Another member still uses the group.instance.id.' },
  UNSUPPORTED_ASSIGNOR: {
    code: 112,
    retriable: false,
    meaning: 'The group does not support the assignor or its version.',
  },
  STALE_MEMBER_EPOCH: {
    code: 113,
    retriable: false,
    meaning: "The member's epoch is old; it must wait for its next heartbeat and try again.",
  },
  MISMATCHED_ENDPOINT_TYPE: {
    code: 114,
    retriable: false,
    meaning: 'The request was sent to the wrong type of endpoint.',
  },
  UNSUPPORTED_ENDPOINT_TYPE: { code: 115, retriable: false, meaning: 'This type of endpoint is not supported.' },
  UNKNOWN_CONTROLLER_ID: { code: 116, retriable: false, meaning: 'The controller id is not known.' },
  UNKNOWN_SUBSCRIPTION_ID: { code: 117, retriable: false, meaning: 'The telemetry subscription is not known, or old.' },
  TELEMETRY_TOO_LARGE: { code: 118, retriable: false, meaning: 'The telemetry data is too large.' },
  INVALID_REGISTRATION: { code: 119, retriable: false, meaning: 'The registration of the broker is not valid.' },
  TRANSACTION_ABORTABLE: { code: 120, retriable: false, meaning: 'The transaction failed and can be aborted.' },
  INVALID_RECORD_STATE: {
    code: 121,
    retriable: false,
    meaning: 'The state of the record does not allow it; it could not be acknowledged.',
  },
  SHARE_SESSION_NOT_FOUND: { code: 122, retriable: true, meaning: 'The broker does not know this share session.' },
  INVALID_SHARE_SESSION_EPOCH: {
    code: 123,
    retriable: true,
    meaning: 'The epoch of the share session is not the next one.',
  },
  FENCED_STATE_EPOCH: {
    code: 124,
    retriable: false,
    meaning: 'The share coordinator has moved on to another state epoch.',
  },
  INVALID_VOTER_KEY: { code: 125, retriable: false, meaning: 'The key of the voter does not match.' },
  DUPLICATE_VOTER: { code: 126, retriable: false, meaning: 'The voter is in the set already.' },
  VOTER_NOT_FOUND: { code: 127, retriable: false, meaning: 'The voter is not in the set.' },
  INVALID_REGULAR_EXPRESSION: { code: 128, retriable: false, meaning: 'The regular expression is not valid.' },
  REBOOTSTRAP_REQUIRED: {
    code: 129,
    retriable: false,
    meaning: "The client's metadata is too old; it must begin again from its bootstrap servers.",
  },
  STREAMS_INVALID_TOPOLOGY: {
    code: 130,
    retriable: false,
    meaning: 'The topology of the Streams application is not valid.',
  },
  STREAMS_INVALID_TOPOLOGY_EPOCH: { code: 131, retriable: false, meaning: 'The epoch of the topology is not valid.' },
  STREAMS_TOPOLOGY_FENCED: { code: 132, retriable: false, meaning: 'The epoch of the topology is old.' },
  SHARE_SESSION_LIMIT_REACHED: {
    code: 133,
    retriable: true,
    meaning: 'The broker holds as many share sessions as it may.',
  },
  GROUP_DELETION_FAILED: {
    code: 134,
    retriable: false,
    meaning: 'The group could not be deleted; its message says why.',
  },
  STREAMS_TOPOLOGY_DESCRIPTION_UPDATE_FAILED: {
    code: 135,
    retriable: false,
    meaning: 'The description of the topology could not be updated.',
  },
  CONTROLLER_ID_NOT_REGISTERED: { code: 136, retriable: false, meaning: 'The controller id is not registered.' },
} as const satisfies Record<string, ErrorEntry>

export type KafkaErrorName = keyof typeof table

export interface KafkaErrorInfo {
  readonly code: number
  readonly name: KafkaErrorName
  /** Whether the same request may succeed when it is sent again. */
  readonly retriable: boolean
  /** Its meaning, as a sentence. */
  readonly meaning: string
}

/** Codes by name: `errorCodes.NOT_COORDINATOR` is 16. */
export const errorCodes = Object.fromEntries(Object.entries(table).map(([name, { code }]) => [name, code])) as {
  readonly [N in KafkaErrorName]: (typeof table)[N]['code']
}

/** All errors, in the order of their codes. */
export const kafkaErrors: readonly KafkaErrorInfo[] = Object.entries(table).map(([name, entry]) => ({
  name: name as KafkaErrorName,
  ...entry,
}))

const byCode = new Map(kafkaErrors.map((error) => [error.code, error]))

/** The error with this code; undefined for a code that a newer broker may send. */
export function kafkaErrorByCode(code: number): KafkaErrorInfo | undefined {
  return byCode.get(code)
}

/** Kafka's name of an error code; `ERROR_<n>` for a code that a newer broker may send. */
export function errorName(code: number): string {
  return byCode.get(code)?.name ?? `ERROR_${code}`
}

/** The error with this name; undefined when there is none. */
export function kafkaErrorByName(name: string): KafkaErrorInfo | undefined {
  return Object.hasOwn(table, name) ? byCode.get(table[name as KafkaErrorName].code) : undefined
}
