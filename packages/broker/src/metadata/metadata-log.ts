// The durable state of `records.ts` with the file that keeps it. Changes are written one after the other; a snapshot replaces a
// file that has grown.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Logger } from '../types.ts'
import { openRecordLog, type RecordLog } from './record-log.ts'
import { applyRecord, dumpRecords, emptyState, type MetadataRecord, type StoredState } from './records.ts'

export interface MetadataLogOptions {
  /** Folder of the file; created when missing. */
  readonly dir: string
  readonly logger: Logger
  /** A snapshot is written when the file is larger than this and than four times the snapshot before. Default 1 MiB. */
  readonly snapshotBytes?: number
  /** Whether changes outlive the machine (default), or only as long as the folder does. */
  readonly durable?: boolean
  /** Why a missing or empty file must not be replaced by a new one; undefined: it may. */
  readonly mustExist?: string
}

/** @throws RecordLogError when the file is damaged or newer than this release */
export async function openMetadataLog(options: MetadataLogOptions): Promise<MetadataLog> {
  const { dir, logger } = options
  mkdirSync(dir, { recursive: true })
  const path = join(dir, 'metadata.log')
  const { entries, tornBytes, log } = await openRecordLog(path, options)
  if (tornBytes > 0) logger.warn({ path, tornBytes }, 'cut the torn end of the metadata log')
  const state = emptyState()
  for (const entry of entries) for (const record of entry as MetadataRecord[]) applyRecord(state, record)
  return new MetadataLog(path, state, log, logger, options.snapshotBytes ?? 1024 * 1024)
}

export class MetadataLog {
  readonly state: StoredState
  private readonly path: string
  private readonly log: RecordLog
  private readonly logger: Logger
  private readonly snapshotBytes: number
  private lastSnapshotBytes: number

  constructor(path: string, state: StoredState, log: RecordLog, logger: Logger, snapshotBytes: number) {
    this.state = state
    this.path = path
    this.log = log
    this.logger = logger
    this.snapshotBytes = snapshotBytes
    this.lastSnapshotBytes = log.sizeBytes
  }

  /** Writes and syncs one change, then applies it to the state. Calls must not overlap. @throws as `RecordLog.append` */
  async write(records: readonly MetadataRecord[]): Promise<void> {
    if (records.length > 0) await this.log.append(records)
    for (const record of records) applyRecord(this.state, record)
  }

  /** Replaces the file by a snapshot when it has grown. Never rejects. */
  async snapshotIfGrown(): Promise<void> {
    const limit = Math.max(this.snapshotBytes, this.lastSnapshotBytes * 4)
    if (this.log.sizeBytes <= limit) return
    try {
      await this.log.rewrite(dumpRecords(this.state).map((record) => [record]))
      this.lastSnapshotBytes = this.log.sizeBytes
    } catch (error) {
      // The change itself is durable, so it must not fail now; the next one tries again.
      this.logger.error({ error, path: this.path }, 'could not write the metadata snapshot')
    }
  }

  close(): Promise<void> {
    return this.log.close()
  }
}
