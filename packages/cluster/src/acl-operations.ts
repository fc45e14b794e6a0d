// What can be allowed on what. A door of its own, of data alone: who reads a file or an option needs no Kafka client for it.
import type { AclOperation, AclResourceType } from './types.ts'

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

/** The operations that mean something on any of these kinds of resource, each once. */
export function aclOperationsOfAny(kinds: readonly AclResourceType[]): readonly AclOperation[] {
  return [...new Set(kinds.flatMap((kind) => aclOperationsOf[kind]))]
}
