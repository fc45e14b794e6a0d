// What a restore does with the schemas of a backup: which subjects, under which ids and versions. Pure.
import {
  contentOf,
  inContext,
  qualified,
  type RegistryState,
  type SubjectState,
  splitSubject,
  type VersionState,
} from '../format/schema-state.ts'
import { type FramedPart, parts } from './schema-ids.ts'

/** A schema of the backup, and the id that it has in the target. */
export interface PlannedId {
  /** Empty for the default one. */
  readonly context: string
  readonly id: number
  readonly to: number
  /** `there`: the target has it under the same id. `created`: under the same id. `rewritten`: the target has it, or gets it, under another one. */
  readonly kind: 'there' | 'created' | 'rewritten'
  /** Of the backup, with versions: `orders-value 2`. */
  readonly versions: readonly string[]
}

export interface PlannedImport {
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly content: VersionState
}

export interface PlannedSubject {
  readonly subject: string
  /** Its live versions in the target now. */
  readonly there: readonly number[]
  /** Versions that are soft-deleted when all is there. */
  readonly deleted: readonly number[]
  /** In the end; null: it inherits one. */
  readonly mode: string | null
  /** To be set; null: as it is. */
  readonly config: SubjectState['config']
}

export interface PlannedScope {
  readonly name: string
  readonly mode: string | null
  readonly config: SubjectState['config']
}

export interface SchemaPlan {
  readonly ids: readonly PlannedId[]
  /** What is referred to comes first. */
  readonly imports: readonly PlannedImport[]
  /** Those that are in IMPORT mode meanwhile. */
  readonly subjects: readonly PlannedSubject[]
  /** The whole registry's settings: only where the target is empty. */
  readonly scopes: readonly PlannedScope[]
  readonly warnings: readonly string[]
  readonly conflicts: readonly string[]
}

export interface SchemaInput {
  readonly backup: RegistryState
  readonly target: RegistryState
  /** Those that are restored. */
  readonly topics: readonly { readonly from: string; readonly to: string }[]
  /** Names of all topics of the backup. */
  readonly allTopics: readonly string[]
  /** Also subjects that are not named after a topic. */
  readonly includesUnnamed: boolean
  /** Also the schemas with these ids: `3:.lab`, `3:` in the default context. */
  readonly alsoIds: ReadonlySet<string>
  readonly resume: boolean
}

export const idKey = (context: string, id: number): string => `${id}:${context}`

export interface Owner {
  readonly topic: string
  readonly parts: readonly FramedPart[]
  /** Behind the topic's name. */
  readonly suffix: string
}

/**
 * The topic that a subject is named after: `<topic>-key` and `<topic>-value` (TopicNameStrategy), `<topic>-<name of a record>`
 * (TopicRecordNameStrategy), whose schemas may be in keys and in values. Names of records have no `-`, names of event types may:
 * `orders-eu-Order` is the record `Order` of topic `orders-eu`, which the backup may not have, unless it is a payload of `orders`.
 * @param isPayloadOf whether the subject has the payloads of an event type of a topic
 */
export function ownerOf(
  name: string,
  topics: readonly string[],
  isPayloadOf: (topic: string) => boolean = () => false,
): Owner | null {
  for (const part of parts) {
    const suffix = `-${part}`
    if (name.endsWith(suffix) && topics.includes(name.slice(0, -suffix.length))) {
      return { topic: name.slice(0, -suffix.length), parts: [part], suffix }
    }
  }
  const found = topics
    .filter(
      (topic) =>
        name.startsWith(`${topic}-`) &&
        /^[A-Za-z_][\w.-]*$/.test(name.slice(topic.length + 1)) &&
        !/-(?:key|value)$/.test(name) &&
        (!name.slice(topic.length + 1).includes('-') || isPayloadOf(topic)),
    )
    .toSorted((a, b) => b.length - a.length)[0]
  return found === undefined ? null : { topic: found, parts, suffix: name.slice(found.length) }
}

/** `ownerOf` a subject of a registry. @param subjects all of them, by name with context */
export function ownerOfSubject(
  { subject, versions }: SubjectState,
  subjects: ReadonlyMap<string, SubjectState>,
  topics: readonly string[],
): Owner | null {
  const { context, name } = splitSubject(subject)
  const valuesOf = (topic: string) => subjects.get(inContext(context, `${topic}-value`))?.versions
  return ownerOf(name, topics, (topic) => isPayload(versions, valuesOf(topic)))
}

/** The payload of an event type: JSON Schema, where the topic's values are Avro, the envelope. */
export function isPayload(versions: readonly VersionState[], ofValues: readonly VersionState[] | undefined): boolean {
  const isJson = versions.every(({ schemaType }) => schemaType === 'JSON')
  return isJson && ofValues?.every(({ schemaType }) => schemaType === 'AVRO') === true
}

interface Wanted {
  readonly source: SubjectState
  readonly context: string
  /** Its name in the target. */
  readonly subject: string
}

/** Pure. What cannot be done is in `conflicts`, and what would be surprising in `warnings`. */
export function planSubjects(input: SchemaInput): SchemaPlan {
  const { backup, target, resume } = input
  const wanted = wantedSubjects(input)
  const index = indexOf(target)
  const ids = assignIds(backup, wanted, index)
  const conflicts: string[] = []
  const warnings: string[] = []
  const imports: PlannedImport[] = []
  const subjects: PlannedSubject[] = []
  for (const one of wanted) {
    const there = index.subjects.get(one.subject)
    const own = importsOf(one, there, ids, conflicts)
    imports.push(...own)
    const live = (there?.versions ?? []).filter(({ deleted }) => !deleted)
    const isNew = (there?.versions ?? []).length === 0
    const leftOver = there?.mode === 'IMPORT' && (resume || isNew)
    const mode = one.source.mode ?? (leftOver ? null : (there?.mode ?? null))
    const config = there?.config == null && (isNew || resume) ? one.source.config : null
    // A subject without versions may have a mode that an interrupted restore left.
    const isLeft = there?.mode === 'IMPORT' && leftOver && one.source.mode !== 'IMPORT'
    if (own.length === 0 && !isLeft) continue
    const deleted = own.filter(({ content }) => content.deleted).map(({ version }) => version)
    if (isLeft) deleted.push(...notYetDeleted(one, live))
    subjects.push({ subject: one.subject, there: live.map(({ version }) => version), deleted, mode, config })
  }
  conflicts.push(...movedReferences(backup, wanted, imports))
  const isEmpty = target.subjects.length === 0
  const scopes = isEmpty && input.includesUnnamed ? changedScopes(backup, target) : []
  if (scopes.length === 0 && imports.length > 0) warnings.push(...differentLevels(backup, target))
  return { ids: [...ids.values()], imports: inOrder(imports), subjects, scopes, warnings, conflicts }
}

/** Every subject once for each name that it gets, with all that their schemas refer to. */
function wantedSubjects({ backup, topics, allTopics, includesUnnamed, alsoIds }: SchemaInput): Wanted[] {
  const wanted = new Map<string, Wanted>()
  const byName = new Map(backup.subjects.map((subject) => [subject.subject, subject]))
  const add = (source: SubjectState, subject: string): void => {
    if (wanted.has(subject)) return
    const { context } = splitSubject(source.subject)
    wanted.set(subject, { source, context, subject })
    for (const { references } of source.versions) {
      for (const reference of references) {
        const name = qualified(reference.subject, context)
        const found = byName.get(name)
        if (found !== undefined) add(found, name)
      }
    }
  }
  for (const source of backup.subjects) {
    const { context } = splitSubject(source.subject)
    const owner = ownerOfSubject(source, byName, allTopics)
    const restored = topics.filter(({ from }) => from === owner?.topic)
    for (const { to } of restored) add(source, inContext(context, `${to}${owner!.suffix}`))
    const isUsed = source.versions.some(({ id }) => alsoIds.has(idKey(context, id)))
    if ((owner === null && includesUnnamed) || (isUsed && restored.length === 0)) add(source, source.subject)
  }
  return [...wanted.values()]
}

interface Index {
  readonly subjects: ReadonlyMap<string, SubjectState>
  /** By id and context. */
  readonly contents: ReadonlyMap<string, string>
  /** By content and context, rising. */
  readonly ids: ReadonlyMap<string, readonly number[]>
  readonly maxIds: ReadonlyMap<string, number>
}

function indexOf({ subjects }: RegistryState): Index {
  const contents = new Map<string, string>()
  const ids = new Map<string, number[]>()
  const maxIds = new Map<string, number>()
  for (const { context, version } of versionsOf(subjects)) {
    const content = contentOf(version, context)
    contents.set(idKey(context, version.id), content)
    const key = `${content}:${context}`
    if (!ids.get(key)?.includes(version.id))
      ids.set(
        key,
        [...(ids.get(key) ?? []), version.id].sort((a, b) => a - b),
      )
    maxIds.set(context, Math.max(maxIds.get(context) ?? 0, version.id))
  }
  return { subjects: new Map(subjects.map((subject) => [subject.subject, subject])), contents, ids, maxIds }
}

function versionsOf(
  subjects: readonly SubjectState[],
): { readonly subject: string; readonly context: string; readonly version: VersionState }[] {
  return subjects.flatMap(({ subject, versions }) => {
    const { context } = splitSubject(subject)
    return versions.map((version) => ({ subject, context, version }))
  })
}

/** By id and context. An id that is free is kept; new ones are above all that either registry has. */
function assignIds(backup: RegistryState, wanted: readonly Wanted[], index: Index): Map<string, PlannedId> {
  const next = new Map(index.maxIds)
  for (const { context, version } of versionsOf(backup.subjects)) {
    next.set(context, Math.max(next.get(context) ?? 0, version.id))
  }
  const bySchema = Map.groupBy(
    wanted.flatMap((one) => one.source.versions.map((version) => ({ ...one, version }))),
    ({ context, version }) => idKey(context, version.id),
  )
  const given = new Map<string, number>()
  const ids = new Map<string, PlannedId>()
  for (const [key, uses] of bySchema) {
    const { context, version } = uses[0]!
    const content = contentOf(version, context)
    const place = `${content}:${context}`
    const known = index.contents.get(key)
    const names = uses.map(({ source, version: { version: number } }) => `${source.subject} ${number}`)
    const planned = (to: number, kind: PlannedId['kind']): void => {
      ids.set(key, { context, id: version.id, to, kind, versions: [...new Set(names)] })
    }
    if (known === content) planned(version.id, 'there')
    else {
      const own = uses.flatMap(({ subject }) => idInSubject(index.subjects.get(subject), content, context))[0]
      if (known === undefined && own === undefined) planned(version.id, 'created')
      else {
        const to = own ?? index.ids.get(place)?.[0] ?? given.get(place) ?? (next.get(context) ?? 0) + 1
        given.set(place, to)
        next.set(context, Math.max(next.get(context) ?? 0, to))
        planned(to, 'rewritten')
      }
    }
  }
  return ids
}

/** A subject that has a schema under another id keeps that: importing it again would change the id of a version that others use. */
function idInSubject(subject: SubjectState | undefined, content: string, context: string): number[] {
  return (subject?.versions ?? [])
    .filter((version) => !version.deleted && contentOf(version, context) === content)
    .map(({ id }) => id)
}

function importsOf(
  { source, context, subject }: Wanted,
  there: SubjectState | undefined,
  ids: ReadonlyMap<string, PlannedId>,
  conflicts: string[],
): PlannedImport[] {
  const has = (there?.versions ?? []).map((version) => ({ ...version, content: contentOf(version, context) }))
  const live = has.filter(({ deleted }) => !deleted)
  const contents = new Map(source.versions.map((version) => [version, contentOf(version, context)]))
  const isThere = (version: VersionState, among: readonly { content: string }[]): boolean =>
    among.some(({ content }) => content === contents.get(version))
  if (source.versions.every((version) => isThere(version, version.deleted ? has : live))) return []
  // IMPORT mode makes a registry forget soft-deleted versions: those of the backup come back, others would be lost.
  for (const old of has.filter(({ deleted }) => deleted)) {
    const isKept = source.versions.some((one) => one.version === old.version && contents.get(one) === old.content)
    if (!isKept) {
      conflicts.push(
        `subject ${subject} of the target has the soft-deleted version ${old.version}, which would be lost: delete it permanently first`,
      )
    }
  }
  const taken = new Set(live.map(({ version }) => version))
  let highest = Math.max(0, ...taken, ...source.versions.map(({ version }) => version))
  return source.versions
    .filter((version) => !isThere(version, live))
    .toSorted((a, b) => a.version - b.version)
    .map((content) => ({
      subject,
      version: taken.has(content.version) ? ++highest : content.version,
      id: ids.get(idKey(context, content.id))!.to,
      content,
    }))
}

/** What an interrupted restore had imported, and not deleted again. */
function notYetDeleted({ source, context }: Wanted, live: readonly VersionState[]): number[] {
  return live
    .filter((there) =>
      source.versions.some(
        (one) => one.deleted && one.version === there.version && contentOf(one, context) === contentOf(there, context),
      ),
    )
    .map(({ version }) => version)
}

/** A schema that refers to a version by its number cannot follow it to another one. */
function movedReferences(
  backup: RegistryState,
  wanted: readonly Wanted[],
  imports: readonly PlannedImport[],
): string[] {
  const moved = new Map(
    imports
      .filter(({ version, content }) => version !== content.version)
      .map(({ subject, content }) => [`${content.version}:${subject}`, subject]),
  )
  if (moved.size === 0) return []
  const names = new Set(wanted.map(({ source }) => source.subject))
  return versionsOf(backup.subjects.filter(({ subject }) => names.has(subject))).flatMap(
    ({ subject, context, version }) =>
      version.references
        .filter((reference) => moved.has(`${reference.version}:${qualified(reference.subject, context)}`))
        .map(
          (reference) =>
            `${subject} version ${version.version} refers to version ${reference.version} of ${reference.subject}, which is another schema in the target`,
        ),
  )
}

/** What is referred to before what refers to it, otherwise by subject and version. */
function inOrder(imports: readonly PlannedImport[]): PlannedImport[] {
  const byPlace = new Map(imports.map((one) => [`${one.version}:${one.subject}`, one]))
  const ordered = new Set<PlannedImport>()
  const visit = (one: PlannedImport): void => {
    if (ordered.has(one)) return
    const { context } = splitSubject(one.subject)
    for (const { subject, version } of one.content.references) {
      const before = byPlace.get(`${version}:${qualified(subject, context)}`)
      if (before !== undefined && before !== one) visit(before)
    }
    ordered.add(one)
  }
  for (const one of imports) visit(one)
  return [...ordered]
}

function changedScopes(backup: RegistryState, target: RegistryState): PlannedScope[] {
  const now = new Map(target.contexts.map((scope) => [scope.name, scope]))
  return backup.contexts.flatMap(({ name, config, mode }) => {
    const there = now.get(name)
    const newConfig = JSON.stringify(config) === JSON.stringify(there?.config ?? null) ? null : config
    const newMode = mode === (there?.mode ?? null) ? null : mode
    return newConfig === null && newMode === null ? [] : [{ name, config: newConfig, mode: newMode }]
  })
}

function differentLevels(backup: RegistryState, target: RegistryState): string[] {
  const levelOf = ({ contexts }: RegistryState): unknown =>
    contexts.find(({ name }) => name === '')?.config?.compatibilityLevel
  const [before, now] = [levelOf(backup), levelOf(target)]
  if (before === now || before === undefined) return []
  return [`subjects without a compatibility of their own had ${before}, and get ${now ?? 'the default'} of the target`]
}

/** Whether every id of the backup in a context is the same schema in the target, or the target has none there: then no record needs a look. */
export function hasSameIds(backup: RegistryState, target: RegistryState, context: string): boolean {
  const { contents } = indexOf(target)
  const own = versionsOf(backup.subjects).filter((one) => one.context === context)
  const isEmpty = !versionsOf(target.subjects).some((one) => one.context === context)
  return isEmpty || own.every(({ version }) => contents.get(idKey(context, version.id)) === contentOf(version, context))
}
