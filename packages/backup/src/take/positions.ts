// Where the backup of each partition begins and ends.
import type { Cluster, PartitionBounds, TopicInfo } from '@selfmonitor/cluster'
import { backoffMs, pause } from '@selfmonitor/cluster/backoff'
import { partitionErrorKind } from '@selfmonitor/cluster/partition-errors'
import type { BackedUpPartition, Manifest } from '../format/types.ts'
import { type KeptPartition, knownOf, logCut, type Place, problemOf, type Reading, startReading } from './reading.ts'

export interface Positions {
  readonly readings: readonly Reading[]
  /** Partitions that cannot be read now. */
  readonly kept: readonly KeptPartition[]
}

interface Placed extends Place {
  readonly leader: number
}

/**
 * Partitions of topics that are deleted meanwhile, or created again, are in neither list.
 * @param unavailableMs how long to wait for partitions without a leader, all together
 * @throws ClusterError when no broker answers
 */
export async function positions(
  cluster: Cluster,
  topics: readonly TopicInfo[],
  previous: Manifest | null,
  unavailableMs: number,
  signal: AbortSignal | undefined,
): Promise<Positions> {
  const places = topics.flatMap(({ name, id, partitions }) =>
    partitions.map(({ partition, leader }): Placed => ({ topic: name, topicId: id, partition, leader })),
  )
  const ends = await boundsOf(cluster, places, unavailableMs, signal)
  // All high watermarks after all ends: what a transaction wrote that is visible before one end lies below every high watermark.
  const highs = await boundsOf(cluster, places, unavailableMs, signal)
  const there = new Set((await cluster.listTopics({ internal: true })).map(({ id }) => id))
  const before = new Map<string, BackedUpPartition>()
  for (const { id, partitions } of previous?.topics ?? []) {
    for (const one of partitions) before.set(`${one.partition}:${id}`, one)
  }
  const [readings, kept]: [Reading[], KeptPartition[]] = [[], []]
  for (const [at, place] of places.entries()) {
    if (!there.has(place.topicId)) continue
    const known = knownOf(before.get(`${place.partition}:${place.topicId}`))
    const problem = ends[at]!.problem ?? highs[at]!.problem
    const [first, end, high] = [ends[at]!.start ?? 0n, ends[at]!.lastStable ?? 0n, highs[at]!.end ?? 0n]
    if (problem !== null) {
      kept.push({ ...place, known, problem: problemOf(place, problem.code, problem.message), cutAt: null })
    } else if (known !== null && known.end > end) {
      kept.push({ ...place, known, problem: logCut(place, known.end, end), cutAt: end })
    } else {
      readings.push(startReading(place, known, { first, end, high: high > end ? high : end }))
    }
  }
  return { readings, kept }
}

/** Asks again for those that may come back, until there is none or the time is over. */
async function boundsOf(
  cluster: Cluster,
  places: readonly Placed[],
  unavailableMs: number,
  signal: AbortSignal | undefined,
): Promise<PartitionBounds[]> {
  const found = await cluster.partitionBounds(places)
  const giveUpAtMs = performance.now() + unavailableMs
  for (let failures = 1; ; failures++) {
    const waits = found.flatMap(({ problem }, at) => (problem !== null && isPassing(problem.code) ? [at] : []))
    if (waits.length === 0 || performance.now() >= giveUpAtMs || signal?.aborted) return found
    await pause(backoffMs(failures), signal)
    const topics = new Map((await cluster.listTopics({ internal: true })).map((topic) => [topic.id, topic]))
    const again = waits.filter((at) => topics.has(places[at]!.topicId))
    if (again.length === 0) return found
    const placed = again.map((at) => {
      const { topicId, partition } = places[at]!
      const now = topics.get(topicId)!.partitions.find((one) => one.partition === partition)
      return { ...places[at]!, leader: now?.leader ?? -1 }
    })
    for (const [index, bounds] of (await cluster.partitionBounds(placed)).entries()) found[again[index]!] = bounds
  }
}

function isPassing(code: string): boolean {
  return ['stale metadata', 'passing'].includes(partitionErrorKind(code))
}
