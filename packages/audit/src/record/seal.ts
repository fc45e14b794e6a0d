// The hash of a record, and the way between a record and its envelope. Pure.
import { createHash } from 'node:crypto'
import canonicalize from 'canonicalize'
import {
  type AuditCategory,
  type AuditEnvelope,
  type AuditPayload,
  type AuditRecord,
  formatVersion,
  isAuditEventType,
} from './types.ts'

type Unsealed = Omit<AuditRecord, 'data'> & { readonly data: Omit<AuditPayload, 'hash'> }

/** SHA-256 of the canonical form (RFC 8785), the hash itself left out. */
export function hashOf({ event_id, event_type, user_id, timestamp, data }: Unsealed): string {
  const { hash: _, ...rest } = data as AuditPayload
  const text = canonicalize({ event_id, event_type, user_id, timestamp, data: rest })!
  return createHash('sha256').update(text).digest('hex')
}

export function seal(record: Unsealed): AuditRecord {
  return { ...record, data: { ...record.data, hash: hashOf(record) } }
}

export function toEnvelope({ data, ...envelope }: AuditRecord): AuditEnvelope {
  return { ...envelope, data: JSON.stringify(data) }
}

/** @returns undefined for an event of another kind, or what keeps it from being a record of the trail */
export function fromEnvelope(envelope: AuditEnvelope): AuditRecord | { readonly problem: string } | undefined {
  if (!isAuditEventType(envelope.event_type)) return undefined
  let data: AuditPayload
  try {
    data = JSON.parse(envelope.data) as AuditPayload
  } catch {
    return { problem: 'its payload is not JSON' }
  }
  const { event_id, event_type, user_id, timestamp } = envelope
  if (typeof data !== 'object' || data === null) return { problem: 'its payload is not an object' }
  if (typeof data.format === 'number' && data.format > formatVersion) {
    return { problem: `it has format ${data.format}, which is newer than this version of SelfMonitor Streams` }
  }
  if (!isChained(data)) return { problem: 'its payload has no hash or no chain' }
  return { event_id, event_type, user_id, timestamp, data }
}

function isChained({ chain, hash }: Partial<AuditPayload>): boolean {
  if (typeof hash !== 'string' || typeof chain !== 'object' || chain === null) return false
  const { writer, sequence, previous, seen } = chain
  return (
    typeof writer === 'string' &&
    Number.isSafeInteger(sequence) &&
    (previous === null || isLink(previous)) &&
    (seen === null || (Array.isArray(seen) && seen.every(isLink)))
  )
}

function isLink(link: unknown): boolean {
  const { hash, offset, at } = (link ?? {}) as Record<string, unknown>
  return typeof hash === 'string' && Number.isSafeInteger(offset) && Number.isSafeInteger(at)
}

/** By the noun of the action. Others are operations. */
const categories: Readonly<Record<string, AuditCategory>> = {
  acls: 'access control',
  users: 'access control',
  quotas: 'capacity management',
  topics: 'change management',
  schemas: 'change management',
  apply: 'change management',
  setup: 'change management',
}

export function categoryOf(action: string): AuditCategory {
  return categories[action.split('.')[0]!] ?? 'ICT operations'
}

const secretName = /password|passphrase|secret|private.?key|credential|token$/i
/** A larger `before` or `after` is replaced by its size and hash: brokers take 1 MiB by default, and consumers read it all. */
const largestFactsBytes = 128 * 1024

/** Plain JSON data: 64-bit numbers as text, bytes in base64, fields that are named like a secret without their value. */
export function plainFacts(value: unknown): unknown {
  if (value === undefined) return null
  const json = JSON.stringify(value, function (this: unknown, name: string, at: unknown) {
    if (secretName.test(name) && (typeof at === 'string' || typeof at === 'number')) return '(not recorded)'
    if (typeof at === 'bigint') return at.toString()
    const original = (this as Record<string, unknown>)[name]
    return original instanceof Uint8Array ? Buffer.from(original).toString('base64') : at
  })
  if (json === undefined) return null
  const sizeBytes = Buffer.byteLength(json)
  if (sizeBytes > largestFactsBytes) {
    return { left_out: 'too large', bytes: sizeBytes, sha256: createHash('sha256').update(json).digest('hex') }
  }
  return wellFormed(JSON.parse(json))
}

/** Avro and RFC 8785 have no lone surrogates. */
function wellFormed(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, (_, at) => (typeof at === 'string' ? at.toWellFormed() : at)))
}
