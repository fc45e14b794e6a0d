// Writing to a partition log: the only code that adds bytes to a segment. A group of waiting batches gets offsets, goes to
// the file in one call, and only then becomes visible and is acknowledged. When the write fails, its partial bytes are cut off
// again and every batch of the group fails, so that the log is as it was before.
import { patchBaseOffset, patchLeaderEpoch, patchTimestamp } from '@selfmonitor/protocol'
import { type BatchHeader, lastOffsetOf } from '../batch/batch.ts'
import { writeFully } from '../disk/fs.ts'
import { LogError } from '../errors.ts'
import type { ProducedBatch, ProducerDraft } from '../producers/producer-state.ts'
import { noteBatch, type Segment, saveIndex } from '../segment/segment.ts'
import { logFile } from '../segment/segment-files.ts'
import type { LogContext } from './context.ts'
import { partitionName } from './folders.ts'
import { rollIsDue, rollSegment } from './roll.ts'
import { activeSegment, type LogState, notifyListeners, type PendingAppend } from './state.ts'
import { syncAll } from './sync.ts'
import type { Turn } from './write-queue.ts'

/** A batch that has its offset. */
interface PlacedBatch {
  readonly append: PendingAppend
  readonly header: BatchHeader
  readonly logAppendTimeMs: bigint
}

/** A batch that the log already has (idempotent producer). */
interface RepeatedBatch {
  readonly append: PendingAppend
  readonly original: ProducedBatch
}

/** The batches of one write. */
interface WriteGroup {
  readonly placed: PlacedBatch[]
  readonly repeated: RepeatedBatch[]
  /** The producers as they are after the write. */
  readonly producers: ProducerDraft
  nextOffset: bigint
  sizeBytes: number
}

/** The most that one write takes; more would only delay the acknowledgement of its first batches. */
const maxGroupBytes = 8 * 1024 * 1024
const maxGroupBatches = 1000

/** How much later than their log the index files of the active segment may be. */
const indexDelayMs = 1000

/** Takes what fits into one write from the front of `waiting`, writes it and settles it. Never rejects. */
export async function writeGroup(
  context: LogContext,
  state: LogState,
  waiting: PendingAppend[],
  turn: Turn,
): Promise<void> {
  const taken: PendingAppend[] = []
  try {
    if (waiting[0]!.checking !== undefined) await awaitCheck(waiting[0]!)
    await prepareSegment(context, state, waiting[0]!, turn)
    await writeNext(context, state, waiting, taken)
  } catch (error) {
    // Nothing of the group became visible. If not even its first batch was taken, that one fails all the same: otherwise it
    // would be tried again and again.
    const failed = taken.length > 0 ? taken : waiting.splice(0, 1)
    const reason = asStorageError(context, state, error)
    for (const append of failed) append.reject(reason)
  }
}

/** A large batch is inspected outside the queue and keeps its place in the order. */
async function awaitCheck(append: PendingAppend): Promise<void> {
  append.header = (await append.checking) ?? append.header
  append.checking = undefined
}

function asStorageError(context: LogContext, { ref }: LogState, error: unknown): LogError {
  if (error instanceof LogError) return error
  const message = `cannot write to ${partitionName(ref)}: ${(error as Error).message}`
  context.logger.error({ partition: partitionName(ref), err: error }, 'a write to a partition log failed')
  return new LogError('KAFKA_STORAGE_ERROR', message, { cause: error })
}

/** Makes sure that there is an active segment without partial bytes and with room for the next batch. */
async function prepareSegment(context: LogContext, state: LogState, next: PendingAppend, turn: Turn): Promise<void> {
  if (state.closedReason !== undefined) throw new LogError('KAFKA_STORAGE_ERROR', state.closedReason)
  if (state.partialWrite) await cutPartialWrite(context, state)
  if (state.syncFailed) await syncAll(context, state)
  if (!state.onDisk || rollIsDue(state, next.header, context.clock.now())) await rollSegment(context, state, turn)
}

async function cutPartialWrite(context: LogContext, state: LogState): Promise<void> {
  const segment = activeSegment(state)
  await context.files.use(logFile(segment), (fd) => context.fs.truncate(fd, segment.sizeBytes))
  state.partialWrite = false
}

/** Moves appends from `waiting` to `taken`, up to what one write takes or the segment holds, and writes them. */
async function writeNext(
  context: LogContext,
  state: LogState,
  waiting: PendingAppend[],
  taken: PendingAppend[],
): Promise<void> {
  const group = takeGroup(context, state, waiting, taken)
  if (group.placed.length > 0) {
    await writeBytes(context, state, group.placed)
    publish(context, state, group)
  }
  settle(state, group)
  if (group.placed.length > 0) notifyListeners(state)
}

/** Chooses the batches of one write and gives them their offsets. Batches that their producer's state forbids are rejected. */
function takeGroup(context: LogContext, state: LogState, waiting: PendingAppend[], taken: PendingAppend[]): WriteGroup {
  const nowMs = context.clock.now()
  const producers = state.producers.draft()
  const group: WriteGroup = { placed: [], repeated: [], producers, nextOffset: state.highWatermark, sizeBytes: 0 }
  // The segment has been prepared for this batch, whatever becomes of it. Each later one is checked anew.
  const [prepared] = waiting
  while (waiting.length > 0 && taken.length < maxGroupBatches && group.sizeBytes < maxGroupBytes) {
    const append = waiting[0]!
    if (append.checking !== undefined) break
    const { header } = append
    if (append !== prepared && rollIsDue(state, header, nowMs, group.sizeBytes, group.nextOffset)) break
    waiting.shift()
    try {
      if (header.producerId >= 0n && append.origin === 'client') {
        const original = producers.check(header, partitionName(state.ref))
        if (original !== undefined) {
          taken.push(append)
          group.repeated.push({ append, original })
          continue
        }
      }
    } catch (error) {
      append.reject(asStorageError(context, state, error))
      continue
    }
    taken.push(append)
    place(state, group, append, nowMs)
  }
  return group
}

/** Patches into the batch what the broker decides: offset, leader epoch and timestamp. */
function place(state: LogState, group: WriteGroup, append: PendingAppend, nowMs: number): void {
  const { batch, header } = append
  const baseOffset = group.nextOffset
  const stamp = state.config.timestampType === 'LogAppendTime' && append.origin === 'client'
  patchBaseOffset(batch, baseOffset)
  patchLeaderEpoch(batch, 0)
  const maxTimestamp = stamp ? BigInt(Math.trunc(nowMs)) : header.maxTimestamp
  // A client cannot claim the broker's stamp: on a CreateTime topic the flag is removed.
  patchTimestamp(batch, stamp ? 'LogAppendTime' : 'CreateTime', maxTimestamp)
  const placed = { ...header, baseOffset, maxTimestamp }
  group.placed.push({ append, header: placed, logAppendTimeMs: stamp ? maxTimestamp : -1n })
  if (header.producerId >= 0n && header.baseSequence >= 0) {
    group.producers.record(header, baseOffset, maxTimestamp, nowMs)
  }
  group.nextOffset = lastOffsetOf(placed) + 1n
  group.sizeBytes += header.sizeBytes
}

async function writeBytes(context: LogContext, state: LogState, placed: readonly PlacedBatch[]): Promise<void> {
  const segment = activeSegment(state)
  const records = placed.reduce((sum, { header }) => sum + header.recordsCount, 0)
  const batches = placed.map(({ append }) => append.batch)
  try {
    await context.files.use(logFile(segment), (fd) => writeFully(context.fs, fd, batches, segment.sizeBytes))
    state.unflushedRecords += records
    if (state.unflushedRecords >= state.config.flushMessages || state.config.flushMs === 0) {
      await syncAll(context, state)
    }
  } catch (error) {
    state.partialWrite = true
    // Tried at once, so that orphaned bytes do not keep a full disk full. When even this fails, the next append tries again
    // before it writes.
    await cutPartialWrite(context, state).catch((cutError) => {
      context.logger.error(
        { partition: partitionName(state.ref), err: cutError },
        'cannot cut off a failed write; the log takes no records until it can',
      )
    })
    throw error
  }
}

/** Makes written batches visible to readers. */
function publish(context: LogContext, state: LogState, { placed, producers, nextOffset, sizeBytes }: WriteGroup): void {
  const { config } = state
  const segment = activeSegment(state)
  let position = segment.sizeBytes
  for (const { append, header } of placed) {
    noteBatch(segment, header, position, config.indexIntervalBytes)
    position += header.sizeBytes
    state.tail.add({ baseOffset: header.baseOffset, lastOffset: lastOffsetOf(header), bytes: append.batch })
  }
  producers.commit()
  countAppended(context, state, placed, sizeBytes)
  state.highWatermark = nextOffset
  state.appendedBytes += sizeBytes
  if (config.flushMs < Number.MAX_SAFE_INTEGER) syncLater(context, state, config.flushMs)
  context.deadlines.ensure(segment.index!, indexDelayMs, () => saveActiveIndex(context, state, segment))
}

function countAppended(
  { counters }: LogContext,
  { ref }: LogState,
  placed: readonly PlacedBatch[],
  bytes: number,
): void {
  let messages = 0
  for (const { header } of placed) messages += header.recordsCount
  counters.appended(counters.topic(ref.topic), bytes, messages)
}

function syncLater(context: LogContext, state: LogState, delayMs: number): void {
  context.deadlines.ensure(state, delayMs, () => {
    syncAll(context, state).catch((error) => {
      context.logger.error({ partition: partitionName(state.ref), err: error }, 'syncing a partition log failed')
    })
  })
}

/** Kafka's tools also read the index files of the active segment. */
function saveActiveIndex(context: LogContext, state: LogState, segment: Segment): void {
  const saved = state.queue.exclusive(async () => {
    if (state.closedReason === undefined && segment === activeSegment(state)) await saveIndex(context, segment)
  })
  saved.catch((error) => {
    const about = { file: logFile(segment), err: error }
    context.limitedLog.log('warn', 'index', about, 'cannot write the index of a segment')
  })
}

function settle(state: LogState, { placed, repeated }: WriteGroup): void {
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
