// Whether an account may read, by the authorizer's rules: what StandardAuthorizer decides (KIP-11, KIP-290). Pure.
import type { AclBinding, AclResourceType } from '@selfmonitor/cluster'
import type { Access } from './types.ts'

type Rules = Extract<Access, { kind: 'rules' }>

function matches({ resourceType, resourceName, pattern }: AclBinding, type: AclResourceType, name: string): boolean {
  if (resourceType !== type) return false
  return pattern === 'prefixed' ? name.startsWith(resourceName) : resourceName === '*' || resourceName === name
}

/**
 * @param principal `User:name`; null asks whether any principal may
 * @returns false where the rules deny it. Rules for one host only count as if they were for all: where members are is not certain.
 */
export function mayRead(rules: Rules, principal: string | null, type: 'topic' | 'group', name: string): boolean {
  if (principal !== null && rules.superUsers?.includes(principal)) return true
  const about = rules.bindings.filter((binding) => matches(binding, type, name))
  if (about.length === 0 && rules.openByDefault) return true
  const own = about.filter((one) => principal === null || one.principal === principal || one.principal === 'User:*')
  const reads = own.filter(({ operation }) => operation === 'read' || operation === 'all')
  if (principal !== null && reads.some(({ permission, host }) => permission === 'deny' && host === '*')) return false
  return reads.some(({ permission }) => permission === 'allow')
}
