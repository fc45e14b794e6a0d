// The newest records of the trail in its partition, found by their header.
import type { Cluster } from '@selfmonitor/cluster'
import { seenAtMost } from '../record/chain.ts'
import { type AuditLink, hashHeader } from '../record/types.ts'

/** Services write to the topic, too: so many of its newest records are searched, in steps that grow. */
const searchedOffsets = [500, 5_000, 20_000] as const

export interface Tail {
  /** In the order of the log. */
  readonly seen: readonly AuditLink[]
  /** Nothing older is there, back to the beginning of the log. */
  readonly isAll: boolean
}

/** @throws ClusterError also when the account may not read the topic */
export async function readTail(cluster: Cluster, topic: string, partition: number): Promise<Tail> {
  const of = [{ topic, partition }]
  const [[first], [last]] = await Promise.all([cluster.listOffsets(of, 'earliest'), cluster.listOffsets(of, 'latest')])
  const start = first?.offset ?? 0n
  const end = last?.offset ?? start
  let seen: AuditLink[] = []
  let from = end
  for (const offsets of searchedOffsets) {
    const next = end - BigInt(offsets) > start ? end - BigInt(offsets) : start
    seen = [...(await linksIn(cluster, topic, partition, next, from)), ...seen]
    from = next
    if (seen.length >= seenAtMost || from === start) break
  }
  return { seen: seen.slice(-seenAtMost), isAll: from === start && seen.length <= seenAtMost }
}

async function linksIn(
  cluster: Cluster,
  topic: string,
  partition: number,
  next: bigint,
  end: bigint,
): Promise<AuditLink[]> {
  if (next >= end) return []
  const links: AuditLink[] = []
  for await (const event of cluster.read([{ topic, partition, next, end }])) {
    if (event.kind !== 'records') continue
    for (const { headers, offset, timestampMs } of event.records) {
      const hash = headers.find(({ key }) => key === hashHeader)?.value?.toString('utf8')
      // An account that may write to the topic may write anything as a header.
      if (hash !== undefined && /^[0-9a-f]{64}$/.test(hash))
        links.push({ hash, offset: Number(offset), at: timestampMs })
    }
  }
  return links
}
