// Reading batches from a partition log, by offset.
import { ProtocolError } from '@selfmonitor/protocol'
import { LogError } from '../errors.ts'
import { readSegment, type Segment } from '../segment/segment.ts'
import type { ReadOptions, ReadResult } from '../types.ts'
import type { LogContext } from './context.ts'
import { partitionName } from './folders.ts'
import type { LogState } from './state.ts'

/** One read takes at most this much memory, whatever the client asks for: Kafka's `fetch.max.bytes` of a broker. */
const maxReadBytes = 55 * 1024 * 1024

export function readCached(
  context: LogContext,
  state: LogState,
  offset: bigint,
  options: ReadOptions,
): ReadResult | undefined {
  checkRange(state, offset)
  if (offset === state.highWatermark) return result(context, state, [])
  const found = state.tail.read(offset, Math.min(options.maxBytes, maxReadBytes), options.minOneBatch)
  if (found === undefined) return undefined
  if (found.sizeBytes === 0) return result(context, state, [])
  const copy = context.buffers.take(found.sizeBytes)
  let copied = 0
  for (const bytes of found.records) copied += bytes.copy(copy, copied)
  return result(context, state, [copy.subarray(0, copied)])
}

export async function readLog(
  context: LogContext,
  state: LogState,
  offset: bigint,
  options: ReadOptions,
): Promise<ReadResult> {
  const cached = readCached(context, state, offset, options)
  if (cached !== undefined) return cached
  const maxBytes = Math.min(options.maxBytes, maxReadBytes)
  try {
    // Segments may be deleted from the front at any time, so they are found by offset, not by number. Where offsets are missing
    // (a segment's file was lost), the answer begins with the next existing batch, as Kafka's does.
    let segment: Segment | undefined = segmentOf(state, offset)
    while (segment !== undefined) {
      const bytes = await readSegment(context, segment, offset, maxBytes, options.minOneBatch)
      if (bytes !== undefined) return result(context, state, bytes.length > 0 ? [bytes] : [])
      segment = segmentAfter(state, segment.baseOffset)
    }
    return result(context, state, [])
  } catch (error) {
    // Retention may have removed the file during the read.
    if (offset < state.logStartOffset) checkRange(state, offset)
    throw asReadError(context, state, error)
  }
}

/** Logs an error of reading, and translates it into a Kafka error. */
export function asReadError(context: LogContext, state: LogState, error: unknown): LogError {
  const partition = partitionName(state.ref)
  // A consumer repeats its fetch of a damaged batch without end.
  context.limitedLog.log('error', `reading ${partition}`, { partition, err: error }, 'reading a partition log failed')
  if (error instanceof LogError) return error
  const message = `cannot read ${partitionName(state.ref)}: ${(error as Error).message}`
  return new LogError(error instanceof ProtocolError ? 'CORRUPT_MESSAGE' : 'KAFKA_STORAGE_ERROR', message, {
    cause: error,
  })
}

/** @param records at most one view of a buffer of the pool */
function result(context: LogContext, state: LogState, records: readonly Buffer[]): ReadResult {
  const { highWatermark, logStartOffset } = state
  let [bytes] = records
  return {
    records,
    sizeBytes: bytes?.length ?? 0,
    highWatermark,
    lastStableOffset: highWatermark,
    logStartOffset,
    release() {
      if (bytes !== undefined) context.buffers.giveBack(bytes)
      // Only once: the memory may have another user a moment later.
      bytes = undefined
    },
  }
}

/** @throws LogError OFFSET_OUT_OF_RANGE, KAFKA_STORAGE_ERROR when the log is closed */
export function checkRange(state: LogState, offset: bigint): void {
  if (state.closedReason !== undefined) throw new LogError('KAFKA_STORAGE_ERROR', state.closedReason)
  if (offset >= state.logStartOffset && offset <= state.highWatermark) return
  throw new LogError(
    'OFFSET_OUT_OF_RANGE',
    `offset ${offset} of ${partitionName(state.ref)} is outside ${state.logStartOffset}…${state.highWatermark}`,
  )
}

/** The segment whose range contains `offset`. */
function segmentOf(state: LogState, offset: bigint): Segment {
  const { segments } = state
  let low = 0
  let high = segments.length - 1
  while (low < high) {
    const middle = (low + high + 1) >>> 1
    if (segments[middle]!.baseOffset <= offset) low = middle
    else high = middle - 1
  }
  return segments[low]!
}

function segmentAfter(state: LogState, offset: bigint): Segment | undefined {
  return state.segments.find((segment) => segment.baseOffset > offset)
}
