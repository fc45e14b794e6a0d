// Values as the reconciliations of a drill see them: decoded with the schemas of the backup, every number exact.
import type { BackedUpSchema, BackedUpSchemas } from '@selfmonitor/backup/drill'
import type { Codec } from '@selfmonitor/events'
import { envelopeFields } from '@selfmonitor/platform/shapes'
import type { RegistryClient } from '@selfmonitor/registry'
import { registryErrorCodes } from '@selfmonitor/registry/error-codes'
import { decodeFrame, isFrame } from '@selfmonitor/registry/frame'

/** The part of a registry that a codec asks, answered from a backup. */
export function registryOf({
  versions,
  from,
}: BackedUpSchemas): Pick<RegistryClient, 'url' | 'getById' | 'getVersion'> {
  // An id is unique within a context; values name ids of the default one. One that is softly deleted is found all the same.
  const inDefault = (one: BackedUpSchema): number => (one.subject.startsWith(':.') ? 1 : 0)
  const byId = new Map([...versions].sort((a, b) => inDefault(b) - inDefault(a)).map((one) => [one.id, one]))
  return {
    url: `backup: ${from}`,
    getById: async (id) => {
      const found = byId.get(id)
      if (found !== undefined) return definition(found)
      throw Object.assign(new Error(`the backup has no schema ${id}`), { errorCode: registryErrorCodes.schemaNotFound })
    },
    getVersion: async (subject, version) => {
      const own = versions.filter((one) => one.subject === subject && (version === 'latest' || one.version === version))
      const found = own.sort((a, b) => a.version - b.version).at(-1)
      return found === undefined ? null : { ...definition(found), subject, version: found.version, id: found.id }
    },
  }
}

function definition({ schema, schemaType, references }: BackedUpSchema) {
  return { schema, schemaType: schemaType as 'AVRO', references }
}

export interface DrillValue {
  readonly value: unknown
  /** The envelope of an event, whose payload is the value; else null. */
  readonly event: unknown
}

/** @throws Error that says why the value cannot be decoded */
export type DecodeValue = (bytes: Buffer | null) => Promise<DrillValue>

/** What of `@selfmonitor/platform/cel` it takes. */
export interface ExactNumbers {
  parseExactJson(text: string): unknown
  exactValue(value: unknown): unknown
}

export function valueDecoder(
  codec: Pick<Codec, 'decodeAny'>,
  registry: Pick<RegistryClient, 'getById'>,
  { parseExactJson, exactValue }: ExactNumbers,
): DecodeValue {
  return async (bytes) => {
    if (bytes === null) return { value: null, event: null }
    if (!isFrame(bytes)) return { value: parseExactJson(textOf(bytes)), event: null }
    const { id, payload } = decodeFrame(bytes)
    if ((await registry.getById(id)).schemaType === 'JSON') {
      return { value: parseExactJson(textOf(payload)), event: null }
    }
    const { value } = await codec.decodeAny(bytes)
    if (!isEnvelope(value)) return { value: exactValue(value), event: null }
    return { value: parseExactJson(value.data), event: exactValue(value) }
  }
}

function isEnvelope(value: unknown): value is { readonly data: string } {
  if (typeof value !== 'object' || value === null) return false
  return (
    Object.keys(envelopeFields).every((name) => name in value) && typeof (value as { data: unknown }).data === 'string'
  )
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

function textOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw new Error('it is neither text nor in Confluent’s format')
  }
}
