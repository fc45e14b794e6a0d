// Committing, fetching and deleting offsets: the coordinator's operations that change no membership.
import { failure, type Step } from './classic-group.ts'
import type { CommitWaits } from './commit-waits.ts'
import type { Entry } from './entry.ts'
import { eachOffset, getOffset, type OffsetRef, setOffset } from './offsets.ts'
import { offsetRecord, offsetTombstone } from './records.ts'
import { consumerProtocolType, isSubscribed } from './subscription.ts'
import { admitCommit } from './sync.ts'
import type {
  CommitInput,
  CommitPartition,
  CommitResult,
  CommittedOffset,
  DeleteOffsetsInput,
  DeleteOffsetsResult,
  FetchedPartition,
  FetchOffsetsInput,
  FetchOffsetsResult,
  GroupCoordinatorOptions,
  GroupError,
  GroupRecord,
} from './types.ts'
import type { GroupWriter } from './writer.ts'

export interface OffsetOperations {
  /** @param unusable why nothing can be committed at all */
  commit(input: CommitInput, unusable: GroupError | undefined): Promise<CommitResult>
  fetch(input: FetchOffsetsInput): Promise<FetchOffsetsResult>
  delete(input: DeleteOffsetsInput): Promise<DeleteOffsetsResult>
  /** Forgets offsets and writes their tombstones. @throws what the log throws */
  remove(entry: Entry, refs: readonly OffsetRef[]): Promise<void>
}

/** What the operations need of the coordinator. */
export interface OffsetContext {
  readonly options: GroupCoordinatorOptions
  readonly writer: GroupWriter
  readonly commits: CommitWaits
  readonly partitionFor: (groupId: string) => number
  readonly entry: (groupId: string) => Entry | undefined
  readonly createEntry: (groupId: string) => Entry
  readonly step: <Result>(entry: Entry, run: (step: Step) => Result) => Result
  readonly refused: (api: string, groupId: string, error: GroupError) => GroupError
  readonly writeError: (error: unknown) => GroupError
}

export function createOffsetOperations(context: OffsetContext): OffsetOperations {
  const { writer, commits, partitionFor, refused } = context
  const { config, clock, topic: topicNow } = context.options

  const remove = async (entry: Entry, refs: readonly OffsetRef[]): Promise<void> => {
    const { groupId } = entry.group
    const before = refs.map(({ topic, partition }) => setOffset(entry.offsets, topic, partition, undefined))
    const records = refs.map(({ topic, partition }) => offsetTombstone(groupId, topic, partition))
    await writer.append(partitionFor(groupId), records, () => {
      for (const [i, { topic, partition }] of refs.entries()) setOffset(entry.offsets, topic, partition, before[i])
    })
  }

  /** The group that the commit is for, created for a simple consumer; or why the commit is refused as a whole. */
  const admit = (input: CommitInput): Entry | GroupError => {
    const known = context.entry(input.groupId)
    if (!known && input.generationId >= 0) {
      const name = input.knowsGroupIdNotFound ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION'
      return failure(name, `there is no group ${input.groupId}`)
    }
    const entry = known ?? context.createEntry(input.groupId)
    return context.step(entry, (step) => admitCommit(entry.group, step, input)) ?? entry
  }

  const checkPartition = (topic: string, { partition, metadata }: CommitPartition): GroupError | undefined => {
    const count = topicNow(topic)?.partitions ?? 0
    if (partition < 0 || partition >= count) {
      const why =
        count === 0 ? `there is no topic ${topic}` : `topic ${topic} has ${count} partitions, not ${partition}`
      return failure('UNKNOWN_TOPIC_OR_PARTITION', why)
    }
    const length = metadata?.length ?? 0
    if (length <= config.offsetMetadataMaxBytes) return undefined
    return failure('OFFSET_METADATA_TOO_LARGE', `${length} characters, the limit is ${config.offsetMetadataMaxBytes}`)
  }

  const committedOf = (input: CommitInput, topic: string, given: CommitPartition, nowMs: number): CommittedOffset => ({
    offset: given.offset,
    leaderEpoch: given.leaderEpoch,
    metadata: given.metadata ?? '',
    commitTimestampMs: nowMs,
    // "For ever" is the largest int64 to some clients; a time beyond it could not be written.
    expireTimestampMs:
      input.retentionTimeMs === undefined
        ? undefined
        : Math.min(nowMs + input.retentionTimeMs, Number.MAX_SAFE_INTEGER),
    topicId: topicNow(topic)?.id,
  })

  const commit = async (input: CommitInput, unusable: GroupError | undefined): Promise<CommitResult> => {
    const errors = new Map<CommitPartition, GroupError>()
    const accepted: { readonly topic: string; readonly given: CommitPartition }[] = []
    for (const { topic, partitions } of input.topics) {
      for (const given of partitions) {
        const error = checkPartition(topic, given)
        if (error) errors.set(given, refused('OffsetCommit', input.groupId, error))
        else accepted.push({ topic, given })
      }
    }
    const resultOf = () => ({
      topics: input.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((given) => ({ partition: given.partition, error: errors.get(given) })),
      })),
    })
    const refuseAccepted = (error: GroupError) => {
      for (const { given } of accepted) errors.set(given, error)
      return resultOf()
    }
    if (accepted.length === 0) return resultOf()
    if (unusable) return refuseAccepted(unusable)
    const entry = admit(input)
    if ('reason' in entry) return refuseAccepted(refused('OffsetCommit', input.groupId, entry))

    const nowMs = clock.now()
    const records: GroupRecord[] = []
    const undo: (() => void)[] = []
    for (const { topic, given } of accepted) {
      const value = committedOf(input, topic, given, nowMs)
      const before = setOffset(entry.offsets, topic, given.partition, value)
      records.push(offsetRecord(input.groupId, topic, given.partition, value))
      undo.push(() => setOffset(entry.offsets, topic, given.partition, before))
    }
    const undoAll = () => {
      for (const one of undo.toReversed()) one()
    }
    try {
      await writer.append(partitionFor(input.groupId), records, undoAll)
    } catch (error) {
      return refuseAccepted(refused('OffsetCommit', input.groupId, context.writeError(error)))
    }
    for (const { topic, given } of accepted) {
      commits.notify({ groupId: input.groupId, topic, partition: given.partition, offset: given.offset })
    }
    return resultOf()
  }

  /** A topic that was deleted and created again does not inherit the offsets of its predecessor. */
  const isCurrent = (topic: string, { topicId }: CommittedOffset): boolean => {
    if (topicId === undefined) return true
    const now = topicNow(topic)
    return now === undefined || now.id === topicId
  }

  const fetch = async (input: FetchOffsetsInput): Promise<FetchOffsetsResult> => {
    await writer.settled(partitionFor(input.groupId))
    const entry = context.entry(input.groupId)
    const fetched = (topic: string, partition: number): FetchedPartition => {
      const value = entry && getOffset(entry.offsets, topic, partition)
      if (!value || !isCurrent(topic, value)) return { partition, offset: -1n, leaderEpoch: -1, metadata: '' }
      return { partition, offset: value.offset, leaderEpoch: value.leaderEpoch, metadata: value.metadata }
    }
    const wanted = input.topics ?? allTopics(entry)
    const topics = wanted.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((partition) => fetched(topic, partition)),
    }))
    if (input.topics !== null) return { topics }
    const committed = topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.filter(({ offset }) => offset !== -1n),
    }))
    return { topics: committed.filter(({ partitions }) => partitions.length > 0) }
  }

  const deleteOffsets = async (input: DeleteOffsetsInput): Promise<DeleteOffsetsResult> => {
    const refuse = (error: GroupError) => ({ error: refused('OffsetDelete', input.groupId, error), topics: [] })
    if (input.groupId === '') return refuse(failure('INVALID_GROUP_ID', 'the group id is empty'))
    const entry = context.entry(input.groupId)
    if (!entry) return refuse(failure('GROUP_ID_NOT_FOUND', `there is no group ${input.groupId}`))
    const { group } = entry
    if (group.state !== 'Empty' && group.protocolType !== consumerProtocolType) {
      return refuse(failure('NON_EMPTY_GROUP', `the group is ${group.state} and says not what it reads`))
    }
    const removed: OffsetRef[] = []
    const deleteOne = (topic: string, partition: number): GroupError | undefined => {
      const count = topicNow(topic)?.partitions ?? 0
      if (partition < 0 || partition >= count) return failure('UNKNOWN_TOPIC_OR_PARTITION', `no ${topic}-${partition}`)
      if (isSubscribed(group, topic)) return failure('GROUP_SUBSCRIBED_TO_TOPIC', `the group reads ${topic}`)
      if (getOffset(entry.offsets, topic, partition)) removed.push({ topic, partition })
      return undefined
    }
    const topics = input.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((partition) => ({ partition, error: deleteOne(topic, partition) })),
    }))
    try {
      await remove(entry, removed)
    } catch (error) {
      return refuse(context.writeError(error))
    }
    return { topics }
  }

  return { commit, fetch, delete: deleteOffsets, remove }
}

function allTopics(entry: Entry | undefined): { readonly topic: string; readonly partitions: readonly number[] }[] {
  if (!entry) return []
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of eachOffset(entry.offsets))
    topics.set(topic, [...(topics.get(topic) ?? []), partition])
  return [...topics].map(([topic, partitions]) => ({ topic, partitions: partitions.toSorted((a, b) => a - b) }))
}
