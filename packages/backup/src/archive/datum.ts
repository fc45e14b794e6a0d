// One key, value or list of headers, as an archive's file holds it.
import type { RecordHeader } from '@selfmonitor/protocol/records'

export interface Datum {
  /** null where the archive says that there was nothing: a null key, or a tombstone. */
  readonly bytes: Buffer | null
  /** The Avro schema, as text, that the bytes are encoded with; null for bytes that a record has as they are. */
  readonly schema: string | null
  /** The same as a value of JavaScript; undefined when nothing but the bytes is known, which may be JSON. */
  readonly value: unknown
}

export const nothing: Datum = { bytes: null, schema: null, value: null }

/** The value, of JSON too. @returns undefined when the bytes are neither */
export function decodedOf({ bytes, value }: Datum): unknown {
  if (value !== undefined || bytes === null) return value
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

/**
 * Reads the headers of a record: a list of objects with `key` and `value`, perhaps as the only field of an object, or an object whose
 * fields are the headers. Connect keeps no header's bytes: text is written as UTF-8, and anything else as JSON.
 * @returns null when the datum has another form
 */
export function headersOf(datum: Datum): RecordHeader[] | null {
  const value = decodedOf(datum)
  if (value === null) return []
  if (Array.isArray(value)) return headerList(value)
  if (typeof value !== 'object' || value === undefined || Buffer.isBuffer(value)) return null
  const fields = Object.entries(value)
  const [only] = fields
  if (fields.length === 1 && Array.isArray(only![1])) return headerList(only![1])
  return fields.map(([key, one]) => ({ key, value: headerBytes(one) }))
}

function headerList(list: readonly unknown[]): RecordHeader[] | null {
  const headers: RecordHeader[] = []
  for (const one of list) {
    const { key, value } = (one ?? {}) as { key?: unknown; value?: unknown }
    if (typeof key !== 'string') return null
    headers.push({ key, value: headerBytes(value) })
  }
  return headers
}

function headerBytes(value: unknown): Buffer | null {
  if (value === null || value === undefined) return null
  if (Buffer.isBuffer(value)) return value
  return Buffer.from(typeof value === 'string' ? value : jsonText(value))
}

/** Part of Node since 21, and not yet of TypeScript's types. */
const { rawJSON: rawJson } = JSON as unknown as { rawJSON(text: string): unknown }

/** JSON with all digits of 64-bit numbers, and bytes as base64. */
export function jsonText(value: unknown): string {
  return JSON.stringify(value, (_, one: unknown) => {
    if (typeof one === 'bigint') return rawJson(one.toString())
    if (one instanceof Uint8Array) return Buffer.from(one).toString('base64')
    return isBufferJson(one) ? Buffer.from(one.data).toString('base64') : one
  })
}

/** Buffers turn themselves into this before a replacer sees them. */
function isBufferJson(value: unknown): value is { readonly data: number[] } {
  return typeof value === 'object' && value !== null && (value as { type?: unknown }).type === 'Buffer'
}
