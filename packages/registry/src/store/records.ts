// The records of `_schemas`, in Confluent's bytes. The topic is compacted by the exact bytes of the key, so the order of
// a key's fields is part of the format: a key spelled otherwise would never replace or delete what it means.
//
// Field orders as Confluent Schema Registry 7.x writes them (keys: pinned by its SchemaKey, ConfigKey, … classes; values:
// as observed on its topics; readers accept any order).
import { type Contract, readMetadata, readRuleSet } from '../contract/index.ts'
import { quote } from '../json/index.ts'
import type { SchemaReference } from '../types.ts'

export type StoreKey =
  | { readonly keytype: 'SCHEMA'; readonly subject: string; readonly version: number }
  | { readonly keytype: 'CONFIG' | 'MODE' | 'CLEAR_SUBJECT'; readonly subject: string | null }
  | { readonly keytype: 'DELETE_SUBJECT'; readonly subject: string }
  | { readonly keytype: 'CONTEXT'; readonly context: string }
  | { readonly keytype: 'NOOP' }

export interface SchemaValue extends Contract {
  readonly subject: string
  readonly version: number
  readonly id: number
  /** `AVRO` is not written out in the record. */
  readonly schemaType: string
  readonly references: readonly SchemaReference[]
  readonly schema: string
  readonly deleted: boolean
  /** Every field as read, ours or not, in its order; kept when the record is written again. */
  readonly raw?: Readonly<Record<string, unknown>>
}

export interface ConfigValue {
  readonly compatibilityLevel: string | undefined
  readonly raw?: Readonly<Record<string, unknown>>
}

/** An announcement, which a registry writes before it registers a schema; see reservations.ts. Other registries ignore a NOOP's value. */
export interface Reservation {
  /** Tells one announcement from another. */
  readonly token: string
  readonly subject: string
  readonly version: number
  readonly id: number
  readonly fingerprint: string
}

/** A record that was understood; a null value is a tombstone. */
export type StoreRecord =
  | { readonly key: Extract<StoreKey, { keytype: 'SCHEMA' }>; readonly value: SchemaValue | null }
  | {
      readonly key: { readonly keytype: 'CONFIG'; readonly subject: string | null }
      readonly value: ConfigValue | null
    }
  | {
      readonly key: { readonly keytype: 'MODE'; readonly subject: string | null }
      readonly value: { mode: string } | null
    }
  | {
      readonly key: { readonly keytype: 'CLEAR_SUBJECT'; readonly subject: string | null }
      readonly value: object | null
    }
  | {
      readonly key: { readonly keytype: 'DELETE_SUBJECT'; readonly subject: string }
      readonly value: { version: number } | null
    }
  | { readonly key: { readonly keytype: 'CONTEXT'; readonly context: string }; readonly value: object | null }
  | { readonly key: { readonly keytype: 'NOOP' }; readonly value: Reservation | null }

/** A record that is skipped: its key type is unknown, or its bytes do not have the format. */
export interface IgnoredRecord {
  readonly ignored: string
}

/** Confluent's registry has no other tenant outside its cloud. */
const tenant = 'default'

export function encodeKey(key: StoreKey): Buffer {
  switch (key.keytype) {
    case 'SCHEMA':
      return json([
        ['keytype', quote('SCHEMA')],
        ['subject', quote(key.subject)],
        ['version', String(key.version)],
        ['magic', '1'],
      ])
    case 'CONFIG':
    case 'MODE':
    case 'CLEAR_SUBJECT':
    case 'DELETE_SUBJECT': {
      const subject = key.subject === null ? 'null' : quote(key.subject)
      return json([
        ['keytype', quote(key.keytype)],
        ['subject', subject],
        ['magic', '0'],
      ])
    }
    case 'CONTEXT':
      return json([
        ['keytype', quote('CONTEXT')],
        ['tenant', quote(tenant)],
        ['context', quote(key.context)],
        ['magic', '0'],
      ])
    case 'NOOP':
      return json([
        ['keytype', quote('NOOP')],
        ['magic', '0'],
      ])
  }
}

export function encodeSchemaValue(value: SchemaValue): Buffer {
  if (value.raw) {
    const fields = { ...value.raw, deleted: value.deleted }
    return json(Object.entries(fields).map(([name, field]) => [name, any(field)]))
  }
  const references = value.references.map(({ name, subject, version }) =>
    object([
      ['name', quote(name)],
      ['subject', quote(subject)],
      ['version', String(version)],
    ]),
  )
  return json([
    ['subject', quote(value.subject)],
    ['version', String(value.version)],
    ['id', String(value.id)],
    ...(value.schemaType === 'AVRO' ? [] : [['schemaType', quote(value.schemaType)] as const]),
    ...(references.length === 0 ? [] : [['references', `[${references.join(',')}]`] as const]),
    ...(value.metadata === undefined ? [] : [['metadata', any(value.metadata)] as const]),
    ...(value.ruleSet === undefined ? [] : [['ruleSet', any(value.ruleSet)] as const]),
    ['schema', quote(value.schema)],
    ['deleted', String(value.deleted)],
  ])
}

/** The record that makes a context exist: Confluent's registry lists the contexts that have one. */
export function encodeContextValue(context: string): Buffer {
  return encodeValue(null, { tenant, context })
}

/** @param fields besides the subject, which is left out of the global record */
export function encodeValue(subject: string | null, fields: Readonly<Record<string, unknown>>): Buffer {
  const named = subject === null ? fields : { subject, ...fields }
  return json(Object.entries(named).map(([name, field]) => [name, any(field)]))
}

export function decodeRecord(keyBytes: Buffer | null, valueBytes: Buffer | null): StoreRecord | IgnoredRecord {
  const key = parseObject(keyBytes)
  if (!key) return { ignored: 'the key is not a JSON object' }
  const value = valueBytes === null || valueBytes.length === 0 ? null : parseObject(valueBytes)
  if (value === undefined) return { ignored: `the value of a ${String(key.keytype)} record is not a JSON object` }
  const subject = key.subject === undefined ? null : key.subject
  if (subject !== null && typeof subject !== 'string') return { ignored: 'the subject is not a string' }
  switch (key.keytype) {
    case 'NOOP':
      return { key: { keytype: 'NOOP' }, value: isReservation(value?.reserve) ? value.reserve : null }
    case 'SCHEMA':
      return decodeSchema(subject, key.version, value)
    case 'CONFIG': {
      const level = value?.compatibilityLevel
      const config = { compatibilityLevel: typeof level === 'string' ? level : undefined, raw: value ?? {} }
      return { key: { keytype: 'CONFIG', subject }, value: value === null ? null : config }
    }
    case 'MODE':
      if (value !== null && typeof value.mode !== 'string') return { ignored: 'a MODE record without a mode' }
      return { key: { keytype: 'MODE', subject }, value: value === null ? null : { mode: value.mode as string } }
    case 'CLEAR_SUBJECT':
      return { key: { keytype: 'CLEAR_SUBJECT', subject }, value }
    case 'CONTEXT':
      if (typeof key.context !== 'string') return { ignored: 'a CONTEXT key without a context' }
      return { key: { keytype: 'CONTEXT', context: key.context }, value }
    case 'DELETE_SUBJECT':
      if (subject === null) return { ignored: 'a DELETE_SUBJECT record without a subject' }
      if (value !== null && !isVersion(value.version)) return { ignored: 'a DELETE_SUBJECT record without a version' }
      return {
        key: { keytype: 'DELETE_SUBJECT', subject },
        value: value === null ? null : { version: value.version as number },
      }
    default:
      return { ignored: `unknown key type ${JSON.stringify(key.keytype)}` }
  }
}

function decodeSchema(
  subject: string | null,
  version: unknown,
  value: Record<string, unknown> | null,
): StoreRecord | IgnoredRecord {
  if (subject === null || !isVersion(version)) return { ignored: 'a SCHEMA key without a subject and a version' }
  const key = { keytype: 'SCHEMA' as const, subject, version }
  if (value === null) return { key, value: null }
  if (typeof value.schema !== 'string' || !Number.isInteger(value.id)) {
    return { ignored: `the SCHEMA record of ${subject} version ${version} has no schema or no id` }
  }
  const references = Array.isArray(value.references) ? value.references.filter(isReference) : []
  const metadata = readMetadata(value.metadata)
  const ruleSet = readRuleSet(value.ruleSet)
  return {
    key,
    value: {
      subject,
      version,
      id: value.id as number,
      schemaType: typeof value.schemaType === 'string' ? value.schemaType : 'AVRO',
      references: references.map(({ name, subject: of, version: at }) => ({ name, subject: of, version: at })),
      ...(metadata && { metadata }),
      ...(ruleSet && { ruleSet }),
      schema: value.schema,
      deleted: value.deleted === true,
      raw: value,
    },
  }
}

function parseObject(bytes: Buffer | null): Record<string, unknown> | undefined {
  if (bytes === null) return undefined
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined
  } catch {
    return undefined
  }
}

function isVersion(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) > 0
}

function isReference(value: unknown): value is SchemaReference {
  const reference = value as Partial<SchemaReference> | null
  return typeof reference?.name === 'string' && typeof reference.subject === 'string' && isVersion(reference.version)
}

function isReservation(value: unknown): value is Reservation {
  const { token, subject, version, id, fingerprint } = (value ?? {}) as Partial<Reservation>
  const texts = [token, subject, fingerprint].every((text) => typeof text === 'string')
  return texts && isVersion(version) && Number.isInteger(id)
}

type Fields = readonly (readonly [name: string, text: string])[]

function object(fields: Fields): string {
  return `{${fields.map(([name, text]) => `${quote(name)}:${text}`).join(',')}}`
}

function json(fields: Fields): Buffer {
  return Buffer.from(object(fields), 'utf8')
}

/** Any value of a parsed JSON text, strings escaped as Jackson does. */
function any(value: unknown): string {
  if (typeof value === 'string') return quote(value)
  if (Array.isArray(value)) return `[${value.map(any).join(',')}]`
  if (typeof value === 'object' && value !== null) {
    return object(Object.entries(value).map(([name, field]) => [name, any(field)]))
  }
  return JSON.stringify(value)
}
