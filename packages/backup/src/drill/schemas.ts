// The schemas that a backup has: those that it read from the registry, else those in the registry's topic.
import { readSchemas } from '../format/manifests.ts'
import type { SubjectState, VersionState } from '../format/schema-state.ts'
import type { BackupStore } from '../format/sealing.ts'
import { recordsBetween } from '../format/trim.ts'
import { openSource, selectedBatches } from '../restore/source.ts'

export type BackedUpSchema = Pick<
  VersionState,
  'id' | 'version' | 'schemaType' | 'schema' | 'references' | 'deleted'
> & {
  readonly subject: string
}

export interface BackedUpSchemas {
  /** `the registry`, `topic _schemas`; null: the backup has none. */
  readonly from: string | null
  readonly versions: readonly BackedUpSchema[]
}

const registryTopic = '_schemas'

/** @throws BackupError NO_BACKUP, DAMAGED, SEALED; StoreError */
export async function backedUpSchemas(store: BackupStore, clusterId: string): Promise<BackedUpSchemas> {
  const { manifest, selections, topics } = await openSource(store, clusterId, { kind: 'latest' })
  const state = await readSchemas(store, manifest)
  if (state !== null) return { from: 'the registry', versions: state.subjects.flatMap(versionsOf) }
  const topic = topics.find(({ name }) => name === registryTopic)
  if (topic === undefined) return { from: null, versions: [] }
  const found = new Map<string, BackedUpSchema>()
  for (const selection of selections.get(topic.id) ?? []) {
    for await (const batch of selectedBatches(store, selection)) {
      for (const { key, value } of await recordsBetween(batch, selection.from, selection.cut)) note(found, key, value)
    }
  }
  return { from: `topic ${registryTopic}`, versions: [...found.values()] }
}

function versionsOf({ subject, versions }: SubjectState): BackedUpSchema[] {
  return versions.map((version) => ({ ...version, subject }))
}

/** A record of the topic, in Confluent's format: the last of a key counts, and null removes it. */
function note(found: Map<string, BackedUpSchema>, key: Buffer | null, value: Buffer | null): void {
  const place = parsed(key)
  if (place?.keytype !== 'SCHEMA') return
  const name = `${place.subject}/${place.version}`
  const { subject, version, id, schema, schemaType = 'AVRO', references = [], deleted = false } = parsed(value) ?? {}
  if (typeof subject !== 'string' || typeof id !== 'number' || typeof schema !== 'string') found.delete(name)
  else found.set(name, { subject, version, id, schema, schemaType, references, deleted } as BackedUpSchema)
}

function parsed(bytes: Buffer | null): Record<string, unknown> | null {
  if (bytes === null) return null
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' ? (value as Record<string, unknown> | null) : null
  } catch {
    return null
  }
}
