// How much would be lost if the source were gone now: the newest record of the source against the cut of the backup.
import type { Cluster } from '@selfmonitor/cluster'
import type { BackedUpPartition, Manifest } from '../format/types.ts'

export interface RecoveryPoint {
  readonly lossMs: number
  /** Offsets behind the cut, markers of transactions included; null: the source was not read. */
  readonly offsets: bigint | null
  readonly how: string
}

/** Of a partition so many of its last offsets are read, to find its newest record behind compaction and markers. */
const lastOffsets = 100n

/**
 * A run for other topics, or one that could not read the partition, leaves it as an earlier backup has it. Of one that no run has read to
 * its end everything may be lost.
 */
const cutOf = ({ cutAtMs }: Manifest, { asOfMs = cutAtMs }: Pick<BackedUpPartition, 'asOfMs'>): number => asOfMs ?? 0

/** Without the source: everything since the cut may be lost, of the partition whose cut is the oldest. Pure. */
export function ageOfCut(manifest: Manifest, nowMs: number): RecoveryPoint {
  const how =
    'The age of the oldest cut when the drill began. The source was not read, so all that it wrote since counts as lost.'
  const cuts = manifest.topics.flatMap(({ partitions }) => partitions.map((one) => cutOf(manifest, one)))
  const oldest = cuts.reduce((a, b) => Math.min(a, b), manifest.cutAtMs)
  return { lossMs: Math.max(0, nowMs - oldest), offsets: null, how }
}

/**
 * Against the source itself. Times are the records' own, no later than now. A topic that has to be in the backup and is not, or that was
 * created again since, is lost with all of its records.
 * @param isRequired whether a topic that the backup does not have should be in it
 * @throws ClusterError when the source cannot be read
 */
export async function againstSource(
  cluster: Cluster,
  manifest: Manifest,
  nowMs: number,
  isRequired: (topic: string) => boolean,
): Promise<RecoveryPoint> {
  const topics = await cluster.listTopics({ internal: true })
  const known = new Map(topics.map((topic) => [topic.id, topic]))
  const [ids, names] = [new Set(manifest.topics.map(({ id }) => id)), new Set(manifest.topics.map(({ name }) => name))]
  const absent = topics.filter(({ id, name }) => !ids.has(id) && (names.has(name) || isRequired(name)))
  const backedUp = manifest.topics.flatMap(({ id, name, partitions }) =>
    known.has(id)
      ? partitions.map((one) => ({ topic: name, partition: one.partition, end: one.end, cutMs: cutOf(manifest, one) }))
      : [],
  )
  const unsaved = absent.flatMap(({ name, partitions }) =>
    partitions.map(({ partition }) => ({ topic: name, partition, cutMs: 0 })),
  )
  const firsts = await cluster.listOffsets(unsaved, 'earliest')
  const places = [...backedUp, ...unsaved.map((one, at) => ({ ...one, end: firsts[at]!.offset ?? 0n }))]
  const ends = await cluster.listOffsets(places, 'latest', { isolation: 'read_committed' })
  const behind = places.flatMap(({ end, ...one }, at) => {
    const stable = ends[at]!.offset ?? end
    return stable > end ? [{ ...one, from: end, end: stable }] : []
  })
  const offsets = behind.reduce((sum, { from, end }) => sum + end - from, 0n)
  const ranges = behind.map(({ topic, partition, from, end }) => ({
    topic,
    partition,
    next: end - from > lastOffsets ? end - lastOffsets : from,
    end,
  }))
  const cuts = new Map(behind.map(({ topic, partition, cutMs }) => [`${partition}:${topic}`, cutMs]))
  let lossMs = 0
  if (ranges.length > 0) {
    for await (const event of cluster.read(ranges, { isolation: 'read_committed' })) {
      if (event.kind !== 'records') continue
      for (const { topic, partition, timestampMs } of event.records) {
        lossMs = Math.max(lossMs, Math.min(timestampMs, nowMs) - cuts.get(`${partition}:${topic}`)!)
      }
    }
  }
  const lost = absent.length === 0 ? '' : ` The backup does not have ${absent.map(({ name }) => name).join(', ')}.`
  const how =
    offsets === 0n
      ? 'The source has no record behind the cut.'
      : `From the cut to the newest record of the source, which has ${offsets} offsets behind it.${lost}`
  return { lossMs, offsets, how }
}
