// The registry's part of a plan: whether schemas come over its REST API or with its topic, and what the backup does not have of them.
import type { BackupStore } from '../format/sealing.ts'
import type { TopicState } from '../format/types.ts'
import { clusterOfRegistry } from '../registry/read.ts'
import { batchesWithIds } from './schema-ids.ts'
import { type PlannedSchemas, planSchemas, type SchemaRequest, type TopicToRestore } from './schemas.ts'
import type { RestoreSource } from './source.ts'

/** Where a registry keeps its schemas, unless it is told otherwise. */
export const registryTopic = '_schemas'

interface Request {
  readonly schemas?: SchemaRequest | null
  readonly resume: boolean
}

/** @throws RegistryError for an answer that is not a registry's, or a login that is refused */
export async function registryAnswers({ schemas }: Request): Promise<boolean> {
  if (schemas?.registry == null) return false
  try {
    await clusterOfRegistry(schemas.registry.client)
    return true
  } catch (error) {
    const { code } = error as { code?: unknown }
    if (code === 'REGISTRY_UNREACHABLE' || code === 'REGISTRY_TIMEOUT') return false
    throw error
  }
}

/** A registry that runs in the target keeps its topic: it gets the schemas over its REST API. */
export function withoutRegistryTopic(
  all: { state: TopicState; to: string }[],
  warnings: string[],
): { state: TopicState; to: string }[] {
  const others = all.filter(({ to }) => to !== registryTopic)
  if (others.length === 0 || others.length === all.length) return all
  warnings.push(`topic ${registryTopic} stays as it is: the registry that uses it gets the schemas itself`)
  return others
}

/** @returns null when nothing is to be done in a registry */
export async function planSchemasOf(
  store: BackupStore,
  { schemas: wanted, resume }: Request,
  given: {
    readonly source: RestoreSource
    readonly topics: readonly TopicToRestore[]
    readonly targetClusterId: string
    readonly hasRegistry: boolean
    readonly warnings: string[]
  },
): Promise<PlannedSchemas | null> {
  if (wanted == null) return null
  if (!given.hasRegistry && given.topics.some(({ to }) => to === registryTopic)) {
    given.warnings.push(`schemas come back with topic ${registryTopic}: start the registry when the restore is done`)
    return null
  }
  const schemas = await planSchemas(store, wanted, { ...given, resume })
  given.warnings.push(...(schemas?.warnings ?? []))
  return schemas
}

export function missingSchemas({ manifest, problems }: RestoreSource, { schemas }: Request): string[] {
  if (schemas == null || manifest.schemas !== null) return []
  const problem = problems.find(({ part }) => part === 'schemas')
  const why =
    problem === undefined
      ? 'the backup could not read them'
      : `${problem.code} when the backup was taken: ${problem.message}`
  return [`schemas: ${why}`]
}

/** The partitions of a topic, with the ids that its records get. */
export function withIdsOf<Partition extends { batches(): ReturnType<typeof batchesWithIds> }>(
  { from, partitions }: { readonly from: string; readonly partitions: readonly Partition[] },
  schemas: PlannedSchemas | null,
): readonly Partition[] {
  const ids = schemas?.topics.get(from)
  return ids === undefined
    ? partitions
    : partitions.map((planned) => ({ ...planned, batches: () => batchesWithIds(planned.batches(), from, ids) }))
}
