// Reading: which version is meant, which version holds a schema, which settings apply.

import { isCompatibilityLevel } from '../compatibility/index.ts'
import { type Contract, contractKey, propertyOf, unnumbered, versionProperty } from '../contract/index.ts'
import type { ParsedSchema } from '../formats/index.ts'
import {
  fingerprint,
  type RegistryState,
  type SchemaIdentity,
  type SchemaValue,
  settingScopes,
} from '../store/index.ts'
import type { CompatibilityLevel } from '../types.ts'
import type { ConfigField } from './config-fields.ts'
import { errors, largestNumber } from './errors.ts'
import { parseStored } from './schemas.ts'

export type VersionSpec = number | 'latest'

export const modes = ['READWRITE', 'READONLY', 'READONLY_OVERRIDE', 'IMPORT', 'FORWARD'] as const
export type Mode = (typeof modes)[number]

/**
 * `latest`, `-1` or a number from 1.
 * @throws {RegistryRefusal} 42202
 */
export function parseVersion(text: string): VersionSpec {
  if (text === 'latest' || text === '-1') return 'latest'
  const version = /^\d{1,10}$/.test(text) ? Number(text) : 0
  if (version < 1 || version > largestNumber) throw errors.invalidVersion(text)
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
 * The version of a subject that holds the schema with its contract, the newest if there are several. A version that differs only in
 * the number in its metadata (`confluent:version`) counts where the contract that is looked for has none. Besides the same text it
 * finds a version whose references, written out, give the text that was asked for, and the latest version when another registry
 * spelled it otherwise.
 */
export function findSchema(
  state: RegistryState,
  subject: string,
  schema: ParsedSchema,
  contract: Contract,
  deleted: boolean,
): SchemaValue | undefined {
  const identity = identityOf(schema, contract)
  const wanted = fingerprint(identity)
  const same = state.withContent(subject, identity).filter((value) => deleted || !value.deleted)
  const exact = same.findLast((value) => fingerprint(value) === wanted)
  if (exact) return exact
  const numbered = isNumbered(contract) ? undefined : same.findLast(isNumbered)
  if (numbered) return numbered
  // Only versions that may be equal are parsed: a subject may have thousands.
  const versions = state.versions(subject, deleted)
  const candidates =
    schema.references.length === 0 && state.hasReferences(subject)
      ? versions.filter((value, index) => index === versions.length - 1 || value.references.length > 0)
      : versions.slice(-1)
  return candidates.findLast((value) => hasContract(value, contract) && meansTheSame(state, value, schema))
}

export function identityOf(schema: ParsedSchema, { metadata, ruleSet }: Contract): SchemaIdentity {
  return { schemaType: schema.schemaType, schema: schema.canonical, references: schema.references, metadata, ruleSet }
}

function hasContract(value: SchemaValue, contract: Contract): boolean {
  if (isNumbered(contract) || !isNumbered(value)) return contractKey(value) === contractKey(contract)
  const keyOf = ({ metadata, ruleSet }: Contract) => contractKey({ metadata: unnumbered(metadata), ruleSet })
  return keyOf(value) === keyOf(contract)
}

/** Whether the metadata say which version it is. */
function isNumbered({ metadata }: Contract): boolean {
  return propertyOf(metadata, versionProperty) !== undefined
}

function meansTheSame(state: RegistryState, value: SchemaValue, schema: ParsedSchema): boolean {
  if (value.schemaType !== schema.schemaType) return false
  try {
    const stored = parseStored(state, value)
    if (schema.references.length === 0 && stored.references.length > 0) return stored.resolved === schema.canonical
    return fingerprint(identityOf(stored, {})) === fingerprint(identityOf(schema, {}))
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
  return settingInScope(state, subject, 'normalize') === true
}

/** A field of the configuration that applies to a subject; undefined where no scope has it. */
export function settingInScope(state: RegistryState, subject: string, name: ConfigField): unknown {
  return first(subject, (scope) => state.config(scope)?.raw?.[name])
}

export function modeInScope(state: RegistryState, subject: string | null): string {
  // A context in READONLY_OVERRIDE forbids changes, whatever its subjects have.
  if (settingScopes(subject).some((scope) => state.mode(scope) === 'READONLY_OVERRIDE')) return 'READONLY_OVERRIDE'
  return first(subject, (scope) => state.mode(scope)) ?? 'READWRITE'
}

export function isReadOnly(state: RegistryState, subject: string | null): boolean {
  // FORWARD means that another registry takes the changes. This one passes none on, so that it must not take them either.
  return ['READONLY', 'READONLY_OVERRIDE', 'FORWARD'].includes(modeInScope(state, subject))
}

/** The setting of the first scope that has one. */
function first<Value>(subject: string | null, settingOf: (scope: string | null) => Value | undefined) {
  for (const scope of settingScopes(subject)) {
    const value = settingOf(scope)
    if (value !== undefined && value !== null) return value
  }
  return undefined
}
