// Decodes a record's value: an event in its envelope, any other Avro value, JSON, or text; with or without a registered schema.

import type { ReadRecord } from '@selfmonitor/cluster'
import type { Codec, Envelope, EventSchema } from '@selfmonitor/events'
import { deadLetterHeaders, isDeadLetterTopic } from '@selfmonitor/events/dead-letters'
import { parseExact } from '@selfmonitor/events/exact-json'
import { envelopeFields } from '@selfmonitor/platform/shapes'
import type { RegistryClient } from '@selfmonitor/registry'
import { registryErrorCodes } from '@selfmonitor/registry/error-codes'
import { decodeFrame, isFrame } from '@selfmonitor/registry/frame'

/** Numbers of JSON keep every digit, see `parseExact`. */
export type Decoded =
  | { readonly kind: 'event'; readonly envelope: Envelope; readonly data: unknown }
  | {
      readonly kind: 'value'
      readonly format: 'avro' | 'json' | 'text' | 'tombstone'
      /** `shop.Cart`; null where the value has no schema with a name. */
      readonly schema: string | null
      readonly value: unknown
    }
  | { readonly kind: 'undecodable'; readonly reason: string }

export interface Decoder {
  /** A problem of the record is a part of the result. @throws the error that prevents the registry from answering */
  decode(value: Buffer | null): Promise<Decoded>
  /** The schema of an event's payload, as its record's header names it; null without the header. @throws as `decode` */
  payloadSchema(record: Pick<ReadRecord, 'topic' | 'headers'>, eventType: string): Promise<EventSchema | null>
}

/** @param codec of the same registry */
export function createDecoder(
  codec: Pick<Codec, 'decodeAny' | 'payloads'>,
  registry: Pick<RegistryClient, 'getById'>,
): Decoder {
  async function framed(value: Buffer): Promise<Decoded> {
    const { id, payload } = decodeFrame(value)
    let schemaType: string
    try {
      schemaType = (await registry.getById(id)).schemaType ?? 'AVRO'
    } catch (error) {
      if ((error as { errorCode?: unknown }).errorCode !== registryErrorCodes.schemaNotFound) throw error
      return { kind: 'undecodable', reason: `no schema has the id ${id}` }
    }
    if (schemaType === 'AVRO') return avro(value)
    if (schemaType !== 'JSON') return { kind: 'undecodable', reason: `schema ${id} is ${schemaType}` }
    const text = textOf(payload)
    const json = text === undefined ? undefined : jsonOf(text)
    if (json === undefined) {
      return { kind: 'undecodable', reason: `it is not JSON, as schema ${id} says` }
    }
    return { kind: 'value', format: 'json', schema: null, value: json.value }
  }

  async function avro(bytes: Buffer): Promise<Decoded> {
    try {
      const { name, value } = await codec.decodeAny(bytes)
      const envelope = envelopeOf(value)
      if (envelope === undefined) return { kind: 'value', format: 'avro', schema: name, value }
      const data = jsonOf(envelope.data)
      if (data !== undefined) return { kind: 'event', envelope, data: data.value }
      return { kind: 'undecodable', reason: `its data is not JSON: ${envelope.data.slice(0, 60)}` }
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'EVENT_UNDECODABLE') throw error
      return { kind: 'undecodable', reason: (error as Error).message }
    }
  }

  return {
    async payloadSchema({ topic, headers }, eventType) {
      return codec.payloads.read(originalTopic(topic, headers), eventType, headers)
    },

    async decode(value) {
      if (value === null) return { kind: 'value', format: 'tombstone', schema: null, value: null }
      if (isFrame(value)) return framed(value)
      const text = textOf(value)
      if (text === undefined) return { kind: 'undecodable', reason: 'it is neither text nor in Confluent’s format' }
      const json = jsonOf(text)
      return json === undefined
        ? { kind: 'value', format: 'text', schema: null, value: text }
        : { kind: 'value', format: 'json', schema: null, value: json.value }
    },
  }
}

/** A dead letter's payload has the schema of the topic that it comes from. */
function originalTopic(topic: string, headers: ReadRecord['headers']): string {
  if (!isDeadLetterTopic(topic)) return topic
  const named = headers.findLast(({ key }) => key === deadLetterHeaders.topic)?.value
  return named?.toString('utf8') ?? topic
}

function envelopeOf(value: unknown): Envelope | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const fits = Object.entries(envelopeFields).every(
    ([name, type]) => typeof (value as Record<string, unknown>)[name] === (type === 'long' ? 'number' : 'string'),
  )
  return fits ? (value as Envelope) : undefined
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** undefined for bytes that are not text. */
function textOf(bytes: Buffer): string | undefined {
  try {
    const text = utf8.decode(bytes)
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what tells binary data from text
    return /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(text) ? undefined : text
  } catch {
    return undefined
  }
}

function jsonOf(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: parseExact(text) }
  } catch {
    return undefined
  }
}
