// From the batches of a Fetch answer to the records that a consumer of committed data sees. Pure.
// https://kafka.apache.org/documentation/#recordbatch, KIP-98 for transactions.

export interface FetchedRecord {
  readonly offset: bigint
  readonly timestampMs: number
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** In their order; a name may occur twice. */
  readonly headers: readonly (readonly [string, Buffer | null])[]
}

/** A record batch as the Kafka client decodes it. */
export interface RecordBatch {
  readonly firstOffset: bigint
  /** Of the leader that wrote it. */
  readonly partitionLeaderEpoch: number
  readonly lastOffsetDelta: number
  readonly firstTimestamp: bigint
  readonly maxTimestamp: bigint
  readonly attributes: number
  readonly producerId: bigint
  readonly records: readonly {
    readonly offsetDelta: number
    readonly timestampDelta: bigint
    readonly key: Buffer | null
    readonly value: Buffer | null
    readonly headers: readonly (readonly [Buffer, Buffer | null])[]
  }[]
}

/** A transaction that was aborted, and where it begins. */
export interface AbortedTransaction {
  readonly producerId: bigint
  readonly firstOffset: bigint
}

/** Records that one leader wrote, without a gap. */
export interface RecordRun {
  readonly leaderEpoch: number
  readonly records: readonly FetchedRecord[]
  /** The offset to read on from: behind control records and what compaction has removed, too. */
  readonly next: bigint
}

const isLogAppendTime = 1 << 3
const isTransactional = 1 << 4
const isControl = 1 << 5

/**
 * @param from the offset that was asked for: a broker answers with whole batches, which may begin before it
 * @returns most often one run; none when nothing lies behind `from`
 */
export function committedRecords(
  batches: readonly RecordBatch[],
  aborted: readonly AbortedTransaction[],
  from: bigint,
): RecordRun[] {
  const runs: { leaderEpoch: number; records: FetchedRecord[]; next: bigint }[] = []
  const starts = aborted.toSorted((a, b) => (a.firstOffset < b.firstOffset ? -1 : 1))
  const abortedProducers = new Set<bigint>()
  for (const batch of batches) {
    const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n
    // An aborted transaction reaches from its first offset to its control record.
    while (starts.length > 0 && starts[0]!.firstOffset < end) abortedProducers.add(starts.shift()!.producerId)
    if (end <= from) continue
    const leaderEpoch = batch.partitionLeaderEpoch
    let run = runs.at(-1)
    if (run?.leaderEpoch !== leaderEpoch) {
      run = { leaderEpoch, records: [], next: from }
      runs.push(run)
    }
    run.next = end
    if (batch.attributes & isControl) {
      abortedProducers.delete(batch.producerId)
    } else if (!(batch.attributes & isTransactional) || !abortedProducers.has(batch.producerId)) {
      addRecords(run.records, batch, from)
    }
  }
  return runs
}

function addRecords(records: FetchedRecord[], batch: RecordBatch, from: bigint): void {
  for (const record of batch.records) {
    const offset = batch.firstOffset + BigInt(record.offsetDelta)
    if (offset < from) continue
    const timestamp =
      batch.attributes & isLogAppendTime ? batch.maxTimestamp : batch.firstTimestamp + record.timestampDelta
    records.push({
      offset,
      timestampMs: Number(timestamp),
      key: record.key ?? null,
      value: record.value ?? null,
      headers: record.headers.map(([name, value]) => [name.toString(), value ?? null] as const),
    })
  }
}
