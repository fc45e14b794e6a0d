// Puts the schemas of a backup back into a registry, and finds out which records must get other ids.
import { type RegistryClient, RegistryError } from '@selfmonitor/registry'
import pLimit from 'p-limit'
import { BackupError } from '../format/backup-error.ts'
import { readSchemas } from '../format/manifests.ts'
import { contentOf, inContext, type RegistryState, splitSubject } from '../format/schema-state.ts'
import type { BackupStore } from '../format/sealing.ts'
import { recordsBetween } from '../format/trim.ts'
import { readRegistry, requireCluster, type SchemaSource } from '../registry/read.ts'
import { type FramedPart, type IdMap, idIn, type Part, parts, type TopicIds, unmapped } from './schema-ids.ts'
import { hasSameIds, idKey, isPayload, ownerOfSubject, planSubjects, type SchemaPlan } from './schema-plan.ts'
import { type RestoreSource, type Selection, selectedBatches } from './source.ts'

export interface SchemaRequest {
  /** null: there seems to be none, and the restore is refused if it needs one. */
  readonly registry: SchemaSource | null
  /** `keep`: every schema keeps its id, or the restore is refused. `rewrite`: where that cannot be, records get the other id. */
  readonly ids: 'keep' | 'rewrite'
  /** Of topics of the backup: which parts of their records carry ids. Default: those that a subject is named after. */
  readonly carries: ReadonlyMap<string, readonly FramedPart[]>
}

export interface PlannedSchemas extends SchemaPlan {
  readonly client: RegistryClient
  /** By the topic's name in the backup; topics whose records stay as they are are not in it. */
  readonly topics: ReadonlyMap<string, TopicIds>
  /** Why the restore cannot be done like this: nothing is changed then. */
  readonly refusals: readonly BackupError[]
}

export interface TopicToRestore {
  readonly from: string
  readonly to: string
  readonly partitions: readonly { readonly selection: Selection }[]
}

interface Chosen {
  readonly source: RestoreSource
  readonly topics: readonly TopicToRestore[]
  readonly targetClusterId: string
  readonly resume: boolean
}

/**
 * @returns null when no record of the topics can carry an id, and nothing is to be done
 * @throws BackupError NO_REGISTRY, OTHER_CLUSTER, DAMAGED; RegistryError when the registry cannot be read; StoreError
 */
export async function planSchemas(
  store: BackupStore,
  request: SchemaRequest,
  chosen: Chosen,
): Promise<PlannedSchemas | null> {
  const backup = await readSchemas(store, chosen.source.manifest)
  if (backup === null) return null
  const all = chosen.source.topics.map(({ name }) => name)
  const claims = claimsOf(backup, request, chosen.topics, all)
  const likely = await likelyCarriers(store, backup, chosen.topics, claims, all)
  const restored = new Set(chosen.topics.map(({ from }) => from))
  // A registry's own topic may be left out, because the registry gets the schemas.
  const isWhole = all.every((name) => restored.has(name) || name === '_schemas')
  const includesUnnamed = isWhole || request.carries.size > 0 || likely.length > 0
  const needsRegistry = claims.size > 0 || (includesUnnamed && backup.subjects.length > 0)
  if (!needsRegistry) return null
  if (request.registry === null) throw noRegistry()
  const { client, mustBeOfCluster } = request.registry
  if (mustBeOfCluster) await requireCluster(client, chosen.targetClusterId)
  const target = await withItsOwnWords(client, backup, await readRegistry(client))
  const planned = (alsoIds: ReadonlySet<string>): SchemaPlan =>
    planSubjects({
      ...{ backup, target, includesUnnamed, alsoIds, resume: chosen.resume },
      topics: chosen.topics,
      allTopics: all,
    })
  const first = planned(new Set())
  const scan = await scanTopics(store, chosen.topics, claims, { backup, target, plan: first })
  const plan = scan.others.size === 0 ? first : planned(scan.others)
  const topics = idsOfTopics(claims, scan.used, plan)
  const refusals = [
    ...scan.unmapped,
    ...refusalsOf(client, request, plan),
    ...likely.filter(() => !hasSameIds(backup, target, '')).map(({ topic, part, id }) => mustBeSaid(topic, part, id)),
    ...(await unsupported(client, plan)),
  ]
  return { ...plan, client, topics, refusals }
}

function noRegistry(): BackupError {
  return new BackupError(
    'NO_REGISTRY',
    'the backup has schemas of these topics, and no Schema Registry is known here',
    {
      hint: 'Name it with --registry-url, or restore without schemas: --schemas skip.',
    },
  )
}

/** Contexts whose ids the parts of a topic's records carry. */
type Claims = ReadonlyMap<string, ReadonlyMap<Part, ReadonlySet<string>>>

function claimsOf(
  { subjects }: RegistryState,
  { carries }: SchemaRequest,
  topics: readonly TopicToRestore[],
  all: readonly string[],
): Claims {
  const claims = new Map<string, Map<Part, Set<string>>>()
  const claim = (topic: string, part: Part, context: string): void => {
    const own = claims.get(topic) ?? new Map<Part, Set<string>>()
    claims.set(topic, own.set(part, (own.get(part) ?? new Set()).add(context)))
  }
  const restored = new Set(topics.map(({ from }) => from))
  const byName = new Map(subjects.map((one) => [one.subject, one]))
  for (const source of subjects) {
    const { subject, versions } = source
    const { context } = splitSubject(subject)
    const owner = ownerOfSubject(source, byName, all)
    if (owner === null || !restored.has(owner.topic)) continue
    const values = byName.get(inContext(context, `${owner.topic}-value`))
    if (owner.parts.length > 1 && isPayload(versions, values?.versions)) claim(owner.topic, 'payload', context)
    else if (!carries.has(owner.topic)) for (const part of owner.parts) claim(owner.topic, part, context)
  }
  for (const [topic, own] of carries) if (restored.has(topic)) for (const part of own) claim(topic, part, '')
  return claims
}

/**
 * Topics that no subject is named after and whose records look as if they had ids (RecordNameStrategy): their first batches are looked at.
 */
async function likelyCarriers(
  store: BackupStore,
  { subjects }: RegistryState,
  topics: readonly TopicToRestore[],
  claims: Claims,
  all: readonly string[],
): Promise<{ readonly topic: string; readonly part: Part; readonly id: number }[]> {
  const byName = new Map(subjects.map((one) => [one.subject, one]))
  const unnamed = subjects.filter((one) => ownerOfSubject(one, byName, all) === null)
  const ids = new Set(unnamed.flatMap(({ versions }) => versions.map(({ id }) => id)))
  const found: { topic: string; part: Part; id: number }[] = []
  if (ids.size === 0) return found
  for (const { from, partitions } of topics.filter((topic) => !claims.has(topic.from))) {
    for (const { selection } of partitions) {
      for await (const batch of selectedBatches(store, selection)) {
        for (const record of await recordsBetween(batch, selection.from, selection.cut)) {
          for (const part of parts) {
            const id = idIn(part, record)
            const isKnown = found.some((one) => one.topic === from && one.part === part)
            if (id !== null && ids.has(id) && !isKnown) found.push({ topic: from, part, id })
          }
        }
        break
      }
    }
  }
  return found
}

function mustBeSaid(topic: string, part: Part, id: number): BackupError {
  return new BackupError(
    'SCHEMA_IDS',
    `${part}s of topic ${topic} look as if they had ids of schemas (${id}), which are others in the target; no subject is named after the topic`,
    { hint: `Say --schema-ids ${topic}:${part} if they have, --schema-ids ${topic}:none if not.` },
  )
}

/**
 * A registry may spell a schema otherwise than the one it came from. Where it has another text under an id of the backup, it is asked
 * whether it takes both for the same; then it counts as having the backup's text.
 */
async function withItsOwnWords(
  client: RegistryClient,
  backup: RegistryState,
  target: RegistryState,
): Promise<RegistryState> {
  const texts = new Map(
    backup.subjects.flatMap(({ subject, versions }) =>
      versions.map((version) => [idKey(splitSubject(subject).context, version.id), version] as const),
    ),
  )
  const limit = pLimit(8)
  const subjects = await Promise.all(
    target.subjects.map(async (state) => {
      const { context } = splitSubject(state.subject)
      const versions = await Promise.all(
        state.versions.map(async (version) => {
          const own = texts.get(idKey(context, version.id))
          if (own === undefined || contentOf(own, context) === contentOf(version, context)) return version
          const isSame = await limit(() => takesForTheSame(client, state.subject, version.id, own))
          if (!isSame) return version
          const { schema, references, schemaType, metadata, ruleSet } = own
          return { ...version, schema, references, schemaType, metadata, ruleSet }
        }),
      )
      return { ...state, versions }
    }),
  )
  return { ...target, subjects }
}

async function takesForTheSame(
  client: RegistryClient,
  subject: string,
  id: number,
  own: RegistryState['subjects'][number]['versions'][number],
): Promise<boolean> {
  try {
    const path = `/subjects/${encodeURIComponent(subject)}?deleted=true`
    const found = await client.request({ method: 'POST', path, body: bodyOf(own) })
    return (found as { id?: unknown }).id === id
  } catch (error) {
    if (error instanceof RegistryError && error.code === 'REGISTRY_REFUSED' && error.status !== 401) return false
    throw error
  }
}

function bodyOf({
  schema,
  schemaType,
  references,
  metadata,
  ruleSet,
}: SchemaPlan['imports'][number]['content']): object {
  return {
    ...(schemaType === 'AVRO' ? {} : { schemaType }),
    ...(references.length === 0 ? {} : { references }),
    ...(metadata == null ? {} : { metadata }),
    ...(ruleSet == null ? {} : { ruleSet }),
    schema,
  }
}

interface Scan {
  /** By topic and part: ids that records have. Only of topics whose records had to be looked at. */
  readonly used: ReadonlyMap<string, ReadonlyMap<Part, ReadonlySet<number>>>
  /** Ids of the backup's schemas of other topics' subjects. */
  readonly others: ReadonlySet<string>
  readonly unmapped: readonly BackupError[]
}

/** Looks at the records of topics where the target's ids are not those of the backup. */
async function scanTopics(
  store: BackupStore,
  topics: readonly TopicToRestore[],
  claims: Claims,
  { backup, target, plan }: { backup: RegistryState; target: RegistryState; plan: SchemaPlan },
): Promise<Scan> {
  const planned = new Set(plan.ids.map(({ context, id }) => idKey(context, id)))
  const known = new Set(
    backup.subjects.flatMap(({ subject, versions }) =>
      versions.map(({ id }) => idKey(splitSubject(subject).context, id)),
    ),
  )
  const same = new Map<string, boolean>()
  const isSame = (context: string): boolean => {
    const answer = same.get(context) ?? hasSameIds(backup, target, context)
    same.set(context, answer)
    return answer
  }
  const used = new Map<string, Map<Part, Set<number>>>()
  const others = new Set<string>()
  const errors = new Map<string, BackupError>()
  for (const { from, partitions } of topics) {
    const own = [...(claims.get(from) ?? [])].filter(([, contexts]) => [...contexts].some((one) => !isSame(one)))
    if (own.length === 0) continue
    const ids = new Map(own.map(([part]) => [part, new Set<number>()] as const))
    used.set(from, ids)
    for (const { selection } of partitions) {
      for await (const batch of selectedBatches(store, selection)) {
        for (const record of await recordsBetween(batch, selection.from, selection.cut)) {
          for (const [part, contexts] of own) {
            const id = idIn(part, record)
            if (id === null || ids.get(part)!.has(id)) continue
            ids.get(part)!.add(id)
            const keys = [...contexts].map((context) => idKey(context, id))
            const found = keys.filter((key) => known.has(key))
            for (const key of found) if (!planned.has(key)) others.add(key)
            if (found.length === 0 && part !== 'payload') {
              errors.set(
                `${id}:${part}:${from}`,
                unmapped(`${from} partition ${selection.partition}`, part, id, record.offset),
              )
            }
          }
        }
      }
    }
  }
  return { used, others, unmapped: [...errors.values()] }
}

/** @throws BackupError SCHEMAS_DIFFER where an id means several things to a topic */
function idsOfTopics(claims: Claims, used: Scan['used'], { ids }: SchemaPlan): Map<string, TopicIds> {
  const topics = new Map<string, TopicIds>()
  for (const [topic, byPart] of used) {
    const own: Record<Part, IdMap | null> = { key: null, value: null, payload: null }
    for (const [part, seen] of byPart) {
      const contexts = claims.get(topic)!.get(part)!
      const map = new Map<number, number>()
      for (const { context, id, to } of ids) {
        if (!contexts.has(context) || !seen.has(id)) continue
        if ((map.get(id) ?? to) !== to) {
          throw new BackupError(
            'SCHEMAS_DIFFER',
            `subjects of topic ${topic} are in several contexts, in which id ${id} is not the same schema: which one a record means cannot be known`,
            { hint: 'Restore into a registry where the ids are free, or with --schemas skip.' },
          )
        }
        map.set(id, to)
      }
      if ([...map].some(([id, to]) => id !== to)) own[part] = map
    }
    if (own.key !== null || own.value !== null || own.payload !== null) topics.set(topic, own)
  }
  return topics
}

function refusalsOf(client: RegistryClient, { ids }: SchemaRequest, plan: SchemaPlan): BackupError[] {
  const refusals = plan.conflicts.map((message) => new BackupError('SCHEMAS_DIFFER', message))
  const taken = plan.ids.filter(({ kind }) => kind === 'rewritten')
  if (ids === 'rewrite' || taken.length === 0) return refusals
  const named = taken.slice(0, 5).map(({ id, versions }) => `${id} (${versions[0]})`)
  const more = taken.length > 5 ? ` and ${taken.length - 5} more` : ''
  refusals.push(
    new BackupError(
      'SCHEMAS_DIFFER',
      `the registry at ${client.url} has other ids for schemas of the backup: ${named.join(', ')}${more}`,
      {
        hint: '--schemas rewrite gives their records the ids of the target; --schemas skip restores neither schemas nor ids.',
      },
    ),
  )
  return refusals
}

async function unsupported(client: RegistryClient, { imports }: SchemaPlan): Promise<BackupError[]> {
  const types = new Set(imports.map(({ content }) => content.schemaType))
  if (types.size === 0) return []
  // Registries before 5.5 have Avro only, and not the path.
  const known = await client.request({ method: 'GET', path: '/schemas/types' }).catch((error: unknown) => {
    if (error instanceof RegistryError && error.status === 404) return ['AVRO']
    throw error
  })
  return [...types]
    .filter((type) => Array.isArray(known) && !known.includes(type))
    .map((type) => {
      const one = imports.find(({ content }) => content.schemaType === type)!
      const message = `the registry at ${client.url} does not support schemas of type ${type}, as of ${one.subject}`
      return new BackupError('SCHEMAS_DIFFER', message, { hint: 'Restore without schemas: --schemas skip.' })
    })
}

/**
 * Registers what the plan says, in IMPORT mode, and reads it back. Modes are set back also after a failure; what was registered stays, and
 * the same plan made again needs less.
 * @throws RegistryError; BackupError SCHEMAS_DIFFER when the registry has changed since it was planned
 */
export async function restoreSchemas({ client, imports, subjects, scopes }: PlannedSchemas): Promise<void> {
  const at = (subject: string): string => encodeURIComponent(subject)
  const switched: PlannedSchemas['subjects'][number][] = []
  let failure: unknown = null
  try {
    for (const subject of subjects) {
      switched.push(subject)
      await client.request({ method: 'PUT', path: `/mode/${at(subject.subject)}?force=true`, body: { mode: 'IMPORT' } })
      await requireUnchanged(client, subject)
    }
    for (const { subject, version, id, content } of imports) {
      const path = `/subjects/${at(subject)}/versions`
      await client.request({ method: 'POST', path, body: { ...bodyOf(content), id, version } })
    }
    await requireImported(client, imports)
    await deleteSoftly(client, subjects)
    for (const { subject, config } of subjects) if (config !== null) await setConfig(client, subject, config)
    for (const { name, config } of scopes) if (config !== null) await setConfig(client, name, config)
  } catch (error) {
    failure = error
  }
  const left: string[] = []
  for (const { subject, mode } of switched) {
    try {
      await setMode(client, subject, mode)
    } catch (error) {
      failure ??= error
      left.push(subject)
    }
  }
  if (failure === null) {
    for (const { name, mode } of scopes) if (mode !== null) await setMode(client, name, mode)
    return
  }
  if (left.length === 0 || !(failure instanceof RegistryError)) throw failure
  const { code, status, errorCode, url } = failure
  throw new RegistryError(code, `${failure.message}; the mode of ${left.join(', ')} may be IMPORT still`, {
    ...{ status, errorCode, url, cause: failure },
    hint: 'Repeat the restore with --resume when the registry answers: it sets the mode back.',
  })
}

/** In IMPORT mode no other client registers: a version that came in between would be overwritten. */
async function requireUnchanged(
  client: RegistryClient,
  { subject, there }: PlannedSchemas['subjects'][number],
): Promise<void> {
  const now = await client.versions(subject)
  if (now.length === there.length && now.every((version) => there.includes(version))) return
  throw new BackupError('SCHEMAS_DIFFER', `subject ${subject} was changed while the restore was planned`, {
    hint: 'Nothing of it was changed here. Repeat the restore.',
  })
}

async function requireImported(client: RegistryClient, imports: SchemaPlan['imports']): Promise<void> {
  const limit = pLimit(8)
  await Promise.all(
    imports.map(({ subject, version, id }) =>
      limit(async () => {
        const path = `/subjects/${encodeURIComponent(subject)}/versions/${version}`
        const found = (await client.request({ method: 'GET', path })) as { id?: unknown }
        if (found.id === id) return
        throw new BackupError(
          'NOT_EQUAL',
          `version ${version} of subject ${subject} has id ${found.id} in the registry, instead of ${id}`,
        )
      }),
    ),
  )
}

/** A version that another one refers to cannot be deleted before that one is. */
async function deleteSoftly(client: RegistryClient, subjects: PlannedSchemas['subjects']): Promise<void> {
  let open = subjects.flatMap(({ subject, deleted }) => deleted.map((version) => ({ subject, version })))
  while (open.length > 0) {
    const referred: typeof open = []
    let refusal: unknown
    for (const one of open) {
      try {
        await client.deleteVersion(one.subject, one.version)
      } catch (error) {
        if (!(error instanceof RegistryError) || error.errorCode !== 42206) throw error
        refusal = error
        referred.push(one)
      }
    }
    if (referred.length === open.length) throw refusal
    open = referred
  }
}

async function setConfig(client: RegistryClient, of: string, config: object): Promise<void> {
  const { compatibilityLevel, ...others } = config as { compatibilityLevel?: unknown }
  const body = { ...others, ...(compatibilityLevel === undefined ? {} : { compatibility: compatibilityLevel }) }
  await client.request({ method: 'PUT', path: of === '' ? '/config' : `/config/${encodeURIComponent(of)}`, body })
}

async function setMode(client: RegistryClient, of: string, mode: string | null): Promise<void> {
  const path = of === '' ? '/mode' : `/mode/${encodeURIComponent(of)}`
  if (mode !== null) return void (await client.request({ method: 'PUT', path: `${path}?force=true`, body: { mode } }))
  try {
    await client.request({ method: 'DELETE', path })
  } catch (error) {
    // It had none: the switch to IMPORT had failed.
    if (!(error instanceof RegistryError) || error.status !== 404) throw error
  }
}
