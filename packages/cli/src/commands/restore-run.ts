// Carries out a restore that a person has seen and agreed to, from a backup or an archive, and reports what became of it.
import type { Restored, TargetPlan } from '@selfmonitor/backup'
import type { AuditEntry } from '../framework/audited.ts'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes } from '../framework/errors.ts'
import { count, counted, elapsed } from '../output/format.ts'
import { progressLine } from '../output/progress-line.ts'
import { keepPositions } from './kept-positions.ts'

/** Asks first. */
export async function confirmRestore(
  context: Context,
  topics: readonly { readonly to: string; readonly partitions: readonly { readonly records: bigint }[] }[],
): Promise<void> {
  const records = topics.flatMap(({ partitions }) => partitions).reduce((sum, one) => sum + one.records, 0n)
  await context.confirm({
    what: `Restore ${counted(records, 'record')} into ${counted(topics.length, 'topic')}`,
    typedName: topics[0]!.to,
  })
}

/**
 * @param prepare makes the plan's last part when the change is recorded: what it changes is part of the restore
 * @returns the exit code
 */
export async function carryOut(
  context: Context,
  entry: AuditEntry,
  prepare: () => Promise<TargetPlan>,
  options: { readonly releaseRetention: boolean },
): Promise<number> {
  const [cluster, { runRestore }] = await Promise.all([context.cluster(), import('@selfmonitor/backup')])
  const line = progressLine(context.io.stderr, context.colours.stderr)
  const startedAt = performance.now()
  let hasBegun = false
  let done: { readonly plan: TargetPlan; readonly restored: Restored }
  try {
    done = await context.audited(entry, async (outcome) => {
      const plan = await prepare()
      hasBegun = true
      const restored = await runRestore(cluster, plan, {
        signal: context.io.signal,
        releaseRetention: options.releaseRetention,
        keepPositions: keepPositions(context),
        onProgress: ({ phase, ...progress }) => line.show(phase, { ...progress, unit: 'records' }),
      })
      if (!restored.isComplete) outcome.failed(new CliError('RESTORE_INCOMPLETE', 'The restore is not complete.'))
      return { plan, restored }
    })
  } catch (error) {
    line.end()
    if (hasBegun && (error as { code?: unknown }).code !== 'TARGET_NOT_EMPTY') {
      context.note('The restore was interrupted: its topics hold a part of the records. Repeat it with --resume.')
    }
    throw error
  }
  line.end()
  return await report(context, done.plan, done.restored, performance.now() - startedAt)
}

async function report(context: Context, plan: TargetPlan, restored: Restored, tookMs: number): Promise<number> {
  const { partitions, positions, held, isComplete } = restored
  const { append, verify } = restored.tookMs
  const colours = context.colours.stdout
  const different = partitions.filter(({ isEqual }) => !isEqual)
  const notPlaced = positions.filter(({ problem }) => problem !== null)
  await context.printThing(
    {
      ...restored,
      warnings: plan.warnings,
      missing: plan.missing,
      clusterId: plan.targetClusterId,
      tookMs: { append: Math.round(append), verify: Math.round(verify), all: Math.round(tookMs) },
    },
    {
      table: () => {
        const records = partitions.reduce((sum, one) => sum + one.records, 0n)
        const lines = [
          isComplete
            ? `${colours.good('restored')}: ${counted(records, 'record')} in ${counted(partitions.length, 'partition')}, read back and equal, in ${elapsed(tookMs)}`
            : `${colours.bad('not complete')}: see below`,
          ...different.map(({ topic, partition, digest, records: wanted }) =>
            colours.bad(
              `  ${topic} partition ${partition} differs from the source: ${count(digest.records)} records instead of ${count(wanted)}, or others`,
            ),
          ),
          ...groupLines(positions),
          ...plan.missing.map((what) => colours.bad(`  missing: ${what}`)),
          ...notPlaced.map(({ groupId, problem }) =>
            colours.bad(`  group ${groupId} keeps its position: ${problem!.message}`),
          ),
          ...held.map(
            (topic) => `  ${topic}: retention is held. To let it delete what is too old: ${release(plan, topic)}`,
          ),
        ]
        return `${[...new Set(lines)].join('\n')}\n`
      },
    },
  )
  return isComplete ? exitCodes.done : exitCodes.failed
}

function groupLines(positions: Restored['positions']): string[] {
  const placed = positions.filter(({ problem }) => problem === null)
  return [...Map.groupBy(placed, ({ groupId }) => groupId)].map(
    ([groupId, own]) =>
      `  group ${groupId}: ${counted(own.length, 'partition')}, ${counted(
        own.reduce((sum, { unread }) => sum + unread, 0n),
        'record',
      )} to read`,
  )
}

/** The command that gives a topic its own retention back. */
function release({ topics }: TargetPlan, name: string): string {
  const { config } = topics.find(({ to }) => to === name)!
  const settings = ['retention.ms', 'retention.bytes'].map((setting) =>
    config[setting] === undefined ? `--unset ${setting}` : `--set ${setting}=${config[setting]}`,
  )
  return `selfmonitor topics alter ${name} ${settings.join(' ')}`
}
