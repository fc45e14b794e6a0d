// The state that the records of `_schemas` produce, in memory. Pure: records in, answers out; the log's order decides, and the
// last record of a key holds, so that a compacted topic gives the same answers as the whole one.
import { contextOf, defaultContext, nameOf, normalizeSubject } from './contexts.ts'
import type { ConfigValue, Reservation, SchemaValue, StoreRecord } from './records.ts'
import { createReservations, type Reservations } from './reservations.ts'
import { createSchemaTable, fingerprint, type SchemaIdentity } from './schema-table.ts'

export interface RegistryState {
  apply(record: StoreRecord): void
  /** Subjects with at least one version, soft-deleted ones with `deleted`, sorted. */
  subjects(deleted: boolean): readonly string[]
  /** The versions of a subject in order, soft-deleted ones with `deleted`. Not to be kept: the list changes with the subject. */
  versions(subject: string, deleted: boolean): readonly SchemaValue[]
  version(subject: string, version: number): SchemaValue | undefined
  /**
   * The versions of a subject that are the same but for the version number in their metadata, in order, soft-deleted ones too.
   * Empty metadata are the same as none here: what is left without the number.
   */
  withContent(subject: string, identity: SchemaIdentity): readonly SchemaValue[]
  /** Whether a subject has versions that refer to others. */
  hasReferences(subject: string): boolean
  /** All versions that have an id in a context; the id refers to the text of the first one. */
  withId(context: string, id: number): readonly SchemaValue[]
  /** All versions that have a guid, in every context. */
  withGuid(guid: string): readonly SchemaValue[]
  /** Versions that refer to this one, soft-deleted ones with `deleted`. */
  referrers(subject: string, version: number, deleted: boolean): SchemaValue[]
  /** The largest id that was ever seen in a context; ids of deleted schemas are not given out again. */
  maxId(context: string): number
  /** The number that a new version of a subject gets. */
  nextVersion(subject: string): number
  /** The id that a schema has, or gets. */
  nextId(context: string, schema: SchemaIdentity): number
  readonly reservations: Pick<Reservations, 'isGranted' | 'pending' | 'withId'>
  config(subject: string | null): ConfigValue | undefined
  mode(subject: string | null): string | undefined
  /** The subjects of a context, and the context itself, that have a mode of their own. */
  withMode(context: string): readonly (string | null)[]
  /** The aliases of every subject that has some, by the subject. */
  aliases(): ReadonlyMap<string, readonly string[]>
  /** Those that were made known or have subjects, and the default one, sorted. */
  contexts(): string[]
  /** Whether the topic has a record of a context. */
  hasContextRecord(context: string): boolean
}

export function createState(): RegistryState {
  const schemas = createSchemaTable()
  const configs = new Map<string | null, ConfigValue>()
  const modes = new Map<string | null, string>()
  const contexts = new Set<string>()
  const reservations = createReservations()

  function put(value: SchemaValue): void {
    schemas.put(value)
    reservations.written(value)
  }

  function remove(subject: string, version: number): void {
    if (schemas.remove(subject, version)) reservations.removed(subject, schemas.lastVersion(subject))
  }

  function announce(reservation: Reservation): void {
    const { subject } = reservation
    const context = contextOf(subject)
    reservations.announce(reservation, {
      lastVersion: schemas.lastVersion(subject),
      lastId: schemas.maxId(context),
      id: schemas.idOf(context, reservation.fingerprint),
    })
  }

  function deleteUpTo(subject: string, last: number): void {
    for (const value of [...schemas.versions(subject, false)]) {
      if (value.version <= last) schemas.put({ ...value, deleted: true })
    }
  }

  /** @param subject null and `:.name:` mean all subjects of a context */
  function clearDeleted(subject: string | null): void {
    const whole = subject === null || nameOf(subject) === ''
    const context = contextOf(subject)
    const names = whole ? schemas.subjects(true).filter((name) => contextOf(name) === context) : [subject]
    for (const name of names) {
      for (const value of [...schemas.versions(name, true)]) {
        if (value.deleted) remove(name, value.version)
      }
    }
  }

  return {
    apply(record) {
      const { key, value } = record as StoreRecord
      switch (key.keytype) {
        case 'SCHEMA':
          return value === null ? remove(key.subject, key.version) : put(value as SchemaValue)
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
          return value === null ? undefined : announce(value as Reservation)
      }
    },
    subjects: schemas.subjects,
    versions: schemas.versions,
    version: schemas.version,
    withContent: schemas.withContent,
    hasReferences: schemas.hasReferences,
    withId: schemas.withId,
    withGuid: schemas.withGuid,
    referrers: (subject, version, deleted) =>
      schemas.referrers(subject, version).filter((value) => deleted || !value.deleted),
    maxId: schemas.maxId,
    nextVersion: (subject) => Math.max(schemas.lastVersion(subject), reservations.lastVersion(subject)) + 1,
    nextId(context, schema) {
      const hash = fingerprint(schema)
      const known = schemas.idOf(context, hash) ?? reservations.idOf(context, hash)
      return known ?? Math.max(schemas.maxId(context), reservations.lastId(context)) + 1
    },
    reservations,
    config: (subject) => configs.get(subject),
    mode: (subject) => modes.get(subject),
    withMode: (context) => [...modes.keys()].filter((subject) => contextOf(subject) === context),
    aliases() {
      const all = [...configs].flatMap(([alias, { raw }]) =>
        alias !== null && typeof raw?.alias === 'string' ? [[alias, normalizeSubject(raw.alias)] as const] : [],
      )
      const byTarget = Map.groupBy(all, ([, target]) => target)
      return new Map([...byTarget].map(([target, pairs]) => [target, pairs.map(([alias]) => alias).toSorted()]))
    },
    contexts: () => [...new Set([defaultContext, ...contexts, ...schemas.subjects(true).map(contextOf)])].toSorted(),
    hasContextRecord: (context) => contexts.has(context),
  }
}

function set<Value>(map: Map<string | null, Value>, key: string | null, value: Value | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}
