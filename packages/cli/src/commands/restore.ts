// `selfmonitor restore`: brings topics and groups' positions back from a backup.
import type { PlannedTopic, Restored, RestorePlan, RestorePoint } from '@selfmonitor/backup'
import type { AuditEntry } from '../framework/audited.ts'
import type { Context } from '../framework/context.ts'
import { CliError, exitCodes, usageError } from '../framework/errors.ts'
import { collect, integer, pointInTime } from '../framework/parse.ts'
import { defineVerb, flag, type Noun, text, value } from '../framework/verb.ts'
import { count, counted, elapsed, span, time } from '../output/format.ts'
import { progressLine } from '../output/progress-line.ts'
import { type Column, renderTable } from '../output/table.ts'
import { identityOption, openPlace, placeOptions, topicFilter, topicsOption } from './backup-place.ts'

const options = {
  source: text(
    '--source <address>',
    'where the backups are: a folder, or s3://bucket/prefix, perhaps with /<topic> (SELFMONITOR_BACKUP)',
  ),
  clusterId: placeOptions.clusterId,
  identity: identityOption,
  topic: topicsOption,
  target: text('--target <topic>', 'the name that a single topic gets; default: its own'),
  targetSuffix: text('--target-suffix <text>', 'what the names get at their end: `.restored`'),
  backup: value('--backup <n>', 'that backup; default: the newest', integer(1)),
  at: value(
    '--at <time>',
    'what the logs held at a time: 2026-11-29T14:03Z, "2026-11-29 14:03 Europe/Berlin"',
    pointInTime,
  ),
  date: value('--date <time>', 'the same as --at', pointInTime),
  partition: value(
    '--partition <n>',
    'only this partition; may be given several times',
    (word: string, before: readonly number[] = []) => [...before, integer(0)(word)],
  ),
  groups: value(
    '--groups <name>',
    'groups that get their positions back: names, `all` or `none` (default: all in another cluster, none in the same)',
    collect,
  ),
  resume: flag('--resume', 'go on with a restore that was interrupted'),
  releaseRetention: flag('--release-retention', 'let retention delete at once what is older than it keeps'),
  dryRun: flag('--dry-run', 'only show what would be done'),
} as const

const verb = defineVerb({
  name: 'restore',
  summary: 'bring topics and groups’ positions back from a backup',
  details:
    'Creates the topics, with retention and compaction held back, appends the records with their own times, reads everything back\n' +
    'and compares it with the backup, then gives topics their settings and groups their places. A topic that exists is never changed:\n' +
    'choose another name for it. A group with members keeps its position. Exit code 1 when anything is missing or differs.',
  examples: [
    'selfmonitor restore --source s3://kafka-backups/production --topic user.events --target user.events.restored --dry-run',
    'selfmonitor restore --source s3://kafka-backups/user.events --target user.events.restored --date 2026-11-01 --yes',
    'selfmonitor restore --source /var/backups/kafka --at "2026-11-29 14:03 Europe/Berlin" --target-suffix .restored',
  ],
  options,
  output: ['table', 'json', 'yaml'],
  mutates: true,
  async run(context, { options: given }) {
    const point = pointOf(given)
    const { store, clusterId, topics } = await findSource(context, given)
    const [cluster, { planRestore, runRestore }] = await Promise.all([context.cluster(), import('@selfmonitor/backup')])
    const include = topicFilter(topics)
    const { clusterId: targetClusterId } = await cluster.info()
    const plan = await planRestore(
      store,
      clusterId,
      cluster,
      {
        point,
        nameOf: (topic) => (include(topic) ? (given.target ?? `${topic}${given.targetSuffix ?? ''}`) : null),
        partitions: given.partition,
        includeGroup: groupFilter(given.groups, clusterId === targetClusterId),
        resume: given.resume,
      },
      Date.now(),
    )
    refuseUnknown(plan, topics, given.groups)
    showPlan(context, plan)
    if (given.dryRun) {
      await context.printThing(planData(plan), { table: () => '' })
      return exitCodes.done
    }
    const records = plan.topics.reduce((sum, topic) => sum + recordsOf(topic), 0n)
    await context.confirm({
      what: `Restore ${counted(records, 'record')} into ${counted(plan.topics.length, 'topic')}`,
      typedName: plan.topics[0]!.to,
    })
    const line = progressLine(context.io.stderr, context.colours.stderr)
    const startedAt = performance.now()
    let restored: Restored
    try {
      restored = await context.audited(entryOf(plan, store.address), async (outcome) => {
        const result = await runRestore(cluster, plan, {
          signal: context.io.signal,
          releaseRetention: given.releaseRetention,
          onProgress: ({ phase, ...progress }) => line.show(phase, { ...progress, unit: 'records' }),
        })
        if (!result.isComplete) outcome.failed(new CliError('RESTORE_INCOMPLETE', 'The restore is not complete.'))
        return result
      })
    } catch (error) {
      line.end()
      // Neither has begun.
      if (!['TARGET_NOT_EMPTY', 'AUDIT_UNAVAILABLE'].includes((error as { code: string }).code)) {
        context.note('The restore was interrupted: its topics hold a part of the records. Repeat it with --resume.')
      }
      throw error
    }
    line.end()
    return await report(context, plan, restored, performance.now() - startedAt)
  },
})

/** A restore as the audit trail records it. */
function entryOf({ source, topics, positions, missing }: RestorePlan, address: string): AuditEntry {
  const { number, clusterId, cutAtMs } = source.manifest
  return {
    action: 'restore',
    resources: [
      { type: 'backup', name: `${address} ${clusterId} ${number}` },
      ...topics.map(({ to }) => ({ type: 'topic', name: to })),
      ...[...new Set(positions.map(({ groupId }) => groupId))].map((name) => ({ type: 'group', name })),
    ],
    after: {
      upTo: new Date(cutAtMs).toISOString(),
      topics: topics.map((topic) => ({ from: topic.from, to: topic.to, records: String(recordsOf(topic)) })),
      missing,
    },
  }
}

function pointOf(given: {
  backup: number | undefined
  at: number | undefined
  date: number | undefined
}): RestorePoint {
  const timestampMs = given.at ?? given.date
  const chosen = [given.backup, given.at, given.date].filter((one) => one !== undefined)
  if (chosen.length > 1) throw usageError('--backup, --at and --date exclude each other')
  if (timestampMs !== undefined) return { kind: 'time', timestampMs }
  return given.backup === undefined ? { kind: 'latest' } : { kind: 'number', number: given.backup }
}

/** @returns null for no group */
function groupFilter(
  given: readonly string[] | undefined,
  isSameCluster: boolean,
): ((groupId: string) => boolean) | null {
  const wanted = given ?? [isSameCluster ? 'none' : 'all']
  if (wanted.includes('none')) {
    if (wanted.length > 1) throw usageError('--groups none excludes other groups')
    return null
  }
  return wanted.includes('all') ? () => true : (groupId) => wanted.includes(groupId)
}

/** @throws CliError USAGE for a topic or a group that is named and that the backup does not have */
function refuseUnknown(
  { source, topics, positions }: RestorePlan,
  names: readonly string[] | undefined,
  groups: readonly string[] | undefined,
): void {
  const number = source.manifest.number
  const unknown = (names ?? []).find((name) => !name.endsWith('*') && !topics.some(({ from }) => from === name))
  if (unknown !== undefined) {
    throw usageError(
      `backup ${number} has no topic ${unknown}`,
      'A topic that was deleted is in the backups from before.',
    )
  }
  const isKnown = (groupId: string): boolean => positions.some((position) => position.groupId === groupId)
  const group = (groups ?? []).find((name) => !['all', 'none'].includes(name) && !isKnown(name))
  if (group !== undefined) throw usageError(`backup ${number} has no position of group ${group} in these topics`)
}

/** An address of backups; or such an address with a topic behind it, as in `s3://kafka-backups/user.events`. */
async function findSource(
  context: Context,
  given: {
    readonly source: string | undefined
    readonly clusterId: string | undefined
    readonly identity: string | undefined
    readonly topic: readonly string[] | undefined
  },
) {
  const { source, identity, topic: topics } = given
  const open = (address: string | undefined) => openPlace(context, address, '--source', { identity })
  const store = await open(source)
  const { backedUpClusters, chooseCluster } = await import('@selfmonitor/backup')
  const split = /^(.+[^/:])\/([^/]+)\/?$/.exec(store.address)
  if (split !== null && topics === undefined && (await backedUpClusters(store)).length === 0) {
    const above = await open(split[1])
    if ((await backedUpClusters(above)).length > 0) {
      return { store: above, clusterId: await chooseCluster(above, given.clusterId ?? null), topics: [split[2]!] }
    }
  }
  return { store, clusterId: await chooseCluster(store, given.clusterId ?? null), topics }
}

const recordsOf = ({ partitions }: PlannedTopic): bigint => partitions.reduce((sum, { records }) => sum + records, 0n)
const droppedOf = ({ partitions }: PlannedTopic): bigint => partitions.reduce((sum, { dropped }) => sum + dropped, 0n)
const straddlingOf = ({ partitions }: PlannedTopic): bigint =>
  partitions.reduce((sum, { straddling }) => sum + straddling, 0n)

const planColumns: readonly Column<PlannedTopic>[] = [
  { header: 'TOPIC', value: ({ from }) => from },
  { header: 'RESTORED AS', value: ({ to, exists }) => (exists ? `${to} (resumed)` : to) },
  { header: 'PARTITIONS', value: ({ partitions }) => partitions.length },
  { header: 'RECORDS', value: recordsOf },
  { header: 'YOUNGER, LEFT OUT', value: droppedOf },
  { header: 'IN OPEN TRANSACTIONS', value: straddlingOf },
]

/** The preview, on standard error. */
function showPlan(context: Context, { source, topics, positions, warnings, missing }: RestorePlan): void {
  const colours = context.colours.stderr
  const { number, clusterId, cutAtMs } = source.manifest
  const hasStraddling = topics.some((topic) => straddlingOf(topic) > 0n)
  const columns = hasStraddling ? planColumns : planColumns.slice(0, -1)
  context.note(`From backup ${number} of cluster ${clusterId}, up to ${time(cutAtMs)}:\n`)
  context.note(renderTable(topics, columns, colours))
  for (const [groupId, own] of Map.groupBy(positions, (position) => position.groupId)) {
    const unread = own.reduce((sum, position) => sum + position.unread, 0n)
    context.note(
      `  group ${groupId}: its place of ${time(source.groupsAtMs)}, with ${counted(unread, 'record')} to read`,
    )
  }
  for (const { to, expired } of topics) {
    if (expired === null) continue
    const limit = span(Number(expired.retentionMs))
    context.note(
      `  ${to}: up to ${count(expired.records)} records are older than its retention of ${limit}; they are kept until --release-retention`,
    )
  }
  for (const warning of warnings) context.note(colours.careful(`  ${warning}`))
  for (const what of missing) context.note(colours.bad(`  missing: ${what}`))
}

function planData({ source, targetClusterId, topics, positions, warnings, missing }: RestorePlan): unknown {
  return {
    backup: source.manifest.number,
    clusterId: source.manifest.clusterId,
    targetClusterId,
    topics: topics.map((topic) => ({
      from: topic.from,
      to: topic.to,
      records: recordsOf(topic),
      dropped: droppedOf(topic),
      straddling: straddlingOf(topic),
      partitions: topic.partitions.map(({ partition, records, selection }) => ({
        partition,
        records,
        from: selection.from,
        cut: selection.cut,
      })),
    })),
    positions,
    warnings,
    missing,
  }
}

async function report(context: Context, plan: RestorePlan, restored: Restored, tookMs: number): Promise<number> {
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
              `  ${topic} partition ${partition} differs from the backup: ${count(digest.records)} records instead of ${count(wanted)}, or others`,
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
function release({ topics }: RestorePlan, name: string): string {
  const { config } = topics.find(({ to }) => to === name)!
  const settings = ['retention.ms', 'retention.bytes'].map((setting) =>
    config[setting] === undefined ? `--unset ${setting}` : `--set ${setting}=${config[setting]}`,
  )
  return `selfmonitor topics alter ${name} ${settings.join(' ')}`
}

export const restore: Noun = { name: 'restore', summary: verb.summary, verbs: [verb] }
