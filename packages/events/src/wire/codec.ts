// The bytes of a record's value: Confluent's framing (a zero, the schema's id, Avro) around SelfMonitor's envelope.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
import type { RegistryClient, SchemaDefinition } from '@selfmonitor/registry'
import avro from 'avsc'
import { EventSchemaError, UndecodableEventError } from '../errors.ts'
import type { Envelope } from '../types.ts'

const magic = 0
const prefixBytes = 5

export interface Encoder {
  readonly schemaId: number
  /** The framed value. */
  encode(envelope: Envelope): Buffer
  /** The same without an object for it: the value stands at the start of `shared.buffer`. @returns its length in bytes */
  encodeShared(envelope: Envelope): number
  /** Overwritten by the next `encodeShared` of any topic, and another one when that needed more room. */
  readonly shared: { readonly buffer: Buffer }
}

export interface Codec {
  /**
   * Makes an encoder from the schema that is registered for a topic's values (the latest version of `<topic>-value`).
   * @throws EventSchemaError when there is none, or it cannot hold the envelope
   */
  encoderFor(topic: string): Promise<Encoder>
  /**
   * Reads a value with the schema that it was written with, whatever else that schema holds.
   * @throws UndecodableEventError when it never will be readable; anything else is worth another try
   */
  decode(value: Buffer | null): Envelope | Promise<Envelope>
}

export function createCodec(registry: RegistryClient): Codec {
  const readers = new Map<number, avro.Type>()
  const shared = { buffer: Buffer.allocUnsafe(16 * 1024) }

  async function parse(definition: SchemaDefinition, what: string): Promise<avro.Type> {
    const named: Record<string, avro.Type> = {}
    await parseReferences(definition, named, new Set())
    try {
      return avro.Type.forSchema(JSON.parse(definition.schema) as avro.Schema, { registry: named })
    } catch (error) {
      throw new EventSchemaError(what, `is not a usable Avro schema: ${(error as Error).message}`, error)
    }
  }

  async function parseReferences(
    definition: SchemaDefinition,
    named: Record<string, avro.Type>,
    seen: Set<string>,
  ): Promise<void> {
    for (const { subject, version, name } of definition.references ?? []) {
      if (seen.has(`${subject}/${version}`)) continue
      seen.add(`${subject}/${version}`)
      const referenced = await registry.getVersion(subject, version)
      if (referenced === null)
        throw new EventSchemaError(subject, `version ${version}, referenced as ${name}, does not exist`)
      await parseReferences(referenced, named, seen)
      // avsc adds the named types of what it parses to the registry that it is given.
      avro.Type.forSchema(JSON.parse(referenced.schema) as avro.Schema, { registry: named })
    }
  }

  async function readerOf(schemaId: number): Promise<avro.Type> {
    let definition: SchemaDefinition
    try {
      definition = await registry.getById(schemaId)
    } catch (error) {
      if (isNotFound(error)) throw new UndecodableEventError(`no schema has the id ${schemaId}`, error)
      throw error
    }
    if ((definition.schemaType ?? 'AVRO') !== 'AVRO') {
      throw new UndecodableEventError(`schema ${schemaId} is ${definition.schemaType}, not Avro`)
    }
    let type: avro.Type
    try {
      type = await parse(definition, `schema ${schemaId}`)
    } catch (error) {
      if (error instanceof EventSchemaError) throw new UndecodableEventError(error.message, error)
      throw error
    }
    readers.set(schemaId, type)
    return type
  }

  return {
    async encoderFor(topic) {
      const subject = `${topic}-value`
      const registered = await registry.getVersion(subject, 'latest')
      if (registered === null) {
        throw new EventSchemaError(
          subject,
          'no schema is registered: run `selfmonitor apply`, or `selfmonitor schemas register`',
        )
      }
      if ((registered.schemaType ?? 'AVRO') !== 'AVRO') {
        throw new EventSchemaError(subject, `the registered schema is ${registered.schemaType}, events need Avro`)
      }
      const type = await parse(registered, subject)
      checkEnvelope(type, subject)
      const { id } = registered
      function encodeShared(envelope: Envelope): number {
        let end = type.encode(envelope, shared.buffer, prefixBytes)
        if (end < 0) {
          // avsc answers with minus the bytes that were missing.
          const { length } = shared.buffer
          shared.buffer = Buffer.allocUnsafe(Math.max(length * 2, length - end + prefixBytes))
          end = type.encode(envelope, shared.buffer, prefixBytes)
        }
        shared.buffer[0] = magic
        shared.buffer.writeUInt32BE(id, 1)
        return end
      }

      return {
        schemaId: id,
        shared,
        encodeShared,
        encode(envelope) {
          const end = encodeShared(envelope)
          return Buffer.from(shared.buffer.subarray(0, end))
        },
      }
    },

    decode(value) {
      if (value === null) throw new UndecodableEventError('the record has no value (a tombstone)')
      if (value.length < prefixBytes || value[0] !== magic) {
        throw new UndecodableEventError('the value does not begin with a zero and a schema id (Confluent framing)')
      }
      const schemaId = value.readUInt32BE(1)
      const type = readers.get(schemaId)
      if (type !== undefined) return readEnvelope(type, value, schemaId)
      return readerOf(schemaId).then((loaded) => readEnvelope(loaded, value, schemaId))
    },
  }
}

const fields = {
  event_id: 'string',
  event_type: 'string',
  user_id: 'string',
  timestamp: 'long',
  data: 'string',
} as const

/** Says what keeps a registered schema from carrying the envelope. */
function checkEnvelope(type: avro.Type, subject: string): void {
  if (!(type instanceof avro.types.RecordType)) {
    throw new EventSchemaError(subject, `the registered schema is a ${type.typeName}, not a record`)
  }
  for (const [name, expected] of Object.entries(fields)) {
    const field = type.field(name)
    if (field === undefined) throw new EventSchemaError(subject, `the registered schema has no field ${name}`)
    const samples = { string: 'text', long: 1_700_000_000_000 }
    if (!field.type.isValid(samples[expected])) {
      throw new EventSchemaError(subject, `field ${name} of the registered schema is not a ${expected}`)
    }
  }
  for (const field of type.fields) {
    if (!(field.name in fields) && field.defaultValue() === undefined) {
      throw new EventSchemaError(
        subject,
        `field ${field.name} of the registered schema has no default, and events do not carry it`,
      )
    }
  }
}

function readEnvelope(type: avro.Type, value: Buffer, schemaId: number): Envelope {
  let record: Partial<Envelope> | null
  try {
    record = type.fromBuffer(value.subarray(prefixBytes)) as Partial<Envelope> | null
  } catch (error) {
    throw new UndecodableEventError(`the value does not fit schema ${schemaId}: ${(error as Error).message}`, error)
  }
  for (const [name, expected] of Object.entries(fields)) {
    const found = typeof record?.[name as keyof Envelope]
    if (found !== (expected === 'long' ? 'number' : 'string')) {
      throw new UndecodableEventError(
        `the envelope's field ${name} is ${found === 'undefined' ? 'missing' : `a ${found}`} (schema ${schemaId})`,
      )
    }
  }
  return record as Envelope
}

/** 40403 is the registry's own answer; any other 404 comes from something in between, and says nothing about the record. */
function isNotFound(error: unknown): boolean {
  return (error as { errorCode?: number }).errorCode === 40403
}
