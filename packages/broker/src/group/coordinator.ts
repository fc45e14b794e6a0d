// The coordinator of every group of a broker: it holds the groups, steps their state machines with the time of the clock,
// writes what they want written, and answers once that is on disk.
//
// One rule keeps memory and log in step: state changes at once, nothing is answered before what it rests on is written,
// and a write that fails is taken back.
import { randomUUID } from 'node:crypto'
import { kafkaErrorByName } from '@selfmonitor/protocol'
import { toKafkaError } from '../errors.ts'
import type { Logger } from '../types.ts'
import { abandon } from './abandon.ts'
import {
  createGroup,
  type Effect,
  failure,
  type GroupSnapshot,
  joinRefused,
  nextDeadline,
  type Step,
  syncRefused,
  type Waiter,
} from './classic-group.ts'
import { createCommitWaits } from './commit-waits.ts'
import { describeGroup, describeMissing, groupType, isListed } from './describe.ts'
import type { Entry } from './entry.ts'
import { join, validateJoin } from './join.ts'
import { leave } from './leave.ts'
import { type DamagedGroups, type LoadedGroup, loadGroups } from './load.ts'
import { createOffsetOperations } from './offset-operations.ts'
import { createOffsets, eachOffset, expiredOffsets, getOffset } from './offsets.ts'
import { groupPartition } from './partition-for.ts'
import { kill, passTime, writeFailed } from './rebalance.ts'
import { groupRecord, groupTombstone, offsetRecord, offsetTombstone } from './records.ts'
import { heartbeat, sync } from './sync.ts'
import type { GroupCoordinator, GroupCoordinatorOptions, GroupError, GroupRecord } from './types.ts'
import { createWaiters } from './waiters.ts'
import { createGroupWriter } from './writer.ts'

/**
 * A partition is rewritten when it holds so many records beyond twice its live ones: that bounds what a start replays.
 * Replay reads some 700,000 records a second, so even with all 50 partitions full of superseded records it stays under one.
 */
const rewriteAfter = 10_000

/** setTimeout's limit. */
const longestTimerMs = 2 ** 31 - 1

/**
 * Restores the groups from the log and starts to coordinate them.
 * @throws what the log throws when it cannot be read
 */
export async function openGroupCoordinator(options: GroupCoordinatorOptions): Promise<GroupCoordinator> {
  const { config, clock, log, logger } = options
  const newUuid = options.newUuid ?? randomUUID
  const entries = new Map<string, Entry>()
  const waiters = createWaiters()
  const commits = createCommitWaits()
  const partitionFor = (groupId: string): number => groupPartition(groupId, log.partitions)
  let closed = false

  const writer = createGroupWriter({
    log,
    now: () => clock.now(),
    live: (partition) => liveRecords(entries.values(), (groupId) => partitionFor(groupId) === partition),
    rewriteAfter,
    onRewrite: (partition, before, after) =>
      logger?.debug({ partition, before, after }, '__consumer_offsets: dropped superseded records'),
    onRewriteFailed: (partition, err) =>
      logger?.warn({ partition, err }, '__consumer_offsets: could not drop superseded records'),
  })

  const stepAt = (effects: Effect[]): Step => ({ nowMs: clock.now(), config, newUuid, effects })

  /** Runs one step of a group and does what it asks for. */
  const stepGroup = <Result>(entry: Entry, run: (step: Step) => Result): Result => {
    const effects: Effect[] = []
    const result = run(stepAt(effects))
    for (const effect of effects) perform(entry, effect)
    arm(entry)
    return result
  }

  const perform = (entry: Entry, effect: Effect): void => {
    switch (effect.type) {
      case 'log':
        logger?.[effect.level]({ group: entry.group.groupId }, effect.message)
        break
      case 'write':
        writeGroup(entry, effect.snapshot)
        break
      case 'answer-join': {
        const { waiter, result } = effect
        if (result.error) logRefusal('JoinGroup', entry.group.groupId, result.error)
        afterWrite(entry, (error) => waiters.answerJoin(waiter, error ? joinRefused(result.memberId, error) : result))
        break
      }
      case 'answer-sync': {
        const { waiter, result } = effect
        if (result.error) logRefusal('SyncGroup', entry.group.groupId, result.error)
        afterWrite(entry, (error) => waiters.answerSync(waiter, error ? syncRefused(error) : result))
        break
      }
    }
  }

  const afterWrite = (entry: Entry, answer: (error: GroupError | undefined) => void): void => {
    if (entry.writing) void entry.writing.then(answer)
    else answer(undefined)
  }

  const writeGroup = (entry: Entry, snapshot: GroupSnapshot): void => {
    const before = entry.snapshot
    entry.snapshot = snapshot
    const { groupId } = entry.group
    const undo = () => {
      entry.snapshot = before
    }
    const writing = writer.append(partitionFor(groupId), [groupRecord(groupId, snapshot)], undo).then(
      () => undefined,
      (error: unknown) => {
        logger?.error({ group: groupId, err: error }, 'could not write the group to __consumer_offsets')
        stepGroup(entry, (step) => writeFailed(entry.group, step, snapshot.generationId))
        return writeError(error)
      },
    )
    entry.writing = writing
    void writing.then(() => {
      if (entry.writing === writing) entry.writing = undefined
    })
  }

  /** Sets the group's timer for what happens next by itself. A timer that is too early is left: it sets the next one. */
  const arm = (entry: Entry): void => {
    const dueMs = nextDeadline(entry.group)
    if (closed || dueMs === Infinity || (entry.timer && entry.timer.dueMs <= dueMs)) return
    entry.timer?.cancel()
    const delayMs = Math.min(Math.max(dueMs - clock.now(), 0), longestTimerMs)
    const cancel = clock.setTimer(delayMs, () => {
      entry.timer = undefined
      stepGroup(entry, (step) => passTime(entry.group, step))
    })
    entry.timer = { dueMs, cancel }
  }

  const logRefusal = (api: string, group: string, error: GroupError): void => {
    const level = error.name === 'MEMBER_ID_REQUIRED' || error.name === 'REBALANCE_IN_PROGRESS' ? 'debug' : 'info'
    logger?.[level]({ group, api, error: error.name }, `${api} refused with ${error.name}: ${error.reason}`)
  }

  const addEntry = (loaded: LoadedGroup): Entry => {
    const entry: Entry = { ...loaded, writing: undefined, timer: undefined }
    entries.set(loaded.group.groupId, entry)
    return entry
  }

  const createEntry = (groupId: string): Entry =>
    addEntry({ group: createGroup(groupId, clock.now()), offsets: createOffsets(), snapshot: undefined })

  /** Takes the group out and writes its tombstones. Its state must allow it. */
  const removeEntry = (entry: Entry, reason: string): Promise<void> => {
    const { groupId } = entry.group
    const records: GroupRecord[] = []
    for (const { topic, partition } of eachOffset(entry.offsets))
      records.push(offsetTombstone(groupId, topic, partition))
    records.push(groupTombstone(groupId))
    stepGroup(entry, (step) => kill(entry.group, step, reason))
    entry.timer?.cancel()
    entries.delete(groupId)
    return writer.append(partitionFor(groupId), records, () => {
      // Unless a new group of this name came up meanwhile, the old one is what the log still says.
      if (entries.has(groupId)) return
      entry.group.state = 'Empty'
      entries.set(groupId, entry)
    })
  }

  /** Waits for the answer, and tells the group when the connection that it is for is gone before it came. */
  const whileConnected = async <Result>(
    entry: Entry,
    waiter: Waiter,
    answer: Promise<Result>,
    connection: AbortSignal | undefined,
  ): Promise<Result> => {
    // After the present turn: a broker that stops ends its connections first, and then answers what waits itself.
    const onGone = () =>
      queueMicrotask(() => {
        if (!closed) stepGroup(entry, (step) => abandon(entry.group, step, waiter))
      })
    if (connection?.aborted) onGone()
    connection?.addEventListener('abort', onGone, { once: true })
    try {
      return await answer
    } finally {
      connection?.removeEventListener('abort', onGone)
    }
  }

  const unusable = (): GroupError => failure('COORDINATOR_NOT_AVAILABLE', 'the broker is shutting down')
  const invalidGroupId = (): GroupError => failure('INVALID_GROUP_ID', 'the group id is empty')
  const unknownGroup = (groupId: string): GroupError =>
    failure('UNKNOWN_MEMBER_ID', `there is no group ${groupId}, so it has no members`)
  const refused = (api: string, groupId: string, error: GroupError): GroupError => {
    logRefusal(api, groupId, error)
    return error
  }

  const offsets = createOffsetOperations({
    options,
    writer,
    commits,
    partitionFor,
    entry: (groupId) => entries.get(groupId),
    createEntry,
    step: stepGroup,
    refused,
    writeError,
  })

  const expire = async (): Promise<void> => {
    const nowMs = clock.now()
    const expireOne = async (entry: Entry): Promise<void> => {
      const { group } = entry
      const expired = expiredOffsets(group, entry.offsets, nowMs, config.offsetsRetentionMs)
      if (expired.length > 0)
        logger?.info({ group: group.groupId, offsets: expired.length }, 'committed offsets expired')
      await offsets.remove(entry, expired)
      const isIdle = group.state === 'Empty' && group.pendingMembers.size === 0 && entry.offsets.topics.size === 0
      if (isIdle && entries.get(group.groupId) === entry) await removeEntry(entry, 'the group expired')
    }
    await Promise.all([...entries.values()].map(expireOne))
  }

  let cancelExpiry: (() => void) | undefined
  const scheduleExpiry = (): void => {
    if (closed) return
    cancelExpiry = clock.setTimer(config.offsetsRetentionCheckIntervalMs, () => {
      scheduleExpiry()
      expire().catch((err: unknown) => {
        // A log that is still being checked, or a disk that is full for a while: the next round does it.
        const level = kafkaErrorByName(toKafkaError(err).name)?.retriable ? 'warn' : 'error'
        logger?.[level]({ err }, 'could not remove expired offsets; the next round tries again')
      })
    })
  }

  const loaded = await loadGroups(log, clock.now(), partitionFor)
  const damaged = new Map(loaded.damaged.map((partition) => [partition.partition, partition]))
  for (const partition of loaded.damaged) reportDamage(partition, logger)
  for (const group of loaded.groups.values()) arm(addEntry(group))
  for (const [partition, records] of loaded.records) writer.replayed(partition, records)
  for (const problem of loaded.unreadable.slice(0, 10))
    logger?.warn({ problem }, '__consumer_offsets: unreadable record')
  if (loaded.ignored > 0) logger?.warn({ records: loaded.ignored }, '__consumer_offsets: ignored records')
  scheduleExpiry()

  return {
    partitionFor,

    unavailable(groupId) {
      const found = damaged.get(partitionFor(groupId))
      if (!found) return undefined
      const reason = `partition ${found.partition} of __consumer_offsets, which holds the group, is damaged: ${found.problem}`
      return failure('COORDINATOR_NOT_AVAILABLE', reason)
    },

    async join(input, connection) {
      if (closed) return joinRefused(input.memberId, unusable())
      const invalid = validateJoin(input, config)
      if (invalid) return joinRefused(input.memberId, refused('JoinGroup', input.groupId, invalid))
      const entry = entries.get(input.groupId) ?? (input.memberId === '' ? createEntry(input.groupId) : undefined)
      if (!entry) return joinRefused(input.memberId, refused('JoinGroup', input.groupId, unknownGroup(input.groupId)))
      const { waiter, answer } = waiters.join()
      stepGroup(entry, (step) => join(entry.group, step, input, waiter))
      return whileConnected(entry, waiter, answer, connection)
    },

    async sync(input, connection) {
      if (closed) return syncRefused(unusable())
      if (input.groupId === '') return syncRefused(refused('SyncGroup', '', invalidGroupId()))
      const entry = entries.get(input.groupId)
      if (!entry) return syncRefused(refused('SyncGroup', input.groupId, unknownGroup(input.groupId)))
      const { waiter, answer } = waiters.sync()
      stepGroup(entry, (step) => sync(entry.group, step, input, waiter))
      return whileConnected(entry, waiter, answer, connection)
    },

    async heartbeat(input) {
      if (closed) return unusable()
      if (input.groupId === '') return refused('Heartbeat', '', invalidGroupId())
      const entry = entries.get(input.groupId)
      if (!entry) return refused('Heartbeat', input.groupId, unknownGroup(input.groupId))
      const error = stepGroup(entry, (step) => heartbeat(entry.group, step, input))
      return error && refused('Heartbeat', input.groupId, error)
    },

    async leave(input) {
      if (closed) return { error: unusable(), members: [] }
      if (input.groupId === '') return { error: refused('LeaveGroup', '', invalidGroupId()), members: [] }
      const entry = entries.get(input.groupId)
      if (!entry) {
        const error = refused('LeaveGroup', input.groupId, unknownGroup(input.groupId))
        return { members: input.members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId, error })) }
      }
      const result = stepGroup(entry, (step) => leave(entry.group, step, input.members))
      const error = await entry.writing
      return error ? { error, members: [] } : result
    },

    async commitOffsets(input) {
      return offsets.commit(input, closed ? unusable() : undefined)
    },
    fetchOffsets: offsets.fetch,
    async deleteOffsets(input) {
      return closed ? { error: unusable(), topics: [] } : offsets.delete(input)
    },
    async topicsDeleted(topics) {
      const gone = new Set(topics)
      const forget = (entry: Entry) =>
        offsets.remove(
          entry,
          [...eachOffset(entry.offsets)].filter(({ topic }) => gone.has(topic)),
        )
      // Few of thousands of groups read a given topic, and thousands of topics may be deleted at a time.
      const affected = [...entries.values()].filter((entry) => topics.some((topic) => entry.offsets.topics.has(topic)))
      await Promise.all(affected.map(forget))
    },

    list(filter) {
      return [...entries.values()]
        .filter(({ group }) => isListed(group, filter))
        .map(({ group }) => ({
          groupId: group.groupId,
          protocolType: group.protocolType ?? '',
          state: group.state,
          type: groupType,
        }))
    },

    describe(groupId) {
      const entry = entries.get(groupId)
      return entry ? describeGroup(entry.group) : describeMissing(groupId)
    },

    async deleteGroups(groupIds) {
      return Promise.all(
        groupIds.map(async (groupId) => {
          if (closed) return unusable()
          const entry = entries.get(groupId)
          if (!entry)
            return refused('DeleteGroups', groupId, failure('GROUP_ID_NOT_FOUND', `there is no group ${groupId}`))
          const { state } = entry.group
          if (state !== 'Empty') {
            return refused('DeleteGroups', groupId, failure('NON_EMPTY_GROUP', `the group is ${state}`))
          }
          return removeEntry(entry, 'the group is deleted').then(() => undefined, writeError)
        }),
      )
    },

    onCommit: commits.subscribe,

    async waitForCommit(groupId, topic, partition, offset, timeoutMs = 10_000) {
      await writer.settled(partitionFor(groupId))
      const current = () => {
        const entry = entries.get(groupId)
        return entry && getOffset(entry.offsets, topic, partition)?.offset
      }
      const last = current()
      if (last !== undefined && last >= offset) return
      await commits.wait({ groupId, topic, partition, offset }, current, timeoutMs)
    },

    async close() {
      if (closed) return
      closed = true
      cancelExpiry?.()
      for (const entry of entries.values()) {
        entry.timer?.cancel()
        stepGroup(entry, (step) => kill(entry.group, step, 'the broker is shutting down'))
      }
      await writer.drain()
      commits.close()
    },
  }
}

/** Says once, at the start, which groups are not served and what to do. */
function reportDamage({ partition, folder, problem, groupIds }: DamagedGroups, logger: Logger | undefined): void {
  logger?.error(
    { partition, folder, problem, groups: groupIds.slice(0, 100), groupCount: groupIds.length },
    `partition ${partition} of __consumer_offsets is damaged, so its groups are refused with COORDINATOR_NOT_AVAILABLE. ` +
      `Stop the broker and restore ${folder} from a backup; or move it away: then these groups have no members and no ` +
      'offsets, and begin where auto.offset.reset or kafka-consumer-groups --reset-offsets says.',
  )
}

/** Everything that the groups have to say, as records. */
function liveRecords(entries: Iterable<Entry>, belongs: (groupId: string) => boolean): readonly GroupRecord[] {
  const records: GroupRecord[] = []
  for (const { group, offsets, snapshot } of entries) {
    if (!belongs(group.groupId)) continue
    if (snapshot) records.push(groupRecord(group.groupId, snapshot))
    for (const { topic, partition, value } of eachOffset(offsets)) {
      records.push(offsetRecord(group.groupId, topic, partition, value))
    }
  }
  return records
}

/** What a client is told when the log refused a write (as Kafka maps it). */
function writeError(error: unknown): GroupError {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  const reason = `could not write to __consumer_offsets: ${error instanceof Error ? error.message : String(error)}`
  switch (code) {
    case 'KAFKA_STORAGE_ERROR':
    case 'NOT_LEADER_OR_FOLLOWER':
      return failure('NOT_COORDINATOR', reason)
    case 'MESSAGE_TOO_LARGE':
    case 'RECORD_LIST_TOO_LARGE':
      return failure('UNKNOWN_SERVER_ERROR', reason)
    default:
      return failure('COORDINATOR_NOT_AVAILABLE', reason)
  }
}
