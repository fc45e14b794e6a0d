// `selfmonitor backup`: take, list, describe, verify and prune backups of a cluster.
import type { BackedUpTopic, ClusterState, GroupState, Manifest, Segment } from '@selfmonitor/backup'
import { schemasText } from '../backup/run-once.ts'
import { exitCodes } from '../framework/errors.ts'
import { duration, integer } from '../framework/parse.ts'
import { defineVerb, type Noun, optional, value } from '../framework/verb.ts'
import { bytes, count, counted, elapsed, time } from '../output/format.ts'
import { progressLine } from '../output/progress-line.ts'
import { type Column, renderFields, renderTable } from '../output/table.ts'
import { coverage } from './backup-coverage.ts'
import { exportVerb } from './backup-export.ts'
import { identityOption, openPlace, placeOptions } from './backup-place.ts'
import { take } from './backup-take.ts'

function recordsOf({ topics }: Pick<Manifest, 'topics'>): bigint {
  return topics.reduce((sum, topic) => sum + recordsOfTopic(topic), 0n)
}

function recordsOfTopic({ partitions }: BackedUpTopic): bigint {
  return partitions.reduce((sum, { records }) => sum + records, 0n)
}

const listColumns: readonly Column<Manifest>[] = [
  { header: 'BACKUP', value: ({ number }) => String(number), align: 'right' },
  { header: 'UP TO', value: ({ cutAtMs }) => time(cutAtMs) },
  { header: 'TOPICS', value: ({ topics }) => topics.length },
  { header: 'RECORDS', value: (manifest) => recordsOf(manifest) },
  { header: 'SCHEMAS', align: 'right', value: schemasText },
  { header: 'TOOK', align: 'right', value: ({ startedAtMs, finishedAtMs }) => elapsed(finishedAtMs - startedAtMs) },
]

const list = defineVerb({
  name: 'list',
  summary: 'list the backups that can be restored, the newest last',
  examples: ['selfmonitor backup list --target s3://kafka-backups/production'],
  options: { ...placeOptions, last: value('--last <n>', 'only so many, the newest', integer(1), 20) },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { options }) {
    const store = await openPlace(context, options.target, '--target')
    const { chooseCluster, manifestNumbers, readManifest } = await import('@selfmonitor/backup')
    const clusterId = await chooseCluster(store, options.clusterId ?? null)
    const numbers = (await manifestNumbers(store, clusterId)).slice(-options.last)
    const manifests = await Promise.all(numbers.map((number) => readManifest(store, clusterId, number)))
    await context.printRows(
      manifests.map(({ manifest }) => manifest),
      {
        columns: listColumns,
        name: ({ number }) => String(number),
        data: (manifest) => ({
          number: manifest.number,
          clusterId,
          upTo: new Date(manifest.cutAtMs).toISOString(),
          topics: manifest.topics.length,
          records: String(recordsOf(manifest)),
          schemas: manifest.schemas === undefined ? undefined : (manifest.schemas?.versions ?? null),
        }),
        empty: 'No backups.',
      },
    )
  },
})

interface TopicRow {
  readonly topic: BackedUpTopic
  readonly segments: readonly Segment[]
}

const topicColumns: readonly Column<TopicRow>[] = [
  { header: 'TOPIC', value: ({ topic }) => topic.name },
  { header: 'PARTITIONS', value: ({ topic }) => topic.partitions.length },
  { header: 'RECORDS', value: ({ topic }) => recordsOfTopic(topic) },
  { header: 'STORED', align: 'right', value: ({ segments }) => bytes(sum(segments, ({ storedBytes }) => storedBytes)) },
  { header: 'OLDEST', value: ({ segments }) => timeOf(segments, ({ minTimestampMs }) => minTimestampMs, Math.min) },
  { header: 'NEWEST', value: ({ segments }) => timeOf(segments, ({ maxTimestampMs }) => maxTimestampMs, Math.max) },
  {
    header: 'DELETED BEFORE IT WAS READ',
    value: ({ topic }) => missing(topic),
    colour: (shown, { topic }, colours) => (missing(topic) === 0n ? shown : colours.bad(shown)),
  },
]

function sum<T>(items: readonly T[], of: (item: T) => number): number {
  return items.reduce((total, item) => total + of(item), 0)
}

function timeOf(
  segments: readonly Segment[],
  of: (segment: Segment) => number | null,
  choose: (...times: number[]) => number,
): string | null {
  const times = segments.map(of).filter((one) => one !== null)
  return times.length === 0 ? null : time(times.reduce((a, b) => choose(a, b)))
}

function missing({ partitions }: BackedUpTopic): bigint {
  return partitions.flatMap(({ gaps }) => gaps).reduce((total, { from, to }) => total + to - from, 0n)
}

const describe = defineVerb({
  name: 'describe',
  summary: 'show what a backup has of each topic, and the groups whose positions it has',
  examples: [
    'selfmonitor backup describe --target /var/backups/kafka',
    'selfmonitor backup describe 12 --target s3://kafka-backups/production',
  ],
  args: { number: optional('number of the backup; default: the newest') },
  options: { ...placeOptions, identity: identityOption },
  output: ['table', 'json', 'yaml', 'name'],
  async run(context, { args, options }) {
    const wanted = args.number === undefined ? undefined : integer(1)(args.number)
    const store = await openPlace(context, options.target, '--target', options)
    const { canOpen, chooseCluster, latestManifest, readIndex, readManifest, readState } = await import(
      '@selfmonitor/backup'
    )
    const clusterId = await chooseCluster(store, options.clusterId ?? null)
    const { manifest } =
      wanted === undefined ? (await latestManifest(store, clusterId))! : await readManifest(store, clusterId, wanted)
    const segments = await readIndex(store, manifest)
    const state = canOpen(store, manifest.state.key) ? await readState(store, manifest) : null
    const byTopic = Map.groupBy(segments, ({ topicId }) => topicId)
    const rows = manifest.topics.map((topic) => ({ topic, segments: byTopic.get(topic.id) ?? [] }))
    const groups = state?.groups ?? null
    const colours = context.colours.stdout
    await context.printThing(
      { ...manifest, groups },
      {
        name: String(manifest.number),
        table: () =>
          [
            renderFields(
              [
                ['backup', manifest.number],
                ['cluster', clusterId],
                ['up to', time(manifest.cutAtMs)],
                ['records', recordsOf(manifest)],
                ['written by', manifest.tool],
                ['groups', state === null ? 'encrypted: give --identity' : groupsText(groups)],
                ['access', accessText(state)],
                ['schemas', describedSchemas(manifest, state)],
                ['encrypted to', manifest.recipients.join(', ') || 'nobody: not encrypted'],
              ],
              colours,
            ),
            `\n${renderTable(rows, topicColumns, colours)}`,
          ].join(''),
      },
    )
  },
})

function describedSchemas({ schemas }: Manifest, state: ClusterState | null): string {
  if (schemas === undefined) return 'none: no registry was known when it was taken'
  const problem = state?.problems.find(({ part }) => part === 'schemas')
  const why = problem === undefined ? '' : `: ${problem.code}: ${problem.message}`
  return schemas === null ? `could not be read${why}` : `${schemas.versions} in ${counted(schemas.subjects, 'subject')}`
}

/** @param state null: it is encrypted */
function accessText(state: ClusterState | null): string {
  if (state === null) return 'encrypted: give --identity'
  if (state.access === undefined) return 'not in it'
  const { acls, quotas, accounts } = state.access
  const part = (all: readonly unknown[] | null, what: string): string =>
    all === null ? `${what}s could not be read` : counted(all.length, what)
  return [part(acls, 'ACL'), part(quotas, 'quota'), part(accounts, 'account')].join(', ')
}

function groupsText(groups: readonly GroupState[] | null): string {
  if (groups === null) return 'could not be read'
  return groups.map(({ groupId }) => groupId).join(', ') || 'none'
}

const verify = defineVerb({
  name: 'verify',
  summary: 'read every object of a backup and compare it with its hash; needs no cluster',
  details:
    'Checks the chain of all backups of the cluster, and every segment of one. A damaged or missing object is named. Exit code 1 when\n' +
    'something is wrong.',
  examples: ['selfmonitor backup verify --target s3://kafka-backups/production'],
  args: { number: optional('number of the backup; default: the newest') },
  options: { ...placeOptions, identity: identityOption },
  output: ['table', 'json', 'yaml'],
  async run(context, { args, options }) {
    const number = args.number === undefined ? undefined : integer(1)(args.number)
    const store = await openPlace(context, options.target, '--target', options)
    const { chooseCluster, verifyBackup } = await import('@selfmonitor/backup')
    const clusterId = await chooseCluster(store, options.clusterId ?? null)
    const line = progressLine(context.io.stderr, context.colours.stderr)
    const verified = await verifyBackup(store, clusterId, {
      number,
      signal: context.io.signal,
      onProgress: (progress) => line.show('verifying', { ...progress, unit: 'segments' }),
    }).finally(() => line.end())
    const { manifests, segments, records, storedBytes, sealed, findings } = verified
    const colours = context.colours.stdout
    await context.printThing(verified, {
      table: () => {
        const checked = `${counted(manifests, 'backup')}, ${counted(segments, 'segment')}, ${count(records)} records, ${bytes(storedBytes)}`
        const closed =
          sealed === 0
            ? ''
            : `; of ${counted(sealed, 'encrypted segment')} the hash only: give --identity to look into them`
        if (findings.length === 0) return `${colours.good('intact')}: ${checked}${closed}\n`
        const damage = renderTable(
          findings,
          [
            { header: 'DAMAGED', value: ({ subject }) => subject },
            { header: 'WHY', value: ({ message }) => message },
          ],
          colours,
        )
        return `${colours.bad('damaged')}: ${counted(findings.length, 'finding')} in ${checked}\n\n${damage}`
      },
    })
    return findings.length === 0 ? exitCodes.done : exitCodes.failed
  },
})

const prune = defineVerb({
  name: 'prune',
  summary: 'delete old backups, and the objects that no other backup needs',
  details:
    'A backup is kept if --keep-last, --keep-for or Object Lock keeps it; the newest and the newest whole one\n' +
    'always are. --keep-last does not count backups of runs that were stopped. Backups share objects: one that a later backup needs\n' +
    'stays. Objects of a run that was killed are deleted too: at once where a later run has ended, else after a day.\n' +
    'Where no run has ended yet, give --cluster-id.',
  examples: ['selfmonitor backup prune --target s3://kafka-backups/production --keep-last 10 --keep-for 30d'],
  options: {
    ...placeOptions,
    keepLast: value('--keep-last <n>', 'keep so many of the newest whole backups', integer(1)),
    keepFor: value('--keep-for <duration>', 'keep those that are younger', duration),
  },
  output: ['table', 'json', 'yaml', 'name'],
  mutates: true,
  async run(context, { options }) {
    const store = await openPlace(context, options.target, '--target')
    const { chooseCluster, planPrune, prune: carryOut } = await import('@selfmonitor/backup')
    // Runs may have been killed before the first backup of the cluster.
    const clusterId = options.clusterId ?? (await chooseCluster(store, null))
    const rules = { keepLast: options.keepLast, keepForMs: options.keepFor }
    const plan = await planPrune(store, clusterId, rules, Date.now())
    const size = bytes(sum(plan.objects, ({ sizeBytes }) => sizeBytes))
    const kept = `${counted(plan.keep.length, 'backup')} of cluster ${clusterId} in ${store.address}`
    const lockedText = plan.locked.map(({ number, untilMs }) => `${number} until ${time(untilMs)}`).join(', ')
    if (plan.locked.length > 0) context.note(`  locked: ${counted(plan.locked.length, 'backup')}: ${lockedText}`)
    if (plan.objects.length === 0) {
      context.note(`Nothing to delete: ${kept}, and nothing else.`)
      return
    }
    context.note(`  kept: ${kept}${plan.keep.length === 0 ? '' : `, from ${plan.keep[0]} to ${plan.keep.at(-1)}`}`)
    await context.confirm({
      what: `Delete ${counted(plan.remove.length, 'backup')} and ${counted(plan.objects.length, 'object')}, ${size}, permanently`,
      typedName: clusterId,
      of: 'folder',
    })
    const pruned = await context.audited(
      {
        action: 'backup.prune',
        resources: [{ type: 'backup', name: `${store.address} ${clusterId}` }],
        before: { backups: [...plan.remove, ...plan.keep] },
        after: { backups: plan.keep },
      },
      () => carryOut(store, plan),
    )
    await context.printThing(
      { clusterId, kept: plan.keep, deleted: pruned.removed, objects: pruned.objects, locked: pruned.locked },
      {
        name: pruned.removed.join('\n') || undefined,
        table: () =>
          `deleted: ${counted(pruned.removed.length, 'backup')}, ${counted(pruned.objects, 'object')}${pruned.locked.length === 0 ? `, ${size}` : ''}\n`,
      },
    )
    for (const key of pruned.locked) context.note(`Object Lock keeps ${key}`)
  },
})

export const backup: Noun = {
  name: 'backup',
  summary: 'backups of the cluster: take, list, describe, verify, coverage, export, prune',
  verbs: [take, list, describe, verify, coverage, exportVerb, prune],
}
