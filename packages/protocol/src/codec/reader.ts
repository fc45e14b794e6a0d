// Reads primitives from a buffer, never past its end; every length is checked before anything is allocated for it.
import { ProtocolError } from '../protocol-error.ts'
import type { Uuid } from '../types.ts'

/** Longest string that Kafka reads or writes, in bytes. */
export const maxStringBytes = 32767

export class Reader {
  readonly buffer: Buffer
  position: number
  /** Exclusive end; lowered while a tagged field is read. */
  end: number

  constructor(buffer: Buffer, position = 0, end = buffer.length) {
    this.buffer = buffer
    this.position = position
    this.end = end
  }

  get remaining(): number {
    return this.end - this.position
  }

  /** Moves past `size` bytes and returns where they begin. */
  take(size: number): number {
    const start = this.position
    if (size > this.end - start) {
      throw new ProtocolError('TRUNCATED', `needs ${size} bytes, ${this.end - start} remain`)
    }
    this.position = start + size
    return start
  }

  bool(): boolean {
    return this.buffer[this.take(1)] !== 0
  }

  int8(): number {
    return this.buffer.readInt8(this.take(1))
  }

  int16(): number {
    return this.buffer.readInt16BE(this.take(2))
  }

  uint16(): number {
    return this.buffer.readUInt16BE(this.take(2))
  }

  int32(): number {
    return this.buffer.readInt32BE(this.take(4))
  }

  uint32(): number {
    return this.buffer.readUInt32BE(this.take(4))
  }

  int64(): bigint {
    return this.buffer.readBigInt64BE(this.take(8))
  }

  float64(): number {
    return this.buffer.readDoubleBE(this.take(8))
  }

  uuid(): Uuid {
    const start = this.take(16)
    return this.buffer.toString('base64url', start, start + 16)
  }

  /** An unsigned varint of at most 32 bits: seven bits a byte, least significant first. */
  unsignedVarint(): number {
    let value = 0
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.buffer[this.take(1)]!
      if (shift === 28 && byte > 0x0f) break
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value >>> 0
    }
    throw new ProtocolError('MALFORMED', 'varint is longer than 32 bits')
  }

  /** A zigzag varint of at most 32 bits. */
  varint(): number {
    const raw = this.unsignedVarint()
    return (raw >>> 1) ^ -(raw & 1)
  }

  /** A zigzag varint of at most 64 bits. */
  varlong(): bigint {
    // Nearly all fit in 28 bits: numbers until then, bigint only beyond.
    let low = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = this.buffer[this.take(1)]!
      low |= (byte & 0x7f) << shift
      if (byte < 0x80) return BigInt((low >>> 1) ^ -(low & 1))
    }
    let value = BigInt(low)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = this.buffer[this.take(1)]!
      if (shift === 63n && byte > 0x01) break
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return (value >> 1n) ^ -(value & 1n)
    }
    throw new ProtocolError('MALFORMED', 'varint is longer than 64 bits')
  }

  text(size: number): string {
    if (size > maxStringBytes) {
      throw new ProtocolError('MALFORMED', `string of ${size} bytes, at most ${maxStringBytes} are allowed`)
    }
    const start = this.take(size)
    const text = this.buffer.toString('utf8', start, start + size)
    // A byte that is not UTF-8 becomes a character of three: the text must still fit into an answer that repeats it.
    if (size > maxStringBytes / 3 && Buffer.byteLength(text) > maxStringBytes) {
      throw new ProtocolError('MALFORMED', `string of ${size} bytes that are not UTF-8`)
    }
    return text
  }

  /** A view, not a copy. */
  view(size: number): Buffer {
    const start = this.take(size)
    return this.buffer.subarray(start, start + size)
  }
}
