// Accounts and ACLs of a live cluster, as a platform file says them.
import type { AclBinding, Cluster, ScramUser } from '@selfmonitor/cluster'
import { accountNameProblem, principalOf } from '../access.ts'
import { isClusterError, mechanism, readAccounts } from '../live/live-access.ts'
import { isOperationOf } from '../load/load-access.ts'

export interface ImportedAccess {
  /** The content for the file; empty if there is nothing to declare. */
  readonly declared: { readonly access?: 'acls'; readonly users?: Readonly<Record<string, object>> }
  readonly notes: readonly string[]
}

/**
 * Reads the accounts that can be declared. Others (with deny rules, rules for all users, principals of certificates) are noted; a plan
 * leaves them alone, because the file does not declare them. Passwords cannot be read.
 */
export async function importAccess(cluster: Cluster): Promise<ImportedAccess> {
  let found: Awaited<ReturnType<typeof readAccounts>>
  try {
    found = await readAccounts(cluster)
  } catch (error) {
    if (!isClusterError(error, 'CLUSTER_AUTHORIZATION_FAILED')) {
      throw error
    }
    return { declared: {}, notes: ['accounts and ACLs: this account may not read them'] }
  }
  if ('unavailable' in found) {
    return { declared: {}, notes: [] }
  }
  const notes: string[] = []
  const users: Record<string, object> = {}
  const rules = Map.groupBy(found.acls, ({ principal }) => principal)
  for (const user of found.users) {
    const own = rules.get(principalOf(user.name)) ?? []
    rules.delete(principalOf(user.name))
    const reason = obstacle(user, own)
    if (reason === null) {
      users[user.name] = { acls: aclsOf(own) }
    } else {
      notes.push(`account ${user.name}: ${reason}`)
    }
  }
  for (const principal of rules.keys()) {
    notes.push(`ACLs of ${principal}: it has no password in Kafka (a certificate, perhaps)`)
  }
  return Object.keys(users).length === 0 ? { declared: {}, notes } : { declared: { access: 'acls', users }, notes }
}

/** The reason why an account cannot be declared with an empty plan; null if it can. */
function obstacle({ name, credentials }: ScramUser, rules: readonly AclBinding[]): string | null {
  if (accountNameProblem(name) !== null) {
    return 'its name cannot be that of a file'
  }
  if (!credentials.some((credential) => credential.mechanism === mechanism)) {
    return `it has ${credentials.map((credential) => credential.mechanism).join(', ')} only, and an account here has ${mechanism}`
  }
  if (rules.length === 0) {
    return 'it has no ACLs (a super user, perhaps)'
  }
  const odd = rules.find((rule) => rule.permission === 'deny' || !isOperationOf(rule.resourceType, rule.operation))
  return odd === undefined
    ? null
    : `its rule ${odd.permission} ${odd.operation} on ${odd.resourceType} ${odd.resourceName} cannot be expressed here`
}

const words = { topic: 'topic', group: 'group', 'transactional-id': 'transactionalId', cluster: 'cluster' } as const

function aclsOf(rules: readonly AclBinding[]): object[] {
  const alike = Map.groupBy(rules, ({ resourceType, resourceName, pattern, host }) =>
    JSON.stringify([resourceType, resourceName, pattern, host]),
  )
  return [...alike.values()].map((same) => {
    const { resourceType, resourceName, pattern, host } = same[0]!
    return {
      [words[resourceType as keyof typeof words]]: resourceName.replaceAll('${', '$${'),
      ...(pattern === 'prefixed' ? { pattern } : {}),
      operations: same.map(({ operation }) => operation),
      ...(host === '*' ? {} : { host }),
    }
  })
}
