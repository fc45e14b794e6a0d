// Files whose records are between separators: a line of JSON each, or bytes as they are.
import type { Datum } from './datum.ts'

/** Of one record. */
const maxRecordBytes = 256 * 1024 * 1024

/**
 * @yields what lies between separators
 * @returns what lies behind the last one
 * @throws Error when a record has more than 256 MiB
 */
async function* splitAt(parts: AsyncIterable<Buffer>, separator: Buffer): AsyncGenerator<Buffer[], Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const part of parts) {
    const bytes = rest.length === 0 ? part : Buffer.concat([rest, part])
    const found: Buffer[] = []
    let start = 0
    // A separator may lie across two parts; bytes that were searched are not searched again.
    let from = Math.max(0, rest.length - separator.length + 1)
    for (let end = bytes.indexOf(separator, from); end >= 0; end = bytes.indexOf(separator, from)) {
      found.push(bytes.subarray(start, end))
      start = end + separator.length
      from = start
    }
    rest = bytes.subarray(start)
    if (rest.length > maxRecordBytes) throw new Error(`a record has more than ${maxRecordBytes} bytes`)
    if (found.length > 0) yield found
  }
  return rest
}

/** @throws Error for a line that is not JSON, as one that was cut off is not */
export async function* readJsonLines(parts: AsyncIterable<Buffer>): AsyncGenerator<Datum[], void> {
  let number = 0
  const read = (line: Buffer): Datum => {
    number++
    const bytes = Buffer.from(line.at(-1) === 0x0d ? line.subarray(0, -1) : line)
    try {
      return { bytes, schema: null, value: JSON.parse(bytes.toString()) as unknown }
    } catch (error) {
      throw new Error(`line ${number} is not JSON: ${(error as Error).message}`)
    }
  }
  const last = yield* mapEach(splitAt(parts, Buffer.from('\n')), read)
  if (last.length > 0) yield [read(last)]
}

/** @throws Error when the file does not end with the separator: then its last record may be cut off */
export async function* readBytes(parts: AsyncIterable<Buffer>, separator: Buffer): AsyncGenerator<Datum[], void> {
  const read = (bytes: Buffer): Datum => ({ bytes: Buffer.from(bytes), schema: null, value: undefined })
  const last = yield* mapEach(splitAt(parts, separator), read)
  if (last.length > 0) throw new Error(`it does not end with the separator: its last ${last.length} bytes are cut off`)
}

async function* mapEach(found: AsyncGenerator<Buffer[], Buffer>, read: (one: Buffer) => Datum) {
  try {
    for (let next = await found.next(); ; next = await found.next()) {
      if (next.done === true) return next.value
      yield next.value.map(read)
    }
  } finally {
    await found.return(Buffer.alloc(0))
  }
}
