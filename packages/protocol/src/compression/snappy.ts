// Snappy: raw, as librdkafka and Go clients write it, and framed by the xerial library, as Java clients write it.
//
// A xerial stream is an 8-byte magic, two int32 versions, then blocks of an int32 size and that many bytes of raw snappy.
// https://github.com/xerial/snappy-java/blob/master/src/main/java/org/xerial/snappy/SnappyOutputStream.java
import { compressSync, uncompressSync } from 'snappy'
import { ProtocolError } from '../protocol-error.ts'

const xerialMagic = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0])
const xerialHeader = Buffer.concat([xerialMagic, Buffer.from([0, 0, 0, 1, 0, 0, 0, 1])])
const xerialBlockBytes = 32 * 1024

/** Writes the xerial framing, which every Kafka client reads. */
export function compressSnappy(data: Buffer): Buffer {
  const chunks: Buffer[] = [xerialHeader]
  for (let start = 0; start < data.length; start += xerialBlockBytes) {
    const block = compressSync(data.subarray(start, start + xerialBlockBytes))
    const size = Buffer.allocUnsafe(4)
    size.writeInt32BE(block.length)
    chunks.push(size, block)
  }
  return Buffer.concat(chunks)
}

/** @throws ProtocolError TOO_LARGE, BAD_COMPRESSION */
export function decompressSnappy(data: Buffer, maxOutputBytes: number): Buffer {
  if (!startsWithMagic(data, 0)) return decompressBlock(data, maxOutputBytes)
  const chunks: Buffer[] = []
  let output = 0
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
    const block = decompressBlock(data.subarray(position, position + size), maxOutputBytes - output)
    output += block.length
    chunks.push(block)
    position += size
  }
  if (position > data.length) throw bad('truncated')
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

function startsWithMagic(data: Buffer, position: number): boolean {
  return data.length - position >= 8 && xerialMagic.compare(data, position, position + 8) === 0
}

function decompressBlock(data: Buffer, maxOutputBytes: number): Buffer {
  const declared = declaredBytes(data)
  if (declared > maxOutputBytes) {
    throw new ProtocolError('TOO_LARGE', `snappy data decompresses to ${declared} bytes, ${maxOutputBytes} are allowed`)
  }
  // The decoder allocates what is declared. No snappy element gives more than 64 bytes for 3.
  if (declared > data.length * 22) throw bad(`${data.length} bytes cannot hold the ${declared} they declare`)
  try {
    return uncompressSync(data, { asBuffer: true }) as Buffer
  } catch (error) {
    throw bad(error instanceof Error ? error.message : String(error))
  }
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

function bad(reason: string): ProtocolError {
  return new ProtocolError('BAD_COMPRESSION', reason.startsWith('snappy') ? reason : `snappy: ${reason}`)
}
