// The newest batches of all partitions in memory, within one global bound, so that consumers who keep up never cause a
// read from disk. First in, first out over all partitions.

export interface CachedBatch {
  readonly baseOffset: bigint
  readonly lastOffset: bigint
  readonly bytes: Buffer
}

/** The part of the cache that belongs to one log: its batches without a gap up to the log's end. */
export interface LogTail {
  add(batch: CachedBatch): void
  /**
   * Whole batches from the one that contains `offset`, up to `maxBytes`; undefined when that batch is not here.
   * With `minOneBatch` the first batch is returned whatever its size.
   */
  read(offset: bigint, maxBytes: number, minOneBatch: boolean): { records: Buffer[]; sizeBytes: number } | undefined
  clear(): void
}

export interface TailCache {
  readonly sizeBytes: number
  openTail(): LogTail
}

/** A growing list whose front can be dropped cheaply. */
interface Queue<T> {
  items: T[]
  head: number
}

function dropFirst<T>(queue: Queue<T>): T | undefined {
  if (queue.head >= queue.items.length) return undefined
  const first = queue.items[queue.head]!
  queue.items[queue.head] = undefined as T
  queue.head++
  if (queue.head > 64 && queue.head * 2 > queue.items.length) {
    queue.items = queue.items.slice(queue.head)
    queue.head = 0
  }
  return first
}

export function createTailCache(limitBytes: number): TailCache {
  let total = 0
  // One element for each batch in the cache, oldest first: the log it belongs to. A log's own batches leave in the same
  // order, so dropping "the first of that log" drops the oldest of all.
  const order: Queue<{ dropOldest(): void }> = { items: [], head: 0 }

  // A batch is a view of the memory that its request came in, often together with others; that memory as a whole is what
  // is held, once, until the last of its batches leaves.
  const views = new Map<ArrayBufferLike, number>()

  function hold(memory: ArrayBufferLike): void {
    const count = views.get(memory) ?? 0
    if (count === 0) total += memory.byteLength
    views.set(memory, count + 1)
  }

  function release(memory: ArrayBufferLike): void {
    const count = views.get(memory)! - 1
    if (count > 0) {
      views.set(memory, count)
      return
    }
    views.delete(memory)
    total -= memory.byteLength
  }

  function shrink(): void {
    while (total > limitBytes) {
      const oldest = dropFirst(order)
      if (oldest === undefined) return
      oldest.dropOldest()
    }
  }

  return {
    get sizeBytes() {
      return total
    },
    openTail() {
      const own: Queue<CachedBatch> = { items: [], head: 0 }
      let pendingDrops = 0
      const owner = {
        dropOldest() {
          // What `clear` has removed is still in `order`: those places count for nothing.
          if (pendingDrops > 0) {
            pendingDrops--
            return
          }
          const batch = dropFirst(own)
          if (batch !== undefined) release(batch.bytes.buffer)
        },
      }
      return {
        add(batch) {
          own.items.push(batch)
          order.items.push(owner)
          hold(batch.bytes.buffer)
          shrink()
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
            const { bytes } = items[index]!
            if (sizeBytes + bytes.length > maxBytes && !(minOneBatch && index === low)) break
            records.push(bytes)
            sizeBytes += bytes.length
          }
          return { records, sizeBytes }
        },
        clear() {
          for (let batch = dropFirst(own); batch !== undefined; batch = dropFirst(own)) {
            release(batch.bytes.buffer)
            pendingDrops++
          }
        },
      }
    },
  }
}
