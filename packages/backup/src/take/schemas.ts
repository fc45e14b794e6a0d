// Keeps what a Schema Registry has in the backup.
import { RegistryError } from '@selfmonitor/registry'
import { BackupError } from '../format/backup-error.ts'
import { putSealed, sha256 } from '../format/documents.ts'
import { toJson } from '../format/json.ts'
import { schemasKey } from '../format/keys.ts'
import type { RegistryState } from '../format/schema-state.ts'
import type { BackupStore } from '../format/sealing.ts'
import type { BackedUpSchemas, ClusterState, Manifest } from '../format/types.ts'
import { readRegistry, requireCluster, type SchemaSource } from '../registry/read.ts'

interface Chain {
  readonly clusterId: string
  readonly run: string
  readonly previous: Manifest | null
  /** Object Lock keeps what this backup needs: an object of an earlier one may be let go sooner. */
  readonly isLocked: boolean
}

/**
 * Puts what the registry has beside the backup, unless the last backup has the same. To be called when the ends of the logs are known: a
 * schema is registered before the first record that has its id.
 * @returns null with the reason in `problems` when the registry cannot be read
 */
export async function takeSchemas(
  store: BackupStore,
  { client, mustBeOfCluster }: SchemaSource,
  { clusterId, run, previous, isLocked }: Chain,
  problems: ClusterState['problems'][number][],
): Promise<BackedUpSchemas | null> {
  let state: RegistryState
  try {
    if (mustBeOfCluster) await requireCluster(client, clusterId)
    state = await readRegistry(client)
  } catch (error) {
    if (!(error instanceof RegistryError || error instanceof BackupError)) throw error
    problems.push({ part: 'schemas', code: error.code, message: error.message })
    return null
  }
  const contentSha256 = sha256(toJson(state))
  const counts = {
    subjects: state.subjects.length,
    versions: state.subjects.reduce((sum, { versions }) => sum + versions.length, 0),
  }
  const known = previous?.schemas
  const isForTheSame = String(previous?.recipients) === String(store.sealing?.recipients ?? [])
  if (!isLocked && known != null && known.contentSha256 === contentSha256 && isForTheSame) return known
  return { ...(await putSealed(store, schemasKey(clusterId, run), state)), contentSha256, ...counts }
}
