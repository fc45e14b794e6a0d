// Kafka's access control in names and numbers (KIP-11, KIP-290): kinds of resource, operations, and which of them belong together.

/** Kafka's `ResourceType`. */
export const aclResourceTypes = {
  topic: 2,
  group: 3,
  cluster: 4,
  'transactional-id': 5,
  'delegation-token': 6,
  user: 7,
} as const

export type AclResourceType = keyof typeof aclResourceTypes

/** Kafka's `AclOperation`. */
export const aclOperations = {
  all: 2,
  read: 3,
  write: 4,
  create: 5,
  delete: 6,
  alter: 7,
  describe: 8,
  'cluster-action': 9,
  'describe-configs': 10,
  'alter-configs': 11,
  'idempotent-write': 12,
  'create-tokens': 13,
  'describe-tokens': 14,
  /** KIP-939 */
  'two-phase-commit': 15,
} as const

export type AclOperation = keyof typeof aclOperations

/**
 * The operations that mean something on each kind of resource. Kafka stores any other rule too, and never asks for it.
 * Source: `AclEntry.supportedOperations` of Apache Kafka 4.3, which is what `kafka-acls` accepts.
 */
export const aclOperationsOf: Readonly<Record<AclResourceType, readonly AclOperation[]>> = {
  topic: ['all', 'read', 'write', 'create', 'delete', 'alter', 'describe', 'describe-configs', 'alter-configs'],
  group: ['all', 'read', 'delete', 'describe', 'describe-configs', 'alter-configs'],
  cluster: [
    'all',
    'create',
    'alter',
    'describe',
    'cluster-action',
    'describe-configs',
    'alter-configs',
    'idempotent-write',
  ],
  'transactional-id': ['all', 'describe', 'write', 'two-phase-commit'],
  'delegation-token': ['all', 'describe'],
  user: ['all', 'create-tokens', 'describe-tokens'],
}

/**
 * The bit field `…AuthorizedOperations` of an answer (KIP-430) to a client that may do everything with a resource: a bit for each
 * operation but `all`, at its number.
 */
export function everyOperationOn(type: AclResourceType): number {
  return aclOperationsOf[type].reduce(
    (field, operation) => (operation === 'all' ? field : field | (1 << aclOperations[operation])),
    0,
  )
}
