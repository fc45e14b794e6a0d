// Reads files out of a jar, for tests that look into Apache Kafka's.
import { inflateRawSync } from 'node:zlib'

/** All entries of a zip archive whose name begins with `prefix`, by name. Format: PKWARE APPNOTE 4.3. */
export function readZip(archive: Buffer, prefix: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>()
  const end = archive.lastIndexOf(Buffer.from('504b0506', 'hex'))
  let position = archive.readUInt32LE(end + 16)
  for (let count = archive.readUInt16LE(end + 10); count > 0; count--) {
    const method = archive.readUInt16LE(position + 10)
    const compressedBytes = archive.readUInt32LE(position + 20)
    const nameBytes = archive.readUInt16LE(position + 28)
    const extraBytes = archive.readUInt16LE(position + 30) + archive.readUInt16LE(position + 32)
    const name = archive.toString('utf8', position + 46, position + 46 + nameBytes)
    const local = archive.readUInt32LE(position + 42)
    position += 46 + nameBytes + extraBytes
    if (!name.startsWith(prefix) || name.endsWith('/')) continue
    const start = local + 30 + archive.readUInt16LE(local + 26) + archive.readUInt16LE(local + 28)
    const data = archive.subarray(start, start + compressedBytes)
    files.set(name.slice(prefix.length), method === 0 ? data : inflateRawSync(data))
  }
  return files
}
