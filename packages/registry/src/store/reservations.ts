// Lets several registries write to one topic without conflicts and without a leader.
//
// Before a schema is registered, its version and id are announced in a NOOP record. Every registry reads the same log,
// so all agree on which announcement of a version or of an id came first: only that one is granted, and only its writer
// then writes the SCHEMA record. A registry never writes the key or takes the id of another, so there is nothing to undo.
// If a writer dies in between, a number stays unused. NOOP records share one key: compaction removes them.
import { contextOf } from './contexts.ts'
import type { Reservation, SchemaValue } from './records.ts'

export interface Reservations {
  /** Decides on an announcement, at its place in the log. */
  announce(reservation: Reservation, holds: Holdings): void
  /** A version was written: its announcement is fulfilled. */
  written(value: SchemaValue): void
  /** A version was deleted permanently: its number is free again when it was the last, as in Confluent's registry. */
  removed(subject: string, lastVersion: number): void
  /** Whether the announcement was the first for its version and id; valid once it has been read back. */
  isGranted(token: string): boolean
  /** The announcements of a subject's versions that were granted and are not written yet. */
  pending(subject: string): readonly Reservation[]
  /** The announcements of an id that were granted and are not written yet. */
  withId(context: string, id: number): readonly Reservation[]
  /** The largest version that was granted for a subject. */
  lastVersion(subject: string): number
  lastId(context: string): number
  /** The id that was granted to a schema that is not written yet. */
  idOf(context: string, fingerprint: string): number | undefined
}

/** The registered versions and ids. */
export interface Holdings {
  readonly lastVersion: number
  readonly lastId: number
  /** The id of the schema with the announcement's fingerprint. */
  readonly id: number | undefined
}

export function createReservations(): Reservations {
  /** Granted and not written yet, by subject and version. */
  const pending = new Map<string, Reservation>()
  const versions = new Map<string, number>()
  const ids = new Map<string, number>()

  function idOf(context: string, fingerprint: string): number | undefined {
    for (const reservation of pending.values()) {
      if (reservation.fingerprint === fingerprint && contextOf(reservation.subject) === context) return reservation.id
    }
    return undefined
  }

  return {
    announce(reservation, holds) {
      const { subject, version, id, fingerprint } = reservation
      const context = contextOf(subject)
      const lastVersion = Math.max(holds.lastVersion, versions.get(subject) ?? 0)
      const lastId = Math.max(holds.lastId, ids.get(context) ?? 0)
      const known = holds.id ?? idOf(context, fingerprint)
      if (version <= lastVersion || (known === undefined ? id <= lastId : id !== known)) return
      pending.set(keyOf(subject, version), reservation)
      versions.set(subject, version)
      ids.set(context, Math.max(id, lastId))
    },
    written: ({ subject, version }) => void pending.delete(keyOf(subject, version)),
    removed(subject, lastVersion) {
      const announced = [...pending.values()].filter((reservation) => reservation.subject === subject)
      versions.set(subject, Math.max(lastVersion, ...announced.map(({ version }) => version)))
    },
    isGranted: (token) => [...pending.values()].some((reservation) => reservation.token === token),
    pending: (subject) => [...pending.values()].filter((reservation) => reservation.subject === subject),
    withId: (context, id) =>
      [...pending.values()].filter(
        (reservation) => reservation.id === id && contextOf(reservation.subject) === context,
      ),
    lastVersion: (subject) => versions.get(subject) ?? 0,
    lastId: (context) => ids.get(context) ?? 0,
    idOf,
  }
}

function keyOf(subject: string, version: number): string {
  return `${subject}\0${version}`
}
