// Rows as a Parquet file, compressed with zstd.
import { zstdCompressSync } from 'node:zlib'
import type { SchemaElement } from 'hyparquet'
import type { ExportRow } from './row.ts'

const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8' } as const
const bytes = { type: 'BYTE_ARRAY' } as const

// https://github.com/apache/parquet-format/blob/master/LogicalTypes.md#lists
const schema: SchemaElement[] = [
  { name: 'root', num_children: 8 },
  { name: 'topic', ...text, repetition_type: 'REQUIRED' },
  { name: 'partition', type: 'INT32', repetition_type: 'REQUIRED' },
  { name: 'offset', type: 'INT64', repetition_type: 'REQUIRED' },
  { name: 'timestamp', type: 'INT64', converted_type: 'TIMESTAMP_MILLIS', repetition_type: 'REQUIRED' },
  { name: 'timestamp_type', ...text, repetition_type: 'REQUIRED' },
  { name: 'key', ...bytes, repetition_type: 'OPTIONAL' },
  { name: 'value', ...bytes, repetition_type: 'OPTIONAL' },
  { name: 'headers', converted_type: 'LIST', repetition_type: 'REQUIRED', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', repetition_type: 'REQUIRED', num_children: 3 },
  { name: 'key', ...text, repetition_type: 'REQUIRED' },
  { name: 'key_bytes', ...bytes, repetition_type: 'OPTIONAL' },
  { name: 'value', ...bytes, repetition_type: 'OPTIONAL' },
]

const columns = ['topic', 'partition', 'offset', 'timestamp', 'timestamp_type', 'key', 'value', 'headers'] as const

/** Rows of a row group: a reader has one in memory at a time. */
const rowGroupSize = 10_000

export async function parquetFile(rows: readonly ExportRow[]): Promise<Buffer> {
  const { ByteWriter, ParquetWriter } = await import('hyparquet-writer')
  const writer = new ByteWriter()
  const parquet = new ParquetWriter({
    writer,
    schema,
    codec: 'ZSTD',
    compressors: { ZSTD: (input) => zstdCompressSync(input) },
    createdBy: 'selfmonitor',
  })
  await parquet.write({
    columnData: columns.map((name) => ({ name, data: rows.map((row) => cell(row, name)) })),
    rowGroupSize,
  })
  await parquet.finish()
  return Buffer.from(writer.getBytes())
}

function cell(row: ExportRow, name: (typeof columns)[number]): unknown {
  return name === 'timestamp' ? new Date(row.timestamp) : row[name]
}
