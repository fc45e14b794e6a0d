// The free space on a folder's disk.
import { existsSync, statfsSync } from 'node:fs'
import { dirname } from 'node:path'

export interface DiskSpace {
  /** Bytes that this user may still write: without the blocks that are reserved for root, unless we are root. */
  readonly freeBytes: number
  readonly totalBytes: number
}

/** Below this the next batch of records, or the next segment's index, may not fit. */
const fullBytes = 16 * 1024 * 1024

/** Space on the disk that holds a folder, or will hold it; undefined where the system does not tell. */
export function diskSpace(folder: string): DiskSpace | undefined {
  let at = folder
  while (!existsSync(at) && dirname(at) !== at) at = dirname(at)
  try {
    const { bsize, blocks, bavail, bfree } = statfsSync(at)
    // Some virtual file systems have no blocks at all.
    if (blocks === 0) return undefined
    return { freeBytes: bsize * (process.getuid?.() === 0 ? bfree : bavail), totalBytes: bsize * blocks }
  } catch {
    return undefined
  }
}

export function isFull(space: DiskSpace | undefined): space is DiskSpace {
  return space !== undefined && space.freeBytes < fullBytes
}
