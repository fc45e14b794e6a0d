// Writes to `__consumer_offsets`. Records of a partition that are queued in the same turn of the event loop, or during a write, are
// written as one batch.
//
// State changes in memory first, and the answer waits for the write. If the write fails, everything queued after it fails, too, and
// each change is undone, newest first, so that memory agrees with the log again.
import type { GroupLog, GroupRecord } from './types.ts'

/** A batch stays well below the default `max.message.bytes`. */
const maxBatchBytes = 512 * 1024

interface Write {
  readonly records: readonly GroupRecord[]
  readonly undo: (() => void) | undefined
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

interface Queue {
  waiting: Write[]
  running: boolean
  /** Records in the partition, since it was last rewritten. */
  written: number
  /** At this number of records the live ones are counted. */
  checkAt: number
  rewrite: boolean
  idle: Promise<void> | undefined
  wake: (() => void) | undefined
}

export interface GroupWriter {
  /**
   * Queues records for one batch.
   * @param undo undoes the change in memory when it could not be written
   * @returns resolves when they are durable, rejects with the error of the log
   */
  append(partition: number, records: readonly GroupRecord[], undo?: () => void): Promise<void>
  /** Resolves when everything queued so far is written or has failed; undefined when nothing is. */
  settled(partition: number): Promise<void> | undefined
  /** Counts records that were replayed, towards the next rewrite. */
  replayed(partition: number, records: number): void
  /** Waits for everything. */
  drain(): Promise<void>
}

export interface GroupWriterOptions {
  readonly log: GroupLog
  readonly now: () => number
  /** Everything that a partition has to keep, as records. */
  readonly live: (partition: number) => readonly GroupRecord[]
  /** A partition is rewritten when it holds more than twice its live records and this many. */
  readonly rewriteAfter: number
  readonly onRewrite: (partition: number, before: number, after: number) => void
  readonly onRewriteFailed: (partition: number, error: unknown) => void
}

export function createGroupWriter(options: GroupWriterOptions): GroupWriter {
  const queues = new Map<number, Queue>()
  const queueOf = (partition: number): Queue => {
    let queue = queues.get(partition)
    if (!queue) {
      const checkAt = options.rewriteAfter
      queue = { waiting: [], running: false, written: 0, checkAt, rewrite: false, idle: undefined, wake: undefined }
      queues.set(partition, queue)
    }
    return queue
  }

  const start = (partition: number, queue: Queue): void => {
    if (queue.running) return
    queue.running = true
    queue.idle = new Promise((resolve) => {
      queue.wake = resolve
    })
    setImmediate(() => void run(partition, queue))
  }

  const run = async (partition: number, queue: Queue): Promise<void> => {
    while (queue.waiting.length > 0 || queue.rewrite) {
      if (queue.waiting.length > 0) await writeNext(partition, queue)
      else await rewrite(partition, queue)
    }
    queue.running = false
    queue.idle = undefined
    queue.wake?.()
  }

  const writeNext = async (partition: number, queue: Queue): Promise<void> => {
    const batch = takeBatch(queue)
    const records = batch.flatMap((write) => write.records)
    try {
      // One batch, however large a single write is, because it must be on disk completely or not at all.
      await options.log.append(partition, records, options.now())
    } catch (error) {
      const failed = [...batch, ...queue.waiting]
      queue.waiting = []
      for (const write of failed.toReversed()) write.undo?.()
      for (const write of failed) write.reject(error)
      return
    }
    count(partition, queue, records.length)
    for (const write of batch) write.resolve()
  }

  const count = (partition: number, queue: Queue, records: number): void => {
    queue.written += records
    if (queue.written <= queue.checkAt) return
    queue.checkAt = 2 * options.live(partition).length + options.rewriteAfter
    queue.rewrite = queue.written > queue.checkAt
  }

  const rewrite = async (partition: number, queue: Queue): Promise<void> => {
    queue.rewrite = false
    const live = options.live(partition)
    const before = queue.written
    try {
      await options.log.replace(partition, live, options.now())
      queue.written = live.length
      queue.checkAt = 2 * live.length + options.rewriteAfter
      options.onRewrite(partition, before, live.length)
    } catch (error) {
      options.onRewriteFailed(partition, error)
      queue.checkAt = before + options.rewriteAfter
    }
  }

  return {
    append(partition, records, undo) {
      if (records.length === 0) return Promise.resolve()
      const queue = queueOf(partition)
      return new Promise<void>((resolve, reject) => {
        queue.waiting.push({ records, undo, resolve, reject })
        start(partition, queue)
      })
    },
    settled(partition) {
      return queues.get(partition)?.idle
    },
    replayed(partition, records) {
      const queue = queueOf(partition)
      count(partition, queue, records)
      if (queue.rewrite) start(partition, queue)
    },
    async drain() {
      for (const queue of queues.values()) while (queue.idle) await queue.idle
    },
  }
}

/** Whole writes, as many as fit one batch and at least one. */
function takeBatch(queue: Queue): readonly Write[] {
  let bytes = 0
  let count = 0
  for (const write of queue.waiting) {
    bytes += sizeOf(write.records)
    if (count > 0 && bytes > maxBatchBytes) break
    count++
  }
  return queue.waiting.splice(0, count)
}

export function* partsOf(records: readonly GroupRecord[]): Generator<readonly GroupRecord[]> {
  let part: GroupRecord[] = []
  let bytes = 0
  for (const record of records) {
    const size = sizeOf([record])
    if (part.length > 0 && bytes + size > maxBatchBytes) {
      yield part
      part = []
      bytes = 0
    }
    part.push(record)
    bytes += size
  }
  if (part.length > 0) yield part
}

function sizeOf(records: readonly GroupRecord[]): number {
  let bytes = 0
  for (const { key, value } of records) bytes += key.length + (value?.length ?? 0) + 16
  return bytes
}
