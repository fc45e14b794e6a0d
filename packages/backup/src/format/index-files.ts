// The index of a backup's segments, in files that never change. A run adds a file; when there are many, the last ones are written again
// as one. A file is merged only with files that have at least half as many segments together, so that a segment's line is written again
// a few times in its life, however many runs there are.

import { getDocument, putDocument } from './documents.ts'
import { segmentsSchema } from './schemas.ts'
import type { BackupStore } from './sealing.ts'
import type { Manifest, Segment } from './types.ts'

type IndexFile = Manifest['index'][number]

const filesBeforeMerge = 8
/** A file is read and written as one text. */
const maxSegments = 50_000

/** How many files at the end are merged with the new segments. Pure. */
export function filesToMerge(files: readonly Pick<IndexFile, 'segments'>[], added: number): number {
  if (files.length < filesBeforeMerge) return 0
  let segments = added
  let count = 0
  for (const file of files.toReversed()) {
    if (file.segments > 2 * segments || file.segments + segments > maxSegments) break
    segments += file.segments
    count++
  }
  return count
}

/**
 * @param isNeeded whether the new backup has the segment's topic: what is not needed is left out of files that are written again
 * @returns the files that name the old segments and the new ones
 */
export async function addToIndex(
  store: BackupStore,
  files: readonly IndexFile[],
  added: readonly Segment[],
  isNeeded: (segment: Segment) => boolean,
  key: string,
): Promise<IndexFile[]> {
  if (added.length === 0) return [...files]
  const kept = files.length - filesToMerge(files, added.length)
  const merged: Segment[] = []
  for (const file of files.slice(kept)) {
    merged.push(...(await getDocument(store, file, segmentsSchema)).filter(isNeeded))
  }
  merged.push(...added)
  return [...files.slice(0, kept), { ...(await putDocument(store, key, merged)), segments: merged.length }]
}
