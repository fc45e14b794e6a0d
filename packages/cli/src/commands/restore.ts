// `selfmonitor restore`: brings topics and groups' positions back from a backup.
import type { BackupStore, FoundArchive, RestorePlan, RestorePoint } from '@selfmonitor/backup'
import type { Context } from '../framework/context.ts'
import { exitCodes, usageError } from '../framework/errors.ts'
import { collect, integer, pointInTime, throughDate } from '../framework/parse.ts'
import { defineVerb, flag, type Noun, text, value } from '../framework/verb.ts'
import { identityOption, openPlace, placeOptions, topicFilter, topicsOption } from './backup-place.ts'
import { archiveOptions, refuseOptions, restoreArchive } from './restore-archive.ts'
import { carryOut, confirmRestore } from './restore-run.ts'
import { entryOf, planData, showPlan } from './restore-view.ts'

const options = {
  source: text(
    '--source <address>',
    'where the backups are, or the files of an S3 sink connector: a folder, or s3://bucket/prefix, perhaps with /<topic> (SELFMONITOR_BACKUP)',
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
  date: value(
    '--date <date>',
    'up to the end of a day: 2026-11-29, "2026-11-29 Europe/Berlin" (default: UTC); a time is as with --at',
    throughDate,
  ),
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
  ...archiveOptions,
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
    const source = await findSource(context, given)
    if (source.kind === 'archive') return await restoreArchive(context, source.archive, given)
    refuseOptions(given, archiveOptions, 'an archive of a sink connector')
    const { store, clusterId, topics } = source
    const [cluster, { planRestore }] = await Promise.all([context.cluster(), import('@selfmonitor/backup')])
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
    await confirmRestore(context, plan.topics)
    return await carryOut(context, entryOf(plan, store.address), async () => plan, given)
  },
})

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

type Source =
  | {
      readonly kind: 'backup'
      readonly store: BackupStore
      readonly clusterId: string
      readonly topics: readonly string[] | undefined
    }
  | { readonly kind: 'archive'; readonly archive: FoundArchive }

/**
 * An address of backups; or such an address with a topic behind it, as in `s3://kafka-backups/user.events`; or one of the files of a
 * sink connector.
 */
async function findSource(
  context: Context,
  given: {
    readonly source: string | undefined
    readonly clusterId: string | undefined
    readonly identity: string | undefined
    readonly topic: readonly string[] | undefined
  },
): Promise<Source> {
  const { source, identity, topic: topics } = given
  const open = (address: string | undefined) => openPlace(context, address, '--source', { identity })
  const store = await open(source)
  const { backedUpClusters, chooseCluster, findArchive } = await import('@selfmonitor/backup')
  const clusters = await backedUpClusters(store)
  if (clusters.length === 0) {
    const split = /^(.+[^/:])\/([^/]+)\/?$/.exec(store.address)
    if (split !== null && topics === undefined) {
      const above = await open(split[1])
      if ((await backedUpClusters(above)).length > 0) {
        const clusterId = await chooseCluster(above, given.clusterId ?? null)
        return { kind: 'backup', store: above, clusterId, topics: [split[2]!] }
      }
    }
    const archive = await findArchive(store.address)
    if (archive !== null) {
      context.onEnd(() => archive.reader.close())
      return { kind: 'archive', archive }
    }
  }
  return { kind: 'backup', store, clusterId: await chooseCluster(store, given.clusterId ?? null), topics }
}

export const restore: Noun = { name: 'restore', summary: verb.summary, verbs: [verb] }
