// The sparse indexes of one segment, kept in memory in the same form as on disk, which is Kafka's:
// `.index` holds (relative offset int32, position int32), `.timeindex` holds (timestamp int64, relative offset int32).
// They only speed up reading: everything in them can be rebuilt from the log file.

export const offsetEntryBytes = 8
export const timeEntryBytes = 12

export interface SegmentIndex {
  /** Entries of the offset index. */
  readonly entries: number
  readonly sizeBytes: number
  /** Position of the last indexed batch; 0 when nothing is indexed. */
  readonly lastPosition: number
  /** The greatest timestamp indexed and the offset (relative) of its batch's last record. */
  readonly lastTime: { readonly timestamp: bigint; readonly relativeOffset: number } | undefined
  /** A batch at `position` whose last offset is `relativeOffset`. */
  addOffset(relativeOffset: number, position: number): void
  /** "Up to here no timestamp is greater than `timestamp`, and that one is in the batch that ends at `relativeOffset`." */
  addTime(timestamp: bigint, relativeOffset: number): void
  /** Where to start looking for `relativeOffset`: a position at or before its batch. */
  positionFor(relativeOffset: number): number
  /** Relative offset from which to look for the first record with a timestamp ≥ `timestamp`. */
  offsetForTime(timestamp: bigint): number
  /** What was added since the last call, to be appended to the files. */
  takeUnsaved(): { readonly offsets: Buffer; readonly times: Buffer }
  /** Both files, whole. */
  encode(): { readonly offsets: Buffer; readonly times: Buffer }
}

/** An index with the given content, which is taken as it is: see `indexProblem`. */
export function createSegmentIndex(
  savedOffsets: Buffer = Buffer.alloc(0),
  savedTimes: Buffer = Buffer.alloc(0),
): SegmentIndex {
  let offsets: Buffer = savedOffsets
  let times: Buffer = savedTimes
  let offsetsLength = savedOffsets.length
  let timesLength = savedTimes.length
  let savedOffsetsLength = offsetsLength
  let savedTimesLength = timesLength

  return {
    get entries() {
      return offsetsLength / offsetEntryBytes
    },
    get sizeBytes() {
      return offsets.length + times.length
    },
    get lastPosition() {
      return offsetsLength === 0 ? 0 : offsets.readUInt32BE(offsetsLength - 4)
    },
    get lastTime() {
      if (timesLength === 0) return undefined
      return {
        timestamp: times.readBigInt64BE(timesLength - timeEntryBytes),
        relativeOffset: times.readUInt32BE(timesLength - 4),
      }
    },

    addOffset(relativeOffset, position) {
      offsets = withRoom(offsets, offsetsLength + offsetEntryBytes)
      offsets.writeUInt32BE(relativeOffset, offsetsLength)
      offsets.writeUInt32BE(position, offsetsLength + 4)
      offsetsLength += offsetEntryBytes
    },
    addTime(timestamp, relativeOffset) {
      if (timesLength > 0 && timestamp <= times.readBigInt64BE(timesLength - timeEntryBytes)) return
      times = withRoom(times, timesLength + timeEntryBytes)
      times.writeBigInt64BE(timestamp, timesLength)
      times.writeUInt32BE(relativeOffset, timesLength + 8)
      timesLength += timeEntryBytes
    },

    positionFor(relativeOffset) {
      const found = lastNotAfter(offsetsLength / offsetEntryBytes, (entry) => {
        return offsets.readUInt32BE(entry * offsetEntryBytes) <= relativeOffset
      })
      return found < 0 ? 0 : offsets.readUInt32BE(found * offsetEntryBytes + 4)
    },
    offsetForTime(timestamp) {
      const found = lastNotAfter(timesLength / timeEntryBytes, (entry) => {
        return times.readBigInt64BE(entry * timeEntryBytes) <= timestamp
      })
      return found < 0 ? 0 : times.readUInt32BE(found * timeEntryBytes + 8)
    },

    takeUnsaved() {
      const unsaved = {
        offsets: Buffer.from(offsets.subarray(savedOffsetsLength, offsetsLength)),
        times: Buffer.from(times.subarray(savedTimesLength, timesLength)),
      }
      savedOffsetsLength = offsetsLength
      savedTimesLength = timesLength
      return unsaved
    },
    encode: () => ({ offsets: offsets.subarray(0, offsetsLength), times: times.subarray(0, timesLength) }),
  }
}

/** Why the content of index files cannot belong to a log file of `logBytes` bytes; undefined when it can. */
export function indexProblem(offsets: Buffer, times: Buffer, logBytes: number): string | undefined {
  if (offsets.length % offsetEntryBytes !== 0)
    return `the size of the offset index, ${offsets.length} bytes, is not a multiple of 8`
  if (times.length % timeEntryBytes !== 0)
    return `the size of the time index, ${times.length} bytes, is not a multiple of 12`
  if (logBytes > 0 && times.length === 0) return 'the time index is missing or empty'
  for (let at = 0; at < offsets.length; at += offsetEntryBytes) {
    const position = offsets.readUInt32BE(at + 4)
    if (position >= logBytes) return `the offset index points at byte ${position} of ${logBytes}`
    if (at === 0) continue
    if (offsets.readUInt32BE(at) <= offsets.readUInt32BE(at - 8))
      return `the offset index is not ascending at byte ${at}`
    if (position <= offsets.readUInt32BE(at - 4))
      return `the positions of the offset index are not ascending at byte ${at}`
  }
  for (let at = timeEntryBytes; at < times.length; at += timeEntryBytes) {
    if (times.readBigInt64BE(at) <= times.readBigInt64BE(at - timeEntryBytes)) {
      return `the time index is not ascending at byte ${at}`
    }
  }
  return undefined
}

function withRoom(buffer: Buffer, length: number): Buffer {
  if (length <= buffer.length) return buffer
  const larger = Buffer.alloc(Math.max(128, buffer.length * 2, length))
  buffer.copy(larger)
  return larger
}

/** Greatest entry for which `holds` (true for a prefix of the entries); -1 when there is none. */
function lastNotAfter(count: number, holds: (entry: number) => boolean): number {
  let low = -1
  let high = count - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (holds(middle)) low = middle
    else high = middle - 1
  }
  return low
}
