// Follows the files of one partition by their first offsets: what is missing between them, what is there twice, and whose order is not
// known. A file says the offset of its first record only; each record is counted as one offset, so that transaction markers and what
// compaction, a filter or an error left out look the same as a missing file.

/** A file and how many records it has. */
export interface Counted {
  readonly firstOffset: bigint
  readonly folder: string
  readonly count: number
}

export type Step =
  /** Its records follow those of the files before it. */
  | { readonly kind: 'next' }
  /** No record of a file before it has these offsets. */
  | { readonly kind: 'gap'; readonly from: bigint; readonly to: bigint }
  /** So many records at its beginning are those at the end of the files before it, and are left out. */
  | { readonly kind: 'copies'; readonly records: number }
  /** Its offsets lie among those of the files before it, and its records are others. */
  | { readonly kind: 'among' }

export interface Swept<File> {
  readonly file: File
  readonly step: Step
}

/** Records of files before: `skip` of the first one's are left out. */
export interface Tail<File> {
  readonly files: readonly Swept<File>[]
  readonly skip: number
}

/**
 * @param files of one partition, by first offset
 * @param beginsWith whether a file begins with these records, or, where it has fewer, is the beginning of them
 */
export async function sweep<File extends Counted>(
  files: readonly File[],
  beginsWith: (file: File, tail: Tail<File>) => Promise<boolean>,
): Promise<Swept<File>[]> {
  const swept: Swept<File>[] = []
  let next = files[0]?.firstOffset ?? 0n
  for (const [at, file] of files.entries()) {
    const { firstOffset, count } = file
    let step: Step = { kind: 'next' }
    if (firstOffset > next) {
      step = { kind: 'gap', from: next, to: firstOffset }
      next = firstOffset
    } else if (firstOffset < next && count > 0) {
      const overlap = Number(next - firstOffset)
      const tail = lastRecords(swept, overlap)
      const records = Math.min(count, overlap)
      const isCopy =
        tail !== null && mayBeCopy(swept, file, files.slice(at + 1), next) && (await beginsWith(file, tail))
      step = isCopy ? { kind: 'copies', records } : { kind: 'among' }
    }
    // Together the files have as many records as there are offsets up to the next one.
    next += BigInt(count - (step.kind === 'copies' ? step.records : 0))
    swept.push({ file, step })
  }
  return swept
}

/** The last so many records, without those that are left out as copies. @returns null when there are fewer */
function lastRecords<File extends Counted>(swept: readonly Swept<File>[], count: number): Tail<File> | null {
  let missing = count
  for (let at = swept.length - 1; at >= 0; at--) {
    const { file, step } = swept[at]!
    const own = file.count - (step.kind === 'copies' ? step.records : 0)
    if (own >= missing) return { files: swept.slice(at), skip: own - missing }
    missing -= own
  }
  return null
}

/**
 * A sink that begins again writes the same offsets again, to the same folder unless the time went on. Files of other folders mostly
 * have other records, among them equal ones: such a file is a copy only where an offset proves it.
 */
function mayBeCopy<File extends Counted>(
  before: readonly Swept<File>[],
  { folder, firstOffset, count }: File,
  after: readonly File[],
  next: bigint,
): boolean {
  if (before.at(-1)!.file.folder === folder) return true
  if (before.some(({ file }) => file.firstOffset === firstOffset)) return true
  const end = firstOffset + BigInt(count)
  const nextIfCopy = end > next ? end : next
  return after.some((file) => file.firstOffset === nextIfCopy)
}
