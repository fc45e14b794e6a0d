// Where the logs of many partitions begin and end.
import { setTimeout as pause } from 'node:timers/promises'
import { apis } from '../apis.ts'
import { chunks, groupBy, mapConcurrently } from '../batch.ts'
import { isRetriableKafkaError } from '../errors.ts'
import { problemOf, problemOfCode } from '../problem.ts'
import { isolationLevels } from '../read-types.ts'
import type { ClusterSurvey, PartitionBounds, PlacedPartition, Problem } from '../survey-types.ts'
import { readTopics } from '../topics.ts'
import type { Deadline } from '../transport/deadline.ts'
import type { Transport } from '../transport/transport.ts'

/** An answer of a megabyte and a half: a leader of fewer partitions is asked once, as Kafka's admin client does. */
const partitionsPerRequest = 50_000
const concurrency = 4
const noReplica = -1
const noEpoch = -1
/** A leader moves within this time, most often. */
const moveMs = 200

/**
 * In this order: the high watermark comes last, so that what is read before is never above it. They are sent together, because a broker
 * answers the requests of a connection one after the other, in their order.
 */
const asked = [
  { bound: 'start', timestamp: -2n, isolation: isolationLevels.read_uncommitted },
  { bound: 'lastStable', timestamp: -1n, isolation: isolationLevels.read_committed },
  { bound: 'end', timestamp: -1n, isolation: isolationLevels.read_uncommitted },
] as const

const noLeader: Problem = { code: 'LEADER_NOT_AVAILABLE', message: 'The partition has no leader.' }

type Bounds = { -readonly [K in keyof PartitionBounds]: PartitionBounds[K] } & { moved: boolean }

export const partitionBounds =
  (transport: Transport): ClusterSurvey['partitionBounds'] =>
  (partitions) =>
    transport.operation('partitionBounds', async (deadline) => {
      const bounds = partitions.map(({ topic, partition, leader }): Bounds => {
        const problem = leader < 0 ? noLeader : null
        return { topic, partition, start: null, lastStable: null, end: null, problem, moved: false }
      })
      await readBounds(transport, partitions, bounds)
      const moved = partitions.flatMap(({ topic, partition }, i) => (bounds[i]!.moved ? [{ topic, partition, i }] : []))
      if (moved.length > 0) {
        await pause(moveMs)
        const again = await placed(transport, deadline, moved)
        await readBounds(
          transport,
          again,
          moved.map(({ i }) => bounds[i]!),
        )
      }
      return bounds.map(({ moved: _, ...bound }) => bound)
    })

/** Fills in what the leaders say. @param bounds of the same partitions, in the same order */
async function readBounds(
  transport: Transport,
  partitions: readonly PlacedPartition[],
  bounds: readonly Bounds[],
): Promise<void> {
  const rows = partitions.flatMap(({ leader }, i) => (leader < 0 ? [] : [{ leader, of: bounds[i]! }]))
  const requests = [...groupBy(rows, ({ leader }) => leader)].flatMap(([leader, own]) =>
    chunks(own, partitionsPerRequest).map((part) => ({ leader, part: part.map(({ of }) => of) })),
  )
  await mapConcurrently(requests, concurrency, async ({ leader, part }) => {
    for (const of of part) {
      of.problem = null
      of.moved = false
    }
    const rows = new Map(
      [...groupBy(part, ({ topic }) => topic)].map(([topic, own]) => [
        topic,
        new Map(own.map((of) => [of.partition, of])),
      ]),
    )
    try {
      await Promise.all(
        asked.map(async ({ bound, timestamp, isolation }) => {
          const wanted = [...rows].map(([name, own]) => ({
            name,
            partitions: [...own.keys()].map((partitionIndex) => ({
              partitionIndex,
              currentLeaderEpoch: noEpoch,
              timestamp,
            })),
          }))
          const { topics } = await transport.send(leader, apis.listOffsets, noReplica, isolation, wanted)
          for (const { name, partitions: results } of topics) {
            const own = rows.get(name)
            for (const { partitionIndex, errorCode, offset } of results) {
              const of = own?.get(partitionIndex)
              if (of === undefined) continue
              of.problem ??= problemOfCode(errorCode)
              of.moved ||= isRetriableKafkaError(errorCode)
              of[bound] = errorCode === 0 && offset >= 0n ? offset : null
            }
          }
        }),
      )
    } catch (error) {
      const problem = problemOf(error)
      for (const of of part) {
        of.problem = problem
        of.moved = true
      }
    }
  })
}

/** The partitions with the leaders that they have now; unchanged where that cannot be told. */
async function placed(
  transport: Transport,
  deadline: Deadline,
  partitions: readonly { readonly topic: string; readonly partition: number }[],
): Promise<PlacedPartition[]> {
  const leaders = new Map<string, number>()
  try {
    await transport.refresh()
    for (const { name, partitions: all } of await readTopics(transport, deadline, [
      ...new Set(partitions.map(({ topic }) => topic)),
    ])) {
      for (const { partition, leader } of all) leaders.set(`${partition}:${name}`, leader)
    }
  } catch (error) {
    problemOf(error)
  }
  return partitions.map(({ topic, partition }) => {
    return { topic, partition, leader: leaders.get(`${partition}:${topic}`) ?? -1 }
  })
}
