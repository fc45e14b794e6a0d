// The clock of the machine that takes backups, which may be set back or forth between runs and within one.
import { manifestNumbers, readManifest } from '../format/manifests.ts'
import type { BackupStore } from '../format/sealing.ts'
import type { Manifest } from '../format/types.ts'

/** A clock that never goes back. */
export function forwardOnly(now: () => number): () => number {
  let last = Number.NEGATIVE_INFINITY
  return () => {
    last = Math.max(last, now())
    return last
  }
}

/** Which backups have a later time than a new one: their times tell nothing. @param nowMs when the new one is taken */
export async function backupsOutOfTime(
  store: BackupStore,
  previous: Manifest | null,
  nowMs: number,
): Promise<number[] | undefined> {
  const known = new Set(previous?.outOfTime)
  if (previous !== null && previous.cutAtMs > nowMs) {
    for (const number of (await manifestNumbers(store, previous.clusterId)).reverse()) {
      if (known.has(number)) continue
      const { manifest } = await readManifest(store, previous.clusterId, number)
      if (manifest.cutAtMs <= nowMs) break
      known.add(number)
    }
  }
  return known.size === 0 ? undefined : [...known].sort((a, b) => a - b)
}
