// The part of the plan that is about accounts and ACLs. Pure, like the rest of it.
import type { AclBinding } from '@selfmonitor/cluster'
import { accountsOf, bindingsOf, coversTopic, type Grant, grantsOf, principalOf, protectedTopics } from '../access.ts'
import { type LiveAccess, mechanism, type NoAccess } from '../live/live-access.ts'
import type { Change, Platform, PlatformProblem } from '../model.ts'
import type { Passwords } from '../passwords.ts'
import { matchesAny } from '../pattern.ts'
import type { PlanOptions } from './plan-options.ts'

export interface AccessChanges {
  /** Accounts, then ACLs. */
  readonly changes: readonly Change[]
  /** Accounts, then ACLs: what is left of an account after a failure can be told by its rules. */
  readonly deletions: readonly Change[]
}

const nothing: AccessChanges = { changes: [], deletions: [] }

/**
 * Compares accounts and ACLs. The file owns the accounts that it declares, with all of their rules, and those that `owns.users`
 * matches. Rules of other accounts are left alone.
 */
export function compareAccess(
  platform: Platform,
  live: LiveAccess | NoAccess | null,
  options: PlanOptions,
  errors: PlatformProblem[],
  warnings: string[],
): AccessChanges {
  if (platform.access !== 'acls') {
    if (options.passwords != null) {
      warnings.push(`Accounts and ACLs are not compared: access is none in ${platform.environment}.`)
    }
    return nothing
  }
  if (live === null || 'unavailable' in live) {
    errors.push(accessProblem(platform, noAccess(live)))
    return nothing
  }
  checkPasswords(platform, options.passwords ?? null, errors)
  if (live.passwordsUntried !== null) {
    warnings.push(`Passwords of existing accounts are not compared: ${live.passwordsUntried}.`)
  }
  const accounts = accountsOf(platform)
  const declared = new Map(accounts.map(({ name }) => [principalOf(name), name]))
  const wanted = new Map(grantsOf(platform).flatMap((grant) => bindingsOf(grant).map((rule) => [keyOf(rule), rule])))
  const there = new Set(live.acls.map(keyOf))
  const missing = [...wanted.values()].filter((rule) => !there.has(keyOf(rule)))
  const extra = live.acls.filter((rule) => declared.has(rule.principal) && !wanted.has(keyOf(rule)))
  warnOfStrangers(platform, live, new Set([...declared.keys(), ...(options.knownPrincipals ?? [])]), warnings)

  const owned = ownedAccounts(platform, live, declared, options.account ?? null, warnings)
  const ofOwned = live.acls.filter(({ principal }) => owned.some((name) => principalOf(name) === principal))
  const deletions = [
    ...owned.filter((name) => live.accounts.has(name)).map((name) => deletion(name, live)),
    ...aclChanges('delete', [...extra, ...ofOwned]),
  ]
  if (options.allowDelete !== true) {
    for (const { kind, name, details } of deletions) {
      const { key, from } = details[0]!
      const effect = key === 'deny' ? 'denies' : 'allows'
      warnings.push(
        kind === 'user'
          ? `account ${name} is owned and not declared; --allow-delete would delete it.`
          : `${name} ${from} is not in the file; --allow-delete would remove what it ${effect}.`,
      )
    }
  }
  return {
    changes: [
      ...accounts.flatMap(({ name }) => compareAccount(name, live, options.passwords ?? null)),
      ...aclChanges('create', missing),
    ],
    deletions: options.allowDelete === true ? deletions : [],
  }
}

function accessProblem(platform: Platform, message: string): PlatformProblem {
  return { ...(platform.accessAt ?? { file: platform.file, line: 1, column: 1, path: 'access' }), message }
}

function noAccess(live: NoAccess | null): string {
  return live?.unavailable === 'no authorizer'
    ? 'is acls, and this cluster has no authorizer, so that every client may do everything: set authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer and super.users on all brokers and controllers, or write access: none'
    : 'is acls, and this cluster does not support SCRAM accounts (the embedded broker never does, Apache Kafka from 3.5 on): use another cluster, or write access: none'
}

function checkPasswords(platform: Platform, passwords: Passwords | null, errors: PlatformProblem[]): void {
  const accounts = accountsOf(platform)
  if (passwords !== null) {
    errors.push(...passwords.problems)
  } else if (accounts.length > 0) {
    const which = accounts.map(({ name }) => name).join(', ')
    errors.push(
      accessProblem(
        platform,
        `is acls, and there are no passwords for ${which}: pass --passwords DIR (or set SELFMONITOR_PASSWORDS), a folder with one file for each account, named after it, with its password`,
      ),
    )
  }
}

function compareAccount(name: string, live: LiveAccess, passwords: Passwords | null): Change[] {
  if (passwords === null || !passwords.byAccount.has(name)) {
    // An error says so already.
    return []
  }
  const found = live.accounts.get(name)
  if (!found?.mechanisms.includes(mechanism)) {
    const details = [{ key: 'mechanism', from: null, to: mechanism }]
    return [{ action: 'create', kind: 'user', name, details, warnings: [] }]
  }
  if (found.passwordFits !== false) {
    return []
  }
  const details = [{ key: 'password', from: 'another', to: `the one in ${passwords.dir}` }]
  const warnings = ['clients that use the old password are rejected at their next connection']
  return [{ action: 'update', kind: 'user', name, details, warnings }]
}

function deletion(name: string, live: LiveAccess): Change {
  const from = live.accounts.get(name)!.mechanisms.join(', ')
  return { action: 'delete', kind: 'user', name, details: [{ key: 'mechanism', from, to: null }], warnings: [] }
}

/** One change for all operations of an account on a resource. */
function aclChanges(action: 'create' | 'delete', rules: readonly AclBinding[]): Change[] {
  const alike = Map.groupBy(rules, (rule) => keyOf({ ...rule, operation: 'all' }))
  return [...alike.values()].map((acls): Change => {
    const { principal, resourceType, resourceName, pattern, host, permission } = acls[0]!
    const resource = resourceType === 'cluster' ? resourceType : `${resourceType} ${resourceName}`
    const name = `${principal} ${resource}${pattern === 'prefixed' ? '*' : ''}${host === '*' ? '' : ` from ${host}`}`
    const operations = acls.map(({ operation }) => operation).join(', ')
    const detail =
      action === 'create'
        ? { key: permission, from: null, to: operations }
        : { key: permission, from: operations, to: null }
    const warnings =
      permission === 'deny' ? [`removes a deny rule: ${principal} may have other rules that allow it`] : []
    return { action, kind: 'acl', name, details: [detail], warnings, acls }
  })
}

function keyOf({ principal, resourceType, resourceName, pattern, host, permission, operation }: AclBinding): string {
  return JSON.stringify([principal, resourceType, resourceName, pattern, host, permission, operation])
}

/**
 * Accounts that `owns.users` matches and the file does not declare. Those that may be needed to operate the
 * cluster stay: the one that this connection uses, those that may alter the cluster, and those without any rules. Such an
 * account is of no use unless it is a super user, and brokers do not tell who is (`super.users` is secret to them).
 */
function ownedAccounts(
  platform: Platform,
  live: LiveAccess,
  declared: ReadonlyMap<string, string>,
  own: string | null,
  warnings: string[],
): string[] {
  const rules = Map.groupBy(live.acls, ({ principal }) => principal)
  const withRules = [...rules.keys()].flatMap((principal) => /^User:(.+)$/.exec(principal)?.[1] ?? [])
  return [...new Set([...live.accounts.keys(), ...withRules])].sort().filter((name) => {
    const principal = principalOf(name)
    if (name === '*' || declared.has(principal) || !matchesAny(name, platform.ownsUsers ?? [])) {
      return false
    }
    const reason =
      name === own
        ? 'it is the one that this command uses'
        : !rules.has(principal)
          ? 'it has no ACLs, so it may be a super user'
          : rules.get(principal)!.some(altersCluster)
            ? 'it may alter the cluster'
            : null
    if (reason !== null) {
      warnings.push(`account ${name} is owned and not declared; ${reason}, and stays.`)
    }
    return reason === null
  })
}

function altersCluster({ permission, resourceType, operation }: AclBinding): boolean {
  return permission === 'allow' && resourceType === 'cluster' && (operation === 'all' || operation === 'alter')
}

const changing: readonly Grant['operations'][number][] = ['all', 'write', 'delete', 'alter', 'alter-configs']

/** Accounts that may change a protected topic and are not in the file: left alone, but reported. */
function warnOfStrangers(
  platform: Platform,
  live: LiveAccess,
  declared: ReadonlySet<string>,
  warnings: string[],
): void {
  const topics = protectedTopics(platform)
  const found = live.acls.flatMap((rule) => {
    const isStranger = !declared.has(rule.principal) && rule.permission === 'allow' && changing.includes(rule.operation)
    const covered = isStranger ? topics.filter((topic) => coversTopic(rule, topic)) : []
    return covered.length === 0 ? [] : [{ rule, covered }]
  })
  for (const [principal, rules] of Map.groupBy(found, ({ rule }) => rule.principal)) {
    const operations = [...new Set(rules.map(({ rule }) => rule.operation))].join(', ')
    const covered = [...new Set(rules.flatMap(({ covered }) => covered))].join(', ')
    warnings.push(
      `${principal}, which the file does not know, is allowed ${operations} on protected topics: ${covered}.`,
    )
  }
}
