// What a log looks at in its older segments when it is opened: their last batches. They tell where a segment ends, so that a
// hole in front of the next one is reported, and whether the time index is whole, by which the retention judges it.
import type { LogContext } from './context.ts'
import { withFile } from './fs.ts'
import { readFully, scanBatches } from './scan.ts'
import { rebuildIndex, type Segment } from './segment.ts'
import { logFile, offsetIndexFile, timeIndexFile } from './segment-files.ts'
import { offsetEntryBytes, timeEntryBytes } from './segment-index.ts'

/**
 * Reads the end of a closed segment, sets its greatest timestamp, and rebuilds its indexes where they do not fit.
 * @returns the offset after its last batch; undefined when that cannot be told, because the file is damaged (reported)
 */
export async function inspectClosedSegment(context: LogContext, segment: Segment): Promise<bigint | undefined> {
  if (segment.sizeBytes === 0) return segment.baseOffset
  const found = await inspect(context, segment)
  if (typeof found !== 'string') return found.nextOffset
  await rebuildIndex(context, segment, found)
  const again = await inspect(context, segment)
  if (typeof again !== 'string') return again.nextOffset
  context.logger.error({ file: logFile(segment), problem: again }, 'the end of a segment cannot be read')
  return undefined
}

/** @returns what is wrong, as a text */
async function inspect(context: LogContext, segment: Segment): Promise<{ readonly nextOffset: bigint } | string> {
  const offsetEntry = await lastEntry(context, offsetIndexFile(segment), offsetEntryBytes)
  const timeEntry = await lastEntry(context, timeIndexFile(segment), timeEntryBytes)
  if (offsetEntry === undefined || timeEntry === undefined) return 'an index file is missing or of an odd length'
  if (timeEntry.length === 0) return 'time index is empty'
  const from = offsetEntry.length === 0 ? 0 : offsetEntry.readUInt32BE(4)
  if (from >= segment.sizeBytes) return `offset index points at byte ${from} of ${segment.sizeBytes}`
  let greatest = -1n
  const end = await withFile(context.fs, logFile(segment), (fd) =>
    scanBatches({
      fs: context.fs,
      fd,
      from,
      to: segment.sizeBytes,
      minOffset: segment.baseOffset,
      crcFrom: undefined,
      onBatch: (header) => {
        if (header.maxTimestamp > greatest) greatest = header.maxTimestamp
        return true
      },
    }),
  )
  if (end.problem !== undefined) return `byte ${end.position}: ${end.problem}`
  const timestamp = timeEntry.readBigInt64BE(0)
  const offset = segment.baseOffset + BigInt(timeEntry.readUInt32BE(8))
  // Its last entry has the greatest timestamp of the segment: without it a segment would look older than it is.
  if (timestamp < greatest || offset >= end.nextOffset) return 'time index does not go with the last batches'
  segment.maxTimestamp = timestamp
  segment.offsetOfMaxTimestamp = offset
  return end
}

/** The last entry of an index file; empty when it has none, undefined when there is no such file or its length is odd. */
async function lastEntry(context: LogContext, path: string, entryBytes: number): Promise<Buffer | undefined> {
  const stat = await context.fs.stat(path)
  if (stat === undefined || stat.sizeBytes % entryBytes !== 0) return undefined
  if (stat.sizeBytes === 0) return Buffer.alloc(0)
  const entry = Buffer.alloc(entryBytes)
  await withFile(context.fs, path, (fd) => readFully(context.fs, fd, entry, stat.sizeBytes - entryBytes))
  return entry
}
