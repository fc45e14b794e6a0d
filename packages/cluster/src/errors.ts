// Turns the brokers' error codes into errors.
import { errorName, kafkaErrorByCode } from '@selfmonitor/protocol/errors'
import { ClusterError, type ClusterErrorReason } from './cluster-error.ts'

export { ClusterError, type ClusterErrorOptions, type ClusterErrorReason } from './cluster-error.ts'

interface Advice {
  readonly reason?: ClusterErrorReason
  readonly hint: string
}

// Hints for the errors that operators meet; other errors keep Kafka's description.
const advice: Readonly<Record<string, Advice>> = {
  UNKNOWN_TOPIC_OR_PARTITION: { reason: 'invalid', hint: 'Check the name; list topics to see which exist.' },
  TOPIC_ALREADY_EXISTS: { reason: 'invalid', hint: 'Alter the topic instead, or delete it first.' },
  INVALID_TOPIC_EXCEPTION: {
    reason: 'invalid',
    hint: "Use 1 to 249 of the characters a-z, A-Z, 0-9, '.', '_' and '-'; '.' and '_' count as the same.",
  },
  INVALID_PARTITIONS: { reason: 'invalid', hint: 'Partitions can only be added: ask for more than there are.' },
  INVALID_REPLICATION_FACTOR: {
    reason: 'invalid',
    hint: 'A topic cannot have more replicas than there are brokers: lower the replication factor or add brokers.',
  },
  INVALID_CONFIG: { reason: 'invalid', hint: 'Correct the setting: its name and value are Kafka topic settings.' },
  POLICY_VIOLATION: { reason: 'invalid', hint: "The cluster's policy forbids it: ask who operates the cluster." },
  NON_EMPTY_GROUP: { reason: 'invalid', hint: "Stop the group's consumers first; the group must be empty." },
  GROUP_ID_NOT_FOUND: { reason: 'invalid', hint: 'Check the name; list groups to see which exist.' },
  GROUP_SUBSCRIBED_TO_TOPIC: {
    reason: 'invalid',
    hint: 'A member of the group still subscribes to the topic: stop it first.',
  },
  OFFSET_OUT_OF_RANGE: { reason: 'invalid', hint: 'Use an offset between the log start and the high watermark.' },
  TOPIC_DELETION_DISABLED: { hint: 'Set delete.topic.enable=true on the brokers.' },
  TOPIC_AUTHORIZATION_FAILED: { reason: 'not-allowed', hint: 'Grant this principal the operation on the topic (ACL).' },
  GROUP_AUTHORIZATION_FAILED: { reason: 'not-allowed', hint: 'Grant this principal the operation on the group (ACL).' },
  CLUSTER_AUTHORIZATION_FAILED: {
    reason: 'not-allowed',
    hint: 'Grant this principal the operation on the cluster (ACL).',
  },
  SECURITY_DISABLED: {
    hint: 'This cluster has no authorizer, so every client may do everything. The embedded broker has no ACLs; with Apache Kafka, set authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer and super.users on brokers and controllers.',
  },
  RESOURCE_NOT_FOUND: { reason: 'invalid', hint: 'Check the name; list the users to see which exist.' },
  UNACCEPTABLE_CREDENTIAL: { reason: 'invalid', hint: 'Iterations go from 4096 to 16384, and a user needs a name.' },
  INVALID_PRINCIPAL_TYPE: { reason: 'invalid', hint: 'A principal is written User:name.' },
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: {
    reason: 'not-allowed',
    hint: 'Grant this principal the operation on the transactional id (ACL).',
  },
  TOPIC_EXCEPTION: { hint: 'See the broker log.' },
  REQUEST_TIMED_OUT: {
    reason: 'timeout',
    hint: 'The brokers did not finish in time; it may still happen. Check the state before you repeat it.',
  },
  COORDINATOR_NOT_AVAILABLE: {
    reason: 'timeout',
    hint: 'The group coordinator is not up yet: check that __consumer_offsets has a leader for every partition.',
  },
  LEADER_NOT_AVAILABLE: { reason: 'timeout', hint: 'A partition has no leader: check that all brokers are up.' },
}

/** Whether the same request may succeed a little later, according to Kafka. */
export function isRetriableKafkaError(code: number): boolean {
  return kafkaErrorByCode(code)?.retriable === true
}

/**
 * The error for a non-zero error code in a response.
 *
 * @param resource what it is about: `topic user.events`
 * @param detail the broker's own message, when it sent one
 */
export function brokerError(
  code: number,
  resource: string,
  detail?: string | null,
  others: readonly ClusterError[] = [],
): ClusterError {
  const name = errorName(code)
  // Kafka's refusals begin with the whole request as Java prints it, addresses and buffers and all.
  const plain = detail?.replace(/^Request Request\(.*\) needs /s, 'this needs the ')
  const said = plain || kafkaErrorByCode(code)?.meaning || 'The broker gave no further reason.'
  return new ClusterError(name, `${resource}: ${name}: ${said}`, {
    reason: advice[name]?.reason ?? 'failed',
    resource,
    hint: advice[name]?.hint,
    kafkaError: { name, code },
    others,
  })
}

export function invalid(message: string, options: { resource?: string; hint?: string } = {}): ClusterError {
  return new ClusterError('INVALID_ARGUMENT', message, { reason: 'invalid', ...options })
}

/**
 * A change was sent, and no answer came: it may have been done, or may still be.
 *
 * @param what the change: `deleting the group billing`
 * @param reason why there is no answer
 */
export function outcomeUnknown(what: string, reason: string): ClusterError {
  return new ClusterError('OUTCOME_UNKNOWN', `It is not known whether ${what} was done: ${reason}`, {
    reason: 'timeout',
    resource: what,
    hint: 'Check the current state before you repeat it.',
  })
}

/** The error as one of this package. All broker errors are converted already, so any other error is a bug. */
export function asClusterError(error: unknown): ClusterError {
  if (error instanceof ClusterError) {
    return error
  }
  throw error
}

/** Throws the first error, the further ones as its `others`; nothing when there is none. */
export function throwTogether(errors: readonly ClusterError[]): void {
  const [first, ...rest] = errors
  if (first === undefined) {
    return
  }
  const { message, code, reason, resource, hint, kafkaError, cause } = first
  throw new ClusterError(code, message, {
    reason,
    resource: resource ?? undefined,
    hint: hint ?? undefined,
    kafkaError: kafkaError ?? undefined,
    others: [...first.others, ...rest],
    cause,
  })
}

/** `the topic a`, or `the 5 topics a, b, c, …`: the resources of a change, for messages. */
export function several<T>(kind: string, items: readonly T[], name: (item: T) => string): string {
  const names = items.map(name)
  if (names.length === 1) {
    return `the ${kind} ${names[0]}`
  }
  const shown = names.slice(0, 3).join(', ')
  return `the ${names.length} ${kind}s ${shown}${names.length > 3 ? ', …' : ''}`
}

/**
 * Nothing was done: a broker that is not, or not yet, the group's coordinator answered so, or the change was not even sent
 * (when it was and its answer is lost, the code is OUTCOME_UNKNOWN).
 */
export function isUndone(error: ClusterError): boolean {
  return undone.includes(error.code)
}

const undone = [
  'NOT_COORDINATOR',
  'COORDINATOR_LOAD_IN_PROGRESS',
  'CANNOT_CONNECT',
  'CONNECTION_CLOSED',
  'BROKER_NOT_AVAILABLE',
]
