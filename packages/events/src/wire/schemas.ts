// The registry's schemas as types that encode and decode, loaded when first needed and kept.

import { decodeFrame, FrameError, type RegistryClient, type SchemaDefinition } from '@selfmonitor/registry'
import { registryErrorCodes } from '@selfmonitor/registry/error-codes'
import type avro from 'avsc'
import { EventSchemaError, UndecodableEventError } from '../errors.ts'
import { type AvroRole, avroType } from './avro-types.ts'

/** The latest schema of a topic's values. */
export interface RegisteredSchema {
  readonly id: number
  readonly subject: string
  readonly schema: string
  /** Texts of the schemas that it refers to, each after those that it needs itself. */
  readonly referenced: readonly string[]
}

export interface Schemas {
  /**
   * The latest version of `<topic>-value`.
   * @throws EventSchemaError when there is none, or it is not Avro
   */
  latest(topic: string): Promise<RegisteredSchema>
  /** @throws EventSchemaError when the text is not a usable schema */
  type(schema: Omit<RegisteredSchema, 'id'>, role: AvroRole): avro.Type
  /**
   * The type that a value was written with.
   * @throws UndecodableEventError when there never will be one; anything else is worth another try
   */
  writer(schemaId: number, role: AvroRole): avro.Type | Promise<avro.Type>
}

export function createSchemas(registry: RegistryClient, registryFrom?: string): Schemas {
  const writers: Record<AvroRole, Map<number, avro.Type>> = { reader: new Map(), writer: new Map() }

  async function referencedBy(definition: SchemaDefinition, seen = new Set<string>()): Promise<string[]> {
    const texts: string[] = []
    for (const { subject, version, name } of definition.references ?? []) {
      if (seen.has(`${subject}/${version}`)) continue
      seen.add(`${subject}/${version}`)
      const found = await registry.getVersion(subject, version)
      if (found === null) {
        throw new EventSchemaError(subject, `version ${version}, referenced as ${name}, does not exist`)
      }
      texts.push(...(await referencedBy(found, seen)), found.schema)
    }
    return texts
  }

  function type({ schema, subject, referenced }: Omit<RegisteredSchema, 'id'>, role: AvroRole): avro.Type {
    // avsc adds the named types of what it parses to the registry that it is given.
    const named: Record<string, avro.Type> = {}
    try {
      for (const text of referenced) avroType(text, named, role)
      return avroType(schema, named, role)
    } catch (error) {
      throw new EventSchemaError(subject, `is not a usable Avro schema: ${(error as Error).message}`, error)
    }
  }

  async function load(schemaId: number, role: AvroRole): Promise<avro.Type> {
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
    let loaded: avro.Type
    try {
      const subject = `schema ${schemaId}`
      loaded = type({ schema: definition.schema, subject, referenced: await referencedBy(definition) }, role)
    } catch (error) {
      if (error instanceof EventSchemaError) throw new UndecodableEventError(error.message, error)
      throw error
    }
    writers[role].set(schemaId, loaded)
    return loaded
  }

  return {
    async latest(topic) {
      const subject = `${topic}-value`
      const registered = await registry.getVersion(subject, 'latest')
      if (registered === null) {
        throw new EventSchemaError(
          subject,
          `no schema is registered at ${registry.url}${registryFrom === undefined ? '' : ` (from ${registryFrom})`}: run \`selfmonitor apply\`, or \`selfmonitor schemas register\``,
        )
      }
      if ((registered.schemaType ?? 'AVRO') !== 'AVRO') {
        throw new EventSchemaError(
          subject,
          `the registered schema is ${registered.schemaType}, the library writes Avro`,
        )
      }
      return { id: registered.id, subject, schema: registered.schema, referenced: await referencedBy(registered) }
    },
    type,
    writer: (schemaId, role) => writers[role].get(schemaId) ?? load(schemaId, role),
  }
}

/** Takes Confluent's frame off a value. @throws UndecodableEventError when it has none */
export function unframe(value: Buffer): { readonly id: number; readonly payload: Buffer } {
  try {
    return decodeFrame(value)
  } catch (error) {
    if (!(error instanceof FrameError)) throw error
    throw new UndecodableEventError('the value does not begin with a zero and a schema id (Confluent framing)', error)
  }
}

/** 40403 is the registry's own answer; any other 404 comes from something in between, and says nothing about the record. */
function isNotFound(error: unknown): boolean {
  return (error as { errorCode?: number }).errorCode === registryErrorCodes.schemaNotFound
}
