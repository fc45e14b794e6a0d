// Collects a frame: small values go into one growing buffer, record data is passed through as the buffers it came in.
import { ProtocolError } from '../protocol-error.ts'
import type { Uuid } from '../types.ts'
import { maxStringBytes } from './reader.ts'

// Below this, copying is cheaper than another entry in the socket's write list.
const copyBelowBytes = 1024

export class Writer {
  private buffer: Buffer
  private position = 0
  /** Bytes of `buffer` before this are in `chunks` already. */
  private flushed = 0
  private flushedBytes = 0
  private readonly chunks: Buffer[] = []

  constructor(initialBytes = 512) {
    this.buffer = Buffer.allocUnsafe(initialBytes)
  }

  /** Bytes written so far. */
  get size(): number {
    return this.flushedBytes + this.position - this.flushed
  }

  private reserve(size: number): number {
    const start = this.position
    const end = start + size
    if (end > this.buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(end, this.buffer.length * 2))
      this.buffer.copy(grown, this.flushed, this.flushed, start)
      this.buffer = grown
    }
    this.position = end
    return start
  }

  bool(value: boolean): void {
    const at = this.reserve(1)
    this.buffer[at] = value ? 1 : 0
  }

  int8(value: number): void {
    const at = this.reserve(1)
    this.buffer.writeInt8(value, at)
  }

  int16(value: number): void {
    const at = this.reserve(2)
    this.buffer.writeInt16BE(value, at)
  }

  uint16(value: number): void {
    const at = this.reserve(2)
    this.buffer.writeUInt16BE(value, at)
  }

  int32(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeInt32BE(value, at)
  }

  uint32(value: number): void {
    const at = this.reserve(4)
    this.buffer.writeUInt32BE(value, at)
  }

  int64(value: bigint): void {
    const at = this.reserve(8)
    // Without the bigints that Node's own way makes: nearly all values are exact numbers.
    const number = Number(value)
    if (Number.isSafeInteger(number)) {
      this.buffer.writeInt32BE(Math.floor(number / 2 ** 32), at)
      this.buffer.writeUInt32BE(number >>> 0, at + 4)
    } else this.buffer.writeBigInt64BE(value, at)
  }

  float64(value: number): void {
    const at = this.reserve(8)
    this.buffer.writeDoubleBE(value, at)
  }

  uuid(value: Uuid): void {
    const at = this.reserve(16)
    if (value.length !== 22 || this.buffer.write(value, at, 16, 'base64url') !== 16) {
      throw new ProtocolError('INVALID_VALUE', `not a uuid of 22 base64url characters: ${JSON.stringify(value)}`)
    }
  }

  unsignedVarint(value: number): void {
    let rest = value >>> 0
    while (rest > 0x7f) {
      const at = this.reserve(1)
      this.buffer[at] = (rest & 0x7f) | 0x80
      rest >>>= 7
    }
    const at = this.reserve(1)
    this.buffer[at] = rest
  }

  varint(value: number): void {
    this.unsignedVarint((value << 1) ^ (value >> 31))
  }

  varlong(value: bigint): void {
    if (value >= -0x40000000n && value < 0x40000000n) {
      this.varint(Number(value))
      return
    }
    let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n))
    while (rest > 0x7fn) {
      const at = this.reserve(1)
      this.buffer[at] = Number(rest & 0x7fn) | 0x80
      rest >>= 7n
    }
    const at = this.reserve(1)
    this.buffer[at] = Number(rest)
  }

  /** A string with its length: int16, or an unsigned varint of length + 1 when compact. */
  text(value: string, compact: boolean): void {
    const size = Buffer.byteLength(value)
    if (size > maxStringBytes) {
      throw new ProtocolError('INVALID_VALUE', `string of ${size} bytes, at most ${maxStringBytes} are allowed`)
    }
    if (compact) this.unsignedVarint(size + 1)
    else this.int16(size)
    const at = this.reserve(size)
    this.buffer.write(value, at, size, 'utf8')
  }

  /** Bytes without a length; copied. */
  raw(value: Uint8Array): void {
    const at = this.reserve(value.length)
    this.buffer.set(value, at)
  }

  /** Bytes without a length; large ones are passed through, so they must not change before the frame is sent. */
  passThrough(value: Buffer): void {
    if (value.length < copyBelowBytes) {
      this.raw(value)
      return
    }
    this.flush()
    this.chunks.push(value)
    this.flushedBytes += value.length
  }

  private flush(): void {
    if (this.position === this.flushed) return
    this.chunks.push(this.buffer.subarray(this.flushed, this.position))
    this.flushedBytes += this.position - this.flushed
    this.flushed = this.position
  }

  /** Writes `body` with its size in bytes, an unsigned varint, in front; the body must not pass bytes through. */
  sized(body: () => void): void {
    const sizeAt = this.reserve(1)
    body()
    const bodySize = this.position - sizeAt - 1
    let extra = 0
    for (let rest = bodySize >>> 7; rest > 0; rest >>>= 7) extra++
    if (extra > 0) {
      this.reserve(extra)
      this.buffer.copyWithin(sizeAt + 1 + extra, sizeAt + 1, sizeAt + 1 + bodySize)
    }
    this.position = sizeAt
    this.unsignedVarint(bodySize)
    this.position = sizeAt + 1 + extra + bodySize
  }

  /** The written bytes, in order. */
  finish(): Buffer[] {
    this.flush()
    return this.chunks
  }
}
