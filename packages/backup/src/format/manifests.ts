// The chain of a cluster's manifests.

import { BackupError } from './backup-error.ts'
import { getDocument, getFirstDocument } from './documents.ts'
import { manifestKey, manifestOf, manifestPrefix } from './keys.ts'
import { type RegistryState, registryStateSchema } from './schema-state.ts'
import { manifestSchema, segmentsSchema, stateSchema } from './schemas.ts'
import type { BackupStore } from './sealing.ts'
import type { ClusterState, Manifest, ObjectReference, Segment } from './types.ts'

export interface StoredManifest {
  readonly manifest: Manifest
  readonly reference: ObjectReference
}

/** The clusters that a store has backups of, by id. */
export async function backedUpClusters(store: BackupStore): Promise<string[]> {
  const ids = new Set<string>()
  let after = ''
  for (;;) {
    const found = await firstAfter(store, after)
    if (found === null) return [...ids]
    const [id] = found.split('/')
    if (manifestOf(found) !== null || (await hasManifest(store, id!))) ids.add(id!)
    // Past everything of this cluster: `0` comes right behind `/`.
    after = `${id}0`
  }
}

async function firstAfter(store: BackupStore, after: string): Promise<string | null> {
  for await (const { key } of store.list('', { after })) return key
  return null
}

async function hasManifest(store: BackupStore, clusterId: string): Promise<boolean> {
  for await (const { key } of store.list(manifestPrefix(clusterId))) if (manifestOf(key) !== null) return true
  return false
}

/** Numbers of the manifests, rising. */
export async function manifestNumbers(store: BackupStore, clusterId: string): Promise<number[]> {
  const numbers: number[] = []
  for await (const { key } of store.list(manifestPrefix(clusterId))) {
    const found = manifestOf(key)
    if (found !== null) numbers.push(found.number)
  }
  return numbers.sort((a, b) => a - b)
}

export async function readManifest(store: BackupStore, clusterId: string, number: number): Promise<StoredManifest> {
  const { value, reference } = await getFirstDocument(store, manifestKey(clusterId, number), manifestSchema)
  return { manifest: value, reference }
}

export async function latestManifest(store: BackupStore, clusterId: string): Promise<StoredManifest | null> {
  const number = (await manifestNumbers(store, clusterId)).at(-1)
  return number === undefined ? null : readManifest(store, clusterId, number)
}

/** The cluster that is meant: the given one, or the only one. @throws BackupError NO_BACKUP, INVALID_ARGUMENT */
export async function chooseCluster(store: BackupStore, wanted: string | null): Promise<string> {
  const ids = await backedUpClusters(store)
  if (wanted !== null) {
    if (ids.includes(wanted)) return wanted
    throw new BackupError('NO_BACKUP', `${store.address} has no backup of cluster ${wanted}`, {
      hint: ids.length === 0 ? 'It has none at all.' : `It has backups of ${ids.join(', ')}.`,
    })
  }
  if (ids.length === 1) return ids[0]!
  if (ids.length === 0) throw new BackupError('NO_BACKUP', `there is no backup in ${store.address}`)
  throw new BackupError('INVALID_ARGUMENT', `${store.address} has backups of several clusters: ${ids.join(', ')}`, {
    hint: 'Choose one with --cluster-id.',
  })
}

export const readState = (store: BackupStore, { state }: Manifest): Promise<ClusterState> =>
  getDocument(store, state, stateSchema)

/** @returns null when the backup has none */
export async function readSchemas(store: BackupStore, { schemas }: Manifest): Promise<RegistryState | null> {
  return schemas == null ? null : getDocument(store, schemas, registryStateSchema)
}

/**
 * The segments of a manifest's topics, those of a partition in the order of their offsets. The index files have more: those of topics
 * that were deleted, which earlier backups may need.
 */
export async function readIndex(
  store: BackupStore,
  { index, topics }: Pick<Manifest, 'index' | 'topics'>,
): Promise<Segment[]> {
  const ids = new Set(topics.map(({ id }) => id))
  const segments: Segment[] = []
  for (const reference of index) {
    const found = await getDocument(store, reference, segmentsSchema)
    segments.push(...found.filter(({ topicId }) => ids.has(topicId)))
  }
  return segments.sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))
}
