// Records that are appended and not acknowledged: how many, how large, and which calls of `flush` wait for them. Pure.
import type { Batch } from './partition-queue.ts'

export interface Backlog {
  /** Records. */
  waiting: number
  waitingBytes: number
  /** The batches that each call of `flush` still waits for. */
  readonly flushes: Set<{ readonly left: Set<Batch>; readonly resolve: () => void }>
}

export const newBacklog = (): Backlog => ({ waiting: 0, waitingBytes: 0, flushes: new Set() })

/** A record was appended. @param addedBytes by which its batch has grown */
export function noteAppended(backlog: Backlog, addedBytes: number): void {
  backlog.waiting++
  backlog.waitingBytes += addedBytes
}

/** A batch is written, or has failed. */
export function noteGone(backlog: Backlog, batch: Batch): void {
  backlog.waiting -= batch.receipts.length
  backlog.waitingBytes -= batch.records.sizeBytes
  settleFlushes(backlog, batch, [])
}

/** The records of a batch are in others now. */
export function noteReplaced(backlog: Backlog, batch: Batch, by: readonly Batch[]): void {
  backlog.waitingBytes -= batch.records.sizeBytes
  for (const { records } of by) backlog.waitingBytes += records.sizeBytes
  settleFlushes(backlog, batch, by)
}

/** Resolves when these batches are written or have failed, however much is appended later. */
export function whenGone(backlog: Backlog, batches: Iterable<Batch>): Promise<void> {
  const left = new Set(batches)
  if (left.size === 0) return Promise.resolve()
  return new Promise((resolve) => {
    backlog.flushes.add({ left, resolve })
  })
}

function settleFlushes(backlog: Backlog, batch: Batch, replacedBy: readonly Batch[]): void {
  for (const flush of backlog.flushes) {
    if (!flush.left.delete(batch)) continue
    for (const other of replacedBy) flush.left.add(other)
    if (flush.left.size > 0) continue
    backlog.flushes.delete(flush)
    flush.resolve()
  }
}
