// Decides which events may be handled now. A pure state machine: records and results come in, tasks to start and offsets
// to commit come out; time is an argument and nothing waits in here.
//
// The rules it keeps:
// 1. Events of one key (within a partition) are handled one after the other, in the order of their offsets.
// 2. At most `concurrency` events are handled at once; one that waits for its next try holds its key and no slot.
// 3. An offset may be committed when it and everything before it in the partition is done.
// 4. What happens to an event after its partition went away changes nothing, but its key stays taken until its handler
//    has ended, so that a partition that comes back does not run two events of a key at once.
// 5. The position of a partition, the next offset to read, is kept here and nowhere else. When the log no longer holds it,
//    the partition is assigned again at another offset: events that were read before are still handled, before those that
//    are read from there, and count for no commit of the new assignment.

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
  /** The assignment that the offset belongs to: a commit of an earlier one says nothing about this one. */
  readonly assignment: number
}

export interface Scheduler<Item> {
  /** Takes a partition over, or moves one that is assigned already; the first record expected is `offset`. */
  assign(topic: string, partition: number, offset: bigint): void
  /** The next offset to read; null when the partition is not assigned, or is being given up. */
  position(topic: string, partition: number): bigint | null
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
  /** The task is dealt with, one way or the other. */
  done(task: Task<Item>): void
  /** The task failed and is to be started again, not before a time. */
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
  next: bigint
  committed: bigint
  draining: boolean
  /** Tasks of earlier assignments that are not done; they count for no commit. */
  readonly earlier: Set<Task<Item>>
  tasks: Task<Item>[]
  /** Tasks before this index are done and forgotten. */
  head: number
}

/** @param concurrency how many tasks may run at once */
export function createScheduler<Item>(concurrency: number): Scheduler<Item> {
  const partitions = new Map<string, Partition<Item>>()
  /** Tasks of a key in order; the first one is the only one that may run. */
  const lanes = new Map<string, Task<Item>[]>()
  const ready = new Set<Task<Item>>()
  /** Sorted by time. */
  const waiting: Task<Item>[] = []
  let running = 0
  let queued = 0
  let assignments = 0

  const nameOf = (topic: string, partition: number): string => `${topic}/${partition}`

  function leaveLane(task: Task<Item>): void {
    const lane = lanes.get(task.lane)!
    lane.shift()
    const next = lane[0]
    if (next === undefined) lanes.delete(task.lane)
    else ready.add(next)
  }

  function unwait(task: Task<Item>): void {
    const at = waiting.indexOf(task)
    if (at >= 0) waiting.splice(at, 1)
  }

  /** Everything before it is done. */
  function doneUpTo(partition: Partition<Item>): bigint {
    return partition.tasks[partition.head]?.offset ?? partition.next
  }

  function drain(topic: string, partition: number): Task<Item>[] {
    const state = partitions.get(nameOf(topic, partition))
    if (state === undefined) return []
    state.draining = true
    const running: Task<Item>[] = []
    for (const task of [...state.earlier, ...state.tasks.slice(state.head)]) {
      if (task.state === 'running') {
        running.push(task)
        lanes.set(task.lane, [task])
      } else if (task.state === 'queued' || task.state === 'waiting') {
        queued--
        ready.delete(task)
        if (task.state === 'waiting') unwait(task)
        // It stays in the partition's list: what was never handled is never committed.
        task.state = 'dropped'
        // The lane is another's only while a handler of an earlier assignment is still running.
        const first = lanes.get(task.lane)?.[0]
        if (first?.state === 'running') lanes.set(task.lane, [first])
        else lanes.delete(task.lane)
      }
    }
    return running
  }

  function finish(task: Task<Item>): void {
    running--
    task.state = 'done'
    leaveLane(task)
    if (task.lost) return
    const state = partitions.get(nameOf(task.topic, task.partition))!
    if (task.assignment !== state.assignment) {
      state.earlier.delete(task)
      return
    }
    while (state.tasks[state.head]?.state === 'done') state.head++
    if (state.head > 1024 || state.head === state.tasks.length) {
      state.tasks = state.tasks.slice(state.head)
      state.head = 0
    }
  }

  return {
    assign(topic, partition, offset) {
      const before = partitions.get(nameOf(topic, partition))
      const unfinished = before?.tasks.slice(before.head).filter(({ state }) => state !== 'done' && state !== 'dropped')
      // One below, so that the position where a group begins is committed too: `latest` would skip what comes meanwhile.
      partitions.set(nameOf(topic, partition), {
        topic,
        partition,
        assignment: ++assignments,
        next: offset,
        committed: offset - 1n,
        draining: false,
        earlier: new Set([...(before?.earlier ?? []), ...(unfinished ?? [])]),
        tasks: [],
        head: 0,
      })
    },

    position(topic, partition) {
      const state = partitions.get(nameOf(topic, partition))
      return state === undefined || state.draining ? null : state.next
    },

    drain,

    revoke(topic, partition) {
      const lost = drain(topic, partition)
      for (const task of lost) task.lost = true
      partitions.delete(nameOf(topic, partition))
      return lost
    },

    add(topic, partition, offset, key, item) {
      const state = partitions.get(nameOf(topic, partition))
      if (state === undefined || state.draining || offset < state.next) return
      state.next = offset + 1n
      const { assignment } = state
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
        assignment,
      }
      state.tasks.push(task)
      queued++
      const ahead = lanes.get(lane)
      if (ahead === undefined) {
        lanes.set(lane, [task])
        ready.add(task)
      } else {
        ahead.push(task)
      }
    },

    advance(topic, partition, offset) {
      const state = partitions.get(nameOf(topic, partition))
      if (state !== undefined && !state.draining && offset > state.next) state.next = offset
    },

    start(nowMs) {
      while (waiting.length > 0 && waiting[0]!.notBeforeMs <= nowMs) {
        const task = waiting.shift()!
        task.state = 'queued'
        ready.add(task)
      }
      const started: Task<Item>[] = []
      for (const task of ready) {
        if (running >= concurrency) break
        ready.delete(task)
        task.state = 'running'
        running++
        queued--
        started.push(task)
      }
      return started
    },

    done: finish,

    retry(task, notBeforeMs) {
      if (task.lost) {
        finish(task)
        return
      }
      running--
      if (partitions.get(nameOf(task.topic, task.partition))!.draining) {
        task.state = 'dropped'
        leaveLane(task)
        return
      }
      queued++
      task.state = 'waiting'
      task.notBeforeMs = notBeforeMs
      const at = waiting.findIndex((other) => other.notBeforeMs > notBeforeMs)
      waiting.splice(at < 0 ? waiting.length : at, 0, task)
    },

    nextWakeMs: () => waiting[0]?.notBeforeMs ?? null,

    committable() {
      const offsets: PartitionOffset[] = []
      for (const state of partitions.values()) {
        const offset = doneUpTo(state)
        if (offset > state.committed) {
          const { topic, partition, assignment } = state
          offsets.push({ topic, partition, offset, assignment })
        }
      }
      return offsets
    },

    committed({ topic, partition, offset, assignment }) {
      const state = partitions.get(nameOf(topic, partition))
      if (state?.assignment === assignment && offset > state.committed) state.committed = offset
    },

    outstanding(topic, partition) {
      const state = partitions.get(nameOf(topic, partition))
      return state === undefined ? 0 : state.earlier.size + state.tasks.length - state.head
    },

    counts: {
      get running() {
        return running
      },
      get queued() {
        return queued
      },
    },
  }
}
