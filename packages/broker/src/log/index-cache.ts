// Indexes of closed segments that reads have needed lately, within one global bound.
import type { SegmentIndex } from './segment-index.ts'

export interface IndexCache {
  get(logFile: string): SegmentIndex | undefined
  set(logFile: string, index: SegmentIndex): void
  delete(logFile: string): void
}

export function createIndexCache(limitBytes: number): IndexCache {
  // Insertion order is the order of last use.
  const indexes = new Map<string, SegmentIndex>()
  let total = 0

  function remove(logFile: string): void {
    const index = indexes.get(logFile)
    if (index === undefined) return
    indexes.delete(logFile)
    total -= index.sizeBytes
  }

  return {
    get(logFile) {
      const index = indexes.get(logFile)
      if (index === undefined) return undefined
      indexes.delete(logFile)
      indexes.set(logFile, index)
      return index
    },
    set(logFile, index) {
      remove(logFile)
      indexes.set(logFile, index)
      total += index.sizeBytes
      for (const oldest of indexes.keys()) {
        if (total <= limitBytes || oldest === logFile) return
        remove(oldest)
      }
    },
    delete: remove,
  }
}
