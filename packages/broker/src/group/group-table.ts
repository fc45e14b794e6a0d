// Every group of this broker, with its committed offsets, its timer and its writes. The operations on membership
// (`coordinator.ts`) and on offsets (`offset-operations.ts`) both use this table.
//
// One rule keeps memory and the log consistent: state changes at once, a request is answered only after the write it depends on is
// on disk, and a write that fails is undone.
import { randomUUID } from 'node:crypto'
import { kafkaErrorByName } from '@selfmonitor/protocol'
import { toKafkaError } from '../errors.ts'
import { BrokerCounters } from '../metrics/index.ts'
import {
  type ClassicGroup,
  createGroup,
  type Effect,
  failedJoin,
  failedSync,
  failure,
  type GroupSnapshot,
  nextDeadline,
  type Step,
} from './classic-group.ts'
import { createCommitWaits } from './commit-waits.ts'
import type { DamagedGroups, LoadedGroup, LoadResult } from './load.ts'
import { createOffsets, eachOffset, type GroupOffsets } from './offsets.ts'
import { groupPartition } from './partition-for.ts'
import { closeGroup, passTime, writeFailed } from './rebalance.ts'
import { groupRecord, groupTombstone, offsetRecord, offsetTombstone } from './records.ts'
import type { GroupCoordinatorOptions, GroupError, GroupRecord } from './types.ts'
import { createWaiters } from './waiters.ts'
import { GroupWriter } from './writer.ts'

/**
 * A partition is rewritten when it holds this many records beyond twice its live ones, which bounds what a start replays.
 * Replay reads some 700,000 records a second, so even 50 partitions full of superseded records take less than a second.
 */
const rewriteAfter = 10_000

/** The longest delay that setTimeout takes. */
const longestTimerMs = 2 ** 31 - 1

/** A group with what belongs to it outside the state machine. */
export interface GroupEntry {
  readonly group: ClassicGroup
  readonly offsets: GroupOffsets
  /** The group as it was last written, or is being written. */
  snapshot: GroupSnapshot | undefined
  /** The last write of the group while it is under way. Resolves to undefined when it succeeded, else to why it failed. */
  writing: Promise<GroupError | undefined> | undefined
  timer: { readonly dueMs: number; readonly cancel: () => void } | undefined
}

export class GroupTable {
  readonly options: GroupCoordinatorOptions
  readonly counters: BrokerCounters['groups']
  readonly writer: GroupWriter
  /** JoinGroup and SyncGroup requests that wait for an answer. */
  readonly waiters = createWaiters()
  readonly commitWaits = createCommitWaits()
  /** Partitions of `__consumer_offsets` that are damaged; their groups are not served. */
  readonly damaged = new Map<number, DamagedGroups>()
  /** After `close` no timer starts and no operation changes anything. */
  closed = false
  private readonly entries = new Map<string, GroupEntry>()

  constructor(options: GroupCoordinatorOptions) {
    const { clock, log, logger } = options
    this.options = options
    this.counters = (options.counters ?? new BrokerCounters()).groups
    this.writer = new GroupWriter({
      log,
      now: () => clock.now(),
      live: (partition) => this.liveRecords(partition),
      rewriteAfter,
      onRewrite: (partition, before, after) =>
        logger?.debug({ partition, before, after }, '__consumer_offsets: dropped superseded records'),
      onRewriteFailed: (partition, err) =>
        logger?.warn({ partition, err }, '__consumer_offsets: could not drop superseded records'),
    })
  }

  partitionFor(groupId: string): number {
    return groupPartition(groupId, this.options.log.partitions)
  }

  get(groupId: string): GroupEntry | undefined {
    return this.entries.get(groupId)
  }

  all(): readonly GroupEntry[] {
    return [...this.entries.values()]
  }

  create(groupId: string): GroupEntry {
    const group = createGroup(groupId, this.options.clock.now())
    return this.add({ group, offsets: createOffsets(), snapshot: undefined })
  }

  /** Takes over what was replayed from the log, and starts the timers of the groups. */
  restore(loaded: LoadResult): void {
    for (const partition of loaded.damaged) this.damaged.set(partition.partition, partition)
    for (const group of loaded.groups.values()) this.setTimer(this.add(group))
    for (const [partition, records] of loaded.records) this.writer.replayed(partition, records)
  }

  private add(loaded: LoadedGroup): GroupEntry {
    const entry: GroupEntry = { ...loaded, writing: undefined, timer: undefined }
    this.entries.set(loaded.group.groupId, entry)
    return entry
  }

  /** Runs one step of a group's state machine and carries out its effects. */
  step<Result>(entry: GroupEntry, run: (step: Step) => Result): Result {
    const { clock, config, newUuid = randomUUID } = this.options
    const effects: Effect[] = []
    const before = entry.group.state
    const result = run({ nowMs: clock.now(), config, newUuid, effects })
    if (before === 'CompletingRebalance' && entry.group.state === 'Stable') this.counters.completedRebalances++
    for (const effect of effects) this.apply(entry, effect)
    this.setTimer(entry)
    return result
  }

  private apply(entry: GroupEntry, effect: Effect): void {
    const { groupId } = entry.group
    switch (effect.type) {
      case 'log':
        this.options.logger?.[effect.level]({ group: groupId }, effect.message)
        break
      case 'write':
        this.write(entry, effect.snapshot)
        break
      case 'answer-join': {
        const { waiter, result } = effect
        if (result.error) this.logError('JoinGroup', groupId, result.error)
        afterWrite(entry, (error) =>
          this.waiters.answerJoin(waiter, error ? failedJoin(result.memberId, error) : result),
        )
        break
      }
      case 'answer-sync': {
        const { waiter, result } = effect
        if (result.error) this.logError('SyncGroup', groupId, result.error)
        afterWrite(entry, (error) => this.waiters.answerSync(waiter, error ? failedSync(error) : result))
        break
      }
    }
  }

  private write(entry: GroupEntry, snapshot: GroupSnapshot): void {
    const before = entry.snapshot
    entry.snapshot = snapshot
    const { groupId } = entry.group
    const undo = () => {
      entry.snapshot = before
    }
    const writing = this.writer.append(this.partitionFor(groupId), [groupRecord(groupId, snapshot)], undo).then(
      () => undefined,
      (error: unknown) => {
        const message = 'could not write the group to __consumer_offsets'
        this.options.logger?.[failureLevel(error)]({ group: groupId, err: error }, message)
        this.step(entry, (step) => writeFailed(entry.group, step, snapshot.generationId))
        return writeError(error)
      },
    )
    entry.writing = writing
    void writing.then(() => {
      if (entry.writing === writing) entry.writing = undefined
    })
  }

  /** Sets the group's timer for its next deadline. A timer that fires too early is kept: it then sets the next one. */
  private setTimer(entry: GroupEntry): void {
    const { clock } = this.options
    const dueMs = nextDeadline(entry.group)
    if (this.closed || dueMs === Infinity || (entry.timer && entry.timer.dueMs <= dueMs)) return
    entry.timer?.cancel()
    const delayMs = Math.min(Math.max(dueMs - clock.now(), 0), longestTimerMs)
    const cancel = clock.setTimer(delayMs, () => {
      entry.timer = undefined
      this.step(entry, (step) => passTime(entry.group, step))
    })
    entry.timer = { dueMs, cancel }
  }

  /**
   * Takes the group out of the table and writes its tombstones. The caller has checked that its state allows this.
   * @throws what the log throws; the group is back in the table then
   */
  remove(entry: GroupEntry, reason: string): Promise<void> {
    const { groupId } = entry.group
    const records: GroupRecord[] = []
    for (const { topic, partition } of eachOffset(entry.offsets))
      records.push(offsetTombstone(groupId, topic, partition))
    records.push(groupTombstone(groupId))
    this.step(entry, (step) => closeGroup(entry.group, step, reason))
    entry.timer?.cancel()
    this.entries.delete(groupId)
    return this.writer.append(this.partitionFor(groupId), records, () => {
      // The log still has the old group, unless a new group of this name has been created meanwhile.
      if (this.entries.has(groupId)) return
      entry.group.state = 'Empty'
      this.entries.set(groupId, entry)
    })
  }

  /** Logs an error that a client is answered with, and returns it. */
  logError(api: string, group: string, error: GroupError): GroupError {
    const level = error.name === 'MEMBER_ID_REQUIRED' || error.name === 'REBALANCE_IN_PROGRESS' ? 'debug' : 'info'
    this.options.logger?.[level]({ group, api, error: error.name }, `${api} failed with ${error.name}: ${error.reason}`)
    return error
  }

  /** Everything that the groups of a partition have to keep, as records. */
  private liveRecords(partitionId: number): readonly GroupRecord[] {
    const records: GroupRecord[] = []
    for (const { group, offsets, snapshot } of this.entries.values()) {
      const { groupId } = group
      if (this.partitionFor(groupId) !== partitionId) continue
      if (snapshot) records.push(groupRecord(groupId, snapshot))
      for (const { topic, partition, value } of eachOffset(offsets)) {
        records.push(offsetRecord(groupId, topic, partition, value))
      }
    }
    return records
  }

  /** Answers every waiting request with COORDINATOR_NOT_AVAILABLE, stops the timers and writes what is queued. */
  async close(): Promise<void> {
    this.closed = true
    for (const entry of this.entries.values()) {
      entry.timer?.cancel()
      this.step(entry, (step) => closeGroup(entry.group, step, 'the broker is shutting down'))
    }
    await this.writer.drain()
    this.commitWaits.close()
  }
}

/** Calls `answer` once the group's write under way has ended, with why it failed if it did; at once when there is none. */
function afterWrite(entry: GroupEntry, answer: (error: GroupError | undefined) => void): void {
  if (entry.writing) void entry.writing.then(answer)
  else answer(undefined)
}

/** The level of a failed write in the log: a log that is still being opened or checked, or a full disk, may pass. */
export function failureLevel(error: unknown): 'warn' | 'error' {
  return kafkaErrorByName(toKafkaError(error).name)?.retriable ? 'warn' : 'error'
}

/** The error that a client gets when the log did not take a write, as Kafka maps it. */
export function writeError(error: unknown): GroupError {
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
