// Committing, fetching and deleting offsets: the operations on groups that change no membership.
import { failure } from './classic-group.ts'
import { type GroupEntry, type GroupTable, writeError } from './group-table.ts'
import { admitCommit } from './heartbeat.ts'
import { eachOffset, getOffset, type OffsetRef, setOffset } from './offsets.ts'
import { offsetRecord, offsetTombstone } from './records.ts'
import { consumerProtocolType, isSubscribed } from './subscription.ts'
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
  GroupError,
  GroupRecord,
} from './types.ts'

/** A partition of a commit that passed its own checks. */
interface AcceptedCommit {
  readonly topic: string
  readonly given: CommitPartition
}

/**
 * OffsetCommit. Partitions are checked one by one, then the group as a whole.
 * @param unavailable why nothing can be committed at all
 */
export async function commitOffsets(
  table: GroupTable,
  input: CommitInput,
  unavailable: GroupError | undefined,
): Promise<CommitResult> {
  const errors = new Map<CommitPartition, GroupError>()
  const accepted: AcceptedCommit[] = []
  for (const { topic, partitions } of input.topics) {
    for (const given of partitions) {
      const error = checkPartition(table, topic, given)
      if (error) errors.set(given, table.logError('OffsetCommit', input.groupId, error))
      else accepted.push({ topic, given })
    }
  }
  const error = accepted.length === 0 ? undefined : (unavailable ?? (await commitAccepted(table, input, accepted)))
  if (error) for (const { given } of accepted) errors.set(given, error)
  return {
    topics: input.topics.map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((given) => ({ partition: given.partition, error: errors.get(given) })),
    })),
  }
}

function checkPartition(
  { options }: GroupTable,
  topic: string,
  { partition, metadata }: CommitPartition,
): GroupError | undefined {
  const count = options.topic(topic)?.partitions ?? 0
  if (partition < 0 || partition >= count) {
    const why =
      count === 0
        ? `topic ${topic} does not exist`
        : `topic ${topic} has ${count} partitions, so partition ${partition} does not exist`
    return failure('UNKNOWN_TOPIC_OR_PARTITION', why)
  }
  const length = metadata?.length ?? 0
  const limit = options.config.offsetMetadataMaxBytes
  return length <= limit
    ? undefined
    : failure('OFFSET_METADATA_TOO_LARGE', `the metadata has ${length} characters, the limit is ${limit}`)
}

/** Stores the offsets and writes them as one batch. @returns why none of them was committed */
async function commitAccepted(
  table: GroupTable,
  input: CommitInput,
  accepted: readonly AcceptedCommit[],
): Promise<GroupError | undefined> {
  const { groupId } = input
  const admitted = admit(table, input)
  if ('reason' in admitted) return table.logError('OffsetCommit', groupId, admitted)
  const { offsets } = admitted
  const nowMs = table.options.clock.now()
  const records: GroupRecord[] = []
  const undo: (() => void)[] = []
  for (const { topic, given } of accepted) {
    const value = committedOffset(table, input, topic, given, nowMs)
    const before = setOffset(offsets, topic, given.partition, value)
    records.push(offsetRecord(groupId, topic, given.partition, value))
    undo.push(() => setOffset(offsets, topic, given.partition, before))
  }
  try {
    await table.writer.append(table.partitionFor(groupId), records, () => {
      for (const undoOne of undo.toReversed()) undoOne()
    })
  } catch (error) {
    return table.logError('OffsetCommit', groupId, writeError(error))
  }
  table.counters.offsetCommits += accepted.length
  for (const { topic, given } of accepted) {
    table.commitWaits.notify({ groupId, topic, partition: given.partition, offset: given.offset })
  }
  return undefined
}

/** @returns the group that the commit is for, created for a simple consumer; or why the whole commit fails */
function admit(table: GroupTable, input: CommitInput): GroupEntry | GroupError {
  const known = table.get(input.groupId)
  if (!known && input.generationId >= 0) {
    const name = input.knowsGroupIdNotFound ? 'GROUP_ID_NOT_FOUND' : 'ILLEGAL_GENERATION'
    return failure(name, `group ${input.groupId} does not exist`)
  }
  const entry = known ?? table.create(input.groupId)
  return table.step(entry, (step) => admitCommit(entry.group, step, input)) ?? entry
}

function committedOffset(
  table: GroupTable,
  { retentionTimeMs }: CommitInput,
  topic: string,
  given: CommitPartition,
  nowMs: number,
): CommittedOffset {
  return {
    offset: given.offset,
    leaderEpoch: given.leaderEpoch,
    metadata: given.metadata ?? '',
    commitTimestampMs: nowMs,
    // Some clients send the largest int64 to keep an offset forever; a time beyond it could not be written.
    expireTimestampMs:
      retentionTimeMs === undefined ? undefined : Math.min(nowMs + retentionTimeMs, Number.MAX_SAFE_INTEGER),
    topicId: table.options.topic(topic)?.id,
  }
}

/** OffsetFetch. Waits for the group's writes under way, so that the answer is what the log says. */
export async function fetchOffsets(table: GroupTable, input: FetchOffsetsInput): Promise<FetchOffsetsResult> {
  await table.writer.settled(table.partitionFor(input.groupId))
  const entry = table.get(input.groupId)
  const topics = (input.topics ?? committedPartitions(entry)).map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((partition) => fetchOffset(table, entry, topic, partition)),
  }))
  if (input.topics !== null) return { topics }
  const committed = topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.filter(({ offset }) => offset !== -1n),
  }))
  return { topics: committed.filter(({ partitions }) => partitions.length > 0) }
}

function fetchOffset(
  table: GroupTable,
  entry: GroupEntry | undefined,
  topic: string,
  partition: number,
): FetchedPartition {
  const value = entry && getOffset(entry.offsets, topic, partition)
  if (!value || !isCurrent(table, topic, value)) return { partition, offset: -1n, leaderEpoch: -1, metadata: '' }
  return { partition, offset: value.offset, leaderEpoch: value.leaderEpoch, metadata: value.metadata }
}

/** A topic that was deleted and created again does not inherit the offsets of the deleted one. */
function isCurrent({ options }: GroupTable, topic: string, { topicId }: CommittedOffset): boolean {
  if (topicId === undefined) return true
  const current = options.topic(topic)
  return current === undefined || current.id === topicId
}

function committedPartitions(
  entry: GroupEntry | undefined,
): { readonly topic: string; readonly partitions: readonly number[] }[] {
  if (!entry) return []
  const topics = new Map<string, number[]>()
  for (const { topic, partition } of eachOffset(entry.offsets))
    topics.set(topic, [...(topics.get(topic) ?? []), partition])
  return [...topics].map(([topic, partitions]) => ({ topic, partitions: partitions.toSorted((a, b) => a - b) }))
}

/** OffsetDelete. */
export async function deleteOffsets(table: GroupTable, input: DeleteOffsetsInput): Promise<DeleteOffsetsResult> {
  const fail = (error: GroupError) => ({ error: table.logError('OffsetDelete', input.groupId, error), topics: [] })
  if (input.groupId === '') return fail(failure('INVALID_GROUP_ID', 'the group id is empty'))
  const entry = table.get(input.groupId)
  if (!entry) return fail(failure('GROUP_ID_NOT_FOUND', `group ${input.groupId} does not exist`))
  const { group } = entry
  if (group.state !== 'Empty' && group.protocolType !== consumerProtocolType) {
    return fail(failure('NON_EMPTY_GROUP', `the group is ${group.state} and its subscription is not known`))
  }
  const removed: OffsetRef[] = []
  const deleteOne = (topic: string, partition: number): GroupError | undefined => {
    const count = table.options.topic(topic)?.partitions ?? 0
    if (partition < 0 || partition >= count) {
      return failure('UNKNOWN_TOPIC_OR_PARTITION', `${topic}-${partition} does not exist`)
    }
    if (isSubscribed(group, topic)) return failure('GROUP_SUBSCRIBED_TO_TOPIC', `the group is subscribed to ${topic}`)
    if (getOffset(entry.offsets, topic, partition)) removed.push({ topic, partition })
    return undefined
  }
  const topics = input.topics.map(({ topic, partitions }) => ({
    topic,
    partitions: partitions.map((partition) => ({ partition, error: deleteOne(topic, partition) })),
  }))
  try {
    await removeOffsets(table, entry, removed)
  } catch (error) {
    return fail(writeError(error))
  }
  table.counters.offsetDeletions += removed.length
  return { topics }
}

/** Removes offsets and writes their tombstones. @throws what the log throws; the offsets are back then */
export async function removeOffsets(table: GroupTable, entry: GroupEntry, refs: readonly OffsetRef[]): Promise<void> {
  const { groupId } = entry.group
  const before = refs.map(({ topic, partition }) => setOffset(entry.offsets, topic, partition, undefined))
  const records = refs.map(({ topic, partition }) => offsetTombstone(groupId, topic, partition))
  await table.writer.append(table.partitionFor(groupId), records, () => {
    for (const [i, { topic, partition }] of refs.entries()) setOffset(entry.offsets, topic, partition, before[i])
  })
}

/** Removes the offsets that every group has committed for these topics. @throws what the log throws */
export async function removeOffsetsOfTopics(table: GroupTable, topics: readonly string[]): Promise<void> {
  const deleted = new Set(topics)
  // Thousands of topics may be deleted at a time, and few of thousands of groups read a given one.
  const affected = table.all().filter(({ offsets }) => topics.some((topic) => offsets.topics.has(topic)))
  await Promise.all(
    affected.map((entry) => {
      const refs = [...eachOffset(entry.offsets)].filter(({ topic }) => deleted.has(topic))
      return removeOffsets(table, entry, refs)
    }),
  )
}
