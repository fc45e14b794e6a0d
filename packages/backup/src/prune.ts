// Deletes old backups, and the objects that no backup names any more.
import { BackupError } from './format/backup-error.ts'
import { clusterPrefix, manifestKey, runOf } from './format/keys.ts'
import { manifestNumbers, readIndex, readManifest } from './format/manifests.ts'
import type { BackupStore } from './format/sealing.ts'
import type { Manifest } from './format/types.ts'
import { StoreError } from './store/store-error.ts'

export interface PruneRules {
  /** So many of the newest whole ones are kept: those of runs that were stopped do not count. */
  readonly keepLast?: number
  /** Those that are younger than this are kept, in milliseconds. */
  readonly keepForMs?: number
  /** These are kept, by number. */
  readonly keep?: readonly number[]
}

export interface PrunePlan {
  readonly clusterId: string
  readonly keep: readonly number[]
  readonly remove: readonly number[]
  /** Of those to keep, which would be removed if Object Lock did not keep them. */
  readonly locked: readonly { readonly number: number; readonly untilMs: number }[]
  /** What the backups that stay do not need. */
  readonly objects: readonly { readonly key: string; readonly sizeBytes: number }[]
}

/** A run that has written nothing for so long was killed. Runs write a segment every few seconds, and end after minutes. */
const deadRunMs = 86_400_000

/**
 * What pruning would delete. A backup is kept if any rule keeps it, or Object Lock does; the newest always is, and the newest whole one.
 * Objects of a run that may be under way are left alone: their number is above that of the newest backup, and one of them is younger than
 * a day. There need not be a backup: runs may have been killed before the first.
 * @throws BackupError NO_BACKUP when there is no object of the cluster, INVALID_ARGUMENT, DAMAGED when a backup that stays cannot be read or
 *   manifests are missing: then nothing may be deleted
 */
export async function planPrune(
  store: BackupStore,
  clusterId: string,
  { keepLast, keepForMs, keep: given = [] }: PruneRules,
  nowMs: number,
): Promise<PrunePlan> {
  if (keepLast === undefined && keepForMs === undefined && given.length === 0) {
    throw new BackupError('INVALID_ARGUMENT', 'which backups should be kept?', {
      hint: 'Say how many of the newest, or how old one may be.',
    })
  }
  const numbers = await manifestNumbers(store, clusterId)
  const newest = numbers.at(-1) ?? 0
  const youngEnough = (manifest: Manifest): boolean => keepForMs !== undefined && nowMs - manifest.cutAtMs <= keepForMs
  const keep: Manifest[] = []
  const remove: number[] = []
  const locked: PrunePlan['locked'][number][] = []
  const manifestOf = async (number: number) => (await readManifest(store, clusterId, number)).manifest
  // By its own time, because a run's clock may have been wrong. One that cannot be read behind young ones only may be young too.
  let areYoung = true
  let wholeToKeep = Math.max(1, keepLast ?? 1)
  for (const number of numbers.toReversed()) {
    const isNamed = number === newest || given.includes(number)
    const manifest: Manifest | null =
      isNamed || areYoung || wholeToKeep > 0 ? await manifestOf(number) : await manifestOf(number).catch(nullIfDamaged)
    const isWhole: boolean = manifest !== null && manifest.stopped === undefined
    const isKept: boolean = isNamed || (isWhole && wholeToKeep > 0)
    if (isWhole) wholeToKeep--
    const isYoung: boolean = manifest !== null && youngEnough(manifest)
    areYoung = areYoung && isYoung
    const { untilMs = 0 } = manifest?.lock ?? {}
    if (manifest !== null && (isKept || isYoung)) {
      keep.push(manifest)
    } else if (manifest !== null && untilMs > nowMs) {
      // To delete what it needs, and not itself, would leave a backup that is damaged.
      keep.push(manifest)
      locked.push({ number, untilMs })
    } else {
      remove.push(number)
    }
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
  const { old, unfinished, highest } = await unneeded(store, clusterId, needed, newest)
  if (highest === null) throw new BackupError('NO_BACKUP', `${store.address} has no backup of cluster ${clusterId}`)
  await requireManifests(store, clusterId, highest)
  const dead = unfinished.filter(({ lastMs }) => nowMs - lastMs > deadRunMs)
  const objects = [...old, ...dead.flatMap((run) => run.objects)]
  return {
    clusterId,
    keep: keep.map(({ number }) => number).toSorted((a, b) => a - b),
    remove: remove.toReversed(),
    locked: locked.toReversed(),
    objects,
  }
}

type Objects = PrunePlan['objects'][number][]

/**
 * A run has the number behind the newest backup's, so a higher one proves that there was a manifest which is gone: what it named cannot be
 * told from what a killed run left. Looks again, because backups may have been taken since the manifests were listed.
 * @throws BackupError DAMAGED
 */
async function requireManifests(store: BackupStore, clusterId: string, highest: number): Promise<void> {
  const newest = (await manifestNumbers(store, clusterId)).at(-1) ?? 0
  if (highest <= newest + 1) return
  const missing =
    highest === newest + 2
      ? `the manifest of backup ${newest + 1} is missing`
      : `the manifests of backups ${newest + 1} to ${highest - 1} are missing`
  throw new BackupError(
    'DAMAGED',
    `${store.address} has objects of run ${highest} of cluster ${clusterId}, but ${missing}`,
    {
      hint: 'Nothing was deleted. Bring the manifests back first, such as from earlier versions of the objects or from a copy of the bucket.',
    },
  )
}

/**
 * What the backups that stay do not need: of runs up to the newest backup, and of each run behind it with the time of its last object.
 * @returns `highest`: the highest number of a run that has objects; null when there is no object of the cluster
 */
async function unneeded(store: BackupStore, clusterId: string, needed: ReadonlySet<string>, newest: number) {
  const old: Objects = []
  const unfinished = new Map<string, { readonly objects: Objects; lastMs: number }>()
  let highest: number | null = null
  for await (const { key, sizeBytes, modifiedMs } of store.list(clusterPrefix(clusterId))) {
    const run = runOf(key)
    highest = Math.max(highest ?? 0, run?.number ?? 0)
    if (run === null || needed.has(key)) continue
    if (run.number <= newest) {
      old.push({ key, sizeBytes })
      continue
    }
    const known = unfinished.get(run.name) ?? { objects: [], lastMs: modifiedMs }
    known.objects.push({ key, sizeBytes })
    known.lastMs = Math.max(known.lastMs, modifiedMs)
    unfinished.set(run.name, known)
  }
  return { old, unfinished: [...unfinished.values()], highest }
}

/** A backup that is to be removed may be damaged. */
function nullIfDamaged(error: unknown): null {
  if (error instanceof BackupError && error.code === 'DAMAGED') return null
  throw error
}

const keysAtOnce = 1_000

export interface Pruned {
  /** Numbers of the backups that are gone. */
  readonly removed: readonly number[]
  readonly objects: number
  /** Keys that Object Lock kept although no backup says so: a bucket may lock all that is written to it. */
  readonly locked: readonly string[]
}

/**
 * Deletes what the plan names: first the manifests, so that no backup that is left names an object that is gone. Where Object Lock keeps
 * a manifest, all that it needs is kept with it.
 * @throws StoreError NOT_ALLOWED, UNAVAILABLE; what was deleted before it stays deleted, and the rest can be pruned again
 */
export async function prune(store: BackupStore, plan: PrunePlan): Promise<Pruned> {
  const { clusterId, keep, remove } = plan
  const lockedManifests = await deleteUnlocked(
    store,
    remove.map((number) => manifestKey(clusterId, number)),
  )
  const held = remove.filter((number) => lockedManifests.includes(manifestKey(clusterId, number)))
  const { objects } =
    held.length === 0 ? plan : await planPrune(store, clusterId, { keep: [...keep, ...held] }, Date.now())
  const manifests = new Set(remove.map((number) => manifestKey(clusterId, number)))
  const keys = objects.map(({ key }) => key).filter((key) => !manifests.has(key))
  const locked = [...lockedManifests, ...(await deleteUnlocked(store, keys))]
  return {
    removed: remove.filter((number) => !held.includes(number)),
    objects: remove.length + keys.length - locked.length,
    locked,
  }
}

/** @returns the keys that Object Lock keeps */
async function deleteUnlocked(store: BackupStore, keys: readonly string[]): Promise<string[]> {
  const locked: string[] = []
  for (let at = 0; at < keys.length; at += keysAtOnce) {
    try {
      await store.delete(keys.slice(at, at + keysAtOnce))
    } catch (error) {
      if (!(error instanceof StoreError) || error.code !== 'LOCKED') throw error
      locked.push(...error.keys)
    }
  }
  return locked
}
