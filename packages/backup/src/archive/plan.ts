// What a restore from an archive would do: every file is read once, because nothing else says how many records it has.
import type { Cluster } from '@selfmonitor/cluster'
import { BackupError } from '../format/backup-error.ts'
import { refuseExisting, type TargetPlan, type TargetTopic, targetLimits } from '../restore/plan.ts'
import { heldConfig, type TargetDefaults, targetDefaults } from '../restore/settings.ts'
import { archiveBatches, beginsWith, type FilePart, type Reading, type SchemaIds } from './batches.ts'
import { type ArchiveFile, type ArchiveListing, readName } from './layout.ts'
import { fileRecords } from './records.ts'
import { type Swept, sweep } from './sweep.ts'
import { isStoredBy, recordTime } from './times.ts'

/** What a person may accept: offsets without a record, and records whose order is not known. */
export type Acceptance = 'gaps' | 'order'

export interface ArchiveRequest {
  /** Milliseconds since the epoch: only what was stored, or with times of a field what happened, up to then. null: everything. */
  readonly pointMs: number | null
  /** Which topics, and the name that each gets. @returns null for a topic that is not restored */
  readonly nameOf: (topic: string) => string | null
  /** Names that were asked for: one that the archive does not have is an error. Default: none. */
  readonly named?: readonly string[]
  /** Only these partitions; default: all. */
  readonly partitions?: readonly number[]
  /** How many the topic gets. Default: one more than the highest number in the archive, which does not have the topic's count. */
  readonly partitionCount?: number
  readonly resume: boolean
  readonly accepts: readonly Acceptance[]
}

export interface ArchivePartition {
  readonly partition: number
  readonly parts: readonly FilePart[]
  readonly records: bigint
  /** Records that are there twice, because the sink wrote them again. */
  readonly copies: bigint
  /** Offsets that have no record. */
  readonly absent: bigint
  /** Files that were stored after the point. */
  readonly youngerFiles: number
}

export interface ArchiveTopic {
  readonly from: string
  readonly to: string
  readonly exists: boolean
  /** Of the target. */
  readonly partitionCount: number
  readonly partitions: readonly ArchivePartition[]
  /** Avro schemas as texts, in the order of their first records. */
  readonly keySchemas: readonly string[]
  readonly valueSchemas: readonly string[]
  readonly expired: TargetTopic['expired']
  readonly held: TargetTopic['held']
}

export interface ArchivePlan {
  readonly address: string
  readonly targetClusterId: string
  readonly topics: readonly ArchiveTopic[]
  readonly warnings: readonly string[]
  readonly missing: readonly string[]
}

/** How long the target keeps records of a topic that says nothing. */
interface Kept {
  readonly retentionMs: bigint
  readonly oldestMs: number
}

const oldestKept = ({ cleanupPolicy, retentionMs }: TargetDefaults, nowMs: number): number =>
  retentionMs < 0n || !cleanupPolicy.includes('delete') ? Number.NEGATIVE_INFINITY : nowMs - Number(retentionMs)

interface Surveyed {
  readonly file: ArchiveFile
  readonly folder: string
  readonly firstOffset: bigint
  readonly count: number
  /** Fewer than `count` where a record is younger than the point. */
  readonly take: number
  readonly keySchemas: ReadonlySet<string>
  readonly valueSchemas: ReadonlySet<string>
  /** Records that are older than a topic keeps by default. */
  readonly expired: number
}

/** @throws BackupError NO_BACKUP, TARGET_NOT_EMPTY, INVALID_ARGUMENT, DAMAGED; ClusterError; StoreError */
export async function planArchive(
  reading: Reading,
  listing: ArchiveListing,
  cluster: Cluster,
  request: ArchiveRequest,
  nowMs: number,
): Promise<ArchivePlan> {
  const { address } = reading.reader
  const chosen = chooseTopics(address, listing, request)
  const { clusterId: targetClusterId, brokers } = await cluster.info()
  const { defaults } = await targetDefaults(cluster, brokers[0]!.id)
  const keeps = { retentionMs: defaults.retentionMs, oldestMs: oldestKept(defaults, nowMs) }
  const existing = new Map((await cluster.listTopics({ internal: true })).map((topic) => [topic.name, topic]))
  const findings: Findings = { warnings: [], gaps: [], order: [], unusable: [] }
  const topics: ArchiveTopic[] = []
  for (const { from, to, files } of chosen) {
    const partitionCount = countPartitions(from, files, request)
    const known = existing.get(to)
    if (known !== undefined) {
      refuseExisting(to, { name: from, partitions: partitionCount }, known.partitions.length, request.resume)
    }
    topics.push(
      await planTopic(
        reading,
        { from, to, files, partitionCount, exists: known !== undefined },
        request,
        keeps,
        findings,
      ),
    )
  }
  for (const { key, why } of listing.unusable) {
    const named = readName({ key, sizeBytes: 0, modifiedMs: 0 })
    if (named !== null && chosen.some(({ from }) => from === named.topic)) findings.unusable.push(`${key}: ${why}`)
  }
  if (topics.every(({ partitions }) => partitions.every(({ records }) => records === 0n))) {
    throw nothingChosen(
      address,
      chosen.flatMap(({ files }) => files),
      request,
    )
  }
  const limits = await targetLimits(
    cluster,
    topics.map((topic) => targetTopic(topic, [])),
  )
  const held = topics.map((topic) => ({ ...topic, held: { ...topic.held, ...limits } }))
  return { address, targetClusterId, topics: held, ...judge(findings, request) }
}

interface Findings {
  readonly warnings: string[]
  readonly gaps: string[]
  readonly order: string[]
  readonly unusable: string[]
}

/** What is not accepted makes the restore incomplete. */
function judge({ warnings, gaps, order, unusable }: Findings, { accepts }: ArchiveRequest) {
  const missing = [...unusable]
  const all = [...warnings]
  for (const [kind, found] of [
    ['gaps', gaps],
    ['order', order],
  ] as const) {
    ;(accepts.includes(kind) ? all : missing).push(...found)
  }
  return { warnings: all, missing }
}

interface Chosen {
  readonly from: string
  readonly to: string
  readonly files: readonly ArchiveFile[]
}

function chooseTopics(address: string, { files }: ArchiveListing, { nameOf, named = [] }: ArchiveRequest): Chosen[] {
  const byTopic = Map.groupBy(files, ({ topic }) => topic)
  const chosen = [...byTopic].flatMap(([from, own]) => {
    const to = nameOf(from)
    return to === null ? [] : [{ from, to, files: own }]
  })
  const absent = named.filter((name) => !byTopic.has(name))
  if (chosen.length === 0 || absent.length > 0) {
    const names = [...byTopic.keys()]
    const which = absent.length === 0 ? 'no such topic' : `no topic ${absent.join(', ')}`
    throw new BackupError('NO_BACKUP', `the archive in ${address} has ${which}`, {
      hint: `It has ${names.slice(0, 10).join(', ')}${names.length > 10 ? `, and ${names.length - 10} more` : ''}.`,
    })
  }
  const twice = chosen.find(({ to }, at) => chosen.findIndex((other) => other.to === to) !== at)
  if (twice !== undefined) {
    throw new BackupError('INVALID_ARGUMENT', `two topics of the archive would get the name ${twice.to}`, {
      hint: `Choose one: it has ${[...byTopic.keys()].slice(0, 10).join(', ')}.`,
    })
  }
  return chosen
}

/** @throws BackupError INVALID_ARGUMENT for a count that is too small, and a partition that is not there */
function countPartitions(
  topic: string,
  files: readonly ArchiveFile[],
  { partitions = [], partitionCount }: ArchiveRequest,
): number {
  const numbers = new Set(files.map(({ partition }) => partition))
  const unknown = partitions.find((partition) => !numbers.has(partition))
  if (unknown !== undefined) {
    throw new BackupError('INVALID_ARGUMENT', `the archive of ${topic} has no file of partition ${unknown}`, {
      hint: `It has ${[...numbers].join(', ')}.`,
    })
  }
  const least = Math.max(...numbers) + 1
  if (partitionCount !== undefined && partitionCount < least) {
    throw new BackupError(
      'INVALID_ARGUMENT',
      `${topic} cannot get ${partitionCount} partitions: the archive has one with the number ${least - 1}`,
    )
  }
  return partitionCount ?? least
}

function nothingChosen(address: string, files: readonly ArchiveFile[], { pointMs }: ArchiveRequest): BackupError {
  const oldest = Math.min(...files.map(({ modifiedMs }) => modifiedMs))
  const when = pointMs === null ? '' : ` up to ${new Date(pointMs).toISOString()}`
  return new BackupError('NO_BACKUP', `the archive in ${address} has no record${when}`, {
    hint: `Its oldest file was written at ${new Date(oldest).toISOString()}.`,
  })
}

async function planTopic(
  reading: Reading,
  { from, to, files, partitionCount, exists }: Chosen & { readonly partitionCount: number; readonly exists: boolean },
  request: ArchiveRequest,
  keeps: Kept,
  findings: Findings,
): Promise<ArchiveTopic> {
  const partitions: ArchivePartition[] = []
  const keySchemas = new Set<string>()
  const valueSchemas = new Set<string>()
  let expired = 0n
  for (const [partition, own] of Map.groupBy(files, (file) => file.partition)) {
    if (request.partitions?.includes(partition) === false) continue
    const surveyed = await surveyPartition(reading, own, request, keeps.oldestMs)
    const swept = await sweep(surveyed.files, (file, tail) => beginsWith(reading, file, tail))
    for (const { keySchemas: ofKeys, valueSchemas: ofValues, expired: old } of surveyed.files) {
      for (const schema of ofKeys) keySchemas.add(schema)
      for (const schema of ofValues) valueSchemas.add(schema)
      expired += BigInt(old)
    }
    note(`${from} partition ${partition}`, own, swept, surveyed.younger, findings)
    partitions.push(partitionOf(partition, swept, surveyed.younger))
  }
  const there = new Set(files.map(({ partition }) => partition))
  const empty = Array.from({ length: Math.max(...there) }, (_, at) => at).filter((at) => !there.has(at))
  if (empty.length > 0) findings.warnings.push(`${from}: the archive has no file of partition ${empty.join(', ')}`)
  return {
    from,
    to,
    exists,
    partitionCount,
    partitions,
    keySchemas: [...keySchemas],
    valueSchemas: [...valueSchemas],
    expired: expired === 0n ? null : { records: expired, retentionMs: keeps.retentionMs },
    held: heldConfig({}),
  }
}

function partitionOf(
  partition: number,
  swept: readonly Swept<Surveyed>[],
  younger: readonly ArchiveFile[],
): ArchivePartition {
  let [records, copies, absent] = [0n, 0n, 0n]
  const parts = swept.flatMap(({ file: { file, take }, step }): FilePart[] => {
    const skip = step.kind === 'copies' ? step.records : 0
    if (step.kind === 'gap') absent += step.to - step.from
    copies += BigInt(Math.min(skip, take))
    if (take <= skip) return []
    records += BigInt(take - skip)
    return [{ file, skip, take: take - skip }]
  })
  return { partition, parts, records, copies, absent, youngerFiles: younger.length }
}

/** Reads the files of a partition that count for the point. */
async function surveyPartition(
  reading: Reading,
  files: readonly ArchiveFile[],
  { pointMs }: ArchiveRequest,
  oldestMs: number,
): Promise<{ files: Surveyed[]; younger: ArchiveFile[] }> {
  const byRecord = reading.times.kind === 'field'
  const counts = (file: ArchiveFile): boolean =>
    pointMs === null || byRecord || isStoredBy(file, pointMs, reading.toInstant)
  const surveyed: Surveyed[] = []
  const younger = files.filter((file) => !counts(file))
  for (const [at, file] of files.entries()) {
    if (!counts(file)) continue
    const one = await survey(reading, file, byRecord ? pointMs : null, oldestMs)
    surveyed.push(one)
    // As Kafka's own look-up by time: up to the first record that is younger.
    if (one.take < one.count) return { files: surveyed, younger: files.slice(at + 1) }
  }
  return { files: surveyed, younger }
}

async function survey(
  reading: Reading,
  file: ArchiveFile,
  pointMs: number | null,
  oldestMs: number,
): Promise<Surveyed> {
  const keySchemas = new Set<string>()
  const valueSchemas = new Set<string>()
  let count = 0
  let take: number | null = null
  let expired = 0
  for await (const some of fileRecords(reading.reader, file, reading.separator)) {
    for (const record of some) {
      const timestampMs = recordTime(reading.times, file, record, reading.toInstant)
      if (take === null && pointMs !== null && timestampMs > pointMs) take = count
      count++
      if (take !== null) continue
      if (record.key.schema !== null) keySchemas.add(record.key.schema)
      if (record.value.schema !== null) valueSchemas.add(record.value.schema)
      if (timestampMs < oldestMs) expired++
    }
  }
  const { folder, firstOffset } = file
  return { file, folder, firstOffset, count, take: take ?? count, keySchemas, valueSchemas, expired }
}

function note(
  place: string,
  files: readonly ArchiveFile[],
  swept: readonly Swept<Surveyed>[],
  younger: readonly ArchiveFile[],
  findings: Findings,
): void {
  const first = files[0]!.firstOffset
  if (first > 0n) {
    findings.warnings.push(`${place} begins with offset ${first}: the archive has none of the records before it`)
  }
  // A sink that stores keys writes them for every file: one without them has lost its keys, unless it is from before the setting.
  const keyless = files.filter(({ keys, values }) => keys === null && values !== null)
  if (keyless.length > 0 && files.some(({ keys, values }) => keys !== null && values !== null)) {
    const others = keyless.length > 1 ? ` and ${keyless.length - 1} more` : ''
    findings.gaps.push(
      `${place}: ${keyless[0]!.values!.key}${others} has no file of keys, and other files have: its records would have no keys`,
    )
  }
  const among: string[] = []
  for (const { file, step } of swept) {
    const { key } = (file.file.values ?? file.file.keys)!
    if (step.kind === 'gap') {
      // A file that is younger than the point is left out, and not missing.
      const isYounger = younger.some(({ firstOffset }) => step.from <= firstOffset && firstOffset < step.to)
      if (!isYounger) findings.gaps.push(gapText(place, step.from, step.to))
    }
    if (step.kind === 'copies') {
      findings.warnings.push(`${place}: the first ${step.records} records of ${key} are copies, and are left out`)
    }
    if (step.kind === 'among') among.push(key)
  }
  if (among.length === 0) return
  const others = among.length > 1 ? ` and ${among.length - 1} more` : ''
  findings.order.push(
    `${place}: ${among[0]}${others} begin among the offsets of the files before: the order of their records is not known, and records may be there twice`,
  )
}

function gapText(place: string, from: bigint, to: bigint): string {
  const offsets = to - from === 1n ? `offset ${from}` : `offsets ${from} to ${to - 1n}`
  return `${place}: no record of ${offsets}: a file is missing, or there never was one (transaction markers, compaction, records that the sink left out)`
}

function targetTopic(topic: ArchiveTopic, partitions: TargetTopic['partitions']): TargetTopic {
  const { from, to, exists, partitionCount, expired, held } = topic
  // -1: as the target does by default (KIP-464).
  const replicationFactor = -1
  const state = {
    name: from,
    id: '',
    partitions: partitionCount,
    replicationFactor,
    config: {},
    timestampType: 'CreateTime',
  } as const
  return { from, to, state, replicationFactor, exists, config: {}, held, partitions, expired }
}

/** The plan that `runRestore` carries out. @param idsOf the ids of the topic's schemas in the target's registry */
export function archiveTarget(
  reading: Reading,
  plan: ArchivePlan,
  idsOf: (topic: ArchiveTopic) => SchemaIds,
): TargetPlan {
  const { targetClusterId, warnings, missing } = plan
  const topics = plan.topics.map((topic) => {
    const ids = idsOf(topic)
    const partitions = topic.partitions.map(({ partition, records, parts }) => ({
      partition,
      records,
      batches: () => archiveBatches(reading, parts, ids),
    }))
    return targetTopic(topic, partitions)
  })
  return { targetClusterId, topics, positions: [], warnings, missing }
}
