// From the bytes of a Fetch answer to the records that a consumer of committed data sees, with the one decoder of batches.

import type { ReadRecord } from '@selfmonitor/cluster'
import { type AbortedTransaction, batchesOf, payloadOf, recordsOf } from '@selfmonitor/cluster/records-of'

export type FetchedRecord = ReadRecord

/** Records that one leader wrote, without a gap. */
export interface RecordRun {
  readonly leaderEpoch: number
  readonly records: readonly FetchedRecord[]
  /** The offset to read on from: behind control records and what compaction has removed, too. */
  readonly next: bigint
}

/** A partition in a Fetch answer. */
export interface FetchedBytes {
  readonly topic: string
  readonly partition: number
  /** The offset that was asked for: a broker answers with whole batches, which may begin before it. */
  readonly from: bigint
  readonly bytes: Buffer
  readonly abortedTransactions: readonly AbortedTransaction[]
}

export interface CommittedRecords {
  /** Most often one; none when nothing lies behind `from`. */
  readonly runs: readonly RecordRun[]
  /** Why what follows them cannot be read; null when it can. */
  readonly damage: string | null
}

/** Large compressed batches are decompressed on another thread. */
export async function committedRecords(fetched: FetchedBytes): Promise<CommittedRecords> {
  const range = { ...fetched, end: null }
  const { batches, next, leaderEpoch, damage } = batchesOf({ ...range, isolation: 'read_committed' })
  const runs: { leaderEpoch: number; records: FetchedRecord[]; next: bigint }[] = []
  for (const batch of batches) {
    const { header } = batch
    let records: FetchedRecord[]
    try {
      records = recordsOf(header, await payloadOf(batch), range)
    } catch (error) {
      return { runs, damage: error instanceof Error ? error.message : String(error) }
    }
    const end = header.baseOffset + BigInt(header.lastOffsetDelta) + 1n
    const run = runs.at(-1)
    if (run?.leaderEpoch === header.partitionLeaderEpoch) {
      for (const record of records) run.records.push(record)
      run.next = end
    } else runs.push({ leaderEpoch: header.partitionLeaderEpoch, records, next: end })
  }
  // Behind the last records there may be control records, and those of aborted transactions.
  const last = runs.at(-1)
  if (last?.leaderEpoch === leaderEpoch) last.next = next
  else if (next > (last?.next ?? fetched.from)) runs.push({ leaderEpoch, records: [], next })
  return { runs, damage: damage?.message ?? null }
}
