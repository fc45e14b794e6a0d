// Writes the segments of a backup as files that other programs read: one for each segment, which never changes. A file that is there is
// whole, and is not written again.
import { BackupError } from '../format/backup-error.ts'
import type { BackupStore } from '../format/sealing.ts'
import { readSegment } from '../format/segments.ts'
import { recordsBetween } from '../format/trim.ts'
import type { Segment } from '../format/types.ts'
import { openSource, type RestorePoint } from '../restore/source.ts'
import type { ObjectStore } from '../store/types.ts'
import { avroFile } from './avro.ts'
import { jsonFile } from './json.ts'
import { parquetFile } from './parquet.ts'
import { type ExportRow, toRow } from './row.ts'

export type ExportFormat = 'parquet' | 'avro' | 'json'

export interface ExportRequest {
  readonly format: ExportFormat
  readonly point: Extract<RestorePoint, { kind: 'latest' | 'number' }>
  readonly include: (topic: string) => boolean
  /** Names that were asked for: one that the backup does not have is an error. Default: none. */
  readonly named?: readonly string[]
  /** Only records whose time is not before `fromMs` and not behind `untilMs`, in milliseconds since the epoch. null: all. */
  readonly fromMs: number | null
  readonly untilMs: number | null
}

export interface ExportOptions {
  readonly signal?: AbortSignal
  readonly onProgress?: (progress: { readonly done: bigint; readonly total: bigint; readonly bytes: number }) => void
}

export interface Exported {
  /** Of the backup. */
  readonly number: number
  readonly files: number
  readonly records: bigint
  readonly bytes: number
  /** Files that were there. */
  readonly skipped: number
}

/**
 * Memory is that of one segment, and of its file.
 * @throws BackupError NO_BACKUP, DAMAGED, SEALED; StoreError
 */
export async function exportBackup(
  store: BackupStore,
  clusterId: string,
  target: ObjectStore,
  request: ExportRequest,
  { signal, onProgress }: ExportOptions = {},
): Promise<Exported> {
  const { manifest, selections } = await openSource(store, clusterId, request.point)
  const included = [...selections.values()].flat().filter(({ topic }) => request.include(topic))
  const names = new Set(included.map(({ topic }) => topic))
  const absent = (request.named ?? []).filter((name) => !names.has(name))
  if (included.length === 0 || absent.length > 0) {
    const which = absent.length === 0 ? 'no such topic' : `no topic ${absent.join(', ')}`
    throw new BackupError('NO_BACKUP', `backup ${manifest.number} has ${which}`, {
      hint: 'A topic that was deleted is in the backups from before.',
    })
  }
  const segments = included.flatMap((selection) => selection.segments).filter((segment) => mayHave(segment, request))
  const total = segments.reduce((sum, { records }) => sum + BigInt(records), 0n)
  const there = await keysOf(target, included)
  const exported = { number: manifest.number, files: 0, records: 0n, bytes: 0, skipped: 0 }
  let done = 0n
  for (const segment of segments) {
    signal?.throwIfAborted()
    const key = fileKey(segment, request)
    if (there.has(key)) exported.skipped++
    else {
      const rows = await rowsOf(store, segment, request)
      if (rows.length > 0) {
        const bytes = await fileOf(request.format, key, rows)
        await target.put(key, bytes)
        exported.files++
        exported.bytes += bytes.length
        exported.records += BigInt(rows.length)
      }
    }
    done += BigInt(segment.records)
    onProgress?.({ done, total, bytes: exported.bytes })
  }
  return exported
}

/** Its least time does not count: it is of the first records of batches, and others may be older. */
function mayHave({ records, maxTimestampMs }: Segment, { fromMs }: ExportRequest): boolean {
  if (records === 0) return false
  return fromMs === null || maxTimestampMs === null || maxTimestampMs >= fromMs
}

/** The window is part of the name: the same segment has other records in another one. */
function fileKey(
  { topic, topicId, partition, from, next }: Segment,
  { format, fromMs, untilMs }: ExportRequest,
): string {
  const offset = (value: bigint): string => String(value).padStart(20, '0')
  const window = fromMs === null && untilMs === null ? '' : `.${fromMs ?? ''}-${untilMs ?? ''}`
  return `${topic}/${topicId}/${partition}/${offset(from)}-${offset(next)}${window}.${format}`
}

async function keysOf(target: ObjectStore, included: readonly { readonly topic: string }[]): Promise<Set<string>> {
  const keys = new Set<string>()
  for (const topic of new Set(included.map((selection) => selection.topic))) {
    for await (const { key } of target.list(`${topic}/`)) keys.add(key)
  }
  return keys
}

async function rowsOf(store: BackupStore, segment: Segment, { fromMs, untilMs }: ExportRequest): Promise<ExportRow[]> {
  const { topic, partition, from, next } = segment
  const rows: ExportRow[] = []
  for (const batch of await readSegment(store, segment)) {
    if (batch.header.isControl) continue
    const place = { topic, partition, timestamp_type: batch.header.timestampType }
    for (const record of await recordsBetween(batch, from, next)) {
      const { timestampMs } = record
      if ((fromMs === null || timestampMs >= fromMs) && (untilMs === null || timestampMs <= untilMs)) {
        rows.push(toRow(record, place))
      }
    }
  }
  return rows
}

function fileOf(format: ExportFormat, key: string, rows: readonly ExportRow[]): Promise<Buffer> | Buffer {
  switch (format) {
    case 'parquet':
      return parquetFile(rows)
    case 'avro':
      return avroFile(key, rows)
    case 'json':
      return jsonFile(rows)
    default:
      return format satisfies never
  }
}
