// Registering a schema: the same schema again gives what is there, a new one gets the next version of its subject, and
// an id that all subjects of a context share when they hold the same schema.
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
import type { CompatibilityLevel, SchemaDefinition } from '../types.ts'
import { incompatibilities } from './check.ts'
import { errors } from './errors.ts'
import { findSchema, identityOf, isReadOnly, levelInScope, modeInScope, normalizeInScope } from './lookup.ts'
import { parseSent } from './schemas.ts'

export interface RegisterRequest {
  readonly subject: string
  readonly definition: SchemaDefinition
  readonly normalize: boolean
  /** Only in IMPORT mode. */
  readonly id?: number | undefined
  readonly version?: number | undefined
}

/**
 * @param fallbackLevel the compatibility level while none is set
 * @returns the version under the subject, new or found
 * @throws {RegistryRefusal} 40901 incompatible, 42201 not a schema, 42205 not permitted by the mode, or an id that is taken
 */
export async function register(
  store: Store,
  request: RegisterRequest,
  fallbackLevel: CompatibilityLevel,
): Promise<SchemaValue> {
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
      return value
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
  const schema = parseSent(state, subject, definition, lenient)
  return normalize || normalizeInScope(state, subject) ? schema.normalize() : schema
}

function existing(state: RegistryState, request: RegisterRequest): SchemaValue | undefined {
  const found = findSchema(state, request.subject, parse(state, request, true), false)
  if (!found) return undefined
  const { id = found.id, version = found.version } = request
  return id === found.id && version === found.version ? found : undefined
}

function next(state: RegistryState, request: RegisterRequest, fallbackLevel: CompatibilityLevel): SchemaValue {
  const { subject } = request
  checkMode(state, request)
  const schema = parse(state, request, request.id !== undefined)
  const nextVersion = state.nextVersion(subject)
  const identity = identityOf(schema)
  const base = { subject, ...identity, deleted: false }
  if (request.id !== undefined) return imported(state, base, request.id, request.version ?? nextVersion)
  if (request.version !== undefined && request.version !== nextVersion) {
    throw errors.invalidSchema(`Version ${request.version} is not one more than previous version ${nextVersion - 1}`)
  }
  const level = levelInScope(state, subject, fallbackLevel)
  const messages = incompatibilities(state, level, schema, state.versions(subject, false))
  if (messages.length > 0) throw errors.incompatible(subject, messages)
  return { ...base, version: nextVersion, id: state.nextId(contextOf(subject), identity) }
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
  const holder = state.withId(contextOf(base.subject), id)[0]
  if (holder && fingerprint(holder) !== fingerprint(base)) throw errors.idTaken(id)
  const present = state.version(base.subject, version)
  if (present && !present.deleted && fingerprint(present) !== fingerprint(base)) {
    throw errors.notPermitted(`Version ${version} of subject ${base.subject} is another schema already`)
  }
  return { ...base, id, version }
}
