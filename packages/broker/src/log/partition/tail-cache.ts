// The newest batches of all partitions in memory, so that consumers that keep up never cause a read from disk. One block of
// memory is a ring: the newest batch takes the place of the oldest ones, of whichever partition.

export interface CachedBatch {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  readonly bytes: Buffer
}

/** The part of the cache that belongs to one log: its batches without a gap up to the log's end. */
export interface LogTail {
  /** Copies the batch. */
  add(batch: CachedBatch): void
  /**
   * Whole batches from the one that contains `offset`, up to `maxBytes`; undefined when the cache does not have that batch.
   * With `minOneBatch` the first batch is returned whatever its size. The buffers are views of the cache: they are valid only
   * until the next batch is added, to any log.
   */
  read(offset: bigint, maxBytes: number, minOneBatch: boolean): { records: Buffer[]; sizeBytes: number } | undefined
  clear(): void
}

export interface TailCache {
  openTail(): LogTail
}

interface Entry {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  /** The position of the batch in the block. */
  readonly start: number
  readonly end: number
  readonly owner: Queue<Entry>
}

/** A growing list whose first element can be removed cheaply. */
interface Queue<T> {
  items: T[]
  head: number
}

function dropFirst<T>(queue: Queue<T>): void {
  queue.items[queue.head] = undefined as T
  queue.head++
  if (queue.head > 64 && queue.head * 2 > queue.items.length) {
    queue.items = queue.items.slice(queue.head)
    queue.head = 0
  }
}

/** What an entry costs besides its bytes; many tiny batches must not make the cache a multiple of its limit. */
const minBytesPerEntry = 512

/** @param limitBytes size of the block; 0: no cache */
export function createTailCache(limitBytes: number): TailCache {
  const maxEntries = Math.ceil(limitBytes / minBytesPerEntry)
  /** Allocated when it is needed; the kernel provides its pages when they are first written to. */
  let block: Buffer | undefined
  /** Where the next batch goes. */
  let position = 0
  /** Every batch in the block, oldest first, including those that their log has dropped. */
  const order: Queue<Entry> = { items: [], head: 0 }

  function dropOldest(): void {
    const entry = order.items[order.head]!
    dropFirst(order)
    if (entry.owner.items[entry.owner.head] === entry) dropFirst(entry.owner)
  }

  /** Makes room for `size` bytes. The oldest batch is always the next one in the block, or the first one. */
  function reserve(size: number): number {
    const oldest = () => order.items[order.head]
    if (position + size > limitBytes) {
      for (let entry = oldest(); entry !== undefined && entry.start >= position; entry = oldest()) dropOldest()
      position = 0
    }
    const start = position
    position += size
    for (let entry = oldest(); entry !== undefined; entry = oldest()) {
      const overlaps = entry.start < position && entry.end > start
      if (!overlaps && order.items.length - order.head < maxEntries) break
      dropOldest()
    }
    return start
  }

  return {
    openTail() {
      const own: Queue<Entry> = { items: [], head: 0 }
      const clear = () => {
        own.items = []
        own.head = 0
      }
      return {
        add({ baseOffset, lastOffset, bytes }) {
          // Without the newest batch there would be a gap.
          if (bytes.length > limitBytes) return clear()
          block ??= Buffer.allocUnsafeSlow(limitBytes)
          const start = reserve(bytes.length)
          bytes.copy(block, start)
          const entry = { baseOffset, lastOffset, start, end: start + bytes.length, owner: own }
          own.items.push(entry)
          order.items.push(entry)
        },
        read(offset, maxBytes, minOneBatch) {
          const { items } = own
          let low = own.head
          let high = items.length
          if (low === high || items[low]!.baseOffset > offset) return undefined
          while (low < high) {
            const middle = (low + high) >>> 1
            if (items[middle]!.lastOffset < offset) low = middle + 1
            else high = middle
          }
          if (low === items.length) return undefined
          const records: Buffer[] = []
          let sizeBytes = 0
          for (let index = low; index < items.length; index++) {
            const { start, end } = items[index]!
            if (sizeBytes + end - start > maxBytes && !(minOneBatch && index === low)) break
            records.push(block!.subarray(start, end))
            sizeBytes += end - start
          }
          return { records, sizeBytes }
        },
        clear,
      }
    },
  }
}
