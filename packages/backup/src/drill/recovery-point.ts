// How much would be lost if the source were gone now: the newest record of the source against the cut of the backup.
import type { Cluster } from '@selfmonitor/cluster'
import type { Manifest } from '../format/types.ts'

export interface RecoveryPoint {
  readonly lossMs: number
  /** Offsets behind the cut, markers of transactions included; null: the source was not read. */
  readonly offsets: bigint | null
  readonly how: string
}

/** Of a partition so many of its last offsets are read, to find its newest record behind compaction and markers. */
const lastOffsets = 100n

/** Without the source: everything since the cut may be lost. Pure. */
export function ageOfCut(manifest: Manifest, nowMs: number): RecoveryPoint {
  const how =
    'The age of the cut when the drill began. The source was not read, so all that it wrote since counts as lost.'
  return { lossMs: Math.max(0, nowMs - manifest.cutAtMs), offsets: null, how }
}

/**
 * Against the source itself. Times are the records' own, no later than now.
 * @throws ClusterError when the source cannot be read
 */
export async function againstSource(cluster: Cluster, manifest: Manifest, nowMs: number): Promise<RecoveryPoint> {
  const known = new Map((await cluster.listTopics({ internal: true })).map((topic) => [topic.id, topic]))
  const backedUp = manifest.topics.flatMap(({ id, name, partitions }) =>
    known.has(id) ? partitions.map(({ partition, end }) => ({ topic: name, partition, end })) : [],
  )
  const ends = await cluster.listOffsets(backedUp, 'latest', { isolation: 'read_committed' })
  const behind = backedUp.flatMap(({ topic, partition, end }, at) => {
    const stable = ends[at]!.offset ?? end
    return stable > end ? [{ topic, partition, from: end, end: stable }] : []
  })
  const offsets = behind.reduce((sum, { from, end }) => sum + end - from, 0n)
  const ranges = behind.map(({ topic, partition, from, end }) => ({
    topic,
    partition,
    next: end - from > lastOffsets ? end - lastOffsets : from,
    end,
  }))
  let newestMs = manifest.cutAtMs
  if (ranges.length > 0) {
    for await (const event of cluster.read(ranges, { isolation: 'read_committed' })) {
      if (event.kind !== 'records') continue
      for (const { timestampMs } of event.records) newestMs = Math.max(newestMs, Math.min(timestampMs, nowMs))
    }
  }
  const how =
    offsets === 0n
      ? 'The source has no record behind the cut.'
      : `From the cut to the newest record of the source, which has ${offsets} offsets behind it.`
  return { lossMs: newestMs - manifest.cutAtMs, offsets, how }
}
