// What can be allowed on what. A door of its own, of data alone: who reads a file or an option needs no Kafka client for it.
import { type AclOperation, type AclResourceType, aclOperationsOf } from '@selfmonitor/protocol/acl'

export { aclOperationsOf }

/** The operations that mean something on any of these kinds of resource, each once. */
export function aclOperationsOfAny(kinds: readonly AclResourceType[]): readonly AclOperation[] {
  return [...new Set(kinds.flatMap((kind) => aclOperationsOf[kind]))]
}
