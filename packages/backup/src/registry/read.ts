// Reads a Schema Registry whole, over its REST API.
import { type RegistryClient, RegistryError } from '@selfmonitor/registry'
import pLimit from 'p-limit'
import { z } from 'zod'
import { BackupError } from '../format/backup-error.ts'
import {
  type RegistryState,
  registryStateSchema,
  type SubjectState,
  type VersionState,
} from '../format/schema-state.ts'

/** Requests at the same time. */
const atOnce = 8
const globalScope = ':.__GLOBAL:'

const answers = {
  names: z.array(z.string()),
  numbers: z.array(z.int()),
  version: registryStateSchema.shape.subjects.element.shape.versions.element.omit({ deleted: true }).extend({
    schemaType: z.string().default('AVRO'),
    references: z
      .array(z.any())
      .nullish()
      .transform((all) => all ?? []),
  }),
  config: z.record(z.string(), z.json()),
  mode: z.looseObject({ mode: z.string() }),
  clusters: z.looseObject({ scope: z.looseObject({ clusters: z.record(z.string(), z.string()) }) }),
}

/**
 * The cluster that the registry keeps its schemas in.
 * @returns null when it does not say
 * @throws RegistryError when it does not answer
 */
export async function clusterOfRegistry(client: RegistryClient): Promise<string | null> {
  const answer = answers.clusters.safeParse(await orNull(client, '/v1/metadata/id'))
  return answer.success ? (answer.data.scope.clusters['kafka-cluster'] ?? null) : null
}

/** @throws RegistryError */
export async function readRegistry(client: RegistryClient): Promise<RegistryState> {
  const limit = pLimit(atOnce)
  const get = async <T>(path: string, form: z.ZodType<T, unknown>): Promise<T | null> =>
    limit(async () => {
      const answer = await orNull(client, path)
      return answer === null ? null : parsed(client, path, form, answer)
    })
  const settings = async (of: string): Promise<Pick<SubjectState, 'config' | 'mode'>> => {
    const at = of === '' ? '' : `/${encodeURIComponent(of)}`
    const [config, mode] = await Promise.all([get(`/config${at}`, answers.config), get(`/mode${at}`, answers.mode)])
    return { config, mode: mode?.mode ?? null }
  }
  const subjectState = async (subject: string): Promise<SubjectState> => {
    const path = `/subjects/${encodeURIComponent(subject)}/versions`
    const [all, live, own] = await Promise.all([
      get(`${path}?deleted=true`, answers.numbers),
      get(path, answers.numbers),
      settings(subject),
    ])
    const isLive = new Set(live)
    const versions = await Promise.all(
      (all ?? []).map(async (number): Promise<VersionState[]> => {
        const found = await get(`${path}/${number}?deleted=true`, answers.version)
        // null: it was deleted permanently a moment ago.
        return found === null ? [] : [{ ...found, version: number, deleted: !isLive.has(number) }]
      }),
    )
    return { subject, versions: versions.flat(), ...own }
  }
  // Registries without contexts do not have the path.
  const contexts = (await get('/contexts', answers.names)) ?? []
  const scopes = ['', ...contexts.filter((name) => name !== '.').map((name) => `:${name}:`), globalScope]
  // Without the answer nothing is known: 404 here is not "none".
  const names = parsed(
    client,
    '/subjects',
    answers.names,
    await client.request({ method: 'GET', path: '/subjects?deleted=true' }),
  )
  const subjects = await Promise.all(names.toSorted().map(subjectState))
  return {
    subjects: subjects.filter(({ versions }) => versions.length > 0),
    contexts: await Promise.all(scopes.map(async (name) => ({ name, ...(await settings(name)) }))),
  }
}

function parsed<T>(client: RegistryClient, path: string, form: z.ZodType<T, unknown>, answer: unknown): T {
  const result = form.safeParse(answer)
  if (result.success) return result.data
  const [issue] = result.error.issues
  throw new RegistryError(
    'REGISTRY_BAD_ANSWER',
    `the answer of ${client.url} to ${path} is not what a Schema Registry gives: ${issue?.path.join('.')}: ${issue?.message}`,
    { hint: 'is this the address of a Schema Registry?' },
  )
}

/** null where the registry says that it is not there, or that it cannot be asked for. */
async function orNull(client: RegistryClient, path: string): Promise<unknown> {
  try {
    return await client.request({ method: 'GET', path })
  } catch (error) {
    if (error instanceof RegistryError && [404, 405, 422].includes(error.status ?? 0)) return null
    throw error
  }
}

/** @throws BackupError OTHER_CLUSTER; RegistryError */
export async function requireCluster(client: RegistryClient, clusterId: string): Promise<void> {
  if ((await clusterOfRegistry(client)) === clusterId) return
  throw new BackupError('OTHER_CLUSTER', `the registry at ${client.url} does not say that it is of this cluster`, {
    hint: 'Name the registry with --registry-url.',
  })
}

/** The registry of a cluster. */
export interface SchemaSource {
  readonly client: RegistryClient
  /** Only if it keeps its schemas in this cluster: where the address is a guess. */
  readonly mustBeOfCluster: boolean
}
