// Whether the segments of a backup are what its manifest says: each offset once, and as many records.
import type { BackedUpTopic, Segment } from './types.ts'

export interface Finding {
  /** The object, or the partition, that is not as it should be. */
  readonly subject: string
  readonly message: string
}

/** Segments of a partition follow each other from its start to its end, but for the gaps that the manifest has. Pure. */
export function coverageFindings(topics: readonly BackedUpTopic[], segments: readonly Segment[]): Finding[] {
  const findings: Finding[] = []
  const byPartition = Map.groupBy(segments, ({ topicId, partition }) => `${partition}:${topicId}`)
  for (const { name, id, partitions } of topics) {
    for (const { partition, start, end, records, gaps } of partitions) {
      const own = (byPartition.get(`${partition}:${id}`) ?? []).filter(({ from }) => from < end)
      const subject = `topic ${name} partition ${partition}`
      let at = start
      const pieces = [...own, ...gaps.map(({ from, to }) => ({ from, next: to }))].sort((a, b) =>
        a.from < b.from ? -1 : 1,
      )
      for (const { from, next } of pieces) {
        if (from > at) findings.push({ subject, message: `no segment has the offsets from ${at} up to ${from}` })
        if (from < at) findings.push({ subject, message: `two segments have the offsets from ${from} up to ${at}` })
        at = next > at ? next : at
      }
      if (at < end) findings.push({ subject, message: `no segment has the offsets from ${at} up to its end, ${end}` })
      const found = own.reduce((sum, segment) => sum + BigInt(segment.records), 0n)
      if (found !== records) {
        findings.push({ subject, message: `its segments have ${found} records, the manifest says ${records}` })
      }
    }
  }
  return findings
}
