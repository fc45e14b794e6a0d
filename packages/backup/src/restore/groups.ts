// Gives groups their places in restored topics. What a group had there before is kept before anything is overwritten.
import type { Cluster } from '@selfmonitor/cluster'
import { ClusterError } from '@selfmonitor/cluster/errors'
import type { PlannedPosition } from './plan.ts'

export interface RestoredPosition extends PlannedPosition {
  /** What the group had in the target before; null for nothing. */
  readonly before: bigint | null
  readonly problem: { readonly code: string; readonly message: string } | null
}

/** A place that a group has in the target and that a restore overwrites. */
export interface OverwrittenPosition {
  readonly groupId: string
  readonly type?: 'share' | undefined
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
}

type Problem = NonNullable<RestoredPosition['problem']>

const placeOf = ({ topic, partition }: { readonly topic: string; readonly partition: number }): string =>
  `${partition}:${topic}`

/**
 * A group with members keeps its places, which is a problem of its positions.
 * @param keep gets what is overwritten, before it is; its error ends the restore with nothing overwritten
 * @throws ClusterError when the groups cannot be read
 */
export async function placeGroups(
  cluster: Cluster,
  positions: readonly PlannedPosition[],
  keep: (overwritten: readonly OverwrittenPosition[]) => Promise<void>,
): Promise<RestoredPosition[]> {
  if (positions.length === 0) return []
  const groups = [...Map.groupBy(positions, ({ groupId }) => groupId)]
  const ids = new Set(groups.map(([groupId]) => groupId))
  const before = await placesNow(cluster, ids)
  const overwritten = positions.flatMap(({ groupId, type, topic, partition }) => {
    const offset = before.places.get(groupId)?.get(placeOf({ topic, partition }))
    return offset === undefined ? [] : [{ groupId, type, topic, partition, offset }]
  })
  if (overwritten.length > 0) await keep(overwritten)
  const problems = new Map<string, Problem>()
  const wanted = new Map<
    string,
    readonly { readonly topic: string; readonly partition: number; readonly to: bigint }[]
  >()
  for (const [groupId, own] of groups) {
    const unread = before.problems.get(groupId)
    try {
      if (unread !== undefined) throw new ClusterError(unread.code, unread.message)
      const firsts = await cluster.listOffsets(own, 'earliest')
      const offsets = own.map(({ topic, partition, position, metadata }, at) => {
        return { topic, partition, to: (firsts[at]!.offset ?? 0n) + position, metadata }
      })
      await (own[0]!.type === 'share'
        ? cluster.setShareGroupStarts(groupId, offsets)
        : cluster.commitOffsets(groupId, offsets))
      wanted.set(groupId, offsets)
    } catch (error) {
      if (!(error instanceof ClusterError)) throw error
      problems.set(groupId, { code: error.code, message: error.message })
    }
  }
  // Read back: a rival reported success and had committed nothing.
  const now = await placesNow(cluster, ids)
  for (const [groupId, offsets] of wanted) {
    const wrong = offsets.find((one) => now.places.get(groupId)?.get(placeOf(one)) !== one.to)
    if (wrong === undefined) continue
    const { topic, partition, to } = wrong
    const found = now.places.get(groupId)?.get(placeOf(wrong)) ?? 'nothing'
    const message = `${topic} partition ${partition} has ${found} committed instead of ${to}`
    problems.set(groupId, { code: 'NOT_EQUAL', message })
  }
  return positions.map((position) => ({
    ...position,
    before: before.places.get(position.groupId)?.get(placeOf(position)) ?? null,
    problem: problems.get(position.groupId) ?? null,
  }))
}

interface Places {
  /** By group, then by partition and topic: its committed offset, or where a share group begins. */
  readonly places: ReadonlyMap<string, ReadonlyMap<string, bigint>>
  readonly problems: ReadonlyMap<string, Problem>
}

async function placesNow(cluster: Cluster, ids: ReadonlySet<string>): Promise<Places> {
  const { groups } = await cluster.surveyGroups({ include: (groupId) => ids.has(groupId) })
  const read = await cluster.groupOffsets(groups)
  return {
    places: new Map(
      read.map(({ groupId, offsets }) => [groupId, new Map(offsets.map((one) => [placeOf(one), one.offset]))]),
    ),
    problems: new Map(read.flatMap(({ groupId, problem }) => (problem === null ? [] : [[groupId, problem] as const]))),
  }
}
