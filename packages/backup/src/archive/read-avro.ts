// Avro's object container file. Each record keeps the bytes that it has in the file, which are those of Avro's binary encoding. The
// library's own reader of such files takes one that was cut off for a whole one.
// https://avro.apache.org/docs/1.12.0/specification/#object-container-files
import { promisify } from 'node:util'
import { crc32, inflateRaw } from 'node:zlib'
import { decompressAsync } from '@selfmonitor/protocol/compression'
import type avro from 'avsc'
import { avroType } from '../format/avro-types.ts'
import { type ByteReader, byteReader, UnexpectedEnd } from './bytes.ts'
import type { Datum } from './datum.ts'

const magic = Buffer.from('Obj\x01')
const syncBytes = 16
/** Of a block, decompressed and not. A sink's blocks have a few kilobytes, and one record at least. */
const maxBlockBytes = 256 * 1024 * 1024

const inflate = promisify<Buffer, { maxOutputLength: number }, Buffer>(inflateRaw)

const codecs: Readonly<Record<string, (block: Buffer) => Promise<Buffer>>> = {
  null: (block) => Promise.resolve(block),
  deflate: (block) => inflate(block, { maxOutputLength: maxBlockBytes }),
  snappy: async (block) => {
    const bytes = await decompressAsync('snappy', Buffer.from(block.subarray(0, -4)), maxBlockBytes)
    if (crc32(bytes) !== block.readUInt32BE(block.length - 4)) throw new Error('the checksum of a block differs')
    return bytes
  },
  zstandard: (block) => decompressAsync('zstd', Buffer.from(block), maxBlockBytes),
}

interface Header {
  readonly schema: string
  readonly type: avro.Type
  readonly decompress: (block: Buffer) => Promise<Buffer>
  readonly sync: Buffer
}

/**
 * @yields the data of one block
 * @throws Error when the file is not whole, or not such a file
 */
export async function* readAvroFile(parts: AsyncGenerator<Buffer, void>): AsyncGenerator<Datum[], void> {
  try {
    yield* readBlocks(byteReader(parts))
  } finally {
    await parts.return()
  }
}

async function* readBlocks(reader: ByteReader): AsyncGenerator<Datum[], void> {
  const { schema, type, decompress, sync } = await readHeader(reader)
  const toDatum = datumOf(schema)
  while (!(await reader.atEnd())) {
    const count = Number(await reader.takeLong())
    const length = Number(await reader.takeLong())
    if (count < 0 || length < 0 || length > maxBlockBytes) {
      throw new Error(`the block before byte ${reader.position} says that it has ${count} records in ${length} bytes`)
    }
    // A copy: the data are views of it, and are kept.
    const stored = Buffer.from(await reader.take(length))
    if (!(await reader.take(syncBytes)).equals(sync)) throw new Error(`no block ends at byte ${reader.position}`)
    const block = await decompress(stored)
    const data: Datum[] = []
    let position = 0
    for (let at = 0; at < count; at++) {
      const { value, offset } = type.decode(block, position)
      if (offset < 0) throw new UnexpectedEnd(`record ${at + 1} of ${count} is not whole in its block`)
      data.push(toDatum(block.subarray(position, offset), value))
      position = offset
    }
    if (position !== block.length) throw new Error(`a block has ${block.length - position} bytes behind its records`)
    yield data
  }
}

async function readHeader(reader: ByteReader): Promise<Header> {
  if (!(await reader.take(magic.length)).equals(magic)) throw new Error('it does not begin as an Avro file')
  const meta = new Map<string, Buffer>()
  const takeBytes = async (): Promise<Buffer> => {
    const length = Number(await reader.takeLong())
    if (length < 0 || length > maxBlockBytes) throw new Error(`its header is not one at byte ${reader.position}`)
    return Buffer.from(await reader.take(length))
  }
  for (let count = await reader.takeLong(); count !== 0n; count = await reader.takeLong()) {
    // A negative count has the size of the entries behind it.
    if (count < 0n) await reader.takeLong()
    for (let at = 0n; at < (count < 0n ? -count : count); at++) {
      const name = (await takeBytes()).toString()
      meta.set(name, await takeBytes())
    }
  }
  const sync = Buffer.from(await reader.take(syncBytes))
  const schema = meta.get('avro.schema')?.toString()
  if (schema === undefined) throw new Error('its header has no schema')
  const codec = meta.get('avro.codec')?.toString() ?? 'null'
  const decompress = codecs[codec]
  if (decompress === undefined) {
    throw new Error(`it is compressed with ${codec}; only ${Object.keys(codecs).join(', ')} can be read`)
  }
  return { schema, type: avroType(schema), decompress, sync }
}

/**
 * A schema of nothing but text or bytes comes from StringConverter and ByteArrayConverter: the record had the text or the bytes. Any
 * other came from a converter with schemas, and is framed with one.
 */
export function datumOf(schema: string): (encoded: Buffer, value: unknown) => Datum {
  const parsed: unknown = JSON.parse(schema)
  const branches = Array.isArray(parsed) ? parsed : [parsed]
  const isPlain = branches.every((one) => ['null', 'string', 'bytes'].includes(nameOf(one)))
  if (isPlain) return (_, value) => ({ bytes: plainBytes(value), schema: null, value })
  const isNullable = branches.some((one) => nameOf(one) === 'null')
  if (isNullable) return (bytes, value) => ({ bytes: value === null ? null : bytes, schema, value })
  return (bytes, value) => ({ bytes, schema, value })
}

function nameOf(schema: unknown): string {
  if (typeof schema === 'string') return schema
  const { type, logicalType } = schema as { type?: unknown; logicalType?: unknown }
  return typeof type === 'string' && logicalType === undefined ? type : 'other'
}

function plainBytes(value: unknown): Buffer | null {
  if (value === null || value === undefined) return null
  return typeof value === 'string' ? Buffer.from(value) : (value as Buffer)
}
