// Reads the records of the trail, and counts what else is in its topic.
import { type Cluster, type ReadRecord, readRanges } from '@selfmonitor/cluster'
import type { PlacedRecord } from '../record/chain.ts'
import { fromEnvelope } from '../record/seal.ts'
import { type AuditEnvelope, type AuditRecord, hashHeader } from '../record/types.ts'

export interface ReadTrailOptions {
  /** @returns undefined for a value that is not an event, or what keeps it from being read */
  decode(value: Buffer | null): Promise<AuditEnvelope | { readonly problem: string } | undefined>
  /** Milliseconds since the epoch; undefined: from the beginning of the log. */
  readonly fromMs?: number
  readonly signal?: AbortSignal
}

export interface ReadTrail {
  /** In the order of partition and offset. */
  readonly records: readonly PlacedRecord[]
  /** Events of services, and whatever else others wrote to the topic. */
  readonly others: number
  /** The first offset that was read of each partition. */
  readonly start: ReadonlyMap<number, bigint>
}

/** @throws ClusterError, and what `decode` throws when the registry does not answer */
export async function readTrail(cluster: Cluster, topic: string, options: ReadTrailOptions): Promise<ReadTrail> {
  const described = await cluster.describeTopics([topic])
  const from =
    options.fromMs === undefined
      ? ({ kind: 'earliest' } as const)
      : { kind: 'time' as const, timestampMs: options.fromMs }
  const ranges = await readRanges(cluster, described, { from, until: { kind: 'latest' } })
  const records: PlacedRecord[] = []
  let others = 0
  for await (const event of cluster.read(ranges, { signal: options.signal })) {
    if (event.kind !== 'records') continue
    for (const record of event.records) {
      const placed = await placedRecord(record, options.decode)
      if (placed === undefined) others += 1
      else records.push(placed)
    }
  }
  records.sort((a, b) => a.partition - b.partition || (a.offset < b.offset ? -1 : 1))
  return { records, others, start: new Map(ranges.map(({ partition, next }) => [partition, next])) }
}

/** @returns undefined for a record of somebody else */
async function placedRecord(
  { partition, offset, value, headers }: ReadRecord,
  decode: ReadTrailOptions['decode'],
): Promise<PlacedRecord | undefined> {
  const marked = headers.find(({ key }) => key === hashHeader)?.value?.toString('utf8')
  const envelope = await decode(value)
  const unreadable = envelope !== undefined && 'problem' in envelope ? envelope.problem : undefined
  const record = envelope === undefined || 'problem' in envelope ? undefined : fromEnvelope(envelope)
  const place = { partition, offset }
  if (record === undefined) {
    if (marked === undefined) return undefined
    return { ...place, problem: unreadable ?? 'it is marked as a record of the trail and is not one' }
  }
  if ('problem' in record) return { ...place, problem: record.problem }
  if (marked !== record.data.hash) return { ...place, problem: `its header ${hashHeader} is not its hash` }
  return { ...place, record: record satisfies AuditRecord }
}
