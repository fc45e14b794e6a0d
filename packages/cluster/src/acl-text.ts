// Rules as text. Apart from the operations: the declarations of this package's door name nothing of the Kafka client.
import type { AclBinding } from './types.ts'

/** One rule as a line for people: `allow User:billing read on topic literal orders from *`; equal rules have equal lines. */
export function aclText(binding: AclBinding): string {
  const { permission, principal, operation, resourceType, resourceName, pattern, host } = binding
  return `${permission} ${principal} ${operation} on ${resourceType} ${pattern} ${resourceName} from ${host}`
}
