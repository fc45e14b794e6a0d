// Records as lines of JSON: what `topics consume` prints, `topics produce` reads.
// `{"topic":"orders","partition":0,"offset":"17","timestamp":1764500000000,"key":"k","headers":[["trace","1"]],"format":"avro","schemaId":3,"value":{…}}`
// Bytes that are not text are `{"base64":"…"}`; a header or a value without bytes is null.
import type { ReadRecord } from '@selfmonitor/cluster'
import { avroToJson } from '@selfmonitor/events/avro-json'
import type { Codec } from '@selfmonitor/events/codec'
import { parseExact } from '@selfmonitor/events/exact-json'
import type { RegistryClient } from '@selfmonitor/registry'
import { decodeFrame, frameHeaderBytes, isFrame, writeFrameHeader } from '@selfmonitor/registry/frame'
import { timestamp } from '../framework/parse.ts'
import type { Decoder } from './decode.ts'
import type { ValueFormat } from './formats.ts'

export interface ValueLine {
  readonly format: 'avro' | 'json' | 'text' | 'raw' | 'hex' | 'tombstone'
  /** Of a value in Confluent's framing. */
  readonly schemaId?: number
  /** The name of the Avro schema. */
  readonly schema?: string
  readonly value: unknown
  /** Why the value is not shown in the format that was asked for. */
  readonly problem?: string
}

/** @returns the value in a format; one that cannot be is `raw`, and says why */
export async function valueLine(bytes: Buffer | null, format: ValueFormat, decoder: Decoder): Promise<ValueLine> {
  if (bytes === null) return { format: 'tombstone', value: null }
  if (format === 'raw') return { format: 'raw', value: base64(bytes) }
  if (format === 'hex') return { format: 'hex', value: { hex: bytes.toString('hex') } }
  const raw = (problem: string): ValueLine => ({ format: 'raw', value: base64(bytes), problem })
  const decoded = await decoder.decode(bytes)
  if (decoded.kind === 'undecodable') return raw(decoded.reason)
  const schemaId = isFrame(bytes) ? decodeFrame(bytes).id : undefined
  const line = ((): ValueLine => {
    if (decoded.kind === 'event') return { format: 'avro', schemaId, value: avroToJson(decoded.envelope) }
    const { format: found, schema, value } = decoded
    if (found === 'avro')
      return { format: 'avro', schemaId, ...(schema === null ? {} : { schema }), value: avroToJson(value) }
    return {
      format: found,
      ...(schemaId === undefined ? {} : { schemaId }),
      value: found === 'text' ? textOf(bytes) : value,
    }
  })()
  return format === 'auto' || line.format === format ? line : raw(`it is ${line.format}`)
}

/** One record as data for a line. */
export async function recordLine(record: ReadRecord, format: ValueFormat, decoder: Decoder): Promise<object> {
  const { topic, partition, offset, timestampMs, headers } = record
  const line = await valueLine(record.value, format, decoder)
  const eventType = line.format === 'avro' ? (line.value as { event_type?: unknown } | null)?.event_type : undefined
  const payloadSchema = typeof eventType === 'string' ? await decoder.payloadSchema(record, eventType) : null
  return {
    topic,
    partition,
    offset,
    timestamp: timestampMs,
    ...(await keyLine(record.key, format, decoder)),
    headers: headers.map(({ key, value }) => [key, bytesJson(value)]),
    ...line,
    ...(payloadSchema === null ? {} : { payloadSchema }),
  }
}

/** A key that is Avro is decoded; other keys are text where they are. */
async function keyLine(
  key: Buffer | null,
  format: ValueFormat,
  decoder: Decoder,
): Promise<{ key: unknown; keySchemaId?: number }> {
  if (key === null || !isFrame(key) || format === 'raw' || format === 'hex') return { key: bytesJson(key) }
  const line = await valueLine(key, 'avro', decoder)
  return line.format === 'avro' ? { key: line.value, keySchemaId: line.schemaId } : { key: bytesJson(key) }
}

function base64(bytes: Buffer): { readonly base64: string } {
  return { base64: bytes.toString('base64') }
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

function textOf(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes)
  } catch {
    return undefined
  }
}

/** Text, or base64; null stays null. */
export function bytesJson(bytes: Buffer | null): unknown {
  return bytes === null ? null : (textOf(bytes) ?? base64(bytes))
}

/** A record as a line gives it, encoded. */
export interface ParsedRecord {
  /** null: not said. */
  readonly partition: number | null
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: readonly { readonly key: string; readonly value: Buffer | null }[]
  readonly timestampMs: number | null
}

/** A line that is not a record. */
export class LineError extends Error {}

export interface LineEncoder {
  readonly codec: Pick<Codec, 'encodeJson'>
  readonly registry: Pick<RegistryClient, 'getById'>
  /** For values that do not name their schema; null: they are not framed. */
  readonly valueSchemaId: number | null
}

/**
 * Reads a line that `recordLine` printed, or that a person wrote: at least a `value`.
 * @throws LineError saying what is wrong with it; other errors when the registry does not answer
 */
export async function parseRecordLine(text: string, encoder: LineEncoder): Promise<ParsedRecord> {
  const line = parseJson(text)
  if (!isObject(line)) throw new LineError('it is not a JSON object')
  if (!Object.hasOwn(line, 'value')) throw new LineError('it has no "value" (null is a tombstone)')
  return {
    partition:
      optional(line, 'partition', (part) => (isIndex(part) ? part : undefined), 'a whole number from 0') ?? null,
    key: await keyBytes(line, encoder),
    value: await valueBytes(line, encoder),
    headers: headersOf(line.headers),
    timestampMs: timestampOf(line.timestamp),
  }
}

export function parseJson(text: string): unknown {
  try {
    return parseExact(text)
  } catch (error) {
    throw new LineError(`it is not JSON: ${(error as Error).message}`)
  }
}

function optional<T>(
  line: Record<string, unknown>,
  name: string,
  read: (part: unknown) => T | undefined,
  expected: string,
): T | undefined {
  const part = line[name]
  if (part === undefined || part === null) return undefined
  const value = read(part)
  if (value === undefined) throw new LineError(`"${name}" must be ${expected}`)
  return value
}

const largestPartition = 2 ** 31 - 1
const isIndex = (part: unknown): part is number =>
  Number.isInteger(part) && (part as number) >= 0 && (part as number) <= largestPartition

async function keyBytes(line: Record<string, unknown>, encoder: LineEncoder): Promise<Buffer | null> {
  const { key = null } = line
  const schemaId = optional(line, 'keySchemaId', (part) => (isIndex(part) ? part : undefined), 'a schema id')
  if (schemaId !== undefined) return encodeWith(schemaId, key, encoder, 'key')
  return plainBytes(key, 'key')
}

async function valueBytes(line: Record<string, unknown>, encoder: LineEncoder): Promise<Buffer | null> {
  const { value, format } = line
  if (value === null) return null
  const bytes = explicitBytes(value)
  if (bytes !== undefined) return bytes
  const schemaId = optional(line, 'schemaId', (part) => (isIndex(part) ? part : undefined), 'a schema id')
  if (schemaId !== undefined) return encodeWith(schemaId, value, encoder, 'value')
  if (format === 'avro' && encoder.valueSchemaId === null) throw new LineError('it is Avro and has no "schemaId"')
  if (format !== 'text' && format !== 'json' && encoder.valueSchemaId !== null) {
    return encodeWith(encoder.valueSchemaId, value, encoder, 'value')
  }
  return format !== 'json' && typeof value === 'string' ? Buffer.from(value) : Buffer.from(JSON.stringify(value))
}

/** @throws LineError when the value does not fit the schema, or there is no such schema */
export async function encodeWith(
  schemaId: number,
  json: unknown,
  { codec, registry }: LineEncoder,
  what: string,
): Promise<Buffer> {
  const { schemaType = 'AVRO' } = await registry.getById(schemaId).catch((error: { status?: number }) => {
    if (error.status !== 404) throw error
    throw new LineError(`no schema has the id ${schemaId}`)
  })
  if (schemaType === 'JSON') {
    const text = Buffer.from(JSON.stringify(json))
    const frame = Buffer.allocUnsafe(frameHeaderBytes)
    writeFrameHeader(frame, schemaId)
    return Buffer.concat([frame, text])
  }
  if (schemaType !== 'AVRO') {
    throw new LineError(`schema ${schemaId} is ${schemaType}: give the bytes of the ${what} as {"base64": "…"}`)
  }
  try {
    return await codec.encodeJson(schemaId, json)
  } catch (error) {
    const { code, message } = error as { code?: string; message: string }
    if (code !== 'EVENT_INVALID' && code !== 'EVENT_UNDECODABLE') throw error
    throw new LineError(message.replaceAll('value/', `${what}/`))
  }
}

/** `{"base64": "…"}` or `{"hex": "…"}` */
function explicitBytes(value: unknown): Buffer | undefined {
  if (!isObject(value) || Object.keys(value).length !== 1) return undefined
  if (typeof value.base64 === 'string') return decoded(value.base64, 'base64')
  return typeof value.hex === 'string' ? decoded(value.hex, 'hex') : undefined
}

function decoded(text: string, encoding: 'base64' | 'hex'): Buffer {
  const isValid = encoding === 'hex' ? /^([0-9a-f]{2})*$/i.test(text) : /^[A-Za-z0-9+/_-]*={0,2}$/.test(text)
  if (!isValid) throw new LineError(`"${text.slice(0, 20)}" is not ${encoding}`)
  return Buffer.from(text, encoding)
}

function plainBytes(part: unknown, name: string): Buffer | null {
  if (part === null) return null
  if (typeof part === 'string') return Buffer.from(part)
  const bytes = explicitBytes(part)
  if (bytes === undefined) throw new LineError(`${name} must be a text, null, or {"base64": "…"}`)
  return bytes
}

/** `[["name", "value"], …]`, or `{"name": "value"}` */
function headersOf(headers: unknown): ParsedRecord['headers'] {
  if (headers === undefined || headers === null) return []
  const entries = Array.isArray(headers) ? headers : isObject(headers) ? Object.entries(headers) : undefined
  if (entries === undefined) throw new LineError('"headers" must be [["name", "value"], …]')
  return entries.map((entry: unknown) => {
    if (!Array.isArray(entry) || entry.length !== 2 || typeof entry[0] !== 'string') {
      throw new LineError('"headers" must be [["name", "value"], …]')
    }
    return { key: entry[0], value: plainBytes(entry[1] as unknown, `header "${entry[0]}"`) }
  })
}

function timestampOf(part: unknown): number | null {
  if (part === undefined || part === null || part === -1) return null
  if (typeof part === 'number' && Number.isSafeInteger(part) && part >= 0) return part
  if (typeof part === 'string') {
    try {
      return timestamp(part)
    } catch {
      // Said below.
    }
  }
  throw new LineError('"timestamp" must be milliseconds since 1970, or a time such as 2026-11-22T13:00:00Z')
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json)
}
