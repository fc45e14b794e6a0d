// Confluent's wire format: a zero byte, the schema's id (32 bits, big-endian), then the encoded data.
// https://docs.confluent.io/platform/current/schema-registry/fundamentals/serdes-develop/index.html#wire-format

export const frameHeaderBytes = 5

/** The bytes are not in Confluent's wire format. */
export class FrameError extends Error {
  readonly code = 'NOT_FRAMED'
}

/** @param id of the schema that `payload` is encoded with, 0 to 2^31-1 */
export function encodeFrame(id: number, payload: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameHeaderBytes + payload.byteLength)
  frame[0] = 0
  frame.writeInt32BE(id, 1)
  frame.set(payload, frameHeaderBytes)
  return frame
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
