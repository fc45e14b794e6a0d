// Where the logs of many partitions begin and end.
import { setTimeout as pause } from 'node:timers/promises'
import { listOffsets } from '@selfmonitor/protocol/api/list-offsets'
import type { Decoded } from '@selfmonitor/protocol/codec'
import { chunks, groupBy, mapConcurrently } from '../batch.ts'
import { isRetriableKafkaError } from '../errors.ts'
import { problemOf, problemOfCode } from '../problem.ts'
import { isolationLevels } from '../read-types.ts'
import type { ClusterSurvey, PartitionBounds, PlacedPartition, Problem } from '../survey-types.ts'
import { readTopics } from '../topics.ts'
import type { Deadline } from '../transport/deadline.ts'
import { protocolApi } from '../transport/protocol-api.ts'
import type { Transport } from '../transport/transport.ts'

/** An answer of a megabyte and a half: a leader of fewer partitions is asked once, as Kafka's admin client does. */
const partitionsPerRequest = 50_000
const concurrency = 4
const noReplica = -1
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

type Question = (typeof asked)[number]

/** Those that may be older than what the ends are compared with. */
const askedEarly = asked.filter(({ bound }) => bound === 'start')
const askedLate = asked.filter(({ bound }) => bound !== 'start')

/** In the project's codec: answers about 10,000 partitions are most of what a collection decodes. */
const listOffsetsVersions = [9, 8, 7].map((version) => protocolApi(listOffsets, version))

const noLeader: Problem = { code: 'LEADER_NOT_AVAILABLE', message: 'The partition has no leader.' }

type Bounds = { -readonly [K in keyof PartitionBounds]: PartitionBounds[K] } & { moved: boolean }

export const partitionBounds =
  (transport: Transport): ClusterSurvey['partitionBounds'] =>
  async (partitions, { after } = {}) => {
    const bounds = partitions.map(({ topic, partition, leader }): Bounds => {
      const problem = leader < 0 ? noLeader : null
      return { topic, partition, start: null, lastStable: null, end: null, problem, moved: false }
    })
    if (after === undefined) {
      await transport.operation('partitionBounds', () => readBounds(transport, partitions, bounds, asked))
    } else {
      // Operations of their own: what is waited for in between takes none of their time.
      const early = transport.operation('partitionBounds', () => readBounds(transport, partitions, bounds, askedEarly))
      await Promise.all([
        early,
        after.then(() =>
          transport.operation('partitionBounds', () => readBounds(transport, partitions, bounds, askedLate)),
        ),
      ])
    }
    const moved = partitions.flatMap(({ topic, partition }, i) => (bounds[i]!.moved ? [{ topic, partition, i }] : []))
    if (moved.length > 0) {
      await transport.operation('partitionBounds', async (deadline) => {
        await pause(moveMs)
        const again = await placed(transport, deadline, moved)
        const own = moved.map(({ i }) => bounds[i]!)
        again.forEach(({ leader }, i) => {
          // A partition without a leader is not asked about again, and keeps its problem.
          if (leader >= 0) own[i]!.problem = null
        })
        await readBounds(transport, again, own, asked)
      })
    }
    return bounds.map(({ topic, partition, start, lastStable, end, problem }) => {
      return { topic, partition, start, lastStable, end, problem }
    })
  }

/** Fills in what the leaders say. @param bounds of the same partitions, in the same order */
async function readBounds(
  transport: Transport,
  partitions: readonly PlacedPartition[],
  bounds: readonly Bounds[],
  questions: readonly Question[],
): Promise<void> {
  const rows = partitions.flatMap(({ leader }, i) => (leader < 0 ? [] : [{ leader, of: bounds[i]! }]))
  const requests = [...groupBy(rows, ({ leader }) => leader)].flatMap(([leader, own]) =>
    chunks(own, partitionsPerRequest).map((part) => ({ leader, part: part.map(({ of }) => of) })),
  )
  await mapConcurrently(requests, concurrency, async ({ leader, part }) => {
    const topics = [...groupBy(part, ({ topic }) => topic)].map(([name, own]) => ({ name, own }))
    try {
      await Promise.all(
        questions.map(async ({ bound, timestamp, isolation }) => {
          const request = {
            replicaId: noReplica,
            isolationLevel: isolation,
            topics: topics.map(({ name, own }) => ({
              name,
              partitions: own.map(({ partition: partitionIndex }) => ({ partitionIndex, timestamp })),
            })),
          }
          note(await transport.send(leader, listOffsetsVersions, request), topics, bound)
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

type Bound = Question['bound']
type Answer = Decoded<typeof listOffsets.response>

interface AskedTopic {
  readonly name: string
  readonly own: readonly Bounds[]
}

function note(answer: Answer, topics: readonly AskedTopic[], bound: Bound): void {
  const byName = new Map(topics.map(({ name, own }) => [name, own]))
  for (const { name, partitions } of answer.topics) {
    const own = byName.get(name) ?? []
    partitions.forEach(({ partitionIndex, errorCode, offset }, i) => {
      // Brokers mostly answer in the order of the question.
      const of = own[i]?.partition === partitionIndex ? own[i] : own.find((one) => one.partition === partitionIndex)
      if (of === undefined) return
      of.problem ??= problemOfCode(errorCode)
      of.moved ||= isRetriableKafkaError(errorCode)
      of[bound] = errorCode === 0 && offset >= 0n ? offset : null
    })
  }
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
