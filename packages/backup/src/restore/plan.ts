// What a restore would do: computed from the backup and the target, with nothing changed.
import type { Cluster, NewTopic } from '@selfmonitor/cluster'
import { BackupError } from '../format/backup-error.ts'
import type { BackupStore } from '../format/sealing.ts'
import type { GroupState, TopicState } from '../format/types.ts'
import { acceptedLimits, finalConfig, heldConfig, timeLimits } from './settings.ts'
import { openSource, type RestorePoint, type RestoreSource, recordsBefore, type Selection } from './source.ts'

export interface RestoreRequest {
  readonly point: RestorePoint
  /** Which topics, and the name that each gets. @returns null for a topic that is not restored */
  readonly nameOf: (topic: string) => string | null
  /** Only these partitions; default: all. The others are created, and stay empty. */
  readonly partitions?: readonly number[]
  /** Which groups get their positions back. */
  readonly includeGroup: (groupId: string) => boolean
  /** Goes on with a restore that was interrupted: target topics may have a part of the records. */
  readonly resume: boolean
}

export interface PlannedPartition {
  readonly partition: number
  readonly selection: Selection
  readonly records: bigint
  /** In the backup, and younger than the point. */
  readonly dropped: bigint
  /** Left out because their transaction is not complete at the point. */
  readonly straddling: bigint
}

export interface PlannedTopic {
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
  readonly partitions: readonly PlannedPartition[]
  /** Retention would delete records as soon as it is let go: at most so many. null: none. */
  readonly expired: { readonly records: bigint; readonly retentionMs: bigint } | null
}

export interface PlannedPosition {
  readonly groupId: string
  readonly topic: string
  readonly partition: number
  readonly committed: bigint
  /** The same place in the restored partition, counted from its first record. */
  readonly position: bigint
  /** Records at and behind the position: those that the group gets. */
  readonly unread: bigint
}

export interface RestorePlan {
  readonly source: RestoreSource
  readonly targetClusterId: string
  readonly topics: readonly PlannedTopic[]
  readonly positions: readonly PlannedPosition[]
  readonly warnings: readonly string[]
}

const defaultRetentionMs = 604_800_000n

/**
 * @throws BackupError NO_BACKUP, TARGET_NOT_EMPTY, INVALID_ARGUMENT, DAMAGED; ClusterError; StoreError
 */
export async function planRestore(
  store: BackupStore,
  clusterId: string,
  cluster: Cluster,
  request: RestoreRequest,
  nowMs: number,
): Promise<RestorePlan> {
  const source = await openSource(store, clusterId, request.point)
  const chosen = chooseTopics(source, request)
  const { brokers, clusterId: targetClusterId } = await cluster.info()
  const existing = new Map((await cluster.listTopics({ internal: true })).map((topic) => [topic.name, topic]))
  const warnings: string[] = []
  const topics: PlannedTopic[] = []
  for (const { state, to } of chosen) {
    const known = existing.get(to)
    if (known !== undefined) refuseExisting(to, state, known.partitions.length, request.resume)
    const replicationFactor = Math.min(state.replicationFactor, brokers.length)
    if (replicationFactor < state.replicationFactor) {
      warnings.push(
        `topic ${to} gets ${replicationFactor} replicas instead of ${state.replicationFactor}: the target has ${brokers.length} brokers`,
      )
    }
    const partitions = await planPartitions(store, source, state, request)
    const final = finalConfig(state, replicationFactor)
    warnings.push(...final.warnings)
    topics.push({
      from: state.name,
      to,
      state,
      replicationFactor,
      exists: known !== undefined,
      config: final.config,
      held: heldConfig(final.config, largestBatch(partitions), {}),
      partitions,
      expired: expiredRecords(final.config, partitions, nowMs),
    })
  }
  const limits = await targetLimits(cluster, topics)
  const positions = await planPositions(store, source.groups ?? [], topics, request)
  if (source.groups === null)
    warnings.push('the backup has no positions of groups: they could not be read when it was taken')
  const held = topics.map((topic) => ({ ...topic, held: { ...topic.held, ...limits } }))
  return { source, targetClusterId, topics: held, positions, warnings }
}

/** Which settings of the target let records keep their times. @throws ClusterError when it would not create the topics */
async function targetLimits(
  cluster: Cluster,
  topics: readonly PlannedTopic[],
): Promise<Readonly<Record<string, string>>> {
  const missing = topics.filter(({ exists }) => !exists)
  if (missing.length > 0) return acceptedLimits(cluster, missing.map(newTopic))
  const known = (await cluster.topicConfigs([topics[0]!.to])).get(topics[0]!.to) ?? []
  const isNewer = known.some(({ name }) => name === 'message.timestamp.before.max.ms')
  return timeLimits[isNewer ? 'since 3.6' : 'before 3.6']
}

/** As it is created. */
export function newTopic({ to, state, replicationFactor, config, held }: PlannedTopic): NewTopic {
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

function refuseExisting(to: string, { name, partitions }: TopicState, has: number, resume: boolean): void {
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
  for (const selection of selections) {
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
      records,
      straddling,
      dropped: all - records - straddling,
    })
  }
  return planned
}

function largestBatch(partitions: readonly PlannedPartition[]): number {
  const segments = partitions.flatMap(({ selection }) => selection.segments)
  return segments.reduce((largest, { largestBatchBytes }) => Math.max(largest, largestBatchBytes), 0)
}

/** By whole segments: some of their records may be younger. */
function expiredRecords(
  config: Readonly<Record<string, string>>,
  partitions: readonly PlannedPartition[],
  nowMs: number,
): PlannedTopic['expired'] {
  const isDeleted = (config['cleanup.policy'] ?? 'delete').includes('delete')
  const retentionMs = BigInt(config['retention.ms'] ?? defaultRetentionMs)
  if (!isDeleted || retentionMs < 0n) return null
  const oldest = BigInt(nowMs) - retentionMs
  const records = partitions
    .flatMap(({ selection }) => selection.segments)
    .filter(({ minTimestampMs }) => minTimestampMs !== null && BigInt(minTimestampMs) < oldest)
    .reduce((sum, segment) => sum + BigInt(segment.records), 0n)
  return records === 0n ? null : { records, retentionMs }
}

async function planPositions(
  store: BackupStore,
  groups: readonly GroupState[],
  topics: readonly PlannedTopic[],
  request: RestoreRequest,
): Promise<PlannedPosition[]> {
  const byId = new Map(topics.map((topic) => [topic.state.id, topic]))
  const positions: PlannedPosition[] = []
  for (const { groupId, offsets } of groups.filter((group) => request.includeGroup(group.groupId))) {
    for (const { topicId, partition, next } of offsets) {
      const topic = byId.get(topicId)
      const planned = topic?.partitions.find((one) => one.partition === partition)
      if (topic === undefined || planned === undefined) continue
      const position = await recordsBefore(store, planned.selection, next)
      const unread = planned.records - position
      positions.push({ groupId, topic: topic.to, partition, committed: next, position, unread })
    }
  }
  return positions
}
