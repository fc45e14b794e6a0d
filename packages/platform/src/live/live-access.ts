// Reads the accounts and ACLs of the live cluster for a plan.
import type { AclBinding, Cluster, ScramMechanism } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import { accountsOf } from '../access.ts'
import type { Platform } from '../model.ts'
import type { Passwords } from '../passwords.ts'

/** The mechanism of every account that a plan makes. */
export const mechanism: ScramMechanism = 'SCRAM-SHA-512'

export interface LiveAccount {
  readonly mechanisms: readonly ScramMechanism[]
  /** Whether the cluster takes the password that is wanted; null when none is, or when that cannot be tried. */
  readonly passwordFits: boolean | null
}

export interface LiveAccess {
  readonly accounts: ReadonlyMap<string, LiveAccount>
  readonly acls: readonly AclBinding[]
  /** Why no password could be tried; null when they were. */
  readonly passwordsUntried: string | null
}

/** A cluster that has no accounts or no authorizer, and what it said. */
export interface NoAccess {
  readonly unavailable: 'no authorizer' | 'not supported'
}

/** @returns null without `access: acls`: nothing is asked then */
export async function readAccess(
  platform: Platform,
  cluster: Cluster,
  passwords: Passwords | null,
): Promise<LiveAccess | NoAccess | null> {
  if (platform.access !== 'acls') {
    return null
  }
  const found = await readAccounts(cluster)
  if ('unavailable' in found) {
    return found
  }
  const declared = accountsOf(platform).map(({ name }) => name)
  const fits = new Map<string, boolean>()
  let passwordsUntried: string | null = null
  const queue = found.users.filter(
    ({ name, credentials }) =>
      declared.includes(name) &&
      passwords?.byAccount.has(name) &&
      credentials.some((credential) => credential.mechanism === mechanism),
  )
  // Each is a connection of its own and costs the broker a key derivation: a few at a time.
  const worker = async () => {
    for (let user = queue.shift(); user !== undefined && passwordsUntried === null; user = queue.shift()) {
      const { name } = user
      try {
        fits.set(name, await cluster.authenticates({ name, password: passwords!.byAccount.get(name)!, mechanism }))
      } catch (error) {
        // This connection has no SASL, or its listener uses another mechanism, which says nothing about the accounts.
        if (!isClusterError(error, 'INVALID_ARGUMENT', 'UNSUPPORTED_SASL_MECHANISM')) {
          throw error
        }
        passwordsUntried = (error as ClusterError).message
      }
    }
  }
  await Promise.all(Array.from({ length: 4 }, worker))
  return {
    accounts: new Map(
      found.users.map(({ name, credentials }) => [
        name,
        { mechanisms: credentials.map((credential) => credential.mechanism), passwordFits: fits.get(name) ?? null },
      ]),
    ),
    acls: found.acls,
    passwordsUntried,
  }
}

/** Accounts and rules, or why the cluster has none. */
export async function readAccounts(
  cluster: Cluster,
): Promise<NoAccess | { readonly users: Awaited<ReturnType<Cluster['users']>>; readonly acls: AclBinding[] }> {
  try {
    const [acls, users] = await Promise.all([cluster.acls(), cluster.users()])
    return { acls, users }
  } catch (error) {
    if (isClusterError(error, 'SECURITY_DISABLED')) {
      return { unavailable: 'no authorizer' }
    }
    if (isClusterError(error, 'UNSUPPORTED_API', 'UNSUPPORTED_VERSION')) {
      return { unavailable: 'not supported' }
    }
    throw error
  }
}

export function isClusterError(error: unknown, ...codes: readonly string[]): error is ClusterError {
  return error instanceof ClusterError && codes.includes(error.code)
}
