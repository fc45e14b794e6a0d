// `selfmonitor restore` from the files of an S3 sink connector.
import type { Acceptance, ArchivePlan, ArchiveTopic, FoundArchive, Reading, TimeSource } from '@selfmonitor/backup'
import type { AuditEntry } from '../framework/audited.ts'
import type { Context } from '../framework/context.ts'
import { exitCodes, usageError } from '../framework/errors.ts'
import { integer, wallClock } from '../framework/parse.ts'
import { value } from '../framework/verb.ts'
import { count, counted, span, time } from '../output/format.ts'
import { type Column, renderTable } from '../output/table.ts'
import { namedTopics, topicFilter } from './backup-place.ts'
import { carryOut, confirmRestore } from './restore-run.ts'

export const archiveOptions = {
  timestamps: value(
    '--timestamps <source>',
    'archives: which time records get: `path` (of the file’s path, else as `modified`; default), `modified` (of the file), `field:<name>` (of the value)',
    timeSource,
  ),
  pathZone: value('--path-zone <zone>', 'archives: the `timezone` of the connector; default: UTC', wallClock),
  partitions: value('--partitions <n>', 'archives: how many partitions the topic had', integer(1)),
  accept: value(
    '--accept <what>',
    'archives: exit with 0 also with `gaps` between offsets, or `order` that is not known; may be given several times',
    acceptance,
  ),
  separator: value(
    '--separator <text>',
    'archives: `format.bytearray.separator` of the connector; default: \\n',
    (text: string) => Buffer.from(text.replaceAll('\\n', '\n').replaceAll('\\r', '\r').replaceAll('\\t', '\t')),
  ),
} as const

function timeSource(text: string): TimeSource {
  const field = /^field:(.+)$/.exec(text)?.[1]
  if (field !== undefined) return { kind: 'field', field }
  if (text === 'path' || text === 'modified') return { kind: text }
  throw usageError(`"${text}" is not a source of times`, 'Write path, modified, or field:<name>.')
}

function acceptance(text: string, before: readonly Acceptance[] = []): Acceptance[] {
  if (text === 'gaps' || text === 'order') return [...before, text]
  throw usageError(`"${text}" cannot be accepted`, 'Write gaps or order.')
}

/** Options of the other kind of source, which would do nothing here. */
export function refuseOptions(given: object, options: object, source: string): void {
  const isGiven = (name: string): boolean => {
    const value: unknown = (given as Record<string, unknown>)[name]
    // A flag that is not given is false.
    return value !== undefined && value !== false
  }
  const name = Object.keys(options).find(isGiven)
  if (name === undefined) return
  const option = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
  throw usageError(`--${option} is for ${source}`, 'Leave it out.')
}

interface Given {
  readonly topic: readonly string[] | undefined
  readonly target: string | undefined
  readonly targetSuffix: string | undefined
  readonly at: number | undefined
  readonly to: number | undefined
  readonly date: number | undefined
  readonly partition: readonly number[] | undefined
  readonly partitions: number | undefined
  readonly timestamps: TimeSource | undefined
  readonly pathZone: ((wallMs: number) => number) | undefined
  readonly separator: Buffer | undefined
  readonly accept: readonly Acceptance[] | undefined
  readonly resume: boolean
  readonly releaseRetention: boolean
  readonly dryRun: boolean
}

const onlyOfBackups = {
  backup: null,
  groups: null,
  identity: null,
  clusterId: null,
  beforeEvent: null,
  beforeOffset: null,
  from: null,
  access: null,
  newPasswords: null,
  schemas: null,
  schemaIds: null,
}

/** @returns the exit code */
export async function restoreArchive(context: Context, archive: FoundArchive, given: Given): Promise<number> {
  refuseOptions(given, onlyOfBackups, 'a backup of `selfmonitor backup`')
  const [cluster, { archiveTarget, planArchive, registerSchemas }] = await Promise.all([
    context.cluster(),
    import('@selfmonitor/backup'),
  ])
  const reading: Reading = {
    reader: archive.reader,
    times: given.timestamps ?? { kind: 'path' },
    toInstant: given.pathZone ?? ((wallMs) => wallMs),
    separator: given.separator ?? Buffer.from('\n'),
  }
  const pointMs = given.at ?? given.to ?? given.date ?? null
  const include = topicFilter(given.topic)
  const plan = await planArchive(
    reading,
    archive.listing,
    cluster,
    {
      pointMs,
      nameOf: (topic) => (include(topic) ? (given.target ?? `${topic}${given.targetSuffix ?? ''}`) : null),
      named: namedTopics(given.topic),
      partitions: given.partition,
      partitionCount: given.partitions,
      resume: given.resume,
      accepts: given.accept ?? [],
    },
    Date.now(),
  )
  const hasSchemas = plan.topics.some(({ keySchemas, valueSchemas }) => keySchemas.length + valueSchemas.length > 0)
  const registry = hasSchemas ? await context.registry() : null
  showPlan(context, plan, reading, pointMs, registry?.url ?? null)
  if (given.dryRun) {
    await context.printThing(planData(plan), { table: () => '' })
    return exitCodes.done
  }
  await confirmRestore(context, plan.topics)
  const prepare = async () => {
    const ids = await registerSchemas(plan, registry)
    return archiveTarget(reading, plan, (topic) => ids.get(topic.to)!)
  }
  return await carryOut(context, entryOf(plan), prepare, given)
}

const sum = (topic: ArchiveTopic, of: 'records' | 'copies' | 'absent'): bigint =>
  topic.partitions.reduce((total, partition) => total + partition[of], 0n)
const filesOf = ({ partitions }: ArchiveTopic): number =>
  partitions.reduce((total, { parts }) => total + parts.length, 0)
const youngerOf = ({ partitions }: ArchiveTopic): number =>
  partitions.reduce((total, { youngerFiles }) => total + youngerFiles, 0)

const columns: readonly Column<ArchiveTopic>[] = [
  { header: 'TOPIC', value: ({ from }) => from },
  { header: 'RESTORED AS', value: ({ to, exists }) => (exists ? `${to} (resumed)` : to) },
  { header: 'PARTITIONS', value: ({ partitionCount }) => partitionCount },
  { header: 'FILES', value: filesOf },
  { header: 'RECORDS', value: (topic) => sum(topic, 'records') },
  { header: 'COPIES, LEFT OUT', value: (topic) => sum(topic, 'copies') },
  { header: 'OFFSETS WITHOUT RECORD', value: (topic) => sum(topic, 'absent') },
  { header: 'YOUNGER FILES, LEFT OUT', value: youngerOf },
]

/** The preview, on standard error. */
function showPlan(
  context: Context,
  { address, topics, warnings, missing }: ArchivePlan,
  { times }: Reading,
  pointMs: number | null,
  registryUrl: string | null,
): void {
  const colours = context.colours.stderr
  const upTo = pointMs === null ? '' : `, up to ${time(pointMs)}`
  context.note(`From the files of a sink connector in ${address}${upTo}:\n`)
  context.note(renderTable(topics, columns, colours))
  context.note(`  ${timeText(times)}`)
  context.note('  an archive has no groups, settings or number of partitions of a topic')
  for (const { to, valueSchemas, keySchemas, expired } of topics) {
    for (const [kind, schemas] of [
      ['value', valueSchemas],
      ['key', keySchemas],
    ] as const) {
      if (schemas.length === 0) continue
      context.note(`  ${to}: ${counted(schemas.length, 'schema')} as subject ${to}-${kind} in ${registryUrl}`)
    }
    if (expired === null) continue
    const limit = span(Number(expired.retentionMs))
    context.note(
      `  ${to}: ${count(expired.records)} records are older than its retention of ${limit}; they are kept until --release-retention`,
    )
  }
  for (const warning of warnings) context.note(colours.careful(`  ${warning}`))
  for (const what of missing) context.note(colours.bad(`  missing: ${what}`))
}

function timeText(times: TimeSource): string {
  if (times.kind === 'field') return `records get the time in field ${times.field} of their values (--timestamps)`
  const file = 'the time at which their file was written'
  const which = times.kind === 'modified' ? file : `the time of their file’s path, or without one ${file}`
  return `the archive has no times of records: they get ${which} (--timestamps)`
}

function planData({ address, targetClusterId, topics, warnings, missing }: ArchivePlan): unknown {
  return {
    archive: address,
    targetClusterId,
    topics: topics.map((topic) => ({
      from: topic.from,
      to: topic.to,
      records: sum(topic, 'records'),
      copies: sum(topic, 'copies'),
      absent: sum(topic, 'absent'),
      youngerFiles: youngerOf(topic),
      partitions: topic.partitions.map(({ partition, records, parts }) => ({
        partition,
        records,
        files: parts.length,
      })),
    })),
    warnings,
    missing,
  }
}

function entryOf({ address, topics, missing }: ArchivePlan): AuditEntry {
  return {
    action: 'restore',
    resources: [{ type: 'backup', name: address }, ...topics.map(({ to }) => ({ type: 'topic', name: to }))],
    after: {
      topics: topics.map((topic) => ({ from: topic.from, to: topic.to, records: String(sum(topic, 'records')) })),
      missing,
    },
  }
}
