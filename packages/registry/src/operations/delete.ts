// Deleting: softly first (hidden, still found by id), then permanently (gone). Referenced schemas cannot be deleted.
import {
  contextOf,
  defaultContext,
  encodeSchemaValue,
  encodeValue,
  type RegistryState,
  type Store,
  settingsOf,
  type Transaction,
} from '../store/index.ts'
import { errors } from './errors.ts'
import { findVersion, isReadOnly, type VersionSpec } from './lookup.ts'

/**
 * @returns the versions that were deleted, in order
 * @throws {RegistryRefusal} 40401, 40404, 40405, 42205, 42206
 */
export async function deleteSubject(store: Store, subject: string, permanent: boolean): Promise<number[]> {
  return store.exclusively(async (transaction) => {
    const { state } = transaction
    if (isReadOnly(state, subject)) throw errors.readOnly(subject)
    const all = state.versions(subject, true)
    const live = state.versions(subject, false)
    if (all.length === 0) throw errors.subjectNotFound(subject)
    if (permanent && live.length > 0) throw errors.subjectNotSoftDeleted(subject)
    if (!permanent && live.length === 0) throw errors.subjectSoftDeleted(subject)
    // A copy: what is deleted leaves the state's own list.
    const victims = [...(permanent ? all : live)]
    for (const { version } of victims) refuseReferenced(state, subject, version)
    if (permanent) {
      for (const { version } of victims) await transaction.put({ keytype: 'SCHEMA', subject, version }, null)
      await forgetSettings(transaction, subject)
    } else {
      const version = victims.at(-1)!.version
      await transaction.put({ keytype: 'DELETE_SUBJECT', subject }, encodeValue(subject, { version }))
    }
    return victims.map(({ version }) => version)
  })
}

/**
 * @returns the version that was deleted
 * @throws {RegistryRefusal} 40401, 40402, 40406, 40407, 42205, 42206
 */
export async function deleteVersion(
  store: Store,
  subject: string,
  spec: VersionSpec,
  permanent: boolean,
): Promise<number> {
  return store.exclusively(async (transaction) => {
    const { state } = transaction
    if (isReadOnly(state, subject)) throw errors.readOnly(subject)
    const value = findVersion(state, subject, spec, true)
    const { version } = value
    if (permanent && !value.deleted) throw errors.versionNotSoftDeleted(subject, version)
    if (!permanent && value.deleted) throw errors.versionSoftDeleted(subject, version)
    refuseReferenced(state, subject, version)
    const record = permanent ? null : encodeSchemaValue({ ...value, deleted: true })
    await transaction.put({ keytype: 'SCHEMA', subject, version }, record)
    if (permanent && transaction.state.versions(subject, true).length === 0) await forgetSettings(transaction, subject)
    return version
  })
}

/** A soft-deleted subject keeps its own level and mode; they are removed with its last version. */
async function forgetSettings(transaction: Transaction, subject: string | null): Promise<void> {
  if (transaction.state.mode(subject) !== undefined) await transaction.put({ keytype: 'MODE', subject }, null)
  if (transaction.state.config(subject) !== undefined) await transaction.put({ keytype: 'CONFIG', subject }, null)
}

/**
 * Removes a context in which nothing is left, soft-deleted subjects included, and its settings.
 * @throws {RegistryRefusal} 40401, 42205, 42211
 */
export async function deleteContext(store: Store, context: string): Promise<void> {
  if (context === defaultContext) throw errors.notPermitted('The default context cannot be deleted')
  return store.exclusively(async (transaction) => {
    const { state } = transaction
    const settings = settingsOf(context)
    if (!state.contexts().includes(context)) throw errors.contextNotFound(context)
    if (isReadOnly(state, settings)) throw errors.readOnly(settings ?? context)
    if (state.subjects(true).some((subject) => contextOf(subject) === context)) throw errors.contextNotEmpty(context)
    await forgetSettings(transaction, settings)
    await transaction.put({ keytype: 'CONTEXT', context }, null)
  })
}

function refuseReferenced(state: RegistryState, subject: string, version: number): void {
  if (state.referrers(subject, version, false).length > 0) throw errors.referenceExists(subject, version)
}
