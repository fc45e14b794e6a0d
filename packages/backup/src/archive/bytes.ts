// The bytes of an object as they come, asked for in pieces.

export class UnexpectedEnd extends Error {}

export interface ByteReader {
  /** How many bytes have been taken. */
  readonly position: number
  /** @returns whether there is nothing left */
  atEnd(): Promise<boolean>
  /** The next bytes, a view until the next call. @throws UnexpectedEnd when there are fewer */
  take(length: number): Promise<Buffer>
  /** Avro's variable-length, zig-zag number. @throws UnexpectedEnd */
  takeLong(): Promise<bigint>
}

export function byteReader(parts: AsyncIterator<Buffer>): ByteReader {
  let buffered: Buffer = Buffer.alloc(0)
  let ended = false
  let position = 0

  /** @returns whether so many bytes are there */
  async function fill(length: number): Promise<boolean> {
    if (buffered.length >= length) return true
    const pieces = [buffered]
    let size = buffered.length
    while (size < length && !ended) {
      const { value, done } = await parts.next()
      if (done === true) ended = true
      else {
        pieces.push(value)
        size += value.length
      }
    }
    buffered = pieces.length === 1 ? buffered : Buffer.concat(pieces)
    return buffered.length >= length
  }

  async function take(length: number): Promise<Buffer> {
    if (!(await fill(length))) {
      throw new UnexpectedEnd(`it ends after ${position + buffered.length} bytes, where ${length} more are needed`)
    }
    const taken = buffered.subarray(0, length)
    buffered = buffered.subarray(length)
    position += length
    return taken
  }

  return {
    get position() {
      return position
    },
    atEnd: async () => !(await fill(1)),
    take,
    async takeLong() {
      let value = 0n
      for (let shift = 0n; shift < 70n; shift += 7n) {
        const byte = (await take(1))[0]!
        value |= BigInt(byte & 0x7f) << shift
        if (byte < 0x80) return (value >> 1n) ^ -(value & 1n)
      }
      throw new RangeError(`no number begins at byte ${position}`)
    },
  }
}
