// Snappy: raw, as librdkafka and Go clients write it, and framed by the xerial library, as Java clients write it.
//
// A xerial stream is an 8-byte magic, two int32 versions, then blocks of an int32 size and that many bytes of raw snappy.
// https://github.com/xerial/snappy-java/blob/master/src/main/java/org/xerial/snappy/SnappyOutputStream.java
import { setImmediate } from 'node:timers/promises'
import { snappy } from '../native.ts'
import { ProtocolError } from '../protocol-error.ts'

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const xerialHeader = Buffer.concat([xerialMagic, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
const xerialBlockBytes = 32 * 1024
/** The output that is decompressed before the event loop continues: about a millisecond of work. */
const bytesBetweenPauses = 256 * 1024

/** Writes the xerial framing, which every Kafka client reads. */
export function compressSnappy(data: Buffer): Buffer {
  const chunks: Buffer[] = [xerialHeader]
  for (let start = 0; start < data.length; start += xerialBlockBytes) {
    const block = snappy().compressSync(data.subarray(start, start + xerialBlockBytes))
    const size = Buffer.allocUnsafe(4)
    size.writeInt32BE(block.length)
    chunks.push(size, block)
  }
  return Buffer.concat(chunks)
}

/** @throws ProtocolError TOO_LARGE, BAD_COMPRESSION */
export function decompressSnappy(data: Buffer, maxOutputBytes: number): Buffer {
  const chunks: Buffer[] = []
  let output = 0
  for (const block of blocksOf(data)) {
    const chunk = decompressBlock(block, maxOutputBytes - output)
    output += chunk.length
    chunks.push(chunk)
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

/** The same, on another thread or, as the blocks of a xerial stream are small, with pauses for the event loop. */
export async function decompressSnappyAsync(data: Buffer, maxOutputBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let output = 0
  let sincePause = 0
  for (const block of blocksOf(data)) {
    const large = declaredBytes(block) > bytesBetweenPauses
    const chunk = large
      ? await decompressBlockAsync(block, maxOutputBytes - output)
      : decompressBlock(block, maxOutputBytes - output)
    output += chunk.length
    chunks.push(chunk)
    sincePause += large ? 0 : chunk.length
    if (sincePause < bytesBetweenPauses) continue
    sincePause = 0
    await setImmediate()
  }
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

/** The raw blocks: one that is all the data, or those of xerial streams. */
function* blocksOf(data: Buffer): Generator<Buffer, void, undefined> {
  if (!startsWithMagic(data, 0)) return yield data
  let position = 0
  while (position < data.length) {
    // A stream may be followed by another one, header and all.
    if (startsWithMagic(data, position)) {
      position += xerialHeader.length
      continue
    }
    if (data.length - position < 4) throw bad('truncated')
    const size = data.readInt32BE(position)
    position += 4
    if (size < 0 || size > data.length - position) throw bad('truncated')
    yield data.subarray(position, position + size)
    position += size
  }
  if (position > data.length) throw bad('truncated')
}

function startsWithMagic(data: Buffer, position: number): boolean {
  return data.length - position >= 8 && xerialMagic.compare(data, position, position + 8) === 0
}

function decompressBlock(data: Buffer, maxOutputBytes: number): Buffer {
  checkDeclared(data, maxOutputBytes)
  const { uncompressSync } = snappy()
  try {
    return uncompressSync(data, { asBuffer: true }) as Buffer
  } catch (error) {
    throw asBad(error)
  }
}

async function decompressBlockAsync(data: Buffer, maxOutputBytes: number): Promise<Buffer> {
  checkDeclared(data, maxOutputBytes)
  const { uncompress } = snappy()
  try {
    return (await uncompress(data, { asBuffer: true })) as Buffer
  } catch (error) {
    throw asBad(error)
  }
}

function checkDeclared(data: Buffer, maxOutputBytes: number): void {
  const declared = declaredBytes(data)
  if (declared > maxOutputBytes) {
    throw new ProtocolError('TOO_LARGE', `snappy data decompresses to ${declared} bytes, ${maxOutputBytes} are allowed`)
  }
  // The decoder allocates what is declared. No snappy element gives more than 64 bytes for 3.
  if (declared > data.length * 22) throw bad(`${data.length} bytes cannot hold the ${declared} they declare`)
}

/** The size of the output, a varint at the beginning of a raw block. */
function declaredBytes(data: Buffer): number {
  let value = 0
  for (let index = 0; index < 5; index++) {
    const byte = data[index]
    if (byte === undefined) throw bad('truncated')
    value += (byte & 0x7f) * 2 ** (7 * index)
    if (byte < 0x80) return value
  }
  throw bad('invalid length')
}

function asBad(error: unknown): ProtocolError {
  return bad(error instanceof Error ? error.message : String(error))
}

function bad(reason: string): ProtocolError {
  return new ProtocolError('BAD_COMPRESSION', reason.startsWith('snappy') ? reason : `snappy: ${reason}`)
}
