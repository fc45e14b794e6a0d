// Reading the last batches of a log's older segments when it is opened. They show where a segment ends, so that missing offsets
// before the next one are reported, and whether the time index, which retention uses, is complete.

import { readFully, withFile } from '../disk/fs.ts'
import type { SegmentContext } from './context.ts'
import { rebuildIndex, type Segment, scanSegment } from './segment.ts'
import { logFile, offsetIndexFile, timeIndexFile } from './segment-files.ts'
import { offsetEntryBytes, timeEntryBytes } from './segment-index.ts'

/**
 * Reads the end of a closed segment, sets its greatest timestamp, and rebuilds its indexes if they do not match the log file.
 * @returns the offset after its last batch; undefined when the file is damaged, which is logged
 */
export async function inspectClosedSegment(context: SegmentContext, segment: Segment): Promise<bigint | undefined> {
  if (segment.sizeBytes === 0) return segment.baseOffset
  const found = await inspect(context, segment)
  if (typeof found !== 'string') return found.nextOffset
  await rebuildIndex(context, segment, found)
  const again = await inspect(context, segment)
  if (typeof again !== 'string') return again.nextOffset
  context.logger.error({ file: logFile(segment), problem: again }, 'the end of a segment cannot be read')
  return undefined
}

/** @returns the offset after the last batch; or, as a string, what is wrong */
async function inspect(context: SegmentContext, segment: Segment): Promise<{ readonly nextOffset: bigint } | string> {
  const offsetEntry = await lastEntry(context, offsetIndexFile(segment), offsetEntryBytes)
  const timeEntry = await lastEntry(context, timeIndexFile(segment), timeEntryBytes)
  if (offsetEntry === undefined || timeEntry === undefined)
    return 'an index file is missing, or its length is not a multiple of the size of an entry'
  if (timeEntry.length === 0) return 'the time index is empty'
  const from = offsetEntry.length === 0 ? 0 : offsetEntry.readUInt32BE(4)
  if (from >= segment.sizeBytes) return `the offset index points at byte ${from} of ${segment.sizeBytes}`
  let greatest = -1n
  const end = await withFile(context.fs, logFile(segment), (fd) =>
    scanSegment(context, fd, segment, {
      from,
      onBatch(header) {
        if (header.maxTimestamp > greatest) greatest = header.maxTimestamp
        return true
      },
    }),
  )
  if (end.problem !== undefined) return `byte ${end.position}: ${end.problem}`
  const timestamp = timeEntry.readBigInt64BE(0)
  const offset = segment.baseOffset + BigInt(timeEntry.readUInt32BE(8))
  // Its last entry has the greatest timestamp of the segment. Without it a segment would look older than it is.
  if (timestamp < greatest || offset >= end.nextOffset) return 'the time index does not match the last batches'
  segment.maxTimestamp = timestamp
  segment.offsetOfMaxTimestamp = offset
  return end
}

/** The last entry of an index file; empty when it has none, undefined when the file is missing or ends within an entry. */
async function lastEntry(context: SegmentContext, path: string, entryBytes: number): Promise<Buffer | undefined> {
  const stat = await context.fs.stat(path)
  if (stat === undefined || stat.sizeBytes % entryBytes !== 0) return undefined
  if (stat.sizeBytes === 0) return Buffer.alloc(0)
  const entry = Buffer.alloc(entryBytes)
  await withFile(context.fs, path, (fd) => readFully(context.fs, fd, entry, stat.sizeBytes - entryBytes))
  return entry
}
