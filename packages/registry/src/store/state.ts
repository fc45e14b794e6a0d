// The state that the records of `_schemas` produce, in memory. Pure: records in, answers out; the log's order decides, and the
// last record of a key holds, so that a compacted topic gives the same answers as the whole one.
import { createHash } from 'node:crypto'
import type { SchemaReference } from '../types.ts'
import { contextOf, defaultContext, nameOf, qualify } from './contexts.ts'
import type { ConfigValue, Reservation, SchemaValue, StoreRecord } from './records.ts'
import { createReservations, type Reservations } from './reservations.ts'

export interface RegistryState {
  apply(record: StoreRecord): void
  /** Subjects with at least one version, soft-deleted ones with `deleted`, sorted. */
  subjects(deleted: boolean): string[]
  /** The versions of a subject in order, soft-deleted ones with `deleted`. */
  versions(subject: string, deleted: boolean): SchemaValue[]
  version(subject: string, version: number): SchemaValue | undefined
  /** All versions that have an id in a context; the id refers to the text of the first one. */
  withId(context: string, id: number): readonly SchemaValue[]
  /** Versions that refer to this one, soft-deleted ones with `deleted`. */
  referrers(subject: string, version: number, deleted: boolean): SchemaValue[]
  /** The largest id that was ever seen in a context; ids of deleted schemas are not given out again. */
  maxId(context: string): number
  /** The number that a new version of a subject gets. */
  nextVersion(subject: string): number
  /** The id that a schema has, or gets. */
  nextId(context: string, schema: SchemaIdentity): number
  readonly reservations: Pick<Reservations, 'isGranted' | 'pending'>
  config(subject: string | null): ConfigValue | undefined
  mode(subject: string | null): string | undefined
  /** Those that were made known or have subjects, and the default one, sorted. */
  contexts(): string[]
  /** Whether the topic has a record of a context. */
  hasContextRecord(context: string): boolean
}

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

export function createState(): RegistryState {
  const subjects = new Map<string, Map<number, SchemaValue>>()
  const byId = new Map<string, SchemaValue[]>()
  const byFingerprint = new Map<string, SchemaValue[]>()
  const byReference = new Map<string, SchemaValue[]>()
  const maxIds = new Map<string, number>([[defaultContext, 0]])
  const configs = new Map<string | null, ConfigValue>()
  const modes = new Map<string | null, string>()
  const contexts = new Set<string>()
  const reservations = createReservations()

  function put(value: SchemaValue): void {
    const versions = subjects.get(value.subject) ?? new Map<number, SchemaValue>()
    subjects.set(value.subject, versions)
    const previous = versions.get(value.version)
    versions.set(value.version, value)
    index(previous, value)
    const context = contextOf(value.subject)
    maxIds.set(context, Math.max(maxIds.get(context) ?? 0, value.id))
  }

  function remove(subject: string, version: number): void {
    const versions = subjects.get(subject)
    const previous = versions?.get(version)
    if (!versions || !previous) return
    versions.delete(version)
    if (versions.size === 0) subjects.delete(subject)
    index(previous, undefined)
    reservations.removed(subject, Math.max(0, ...versions.keys()))
  }

  /** Takes a version's old record out of the lookup tables and puts the new one in its place. */
  function index(previous: SchemaValue | undefined, next: SchemaValue | undefined): void {
    replace(byId, previous, next, (value) => [idKey(contextOf(value.subject), value.id)])
    replace(byFingerprint, previous, next, (value) => [hashKey(contextOf(value.subject), value)])
    replace(byReference, previous, next, (value) => {
      const context = contextOf(value.subject)
      return value.references.map(({ subject, version }) => versionKey(qualify(subject, context), version))
    })
  }

  function applySchema(subject: string, version: number, value: SchemaValue | null): void {
    if (value === null) remove(subject, version)
    else {
      put(value)
      reservations.written(value)
    }
  }

  function applyReservation(reservation: Reservation): void {
    const context = contextOf(reservation.subject)
    reservations.announce(reservation, {
      lastVersion: versionsOf(reservation.subject, true).at(-1)?.version ?? 0,
      lastId: maxIds.get(context) ?? 0,
      id: byFingerprint.get(`${context}\0${reservation.fingerprint}`)?.[0]?.id,
    })
  }

  function deleteUpTo(subject: string, last: number): void {
    for (const value of [...(subjects.get(subject)?.values() ?? [])]) {
      if (value.version <= last && !value.deleted) put({ ...value, deleted: true })
    }
  }

  /** @param subject null and `:.name:` mean all subjects of a context */
  function clearDeleted(subject: string | null): void {
    const whole = subject === null || nameOf(subject) === ''
    const context = contextOf(subject)
    const names = whole ? [...subjects.keys()].filter((name) => contextOf(name) === context) : [subject]
    for (const name of names) {
      for (const value of [...(subjects.get(name)?.values() ?? [])]) {
        if (value.deleted) remove(name, value.version)
      }
    }
  }

  function versionsOf(subject: string, deleted: boolean): SchemaValue[] {
    const all = [...(subjects.get(subject)?.values() ?? [])].toSorted((a, b) => a.version - b.version)
    return deleted ? all : all.filter((value) => !value.deleted)
  }

  return {
    apply(record) {
      const { key, value } = record as StoreRecord
      switch (key.keytype) {
        case 'SCHEMA':
          return applySchema(key.subject, key.version, value as SchemaValue | null)
        case 'CONFIG':
          return set(configs, key.subject, value as ConfigValue | null)
        case 'MODE':
          return set(modes, key.subject, (value as { mode: string } | null)?.mode ?? null)
        case 'DELETE_SUBJECT':
          return value === null ? undefined : deleteUpTo(key.subject, (value as { version: number }).version)
        case 'CLEAR_SUBJECT':
          return value === null ? undefined : clearDeleted(key.subject)
        case 'CONTEXT':
          return void (value === null ? contexts.delete(key.context) : contexts.add(key.context))
        case 'NOOP':
          return value === null ? undefined : applyReservation(value as Reservation)
      }
    },
    subjects: (deleted) => [...subjects.keys()].filter((name) => versionsOf(name, deleted).length > 0).toSorted(),
    versions: versionsOf,
    version: (subject, version) => subjects.get(subject)?.get(version),
    withId: (context, id) => byId.get(idKey(context, id)) ?? [],
    referrers: (subject, version, deleted) =>
      (byReference.get(versionKey(subject, version)) ?? []).filter((value) => deleted || !value.deleted),
    maxId: (context) => maxIds.get(context) ?? 0,
    nextVersion: (subject) =>
      Math.max(versionsOf(subject, true).at(-1)?.version ?? 0, reservations.lastVersion(subject)) + 1,
    nextId(context, schema) {
      const known =
        byFingerprint.get(hashKey(context, schema))?.[0]?.id ?? reservations.idOf(context, fingerprint(schema))
      return known ?? Math.max(maxIds.get(context) ?? 0, reservations.lastId(context)) + 1
    },
    reservations,
    config: (subject) => configs.get(subject),
    mode: (subject) => modes.get(subject),
    contexts: () => [...new Set([defaultContext, ...contexts, ...[...subjects.keys()].map(contextOf)])].toSorted(),
    hasContextRecord: (context) => contexts.has(context),
  }
}

function set<Value>(map: Map<string | null, Value>, key: string | null, value: Value | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
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

function hashKey(context: string, schema: SchemaIdentity): string {
  return `${context}\0${fingerprint(schema)}`
}

function versionKey(subject: string, version: number): string {
  return `${subject}\0${version}`
}
