// Writing to a partition log: the only code that adds bytes to a segment. A group of waiting batches gets offsets, goes to
// the file in one call, and only then becomes visible and is acknowledged. When the write fails nothing has happened: the
// partial bytes are cut off again, and every batch of the group is refused.
import { patchBaseOffset, patchLeaderEpoch, patchTimestamp } from '@selfmonitor/protocol'
import { type BatchHeader, lastOffsetOf } from './batch.ts'
import type { LogEnv } from './env.ts'
import { LogError } from './errors.ts'
import { writeFully } from './fs.ts'
import type { ProducedBatch } from './producer-state.ts'
import { rollIsDue, rollSegment } from './roll.ts'
import { logFile, noteBatch, type Segment } from './segment.ts'
import { activeSegment, type LogState, partitionName } from './state.ts'
import type { AppendResult } from './types.ts'
import type { Turn } from './write-queue.ts'

export interface PendingAppend {
  readonly batch: Buffer
  /** With the true `maxTimestamp` once the records are checked. */
  header: BatchHeader
  /** Ends when the records are checked; undefined when they are. Rejects with the LogError that refuses the batch. */
  checking: Promise<BatchHeader> | undefined
  readonly origin: 'client' | 'internal'
  readonly resolve: (result: AppendResult) => void
  readonly reject: (error: LogError) => void
}

/** A batch that has its offset. */
interface Placed {
  readonly append: PendingAppend
  readonly header: BatchHeader
  readonly logAppendTimeMs: bigint
}

/** What one write takes at most; more would only delay the acknowledgement of the first ones. */
const maxGroupBytes = 8 * 1024 * 1024
const maxGroupBatches = 1000

export interface Appender {
  /** Takes what fits into one write from the front of `waiting`, writes and settles it. Never rejects. */
  writeGroup(waiting: PendingAppend[], turn: Turn): Promise<void>
}

/** How much later than their log the index files of the active segment may be. */
const indexDelayMs = 1000

/** @param saveIndex writes what the files of the active segment's index lack, in a turn of its own; never rejects */
export function createAppender(
  env: LogEnv,
  state: LogState,
  sync: () => Promise<void>,
  saveIndex: (segment: Segment) => void,
): Appender {
  /** Set while bytes of a failed write may still be behind the end of the active segment. */
  let cutBeforeWrite = false

  async function writeGroup(waiting: PendingAppend[], turn: Turn): Promise<void> {
    const taken: PendingAppend[] = []
    try {
      if (waiting[0]!.checking !== undefined) await checked(waiting[0]!)
      await prepareSegment(waiting[0]!, turn)
      await write(waiting, taken)
    } catch (error) {
      // Nothing of the group became visible. Where not even the first one was reached, it is refused all the same, or it
      // would be tried for ever.
      const refused = taken.length > 0 ? taken : waiting.splice(0, 1)
      const reason = asStorageError(error)
      for (const append of refused) append.reject(reason)
    }
  }

  /** A large batch is inspected on the side; its place in the order is kept. */
  async function checked(append: PendingAppend): Promise<void> {
    append.header = (await append.checking) ?? append.header
    append.checking = undefined
  }

  function asStorageError(error: unknown): LogError {
    if (error instanceof LogError) return error
    const message = `cannot write to ${partitionName(state.ref)}: ${(error as Error).message}`
    env.logger.error({ partition: partitionName(state.ref), err: error }, 'a write to a partition log failed')
    return new LogError('KAFKA_STORAGE_ERROR', message, { cause: error })
  }

  /** Makes sure that there is a clean file to write to. */
  async function prepareSegment(next: PendingAppend, turn: Turn): Promise<void> {
    if (state.closed !== undefined) throw new LogError('KAFKA_STORAGE_ERROR', state.closed)
    if (cutBeforeWrite) await cutFailedWrite()
    if (state.syncFailed) await sync()
    if (!state.onDisk || rollIsDue(state, next.header, env.clock.now())) await rollSegment(env, state, turn)
  }

  async function cutFailedWrite(): Promise<void> {
    const segment = activeSegment(state)
    await env.files.use(logFile(segment), (fd) => env.fs.truncate(fd, segment.sizeBytes))
    cutBeforeWrite = false
  }

  /** Moves appends from `waiting` to `taken`, up to what one write takes or the segment holds, and writes them. */
  async function write(waiting: PendingAppend[], taken: PendingAppend[]): Promise<void> {
    const { config } = state
    const segment = activeSegment(state)
    const nowMs = env.clock.now()
    const draft = state.producers.draft()
    const placed: Placed[] = []
    const repeated: { readonly append: PendingAppend; readonly original: ProducedBatch }[] = []
    // The segment has been prepared for this one; whatever becomes of it, the next ones are judged anew.
    const [prepared] = waiting
    let nextOffset = state.highWatermark
    let groupBytes = 0

    while (waiting.length > 0 && taken.length < maxGroupBatches && groupBytes < maxGroupBytes) {
      const append = waiting[0]!
      if (append.checking !== undefined) break
      const { header } = append
      if (append !== prepared && rollIsDue(state, header, nowMs, groupBytes, nextOffset)) break
      waiting.shift()
      try {
        if (header.producerId >= 0n && append.origin === 'client') {
          const original = draft.check(header, partitionName(state.ref))
          if (original !== undefined) {
            taken.push(append)
            repeated.push({ append, original })
            continue
          }
        }
      } catch (error) {
        append.reject(asStorageError(error))
        continue
      }
      taken.push(append)
      const stamped = place(append, nextOffset, nowMs)
      placed.push(stamped)
      if (header.producerId >= 0n && header.baseSequence >= 0) {
        draft.record(header, nextOffset, stamped.header.maxTimestamp, nowMs)
      }
      nextOffset = lastOffsetOf(stamped.header) + 1n
      groupBytes += header.sizeBytes
    }
    if (placed.length > 0) {
      await writeBytes(placed)
      let position = segment.sizeBytes
      for (const { append, header } of placed) {
        noteBatch(segment, header, position, config.indexIntervalBytes)
        position += header.sizeBytes
        state.tail.add({ baseOffset: header.baseOffset, lastOffset: lastOffsetOf(header), bytes: append.batch })
      }
      draft.commit()
      state.highWatermark = nextOffset
      state.appendedBytes += groupBytes
      if (config.flushMs < Number.MAX_SAFE_INTEGER) flushLater(config.flushMs)
      env.deadlines.ensure(segment.index!, indexDelayMs, () => saveIndex(segment))
    }
    settle(placed, repeated)
    if (placed.length > 0) for (const listener of [...state.listeners]) listener()
  }

  /** Patches what the broker decides into the batch. */
  function place(append: PendingAppend, baseOffset: bigint, nowMs: number): Placed {
    const { batch, header } = append
    const stamp = state.config.timestampType === 'LogAppendTime' && append.origin === 'client'
    patchBaseOffset(batch, baseOffset)
    patchLeaderEpoch(batch, 0)
    const maxTimestamp = stamp ? BigInt(Math.trunc(nowMs)) : header.maxTimestamp
    // A client cannot claim the broker's stamp: on a CreateTime topic the flag is taken off.
    patchTimestamp(batch, stamp ? 'LogAppendTime' : 'CreateTime', maxTimestamp)
    return {
      append,
      header: { ...header, baseOffset, maxTimestamp },
      logAppendTimeMs: stamp ? maxTimestamp : -1n,
    }
  }

  async function writeBytes(placed: readonly Placed[]): Promise<void> {
    const segment = activeSegment(state)
    const records = placed.reduce((sum, { header }) => sum + header.recordsCount, 0)
    try {
      await env.files.use(logFile(segment), (fd) =>
        writeFully(
          env.fs,
          fd,
          placed.map(({ append }) => append.batch),
          segment.sizeBytes,
        ),
      )
      state.unflushedRecords += records
      if (state.unflushedRecords >= state.config.flushMessages || state.config.flushMs === 0) await sync()
    } catch (error) {
      cutBeforeWrite = true
      // Tried at once, so that a full disk is not kept full by bytes that belong to nobody. When even this fails, the next
      // append tries again before it writes.
      await cutFailedWrite().catch((cutError) => {
        env.logger.error(
          { partition: partitionName(state.ref), err: cutError },
          'cannot cut off a failed write; the log takes no records until it can',
        )
      })
      throw error
    }
  }

  function flushLater(delayMs: number): void {
    env.deadlines.ensure(state, delayMs, () => {
      sync().catch((error) => {
        env.logger.error({ partition: partitionName(state.ref), err: error }, 'syncing a partition log failed')
      })
    })
  }

  function settle(
    placed: readonly Placed[],
    repeated: readonly { readonly append: PendingAppend; readonly original: ProducedBatch }[],
  ): void {
    const { logStartOffset } = state
    for (const { append, header, logAppendTimeMs } of placed) {
      append.resolve({
        baseOffset: header.baseOffset,
        lastOffset: lastOffsetOf(header),
        logAppendTimeMs,
        logStartOffset,
        duplicate: false,
      })
    }
    for (const { append, original } of repeated) {
      append.resolve({
        baseOffset: original.baseOffset,
        lastOffset: original.lastOffset,
        logAppendTimeMs: state.config.timestampType === 'LogAppendTime' ? original.timestamp : -1n,
        logStartOffset,
        duplicate: true,
      })
    }
  }

  return { writeGroup }
}
