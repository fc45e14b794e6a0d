// Data whose first two bytes are its version, as in __consumer_offsets and in the consumer protocol.
import {
  type Decoded,
  type Encodable,
  expectEnd,
  type Message,
  parseVersions,
  Reader,
  read,
  Writer,
  write,
} from '../codec/index.ts'
import { ProtocolError } from '../protocol-error.ts'

export interface Versioned<M extends Message> {
  /** The version in the first two bytes. */
  readonly version: number
  readonly value: Decoded<M>
}

/** Writes an int16 version and the message at that version. @throws ProtocolError */
export function encodeVersioned<M extends Message>(message: M, version: number, value: Encodable<M>): Buffer {
  const writer = new Writer(128)
  writer.int16(version)
  write(message, version, writer, value)
  return Buffer.concat(writer.finish())
}

/** Reads an int16 version and the message, to the end. @throws ProtocolError, UNSUPPORTED_VERSION among others */
export function decodeVersioned<M extends Message>(message: M, buffer: Buffer): Versioned<M> {
  const reader = new Reader(buffer)
  const version = reader.int16()
  const value = read(message, version, reader)
  expectEnd(reader, `${message.name} v${version}`)
  return { version, value }
}

/**
 * The same, but data of a newer version is read as the newest declared version, and the bytes after it are ignored: for data to
 * which newer versions of Kafka only append fields.
 * @throws ProtocolError
 */
export function decodeAppendable<M extends Message>(message: M, buffer: Buffer): Versioned<M> {
  const reader = new Reader(buffer)
  const version = reader.int16()
  const { max } = parseVersions(message.versions)
  if (version < 0) throw new ProtocolError('UNSUPPORTED_VERSION', `version ${version}`, message.name)
  return { version, value: read(message, Math.min(version, max), reader) }
}
