// LZ4 in its frame format, as Kafka uses it for record batches (magic 2).
// https://github.com/lz4/lz4/blob/dev/doc/lz4_Frame_format.md
import { lz4 } from '../native.ts'
import { ProtocolError } from '../protocol-error.ts'

const frameMagic = 0x184d2204
const blockSizes = new Map([
  [4, 64 * 1024],
  [5, 256 * 1024],
  [6, 1024 * 1024],
  [7, 4 * 1024 * 1024],
])

const flags = { blockChecksum: 0x10, contentSize: 0x08, contentChecksum: 0x04, dictionary: 0x01 } as const

export function compressLz4(data: Buffer): Buffer {
  return lz4().compressFrameSync(data)
}

/** @throws ProtocolError TOO_LARGE before anything is decompressed, BAD_COMPRESSION */
export function decompressLz4(data: Buffer, maxOutputBytes: number): Buffer {
  const frame = boundedFrame(data, maxOutputBytes)
  const { decompressFrameSync } = lz4()
  try {
    return decompressFrameSync(frame)
  } catch (error) {
    throw asBad(error)
  }
}

/** The same on another thread. */
export async function decompressLz4Async(data: Buffer, maxOutputBytes: number): Promise<Buffer> {
  const frame = boundedFrame(data, maxOutputBytes)
  const { decompressFrame } = lz4()
  try {
    return await decompressFrame(frame)
  } catch (error) {
    throw asBad(error)
  }
}

/** The first frame of the data. The native decoder has no limit of its own: the size of the output is taken from the blocks. */
function boundedFrame(data: Buffer, maxOutputBytes: number): Buffer {
  const { frame, upperBound } = measure(data, maxOutputBytes)
  if (upperBound <= maxOutputBytes) return frame
  throw new ProtocolError('TOO_LARGE', `lz4 data decompresses to more than ${maxOutputBytes} bytes`)
}

/** Walks the blocks of the first frame. The bound is exact where a cheaper one would exceed `maxOutputBytes`. */
function measure(data: Buffer, maxOutputBytes: number): { frame: Buffer; upperBound: number } {
  if (data.length < 7 || data.readUInt32LE(0) !== frameMagic) throw bad('not a frame')
  const flag = data[4]!
  if (flag >> 6 !== 1) throw bad(`frame version ${flag >> 6}`)
  if ((flag & flags.dictionary) !== 0) throw bad('dictionaries are not supported')
  const blockMax = blockSizes.get((data[5]! >> 4) & 0x07)
  if (blockMax === undefined) throw bad('unknown block size')

  const checksumBytes = (flag & flags.blockChecksum) === 0 ? 0 : 4
  let position = 7 + ((flag & flags.contentSize) === 0 ? 0 : 8)
  let upperBound = 0
  for (;;) {
    if (data.length - position < 4) throw bad('truncated')
    const word = data.readUInt32LE(position)
    position += 4
    if (word === 0) break
    const size = word & 0x7fffffff
    if (size > blockMax || size + checksumBytes > data.length - position) throw bad('truncated')
    const stored = word >>> 31 === 1
    if (stored) upperBound += size
    else if (upperBound + blockMax <= maxOutputBytes) upperBound += blockMax
    else upperBound += blockOutputBytes(data, position, position + size)
    if (upperBound > maxOutputBytes) break
    position += size + checksumBytes
  }
  const end = position + ((flag & flags.contentChecksum) === 0 ? 0 : 4)
  return { frame: data.subarray(0, end), upperBound }
}

/** The size of a block's output: the sum of its literal and match lengths, without copying anything. */
function blockOutputBytes(data: Buffer, start: number, end: number): number {
  let position = start
  let output = 0
  const extended = (length: number): number => {
    if (length < 15) return length
    let total = length
    for (;;) {
      if (position >= end) throw bad('truncated')
      const byte = data[position++]!
      total += byte
      if (byte !== 255) return total
    }
  }
  while (position < end) {
    const token = data[position++]!
    const literals = extended(token >> 4)
    position += literals
    output += literals
    if (position > end) throw bad('truncated')
    if (position === end) break
    position += 2
    output += extended(token & 0x0f) + 4
  }
  return output
}

function asBad(error: unknown): ProtocolError {
  return bad(error instanceof Error ? error.message : String(error))
}

function bad(reason: string): ProtocolError {
  return new ProtocolError('BAD_COMPRESSION', `lz4: ${reason}`)
}
