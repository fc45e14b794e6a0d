// Compatibility levels and modes, of a subject and of a context (null: the default one).
import { isCompatibilityLevel } from '../compatibility/index.ts'
import { readRuleSet } from '../contract/index.ts'
import { contextOf, encodeValue, nameOf, type RegistryState, type Store } from '../store/index.ts'
import type { CompatibilityLevel } from '../types.ts'
import { type ConfigChange, changedConfig } from './config-fields.ts'
import { requireValid } from './contracts.ts'
import { errors } from './errors.ts'
import { isReadOnly, type Mode, modeInScope, modes } from './lookup.ts'

/**
 * @param change the level in any case; fields that are null are removed
 * @returns what was set
 * @throws {RegistryRefusal} 42203 not a level, 42205 read-only, 42210 a rule that makes no sense
 */
export async function setConfig(store: Store, subject: string | null, change: ConfigChange): Promise<ConfigChange> {
  const level = (change.compatibilityLevel as string | undefined)?.toUpperCase()
  if (level !== undefined && !isCompatibilityLevel(level)) throw errors.invalidLevel()
  for (const name of ['defaultRuleSet', 'overrideRuleSet'] as const) requireValid(readRuleSet(change[name]))
  const changed = level === undefined ? change : { ...change, compatibilityLevel: level }
  return store.exclusively(async (transaction) => {
    const { state } = transaction
    refuseReadOnly(state, subject)
    const { subject: _, ...before } = { ...state.config(subject)?.raw }
    if (Object.values(changed).every((value) => value === undefined)) return changed
    await transaction.put({ keytype: 'CONFIG', subject }, encodeValue(subject, changedConfig(before, changed)))
    return changed
  })
}

/**
 * @param fallback the level that the default context has while none is set
 * @returns what was set
 * @throws {RegistryRefusal} 40401 nothing was set for the subject, 42205 read-only
 */
export async function deleteConfig(
  store: Store,
  subject: string | null,
  fallback: CompatibilityLevel,
): Promise<Readonly<Record<string, unknown>>> {
  return store.exclusively(async (transaction) => {
    const { state } = transaction
    refuseReadOnly(state, subject)
    const config = state.config(subject)
    if (!config && subject !== null) throw errors.subjectNotFound(subject)
    if (config) await transaction.put({ keytype: 'CONFIG', subject }, null)
    const fields = configFields(config?.raw)
    return subject === null ? { ...fields, compatibilityLevel: config?.compatibilityLevel ?? fallback } : fields
  })
}

/** A configuration as GET shows it. */
export function configFields(raw: Readonly<Record<string, unknown>> | undefined): Readonly<Record<string, unknown>> {
  const { subject: _, ...fields } = { ...raw }
  return fields
}

/**
 * @param text a mode, in any case
 * @param force allow IMPORT although there are schemas
 * @throws {RegistryRefusal} 42204 not a mode, 42205 IMPORT over existing schemas
 */
export async function setMode(store: Store, subject: string | null, text: string, force: boolean): Promise<Mode> {
  const mode = text.toUpperCase()
  if (!isMode(mode)) throw errors.invalidMode()
  return store.exclusively(async (transaction) => {
    const { state } = transaction
    if (mode === 'IMPORT' && modeInScope(state, subject) !== 'IMPORT') {
      const occupied = subjectsOf(state, subject).some((name) => state.versions(name, false).length > 0)
      if (occupied && !force) throw errors.notPermitted('Cannot import since found existing subjects')
      // Soft-deleted versions would block imported ones: every reader forgets them.
      await transaction.put({ keytype: 'CLEAR_SUBJECT', subject }, encodeValue(subject, {}))
    }
    await transaction.put({ keytype: 'MODE', subject }, encodeValue(subject, { mode }))
    return mode
  })
}

/**
 * @param recursive also the modes of a context's subjects
 * @returns the mode that was deleted
 * @throws {RegistryRefusal} 40401 nothing was set for the subject
 */
export async function deleteMode(store: Store, subject: string | null, recursive: boolean): Promise<string> {
  return store.exclusively(async (transaction) => {
    const { state } = transaction
    const mode = state.mode(subject)
    const isContext = subject === null || nameOf(subject) === ''
    const inside = recursive && isContext ? state.withMode(contextOf(subject)).filter((name) => name !== subject) : []
    if (mode === undefined && subject !== null && inside.length === 0) throw errors.subjectNotFound(subject)
    for (const name of mode === undefined ? inside : [subject, ...inside]) {
      await transaction.put({ keytype: 'MODE', subject: name }, null)
    }
    return mode ?? 'READWRITE'
  })
}

/** The subjects that a setting is for: all of a context, or one. */
function subjectsOf(state: RegistryState, target: string | null): readonly string[] {
  if (target !== null && nameOf(target) !== '') return [target]
  return state.subjects(false).filter((subject) => contextOf(subject) === contextOf(target))
}

function isMode(mode: string): mode is Mode {
  return (modes as readonly string[]).includes(mode)
}

function refuseReadOnly(state: RegistryState, subject: string | null): void {
  if (!isReadOnly(state, subject)) return
  throw subject === null ? errors.notPermitted('The registry is in read-only mode') : errors.readOnly(subject)
}
