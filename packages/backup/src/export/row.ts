// A record as the exported files have it: every field, each with the name that it has in all formats.
import type { ReadRecord } from '@selfmonitor/cluster'
import type { TimestampType } from '@selfmonitor/protocol/records'

export interface ExportHeader {
  readonly key: string
  /** null: the text is exact. Else the bytes, which are not UTF-8. */
  readonly key_bytes: Buffer | null
  readonly value: Buffer | null
}

export interface ExportRow {
  readonly topic: string
  readonly partition: number
  readonly offset: bigint
  /** Milliseconds since the epoch; -1 for none. */
  readonly timestamp: number
  readonly timestamp_type: TimestampType
  readonly key: Buffer | null
  readonly value: Buffer | null
  /** In their order; a name may be there twice. */
  readonly headers: readonly ExportHeader[]
}

export function toRow(
  { offset, timestampMs, key, value, headers }: ReadRecord,
  place: Pick<ExportRow, 'topic' | 'partition' | 'timestamp_type'>,
): ExportRow {
  return {
    ...place,
    offset,
    timestamp: timestampMs,
    key,
    value,
    headers: headers.map((header) => ({ key: header.key, key_bytes: header.keyBytes ?? null, value: header.value })),
  }
}
