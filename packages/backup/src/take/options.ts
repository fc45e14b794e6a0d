// What a caller says of a backup, and hears while it is taken.
import type { SchemaSource } from '../registry/read.ts'
import type { ObjectLock } from '../store/types.ts'

export interface TakeOptions {
  /** Which topics; default: all but the cluster's internal ones. */
  readonly include?: (topic: string) => boolean
  /** Who writes it, for the manifest: `selfmonitor 0.1.0`. */
  readonly tool: string
  /** Default: the backup has no schemas but those in the topic `_schemas`. */
  readonly registry?: SchemaSource | null
  /** Object Lock of the topic's segments. Objects that several topics share get the longest. Default: nothing is locked. */
  readonly lockOf?: (topic: string) => ObjectLock | undefined
  /**
   * Ends the reading. What was read until then becomes a backup that says which partitions it has in part; when nothing was, there is none
   * and the signal's reason is thrown.
   */
  readonly signal?: AbortSignal
  /** How long records are read, in milliseconds; then it ends as by `signal`, but never without progress. Default: until all are read. */
  readonly maxReadMs?: number
  readonly onProgress?: (progress: TakeProgress) => void
  readonly now?: () => number
  /** Where a segment ends, in bytes of the log. Default 32 MiB. */
  readonly segmentBytes?: number
  /** Whether ACLs, quotas and accounts are read too. Default true. */
  readonly access?: boolean
  /** How long partitions may have no leader before the backup goes on without them, in milliseconds. Default 30,000. */
  readonly unavailableMs?: number
}

export interface TakeProgress {
  /** Offsets, of all partitions. */
  readonly done: bigint
  readonly total: bigint
  readonly bytes: number
}
