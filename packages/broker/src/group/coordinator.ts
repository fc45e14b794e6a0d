// The coordinator of every group of a broker: what the group APIs call. It checks what can be checked without the group, finds
// the group in the table and runs one step of its state machine.

import type { Logger } from '../types.ts'
import { abandon } from './abandon.ts'
import { type ClassicGroup, failedJoin, failedSync, failure, type Waiter } from './classic-group.ts'
import { describeGroup, describeMissing, groupType, isListed } from './describe.ts'
import { startOffsetExpiry } from './expiry.ts'
import { type GroupEntry, GroupTable, writeError } from './group-table.ts'
import { heartbeat } from './heartbeat.ts'
import { join, validateJoin } from './join.ts'
import { leave } from './leave.ts'
import { type DamagedGroups, loadGroups } from './load.ts'
import { commitOffsets, deleteOffsets, fetchOffsets, removeOffsetsOfTopics } from './offset-operations.ts'
import { getOffset } from './offsets.ts'
import { sync } from './sync.ts'
import type {
  CommitInput,
  CommitNotice,
  CommitResult,
  DeleteOffsetsInput,
  DeleteOffsetsResult,
  DescribedGroup,
  FetchOffsetsInput,
  FetchOffsetsResult,
  GroupCoordinatorOptions,
  GroupError,
  HeartbeatInput,
  JoinInput,
  JoinResult,
  LeaveInput,
  LeaveResult,
  ListedGroup,
  SyncInput,
  SyncResult,
} from './types.ts'

/**
 * Restores the groups from the log and starts to coordinate them.
 * @throws what the log throws when it cannot be read
 */
export async function openGroupCoordinator(options: GroupCoordinatorOptions): Promise<GroupCoordinator> {
  const { clock, log, logger } = options
  const table = new GroupTable(options)
  const loaded = await loadGroups(log, clock.now(), (groupId) => table.partitionFor(groupId))
  for (const partition of loaded.damaged) reportDamage(partition, logger)
  for (const problem of loaded.unreadable.slice(0, 10))
    logger?.warn({ problem }, '__consumer_offsets: unreadable record')
  if (loaded.ignored > 0) logger?.warn({ records: loaded.ignored }, '__consumer_offsets: ignored records')
  table.restore(loaded)
  return new GroupCoordinator(table)
}

/** The coordinator of every group of this broker. Operations never throw for what a client did: they answer an error. */
export class GroupCoordinator {
  private readonly table: GroupTable
  private readonly stopExpiry: () => void

  constructor(table: GroupTable) {
    this.table = table
    this.stopExpiry = startOffsetExpiry(table)
  }

  /** The partition of `__consumer_offsets` that holds a group: Java's `String.hashCode`, made positive, modulo. */
  partitionFor(groupId: string): number {
    return this.table.partitionFor(groupId)
  }

  /** How many partitions of `__consumer_offsets` are damaged. */
  get damagedPartitions(): number {
    return this.table.damaged.size
  }

  /** Why the group cannot be served at all: its partition of `__consumer_offsets` is damaged. Operations do not check this. */
  unavailable(groupId: string): GroupError | undefined {
    const found = this.table.damaged.get(this.partitionFor(groupId))
    if (!found) return undefined
    const reason = `partition ${found.partition} of __consumer_offsets, which holds the group, is damaged: ${found.problem}`
    return failure('COORDINATOR_NOT_AVAILABLE', reason)
  }

  /**
   * Answers when the rebalance that the join belongs to completes, which may be minutes later.
   * @param connection aborted when the client's connection is lost: then the group does not wait for the member
   *   (`abandon.ts`)
   */
  async join(input: JoinInput, connection?: AbortSignal): Promise<JoinResult> {
    const { table } = this
    if (table.closed) return failedJoin(input.memberId, shuttingDown())
    const fail = (error: GroupError) => failedJoin(input.memberId, table.logError('JoinGroup', input.groupId, error))
    const invalid = validateJoin(input, table.options.config)
    if (invalid) return fail(invalid)
    const entry = table.get(input.groupId) ?? (input.memberId === '' ? table.create(input.groupId) : undefined)
    if (!entry) return fail(unknownGroup(input.groupId))
    const { waiter, answer } = table.waiters.join()
    table.step(entry, (step) => join(entry.group, step, input, waiter))
    return this.whileConnected(entry, waiter, answer, connection)
  }

  /** Answers when the leader's assignment is written. @param connection as for `join` */
  async sync(input: SyncInput, connection?: AbortSignal): Promise<SyncResult> {
    const { table } = this
    if (table.closed) return failedSync(shuttingDown())
    const entry = this.existing('SyncGroup', input.groupId)
    if ('reason' in entry) return failedSync(entry)
    const { waiter, answer } = table.waiters.sync()
    table.step(entry, (step) => sync(entry.group, step, input, waiter))
    return this.whileConnected(entry, waiter, answer, connection)
  }

  async heartbeat(input: HeartbeatInput): Promise<GroupError | undefined> {
    const { table } = this
    if (table.closed) return shuttingDown()
    const entry = this.existing('Heartbeat', input.groupId)
    if ('reason' in entry) return entry
    const error = table.step(entry, (step) => heartbeat(entry.group, step, input))
    return error && table.logError('Heartbeat', input.groupId, error)
  }

  async leave(input: LeaveInput): Promise<LeaveResult> {
    const { table } = this
    if (table.closed) return { error: shuttingDown(), members: [] }
    const entry = this.existing('LeaveGroup', input.groupId)
    if ('reason' in entry) {
      if (input.groupId === '') return { error: entry, members: [] }
      return {
        members: input.members.map(({ memberId, groupInstanceId }) => ({ memberId, groupInstanceId, error: entry })),
      }
    }
    const result = table.step(entry, (step) => leave(entry.group, step, input.members))
    const error = await entry.writing
    return error ? { error, members: [] } : result
  }

  /** The group, or the error that `api` answers when it does not exist. */
  private existing(api: string, groupId: string): GroupEntry | GroupError {
    if (groupId === '') return this.table.logError(api, '', failure('INVALID_GROUP_ID', 'the group id is empty'))
    return this.table.get(groupId) ?? this.table.logError(api, groupId, unknownGroup(groupId))
  }

  /** Waits for the answer, and reports to the group when the connection is lost before it came. */
  private async whileConnected<Result>(
    entry: GroupEntry,
    waiter: Waiter,
    answer: Promise<Result>,
    connection: AbortSignal | undefined,
  ): Promise<Result> {
    const { table } = this
    // After the present turn: a broker that stops first closes its connections, then answers waiting requests itself.
    const onLost = () =>
      queueMicrotask(() => {
        if (!table.closed) table.step(entry, (step) => abandon(entry.group, step, waiter))
      })
    if (connection?.aborted) onLost()
    connection?.addEventListener('abort', onLost, { once: true })
    try {
      return await answer
    } finally {
      connection?.removeEventListener('abort', onLost)
    }
  }

  /** Answers when the offsets are written. */
  async commitOffsets(input: CommitInput): Promise<CommitResult> {
    return commitOffsets(this.table, input, this.table.closed ? shuttingDown() : undefined)
  }

  /** Answers from what is written: it waits for commits that are under way. */
  async fetchOffsets(input: FetchOffsetsInput): Promise<FetchOffsetsResult> {
    return fetchOffsets(this.table, input)
  }

  async deleteOffsets(input: DeleteOffsetsInput): Promise<DeleteOffsetsResult> {
    return this.table.closed ? { error: shuttingDown(), topics: [] } : deleteOffsets(this.table, input)
  }

  /** Removes the offsets that groups have committed for deleted topics, and writes the tombstones. */
  async topicsDeleted(topics: readonly string[]): Promise<void> {
    await removeOffsetsOfTopics(this.table, topics)
  }

  list(filter: { readonly states: readonly string[]; readonly types: readonly string[] }): readonly ListedGroup[] {
    return this.table
      .all()
      .filter(({ group }) => isListed(group, filter))
      .map(({ group }) => listedGroup(group))
  }

  describe(groupId: string): DescribedGroup {
    const entry = this.table.get(groupId)
    return entry ? describeGroup(entry.group) : describeMissing(groupId)
  }

  /** @returns for each id undefined when the group is deleted, else why not (GROUP_ID_NOT_FOUND, NON_EMPTY_GROUP) */
  async deleteGroups(groupIds: readonly string[]): Promise<readonly (GroupError | undefined)[]> {
    return Promise.all(groupIds.map((groupId) => this.deleteGroup(groupId)))
  }

  private async deleteGroup(groupId: string): Promise<GroupError | undefined> {
    const { table } = this
    if (table.closed) return shuttingDown()
    const fail = (error: GroupError) => table.logError('DeleteGroups', groupId, error)
    const entry = table.get(groupId)
    if (!entry) return fail(failure('GROUP_ID_NOT_FOUND', `group ${groupId} does not exist`))
    const { state } = entry.group
    if (state !== 'Empty') return fail(failure('NON_EMPTY_GROUP', `the group is ${state}`))
    return table.remove(entry, 'the group is deleted').then(() => undefined, writeError)
  }

  /** Calls `listener` after every acknowledged commit. @returns the function that ends this */
  onCommit(listener: (notice: CommitNotice) => void): () => void {
    return this.table.commitWaits.subscribe(listener)
  }

  /**
   * Resolves once the group has committed an offset ≥ `offset` for the partition.
   * @throws GroupWaitError `COMMIT_WAIT_TIMEOUT` after `timeoutMs`, `COORDINATOR_CLOSED` when closed first
   */
  async waitForCommit(
    groupId: string,
    topic: string,
    partition: number,
    offset: bigint,
    timeoutMs = 10_000,
  ): Promise<void> {
    const { table } = this
    await table.writer.settled(table.partitionFor(groupId))
    const current = () => {
      const entry = table.get(groupId)
      return entry && getOffset(entry.offsets, topic, partition)?.offset
    }
    const last = current()
    if (last !== undefined && last >= offset) return
    await table.commitWaits.wait({ groupId, topic, partition, offset }, current, timeoutMs)
  }

  /** Answers waiting requests with COORDINATOR_NOT_AVAILABLE, writes what is queued, stops every timer. Safe to call twice. */
  async close(): Promise<void> {
    if (this.table.closed) return
    this.stopExpiry()
    await this.table.close()
  }
}

function listedGroup({ groupId, protocolType, state }: ClassicGroup): ListedGroup {
  return { groupId, protocolType: protocolType ?? '', state, type: groupType }
}

function shuttingDown(): GroupError {
  return failure('COORDINATOR_NOT_AVAILABLE', 'the broker is shutting down')
}

function unknownGroup(groupId: string): GroupError {
  return failure('UNKNOWN_MEMBER_ID', `group ${groupId} does not exist, so it has no members`)
}

/** Logs once, at the start, which groups are not served and what to do. */
function reportDamage({ partition, folder, problem, groupIds }: DamagedGroups, logger: Logger | undefined): void {
  logger?.error(
    { partition, folder, problem, groups: groupIds.slice(0, 100), groupCount: groupIds.length },
    `partition ${partition} of __consumer_offsets is damaged, so requests of its groups fail with COORDINATOR_NOT_AVAILABLE. ` +
      `Stop the broker and restore ${folder} from a backup. Or move it away: these groups then have no members and no ` +
      'offsets, and start where auto.offset.reset or kafka-consumer-groups --reset-offsets says.',
  )
}
