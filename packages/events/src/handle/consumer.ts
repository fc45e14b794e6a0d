// From records to handlers and back to committed offsets: ties the group member, the fetcher and the scheduler together.

import { TopicDeniedError } from '../errors.ts'
import {
  backoffMs,
  createFetcher,
  createGroupMember,
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
import type { EventObserver, Logger } from '../types.ts'
import type { Codec } from '../wire/index.ts'
import type { DeadLetterWriter } from './dead-letter.ts'
import { whereToReadOn } from './positions.ts'
import { createProcessor, newWork, type Outcome, type Work } from './processor.ts'
import type { HandlerTable } from './received.ts'
import { createScheduler, type Task } from './scheduler.ts'

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

/** Node's timers take no longer time, and fire at once instead. */
const maxTimerMs = 2 ** 31 - 1

export function createConsumer(options: ConsumerOptions): Consumer {
  const { settings, handlers, clients, logger, problems } = options
  const scheduler = createScheduler<Work>(settings.concurrency)
  /** The signal of each partition's handlers; which one it is tells an assignment from the next of the same partition. */
  const signals = new Map<string, AbortController>()
  const stopping = new AbortController()
  const topics = [...handlers.keys()]
  const commitsResource = `commits of group ${settings.group}`
  let perPartitionRoom = settings.maxQueued
  let wakeTimer: NodeJS.Timeout | null = null
  let idleWaiters: (() => void)[] = []
  let commitTimer: NodeJS.Timeout | null = null
  let committing: Promise<void> | null = null

  const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}/${partition}`

  const processor = createProcessor({
    ...options,
    signalOf: (task) => signals.get(nameOf(task))?.signal ?? AbortSignal.abort(),
  })

  const fetcher: Fetcher = createFetcher({
    client: clients.fetch,
    logger,
    problems,
    position: ({ topic, partition }) =>
      scheduler.outstanding(topic, partition) < perPartitionRoom ? scheduler.position(topic, partition) : null,
    misplaced: (partition, topicId) => void relocate(partition, topicId),
    deliver({ topic, partition }, records, next) {
      for (const record of records) {
        // latin1 keeps every byte apart.
        scheduler.add(
          topic,
          partition,
          record.offset,
          record.key === null ? null : record.key.toString('latin1'),
          newWork(record),
        )
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
    problems,
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
      outcome = await processor.attempt(task)
    } catch (error) {
      // Not reached by what handlers throw; the partition stands still rather than losing an event.
      logger.error(
        { topic: task.topic, partition: task.partition, offset: String(task.offset), reason: reasonOf(error) },
        'an event could not be dealt with and will be tried again',
      )
      outcome = processor.hindered(task.item)
    }
    if (outcome.kind === 'done') scheduler.done(task)
    else scheduler.retry(task, Date.now() + outcome.delayMs)
    const waiters = idleWaiters
    idleWaiters = []
    for (const waiter of waiters) waiter()
    fetcher.wake()
    pump()
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
        problems.solved(commitsResource)
      })
      .catch((error: unknown) => {
        const code = kafkaErrorName(error) ?? 'UNREACHABLE'
        const fatal = partitionErrorKind(code) === 'fatal'
        const message = `offsets of the group ${settings.group} cannot be committed: ${reasonOf(error)}`
        problems.report(commitsResource, { code, message, fatal, routine: !fatal })
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
      ...processor.counters,
      running: scheduler.counts.running,
      queued: scheduler.counts.queued,
      assignedPartitions: signals.size,
      rebalances: member.rebalances(),
    }),
  }
}
