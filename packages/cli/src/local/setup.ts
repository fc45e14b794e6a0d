// Applies a platform file to a cluster that may still be starting, for `up --setup` and `setup`.
import { setTimeout as delay } from 'node:timers/promises'
import type { Cluster } from '@selfmonitor/cluster'
import type { ApplyResult, Change, Passwords, Plan, Platform } from '@selfmonitor/platform'
import type { RegistryClient } from '@selfmonitor/registry'
import type { AuditEntry, ChangeReport } from '../framework/audited.ts'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes, reportError } from '../framework/errors.ts'
import { count, counted } from '../output/format.ts'
import type { Progress } from './steps.ts'

const retryMs = 250

export interface Target {
  readonly cluster: Cluster
  /** null when nothing that is applied has a schema: a registry may itself wait for the topics that are applied here. */
  readonly registry: RegistryClient | null
}

/**
 * Waits until Kafka and the registry, where there is one, answer.
 * @param limitMs how long to wait for both.
 * @throws CliError NOT_UP with what the last attempt said; anything but a failed connection is thrown at once.
 */
export async function waitUntilUp(
  { cluster, registry }: Target,
  options: { readonly limitMs: number; readonly signal: AbortSignal; readonly onProgress: Progress },
): Promise<void> {
  const until = performance.now() + options.limitMs
  const answers = async (what: string, ask: () => Promise<unknown>): Promise<void> => {
    while (true) {
      try {
        await ask()
        return
      } catch (error) {
        const report = reportError(error)
        const mayCome = report.exitCode === exitCodes.cannotConnect || /TIMEOUT|NOT_AVAILABLE/.test(report.code)
        if (!mayCome) throw error
        if (options.signal.aborted) throw new CliError('INTERRUPTED', `Interrupted while waiting for ${what}.`)
        if (performance.now() > until) {
          throw new CliError(
            'NOT_UP',
            `${what} has not come up within ${Math.round(options.limitMs / 1000)} s: ${report.message}`,
            {
              exitCode: exitCodes.cannotConnect,
              hint: 'Start one with `selfmonitor up`, name another with --bootstrap-servers and --registry-url, or wait longer with --wait.',
              cause: error,
            },
          )
        }
        options.onProgress(`waiting for ${what}`)
        // It only rejects when the signal is aborted, which is looked at after one more attempt.
        await delay(retryMs, undefined, { signal: options.signal }).catch(() => {})
      }
    }
  }
  await answers(`Kafka at ${cluster.bootstrapServers}`, () => cluster.info())
  if (registry !== null) await answers(`the registry at ${registry.url}`, () => registry.subjects())
}

export interface SetupResult {
  readonly plan: Plan
  readonly result: ApplyResult
}

/**
 * Plans and applies. Nothing is ever deleted here.
 * @param confirm asked with the plan when it has changes; throws to refuse.
 * @throws PlatformError when the plan has errors, CliError APPLY_FAILED when a change failed.
 */
export async function applyPlatform(
  platform: Platform,
  { cluster, registry }: Target,
  options: {
    readonly confirm?: (plan: Plan) => Promise<void>
    readonly onProgress: Progress
    /** Of the accounts that the file declares. */
    readonly passwords?: Passwords | null
    /** Let topics have more partitions than the file says, with a warning. */
    readonly allowMorePartitions?: boolean
    /** Of other files that are applied as well. */
    readonly knownPrincipals?: readonly string[]
    /** Records the changes in the audit trail. */
    readonly audited?: Context['audited']
  },
): Promise<SetupResult> {
  const { planPlatform, applyPlan } = await import('@selfmonitor/platform')
  options.onProgress('comparing', 'tick')
  const { passwords, allowMorePartitions, knownPrincipals } = options
  const plan = await planPlatform(platform, cluster, registry, { passwords, allowMorePartitions, knownPrincipals })
  if (plan.changes.length > 0 && plan.errors.length === 0) await options.confirm?.(plan)
  let done = 0
  const apply = async (report?: ChangeReport): Promise<ApplyResult> => {
    const applied = await applyPlan(plan, platform, cluster, registry, {
      passwords,
      onProgress: ({ state, change }) => {
        if (state === 'done') done += 1
        options.onProgress(`${done} of ${plan.changes.length} done: ${change.name}`, 'tick')
      },
    })
    report?.after(outcomeOf(applied))
    if (applied.failed !== null) throw applyFailed(applied)
    return applied
  }
  const isRecorded = options.audited !== undefined && plan.changes.length > 0
  const result = await (isRecorded
    ? options.audited({ ...planEntry('setup', plan), mayPrecedeTrail: true }, apply)
    : apply())
  return { plan, result }
}

/** A plan as the audit trail records it. */
export function planEntry(action: string, { changes, errors }: Pick<Plan, 'changes' | 'errors'>): AuditEntry {
  const side = (of: 'from' | 'to') =>
    changes.map(({ action: verb, kind, name, details }) => ({
      ...{ change: verb, kind, name },
      ...Object.fromEntries(details.map((detail) => [detail.key, detail[of]])),
    }))
  return {
    action,
    resources: changes.map(({ kind, name }) => ({ type: kind, name })),
    before: side('from'),
    after: side('to'),
    // A plan with errors is not applied.
    createsTopics:
      errors.length > 0
        ? []
        : changes.filter(({ kind, action: verb }) => kind === 'topic' && verb === 'create').map(({ name }) => name),
  }
}

/** What became of a plan, as the audit trail records it. */
export function outcomeOf({ applied, failed, notApplied }: ApplyResult): unknown {
  const names = (changes: readonly Change[]) => changes.map(({ action, kind, name }) => `${action} ${kind} ${name}`)
  return {
    applied: names(applied),
    ...(failed === null ? {} : { failed: names([failed.change]), notApplied: names(notApplied) }),
  }
}

export function applyFailed(result: ApplyResult): CliError {
  const { change, error } = result.failed!
  const { applied, notApplied } = result
  return new CliError('APPLY_FAILED', `${change.kind} ${change.name} failed: ${error.message}`, {
    // A broker that went away in the middle is worth another try; a change that was refused is not.
    exitCode: reportError(error).exitCode,
    hint: `${counted(applied.length, 'change')} done, ${count(notApplied.length)} not. Apply again to continue.`,
    cause: error,
  })
}

/** `11 topics, 64 schemas: 75 changes` */
export function summary(platform: Platform, { result }: SetupResult): string {
  const schemas = platform.topics.reduce(
    (sum, { schema, eventTypes }) => sum + (schema === undefined ? 0 : 1) + Object.keys(eventTypes).length,
    0,
  )
  const changes = result.applied.length === 0 ? 'nothing to change' : counted(result.applied.length, 'change')
  return `${counted(platform.topics.length, 'topic')}, ${counted(schemas, 'schema')}: ${changes}`
}
