// Large buffers that are reused. Each new buffer costs the kernel fresh pages, and V8 collects its whole heap once for every few
// megabytes of them. At full load that took more CPU than everything else.

export interface BufferPool {
  /** A buffer of at least `sizeBytes`, with arbitrary content. */
  take(sizeBytes: number): Buffer
  /**
   * Takes back a buffer that `take` gave, or a view of it. Its memory must not be used afterwards. Anything else, and what
   * was given back before, is ignored. A buffer that is never given back is garbage-collected.
   */
  giveBack(buffer: Buffer): void
}

/** Sizes that are kept. Two of them are a little more than a power of two: a default fetch reads 1 MiB and some. */
const classes = [64, 128, 256, 512, 1088, 2176].map((kib) => kib * 1024)

/** @param keepBytes how much unused memory is kept at most */
export function createBufferPool(keepBytes: number): BufferPool {
  const free = new Map<number, ArrayBuffer[]>(classes.map((size) => [size, []]))
  const lent = new WeakSet<ArrayBufferLike>()
  let freeBytes = 0

  return {
    take(sizeBytes) {
      // Small buffers are cheap to allocate, and the largest ones are too rare to be kept.
      const size = sizeBytes < classes[0]! / 2 ? undefined : classes.find((candidate) => candidate >= sizeBytes)
      if (size === undefined) return Buffer.allocUnsafe(sizeBytes)
      const known = free.get(size)!.pop()
      if (known !== undefined) freeBytes -= size
      const buffer = known === undefined ? Buffer.allocUnsafeSlow(size) : Buffer.from(known)
      lent.add(buffer.buffer)
      return buffer
    },
    giveBack({ buffer: memory }) {
      if (!lent.delete(memory) || freeBytes + memory.byteLength > keepBytes) return
      free.get(memory.byteLength)!.push(memory as ArrayBuffer)
      freeBytes += memory.byteLength
    },
  }
}
