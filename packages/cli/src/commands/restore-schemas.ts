// The schemas of a restore: options, the preview, and what the audit trail says of them.
import type { FramedPart, PlannedId, RestorePlan, SchemaRequest } from '@selfmonitor/backup'
import type { Cluster } from '@selfmonitor/cluster'
import { registryOfCluster } from '../backup/registry.ts'
import type { Context } from '../framework/context.ts'
import { usageError } from '../framework/errors.ts'
import { collect } from '../framework/parse.ts'
import { choice, value } from '../framework/verb.ts'
import { counted } from '../output/format.ts'

export const schemaOptions = {
  schemas: choice(
    '--schemas <how>',
    'keep (default): schemas keep their ids, or nothing is restored. rewrite: where the registry has other ids, records get those. skip: no schemas',
    ['keep', 'rewrite', 'skip'],
  ),
  schemaIds: value(
    '--schema-ids <topic:part>',
    'keys or values of this topic carry ids of schemas (`orders:value`), or neither does (`orders:none`), whatever subjects there are',
    collect,
  ),
} as const

/** @throws CliError USAGE; RegistryError REGISTRY_OPTIONS */
export async function schemaRequest(
  context: Context,
  cluster: Cluster,
  given: {
    readonly schemas: 'keep' | 'rewrite' | 'skip' | undefined
    readonly schemaIds: readonly string[] | undefined
  },
): Promise<SchemaRequest | null> {
  const carries = carriesOf(given.schemaIds ?? [])
  if (given.schemas === 'skip') return null
  return {
    registry: await registryOfCluster(context, cluster),
    ids: given.schemas ?? 'keep',
    carries,
  }
}

function carriesOf(words: readonly string[]): Map<string, readonly FramedPart[]> {
  const carries = new Map<string, readonly FramedPart[]>()
  for (const word of words) {
    const [, topic, part] = /^(.+):(key|value|none)$/.exec(word) ?? []
    if (topic === undefined) throw usageError(`"${word}" is not of the form <topic>:key, <topic>:value or <topic>:none`)
    carries.set(topic, part === 'none' ? [] : [...(carries.get(topic) ?? []), part as FramedPart])
  }
  return carries
}

const shown = 10

/** Lines of the preview. */
export function showSchemas(context: Context, { schemas }: RestorePlan): void {
  if (schemas == null) return
  const colours = context.colours.stderr
  const { ids, imports, refusals, client } = schemas
  const of = (kind: PlannedId['kind']): readonly PlannedId[] => ids.filter((one) => one.kind === kind)
  const rewritten = of('rewritten')
  context.note(
    `  registry ${client.url}: ${counted(of('there').length, 'schema')} there under the same id, ${of('created').length} to be created with theirs, ${rewritten.length} under another id; ${counted(imports.length, 'version')} to register`,
  )
  for (const { id, to, versions } of rewritten.slice(0, shown)) {
    const more = versions.length > 1 ? ` and ${versions.length - 1} more` : ''
    context.note(`  id ${id} becomes ${to}: ${versions[0]}${more}`)
  }
  if (rewritten.length > shown) context.note(`  and ${rewritten.length - shown} more: -o json has all`)
  if (schemas.topics.size > 0)
    context.note(`  records that get other ids are in ${[...schemas.topics.keys()].join(', ')}`)
  for (const refusal of refusals) context.note(colours.bad(`  refused: ${refusal.message}`))
}

export function schemasData({ schemas }: RestorePlan): unknown {
  if (schemas == null) return null
  const { ids, imports, subjects, scopes, topics, refusals, client } = schemas
  return {
    registry: client.url,
    ids,
    register: imports.map(({ subject, version, id }) => ({ subject, version, id })),
    subjects,
    settings: scopes,
    topicsWithOtherIds: [...topics.keys()],
    refused: refusals.map(({ code, message }) => ({ code, message })),
  }
}
