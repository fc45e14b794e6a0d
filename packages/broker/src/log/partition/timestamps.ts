// Offsets by timestamp: the time index narrows the search to a few batches, whose records are then decoded.
import { setImmediate } from 'node:timers/promises'
import { decodePayload, type KafkaRecord } from '@selfmonitor/protocol'
import { type BatchHeader, batchHeaderBytes, lastOffsetOf } from '../batch/batch.ts'
import { readRecords, recordsAStep } from '../batch/inspect.ts'
import { indexOf, maxTimestampOf, readSegment, type Segment, scanSegment } from '../segment/segment.ts'
import { logFile } from '../segment/segment-files.ts'
import type { TimestampAndOffset } from '../types.ts'
import type { LogContext } from './context.ts'
import type { LogState } from './state.ts'

type Found = Pick<KafkaRecord, 'offset' | 'timestamp'>

/** ListOffsets by time: the first record at or after the log start whose timestamp is ≥ `timestamp`. */
export async function findTimestamp(
  context: LogContext,
  state: LogState,
  timestamp: bigint,
): Promise<TimestampAndOffset | undefined> {
  for (const segment of [...state.segments]) {
    if (segment.sizeBytes === 0) continue
    const max = await maxTimestampOf(context, segment)
    if (max.timestamp < timestamp) continue
    const index = await indexOf(context, segment)
    const fromOffset = segment.baseOffset + BigInt(index.offsetForTime(timestamp))
    const found = await firstRecord(context, state, segment, fromOffset, timestamp)
    if (found !== undefined) return found
  }
  return undefined
}

/** ListOffsets -3: the first record that has the log's greatest timestamp (KIP-734). */
export async function findMaxTimestamp(context: LogContext, state: LogState): Promise<TimestampAndOffset | undefined> {
  let best: { segment: Segment; timestamp: bigint; offset: bigint } | undefined
  for (const segment of [...state.segments]) {
    if (segment.sizeBytes === 0) continue
    const max = await maxTimestampOf(context, segment)
    if (best === undefined || max.timestamp > best.timestamp) best = { segment, ...max }
  }
  if (best === undefined) return undefined
  const { segment, timestamp, offset } = best
  return firstRecord(context, state, segment, offset, timestamp)
}

/** The first record with at least this timestamp, in the segment's batches from the one that contains `fromOffset`. */
async function firstRecord(
  context: LogContext,
  state: LogState,
  segment: Segment,
  fromOffset: bigint,
  timestamp: bigint,
): Promise<TimestampAndOffset | undefined> {
  const index = await indexOf(context, segment)
  let from = index.positionFor(Number(fromOffset - segment.baseOffset))
  for (;;) {
    let candidate: { header: BatchHeader; position: number } | undefined
    await context.files.use(logFile(segment), (fd) =>
      scanSegment(context, fd, segment, {
        from,
        onBatch(header, position) {
          if (header.maxTimestamp < timestamp || lastOffsetOf(header) < state.logStartOffset) return true
          candidate = { header, position }
          return false
        },
      }),
    )
    if (candidate === undefined) return undefined
    const { header, position } = candidate
    const batch = await readSegment(context, segment, header.baseOffset, header.sizeBytes, true)
    const found = batch && (await recordAtOrAfter(context, header, batch, state.logStartOffset, timestamp))
    if (found !== undefined) {
      return { timestamp: found.timestamp, offset: found.offset, leaderEpoch: header.partitionLeaderEpoch }
    }
    // The batch's greatest timestamp was before the log start, or not true: continue after the batch.
    from = position + header.sizeBytes
  }
}

/** The first record of the batch with at least this timestamp. A large batch does not block the event loop. */
function recordAtOrAfter(
  context: LogContext,
  header: BatchHeader,
  batch: Buffer,
  logStartOffset: bigint,
  timestamp: bigint,
): Found | undefined | Promise<Found | undefined> {
  const matches = (record: Found) => record.offset >= logStartOffset && record.timestamp >= timestamp
  return readRecords(header, batch.subarray(batchHeaderBytes), context.largeBatches, {
    atOnce(bytes) {
      for (const record of decodePayload(header, bytes)) if (matches(record)) return record
      return undefined
    },
    async inSteps(bytes) {
      let count = 0
      for (const record of decodePayload(header, bytes)) {
        if (matches(record)) return record
        if (++count % recordsAStep === 0) await setImmediate()
      }
      return undefined
    },
  })
}
