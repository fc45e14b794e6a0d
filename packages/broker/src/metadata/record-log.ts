// An append-only file of lines with checksums, to which the metadata store writes its changes.
//
// Each line is a CRC-32 in eight hex digits, a space, JSON and a newline, so that the file can be read with `less`:
//
//   5f0c7a3e {"format":1}
//   9d1b2c44 [{"type":"topic","id":"…","name":"user.events",…}]
//
// The first line has the format. A line is one atomic change: it counts when its newline and checksum are there. A last line
// without its newline, or with bytes that never reached the disk (zeros), is a torn tail: the process or the machine died
// while writing it, before the change was answered. It is cut and reported. A complete line with a wrong checksum is damage, even at
// the end: its change may have been answered, so opening fails with an error that says what can be done.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { crc32 } from 'node:zlib'

const format = 1

/** The file cannot be used as it is; `message` says why and what to do. */
export class RecordLogError extends Error {
  readonly code: 'NEWER_FORMAT' | 'DAMAGED' | 'BROKEN'
  readonly path: string
  constructor(code: RecordLogError['code'], path: string, message: string) {
    super(message)
    this.name = 'RecordLogError'
    this.code = code
    this.path = path
  }
}

export interface OpenedRecordLog {
  /** The changes, oldest first. */
  readonly entries: readonly unknown[]
  /** Bytes after the last good line, which were cut. */
  readonly tornBytes: number
  readonly log: RecordLog
}

export interface RecordLog {
  readonly sizeBytes: number
  /** Writes one change and syncs it. Calls must not overlap. @throws RecordLogError BROKEN when an earlier write failed badly. */
  append(entry: unknown): Promise<void>
  /** Replaces the file by one that holds these changes, atomically. Calls must not overlap. */
  rewrite(entries: readonly unknown[]): Promise<void>
  close(): Promise<void>
}

/**
 * Opens or creates the file.
 * @param options.durable false for a file that need not outlive the machine: nothing is synced. Default true.
 * @param options.mustExist why a missing or empty file must not be replaced by a new one; undefined: it may
 * @throws RecordLogError NEWER_FORMAT, DAMAGED; or the system's error.
 */
export async function openRecordLog(
  path: string,
  options: { readonly durable?: boolean; readonly mustExist?: string } = {},
): Promise<OpenedRecordLog> {
  const { durable = true, mustExist } = options
  const { entries, goodBytes, totalBytes } = readEntries(path)
  if (goodBytes === 0 && mustExist !== undefined) {
    throw new RecordLogError('DAMAGED', path, `${path} is missing or empty, but ${mustExist}`)
  }
  if (goodBytes === 0) writeWhole(path, [], durable)
  let file = await open(path, 'r+')
  if (goodBytes > 0 && totalBytes > goodBytes) {
    await file.truncate(goodBytes)
    if (durable) await file.datasync()
  }
  let size = goodBytes === 0 ? line({ format }).length : goodBytes
  let broken: unknown

  const log: RecordLog = {
    get sizeBytes() {
      return size
    },
    async append(entry) {
      if (broken !== undefined) throw brokenError(path, broken)
      const bytes = line(entry)
      try {
        await writeAll(file, bytes, size)
        if (durable) await file.datasync()
        size += bytes.length
      } catch (error) {
        // A failed sync may have left the line on disk: it is cut off, and if that fails, too, nothing more is written.
        try {
          await file.truncate(size)
          if (durable) await file.datasync()
        } catch (again) {
          broken = again
        }
        throw error
      }
    },
    async rewrite(newEntries) {
      if (broken !== undefined) throw brokenError(path, broken)
      const newSize = writeWhole(path, newEntries, durable)
      await file.close()
      file = await open(path, 'r+')
      size = newSize
    },
    close: () => file.close(),
  }
  return { entries, tornBytes: goodBytes === 0 ? totalBytes : totalBytes - goodBytes, log }
}

async function writeAll(file: FileHandle, bytes: Buffer, position: number): Promise<void> {
  let written = 0
  while (written < bytes.length) {
    const { bytesWritten } = await file.write(bytes, written, bytes.length - written, position + written)
    written += bytesWritten
  }
}

function brokenError(path: string, cause: unknown): RecordLogError {
  const why = cause instanceof Error ? cause.message : String(cause)
  return new RecordLogError(
    'BROKEN',
    path,
    `${path}: an earlier write failed and could not be undone (${why}); restart the broker once the disk works again`,
  )
}

function line(entry: unknown): Buffer {
  const json = Buffer.from(JSON.stringify(entry))
  const head = Buffer.from(`${crc32(json).toString(16).padStart(8, '0')} `)
  return Buffer.concat([head, json, Buffer.from('\n')])
}

/** Writes a new file beside the old one and puts it in its place. */
function writeWhole(path: string, entries: readonly unknown[], durable: boolean): number {
  const temporary = `${path}.new`
  const bytes = Buffer.concat([line({ format }), ...entries.map(line)])
  const fd = openSync(temporary, 'w')
  try {
    let written = 0
    while (written < bytes.length) written += writeSync(fd, bytes, written)
    if (durable) fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(temporary, path)
  if (durable) syncFolder(dirname(path))
  return bytes.length
}

/** Makes a rename durable. Windows cannot open folders, and its renames are already durable. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

interface ReadEntries {
  readonly entries: readonly unknown[]
  /** Where the last good line ends; 0 when even the first one is incomplete. */
  readonly goodBytes: number
  readonly totalBytes: number
}

function readEntries(path: string): ReadEntries {
  const bytes = readIfThere(path)
  const entries: unknown[] = []
  let goodBytes = 0
  let position = 0
  while (position < bytes.length) {
    const newline = bytes.indexOf(0x0a, position)
    const end = newline === -1 ? bytes.length : newline
    const line = bytes.subarray(position, end)
    const entry = newline === -1 ? undefined : parseLine(line)
    if (entry === undefined) {
      if (end + 1 >= bytes.length && (newline === -1 || line.includes(0))) break
      throw damaged(path, line, position, end + 1 >= bytes.length)
    }
    if (position === 0) checkFormat(path, entry.value)
    else entries.push(entry.value)
    goodBytes = end + 1
    position = end + 1
  }
  return { entries, goodBytes, totalBytes: bytes.length }
}

function damaged(path: string, line: Buffer, position: number, isLast: boolean): RecordLogError {
  const shown = JSON.stringify(line.toString('utf8', 0, 200))
  const remedy = isLast
    ? 'restore the file from a backup; or, to continue without this last change, remove the line'
    : 'restore the file from a backup'
  return new RecordLogError(
    'DAMAGED',
    path,
    `${path}: the line at byte ${position} is damaged (wrong checksum): ${shown}; ${remedy}`,
  )
}

function readIfThere(path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Buffer.alloc(0)
    throw error
  }
}

function parseLine(bytes: Buffer): { readonly value: unknown } | undefined {
  if (bytes.length < 10 || bytes[8] !== 0x20) return undefined
  const json = bytes.subarray(9)
  if (bytes.toString('latin1', 0, 8) !== crc32(json).toString(16).padStart(8, '0')) return undefined
  return { value: JSON.parse(json.toString()) }
}

function checkFormat(path: string, head: unknown): void {
  const found = (head as { format?: unknown } | null)?.format
  if (typeof found !== 'number') throw new RecordLogError('DAMAGED', path, `${path}: the first line is not its format`)
  if (found > format) {
    throw new RecordLogError(
      'NEWER_FORMAT',
      path,
      `${path} has format ${found}, written by a newer release; this one reads up to ${format}: upgrade to open it`,
    )
  }
}
