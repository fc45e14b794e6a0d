// The bytes of a record's value: Confluent's framing (a zero, the schema's id, Avro) around the envelope, or around a
// record of the topic's own shape.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format
import { envelopeFields, envelopeProblem } from '@selfmonitor/platform/shapes'
import type { RegistryClient } from '@selfmonitor/registry'
import { frameHeaderBytes, writeFrameHeader } from '@selfmonitor/registry/frame'
import type avro from 'avsc'
import { EventSchemaError, EventValidationError, UndecodableEventError, type ValidationProblem } from '../errors.ts'
import type { Envelope } from '../types.ts'
import { DecimalType } from './avro-types.ts'
import { meantName } from './meant-name.ts'
import { createPayloadVersions, type PayloadVersions } from './payload-versions.ts'
import { createSchemas, type RegisteredSchema, unframe } from './schemas.ts'

export interface Encoder<Value = Envelope> {
  readonly schemaId: number
  /** The framed value. */
  encode(value: Value): Buffer
  /** The same without an object for it: the value is at the start of `shared.buffer`. @returns its length in bytes */
  encodeShared(value: Value): number
  /** Overwritten by the next `encodeShared` of any topic, and another one when that needed more room. */
  readonly shared: { readonly buffer: Buffer }
}

/** A record of a shape of its own: what `emit` takes and handlers get. */
export type RecordValue = Readonly<Record<string, unknown>>

export interface RecordEncoder extends Encoder<RecordValue> {
  /** @throws EventValidationError when the value does not fit the registered schema, or has fields that it does not know */
  check(value: RecordValue): void
}

/** Any Avro value, with the name of its schema. */
export interface DecodedValue {
  readonly schemaId: number
  /** `shop.Cart`; the type's name (`string`) when it has none of its own. */
  readonly name: string
  /** Longs are numbers where those are exact, else bigints; decimals are text, bytes are Buffers. */
  readonly value: unknown
}

export interface Codec {
  /** Which versions of their payloads' schemas events have. */
  readonly payloads: PayloadVersions
  /**
   * Makes an encoder from the schema that is registered for a topic's values (the latest version of `<topic>-value`).
   * @throws EventSchemaError when there is none, or it cannot hold the envelope
   */
  encoderFor(topic: string): Promise<Encoder>
  /**
   * The same for a topic whose records have a shape of their own.
   * @throws EventSchemaError when there is no schema, or it is the envelope's, or not a record
   */
  recordEncoderFor(topic: string): Promise<RecordEncoder>
  /**
   * Reads a value with the schema that it was written with, whatever else that schema holds.
   * @throws UndecodableEventError when it never will be readable; anything else is worth another try
   */
  decode(value: Buffer | null): Envelope | Promise<Envelope>
  /**
   * Reads a record of a shape of its own as the reader's schema has it (Avro's schema resolution): fields that the writer
   * did not have yet get their default, fields that it had in addition are left out.
   * @param readerSchema text of the reader's schema; undefined: the latest version of `<topic>-value`, or, when there is
   *   none, the writer's
   * @throws UndecodableEventError as `decode`
   */
  decodeRecord(topic: string, value: Buffer, readerSchema: string | undefined): RecordValue | Promise<RecordValue>
  /** Reads any Avro value with the schema that it was written with. @throws UndecodableEventError as `decode` */
  decodeAny(value: Buffer): Promise<DecodedValue>
  /**
   * Encodes a value that `avroToJson` gave, or that a person wrote, with the schema of this id.
   * @returns the framed value
   * @throws EventValidationError when it does not fit the schema, UndecodableEventError when the id has no usable Avro schema
   */
  encodeJson(schemaId: number, json: unknown): Promise<Buffer>
}

/** @param registryFrom the setting that gave the registry's address, for messages: `SCHEMA_REGISTRY_URL` */
export function createCodec(registry: RegistryClient, registryFrom?: string): Codec {
  const schemas = createSchemas(registry, registryFrom)
  const shared = { buffer: Buffer.allocUnsafe(16 * 1024) }
  const readers = new Map<string, avro.Type>()
  /** By schema id and topic. */
  const resolvers = new Map<string, RecordDecoder>()

  function encoderOf<Value>(type: avro.Type, id: number): Encoder<Value> {
    function encodeShared(value: Value): number {
      let end = type.encode(value, shared.buffer, frameHeaderBytes)
      if (end < 0) {
        // avsc answers with minus the bytes that were missing.
        const { length } = shared.buffer
        shared.buffer = Buffer.allocUnsafe(Math.max(length * 2, length - end + frameHeaderBytes))
        end = type.encode(value, shared.buffer, frameHeaderBytes)
      }
      writeFrameHeader(shared.buffer, id)
      return end
    }
    return {
      schemaId: id,
      shared,
      encodeShared,
      encode(value) {
        const end = encodeShared(value)
        return Buffer.from(shared.buffer.subarray(0, end))
      },
    }
  }

  async function readerFor(topic: string, readerSchema: string | undefined): Promise<avro.Type | null> {
    const known = readers.get(topic)
    if (known !== undefined) return known
    let reader: avro.Type | null
    if (readerSchema !== undefined) {
      reader = schemas.type({ subject: `${topic}-value`, schema: readerSchema, referenced: [] }, 'reader')
    } else {
      reader = await schemas.latest(topic).then(
        (registered) => schemas.type(registered, 'reader'),
        (error: unknown) => {
          if (error instanceof EventSchemaError) return null
          throw error
        },
      )
    }
    if (reader !== null) readers.set(topic, reader)
    return reader
  }

  async function loadRecordDecoder(topic: string, schemaId: number, readerSchema: string | undefined) {
    const reader = await readerFor(topic, readerSchema)
    // Without a reader's schema the writer's is read as a reader would: the same values, of the same types.
    const writer = await schemas.writer(schemaId, reader === null ? 'reader' : 'writer')
    const decoder = recordDecoder(reader, writer, schemaId)
    resolvers.set(`${schemaId}/${topic}`, decoder)
    return decoder
  }

  return {
    payloads: createPayloadVersions(registry),

    async encoderFor(topic) {
      const registered = await schemas.latest(topic)
      const type = schemas.type(registered, 'reader')
      const problem = notEnvelope(registered)
      if (problem !== null) {
        throw new EventSchemaError(registered.subject, `the registered schema cannot carry events: ${problem}`)
      }
      return encoderOf(type, registered.id)
    },

    async recordEncoderFor(topic) {
      const registered = await schemas.latest(topic)
      const type = schemas.type(registered, 'reader')
      checkOwnShape(type, registered)
      return { ...encoderOf<RecordValue>(type, registered.id), check: checker(topic, type, registered) }
    },

    decode(value) {
      if (value === null) throw new UndecodableEventError('the record has no value (a tombstone)')
      const { id, payload } = unframe(value)
      const type = schemas.writer(id, 'reader')
      return type instanceof Promise
        ? type.then((loaded) => readEnvelope(loaded, payload, id))
        : readEnvelope(type, payload, id)
    },

    decodeRecord(topic, value, readerSchema) {
      const { id, payload } = unframe(value)
      const decoder = resolvers.get(`${id}/${topic}`)
      if (decoder !== undefined) return decoder(payload)
      return loadRecordDecoder(topic, id, readerSchema).then((loaded) => loaded(payload))
    },

    async decodeAny(value) {
      const { id, payload } = unframe(value)
      const type = await schemas.writer(id, 'writer')
      return { schemaId: id, name: type.name ?? type.typeName, value: read(type, payload, id) }
    },

    async encodeJson(schemaId, json) {
      const [type, { jsonToAvro }] = await Promise.all([schemas.writer(schemaId, 'writer'), import('./avro-json.ts')])
      const problems: ValidationProblem[] = []
      const value = jsonToAvro(type, json, (path) => {
        problems.push({ path: pathText(path), expected: `is not in schema ${schemaId}` })
      })
      type.isValid(value, {
        errorHook: (path, part, of) => void problems.push(...problemsAt(path, part, of, schemaId)),
      })
      if (problems.length > 0) throw new EventValidationError(`schema ${schemaId}`, null, problems)
      return encoderOf(type, schemaId).encode(value)
    },
  }
}

type RecordDecoder = (payload: Buffer) => RecordValue

function recordDecoder(reader: avro.Type | null, writer: avro.Type, schemaId: number): RecordDecoder {
  if (reader === null) return (payload) => read(writer, payload, schemaId) as RecordValue
  let resolver: ReturnType<avro.Type['createResolver']>
  try {
    resolver = reader.createResolver(writer)
  } catch (error) {
    const problem = `schema ${schemaId} cannot be read as ${reader.name}: ${(error as Error).message}`
    return () => {
      throw new UndecodableEventError(problem, error)
    }
  }
  return (payload) => read(reader, payload, schemaId, resolver) as RecordValue
}

function notEnvelope({ subject, schema, referenced }: RegisteredSchema): string | null {
  try {
    return envelopeProblem(schema, referenced)
  } catch (error) {
    throw new EventSchemaError(subject, `is not a usable Avro schema: ${(error as Error).message}`, error)
  }
}

function checkOwnShape(type: avro.Type, registered: RegisteredSchema): void {
  const { subject } = registered
  if (type.typeName !== 'record') {
    throw new EventSchemaError(subject, `the registered schema is of type ${type.typeName}; emit takes records`)
  }
  if (notEnvelope(registered) === null) {
    throw new EventSchemaError(
      subject,
      'the registered schema is the envelope: emit(topic, eventType, data, { userId }) writes events to this topic',
    )
  }
}

function checker(topic: string, type: avro.Type, { id }: RegisteredSchema): RecordEncoder['check'] {
  function problems(value: RecordValue, noUndeclaredFields: boolean): ValidationProblem[] {
    const found: ValidationProblem[] = []
    type.isValid(value, {
      noUndeclaredFields,
      errorHook: (path, part, expected) => void found.push(...problemsAt(path, part, expected, id)),
    })
    return found
  }
  return (value) => {
    if (type.isValid(value, { noUndeclaredFields: true })) return
    // avsc looks no further into a record that has unknown fields.
    const all = [...problems(value, false), ...problems(value, true)]
    const unique = new Map(all.map((problem) => [`${problem.path} ${problem.expected}`, problem]))
    throw new EventValidationError(topic, null, [...unique.values()])
  }
}

/** A JSON Pointer (RFC 6901). */
function pathText(path: readonly string[]): string {
  return path.map((part) => `/${part.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('')
}

/**
 * avsc names the place and the type that was expected there. Texts are not repeated, they may be personal; of a decimal
 * and an enum the value is, for those are numbers and names.
 */
function problemsAt(
  path: readonly string[],
  found: unknown,
  expected: avro.Type,
  schemaId: number,
): ValidationProblem[] {
  const at = pathText(path)
  if (isRecordType(expected) && typeof found === 'object' && found !== null) {
    const undeclared = Object.keys(found).filter((name) => expected.field(name) === undefined)
    const declared = expected.fields.map(({ name }) => name)
    return undeclared.map((name) => {
      const meant = meantName(name, declared, found)
      const remedy = `${meant === '' ? '; a' : `${meant} A`} new field is registered first, with \`selfmonitor apply\``
      return {
        path: `${at}/${name}`,
        expected: `is not in ${expected.name} as it is registered (schema ${schemaId})${remedy}`,
      }
    })
  }
  const is =
    found === undefined
      ? 'is missing'
      : `is ${found === null ? 'null' : typeof found === 'number' ? found : Array.isArray(found) ? 'an array' : `a ${typeof found}`}`
  const type = typeof found === 'string' ? onlyType(expected) : expected
  return [{ path: at, expected: `must be ${typeText(type)}${textProblem(type, found) ?? `, it ${is}`}` }]
}

/** The one type that is not null of a union that has one such type. */
function onlyType(type: avro.Type): avro.Type {
  if (!type.typeName.startsWith('union:')) return type
  const [only, ...others] = (type as avro.types.UnwrappedUnionType).types.filter(({ typeName }) => typeName !== 'null')
  return only !== undefined && others.length === 0 ? only : type
}

/** The problem of a text for which the schema has a decimal or an enum. */
function textProblem(type: avro.Type, found: unknown): string | null {
  if (typeof found !== 'string') return null
  if (type instanceof DecimalType) return `; ${type.problemOf(found)}`
  if (!isEnumType(type)) return null
  return `, it is ${JSON.stringify(found.length > 40 ? `${found.slice(0, 40)}…` : found)}`
}

function isEnumType(type: avro.Type): type is avro.types.EnumType {
  return type.typeName === 'enum'
}

const shownSymbols = 20

function isRecordType(type: avro.Type): type is avro.types.RecordType {
  return type.typeName === 'record'
}

function typeText(type: avro.Type): string {
  if (type instanceof DecimalType) return type.expected
  if (isEnumType(type)) {
    const more = type.symbols.length - shownSymbols
    return `one of ${type.symbols.slice(0, shownSymbols).join(', ')}${more > 0 ? ` and ${more} more` : ''} (enum ${type.name})`
  }
  if (type.typeName.startsWith('logical:')) return type.typeName.slice('logical:'.length)
  return (type.name ?? String(type)).replaceAll('"', '')
}

function read(type: avro.Type, payload: Buffer, schemaId: number, resolver?: ReturnType<avro.Type['createResolver']>) {
  try {
    return type.fromBuffer(payload, resolver) as unknown
  } catch (error) {
    throw new UndecodableEventError(`the value does not fit schema ${schemaId}: ${(error as Error).message}`, error)
  }
}

function readEnvelope(type: avro.Type, payload: Buffer, schemaId: number): Envelope {
  const record = read(type, payload, schemaId) as Partial<Envelope> | null
  for (const [name, expected] of Object.entries(envelopeFields)) {
    const found = typeof record?.[name as keyof Envelope]
    if (found !== (expected === 'long' ? 'number' : 'string')) {
      throw new UndecodableEventError(
        `the envelope's field ${name} is ${found === 'undefined' ? 'missing' : `a ${found}`} (schema ${schemaId})`,
      )
    }
  }
  return record as Envelope
}
