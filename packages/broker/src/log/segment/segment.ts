// One segment of a partition log: a `.log` file of batches and its two indexes.
import { join } from 'node:path'
import { type BatchHeader, batchHeaderBytes, lastOffsetOf, readStoredHeader } from '../batch/batch.ts'
import { readFully, writeFully } from '../disk/fs.ts'
import { LogError } from '../errors.ts'
import type { SegmentContext } from './context.ts'
import { type ScanEnd, type ScanOptions, scanBatches } from './scan.ts'
import { logFile, offsetFileName, offsetIndexFile, timeIndexFile } from './segment-files.ts'
import { createSegmentIndex, indexProblem, type SegmentIndex } from './segment-index.ts'

export interface Segment {
  readonly baseOffset: bigint
  /** Folder and name without the extension. */
  readonly path: string
  /** Bytes of whole, published batches. */
  sizeBytes: number
  /** The active segment's index stays in memory; others come from `context.indexes` when needed. */
  index: SegmentIndex | undefined
  /** Bytes since the last index entry; grows until `index.interval.bytes`. */
  bytesSinceEntry: number
  /** Greatest timestamp and last offset of its batch; undefined until read from the time index of a closed segment. */
  maxTimestamp: bigint | undefined
  offsetOfMaxTimestamp: bigint
  /** Greatest timestamp of the first batch, from which `segment.ms` counts; undefined while the segment is empty. */
  firstTimestamp: bigint | undefined
  createdMs: number
  /** Writing the index files failed half way, so the next time both are written anew. */
  indexTorn: boolean
}

export function newSegment(dir: string, baseOffset: bigint, createdMs: number): Segment {
  return {
    baseOffset,
    path: join(dir, offsetFileName(baseOffset)),
    sizeBytes: 0,
    index: createSegmentIndex(),
    bytesSinceEntry: 0,
    maxTimestamp: -1n,
    offsetOfMaxTimestamp: baseOffset,
    firstTimestamp: undefined,
    createdMs,
    indexTorn: false,
  }
}

/** Walks over the segment's batches in its log file, which is open as `fd`. */
export function scanSegment(
  { fs }: SegmentContext,
  fd: number,
  { baseOffset, sizeBytes }: Pick<Segment, 'baseOffset' | 'sizeBytes'>,
  options: ScanOptions,
): Promise<ScanEnd> {
  return scanBatches({ fs, fd, baseOffset, sizeBytes }, options)
}

/** Takes a written batch into account: size, times, index. */
export function noteBatch(segment: Segment, header: BatchHeader, position: number, indexIntervalBytes: number): void {
  const index = segment.index!
  const lastOffset = lastOffsetOf(header)
  const relativeOffset = Number(lastOffset - segment.baseOffset)
  segment.firstTimestamp ??= header.maxTimestamp
  if (header.maxTimestamp > segment.maxTimestamp!) {
    segment.maxTimestamp = header.maxTimestamp
    segment.offsetOfMaxTimestamp = lastOffset
  }
  if (segment.bytesSinceEntry > indexIntervalBytes) {
    index.addOffset(relativeOffset, position)
    index.addTime(segment.maxTimestamp!, Number(segment.offsetOfMaxTimestamp - segment.baseOffset))
    segment.bytesSinceEntry = 0
  }
  segment.bytesSinceEntry += header.sizeBytes
  segment.sizeBytes = position + header.sizeBytes
}

/** Appends to the index files the entries that they do not have yet. */
export async function saveIndex(context: SegmentContext, segment: Segment): Promise<void> {
  const index = segment.index
  if (index === undefined || segment.sizeBytes === 0) return
  // The greatest timestamp is the last entry of the time index, so that it can be read without scanning the log.
  index.addTime(segment.maxTimestamp!, Number(segment.offsetOfMaxTimestamp - segment.baseOffset))
  if (segment.indexTorn) return replaceIndex(context, segment, index)
  const { offsets, times } = index.takeUnsaved()
  const all = index.encode()
  // Until both are written.
  segment.indexTorn = true
  await appendAt(context, offsetIndexFile(segment), offsets, all.offsets.length)
  await appendAt(context, timeIndexFile(segment), times, all.times.length)
  segment.indexTorn = false
}

async function appendAt(context: SegmentContext, path: string, bytes: Buffer, end: number): Promise<void> {
  // Opened even when there is nothing to add: a closed segment always has both files.
  await context.files.use(
    path,
    async (fd) => {
      if (bytes.length > 0) await writeFully(context.fs, fd, [bytes], end - bytes.length)
    },
    true,
  )
}

/** Replaces both index files (rebuilt ones). */
export async function replaceIndex(context: SegmentContext, segment: Segment, index: SegmentIndex): Promise<void> {
  const { offsets, times } = index.encode()
  segment.indexTorn = true
  for (const [path, bytes] of [
    [offsetIndexFile(segment), offsets],
    [timeIndexFile(segment), times],
  ] as const) {
    await context.files.use(
      path,
      async (fd) => {
        await context.fs.truncate(fd, 0)
        if (bytes.length > 0) await writeFully(context.fs, fd, [bytes], 0)
      },
      true,
    )
  }
  index.takeUnsaved()
  segment.indexTorn = false
}

/** Writes rebuilt index files, unless those on disk are already the same. */
export async function restoreIndex(context: SegmentContext, segment: Segment, index: SegmentIndex): Promise<void> {
  const { offsets, times } = index.encode()
  const savedOffsets = await context.fs.readFile(offsetIndexFile(segment))
  const savedTimes = await context.fs.readFile(timeIndexFile(segment))
  if (savedOffsets?.equals(offsets) && savedTimes?.equals(times)) index.takeUnsaved()
  else await replaceIndex(context, segment, index)
}

/** The segment's index: from memory, from its files, or, when these are missing or damaged, from the log file. */
export async function indexOf(context: SegmentContext, segment: Segment): Promise<SegmentIndex> {
  const known = segment.index ?? context.indexes.get(logFile(segment))
  if (known !== undefined) return known
  const offsets = await context.fs.readFile(offsetIndexFile(segment))
  const times = await context.fs.readFile(timeIndexFile(segment))
  const problem =
    offsets === undefined || times === undefined
      ? 'an index file is missing'
      : indexProblem(offsets, times, segment.sizeBytes)
  const index =
    problem === undefined ? createSegmentIndex(offsets, times) : await rebuildIndex(context, segment, problem)
  context.indexes.set(logFile(segment), index)
  return index
}

/** Scans the log file of a closed segment for its index, and writes the index files. */
export async function rebuildIndex(context: SegmentContext, segment: Segment, problem: string): Promise<SegmentIndex> {
  context.logger.warn({ file: logFile(segment), problem }, 'rebuilding the indexes of a segment')
  const scratch = { ...newSegment('', segment.baseOffset, 0), path: segment.path }
  await context.files.use(logFile(segment), (fd) =>
    scanSegment(context, fd, segment, {
      onBatch(header, position) {
        noteBatch(scratch, header, position, 4096)
        return true
      },
    }),
  )
  const index = scratch.index!
  index.addTime(scratch.maxTimestamp!, Number(scratch.offsetOfMaxTimestamp - segment.baseOffset))
  await replaceIndex(context, segment, index)
  return index
}

/** Greatest timestamp of the segment, and the last offset of its batch. -1 when no record has one. */
export async function maxTimestampOf(
  context: SegmentContext,
  segment: Segment,
): Promise<{ timestamp: bigint; offset: bigint }> {
  if (segment.maxTimestamp === undefined) {
    const last = (await indexOf(context, segment)).lastTime
    segment.maxTimestamp = last?.timestamp ?? -1n
    segment.offsetOfMaxTimestamp = segment.baseOffset + BigInt(last?.relativeOffset ?? 0)
  }
  return { timestamp: segment.maxTimestamp, offset: segment.offsetOfMaxTimestamp }
}

/**
 * Reads whole batches from the one that contains `offset` (or the first one after it).
 * @returns a view of a buffer of `context.buffers`; empty when the first batch is too large, undefined when no batch of the
 *   segment reaches `offset`
 * @throws LogError CORRUPT_MESSAGE
 */
export async function readSegment(
  context: SegmentContext,
  segment: Segment,
  offset: bigint,
  maxBytes: number,
  minOneBatch: boolean,
): Promise<Buffer | undefined> {
  // What is published now; an append under way may be writing after it.
  const end = segment.sizeBytes
  const index = await indexOf(context, segment)
  const relativeOffset = offset > segment.baseOffset ? Number(offset - segment.baseOffset) : 0
  let position = index.positionFor(relativeOffset)
  return context.files.use(logFile(segment), async (fd) => {
    let piece: Buffer = Buffer.alloc(0)
    let pieceStart = position
    const load = async (length: number) => {
      context.buffers.giveBack(piece)
      const size = Math.min(end - position, length)
      const bytes = context.buffers.take(size).subarray(0, size)
      piece = bytes.subarray(0, await readFully(context.fs, fd, bytes, position))
      pieceStart = position
    }
    const nothing = <T>(answer: T): T => {
      context.buffers.giveBack(piece)
      return answer
    }
    // The first piece most likely has everything from the index entry to the end of the requested batches.
    const firstPiece = Math.max(maxBytes, 0) + 16 * 1024
    for (;;) {
      if (position >= end) return nothing(undefined)
      if (position + batchHeaderBytes > pieceStart + piece.length) await load(firstPiece)
      const header = storedHeader(segment, piece, position - pieceStart, position)
      if (position + header.sizeBytes > end) throw corrupt(segment, position, 'the batch exceeds the segment')
      if (lastOffsetOf(header) < offset) {
        position += header.sizeBytes
        continue
      }
      if (header.sizeBytes > maxBytes && !minOneBatch) return nothing(Buffer.alloc(0))
      if (position + header.sizeBytes > pieceStart + piece.length) await load(Math.max(header.sizeBytes, maxBytes))
      break
    }
    const from = position - pieceStart
    let to = from
    while (to + batchHeaderBytes <= piece.length) {
      const { sizeBytes } = storedHeader(segment, piece, to, pieceStart + to)
      if (to + sizeBytes > piece.length) break
      if (to > from && to + sizeBytes - from > maxBytes) break
      to += sizeBytes
    }
    return piece.subarray(from, to)
  })
}

function storedHeader(segment: Segment, piece: Buffer, at: number, position: number): BatchHeader {
  if (at + batchHeaderBytes > piece.length) throw corrupt(segment, position, 'the file is shorter than it was')
  const header = readStoredHeader(piece, at, segment.baseOffset)
  if (typeof header === 'string') throw corrupt(segment, position, header)
  return header
}

function corrupt(segment: Segment, position: number, problem: string): LogError {
  return new LogError('CORRUPT_MESSAGE', `${logFile(segment)} is damaged at byte ${position}: ${problem}`)
}
