// The mutable heart of one partition log; only the functions of this folder change it.
import type { ProducerTable } from './producer-state.ts'
import type { Segment } from './segment.ts'
import type { LogTail } from './tail-cache.ts'
import type { LogConfig, PartitionRef } from './types.ts'

export interface LogState {
  readonly ref: PartitionRef
  readonly dir: string
  config: LogConfig
  /** Oldest first, never empty; the last one is written to. Changed by `segment-list.ts` alone. */
  readonly segments: readonly Segment[]
  /** Whether the folder and the active segment's file are there: a log without records leaves no trace. */
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
  /** Since the log was opened. */
  appendedBytes: number
  /** Records appended since the last sync. */
  unflushedRecords: number
  /** A file was created whose name may not survive a loss of power yet. */
  unsyncedNames: boolean
  /**
   * A sync failed. The system may have given up the bytes that it could not write and call the next sync a success: no
   * records are taken until everything after the recovery point has been written and synced once more.
   */
  syncFailed: boolean
  /** Ends when the syncs so far have ended: they run one after the other. Never rejects. */
  syncing: Promise<void>
  /** Ends when the segments that were rolled so far are synced and indexed. Never rejects. */
  finishing: Promise<void>
  /** Set when the log may not be used any more: why. */
  closed: string | undefined
}

export const activeSegment = (state: LogState): Segment => state.segments.at(-1)!

export const partitionName = (ref: PartitionRef): string => `${ref.topic}-${ref.partition}`
