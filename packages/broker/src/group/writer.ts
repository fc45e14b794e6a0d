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

export class GroupWriter {
  private readonly options: GroupWriterOptions
  private readonly queues = new Map<number, Queue>()

  constructor(options: GroupWriterOptions) {
    this.options = options
  }

  /**
   * Queues records for one batch.
   * @param undo undoes the change in memory when it could not be written
   * @returns resolves when they are durable, rejects with the error of the log
   */
  append(partition: number, records: readonly GroupRecord[], undo?: () => void): Promise<void> {
    if (records.length === 0) return Promise.resolve()
    const queue = this.queueOf(partition)
    return new Promise<void>((resolve, reject) => {
      queue.waiting.push({ records, undo, resolve, reject })
      this.start(partition, queue)
    })
  }

  /** Resolves when everything queued so far is written or has failed; undefined when nothing is. */
  settled(partition: number): Promise<void> | undefined {
    return this.queues.get(partition)?.idle
  }

  /** Counts records that were replayed, towards the next rewrite. */
  replayed(partition: number, records: number): void {
    const queue = this.queueOf(partition)
    this.count(partition, queue, records)
    if (queue.rewrite) this.start(partition, queue)
  }

  /** Waits until every queued record is written. */
  async drain(): Promise<void> {
    for (const queue of this.queues.values()) while (queue.idle) await queue.idle
  }

  private queueOf(partition: number): Queue {
    const known = this.queues.get(partition)
    if (known) return known
    const checkAt = this.options.rewriteAfter
    const queue = {
      waiting: [],
      running: false,
      written: 0,
      checkAt,
      rewrite: false,
      idle: undefined,
      wake: undefined,
    }
    this.queues.set(partition, queue)
    return queue
  }

  private start(partition: number, queue: Queue): void {
    if (queue.running) return
    queue.running = true
    queue.idle = new Promise((resolve) => {
      queue.wake = resolve
    })
    setImmediate(() => void this.run(partition, queue))
  }

  private async run(partition: number, queue: Queue): Promise<void> {
    while (queue.waiting.length > 0 || queue.rewrite) {
      if (queue.waiting.length > 0) await this.writeNext(partition, queue)
      else await this.rewrite(partition, queue)
    }
    queue.running = false
    queue.idle = undefined
    queue.wake?.()
  }

  private async writeNext(partition: number, queue: Queue): Promise<void> {
    const { log, now } = this.options
    const batch = takeBatch(queue)
    const records = batch.flatMap((write) => write.records)
    try {
      // One batch, however large a single write is, because it must be on disk completely or not at all.
      await log.append(partition, records, now())
    } catch (error) {
      const failed = [...batch, ...queue.waiting]
      queue.waiting = []
      for (const write of failed.toReversed()) write.undo?.()
      for (const write of failed) write.reject(error)
      return
    }
    this.count(partition, queue, records.length)
    for (const write of batch) write.resolve()
  }

  /** Counts written records. Once there are many, it decides whether to rewrite the partition. */
  private count(partition: number, queue: Queue, records: number): void {
    queue.written += records
    if (queue.written <= queue.checkAt) return
    queue.checkAt = 2 * this.options.live(partition).length + this.options.rewriteAfter
    queue.rewrite = queue.written > queue.checkAt
  }

  private async rewrite(partition: number, queue: Queue): Promise<void> {
    const { log, live: liveOf, now, rewriteAfter, onRewrite, onRewriteFailed } = this.options
    queue.rewrite = false
    const live = liveOf(partition)
    const before = queue.written
    try {
      await log.replace(partition, live, now())
      queue.written = live.length
      queue.checkAt = 2 * live.length + rewriteAfter
      onRewrite(partition, before, live.length)
    } catch (error) {
      onRewriteFailed(partition, error)
      queue.checkAt = before + rewriteAfter
    }
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
