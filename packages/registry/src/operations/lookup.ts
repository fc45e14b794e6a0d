// Reading: which version is meant, which version holds a schema, which settings apply.

import { isCompatibilityLevel } from '../compatibility/index.ts'
import type { ParsedSchema } from '../formats/index.ts'
import { fingerprint, type RegistryState, type SchemaValue, settingScopes } from '../store/index.ts'
import type { CompatibilityLevel } from '../types.ts'
import { errors } from './errors.ts'
import { parseStored } from './schemas.ts'

export type VersionSpec = number | 'latest'

export const modes = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT'] as const
export type Mode = (typeof modes)[number]

/**
 * `latest`, `-1` or a number from 1.
 * @throws {RegistryRefusal} 42202
 */
export function parseVersion(text: string): VersionSpec {
  if (text === 'latest' || text === '-1') return 'latest'
  const version = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (version < 1 || version > 0x7fffffff) throw errors.invalidVersion(text)
  return version
}

/**
 * @param deleted find soft-deleted versions by their number, too; `latest` is never one of them
 * @throws {RegistryRefusal} 40401 or 40402
 */
export function findVersion(state: RegistryState, subject: string, spec: VersionSpec, deleted: boolean): SchemaValue {
  const versions = state.versions(subject, deleted)
  if (versions.length === 0) throw errors.subjectNotFound(subject)
  const found =
    spec === 'latest' ? versions.findLast((value) => !value.deleted) : versions.find((value) => value.version === spec)
  if (!found) throw errors.versionNotFound(spec === 'latest' ? -1 : spec)
  return found
}

/**
 * The newest version of a subject that holds the schema. Besides the same text it finds a version whose references,
 * written out, give the text that was asked for, and the latest version when another registry spelled it otherwise.
 */
export function findSchema(
  state: RegistryState,
  subject: string,
  schema: ParsedSchema,
  deleted: boolean,
): SchemaValue | undefined {
  const versions = state.versions(subject, deleted)
  const wanted = fingerprint(identityOf(schema))
  const same = versions.findLast((value) => fingerprint(value) === wanted)
  if (same) return same
  // Only versions that may be equal are parsed: a subject may have thousands.
  const candidates = versions.filter(
    (value, index) => index === versions.length - 1 || (schema.references.length === 0 && value.references.length > 0),
  )
  return candidates.findLast((value) => meansTheSame(state, value, schema))
}

export function identityOf(schema: ParsedSchema) {
  return { schemaType: schema.schemaType, schema: schema.canonical, references: schema.references }
}

function meansTheSame(state: RegistryState, value: SchemaValue, schema: ParsedSchema): boolean {
  if (value.schemaType !== schema.schemaType) return false
  try {
    const stored = parseStored(state, value)
    if (schema.references.length === 0 && stored.references.length > 0) return stored.resolved === schema.canonical
    return fingerprint(identityOf(stored)) === fingerprint(identityOf(schema))
  } catch {
    // A stored text that does not parse equals no other; compatibility checks report it.
    return false
  }
}

/** The level that applies to a subject (null and `:.name:`: a context): see `settingScopes`; else the server's. */
export function levelInScope(
  state: RegistryState,
  subject: string | null,
  fallback: CompatibilityLevel,
): CompatibilityLevel {
  return first(subject, (scope) => levelOf(state, scope)) ?? fallback
}

/** The own setting of a subject or a context; undefined if there is none. */
export function levelOf(state: RegistryState, subject: string | null): CompatibilityLevel | undefined {
  const level = state.config(subject)?.compatibilityLevel?.toUpperCase()
  return level !== undefined && isCompatibilityLevel(level) ? level : undefined
}

/** Whether new schemas are normalised although the request does not ask for it. */
export function normalizeInScope(state: RegistryState, subject: string): boolean {
  return first(subject, (scope) => state.config(scope)?.raw?.normalize) === true
}

export function modeInScope(state: RegistryState, subject: string | null): string {
  // A context in READONLY_OVERRIDE forbids changes, whatever its subjects have.
  if (settingScopes(subject).some((scope) => state.mode(scope) === 'READONLY_OVERRIDE')) return 'READONLY_OVERRIDE'
  return first(subject, (scope) => state.mode(scope)) ?? 'READWRITE'
}

export function isReadOnly(state: RegistryState, subject: string | null): boolean {
  return ['READONLY', 'READONLY_OVERRIDE'].includes(modeInScope(state, subject))
}

/** The setting of the first scope that has one. */
function first<Value>(subject: string | null, settingOf: (scope: string | null) => Value | undefined) {
  for (const scope of settingScopes(subject)) {
    const value = settingOf(scope)
    if (value !== undefined && value !== null) return value
  }
  return undefined
}
