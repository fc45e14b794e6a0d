// `selfmonitor restore`: brings topics and groups' positions back from a backup.
import type { BackupStore, FoundArchive, RecordPlace, RestorePlan, RestorePoint } from '@selfmonitor/backup'
import type { Context } from '../framework/context.ts'
import { exitCodes, usageError } from '../framework/errors.ts'
import { bigInteger, collect, integer, pointInTime, throughDate } from '../framework/parse.ts'
import { defineVerb, flag, type Noun, text, value } from '../framework/verb.ts'
import { identityOption, openPlace, placeOptions, topicFilter, topicsOption } from './backup-place.ts'
import { archiveOptions, refuseOptions, restoreArchive } from './restore-archive.ts'
import { carryOut, confirmRestore } from './restore-run.ts'
import { schemaOptions, schemaRequest } from './restore-schemas.ts'
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
  beforeEvent: text('--before-event <id>', 'just before the event with this id, in all topics'),
  beforeOffset: value(
    '--before-offset <topic:partition:offset>',
    'just before this record, in all topics',
    beforeOffset,
  ),
  from: value('--from <time>', 'only from each partition’s first record that is not older', pointInTime),
  to: value('--to <time>', 'the same as --at', pointInTime),
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
  access: flag(
    '--access',
    'ACLs, quotas and accounts, instead of topics and groups; nothing that is there is taken away',
  ),
  newPasswords: text(
    '--new-passwords <file>',
    'with --access: create the accounts that are missing, with passwords that are generated and written to this new file',
  ),
  ...schemaOptions,
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
    'choose another name for it. The schemas of its records are registered first, with the ids that they had. A group with members keeps its position. Exit code 1 when anything is missing or differs.',
  examples: [
    'selfmonitor restore --source s3://kafka-backups/production --topic user.events --target user.events.restored --dry-run',
    'selfmonitor restore --source s3://kafka-backups/user.events --target user.events.restored --date 2026-11-01 --yes',
    'selfmonitor restore --source /var/backups/kafka --at "2026-11-29 14:03 Europe/Berlin" --target-suffix .restored',
    'selfmonitor restore --source /var/backups/kafka --access --new-passwords passwords.json --dry-run',
  ],
  options,
  output: ['table', 'json', 'yaml'],
  mutates: true,
  async run(context, { options: given }) {
    refuseTwoPoints(given)
    const source = await findSource(context, given)
    if (source.kind === 'archive') return await restoreArchive(context, source.archive, given)
    refuseOptions(given, archiveOptions, 'an archive of a sink connector')
    const { store, clusterId, topics } = source
    const [cluster, { planRestore }] = await Promise.all([context.cluster(), import('@selfmonitor/backup')])
    const include = topicFilter(topics)
    const point = await pointOf(context, store, clusterId, given)
    if (given.newPasswords !== undefined && !given.access) throw usageError('--new-passwords needs --access')
    if (given.access) {
      if (given.target !== undefined && topics?.length !== 1) throw usageError('--target needs one --topic')
      const { restoreAccessFrom } = await import('./restore-access.ts')
      const nameOf = (topic: string): string =>
        include(topic) ? (given.target ?? `${topic}${given.targetSuffix ?? ''}`) : topic
      return await restoreAccessFrom(context, { ...given, store, clusterId, point, nameOf })
    }
    const { clusterId: targetClusterId } = await cluster.info()
    const plan = await planRestore(
      store,
      clusterId,
      cluster,
      {
        point,
        nameOf: (topic) => (include(topic) ? (given.target ?? `${topic}${given.targetSuffix ?? ''}`) : null),
        partitions: given.partition,
        fromMs: given.from,
        includeGroup: groupFilter(given.groups, clusterId === targetClusterId),
        schemas: await schemaRequest(context, cluster, given),
        resume: given.resume,
      },
      Date.now(),
    )
    refuseUnknown(plan, topics, given.groups)
    showPlan(context, plan)
    const refusal = plan.schemas?.refusals[0]
    if (given.dryRun) {
      await context.printThing(planData(plan), { table: () => '' })
      return refusal === undefined ? exitCodes.done : exitCodes.failed
    }
    if (refusal !== undefined) throw refusal
    await confirmRestore(context, plan.topics)
    return await carryOut(context, entryOf(plan, store.address), async () => plan, given)
  },
})

interface Points {
  readonly backup: number | undefined
  readonly at: number | undefined
  readonly to: number | undefined
  readonly date: number | undefined
  readonly beforeEvent: string | undefined
  readonly beforeOffset: Offset | undefined
}

interface Offset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

function beforeOffset(word: string): Offset {
  const [, topic, partition, offset] = /^(.+):(\d+):(\d+)$/.exec(word) ?? []
  if (topic === undefined) throw usageError(`"${word}" is not topic:partition:offset`)
  return { topic, partition: integer(0)(partition!), offset: bigInteger(offset!) }
}

/** @throws CliError USAGE for two of them */
function refuseTwoPoints({ backup, at, to, date, beforeEvent, beforeOffset: before }: Points): void {
  const chosen = [backup, at, to, date, beforeEvent, before].filter((one) => one !== undefined)
  if (chosen.length < 2) return
  throw usageError('--backup, --at, --to, --date, --before-event and --before-offset exclude each other')
}

/** @throws BackupError NO_BACKUP for an event or an offset that the backup does not have */
async function pointOf(context: Context, store: BackupStore, clusterId: string, given: Points): Promise<RestorePoint> {
  const { findEvent, recordAt } = await import('@selfmonitor/backup')
  const timestampMs = given.at ?? given.to ?? given.date
  if (timestampMs !== undefined) return { kind: 'time', timestampMs }
  if (given.beforeOffset !== undefined) {
    return { kind: 'before', record: await recordAt(store, clusterId, given.beforeOffset) }
  }
  if (given.beforeEvent !== undefined) {
    const [record, ...others] = await findEvent(store, clusterId, given.beforeEvent)
    const say = ({ topic, partition, offset, timestampMs: ms }: RecordPlace): string =>
      `${topic} partition ${partition} offset ${offset}, ${new Date(ms).toISOString()}`
    context.note(`Event ${given.beforeEvent} is in ${say(record!)}.`)
    if (others.length > 0) context.note(`Later records have its id too: ${others.slice(0, 3).map(say).join('; ')}.`)
    return { kind: 'before', record: record! }
  }
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
