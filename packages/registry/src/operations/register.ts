// Registering a schema: the same schema again gives what is there, a new one gets the next version of its subject, and
// an id that all subjects of a context share when they hold the same schema.
import { type Contract, propertyOf, versionProperty, withoutVersion, withVersion } from '../contract/index.ts'
import type { ParsedSchema } from '../formats/index.ts'
import {
  contextOf,
  defaultContext,
  encodeContextValue,
  encodeSchemaValue,
  fingerprint,
  type RegistryState,
  type SchemaValue,
  type Store,
  type Transaction,
} from '../store/index.ts'
import type { CompatibilityLevel, SchemaDefinition, SchemaType } from '../types.ts'
import { incompatibilities } from './check.ts'
import { mergedContract, requireValid } from './contracts.ts'
import { errors, largestNumber } from './errors.ts'
import { findSchema, identityOf, isReadOnly, modeInScope, normalizeInScope } from './lookup.ts'
import { parseSent } from './schemas.ts'
import { type TagChange, tagged, withTagsOf } from './tags.ts'

export interface RegisterRequest {
  readonly subject: string
  /** Without a text, but with a contract: the latest version's text, under the new contract. */
  readonly definition: SchemaDefinition
  readonly normalize: boolean
  /** Only in IMPORT mode. */
  readonly id?: number | undefined
  /**
   * The version that it has to get; -1: any, `next`: a new one even if the schema is there. The metadata says which it became
   * (`confluent:version`).
   */
  readonly version?: number | 'next' | undefined
  /** Written into the text. */
  readonly tags?: TagChange | undefined
  /** Whether the tags of the latest version are written into the text, too. */
  readonly propagateTags?: boolean | undefined
  /** Whether the parts of the contract that are missing come from the latest version; undefined: they do. */
  readonly inherits?: boolean | undefined
}

export interface Registered {
  readonly value: SchemaValue
  /** Whether the version says what the request said: otherwise the answer has to show it. */
  readonly asSent: boolean
}

/**
 * @param fallbackLevel the compatibility level while none is set
 * @returns the version under the subject, new or found
 * @throws {RegistryRefusal} 40901 incompatible, 42201 not a schema, 42205 not permitted by the mode, or an id that is taken,
 *   42210 a rule that makes no sense
 */
export async function register(
  store: Store,
  request: RegisterRequest,
  fallbackLevel: CompatibilityLevel,
): Promise<Registered> {
  const known = existing(store.state, request)
  if (known) return known
  return store.exclusively(async (transaction) => {
    // Other registries may be faster again and again: the store's deadline ends it.
    for (;;) {
      await transaction.settle(request.subject)
      const { state } = transaction
      const found = existing(state, request)
      if (found) return found
      const value = next(state, request, fallbackLevel)
      await announceContext(transaction, contextOf(value.subject))
      if (request.id !== undefined) {
        const { subject, version } = value
        await transaction.put({ keytype: 'SCHEMA', subject, version }, encodeSchemaValue(value))
      } else if (!(await transaction.putSchema(value))) {
        continue
      }
      await removePredecessors(transaction, value)
      return { value, asSent: request.id !== undefined || !(value.metadata || value.ruleSet) }
    }
  })
}

async function announceContext(transaction: Transaction, context: string): Promise<void> {
  if (context === defaultContext || transaction.state.hasContextRecord(context)) return
  await transaction.put({ keytype: 'CONTEXT', context }, encodeContextValue(context))
}

/**
 * A schema that is registered again after it was soft-deleted has a new version now: the old one is removed permanently, as in
 * Confluent's registry, unless something refers to it.
 */
async function removePredecessors(transaction: Transaction, { subject, version, id }: SchemaValue): Promise<void> {
  const { state } = transaction
  const old = state
    .versions(subject, true)
    .filter((value) => value.deleted && value.id === id && value.version < version)
    .filter((value) => state.referrers(subject, value.version, true).length === 0)
  for (const value of old) await transaction.put({ keytype: 'SCHEMA', subject, version: value.version }, null)
}

function parse(state: RegistryState, request: RegisterRequest, lenient: boolean): ParsedSchema {
  const { subject, definition, normalize } = request
  const sent = parseSent(state, subject, withText(state, subject, definition), lenient)
  const latest = state.versions(subject, false).at(-1)
  const inherited = request.propagateTags ? withTagsOf(state, latest, sent) : sent
  const schema = request.tags ? tagged(inherited, request.tags) : inherited
  return normalize || normalizeInScope(state, subject) ? schema.normalize() : schema
}

function withText(state: RegistryState, subject: string, definition: SchemaDefinition): SchemaDefinition {
  if (definition.schema.trim() !== '' || (!definition.metadata && !definition.ruleSet)) return definition
  const latest = state.versions(subject, false).at(-1)
  if (!latest) return definition
  const { schema, schemaType, references } = latest
  return { ...definition, schema, schemaType: schemaType as SchemaType, references }
}

function existing(state: RegistryState, request: RegisterRequest): Registered | undefined {
  const { subject, definition, id, version } = request
  if (version === 'next') return undefined
  const schema = parse(state, request, true)
  if (id !== undefined) {
    const found = findSchema(state, subject, schema, definition, false)
    return found?.id === id && (version ?? found.version) === found.version ? { value: found, asSent: true } : undefined
  }
  const exact = findNumbered(state, subject, schema, definition, version)
  if (exact) return { value: exact, asSent: true }
  const { metadata, ruleSet } = mergedContract(state, subject, definition, request.inherits)
  // A number that was inherited is that of another version.
  const isNumbered = propertyOf(definition.metadata, versionProperty) !== undefined
  const contract = { metadata: isNumbered ? metadata : withoutVersion(metadata), ruleSet }
  const found = findNumbered(state, subject, schema, contract, version)
  return found && { value: found, asSent: false }
}

/** @param version that the version found must have, and its metadata say; -1: any, if they say one */
function findNumbered(
  state: RegistryState,
  subject: string,
  schema: ParsedSchema,
  contract: Contract,
  version: number | undefined,
): SchemaValue | undefined {
  if (version === undefined) return findSchema(state, subject, schema, contract, false)
  if (version > 0) {
    return findSchema(state, subject, schema, { ...contract, metadata: withVersion(contract.metadata, version) }, false)
  }
  return state
    .withContent(subject, identityOf(schema, contract))
    .findLast((value) => !value.deleted && propertyOf(value.metadata, versionProperty) !== undefined)
}

function next(state: RegistryState, request: RegisterRequest, fallbackLevel: CompatibilityLevel): SchemaValue {
  const { subject, definition, id, version } = request
  checkMode(state, request)
  const schema = parse(state, request, id !== undefined)
  const nextVersion = state.nextVersion(subject)
  if (nextVersion > largestNumber && !(id !== undefined && isNumber(version))) throw errors.noVersionLeft(subject)
  if (id !== undefined) {
    const base = { subject, ...identityOf(schema, definition), deleted: false }
    return imported(state, base, id, isNumber(version) ? version : nextVersion)
  }
  if (isNumber(version) && version !== nextVersion) {
    throw errors.invalidSchema(`Version ${version} is not one more than previous version ${nextVersion - 1}`)
  }
  const merged = mergedContract(state, subject, definition, request.inherits)
  requireValid(merged.ruleSet)
  const candidate = { subject, schema, contract: merged, versions: state.versions(subject, false) }
  const messages = incompatibilities(state, candidate, fallbackLevel)
  if (messages.length > 0) throw errors.incompatible(subject, messages)
  const isNumbered = version !== undefined || propertyOf(merged.metadata, versionProperty) !== undefined
  const metadata = isNumbered ? withVersion(merged.metadata, nextVersion) : merged.metadata
  const identity = identityOf(schema, { metadata, ruleSet: merged.ruleSet })
  const newId = state.nextId(contextOf(subject), identity)
  if (newId > largestNumber) throw errors.noIdLeft(contextOf(subject))
  return { subject, ...identity, deleted: false, version: nextVersion, id: newId }
}

/** Not one of the words for any version. */
function isNumber(version: RegisterRequest['version']): version is number {
  return typeof version === 'number' && version > 0
}

function checkMode(state: RegistryState, { subject, id }: RegisterRequest): void {
  if (isReadOnly(state, subject)) throw errors.readOnly(subject)
  const isImport = modeInScope(state, subject) === 'IMPORT'
  if (id !== undefined && !isImport) throw errors.notPermitted(`Subject ${subject} is not in import mode`)
  if (id === undefined && isImport) {
    throw errors.notPermitted(`Subject ${subject} is in import mode; give the id, or put it in READWRITE mode`)
  }
}

/** With the id and version of another registry; if they exist already, they must belong to the same schema. */
function imported(
  state: RegistryState,
  base: Omit<SchemaValue, 'id' | 'version'>,
  id: number,
  version: number,
): SchemaValue {
  const context = contextOf(base.subject)
  const own = fingerprint(base)
  const holder = state.withId(context, id)[0]
  if (holder && fingerprint(holder) !== own) throw errors.idTaken(id)
  // Another registry is about to write a schema with this id.
  if (state.reservations.withId(context, id).some((reservation) => reservation.fingerprint !== own)) {
    throw errors.idTaken(id)
  }
  const present = state.version(base.subject, version)
  if (present && !present.deleted && fingerprint(present) !== own) {
    throw errors.notPermitted(`Version ${version} of subject ${base.subject} is another schema already`)
  }
  return { ...base, id, version }
}
