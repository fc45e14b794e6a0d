// From records to handlers and back to committed offsets: ties the group member, the fetcher and the scheduler together.

import { deadLetterTopic } from '../dead-letter-names.ts'
import { PermanentError, RetryLater, TopicDeniedError, UndecodableEventError } from '../errors.ts'
import {
  backoffMs,
  createFetcher,
  createGroupMember,
  type FetchedRecord,
  type Fetcher,
  type GroupMember,
  type KafkaClient,
  kafkaErrorName,
  listOffset,
  partitionErrorKind,
  pause,
  reasonOf,
  requireTopic,
  type TopicMetadata,
  type TopicPartition,
} from '../kafka/index.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Problems } from '../problems.ts'
import { traceProcess } from '../tracing.ts'
import type { Envelope, EventHandler, EventObserver, Logger, ReceivedEvent } from '../types.ts'
import type { Codec } from '../wire/index.ts'
import type { DeadLetterCause, DeadLetterWriter } from './dead-letter.ts'
import { whereToReadOn } from './positions.ts'
import { retryDelayMs } from './retry.ts'
import { createScheduler, type Task } from './scheduler.ts'

/** Handlers by topic, then by event type; `*` is for those that have none. */
export type HandlerTable = ReadonlyMap<string, ReadonlyMap<string, EventHandler>>

export interface ConsumerOptions {
  readonly settings: ResolvedOptions
  readonly handlers: HandlerTable
  readonly clients: { readonly control: KafkaClient; readonly join: KafkaClient; readonly fetch: KafkaClient }
  readonly codec: Codec
  readonly deadLetters: DeadLetterWriter
  readonly logger: Logger
  readonly problems: Problems
  readonly observer?: EventObserver
  readonly random: () => number
}

export interface Consumer {
  /** Joins the group; resolves with the first assignment. */
  start(): Promise<void>
  /** Stops fetching, lets running handlers end, commits and leaves. */
  stop(): Promise<void>
  joined(): boolean
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

/** A record on its way through its handler. */
interface Work {
  readonly record: FetchedRecord
  envelope: Envelope | null
  data: unknown
  /** Attempts that counted. */
  attempts: number
  /** Failures that are not the event's own: the registry or the dead letters' topic could not be reached. */
  hindrances: number
  /** Set once the event is given up: from then on only its way to the dead letters is tried. */
  givenUp: DeadLetterCause | null
}

type Outcome = { readonly kind: 'done' } | { readonly kind: 'retry'; readonly delayMs: number }

/** Node's timers take no longer time, and fire at once instead. */
const maxTimerMs = 2 ** 31 - 1

const done: Outcome = { kind: 'done' }

export function createConsumer(options: ConsumerOptions): Consumer {
  const { settings, handlers, clients, codec, deadLetters, logger, problems, observer } = options
  const scheduler = createScheduler<Work>(settings.concurrency)
  const counters = { handled: 0, retried: 0, deadLettered: 0, skipped: 0 }
  /** The signal of each partition's handlers; which one it is tells an assignment from the next of the same partition. */
  const signals = new Map<string, AbortController>()
  const stopping = new AbortController()
  const topics = [...handlers.keys()]
  let perPartitionRoom = settings.maxQueued
  let wakeTimer: NodeJS.Timeout | null = null
  let idleWaiters: (() => void)[] = []
  let commitTimer: NodeJS.Timeout | null = null
  let committing: Promise<void> | null = null

  const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

  const fetcher: Fetcher = createFetcher({
    client: clients.fetch,
    logger,
    problems,
    position: ({ topic, partition }) =>
      scheduler.outstanding(topic, partition) < perPartitionRoom ? scheduler.position(topic, partition) : null,
    misplaced: (partition, topicId) => void relocate(partition, topicId),
    deliver({ topic, partition }, records, next) {
      for (const record of records) {
        const work: Work = { record, envelope: null, data: undefined, attempts: 0, hindrances: 0, givenUp: null }
        // latin1 keeps every byte apart.
        scheduler.add(topic, partition, record.offset, record.key === null ? null : record.key.toString('latin1'), work)
      }
      scheduler.advance(topic, partition, next)
      pump()
    },
  })

  const member: GroupMember = createGroupMember({
    joinClient: clients.join,
    client: clients.control,
    group: settings.group,
    topics,
    sessionTimeoutMs: settings.sessionTimeoutMs,
    rebalanceTimeoutMs: Math.max(60_000, settings.sessionTimeoutMs),
    logger,
    assigned,
    revoked,
    lost: (partitions) => takeAway(partitions),
  })

  /**
   * Takes partitions over. Resolves when all of them have their positions; a partition whose position cannot be asked yet,
   * for want of a leader, holds up the others and the member's heartbeats for a moment only.
   */
  async function assigned(partitions: readonly TopicPartition[]): Promise<void> {
    for (const partition of partitions) signals.set(nameOf(partition), new AbortController())
    shareRoom()
    const begun = new AbortController()
    const all = begin(partitions).finally(() => begun.abort())
    await Promise.race([all, pause(Math.min(5000, settings.sessionTimeoutMs / 3), begun.signal)])
  }

  async function begin(partitions: readonly TopicPartition[]): Promise<void> {
    const assignments = partitions.map((partition) => ({ partition, ours: ownership(partition) }))
    const left = () => assignments.filter(({ ours }) => ours())
    const wanted = (): boolean => left().length > 0
    await untilItWorks(`group ${settings.group}`, 'its committed offsets cannot be read', wanted, async () => {
      const wantedNow = left().map(({ partition }) => partition)
      const committed = await member.committedOffsets(wantedNow)
      const described = await clients.control.describe([...new Set(wantedNow.map(({ topic }) => topic))])
      await Promise.all(wantedNow.map((partition, i) => place(partition, committed[i] ?? null, described)))
    })
  }

  /** Begins to read a partition at its committed offset, or where `from` says. */
  async function place(
    partition: TopicPartition,
    committed: bigint | null,
    known: ReadonlyMap<string, TopicMetadata>,
  ): Promise<void> {
    const { topic, partition: index } = partition
    const ours = ownership(partition)
    let described = known
    await untilItWorks(`${topic}-${index}`, `where to read ${topic} from cannot be asked`, ours, async () => {
      if (described.get(topic) === undefined) described = await clients.control.describe([topic])
      const { id, partitions } = requireTopic(described, topic, 'read')
      const leader = partitions[index]?.leader ?? -1
      described = new Map()
      const offset = committed ?? (await listOffset(clients.control, partition, leader, settings.from))
      if (!ours()) return
      scheduler.assign(topic, index, offset)
      fetcher.add(partition, id)
    })
  }

  /**
   * Assigns a partition again whose position is not in its log: see `positions.ts` for where to.
   * @param topicId the topic that the position belongs to: one that is deleted and created again has another id (KIP-516)
   */
  async function relocate(partition: TopicPartition, topicId: string): Promise<void> {
    const { topic, partition: index } = partition
    const ours = ownership(partition)
    await untilItWorks(`${topic}-${index}`, `where to read ${topic} on from cannot be asked`, ours, async () => {
      const { id, partitions } = requireTopic(await clients.control.describe([topic]), topic, 'read')
      const leader = partitions[index]?.leader ?? -1
      const [earliest, latest] = await Promise.all([
        listOffset(clients.control, partition, leader, 'earliest'),
        listOffset(clients.control, partition, leader, 'latest'),
      ])
      const position = scheduler.position(topic, index)
      if (!ours() || position === null) return
      const move = whereToReadOn({ position, sameTopic: id === topicId, earliest, latest, from: settings.from })
      if (move !== null) {
        logger.warn({ topic, partition: index, from: String(position), to: String(move.to) }, move.reason)
        // Forward, what is still being handled counts for the commit as before.
        if (move.forward) scheduler.advance(topic, index, move.to)
        else scheduler.assign(topic, index, move.to)
      }
      fetcher.add(partition, id)
    })
  }

  /** @returns whether the partition is still assigned, and by the same assignment as now */
  function ownership(partition: TopicPartition): () => boolean {
    const assignment = signals.get(nameOf(partition))
    return () => !stopping.signal.aborted && assignment !== undefined && signals.get(nameOf(partition)) === assignment
  }

  /** Repeats what a broker that is down, or a permission that is missing, may hinder. */
  async function untilItWorks(
    resource: string,
    what: string,
    wanted: () => boolean,
    act: () => Promise<void>,
  ): Promise<void> {
    for (let failures = 1; wanted(); failures++) {
      try {
        await act()
        break
      } catch (error) {
        const code = kafkaErrorName(error) ?? (error as { code?: string }).code ?? 'FAILED'
        const kind = partitionErrorKind(code)
        problems.report(resource, {
          code,
          message: `${what}: ${reasonOf(error)}`,
          fatal: kind === 'fatal' || error instanceof TopicDeniedError,
          routine: kind !== 'fatal',
        })
        await pause(backoffMs(failures), stopping.signal)
      }
    }
    problems.solved(resource)
  }

  /** Orderly: running handlers may end, for half of what the others wait for this member's rejoin. */
  async function revoked(partitions: readonly TopicPartition[]): Promise<void> {
    for (const partition of partitions) fetcher.remove(partition)
    const limit = AbortSignal.any([AbortSignal.timeout(Math.min(settings.drainTimeoutMs, 30_000)), stopping.signal])
    const moving = partitions.flatMap(({ topic, partition }) => scheduler.drain(topic, partition))
    await settled(moving, limit)
    await commit()
    takeAway(partitions)
  }

  function takeAway(partitions: readonly TopicPartition[]): void {
    for (const partition of partitions) {
      fetcher.remove(partition)
      const running = scheduler.revoke(partition.topic, partition.partition)
      const signal = signals.get(nameOf(partition))
      signals.delete(nameOf(partition))
      if (running.length > 0) {
        logger.warn(
          { ...partition, handlers: running.length },
          'handlers were still running when their partition went to another member: their events will be handled again there',
        )
        signal?.abort(new DOMException('the partition went to another member', 'AbortError'))
      }
    }
    shareRoom()
    pump()
  }

  function shareRoom(): void {
    perPartitionRoom = Math.max(1, Math.ceil(settings.maxQueued / Math.max(1, signals.size)))
  }

  /** Resolves when none of the tasks is running any more, or at the limit. */
  async function settled(tasks: readonly Task<Work>[], limit: AbortSignal): Promise<void> {
    while (!limit.aborted && tasks.some((task) => task.state === 'running')) {
      await new Promise<void>((resolve) => {
        const finish = (): void => {
          limit.removeEventListener('abort', finish)
          resolve()
        }
        limit.addEventListener('abort', finish)
        idleWaiters.push(finish)
      })
    }
  }

  function pump(): void {
    if (stopping.signal.aborted) return
    const now = Date.now()
    for (const task of scheduler.start(now)) void run(task)
    const wakeAt = scheduler.nextWakeMs()
    if (wakeTimer !== null) clearTimeout(wakeTimer)
    wakeTimer = wakeAt === null ? null : setTimeout(pump, Math.min(maxTimerMs, Math.max(1, wakeAt - now)))
  }

  async function run(task: Task<Work>): Promise<void> {
    let outcome: Outcome
    try {
      outcome = await attempt(task)
    } catch (error) {
      // Not reached by what handlers throw; the partition stands still rather than losing an event.
      logger.error(
        { topic: task.topic, partition: task.partition, offset: String(task.offset), reason: reasonOf(error) },
        'an event could not be dealt with and will be tried again',
      )
      outcome = hindered(task.item)
    }
    if (outcome.kind === 'done') scheduler.done(task)
    else scheduler.retry(task, Date.now() + outcome.delayMs)
    const waiters = idleWaiters
    idleWaiters = []
    for (const waiter of waiters) waiter()
    fetcher.wake()
    pump()
  }

  async function attempt(task: Task<Work>): Promise<Outcome> {
    const work = task.item
    if (work.givenUp !== null) return bury(task, work.givenUp)

    if (work.envelope === null) {
      try {
        const envelope = codec.decode(work.record.value)
        work.envelope = envelope instanceof Promise ? await envelope : envelope
        work.data = parseData(work.envelope)
      } catch (error) {
        if (error instanceof UndecodableEventError) return bury(task, { error, attempts: 1 })
        logger.warn(
          { topic: task.topic, partition: task.partition, offset: String(task.offset), reason: reasonOf(error) },
          'the schema of an event cannot be read yet',
        )
        return hindered(work)
      }
    }

    const ofTopic = handlers.get(task.topic)!
    const handler = ofTopic.get(work.envelope.event_type) ?? ofTopic.get('*')
    if (handler === undefined) {
      counters.skipped++
      return done
    }

    const event = toEvent(task, work.envelope, work.data)
    const signal = signals.get(nameOf(task))?.signal ?? AbortSignal.abort()
    try {
      await traceProcess(event, settings.group, () => handler(event, { signal }))
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown))
      observer?.failed?.(event, error)
      return task.lost ? done : failed(task, event, error)
    }
    if (!task.lost) {
      counters.handled++
      observer?.handled?.(event)
    }
    return done
  }

  async function failed(task: Task<Work>, event: ReceivedEvent, error: Error): Promise<Outcome> {
    const work = task.item
    const where = {
      topic: event.topic,
      partition: event.partition,
      offset: String(event.offset),
      eventType: event.eventType,
      eventId: event.eventId,
    }
    if (error instanceof RetryLater) {
      counters.retried++
      logger.info({ ...where, delayMs: error.delayMs }, 'the handler asked to try the event again later')
      return { kind: 'retry', delayMs: error.delayMs }
    }
    work.attempts++
    if (error instanceof PermanentError || work.attempts >= settings.retry.attempts) {
      return bury(task, { error, attempts: work.attempts })
    }
    const delayMs = retryDelayMs(settings.retry, work.attempts, options.random())
    counters.retried++
    logger.warn(
      { ...where, attempt: work.attempts, of: settings.retry.attempts, delayMs, error: error.message },
      'the handler failed, the event will be tried again',
    )
    return { kind: 'retry', delayMs }
  }

  /** Moves an event to the dead letters; until that is done the event stays, and holds its key and its offset. */
  async function bury(task: Task<Work>, cause: DeadLetterCause): Promise<Outcome> {
    const work = task.item
    work.givenUp = cause
    if (task.lost) return done
    const where = { topic: task.topic, partition: task.partition, offset: String(task.offset) }
    try {
      await deadLetters.write(task, work.record, cause)
    } catch (error) {
      logger.error(
        { ...where, reason: reasonOf(error) },
        'the dead letter could not be written and will be tried again; the partition waits',
      )
      return hindered(work)
    }
    counters.deadLettered++
    logger.error(
      {
        ...where,
        eventType: work.envelope?.event_type,
        eventId: work.envelope?.event_id,
        attempts: cause.attempts,
        error: cause.error.message,
      },
      `the event was moved to ${deadLetterTopic(task.topic)}`,
    )
    observer?.deadLettered?.({
      topic: task.topic,
      partition: task.partition,
      offset: task.offset,
      eventId: work.envelope?.event_id ?? null,
      eventType: work.envelope?.event_type ?? null,
      error: cause.error,
      attempts: cause.attempts,
      deadLetterTopic: deadLetterTopic(task.topic),
    })
    return done
  }

  function hindered(work: Work): Outcome {
    work.hindrances++
    return { kind: 'retry', delayMs: Math.min(30_000, 200 * 2 ** Math.min(work.hindrances - 1, 8)) }
  }

  /** Commits what has moved; one at a time. What fails is committed with the next. */
  async function commit(): Promise<void> {
    while (committing !== null) await committing
    const offsets = scheduler.committable()
    if (offsets.length === 0) return
    committing = member
      .commit(offsets)
      .then(() => {
        for (const offset of offsets) scheduler.committed(offset)
      })
      .catch((error: unknown) => {
        logger.debug({ group: settings.group, reason: reasonOf(error) }, 'the commit failed')
      })
      .finally(() => {
        committing = null
      })
    await committing
  }

  function commitLater(): void {
    commitTimer = setTimeout(async () => {
      await commit()
      if (!stopping.signal.aborted) commitLater()
    }, settings.commitIntervalMs)
  }

  return {
    async start() {
      commitLater()
      await member.start()
    },

    async stop() {
      fetcher.close()
      stopping.abort()
      if (wakeTimer !== null) clearTimeout(wakeTimer)
      if (commitTimer !== null) clearTimeout(commitTimer)
      const limit = AbortSignal.timeout(settings.drainTimeoutMs)
      const running = [...signals.keys()].flatMap((name) => {
        const slash = name.lastIndexOf('/')
        return scheduler.drain(name.slice(0, slash), Number(name.slice(slash + 1)))
      })
      await settled(running, limit)
      if (running.some((task) => task.state === 'running')) {
        logger.warn(
          { handlers: scheduler.counts.running, afterMs: settings.drainTimeoutMs },
          'handlers did not end in time: their events will be handled again',
        )
        for (const controller of signals.values()) {
          controller.abort(new DOMException('the event stream is closing', 'AbortError'))
        }
      }
      await commit()
      await member.leave()
    },

    joined: () => member.joined(),
    stats: () => ({
      ...counters,
      running: scheduler.counts.running,
      queued: scheduler.counts.queued,
      assignedPartitions: signals.size,
      rebalances: member.rebalances(),
    }),
  }
}

function parseData(envelope: Envelope): unknown {
  try {
    return JSON.parse(envelope.data) as unknown
  } catch (error) {
    throw new UndecodableEventError("the envelope's field data is not JSON", error)
  }
}

function toEvent(task: Task<Work>, envelope: Envelope, data: unknown): ReceivedEvent {
  const { record, attempts } = task.item
  return {
    eventId: envelope.event_id,
    eventType: envelope.event_type,
    userId: envelope.user_id,
    timestampMs: envelope.timestamp,
    data,
    topic: task.topic,
    partition: task.partition,
    offset: task.offset,
    key: record.key === null ? null : record.key.toString(),
    headers: new Map(record.headers.map(([name, value]) => [name, value ?? Buffer.alloc(0)])),
    attempt: attempts + 1,
  }
}
