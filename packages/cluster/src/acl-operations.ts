// The operations of each kind of resource. A separate entry point with data only, so that parsing a file or an option loads no Kafka
// client.
import { type AclOperation, type AclResourceType, aclOperationsOf } from '@selfmonitor/protocol/acl'

export { aclOperationsOf }

/** The operations that mean something on any of these kinds of resource, each once. */
export function aclOperationsOfAny(kinds: readonly AclResourceType[]): readonly AclOperation[] {
  return [...new Set(kinds.flatMap((kind) => aclOperationsOf[kind]))]
}
