// What a restore would do: computed from the backup and the target, with nothing changed.
import type { Cluster, NewTopic, ReadBatch } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import { BackupError } from '../format/backup-error.ts'
import type { BackupStore } from '../format/sealing.ts'
import type { GroupState, TopicState } from '../format/types.ts'
import type { PlannedSchemas, SchemaRequest } from './schemas.ts'
import {
  missingSchemas,
  planSchemasOf,
  registryAnswers,
  registryTopic,
  withIdsOf,
  withoutRegistryTopic,
} from './schemas-of-plan.ts'
import {
  acceptedLimits,
  finalConfig,
  heldConfig,
  refusedSettings,
  type TargetDefaults,
  targetDefaults,
  timeLimits,
  withoutSettings,
} from './settings.ts'
import {
  iso,
  offsetAfter,
  openSource,
  type RestorePoint,
  type RestoreSource,
  recordsBefore,
  recordsBeforeEach,
  type Selection,
  selectedBatches,
} from './source.ts'

export interface RestoreRequest {
  readonly point: RestorePoint
  /** Which topics, and the name that each gets. @returns null for a topic that is not restored */
  readonly nameOf: (topic: string) => string | null
  /** Only these partitions; default: all. The others are created, and stay empty. */
  readonly partitions?: readonly number[]
  /** Leaves out what each partition has before its first record that is not older than this, in milliseconds since the epoch. */
  readonly fromMs?: number
  /** Which groups get their positions back; null: none. */
  readonly includeGroup: ((groupId: string) => boolean) | null
  /** null, and the default: schemas are not restored, and records keep the ids that they have. */
  readonly schemas?: SchemaRequest | null
  /** Goes on with a restore that was interrupted: target topics may have a part of the records. */
  readonly resume: boolean
}

/** A partition to append, wherever its records come from. */
export interface PartitionSource {
  readonly partition: number
  readonly records: bigint
  /** The batches in their order, each with at least one record: the same at every call, so that a restore can be resumed and verified. */
  batches(): AsyncGenerator<ReadBatch, void>
}

export interface PlannedPartition extends PartitionSource {
  readonly selection: Selection
  /** In the backup, and younger than the point. */
  readonly dropped: bigint
  /** In the backup, and older than the window. */
  readonly older: bigint
  /** Left out because their transaction is not complete at the point. */
  readonly straddling: bigint
}

/** A topic to create and fill. */
export interface TargetTopic {
  readonly from: string
  readonly to: string
  readonly state: TopicState
  readonly replicationFactor: number
  /** Has records of an interrupted restore. */
  readonly exists: boolean
  /** What it has in the end. */
  readonly config: Readonly<Record<string, string>>
  /** While records come in; they hold back retention and compaction, and keep the records' own times. */
  readonly held: Readonly<Record<string, string>>
  readonly partitions: readonly PartitionSource[]
  /** Retention would delete records as soon as it is let go: at most so many. null: none. */
  readonly expired: { readonly records: bigint; readonly retentionMs: bigint } | null
}

export interface PlannedTopic extends TargetTopic {
  readonly partitions: readonly PlannedPartition[]
}

export interface PlannedPosition {
  readonly groupId: string
  /** A share group gets a start offset instead of a committed one. Absent: any other. */
  readonly type?: 'share' | undefined
  readonly topic: string
  readonly partition: number
  readonly committed: bigint
  /** The same place in the restored partition, counted from its first record. */
  readonly position: bigint
  /** Records at and behind the position: those that the group gets. */
  readonly unread: bigint
  /** What the group had committed beside it. Absent: nothing. */
  readonly metadata?: string | undefined
}

/** What is to be done in the target, wherever the records come from. */
export interface TargetPlan {
  readonly targetClusterId: string
  readonly topics: readonly TargetTopic[]
  readonly positions: readonly PlannedPosition[]
  /** null: nothing is to be done in a registry. */
  readonly schemas?: PlannedSchemas | null
  readonly warnings: readonly string[]
  /** What the source does not have of what is asked for: the restore cannot be complete. */
  readonly missing: readonly string[]
}

export interface RestorePlan extends TargetPlan {
  readonly source: RestoreSource
  readonly topics: readonly PlannedTopic[]
}

/**
 * @throws BackupError NO_BACKUP, TARGET_NOT_EMPTY, INVALID_ARGUMENT, DAMAGED, NO_REGISTRY, OTHER_CLUSTER, SCHEMAS_DIFFER; ClusterError;
 * RegistryError; StoreError
 */
export async function planRestore(
  store: BackupStore,
  clusterId: string,
  cluster: Cluster,
  request: RestoreRequest,
  nowMs: number,
): Promise<RestorePlan> {
  const source = await openSource(store, clusterId, request.point)
  const { brokers, clusterId: targetClusterId } = await cluster.info()
  const existing = new Map((await cluster.listTopics({ internal: true })).map((topic) => [topic.name, topic]))
  const warnings: string[] = [...source.warnings]
  const older: string[] = []
  const hasRegistry = await registryAnswers(request)
  const all = chooseTopics(source, request)
  const chosen = hasRegistry && existing.has(registryTopic) ? withoutRegistryTopic(all, warnings) : all
  const topics: PlannedTopic[] = []
  refusePartitions(source, chosen, request)
  for (const { state, to } of chosen) {
    refuseDamaged(source, state)
    const known = existing.get(to)
    if (known !== undefined) refuseExisting(to, state, known.partitions.length, request.resume)
    const replicationFactor = Math.min(state.replicationFactor, brokers.length)
    if (replicationFactor < state.replicationFactor) {
      warnings.push(
        `topic ${to} gets ${replicationFactor} replicas instead of ${state.replicationFactor}: the target has ${brokers.length} brokers`,
      )
    }
    const partitions = await planPartitions(store, source, state, request)
    // At a time they lack records that were there; in the newest backup they are as old as their schedule.
    const isOfTime = request.point.kind === 'time' || request.point.kind === 'before'
    ;(isOfTime ? older : warnings).push(...olderPartitions(source, state, request))
    const final = finalConfig(state, replicationFactor)
    warnings.push(...final.warnings)
    topics.push({
      from: state.name,
      to,
      state,
      replicationFactor,
      exists: known !== undefined,
      config: final.config,
      held: heldConfig({}),
      partitions,
      expired: null,
    })
  }
  const { accepted, limits, refused } = await acceptedTopics(cluster, topics)
  warnings.push(...refused)
  const { defaults, isKnown } = await targetDefaults(cluster, brokers[0]!.id)
  if (!isKnown && accepted.some(({ config }) => config['retention.ms'] === undefined)) {
    warnings.push(
      'this account may not read the brokers’ settings (DESCRIBE_CONFIGS on the cluster): topics without retention.ms count as keeping 7 days',
    )
  }
  const positions = await planPositions(store, source.groups ?? [], topics, request)
  warnings.push(...beforeWindow(positions, accepted))
  const missing = [...older, ...missingParts(source, request), ...missingSchemas(source, request)]
  const schemas = await planSchemasOf(store, request, { source, topics, targetClusterId, hasRegistry, warnings })
  const held = accepted.map((topic) => ({
    ...topic,
    held: { ...topic.held, ...limits },
    partitions: withIdsOf(topic, schemas),
    expired: expiredRecords(topic.config, defaults, topic.partitions, nowMs),
  }))
  return { source, targetClusterId, topics: held, positions, schemas, warnings, missing }
}

/** Groups that had not read all of what lies before the window: they do not get it. */
function beforeWindow(positions: readonly PlannedPosition[], topics: readonly PlannedTopic[]): string[] {
  const isBefore = ({ topic, partition, committed }: PlannedPosition): boolean => {
    const planned = topics.find(({ to }) => to === topic)?.partitions.find((one) => one.partition === partition)
    return planned !== undefined && planned.older > 0n && committed < planned.selection.from
  }
  return positions
    .filter(isBefore)
    .map(
      ({ groupId, topic, partition, committed }) =>
        `group ${groupId} had not read ${topic} partition ${partition} from offset ${committed}: it continues where the window begins`,
    )
}

/** What is asked for and the backup could not read. */
function missingParts({ problems }: RestoreSource, { nameOf, includeGroup, partitions }: RestoreRequest): string[] {
  return problems.flatMap(({ part, code, message }) => {
    const because = `${part}: ${code} when the backup was taken: ${message}`
    const [, topic, partition] = /^topic (\S+)(?: partition (\d+))?$/.exec(part) ?? []
    if (topic !== undefined) {
      const isWanted = partition === undefined || (partitions?.includes(Number(partition)) ?? true)
      return nameOf(topic) !== null && isWanted ? [because] : []
    }
    const group = /^group (.+)$/.exec(part)?.[1]
    const isWanted = group === undefined ? part.startsWith('groups') : (includeGroup?.(group) ?? false)
    return includeGroup !== null && isWanted ? [`positions of ${because}`] : []
  })
}

/** Partitions that the backup has only up to an earlier time than the point. */
function olderPartitions({ manifest }: RestoreSource, { id, name }: TopicState, request: RestoreRequest): string[] {
  const { point } = request
  const atMs = point.kind === 'time' ? point.timestampMs : point.kind === 'before' ? point.record.timestampMs : null
  const pointMs = atMs ?? manifest.cutAtMs
  const all = manifest.topics.find((topic) => topic.id === id)?.partitions ?? []
  return all
    .filter(({ partition }) => request.partitions?.includes(partition) ?? true)
    .flatMap(({ partition, asOfMs }) => {
      if (asOfMs === undefined || (asOfMs !== null && asOfMs >= pointMs)) return []
      const until = asOfMs === null ? 'only a part of' : `only what was there at ${iso(asOfMs)} of`
      return [`backup ${manifest.number} has ${until} topic ${name} partition ${partition}`]
    })
}

/** @throws BackupError DAMAGED: a topic of which an offset is missing, or there twice, is not restored */
function refuseDamaged({ findings, manifest }: RestoreSource, { id }: TopicState): void {
  const [first] = findings.get(id) ?? []
  if (first === undefined) return
  throw new BackupError('DAMAGED', `backup ${manifest.number} is not whole: ${first.subject}: ${first.message}`, {
    hint: '`selfmonitor backup verify` shows all that is wrong. Restore an earlier backup, or other topics.',
  })
}

/** @throws BackupError INVALID_ARGUMENT for a partition that none of the topics has */
function refusePartitions(
  { selections }: RestoreSource,
  chosen: readonly { readonly state: TopicState }[],
  { partitions = [] }: RestoreRequest,
): void {
  const all = new Set(chosen.flatMap(({ state }) => (selections.get(state.id) ?? []).map(({ partition }) => partition)))
  const unknown = partitions.find((partition) => !all.has(partition))
  if (unknown === undefined) return
  throw new BackupError('INVALID_ARGUMENT', `no topic of the restore has a partition ${unknown}`, {
    hint: `There are 0 to ${Math.max(...all)}.`,
  })
}

/** Which settings of the target let records keep their times. @throws ClusterError when it would not create the topics */
export async function targetLimits(
  cluster: Cluster,
  topics: readonly TargetTopic[],
): Promise<Readonly<Record<string, string>>> {
  const missing = topics.filter(({ exists }) => !exists)
  if (missing.length > 0) return acceptedLimits(cluster, missing.map(newTopic))
  const known = (await cluster.topicConfigs([topics[0]!.to])).get(topics[0]!.to) ?? []
  const isNewer = known.some(({ name }) => name === 'message.timestamp.before.max.ms')
  return timeLimits[isNewer ? 'since 3.6' : 'before 3.6']
}

/** Leaves out the settings that the target does not take. @throws ClusterError when it would not create the topics without them either */
async function acceptedTopics(cluster: Cluster, topics: readonly PlannedTopic[]) {
  try {
    return { accepted: topics, limits: await targetLimits(cluster, topics), refused: [] }
  } catch (error) {
    const missing = topics.filter(({ exists }) => !exists)
    if (!(error instanceof ClusterError) || error.code !== 'INVALID_CONFIG' || missing.length === 0) throw error
    const settings = await refusedSettings(
      cluster,
      missing.map((topic) => ({ ...newTopic(topic), config: topic.config })),
    )
    if (settings.length === 0) throw error
    const accepted = topics.map((topic) => ({ ...topic, config: withoutSettings(topic.config, settings) }))
    const refused = settings.map(({ name, value, reason }) => {
      const of = missing.filter(({ config }) => config[name] === value).map(({ to }) => to)
      const which = of.length > 3 ? `${of.slice(0, 3).join(', ')} and ${of.length - 3} more` : of.join(', ')
      return `${name}=${value} is left out of ${which}: the target does not take it: ${reason}`
    })
    return { accepted, limits: await targetLimits(cluster, accepted), refused }
  }
}

/** As it is created. */
export function newTopic({ to, state, replicationFactor, config, held }: TargetTopic): NewTopic {
  return { name: to, partitions: state.partitions, replicationFactor, config: { ...config, ...held } }
}

function chooseTopics(
  { manifest, topics }: RestoreSource,
  request: RestoreRequest,
): { state: TopicState; to: string }[] {
  const chosen = topics.flatMap((state) => {
    const to = request.nameOf(state.name)
    return to === null ? [] : [{ state, to }]
  })
  if (chosen.length === 0) {
    const names = topics.map(({ name }) => name)
    throw new BackupError('NO_BACKUP', `backup ${manifest.number} has no such topic`, {
      hint: `It has ${names.slice(0, 10).join(', ')}${names.length > 10 ? `, and ${names.length - 10} more` : ''}. A topic that was deleted is in the backups from before.`,
    })
  }
  const twice = chosen.find(({ to }, at) => chosen.findIndex((other) => other.to === to) !== at)
  if (twice !== undefined) {
    throw new BackupError('INVALID_ARGUMENT', `two topics of the backup would get the name ${twice.to}`)
  }
  return chosen
}

/** @throws BackupError TARGET_NOT_EMPTY unless the topic may be from an interrupted restore */
export function refuseExisting(
  to: string,
  { name, partitions }: Pick<TopicState, 'name' | 'partitions'>,
  has: number,
  resume: boolean,
): void {
  if (!resume) {
    throw new BackupError('TARGET_NOT_EMPTY', `topic ${to} exists in the target`, {
      hint: 'Choose another name, or delete it. If it is there from a restore that was interrupted, repeat that with --resume.',
    })
  }
  if (has === partitions) return
  throw new BackupError(
    'TARGET_NOT_EMPTY',
    `topic ${to} has ${has} partitions and ${name} has ${partitions} in the backup`,
    {
      hint: 'It is not from an interrupted restore of this topic: choose another name.',
    },
  )
}

async function planPartitions(
  store: BackupStore,
  source: RestoreSource,
  state: TopicState,
  request: RestoreRequest,
): Promise<PlannedPartition[]> {
  const selections = (source.selections.get(state.id) ?? []).filter(
    ({ partition }) => request.partitions?.includes(partition) ?? true,
  )
  const planned: PlannedPartition[] = []
  for (const whole of selections) {
    const from = request.fromMs === undefined ? whole.from : await offsetAfter(store, whole, request.fromMs - 1)
    const older = from === whole.from ? 0n : await recordsBefore(store, { ...whole, excluded: [] }, from)
    const selection = { ...whole, from }
    const kept = { ...selection, excluded: [] }
    const [records, upToCut] = [
      await recordsBefore(store, selection, selection.cut),
      selection.excluded.length === 0 ? null : await recordsBefore(store, kept, selection.cut),
    ]
    const all = selection.segments.reduce((sum, segment) => sum + BigInt(segment.records), 0n)
    const straddling = upToCut === null ? 0n : upToCut - records
    planned.push({
      partition: selection.partition,
      selection,
      batches: () => selectedBatches(store, selection),
      records,
      straddling,
      older,
      dropped: all - records - straddling - older,
    })
  }
  return planned
}

/** By whole segments: some of their records may be younger. */
function expiredRecords(
  config: Readonly<Record<string, string>>,
  defaults: TargetDefaults,
  partitions: readonly PlannedPartition[],
  nowMs: number,
): PlannedTopic['expired'] {
  if (!(config['cleanup.policy'] ?? defaults.cleanupPolicy).includes('delete')) return null
  const retentionMs = BigInt(config['retention.ms'] ?? defaults.retentionMs)
  const oldest = BigInt(nowMs) - retentionMs
  const maxBytes = Number(config['retention.bytes'] ?? defaults.retentionBytes)
  let records = 0n
  for (const { segments } of partitions.map(({ selection }) => selection)) {
    let keptBytes = 0
    for (const segment of segments.toReversed()) {
      const isTooOld = retentionMs >= 0n && segment.minTimestampMs !== null && BigInt(segment.minTimestampMs) < oldest
      keptBytes += segment.logBytes
      if (isTooOld || (maxBytes >= 0 && keptBytes > maxBytes)) records += BigInt(segment.records)
    }
  }
  return records === 0n ? null : { records, retentionMs }
}

async function planPositions(
  store: BackupStore,
  groups: readonly GroupState[],
  topics: readonly PlannedTopic[],
  request: RestoreRequest,
): Promise<PlannedPosition[]> {
  const byId = new Map(topics.map((topic) => [topic.state.id, topic]))
  const asked = groups
    .filter(({ groupId }) => request.includeGroup?.(groupId) === true)
    .flatMap(({ groupId, type, offsets }) => offsets.map((one) => ({ groupId, type, ...one })))
  const positions: PlannedPosition[] = []
  for (const own of Map.groupBy(asked, ({ topicId, partition }) => `${partition}:${topicId}`).values()) {
    const { topicId, partition } = own[0]!
    const topic = byId.get(topicId)
    const planned = topic?.partitions.find((one) => one.partition === partition)
    if (topic === undefined || planned === undefined) continue
    const offsets = own.map(({ next }) => next)
    const before = await recordsBeforeEach(store, planned.selection, offsets)
    for (const { groupId, type, next, metadata } of own) {
      const position = before.get(next)!
      const unread = planned.records - position
      positions.push({ groupId, type, topic: topic.to, partition, committed: next, position, unread, metadata })
    }
  }
  return positions
}
