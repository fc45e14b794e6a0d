// Parquet files. With the Avro schema that a writer of Avro leaves in the file's footer, records are encoded with it as Avro; without
// one they become JSON. Row groups are read one after another.
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import type avro from 'avsc'
import type { AsyncBuffer, FileMetaData } from 'hyparquet'
import { avroType } from '../format/avro-types.ts'
import { type Datum, jsonText } from './datum.ts'
import { datumOf } from './read-avro.ts'

/** The names under which parquet-avro keeps the schema. */
const schemaNames = ['parquet.avro.schema', 'avro.schema']

/** Values as they are stored: what they mean is Avro's to say. */
const asStored = {
  timestampFromMilliseconds: (millis: bigint) => millis,
  timestampFromMicroseconds: (micros: bigint) => micros,
  timestampFromNanoseconds: (nanos: bigint) => nanos,
  dateFromDays: (days: number) => days,
}

/**
 * @param isKeys Parquet has records only: of keys, a record of one text, or of bytes, holds a key without a schema
 * @throws Error when the file is not whole, or has a type that would lose digits
 */
export async function* readParquetFile(bytes: Buffer, isKeys: boolean): AsyncGenerator<Datum[], void> {
  const { parquetMetadata, parquetReadObjects } = await import('hyparquet')
  const whole = Uint8Array.from(bytes).buffer
  const file: AsyncBuffer = { byteLength: whole.byteLength, slice: (start, end) => whole.slice(start, end) }
  const metadata = parquetMetadata(whole)
  const schema = metadata.key_value_metadata?.find(({ key }) => schemaNames.includes(key))?.value ?? null
  adjustTypes(metadata, schema !== null)
  const toDatum = schema === null ? jsonDatum : avroDatum(schema, isKeys)
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const rows = await parquetReadObjects({
      file,
      metadata,
      rowStart,
      rowEnd,
      compressors: { GZIP: (input) => gunzipSync(input), ZSTD: (input) => zstdDecompressSync(input) },
      // Text is marked as text; other bytes are not decoded.
      utf8: false,
      ...(schema === null ? {} : { parsers: asStored }),
    })
    yield rows.map(toDatum)
    rowStart = rowEnd
  }
}

/** The library makes numbers of decimals, which rounds them: as Avro they are bytes. An enum is text. */
function adjustTypes({ schema }: FileMetaData, isAvro: boolean): void {
  for (const element of schema) {
    if (element.converted_type === 'ENUM') element.converted_type = 'UTF8'
    const isDecimal = element.converted_type === 'DECIMAL' || element.logical_type?.type === 'DECIMAL'
    if (!isDecimal) continue
    if (!isAvro) throw new Error(`its column ${element.name} has decimals, which JSON does not have`)
    delete element.converted_type
    delete element.logical_type
  }
}

function jsonDatum(row: Readonly<Record<string, unknown>>): Datum {
  return { bytes: Buffer.from(jsonText(row)), schema: null, value: row }
}

function avroDatum(schema: string, isKeys: boolean): (row: Readonly<Record<string, unknown>>) => Datum {
  const type = avroType(schema) as avro.types.RecordType
  const [only, ...others] = type.fields
  if (isKeys && others.length === 0 && only !== undefined && isPlain(only.type)) {
    const toDatum = datumOf(JSON.stringify(only.type.schema()))
    return (row) => toDatum(Buffer.alloc(0), toAvro(only.type, row[only.name]))
  }
  return (row) => {
    const value = toAvro(type, row)
    return { bytes: type.toBuffer(value), schema, value }
  }
}

function isPlain(type: avro.Type): boolean {
  const branches = type.typeName.startsWith('union') ? (type as avro.types.UnwrappedUnionType).types : [type]
  return branches.every(({ typeName }) => ['null', 'string', 'bytes'].includes(typeName))
}

/** A value of a column as avsc takes it. @throws Error for a union of several types, which parquet-avro spreads over columns */
function toAvro(type: avro.Type, value: unknown): unknown {
  if (value === null || value === undefined) return null
  switch (type.typeName) {
    case 'string':
    case 'enum':
      return typeof value === 'string' ? value : Buffer.from(value as Uint8Array).toString()
    case 'bytes':
    case 'fixed':
      return Buffer.from(value as Uint8Array)
    case 'int':
      return Number(value)
    case 'long':
    case 'abstract:long':
      return typeof value === 'bigint' && Number.isSafeInteger(Number(value)) ? Number(value) : value
    case 'record': {
      const row = value as Readonly<Record<string, unknown>>
      return Object.fromEntries(
        (type as avro.types.RecordType).fields.map((field) => [field.name, toAvro(field.type, row[field.name])]),
      )
    }
    case 'array':
      return (value as readonly unknown[]).map((one) => toAvro((type as avro.types.ArrayType).itemsType, one))
    case 'map': {
      const { valuesType } = type as unknown as { readonly valuesType: avro.Type }
      return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, toAvro(valuesType, one)]))
    }
    case 'union:unwrapped': {
      const branches = (type as avro.types.UnwrappedUnionType).types.filter(({ typeName }) => typeName !== 'null')
      if (branches.length !== 1) throw new Error('it has a union of several types, which only Avro files have whole')
      return toAvro(branches[0]!, value)
    }
    case 'union:wrapped':
      throw new Error('it has a union of several types, which only Avro files have whole')
    default:
      return value
  }
}
