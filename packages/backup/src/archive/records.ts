// The records of a file: values with the keys and headers that lie beside them.
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import type { RecordHeader } from '@selfmonitor/protocol/records'
import { BackupError } from '../format/backup-error.ts'
import { StoreError } from '../store/store-error.ts'
import type { ObjectReader } from '../store/types.ts'
import { type Datum, headersOf, nothing } from './datum.ts'
import type { ArchiveFile, ArchivePart } from './layout.ts'
import { readAvroFile } from './read-avro.ts'
import { readBytes, readJsonLines } from './read-lines.ts'
import { readParquetFile } from './read-parquet.ts'

export interface ArchiveRecord {
  readonly key: Datum
  readonly value: Datum
  readonly headers: readonly RecordHeader[]
}

/** A Parquet file is read as a whole: its index is at its end. */
const maxParquetBytes = 512 * 1024 * 1024

/**
 * @param separator of bytes: the sink's `format.bytearray.separator`
 * @yields some records at a time
 * @throws BackupError DAMAGED with the object's name; StoreError
 */
export async function* fileRecords(
  reader: ObjectReader,
  file: ArchiveFile,
  separator: Buffer,
): AsyncGenerator<ArchiveRecord[], void> {
  const open = (part: ArchivePart | null, isKeys = false) =>
    part === null ? null : queue(data(reader, part, separator, isKeys))
  const [values, keys, headers] = [open(file.values), open(file.keys, true), open(file.headers)]
  const leading = values ?? keys!
  try {
    for (let some = await leading.some(); some.length > 0; some = await leading.some()) {
      const own = keys === null || keys === leading ? null : await keys.take(some.length)
      const beside = headers === null ? null : await headers.take(some.length)
      if ((own ?? some).length < some.length || (beside ?? some).length < some.length) throw unequal(file)
      yield some.map((datum, at) => ({
        key: plainKey(keys === leading ? datum : (own?.[at] ?? nothing)),
        value: values === null ? nothing : datum,
        headers: beside === null ? [] : headerList(beside[at]!, file.headers!),
      }))
    }
    for (const other of [keys, headers]) {
      if (other !== null && other !== leading && (await other.some()).length > 0) throw unequal(file)
    }
  } finally {
    for (const one of [values, keys, headers]) await one?.close()
  }
}

function unequal({ values, keys, headers }: ArchiveFile): BackupError {
  const names = [values, keys, headers].flatMap((part) => (part === null ? [] : [part.key]))
  return new BackupError('DAMAGED', `${names.join(' and ')} do not have the same number of records`)
}

/** Text as a line of JSON is the text itself, without quotes: keys without a schema come from StringConverter. */
function plainKey(key: Datum): Datum {
  const { bytes, schema, value } = key
  if (schema !== null || bytes === null) return key
  if (value === null) return nothing
  const isQuoted = typeof value === 'string' && bytes.toString() !== value
  return isQuoted ? { bytes: Buffer.from(value), schema: null, value } : key
}

function headerList(datum: Datum, { key }: ArchivePart): readonly RecordHeader[] {
  const headers = headersOf(datum)
  if (headers === null) throw new BackupError('DAMAGED', `${key} does not have headers in a known form`)
  return headers
}

async function* data(
  reader: ObjectReader,
  part: ArchivePart,
  separator: Buffer,
  isKeys: boolean,
): AsyncGenerator<Datum[], void> {
  const { key, format } = part
  try {
    const parts = part.isGzipped ? gunzipped(reader.read(key)) : reader.read(key)
    if (format === 'parquet') yield* readParquetFile(await reader.get(key, maxParquetBytes), isKeys)
    else if (format === 'avro') yield* readAvroFile(parts)
    else if (format === 'json') yield* readJsonLines(parts)
    else yield* readBytes(parts, separator)
  } catch (error) {
    if (error instanceof StoreError || error instanceof BackupError) throw error
    throw new BackupError('DAMAGED', `${reader.address}/${key} cannot be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

async function* gunzipped(parts: AsyncGenerator<Buffer, void>): AsyncGenerator<Buffer, void> {
  const unzip = createGunzip()
  const piped = pipeline(Readable.from(parts), unzip)
  // Its error comes out of the reading below too.
  piped.catch(() => {})
  yield* unzip as AsyncIterable<Buffer>
  await piped
}

interface Queue {
  /** What is there, or the next some; empty at the end. */
  some(): Promise<Datum[]>
  /** So many, or fewer at the end. */
  take(count: number): Promise<Datum[]>
  close(): Promise<void>
}

function queue(source: AsyncGenerator<Datum[], void>): Queue {
  let rest: Datum[] = []
  const refill = async (): Promise<boolean> => {
    while (rest.length === 0) {
      const { value, done } = await source.next()
      if (done === true) return false
      rest = value
    }
    return true
  }
  return {
    close: async () => void (await source.return()),
    async some() {
      if (!(await refill())) return []
      const some = rest
      rest = []
      return some
    },
    async take(count) {
      const taken: Datum[] = []
      while (taken.length < count && (await refill())) {
        const wanted = count - taken.length
        taken.push(...rest.slice(0, wanted))
        rest = rest.slice(wanted)
      }
      return taken
    },
  }
}
