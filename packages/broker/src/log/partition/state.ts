// The state of one partition log. Only the functions of this folder change it.
import type { BatchHeader } from '../batch/batch.ts'
import type { LogError } from '../errors.ts'
import type { ProducerTable } from '../producers/producer-state.ts'
import type { Segment } from '../segment/segment.ts'
import type { AppendResult, LogConfig, PartitionRef } from '../types.ts'
import type { LogTail } from './tail-cache.ts'
import type { WriteQueue } from './write-queue.ts'

export interface LogState {
  readonly ref: PartitionRef
  readonly dir: string
  config: LogConfig
  /** Oldest first, never empty; the last one is written to. Changed only by `segment-list.ts`. */
  readonly segments: readonly Segment[]
  /** Whether the folder and the active segment's file exist: a log without records creates neither. */
  onDisk: boolean
  logStartOffset: bigint
  /** End of what is written. */
  highWatermark: bigint
  /** Everything before it survives a loss of power. */
  recoveryPoint: bigint
  readonly producers: ProducerTable
  /** Offset of the newest snapshot of the producers. */
  snapshotOffset: bigint | undefined
  readonly tail: LogTail
  readonly listeners: Set<() => void>
  /** Batches that wait to be written, and work that must not overlap with a write. */
  readonly queue: WriteQueue<PendingAppend>
  /** Since the log was opened. */
  appendedBytes: number
  /** Records appended since the last sync. */
  unflushedRecords: number
  /** A file was created whose name may not survive a loss of power yet. */
  unsyncedNames: boolean
  /** A write failed, and some of its bytes may still be behind the end of the active segment. */
  partialWrite: boolean
  /**
   * A sync failed. The system may have dropped the bytes that it could not write and report success for the next sync, so
   * the log takes no records until everything after the recovery point has been written and synced again.
   */
  syncFailed: boolean
  /** Resolves when the syncs so far have ended: they run one after the other. Never rejects. */
  syncing: Promise<void>
  /** Resolves when the segments that were rolled so far are synced and indexed. Never rejects. */
  finishing: Promise<void>
  /** Whether anything has used the log since the manager last asked. */
  used: boolean
  /** Why the log cannot be used any more; undefined while it can. */
  closedReason: string | undefined
}

/** A batch that waits to be written. */
export interface PendingAppend {
  readonly batch: Buffer
  /** With the true `maxTimestamp` once the records are checked. */
  header: BatchHeader
  /** Resolves when the records are checked; undefined when they already are. Rejects with the LogError of an invalid batch. */
  checking: Promise<BatchHeader> | undefined
  readonly origin: 'client' | 'internal'
  readonly resolve: (result: AppendResult) => void
  readonly reject: (error: LogError) => void
}

export const activeSegment = (state: LogState): Segment => state.segments.at(-1)!

/** Calls everything that waits for the log to grow. */
export function notifyListeners(state: LogState): void {
  for (const listener of [...state.listeners]) listener()
}
