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

export interface FrameParser {
  /** Takes the next bytes and returns the frames that they complete, without their sizes. @throws FrameError */
  push(chunk: Buffer): Buffer[]
  /** Continues where `grow` did not allow it; the same as pushing nothing. @throws FrameError */
  resume(): Buffer[]
  /** Whether it keeps bytes that it could not take: `resume` is due before the next `push`. */
  readonly blocked: boolean
  /** Bytes that are held for a frame which is not complete. */
  readonly pendingBytes: number
  /** The memory that was taken for it. */
  readonly allocatedBytes: number
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
  /** A size whose bytes are in several chunks. */
  let sizeBytes = 0
  let partialSize = 0
  /** The incomplete frame: its size (-1: not known yet) and the bytes that have arrived. */
  let frameSize = -1
  let frame: Buffer = Buffer.alloc(0)
  let filled = 0
  /** Bytes that `grow` did not allow yet. */
  let rest: Buffer | undefined

  function checkSize(size: number): number {
    if (size < 0) throw new FrameError(`a request of ${size} bytes: this is not the Kafka protocol`)
    if (size > maxFrameBytes) {
      throw new FrameError(
        `a request of ${size} bytes, socket.request.max.bytes allows ${maxFrameBytes}; perhaps this is not a Kafka client`,
      )
    }
    return size
  }

  /** Copies what belongs to the frame under way; returns how many bytes of the chunk that was, -1 when `grow` does not allow it. */
  function fill(chunk: Buffer, from: number): number {
    const wanted = Math.min(frameSize - filled, chunk.length - from)
    if (filled + wanted > frame.length) {
      const size = Math.min(frameSize, Math.max(frame.length * 2, filled + wanted, firstAllocation))
      if (!grow(size - frame.length, frameSize)) return -1
      const larger = buffers.take(size)
      frame.copy(larger, 0, 0, filled)
      buffers.giveBack(frame)
      frame = larger
    }
    chunk.copy(frame, filled, from, from + wanted)
    filled += wanted
    return wanted
  }

  function take(chunk: Buffer): Buffer[] {
    const frames: Buffer[] = []
    let position = 0
    while (position < chunk.length) {
      if (frameSize === -1) {
        if (sizeBytes === 0 && chunk.length - position >= 4) {
          frameSize = checkSize(chunk.readInt32BE(position))
          position += 4
        } else {
          partialSize = (partialSize << 8) | chunk[position]!
          position++
          if (++sizeBytes < 4) continue
          frameSize = checkSize(partialSize)
          sizeBytes = 0
          partialSize = 0
        }
        if (chunk.length - position >= frameSize) {
          frames.push(chunk.subarray(position, position + frameSize))
          position += frameSize
          frameSize = -1
        }
        continue
      }
      const taken = fill(chunk, position)
      if (taken < 0) {
        rest = chunk.subarray(position)
        break
      }
      position += taken
      if (filled < frameSize) continue
      frames.push(frame.subarray(0, frameSize))
      frame = Buffer.alloc(0)
      filled = 0
      frameSize = -1
    }
    return frames
  }

  function resume(): Buffer[] {
    const chunk = rest
    rest = undefined
    return chunk === undefined ? [] : take(chunk)
  }

  return {
    get pendingBytes() {
      return filled + sizeBytes
    },
    get allocatedBytes() {
      return frame.length
    },
    get blocked() {
      return rest !== undefined
    },
    push(chunk) {
      if (rest === undefined) return take(chunk)
      rest = Buffer.concat([rest, chunk])
      return resume()
    },
    resume,
  }
}
