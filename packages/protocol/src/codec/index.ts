// Reads and writes any version of any declared message. Each declaration is compiled once a version, on first use.
import { ProtocolError } from '../protocol-error.ts'
import { compileReader, type Read } from './compile-reader.ts'
import { compileWriter, type Write } from './compile-writer.ts'
import type { Decoded, Encodable, Message } from './declaration.ts'
import { Reader } from './reader.ts'
import { includes } from './versions.ts'
import { Writer } from './writer.ts'

export type {
  ArrayType,
  Decoded,
  Encodable,
  Field,
  FieldOptions,
  Fields,
  FieldType,
  Message,
  PrimitiveType,
  StructType,
} from './declaration.ts'
export { maxStringBytes, Reader } from './reader.ts'
export { includes, parseVersions, type VersionRange, type Versions } from './versions.ts'
export { Writer } from './writer.ts'

interface Compiled {
  read?: Read
  write?: Write
}

const compiled = new WeakMap<Message, Compiled[]>()

function compiledAt(message: Message, version: number): Compiled {
  let versions = compiled.get(message)
  if (versions === undefined) {
    versions = []
    compiled.set(message, versions)
  }
  const known = versions[version]
  if (known !== undefined) return known
  if (!includes(message.versions, version)) {
    throw new ProtocolError('UNSUPPORTED_VERSION', `version ${version} is not one of ${message.versions}`, message.name)
  }
  const created: Compiled = {}
  versions[version] = created
  return created
}

/**
 * Reads a message at the reader's position.
 * @throws ProtocolError with the field's path; the reader's position is then undefined
 */
export function read<M extends Message>(message: M, version: number, reader: Reader): Decoded<M> {
  const entry = compiledAt(message, version)
  entry.read ??= compileReader(message, version)
  return entry.read(reader) as Decoded<M>
}

/**
 * Writes a message after what the writer holds.
 * @throws ProtocolError with the field's path when a value does not fit, or when it is not the default and the version
 *   cannot carry it
 */
export function write<M extends Message>(message: M, version: number, writer: Writer, value: Encodable<M>): void {
  const entry = compiledAt(message, version)
  entry.write ??= compileWriter(message, version)
  entry.write(writer, value)
}

/** Reads a buffer that holds one message and nothing else. @throws ProtocolError */
export function decode<M extends Message>(message: M, version: number, buffer: Buffer): Decoded<M> {
  const reader = new Reader(buffer)
  const value = read(message, version, reader)
  expectEnd(reader, `${message.name} v${version}`)
  return value
}

/** Writes one message, without any header. @throws ProtocolError */
export function encode<M extends Message>(message: M, version: number, value: Encodable<M>): Buffer {
  const writer = new Writer()
  write(message, version, writer, value)
  const chunks = writer.finish()
  return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
}

/** @throws ProtocolError TRAILING_BYTES when the reader is not at its end */
export function expectEnd(reader: Reader, path: string): void {
  if (reader.remaining > 0) {
    throw new ProtocolError('TRAILING_BYTES', `${reader.remaining} bytes remain after the message`, path)
  }
}
