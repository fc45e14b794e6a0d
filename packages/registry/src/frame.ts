// Confluent's wire format: a zero byte, the schema's id (32 bits, big-endian), then the encoded data.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format

export const frameHeaderBytes = 5

/** The bytes are not in Confluent's wire format. */
export class FrameError extends Error {
  readonly code = 'NOT_FRAMED'
}

/**
 * Writes the header of a frame at the beginning of a buffer; the encoded data goes behind it, from `frameHeaderBytes` on.
 * @param id of the schema that the data is encoded with, 0 to 2^31-1
 */
export function writeFrameHeader(buffer: Buffer, id: number): void {
  buffer[0] = 0
  buffer.writeInt32BE(id, 1)
}

/** Whether the bytes begin as a frame does: any others are data of another kind. */
export function isFrame(bytes: Uint8Array): boolean {
  return bytes.byteLength >= frameHeaderBytes && bytes[0] === 0
}

/**
 * @returns the id and the data after it, a view of the same memory
 * @throws {FrameError} too short, or another first byte
 */
export function decodeFrame(frame: Uint8Array): { id: number; payload: Buffer } {
  if (frame.byteLength < frameHeaderBytes) {
    throw new FrameError(`${frame.byteLength} bytes are too few for a magic byte and a schema id`)
  }
  const bytes = Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength)
  if (bytes[0] !== 0) throw new FrameError(`the first byte is ${bytes[0]}, not the magic byte 0`)
  const id = bytes.readInt32BE(1)
  if (id < 0) throw new FrameError(`the schema id ${id} is negative`)
  return { id, payload: bytes.subarray(frameHeaderBytes) }
}

/**
 * The header of an event that names the schema of its payload: the registry's id in decimal digits. Confluent's `__value_schema_id` is for
 * the schema of the whole value, which is the envelope's.
 */
export const payloadSchemaHeader = 'payload.schema.id'

const maxSchemaId = 2 ** 31 - 1

/** @returns the id that a record's headers name for its payload; null for none, or one that is not an id */
export function payloadSchemaIdIn(
  headers: readonly { readonly key: string; readonly value: Uint8Array | null }[],
): number | null {
  const value = headers.findLast(({ key }) => key === payloadSchemaHeader)?.value
  if (value == null || value.length > 10) return null
  const text = Buffer.from(value).toString('latin1')
  const id = /^[1-9]\d*$/.test(text) ? Number(text) : 0
  return id > 0 && id <= maxSchemaId ? id : null
}
