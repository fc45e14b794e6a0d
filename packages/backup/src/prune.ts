// Deletes old backups, and the objects that no backup names any more.
import { BackupError } from './format/backup-error.ts'
import { clusterPrefix, manifestKey, runOf } from './format/keys.ts'
import { manifestNumbers, readIndex, readManifest } from './format/manifests.ts'
import type { BackupStore } from './format/sealing.ts'
import type { Manifest } from './format/types.ts'

export interface PruneRules {
  /** So many of the newest are kept. */
  readonly keepLast?: number
  /** Those that are younger than this are kept, in milliseconds. */
  readonly keepForMs?: number
}

export interface PrunePlan {
  readonly clusterId: string
  readonly keep: readonly number[]
  readonly remove: readonly number[]
  /** What the backups that stay do not need. */
  readonly objects: readonly { readonly key: string; readonly sizeBytes: number }[]
}

/**
 * What pruning would delete. A backup is kept if any rule keeps it; the newest always is. Objects of a run that is under way are left
 * alone: their number is above that of the newest backup.
 * @throws BackupError NO_BACKUP, INVALID_ARGUMENT, DAMAGED when a backup that stays cannot be read: then nothing may be deleted
 */
export async function planPrune(
  store: BackupStore,
  clusterId: string,
  { keepLast, keepForMs }: PruneRules,
  nowMs: number,
): Promise<PrunePlan> {
  if (keepLast === undefined && keepForMs === undefined) {
    throw new BackupError('INVALID_ARGUMENT', 'which backups should be kept?', {
      hint: 'Say how many of the newest, or how old one may be.',
    })
  }
  const numbers = await manifestNumbers(store, clusterId)
  const newest = numbers.at(-1)
  if (newest === undefined) throw new BackupError('NO_BACKUP', `${store.address} has no backup of cluster ${clusterId}`)
  const youngEnough = (manifest: Manifest): boolean => keepForMs !== undefined && nowMs - manifest.cutAtMs <= keepForMs
  const keep: Manifest[] = []
  const remove: number[] = []
  // From the newest on: once one is too old, all before it are.
  for (const [at, number] of numbers.toReversed().entries()) {
    const isKept = number === newest || at < (keepLast ?? 0)
    if (remove.length > 0) {
      remove.push(number)
      continue
    }
    const { manifest } = await readManifest(store, clusterId, number)
    if (isKept || youngEnough(manifest)) keep.push(manifest)
    else remove.push(number)
  }
  const needed = new Set<string>()
  for (const { number, state, schemas, index } of keep) {
    for (const key of [manifestKey(clusterId, number), state.key, ...index.map((file) => file.key)]) needed.add(key)
    if (schemas != null) needed.add(schemas.key)
  }
  // Each index file is read once: it names segments of the topics of all backups that stay.
  const topics = keep.flatMap((manifest) => manifest.topics)
  const index = [...new Map(keep.flatMap((manifest) => manifest.index.map((file) => [file.key, file]))).values()]
  for (const { key } of await readIndex(store, { index, topics })) needed.add(key)
  const objects: PrunePlan['objects'][number][] = []
  for await (const { key, sizeBytes } of store.list(clusterPrefix(clusterId))) {
    const run = runOf(key)
    if (!needed.has(key) && run !== null && run <= newest) objects.push({ key, sizeBytes })
  }
  return {
    clusterId,
    keep: keep.map(({ number }) => number).toSorted((a, b) => a - b),
    remove: remove.toReversed(),
    objects,
  }
}

const keysAtOnce = 1_000

/**
 * Deletes what the plan names: first the manifests, so that no backup that is left names an object that is gone.
 * @throws StoreError LOCKED where Object Lock keeps one; what was deleted before it stays deleted, and the rest can be pruned again
 */
export async function prune(store: BackupStore, { clusterId, remove, objects }: PrunePlan): Promise<void> {
  await store.delete(remove.map((number) => manifestKey(clusterId, number)))
  const keys = objects.map(({ key }) => key)
  for (let at = 0; at < keys.length; at += keysAtOnce) await store.delete(keys.slice(at, at + keysAtOnce))
}
