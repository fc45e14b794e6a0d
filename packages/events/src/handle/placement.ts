// Where each partition is read from: at its committed offset, where `from` says, or, when its log does not hold the position,
// where positions.ts says.
import { TopicDeniedError } from '../errors.ts'
import {
  backoffMs,
  endOfEpoch,
  type Fetcher,
  type GroupMember,
  type KafkaClient,
  kafkaErrorName,
  listOffset,
  nameOf,
  type Position,
  partitionErrorKind,
  pause,
  reasonOf,
  requireTopic,
  type TopicMetadata,
  type TopicPartition,
} from '../kafka/index.ts'
import type { ResolvedOptions } from '../options.ts'
import type { Problems } from '../problems.ts'
import type { Logger } from '../types.ts'
import { type Assignments, ownership } from './assignments.ts'
import { whereToReadOn } from './positions.ts'
import type { Work } from './processor.ts'
import type { Scheduler } from './scheduler.ts'

/** The parts of the consumer that placing needs. */
export interface Placement {
  readonly settings: ResolvedOptions
  readonly client: KafkaClient
  readonly member: Pick<GroupMember, 'committedOffsets'>
  readonly scheduler: Scheduler<Work>
  readonly fetcher: Fetcher
  readonly assignments: Assignments
  readonly logger: Logger
  readonly problems: Problems
  readonly stopping: AbortSignal
}

/** Begins to read partitions that were assigned. Resolves when all of them have their positions, or are no longer assigned. */
export async function placeAll(placement: Placement, partitions: readonly TopicPartition[]): Promise<void> {
  const { client, member, settings } = placement
  const candidates = partitions.map((partition) => ({ partition, ours: oursNow(placement, partition) }))
  const left = () => candidates.filter(({ ours }) => ours())
  const wanted = (): boolean => left().length > 0
  await untilItWorks(placement, `group ${settings.group}`, 'its committed offsets cannot be read', wanted, async () => {
    const wantedNow = left().map(({ partition }) => partition)
    const committed = await member.committedOffsets(wantedNow)
    const described = await client.metadata([...new Set(wantedNow.map(({ topic }) => topic))])
    await Promise.all(wantedNow.map((partition, i) => place(placement, partition, committed[i] ?? null, described)))
  })
}

/** Begins to read a partition at its committed offset, or where `from` says. */
async function place(
  placement: Placement,
  partition: TopicPartition,
  committed: Position | null,
  known: ReadonlyMap<string, TopicMetadata>,
): Promise<void> {
  const { client, scheduler, fetcher, settings } = placement
  const { topic, partition: index } = partition
  const ours = oursNow(placement, partition)
  let described = known
  await untilItWorks(
    placement,
    nameOf(partition),
    `the start offset of ${topic} cannot be determined`,
    ours,
    async () => {
      if (described.get(topic) === undefined) described = await client.metadata([topic])
      const { id, partitions } = requireTopic(described, topic, 'read')
      const leader = partitions[index]?.leader ?? -1
      described = new Map()
      const offset = committed?.offset ?? (await listOffset(client, partition, leader, settings.from))
      if (!ours()) return
      scheduler.assign(topic, index, offset, { leaderEpoch: committed?.leaderEpoch ?? -1, topicId: id })
      fetcher.add(partition, id)
    },
  )
}

/**
 * Assigns a partition again whose position is not in its log: see `positions.ts` for where to.
 * @param topicId the topic that the position belongs to: one that is deleted and created again has another id (KIP-516)
 * @param diverging where the log diverges from what was read, when a broker has said so
 */
export async function relocate(
  placement: Placement,
  partition: TopicPartition,
  topicId: string,
  diverging: Position | null,
): Promise<void> {
  const { client, scheduler, fetcher, settings, logger } = placement
  const { topic, partition: index } = partition
  const ours = oursNow(placement, partition)
  await untilItWorks(
    placement,
    nameOf(partition),
    `the offset to continue ${topic} from cannot be determined`,
    ours,
    async () => {
      const { id, partitions } = requireTopic(await client.metadata([topic]), topic, 'read')
      const leader = partitions[index]?.leader ?? -1
      const [earliest, latest] = await Promise.all([
        listOffset(client, partition, leader, 'earliest'),
        listOffset(client, partition, leader, 'latest'),
      ])
      const epoch = scheduler.leaderEpoch(topic, index)
      const epochEnd =
        diverging ?? (epoch < 0 ? undefined : ((await endOfEpoch(client, partition, leader, epoch)) ?? 'never'))
      const position = scheduler.position(topic, index)
      if (!ours() || position === null) return
      const sameTopic = id === topicId
      const move = whereToReadOn({ position, sameTopic, epochEnd, earliest, latest, from: settings.from })
      if (move !== null) {
        logger.warn({ topic, partition: index, from: String(position), to: String(move.to) }, move.reason)
        // Forward, what is still being handled counts for the commit as before.
        if (move.forward) {
          scheduler.beginEpoch(topic, index, move.leaderEpoch)
          scheduler.advance(topic, index, move.to)
        } else {
          scheduler.assign(topic, index, move.to, { leaderEpoch: move.leaderEpoch, topicId: id })
        }
      }
      fetcher.add(partition, id)
    },
  )
}

const oursNow = ({ assignments, stopping }: Placement, partition: TopicPartition): (() => boolean) =>
  ownership(assignments, partition, stopping)

/** Repeats an operation that fails while a broker is down or a permission is missing. */
async function untilItWorks(
  { problems, stopping }: Placement,
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
      await pause(backoffMs(failures), stopping)
    }
  }
  problems.solved(resource)
}
