// Splits a stream of bytes into Kafka's frames: a size of four bytes, then that many bytes.
//
// Pure. A frame within one chunk is a view of it. One that spans chunks is copied once, into a buffer of the pool that grows as bytes
// arrive, not by the announced size, so that a client must send what it makes the broker hold. The receiver of a frame may give it
// back to the pool.
import { type BufferPool, createBufferPool } from '../buffer-pool.ts'

/** The stream cannot be a Kafka client's; the connection must be closed. */
export class FrameError extends Error {
  readonly code = 'INVALID_FRAME'
  constructor(message: string) {
    super(message)
    this.name = 'FrameError'
  }
}

const firstAllocation = 64 * 1024

/** @returns whether a frame of `frameBytes` that is not complete may take `moreBytes` of memory */
export type GrowFrame = (moreBytes: number, frameBytes: number) => boolean

/**
 * @param maxFrameBytes `socket.request.max.bytes`
 * @param buffers where memory for frames comes from; by default it is not reused
 * @param grow called before memory is taken; by default it is always allowed
 */
export function makeFrameParser(
  maxFrameBytes: number,
  buffers: BufferPool = createBufferPool(0),
  grow: GrowFrame = () => true,
): FrameParser {
  return new FrameParser(maxFrameBytes, buffers, grow)
}

export class FrameParser {
  private readonly maxFrameBytes: number
  private readonly buffers: BufferPool
  private readonly grow: GrowFrame
  /** A size whose bytes are in several chunks: how many have arrived, and their value. */
  private sizeBytes = 0
  private partialSize = 0
  /** The incomplete frame: its size (-1: not known yet) and the bytes that have arrived. */
  private frameSize = -1
  private frame: Buffer = Buffer.alloc(0)
  private filled = 0
  /** Bytes that `grow` did not allow yet. */
  private rest: Buffer | undefined

  constructor(maxFrameBytes: number, buffers: BufferPool, grow: GrowFrame) {
    this.maxFrameBytes = maxFrameBytes
    this.buffers = buffers
    this.grow = grow
  }

  /** Whether it keeps bytes that it could not take: `resume` is due before the next `push`. */
  get blocked(): boolean {
    return this.rest !== undefined
  }

  /** Bytes that are held for a frame which is not complete. */
  get pendingBytes(): number {
    return this.filled + this.sizeBytes
  }

  /** The memory that was taken for it. */
  get allocatedBytes(): number {
    return this.frame.length
  }

  /** Takes the next bytes and returns the frames that they complete, without their sizes. @throws FrameError */
  push(chunk: Buffer): Buffer[] {
    if (this.rest === undefined) return this.take(chunk)
    this.rest = Buffer.concat([this.rest, chunk])
    return this.resume()
  }

  /** Continues where `grow` did not allow it; the same as pushing nothing. @throws FrameError */
  resume(): Buffer[] {
    const chunk = this.rest
    this.rest = undefined
    return chunk === undefined ? [] : this.take(chunk)
  }

  private take(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = []
    let position = 0
    while (position < chunk.length) {
      if (this.frameSize === -1) {
        position = this.readSize(chunk, position)
        if (this.frameSize === -1 || chunk.length - position < this.frameSize) continue
        frames.push(chunk.subarray(position, position + this.frameSize))
        position += this.frameSize
        this.frameSize = -1
        continue
      }
      const taken = this.fill(chunk, position)
      if (taken < 0) {
        this.rest = chunk.subarray(position)
        break
      }
      position += taken
      if (this.filled < this.frameSize) continue
      frames.push(this.frame.subarray(0, this.frameSize))
      this.frame = Buffer.alloc(0)
      this.filled = 0
      this.frameSize = -1
    }
    return frames
  }

  /** Reads the size of the next frame, or one byte of it when the chunk does not have all four. @returns the position after it */
  private readSize(chunk: Buffer, position: number): number {
    if (this.sizeBytes === 0 && chunk.length - position >= 4) {
      this.frameSize = this.checkSize(chunk.readInt32BE(position))
      return position + 4
    }
    this.partialSize = (this.partialSize << 8) | chunk[position]!
    if (++this.sizeBytes === 4) {
      this.frameSize = this.checkSize(this.partialSize)
      this.sizeBytes = 0
      this.partialSize = 0
    }
    return position + 1
  }

  private checkSize(size: number): number {
    const { maxFrameBytes } = this
    if (size < 0) throw new FrameError(`a request of ${size} bytes: this is not the Kafka protocol`)
    if (size > maxFrameBytes) {
      throw new FrameError(
        `a request of ${size} bytes, socket.request.max.bytes allows ${maxFrameBytes}; perhaps this is not a Kafka client`,
      )
    }
    return size
  }

  /** Copies the bytes of the incomplete frame. @returns how many bytes of the chunk that was, -1 when `grow` does not allow it */
  private fill(chunk: Buffer, from: number): number {
    const wanted = Math.min(this.frameSize - this.filled, chunk.length - from)
    if (this.filled + wanted > this.frame.length) {
      const size = Math.min(this.frameSize, Math.max(this.frame.length * 2, this.filled + wanted, firstAllocation))
      if (!this.grow(size - this.frame.length, this.frameSize)) return -1
      const larger = this.buffers.take(size)
      this.frame.copy(larger, 0, 0, this.filled)
      this.buffers.giveBack(this.frame)
      this.frame = larger
    }
    chunk.copy(this.frame, this.filled, from, from + wanted)
    this.filled += wanted
    return wanted
  }
}
