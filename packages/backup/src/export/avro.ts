// Rows as an Avro object container file.
// https://avro.apache.org/docs/1.12.0/specification/#object-container-files
import { createHash } from 'node:crypto'
import { promisify } from 'node:util'
import { deflateRaw } from 'node:zlib'
import { avroType } from '../format/avro-types.ts'
import type { ExportRow } from './row.ts'

const optionalBytes = ['null', 'bytes']

const schema = JSON.stringify({
  type: 'record',
  name: 'KafkaRecord',
  namespace: 'com.selfmonitor.backup',
  fields: [
    { name: 'topic', type: 'string' },
    { name: 'partition', type: 'int' },
    { name: 'offset', type: 'long' },
    { name: 'timestamp', type: { type: 'long', logicalType: 'timestamp-millis' } },
    { name: 'timestamp_type', type: 'string' },
    { name: 'key', type: optionalBytes },
    { name: 'value', type: optionalBytes },
    {
      name: 'headers',
      type: {
        type: 'array',
        items: {
          type: 'record',
          name: 'KafkaHeader',
          fields: [
            { name: 'key', type: 'string' },
            { name: 'key_bytes', type: optionalBytes },
            { name: 'value', type: optionalBytes },
          ],
        },
      },
    },
  ],
})

const rowType = avroType(schema)
const headType = avroType(
  JSON.stringify({
    type: 'record',
    name: 'Head',
    fields: [
      { name: 'magic', type: { type: 'fixed', name: 'Magic', size: 4 } },
      { name: 'meta', type: { type: 'map', values: 'bytes' } },
      { name: 'sync', type: { type: 'fixed', name: 'Sync', size: 16 } },
    ],
  }),
)
const longType = avroType('"long"')

const deflate = promisify<Buffer, Buffer>(deflateRaw)
const rowsOfBlock = 1_000

/** @param name of the file: the same name and rows are the same bytes */
export async function avroFile(name: string, rows: readonly ExportRow[]): Promise<Buffer> {
  const sync = createHash('sha256').update(name).digest().subarray(0, 16)
  const meta = { 'avro.schema': Buffer.from(schema), 'avro.codec': Buffer.from('deflate') }
  const parts = [headType.toBuffer({ magic: Buffer.from('Obj\x01'), meta, sync })]
  for (let at = 0; at < rows.length; at += rowsOfBlock) {
    const block = rows.slice(at, at + rowsOfBlock).map((row) => rowType.toBuffer(row))
    const stored = await deflate(Buffer.concat(block))
    parts.push(longType.toBuffer(block.length), longType.toBuffer(stored.length), stored, sync)
  }
  return Buffer.concat(parts)
}
