// The schemas that the records of `_schemas` hold, by subject and version, and the tables by which they are found otherwise.
import { createHash } from 'node:crypto'
import type { SchemaReference } from '../types.ts'
import { contextOf, defaultContext, qualify } from './contexts.ts'
import type { SchemaValue } from './records.ts'

/** The key by which two schemas are the same: their canonical text and their references. */
export interface SchemaIdentity {
  readonly schemaType: string
  readonly schema: string
  readonly references: readonly SchemaReference[]
}

/** Records never change, so each is hashed once. */
const fingerprints = new WeakMap<SchemaIdentity, string>()

/** MD5 over the text and the references, as Confluent's registry tells schemas apart. */
export function fingerprint(identity: SchemaIdentity): string {
  const known = fingerprints.get(identity)
  if (known !== undefined) return known
  const { schemaType, schema, references } = identity
  const hash = createHash('md5').update(schemaType).update('\0').update(schema)
  for (const { name, subject, version } of references) hash.update(`\0${name}\0${subject}\0${version}`)
  const result = hash.digest('base64')
  fingerprints.set(identity, result)
  return result
}

export interface SchemaTable {
  put(value: SchemaValue): void
  /** @returns whether the version was there */
  remove(subject: string, version: number): boolean
  /** Of every subject that has a version, soft-deleted ones too. */
  subjects(): string[]
  /** The versions of a subject in order, soft-deleted ones too. */
  versions(subject: string): SchemaValue[]
  version(subject: string, version: number): SchemaValue | undefined
  /** The number of the newest version; 0 when there is none. */
  lastVersion(subject: string): number
  /** All versions that have an id in a context. */
  withId(context: string, id: number): readonly SchemaValue[]
  /** Versions that refer to this one. */
  referrers(subject: string, version: number): readonly SchemaValue[]
  /** The id of the schema with a fingerprint in a context. */
  idOf(context: string, fingerprint: string): number | undefined
  /** The largest id that was ever put in a context. */
  maxId(context: string): number
}

export function createSchemaTable(): SchemaTable {
  const subjects = new Map<string, Map<number, SchemaValue>>()
  const byId = new Map<string, SchemaValue[]>()
  const byFingerprint = new Map<string, SchemaValue[]>()
  const byReference = new Map<string, SchemaValue[]>()
  const maxIds = new Map<string, number>([[defaultContext, 0]])

  /** Takes a version's old record out of the lookup tables and puts the new one in its place. */
  function index(previous: SchemaValue | undefined, next: SchemaValue | undefined): void {
    replace(byId, previous, next, (value) => [idKey(contextOf(value.subject), value.id)])
    replace(byFingerprint, previous, next, (value) => [hashKey(contextOf(value.subject), fingerprint(value))])
    replace(byReference, previous, next, (value) => {
      const context = contextOf(value.subject)
      return value.references.map(({ subject, version }) => versionKey(qualify(subject, context), version))
    })
  }

  return {
    put(value) {
      const versions = subjects.get(value.subject) ?? new Map<number, SchemaValue>()
      subjects.set(value.subject, versions)
      const previous = versions.get(value.version)
      versions.set(value.version, value)
      index(previous, value)
      const context = contextOf(value.subject)
      maxIds.set(context, Math.max(maxIds.get(context) ?? 0, value.id))
    },
    remove(subject, version) {
      const versions = subjects.get(subject)
      const previous = versions?.get(version)
      if (!versions || !previous) return false
      versions.delete(version)
      if (versions.size === 0) subjects.delete(subject)
      index(previous, undefined)
      return true
    },
    subjects: () => [...subjects.keys()],
    versions: (subject) => [...(subjects.get(subject)?.values() ?? [])].toSorted((a, b) => a.version - b.version),
    version: (subject, version) => subjects.get(subject)?.get(version),
    lastVersion: (subject) => Math.max(0, ...(subjects.get(subject)?.keys() ?? [])),
    withId: (context, id) => byId.get(idKey(context, id)) ?? [],
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
