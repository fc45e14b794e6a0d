// `selfmonitor restore --access`: brings ACLs, quotas and accounts back from a backup.
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import type { AccessPlan, BackupStore, NewPassword, RestorePoint } from '@selfmonitor/backup'
import { aclText, quotaText } from '@selfmonitor/cluster'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes, usageError } from '../framework/errors.ts'
import { counted, time } from '../output/format.ts'

export interface AccessRequest {
  readonly store: BackupStore
  readonly clusterId: string
  readonly point: RestorePoint
  /** The name that a topic gets. */
  readonly nameOf: (topic: string) => string
  readonly newPasswords?: string | undefined
  readonly dryRun: boolean
}

export async function restoreAccessFrom(context: Context, request: AccessRequest): Promise<number> {
  const { store, clusterId, point, nameOf, newPasswords, dryRun } = request
  const [cluster, { openState, planAccess, restoreAccess }] = await Promise.all([
    context.cluster(),
    import('@selfmonitor/backup'),
  ])
  const { manifest, state } = await openState(store, clusterId, point)
  const planNow = (): Promise<AccessPlan> => planAccess(cluster, state.access ?? null, state.problems, nameOf)
  const plan = await planNow()
  context.note(`From backup ${manifest.number} of cluster ${clusterId}, of ${time(manifest.cutAtMs)}:\n`)
  for (const line of planLines(plan, newPasswords !== undefined)) context.note(line)
  if (dryRun) {
    await context.printThing({ backup: manifest.number, clusterId, ...plan }, { table: () => '' })
    return exitCodes.done
  }
  const accounts = newPasswords === undefined ? [] : plan.accounts.add
  const changes = [
    counted(plan.acls.add.length, 'ACL'),
    counted(plan.quotas.set.length, 'quota'),
    counted(accounts.length, 'account'),
  ]
  const isSame = plan.acls.add.length + plan.quotas.set.length + accounts.length === 0
  if (!isSame) {
    const names = [...plan.acls.add.map(({ principal }) => principal), ...accounts.map(({ name }) => name)]
    await context.confirm({ what: `Add ${changes.join(', ')}`, typedName: names[0] ?? clusterId })
  }
  const save = newPasswords === undefined ? null : savePasswords(resolve(context.io.cwd, newPasswords))
  const entry = {
    action: 'restore.access',
    resources: [{ type: 'backup', name: `${store.address} ${clusterId} ${manifest.number}` }],
    before: { quotas: plan.quotas.set.map(({ entity, before }) => ({ entity, values: before })) },
    after: {
      acls: plan.acls.add,
      quotas: plan.quotas.set.map(({ entity, values }) => ({ entity, values })),
      accounts: accounts.map(({ name }) => name),
      missing: plan.missing,
    },
  }
  const { left, isComplete } = isSame
    ? { left: plan, isComplete: plan.accounts.add.length === 0 && plan.missing.length === 0 }
    : await context.audited(entry, async (outcome) => {
        const result = await restoreAccess(cluster, plan, save, planNow)
        if (!result.isComplete) outcome.failed(new CliError('RESTORE_INCOMPLETE', 'The restore is not complete.'))
        return result
      })
  const { colours } = context
  await context.printThing(
    { backup: manifest.number, clusterId, added: entry.after, left, isComplete },
    {
      table: () => {
        const said = isComplete ? colours.stdout.good('restored') : colours.stdout.bad('not complete')
        const what = isSame ? 'nothing was to be added' : `${changes.join(', ')} added and read back`
        return [`${said}: ${what}`, ...leftLines(left), ''].join('\n')
      },
    },
  )
  return isComplete ? exitCodes.done : exitCodes.failed
}

function planLines({ acls, quotas, accounts, warnings, missing }: AccessPlan, createsAccounts: boolean): string[] {
  const becomes = createsAccounts ? 'gets a generated password' : 'needs a new password: --new-passwords creates it'
  return [
    ...acls.add.map((rule) => `  + ACL ${aclText(rule)}`),
    ...quotas.set.map(
      ({ entity, values, before }) => `  + quota of ${quotaText(entity)}: ${valuesText(values, before)}`,
    ),
    ...accounts.add.map(({ name, credentials }) => {
      return `  + account ${name} (${credentials.map(({ mechanism }) => mechanism).join(', ')}): ${becomes}`
    }),
    `  the same already: ${counted(acls.same, 'ACL')}, ${counted(quotas.same, 'quota')}, ${counted(accounts.same, 'account')}`,
    ...acls.extra.map((rule) => `  stays, and is not in the backup: ACL ${aclText(rule)}`),
    ...quotas.extra.map(({ entity }) => `  stays, and is not in the backup: quota of ${quotaText(entity)}`),
    ...accounts.extra.map((name) => `  stays, and is not in the backup: account ${name}`),
    ...warnings.map((warning) => `  ${warning}`),
    ...missing.map((what) => `  missing: ${what}`),
  ]
}

function valuesText(values: Readonly<Record<string, number>>, before: Readonly<Record<string, number | null>>): string {
  return Object.entries(values)
    .map(([key, value]) => `${key} ${value}${before[key] === null ? '' : ` instead of ${before[key]}`}`)
    .join(', ')
}

function leftLines({ acls, quotas, accounts, missing }: AccessPlan): string[] {
  return [
    ...acls.add.map((rule) => `  missing: ACL ${aclText(rule)}`),
    ...quotas.set.map(({ entity }) => `  missing: quota of ${quotaText(entity)}`),
    ...accounts.add.map(({ name }) => `  missing: account ${name} needs a new password`),
    ...missing.map((what) => `  missing: ${what}`),
  ]
}

/** Writes a file that only its owner may read, and no file that is there. */
function savePasswords(path: string) {
  return async (passwords: readonly NewPassword[]): Promise<void> => {
    try {
      await writeFile(path, `${JSON.stringify(passwords, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      throw usageError(`${path} exists: no password is written over another file`, 'Name a new file.')
    }
  }
}
