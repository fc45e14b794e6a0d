// From records to handlers and back to committed offsets: ties the group member, the fetcher and the scheduler together.
//
// assigned ─▶ placeAll (placement.ts) ─▶ fetcher ─▶ deliver ─▶ scheduler ─▶ pump ─▶ run ─▶ processor.attempt ─▶ scheduler.done
// revoked, lost ─▶ removePartitions                                                                                committer ◀─┘
import {
  createFetcher,
  createGroupMember,
  type Fetched,
  type Fetcher,
  type GroupMember,
  type KafkaClient,
  type Position,
  pause,
  type RecordRun,
  reasonOf,
  type TopicPartition,
} from '../kafka/index.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Problems } from '../problems.ts'
import { clientErrorType, type StreamMetrics, type Tracing, tracePoll } from '../telemetry/index.ts'
import type { EventObserver, Logger } from '../types.ts'
import type { Codec } from '../wire/index.ts'
import { type Assignments, addAssignment, assignmentOf, removeAssignment } from './assignments.ts'
import { type Committer, createCommitter } from './committer.ts'
import type { DeadLetterWriter } from './dead-letter.ts'
import { type Placement, placeAll, relocate } from './placement.ts'
import { createProcessor, newWork, type Outcome, type Processor, type Work } from './processor.ts'
import type { HandlerTable } from './received.ts'
import { createScheduler, type Scheduler, type Task } from './scheduler.ts'

export interface ConsumerOptions {
  readonly settings: ResolvedOptions
  readonly handlers: HandlerTable
  readonly clients: { readonly control: KafkaClient; readonly join: KafkaClient; readonly fetch: KafkaClient }
  readonly codec: Codec
  readonly deadLetters: DeadLetterWriter
  readonly logger: Logger
  readonly problems: Problems
  readonly observer?: EventObserver
  readonly tracing: Tracing
  readonly metrics: StreamMetrics
  readonly random: () => number
}

export interface Consumer {
  /** Joins the group; resolves with the first assignment. */
  start(): Promise<void>
  /** Stops fetching, lets running handlers end, commits and leaves. */
  stop(): Promise<void>
  joined(): boolean
  /** Another process has joined with this one's `groupInstanceId`. */
  fenced(): boolean
  stats(): {
    handled: number
    retried: number
    deadLettered: number
    skipped: number
    running: number
    queued: number
    assignedPartitions: number
    rebalances: number
  }
}

interface ConsumerState {
  readonly options: ConsumerOptions
  readonly scheduler: Scheduler<Work>
  readonly assignments: Assignments
  readonly fetcher: Fetcher
  readonly member: GroupMember
  readonly processor: Processor
  readonly committer: Committer
  readonly placement: Placement
  readonly stopping: AbortController
  /** How many events of a partition may wait before it is read no further. */
  roomOfPartition: number
  /** For the next event that waits for its time. */
  wakeTimer: NodeJS.Timeout | null
  /** Called when the next handler has ended. */
  endWaiters: (() => void)[]
}

/** The longest delay of Node's timers: with a longer one they fire at once. */
const maxTimerMs = 2 ** 31 - 1
/** How long partitions that have no leader yet may delay the member's next heartbeat, in milliseconds. */
const maxPlacingMs = 5000
/** How long running handlers may delay a rebalance: half of what the others wait for this member's rejoin, in milliseconds. */
const maxHandoverMs = 30_000

export function createConsumer(options: ConsumerOptions): Consumer {
  const { settings, clients, logger, problems } = options
  const scheduler = createScheduler<Work>(settings.concurrency)
  const assignments: Assignments = new Map()
  const stopping = new AbortController()
  const fetcher = createFetcher({
    client: clients.fetch,
    logger,
    problems,
    position: (partition) => positionWithRoom(state, partition),
    misplaced: (partition, topicId, diverging) => void relocate(state.placement, partition, topicId, diverging),
    deliver: (partition, run) => deliver(state, partition, run),
    onFetched: (fetched) => reportFetched(options, fetched),
  })
  const member = createGroupMember({
    joinClient: clients.join,
    client: clients.control,
    group: settings.group,
    groupInstanceId: settings.groupInstanceId,
    topics: [...options.handlers.keys()],
    sessionTimeoutMs: settings.sessionTimeoutMs,
    rebalanceTimeoutMs: Math.max(60_000, settings.sessionTimeoutMs),
    logger,
    problems,
    assigned: (partitions) => assigned(state, partitions),
    revoked: (partitions) => revoked(state, partitions),
    lost: (partitions) => removePartitions(state, partitions),
  })
  const state: ConsumerState = {
    options,
    scheduler,
    assignments,
    fetcher,
    member,
    processor: createProcessor({
      ...options,
      signalOf: (task) => assignmentOf(assignments, task)?.handlers.signal ?? AbortSignal.abort(),
    }),
    committer: createCommitter({
      group: settings.group,
      intervalMs: settings.commitIntervalMs,
      member,
      scheduler,
      problems,
      tracing: options.tracing,
      metrics: options.metrics,
    }),
    placement: {
      settings,
      client: clients.control,
      member,
      scheduler,
      fetcher,
      assignments,
      logger,
      problems,
      stopping: stopping.signal,
    },
    stopping,
    roomOfPartition: settings.maxQueued,
    wakeTimer: null,
    endWaiters: [],
  }
  return {
    async start() {
      state.committer.start()
      await member.start()
    },
    stop: () => stop(state),
    joined: () => member.joined(),
    fenced: () => member.fenced(),
    stats: () => ({
      ...outcomesOf(options.metrics),
      running: scheduler.counts.running,
      queued: scheduler.counts.queued,
      assignedPartitions: assignments.size,
      rebalances: member.rebalances(),
    }),
  }
}

/**
 * Takes partitions over. Resolves when all of them have their positions; a partition whose position cannot be asked yet,
 * for want of a leader, holds up the others and the member's heartbeats for a moment only.
 */
async function assigned(state: ConsumerState, partitions: readonly TopicPartition[]): Promise<void> {
  const { sessionTimeoutMs } = state.options.settings
  for (const partition of partitions) addAssignment(state.assignments, partition)
  shareRoom(state)
  const placed = new AbortController()
  const all = placeAll(state.placement, partitions).finally(() => placed.abort())
  await Promise.race([all, pause(Math.min(maxPlacingMs, sessionTimeoutMs / 3), placed.signal)])
}

/** Orderly: running handlers may end, for a while, and what is handled is committed. */
async function revoked(state: ConsumerState, partitions: readonly TopicPartition[]): Promise<void> {
  const { scheduler, fetcher, committer, stopping, options } = state
  for (const partition of partitions) fetcher.remove(partition)
  const limit = AbortSignal.any([
    AbortSignal.timeout(Math.min(options.settings.drainTimeoutMs, maxHandoverMs)),
    stopping.signal,
  ])
  const running = partitions.flatMap(({ topic, partition }) => scheduler.drain(topic, partition))
  await untilEnded(state, running, limit)
  await committer.commit()
  removePartitions(state, partitions)
}

function removePartitions(state: ConsumerState, partitions: readonly TopicPartition[]): void {
  for (const partition of partitions) {
    state.fetcher.remove(partition)
    const running = state.scheduler.revoke(partition.topic, partition.partition)
    const assignment = removeAssignment(state.assignments, partition)
    if (running.length > 0) {
      state.options.logger.warn(
        { ...partition, handlers: running.length },
        'handlers were still running when their partition went to another member: their events will be handled again there',
      )
      assignment?.handlers.abort(new DOMException('the partition went to another member', 'AbortError'))
    }
  }
  shareRoom(state)
  pump(state)
}

function shareRoom(state: ConsumerState): void {
  const { maxQueued } = state.options.settings
  state.roomOfPartition = Math.max(1, Math.ceil(maxQueued / Math.max(1, state.assignments.size)))
}

function positionWithRoom({ scheduler, roomOfPartition }: ConsumerState, at: TopicPartition): Position | null {
  const { topic, partition } = at
  if (scheduler.outstanding(topic, partition) >= roomOfPartition) return null
  const offset = scheduler.position(topic, partition)
  return offset === null ? null : { offset, leaderEpoch: scheduler.leaderEpoch(topic, partition) }
}

function deliver(
  state: ConsumerState,
  { topic, partition }: TopicPartition,
  { leaderEpoch, records, next }: RecordRun,
): void {
  const { scheduler } = state
  scheduler.beginEpoch(topic, partition, leaderEpoch)
  for (const record of records) {
    // latin1 keeps every byte apart.
    const key = record.key === null ? null : record.key.toString('latin1')
    scheduler.add(topic, partition, record.offset, key, newWork(record))
  }
  scheduler.advance(topic, partition, next)
  pump(state)
}

/** Measures a fetch, and makes its span. */
function reportFetched({ metrics, tracing }: ConsumerOptions, fetched: Fetched): void {
  const { topic, server, startedAtMs, durationMs, read, error } = fetched
  if (metrics.wanted()) {
    const type = error === undefined ? null : clientErrorType(error)
    const messages = read.reduce((sum, { runs }) => runs.reduce((count, { records }) => count + records.length, sum), 0)
    metrics.polled({ topic, server, seconds: durationMs / 1000, error: type }, messages)
  }
  if (read.length > 0) tracePoll(tracing, { topic, read, server, startedAtMs })
}

/** What `stats()` shows of the outcomes of all topics. */
function outcomesOf(metrics: StreamMetrics) {
  const sum = { handled: 0, retried: 0, deadLettered: 0, skipped: 0 }
  for (const { consumed, retried, deadLettered, skipped } of metrics.outcomes().values()) {
    sum.handled += consumed - deadLettered
    sum.retried += retried
    sum.deadLettered += deadLettered
    sum.skipped += skipped
  }
  return sum
}

/** Starts what may run now, and looks again when the next event has waited long enough. */
function pump(state: ConsumerState): void {
  if (state.stopping.signal.aborted) return
  const { scheduler } = state
  const nowMs = Date.now()
  for (const task of scheduler.start(nowMs)) void run(state, task)
  const wakeAtMs = scheduler.nextWakeMs()
  if (state.wakeTimer !== null) clearTimeout(state.wakeTimer)
  state.wakeTimer =
    wakeAtMs === null ? null : setTimeout(() => pump(state), Math.min(maxTimerMs, Math.max(1, wakeAtMs - nowMs)))
}

async function run(state: ConsumerState, task: Task<Work>): Promise<void> {
  const { scheduler, processor, options } = state
  let outcome: Outcome
  try {
    outcome = await processor.attempt(task)
  } catch (error) {
    // Errors of handlers never get here. For other errors, the partition waits, so that no event is lost.
    options.logger.error(
      { topic: task.topic, partition: task.partition, offset: String(task.offset), reason: reasonOf(error) },
      'an event could not be handled and will be tried again',
    )
    outcome = processor.tryAgain(task.item)
  }
  if (outcome.kind === 'done') scheduler.done(task)
  else scheduler.retry(task, Date.now() + outcome.delayMs)
  const waiters = state.endWaiters
  state.endWaiters = []
  for (const waiter of waiters) waiter()
  state.fetcher.wake()
  pump(state)
}

/** Resolves when none of the tasks is running any more, or at the limit. */
async function untilEnded(state: ConsumerState, tasks: readonly Task<Work>[], limit: AbortSignal): Promise<void> {
  while (!limit.aborted && tasks.some((task) => task.state === 'running')) {
    await new Promise<void>((resolve) => {
      const finish = (): void => {
        limit.removeEventListener('abort', finish)
        resolve()
      }
      limit.addEventListener('abort', finish)
      state.endWaiters.push(finish)
    })
  }
}

async function stop(state: ConsumerState): Promise<void> {
  const { fetcher, stopping, committer, scheduler, assignments, member, options } = state
  const { drainTimeoutMs } = options.settings
  fetcher.close()
  stopping.abort()
  if (state.wakeTimer !== null) clearTimeout(state.wakeTimer)
  committer.stop()
  const running = [...assignments.values()].flatMap(({ topic, partition }) => scheduler.drain(topic, partition))
  await untilEnded(state, running, AbortSignal.timeout(drainTimeoutMs))
  if (running.some((task) => task.state === 'running')) {
    options.logger.warn(
      { handlers: scheduler.counts.running, afterMs: drainTimeoutMs },
      'handlers did not end in time: their events will be handled again',
    )
    for (const { handlers } of assignments.values()) {
      handlers.abort(new DOMException('the event stream is closing', 'AbortError'))
    }
  }
  await committer.commit()
  await member.leave()
}
