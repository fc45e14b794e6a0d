// The schemas that the records of `_schemas` hold, by subject and version, and the tables by which they are found otherwise.
import { createHash } from 'node:crypto'
import { type Contract, contractKey, unnumbered } from '../contract/index.ts'
import type { SchemaReference } from '../types.ts'
import { contextOf, defaultContext, qualify } from './contexts.ts'
import type { SchemaValue } from './records.ts'
import { createSubjectVersions, type SubjectVersions } from './subject-versions.ts'

/** The key by which two schemas are the same: their canonical text, their references and their contracts. */
export interface SchemaIdentity extends Contract {
  readonly schemaType: string
  readonly schema: string
  readonly references: readonly SchemaReference[]
}

/** Records never change, so each is hashed once. */
const fingerprints = new WeakMap<SchemaIdentity, string>()
const guids = new WeakMap<SchemaIdentity, string>()

/** MD5 over the text, the references and the contract, as Confluent's registry tells schemas apart. */
export function fingerprint(identity: SchemaIdentity): string {
  const known = fingerprints.get(identity)
  if (known !== undefined) return known
  const { schemaType, schema, references } = identity
  const hash = createHash('md5').update(schemaType).update('\0').update(schema)
  for (const { name, subject, version } of references) hash.update(`\0${name}\0${subject}\0${version}`)
  if (identity.metadata !== undefined || identity.ruleSet !== undefined) hash.update(`\0\0${contractKey(identity)}`)
  const result = hash.digest('base64')
  fingerprints.set(identity, result)
  return result
}

/**
 * The identifier of a schema that is the same in every context: the MD5 of its text, references and contract, written as a UUID.
 * https://docs.confluent.io/platform/current/schema-registry/develop/api.html#get-schema-by-guid
 */
export function guidOf(identity: SchemaIdentity): string {
  const known = guids.get(identity)
  if (known !== undefined) return known
  const hash = createHash('md5').update(identity.schema)
  for (const { name, subject, version } of identity.references) hash.update(`\0${name}\0${subject}\0${version}`)
  if (identity.metadata !== undefined || identity.ruleSet !== undefined) hash.update(`\0\0${contractKey(identity)}`)
  const guid = hash.digest('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
  guids.set(identity, guid)
  return guid
}

/** The fingerprint of a schema without the version number that its metadata may have, and without empty metadata. */
function looseFingerprint(identity: SchemaIdentity): string {
  const metadata = unnumbered(identity.metadata)
  if (metadata === identity.metadata) return fingerprint(identity)
  const { schemaType, schema, references, ruleSet } = identity
  return fingerprint({ schemaType, schema, references, metadata, ruleSet })
}

export interface SchemaTable {
  put(value: SchemaValue): void
  /** @returns whether the version was there */
  remove(subject: string, version: number): boolean
  /** Names of the subjects that have a version, sorted; with `deleted`, those whose versions are all soft-deleted too. */
  subjects(deleted: boolean): readonly string[]
  /** The versions of a subject in order; with `deleted`, soft-deleted ones too. */
  versions(subject: string, deleted: boolean): readonly SchemaValue[]
  version(subject: string, version: number): SchemaValue | undefined
  /** The number of the newest version; 0 when there is none. */
  lastVersion(subject: string): number
  /** As in `RegistryState`. */
  withContent(subject: string, identity: SchemaIdentity): readonly SchemaValue[]
  /** Whether a subject has versions that refer to others. */
  hasReferences(subject: string): boolean
  /** All versions that have an id in a context. */
  withId(context: string, id: number): readonly SchemaValue[]
  /** All versions that have a guid, in every context. */
  withGuid(guid: string): readonly SchemaValue[]
  /** Versions that refer to this one. */
  referrers(subject: string, version: number): readonly SchemaValue[]
  /** The id of the schema with a fingerprint in a context. */
  idOf(context: string, fingerprint: string): number | undefined
  /** The largest id that was ever put in a context. */
  maxId(context: string): number
}

export function createSchemaTable(): SchemaTable {
  const subjects = new Map<string, SubjectVersions>()
  const byId = new Map<string, SchemaValue[]>()
  const byFingerprint = new Map<string, SchemaValue[]>()
  const byReference = new Map<string, SchemaValue[]>()
  /** Made when a guid is asked for the first time: most registries are never asked. */
  let byGuid: Map<string, SchemaValue[]> | undefined
  const maxIds = new Map<string, number>([[defaultContext, 0]])
  /** Sorted names, until a subject comes or goes. */
  let names: { all: readonly string[]; live: readonly string[] } | undefined

  /** Takes a version's old record out of the lookup tables and puts the new one in its place. */
  function index(previous: SchemaValue | undefined, next: SchemaValue | undefined): void {
    replace(byId, previous, next, (value) => [idKey(contextOf(value.subject), value.id)])
    replace(byFingerprint, previous, next, (value) => [hashKey(contextOf(value.subject), fingerprint(value))])
    if (byGuid) replace(byGuid, previous, next, (value) => [guidOf(value)])
    replace(byReference, previous, next, (value) => {
      const context = contextOf(value.subject)
      return value.references.map(({ subject, version }) => versionKey(qualify(subject, context), version))
    })
  }

  function withGuid(guid: string): readonly SchemaValue[] {
    if (byGuid === undefined) {
      byGuid = new Map()
      for (const versions of subjects.values()) {
        for (const value of versions.all()) replace(byGuid, undefined, value, () => [guidOf(value)])
      }
    }
    return byGuid.get(guid.toLowerCase()) ?? []
  }

  /** Changes the versions of a subject, and forgets the names when they are no longer those of before. */
  function change(subject: string, versions: SubjectVersions, apply: () => void): void {
    const [hadAny, hadLive] = [versions.size > 0, versions.liveSize > 0]
    apply()
    if (hadAny !== versions.size > 0 || hadLive !== versions.liveSize > 0) names = undefined
    if (versions.size === 0) subjects.delete(subject)
  }

  function sortedNames() {
    if (names !== undefined) return names
    const all = [...subjects.keys()].toSorted()
    names = { all, live: all.filter((name) => subjects.get(name)!.liveSize > 0) }
    return names
  }

  return {
    put(value) {
      const versions = subjects.get(value.subject) ?? createSubjectVersions(looseFingerprint)
      subjects.set(value.subject, versions)
      const previous = versions.get(value.version)
      change(value.subject, versions, () => versions.put(value))
      index(previous, value)
      const context = contextOf(value.subject)
      maxIds.set(context, Math.max(maxIds.get(context) ?? 0, value.id))
    },
    remove(subject, version) {
      const versions = subjects.get(subject)
      const previous = versions?.get(version)
      if (!versions || !previous) return false
      change(subject, versions, () => versions.remove(version))
      index(previous, undefined)
      return true
    },
    subjects: (deleted) => (deleted ? sortedNames().all : sortedNames().live),
    versions(subject, deleted) {
      const versions = subjects.get(subject)
      return (deleted ? versions?.all() : versions?.live()) ?? []
    },
    version: (subject, version) => subjects.get(subject)?.get(version),
    lastVersion: (subject) => subjects.get(subject)?.all().at(-1)?.version ?? 0,
    withContent: (subject, identity) => subjects.get(subject)?.withContent(looseFingerprint(identity)) ?? [],
    hasReferences: (subject) => subjects.get(subject)?.hasReferences() ?? false,
    withId: (context, id) => byId.get(idKey(context, id)) ?? [],
    withGuid,
    referrers: (subject, version) => byReference.get(versionKey(subject, version)) ?? [],
    idOf: (context, fingerprint) => byFingerprint.get(hashKey(context, fingerprint))?.[0]?.id,
    maxId: (context) => maxIds.get(context) ?? 0,
  }
}

function replace(
  table: Map<string, SchemaValue[]>,
  previous: SchemaValue | undefined,
  next: SchemaValue | undefined,
  keysOf: (value: SchemaValue) => readonly string[],
): void {
  const before = previous ? keysOf(previous) : []
  const after = next ? keysOf(next) : []
  for (const key of before) {
    const list = table.get(key) ?? []
    const at = list.indexOf(previous!)
    if (after.includes(key)) list[at] = next!
    else list.splice(at, 1)
    if (list.length === 0) table.delete(key)
  }
  for (const key of after) {
    if (before.includes(key)) continue
    const list = table.get(key)
    if (list) list.push(next!)
    else table.set(key, [next!])
  }
}

function idKey(context: string, id: number): string {
  return `${context}\0${id}`
}

function hashKey(context: string, fingerprint: string): string {
  return `${context}\0${fingerprint}`
}

function versionKey(subject: string, version: number): string {
  return `${subject}\0${version}`
}
