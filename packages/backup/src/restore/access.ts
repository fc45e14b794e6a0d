// Brings ACLs, quotas and accounts back: what is missing in the target is added, what it has beside is left as it is.
import { randomBytes } from 'node:crypto'
import {
  type AclBinding,
  aclText,
  type ClientQuota,
  type Cluster,
  quotaText,
  type ScramUser,
} from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import type { AccessState } from '../format/access-state.ts'

export interface AccessPlan {
  readonly acls: {
    readonly add: readonly AclBinding[]
    readonly same: number
    /** In the target and not in the backup: they stay. */
    readonly extra: readonly AclBinding[]
  }
  readonly quotas: {
    /** Entities of which a value is missing or different. `before`: null where the target has no such value. */
    readonly set: readonly (ClientQuota & { readonly before: Readonly<Record<string, number | null>> })[]
    readonly same: number
    readonly extra: readonly ClientQuota[]
  }
  readonly accounts: {
    /** With the mechanisms that are missing. They need a new password: no backup can have the old one. */
    readonly add: readonly ScramUser[]
    readonly same: number
    readonly extra: readonly string[]
  }
  readonly warnings: readonly string[]
  /** What the backup does not have, or the target cannot take. */
  readonly missing: readonly string[]
}

type Target = Pick<Cluster, 'acls' | 'clientQuotas' | 'users'>

/**
 * @param access what the backup has; null: nothing
 * @param problems of the backup
 * @param nameOf the name that a topic gets; literal rules about it follow
 * @throws ClusterError when the target cannot be read
 */
export async function planAccess(
  cluster: Target,
  access: AccessState | null,
  problems: readonly { readonly part: string; readonly code: string; readonly message: string }[],
  nameOf: (topic: string) => string,
): Promise<AccessPlan> {
  const missing: string[] = []
  if (access === null) missing.push('the backup has no ACLs, quotas and accounts')
  for (const part of access === null ? [] : (['acls', 'quotas', 'accounts'] as const)) {
    const problem = problems.find((one) => one.part === part)
    if (access![part] === null) missing.push(`${part}: ${problem?.message ?? 'the backup could not read them'}`)
  }
  const rules = (access?.acls ?? []).map((rule) => renamed(rule, nameOf))
  const quotas = access?.quotas ?? []
  const accounts = access?.accounts ?? []
  const there = {
    acls: await present(() => cluster.acls(), 'ACLs', rules.length > 0, missing),
    quotas: await present(() => cluster.clientQuotas(), 'client quotas', quotas.length > 0, missing),
    accounts: await present(() => cluster.users(), 'accounts', accounts.length > 0, missing),
  }
  const warnings = notCovered(access?.acls ?? [], nameOf)
  return {
    acls: there.acls === null ? { add: [], same: 0, extra: [] } : compareAcls(rules, there.acls),
    quotas: there.quotas === null ? { set: [], same: 0, extra: [] } : compareQuotas(quotas, there.quotas),
    accounts: there.accounts === null ? { add: [], same: 0, extra: [] } : compareAccounts(accounts, there.accounts),
    warnings,
    missing,
  }
}

/** @returns null when the target has no such thing; that is `missing` if something is to be restored */
async function present<Value>(
  read: () => Promise<readonly Value[]>,
  what: string,
  isWanted: boolean,
  missing: string[],
): Promise<readonly Value[] | null> {
  try {
    return await read()
  } catch (error) {
    const isAbsent = error instanceof ClusterError && ['SECURITY_DISABLED', 'UNSUPPORTED_API'].includes(error.code)
    if (!isAbsent) throw error
    if (isWanted) missing.push(`${what} are not restored: ${error.message}`)
    return null
  }
}

function renamed(rule: AclBinding, nameOf: (topic: string) => string): AclBinding {
  const isOfTopic = rule.resourceType === 'topic' && rule.pattern === 'literal' && rule.resourceName !== '*'
  return isOfTopic ? { ...rule, resourceName: nameOf(rule.resourceName) } : rule
}

/** Prefixed rules keep their prefix: under its new name a topic may no longer have it. Known topics are those of literal rules. */
function notCovered(rules: readonly AclBinding[], nameOf: (topic: string) => string): string[] {
  const ofTopics = rules.filter(({ resourceType }) => resourceType === 'topic')
  const names = new Set(ofTopics.filter(({ pattern }) => pattern === 'literal').map(({ resourceName }) => resourceName))
  return ofTopics
    .filter(({ pattern }) => pattern === 'prefixed')
    .flatMap((rule) =>
      [...names]
        .filter((name) => name.startsWith(rule.resourceName) && !nameOf(name).startsWith(rule.resourceName))
        .map((name) => `'${aclText(rule)}' covered ${name} and does not cover ${nameOf(name)}`),
    )
}

/** Pure, as the next two. */
function compareAcls(wanted: readonly AclBinding[], there: readonly AclBinding[]): AccessPlan['acls'] {
  const [now, then] = [new Set(there.map(aclText)), new Set(wanted.map(aclText))]
  const distinct = [...new Map(wanted.map((rule) => [aclText(rule), rule])).values()]
  const add = distinct.filter((rule) => !now.has(aclText(rule)))
  // What denies comes first: at no moment may anyone do more than in the end.
  add.sort((a, b) => Number(b.permission === 'deny') - Number(a.permission === 'deny'))
  return { add, same: distinct.length - add.length, extra: there.filter((rule) => !then.has(aclText(rule))) }
}

function compareQuotas(wanted: readonly ClientQuota[], there: readonly ClientQuota[]): AccessPlan['quotas'] {
  const now = new Map(there.map(({ entity, values }) => [quotaText(entity), values]))
  const then = new Set(wanted.map(({ entity }) => quotaText(entity)))
  const set = wanted.flatMap(({ entity, values }) => {
    const has = now.get(quotaText(entity)) ?? {}
    const different = Object.entries(values).filter(([key, value]) => has[key] !== value)
    if (different.length === 0) return []
    const before = Object.fromEntries(different.map(([key]) => [key, has[key] ?? null]))
    return [{ entity, values: Object.fromEntries(different), before }]
  })
  return { set, same: wanted.length - set.length, extra: there.filter(({ entity }) => !then.has(quotaText(entity))) }
}

function compareAccounts(wanted: readonly ScramUser[], there: readonly ScramUser[]): AccessPlan['accounts'] {
  const now = new Map(there.map(({ name, credentials }) => [name, credentials.map(({ mechanism }) => mechanism)]))
  const then = new Set(wanted.map(({ name }) => name))
  const add = wanted.flatMap(({ name, credentials }) => {
    const lacks = credentials.filter(({ mechanism }) => !(now.get(name) ?? []).includes(mechanism))
    return lacks.length === 0 ? [] : [{ name, credentials: lacks }]
  })
  const extra = there.map(({ name }) => name).filter((name) => !then.has(name))
  return { add, same: wanted.length - add.length, extra }
}

/** A password of an account that was created; it is kept nowhere else. */
export interface NewPassword {
  readonly name: string
  readonly mechanisms: readonly string[]
  readonly password: string
}

export interface AccessRestored {
  /** As planned again when everything was done: nothing is to be added any more. */
  readonly left: AccessPlan
  readonly isComplete: boolean
}

/** Kafka takes these and no others (ScramMechanism, and the controller's limit). */
const iterationLimits = { min: 4_096, max: 16_384 }

/**
 * Carries a plan out and reads it back. Accounts first, then quotas, then ACLs, those that deny in front.
 * @param savePasswords gets the new passwords before any account is created; null: no account is created
 * @param planAgain as the plan was made
 * @throws ClusterError
 */
export async function restoreAccess(
  cluster: Pick<Cluster, 'createAcls' | 'alterClientQuotas' | 'setUserPasswords'>,
  plan: AccessPlan,
  savePasswords: ((passwords: readonly NewPassword[]) => Promise<void>) | null,
  planAgain: () => Promise<AccessPlan>,
): Promise<AccessRestored> {
  if (savePasswords !== null && plan.accounts.add.length > 0) {
    const made = plan.accounts.add.map((account) => ({ ...account, password: randomBytes(24).toString('base64url') }))
    await savePasswords(
      made.map(({ name, credentials, password }) => {
        return { name, mechanisms: credentials.map(({ mechanism }) => mechanism), password }
      }),
    )
    await cluster.setUserPasswords(
      made.flatMap(({ name, credentials, password }) =>
        credentials.map(({ mechanism, iterations }) => ({
          ...{ name, password, mechanism },
          iterations: Math.min(iterationLimits.max, Math.max(iterationLimits.min, iterations)),
        })),
      ),
    )
  }
  await cluster.alterClientQuotas(plan.quotas.set.map(({ entity, values }) => ({ entity, set: values })))
  // One after the other: a request may be carried out in part.
  await cluster.createAcls(plan.acls.add.filter(({ permission }) => permission === 'deny'))
  await cluster.createAcls(plan.acls.add.filter(({ permission }) => permission === 'allow'))
  const left = await planAgain()
  const isComplete =
    left.acls.add.length + left.quotas.set.length + left.accounts.add.length === 0 && left.missing.length === 0
  return { left, isComplete }
}
