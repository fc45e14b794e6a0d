// Names of the files in a partition's folder. They are Kafka's own, so that its tools read them.

/** A segment by its folder and its name without an extension. */
interface SegmentPath {
  readonly path: string
}

export const logFile = ({ path }: SegmentPath): string => `${path}.log`
export const offsetIndexFile = ({ path }: SegmentPath): string => `${path}.index`
export const timeIndexFile = ({ path }: SegmentPath): string => `${path}.timeindex`
export const filesOf = (segment: SegmentPath): readonly string[] => [
  logFile(segment),
  offsetIndexFile(segment),
  timeIndexFile(segment),
]

/** The name of a segment's files without their extension: its base offset in 20 digits. */
export const offsetFileName = (offset: bigint): string => offset.toString().padStart(20, '0')

/** What a file is renamed to before it is removed. */
export const deletedFile = (file: string): string => `${file}.deleted`

/** Where the rest of a damaged log file is kept. @param position where in `file` it begins, in bytes */
export const cutFile = (file: string, position: number): string => `${file}.cut-${position}`

export const isCutFile = (name: string): boolean => name.includes('.log.cut-')

/** Base offsets of the segments in a folder, ascending. @param names of the folder's files */
export function baseOffsetsIn(names: readonly string[]): readonly bigint[] {
  return names
    .filter((name) => /^\d{20}\.log$/.test(name))
    .map((name) => BigInt(name.slice(0, 20)))
    .sort((a, b) => (a < b ? -1 : 1))
}

/** Whether a file was being deleted or written when the broker stopped, or is an index without its log. */
export function isLeftover(name: string, baseOffsets: ReadonlySet<bigint>): boolean {
  if (/\.(deleted|tmp)$/.test(name)) return true
  const index = /^(\d{20})\.(index|timeindex)$/.exec(name)
  return index !== null && !baseOffsets.has(BigInt(index[1]!))
}
