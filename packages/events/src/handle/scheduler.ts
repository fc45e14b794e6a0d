// Decides which events may be handled now. A pure state machine: records and results come in, tasks to start and offsets
// to commit come out; time is an argument and nothing waits in here.
//
// The rules it keeps:
// 1. Events of one key (within a partition) are handled one after the other, in the order of their offsets.
// 2. At most `concurrency` events are handled at once; one that waits for its next try holds its key and no slot.
// 3. An offset may be committed when it and everything before it in the partition is done.
// 4. The result of an event whose partition was taken away is ignored, but its key stays locked until its handler has ended,
//    so that two events of a key never run at once when the partition is assigned again.
// 5. The position of a partition, the next offset to read, is kept here and nowhere else. When the log no longer holds it,
//    the partition is assigned again at another offset: events that were read before are still handled, before those that
//    are read from there, and count for no commit of the new assignment.
// 6. With each position goes the epoch of the leader that wrote the record before it, and the topic's id: by them Kafka sees that
//    the log is not the one that was read any more (KIP-320, KIP-516).

export type TaskState = 'queued' | 'running' | 'waiting' | 'done' | 'dropped'

export interface Task<Item> {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  readonly item: Item
  state: TaskState
  /** The partition went to another member while this was running. */
  lost: boolean
  notBeforeMs: number
  readonly lane: string
  /** The assignment that it was read under. */
  readonly assignment: number
}

export interface PartitionOffset {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Of the record before the offset; -1 when it is not known. */
  readonly leaderEpoch: number
  /** Empty when it is not known. */
  readonly topicId: string
  /** The assignment that the offset belongs to: a commit of an earlier one says nothing about this one. */
  readonly assignment: number
}

/** Where a position comes from. */
export interface Origin {
  /** Of the leader that wrote the record before it; -1 when it is not known. */
  readonly leaderEpoch: number
  /** The topic that it belongs to: one that is deleted and created again has another id. */
  readonly topicId: string
}

const unknownOrigin: Origin = { leaderEpoch: -1, topicId: '' }

export interface Scheduler<Item> {
  /** Takes a partition over, or moves one that is assigned already; the first record expected is `offset`. */
  assign(topic: string, partition: number, offset: bigint, origin?: Origin): void
  /** The next offset to read; null when the partition is not assigned, or is being given up. */
  position(topic: string, partition: number): bigint | null
  /** The epoch of the record before the position; -1 when it is not known. */
  leaderEpoch(topic: string, partition: number): number
  /** Records from the position on were written by the leader of this epoch. */
  beginEpoch(topic: string, partition: number, leaderEpoch: number): void
  /** Starts nothing of a partition any more, and takes no more of it. @returns its tasks that are running, whose work still counts */
  drain(topic: string, partition: number): Task<Item>[]
  /** Gives a partition up. @returns its tasks that are running, which are lost now */
  revoke(topic: string, partition: number): Task<Item>[]
  /** Queues a record. Records that are not assigned, or were added before, are ignored. `key` null counts as one key. */
  add(topic: string, partition: number, offset: bigint, key: string | null, item: Item): void
  /** Everything before `offset` has been added or holds no records (control records, compaction). */
  advance(topic: string, partition: number, offset: bigint): void
  /** The tasks to start now; they are running from here on. */
  start(nowMs: number): Task<Item>[]
  /** The task is finished: handled, skipped or moved to the dead letters. */
  done(task: Task<Item>): void
  /** The task failed and will be started again, not before this time. */
  retry(task: Task<Item>, notBeforeMs: number): void
  /** When `start` will have something that is only waiting for its time; null when nothing is. */
  nextWakeMs(): number | null
  /** Offsets to commit (exclusive ends), where they have moved since `committed`. */
  committable(): PartitionOffset[]
  committed(offset: PartitionOffset): void
  /** Records added and not done. */
  outstanding(topic: string, partition: number): number
  readonly counts: { readonly running: number; readonly queued: number }
}

interface Partition<Item> {
  readonly topic: string
  readonly partition: number
  readonly assignment: number
  readonly topicId: string
  next: bigint
  committed: bigint
  /** Epochs, oldest first, each with the offset of its first record. The first entry covers all that is older. */
  readonly epochs: { readonly from: bigint; readonly leaderEpoch: number }[]
  draining: boolean
  /** Tasks of earlier assignments that are not done; they count for no commit. */
  readonly earlier: Set<Task<Item>>
  tasks: Task<Item>[]
  /** Tasks before this index are done and forgotten. */
  head: number
}

interface SchedulerState<Item> {
  readonly concurrency: number
  /** By `nameOf`. */
  readonly partitions: Map<string, Partition<Item>>
  /** Tasks of a key in order; the first one is the only one that may run. */
  readonly lanes: Map<string, Task<Item>[]>
  /** First of their lanes, and queued. */
  readonly ready: Set<Task<Item>>
  /** Tasks that failed, by the time of their next try. */
  readonly waiting: Task<Item>[]
  running: number
  queued: number
  assignments: number
}

/** @param concurrency how many tasks may run at once */
export function createScheduler<Item>(concurrency: number): Scheduler<Item> {
  const state: SchedulerState<Item> = {
    concurrency,
    partitions: new Map(),
    lanes: new Map(),
    ready: new Set(),
    waiting: [],
    running: 0,
    queued: 0,
    assignments: 0,
  }
  return {
    assign: (topic, partition, offset, origin = unknownOrigin) => assign(state, topic, partition, offset, origin),
    position: (topic, partition) => positionOf(state, topic, partition),
    leaderEpoch: (topic, partition) => leaderEpochOf(state, topic, partition),
    beginEpoch: (topic, partition, leaderEpoch) => beginEpoch(state, topic, partition, leaderEpoch),
    drain: (topic, partition) => drain(state, topic, partition),
    revoke: (topic, partition) => revoke(state, topic, partition),
    add: (topic, partition, offset, key, item) => add(state, topic, partition, offset, key, item),
    advance: (topic, partition, offset) => advance(state, topic, partition, offset),
    start: (nowMs) => start(state, nowMs),
    done: (task) => finish(state, task),
    retry: (task, notBeforeMs) => retry(state, task, notBeforeMs),
    nextWakeMs: () => state.waiting[0]?.notBeforeMs ?? null,
    committable: () => committable(state),
    committed: (offset) => committed(state, offset),
    outstanding: (topic, partition) => outstanding(state, topic, partition),
    counts: {
      get running() {
        return state.running
      },
      get queued() {
        return state.queued
      },
    },
  }
}

const nameOf = (topic: string, partition: number): string => `${topic}/${partition}`

function assign<Item>(
  state: SchedulerState<Item>,
  topic: string,
  partition: number,
  offset: bigint,
  { leaderEpoch, topicId }: Origin,
): void {
  const before = state.partitions.get(nameOf(topic, partition))
  const unfinished = before?.tasks
    .slice(before.head)
    .filter((task) => task.state !== 'done' && task.state !== 'dropped')
  // One below, so that the position where a group begins is committed too: `latest` would skip what comes meanwhile.
  state.partitions.set(nameOf(topic, partition), {
    topic,
    partition,
    assignment: ++state.assignments,
    topicId,
    next: offset,
    committed: offset - 1n,
    epochs: [{ from: -1n, leaderEpoch }],
    draining: false,
    earlier: new Set([...(before?.earlier ?? []), ...(unfinished ?? [])]),
    tasks: [],
    head: 0,
  })
}

function positionOf<Item>({ partitions }: SchedulerState<Item>, topic: string, partition: number): bigint | null {
  const found = partitions.get(nameOf(topic, partition))
  return found === undefined || found.draining ? null : found.next
}

function leaderEpochOf<Item>({ partitions }: SchedulerState<Item>, topic: string, partition: number): number {
  const found = partitions.get(nameOf(topic, partition))
  return found === undefined ? -1 : epochBefore(found, found.next)
}

function beginEpoch<Item>(
  { partitions }: SchedulerState<Item>,
  topic: string,
  partition: number,
  leaderEpoch: number,
): void {
  const found = partitions.get(nameOf(topic, partition))
  if (found === undefined || found.epochs.at(-1)!.leaderEpoch === leaderEpoch) return
  found.epochs.push({ from: found.next, leaderEpoch })
}

/** The epoch of the record before an offset. */
function epochBefore<Item>({ epochs }: Partition<Item>, offset: bigint): number {
  return epochs.findLast(({ from }) => from < offset)?.leaderEpoch ?? -1
}

function drain<Item>(state: SchedulerState<Item>, topic: string, partition: number): Task<Item>[] {
  const found = state.partitions.get(nameOf(topic, partition))
  if (found === undefined) return []
  found.draining = true
  const running: Task<Item>[] = []
  for (const task of [...found.earlier, ...found.tasks.slice(found.head)]) {
    if (task.state === 'running') {
      running.push(task)
      state.lanes.set(task.lane, [task])
    } else if (task.state === 'queued' || task.state === 'waiting') {
      drop(state, task)
    }
  }
  return running
}

/** It stays in the partition's list: what was never handled is never committed. */
function drop<Item>(state: SchedulerState<Item>, task: Task<Item>): void {
  state.queued--
  state.ready.delete(task)
  if (task.state === 'waiting') stopWaiting(state, task)
  task.state = 'dropped'
  // The lane is another's only while a handler of an earlier assignment is still running.
  const first = state.lanes.get(task.lane)?.[0]
  if (first?.state === 'running') state.lanes.set(task.lane, [first])
  else state.lanes.delete(task.lane)
}

function revoke<Item>(state: SchedulerState<Item>, topic: string, partition: number): Task<Item>[] {
  const lost = drain(state, topic, partition)
  for (const task of lost) task.lost = true
  state.partitions.delete(nameOf(topic, partition))
  return lost
}

function add<Item>(
  state: SchedulerState<Item>,
  topic: string,
  partition: number,
  offset: bigint,
  key: string | null,
  item: Item,
): void {
  const found = state.partitions.get(nameOf(topic, partition))
  if (found === undefined || found.draining || offset < found.next) return
  found.next = offset + 1n
  // A null key is the empty name: keys get a mark in front so that the empty key is another one.
  const lane = `${topic}/${partition}/${key === null ? '' : `=${key}`}`
  const task: Task<Item> = {
    topic,
    partition,
    offset,
    item,
    state: 'queued',
    lost: false,
    notBeforeMs: 0,
    lane,
    assignment: found.assignment,
  }
  found.tasks.push(task)
  state.queued++
  const ahead = state.lanes.get(lane)
  if (ahead === undefined) {
    state.lanes.set(lane, [task])
    state.ready.add(task)
  } else {
    ahead.push(task)
  }
}

function advance<Item>({ partitions }: SchedulerState<Item>, topic: string, partition: number, offset: bigint): void {
  const found = partitions.get(nameOf(topic, partition))
  if (found !== undefined && !found.draining && offset > found.next) found.next = offset
}

function start<Item>(state: SchedulerState<Item>, nowMs: number): Task<Item>[] {
  const { waiting, ready } = state
  while (waiting.length > 0 && waiting[0]!.notBeforeMs <= nowMs) {
    const task = waiting.shift()!
    task.state = 'queued'
    ready.add(task)
  }
  const started: Task<Item>[] = []
  for (const task of ready) {
    if (state.running >= state.concurrency) break
    ready.delete(task)
    task.state = 'running'
    state.running++
    state.queued--
    started.push(task)
  }
  return started
}

function finish<Item>(state: SchedulerState<Item>, task: Task<Item>): void {
  state.running--
  task.state = 'done'
  leaveLane(state, task)
  if (task.lost) return
  const partition = state.partitions.get(nameOf(task.topic, task.partition))!
  if (task.assignment === partition.assignment) forgetDone(partition)
  else partition.earlier.delete(task)
}

function forgetDone<Item>(partition: Partition<Item>): void {
  while (partition.tasks[partition.head]?.state === 'done') partition.head++
  if (partition.head > 1024 || partition.head === partition.tasks.length) {
    partition.tasks = partition.tasks.slice(partition.head)
    partition.head = 0
  }
}

function retry<Item>(state: SchedulerState<Item>, task: Task<Item>, notBeforeMs: number): void {
  if (task.lost) {
    finish(state, task)
    return
  }
  state.running--
  if (state.partitions.get(nameOf(task.topic, task.partition))!.draining) {
    task.state = 'dropped'
    leaveLane(state, task)
    return
  }
  state.queued++
  task.state = 'waiting'
  task.notBeforeMs = notBeforeMs
  const at = state.waiting.findIndex((other) => other.notBeforeMs > notBeforeMs)
  state.waiting.splice(at < 0 ? state.waiting.length : at, 0, task)
}

function leaveLane<Item>({ lanes, ready }: SchedulerState<Item>, task: Task<Item>): void {
  const lane = lanes.get(task.lane)!
  lane.shift()
  const next = lane[0]
  if (next === undefined) lanes.delete(task.lane)
  else ready.add(next)
}

function stopWaiting<Item>({ waiting }: SchedulerState<Item>, task: Task<Item>): void {
  const at = waiting.indexOf(task)
  if (at >= 0) waiting.splice(at, 1)
}

function committable<Item>({ partitions }: SchedulerState<Item>): PartitionOffset[] {
  const offsets: PartitionOffset[] = []
  for (const state of partitions.values()) {
    const offset = doneUpTo(state)
    if (offset > state.committed) {
      const { topic, partition, topicId, assignment } = state
      offsets.push({ topic, partition, offset, leaderEpoch: epochBefore(state, offset), topicId, assignment })
    }
  }
  return offsets
}

/** Everything before it is done. */
function doneUpTo<Item>(partition: Partition<Item>): bigint {
  return partition.tasks[partition.head]?.offset ?? partition.next
}

function committed<Item>({ partitions }: SchedulerState<Item>, at: PartitionOffset): void {
  const found = partitions.get(nameOf(at.topic, at.partition))
  if (found?.assignment !== at.assignment || at.offset <= found.committed) return
  found.committed = at.offset
  while (found.epochs.length > 1 && found.epochs[1]!.from < at.offset) found.epochs.shift()
}

function outstanding<Item>({ partitions }: SchedulerState<Item>, topic: string, partition: number): number {
  const found = partitions.get(nameOf(topic, partition))
  return found === undefined ? 0 : found.earlier.size + found.tasks.length - found.head
}
