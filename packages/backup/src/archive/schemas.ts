// The schemas of an archive in the target's registry. An archive does not have the ids that they had.
import type { RegistryClient } from '@selfmonitor/registry'
import { BackupError } from '../format/backup-error.ts'
import type { SchemaIds } from './batches.ts'
import type { ArchivePlan } from './plan.ts'

/**
 * Registers the schemas of each topic as `<topic>-key` and `<topic>-value`, in the order of the records. One that is registered there
 * keeps its id.
 * @param registry null when the plan has no schemas
 * @returns by the target's topic
 * @throws RegistryError; BackupError INVALID_ARGUMENT without a registry
 */
export async function registerSchemas(
  { topics }: ArchivePlan,
  registry: Pick<RegistryClient, 'register'> | null,
): Promise<Map<string, SchemaIds>> {
  const register = async (subject: string, schemas: readonly string[]): Promise<Map<string, number>> => {
    const ids = new Map<string, number>()
    for (const schema of schemas) {
      if (registry === null) throw new BackupError('INVALID_ARGUMENT', `${subject} needs a registry for its schemas`)
      ids.set(schema, (await registry.register(subject, { schema })).id)
    }
    return ids
  }
  const ids = new Map<string, SchemaIds>()
  for (const { to, keySchemas, valueSchemas } of topics) {
    ids.set(to, { keys: await register(`${to}-key`, keySchemas), values: await register(`${to}-value`, valueSchemas) })
  }
  return ids
}
