// The file system as the logs see it: few calls, all of which a test can make fail.
import {
  close,
  constants,
  fdatasync,
  ftruncate,
  mkdir,
  open,
  type PathLike,
  promises,
  read,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  writeFile,
  writev,
  writevSync,
} from 'node:fs'
import { promisify } from 'node:util'

export interface FileStat {
  readonly sizeBytes: number
  readonly modifiedMs: number
}

/** Errors are Node's own (`code` ENOENT, ENOSPC, EIO, …). Descriptors are plain numbers. */
export interface LogFs {
  /** Opens for reading and writing; `create` makes the file when it is missing. */
  open(path: string, create: boolean): Promise<number>
  close(fd: number): Promise<void>
  /** Reads up to `length` bytes; fewer only at the end of the file. */
  read(fd: number, buffer: Buffer, offset: number, length: number, position: number): Promise<number>
  /** May write less than everything, as the system call may. */
  writev(fd: number, buffers: readonly Buffer[], position: number): Promise<number>
  truncate(fd: number, sizeBytes: number): Promise<void>
  sync(fd: number): Promise<void>
  /** Undefined when there is no such file. */
  stat(path: string): Promise<FileStat | undefined>
  /** Names in a folder; empty when there is no such folder. */
  list(dir: string): Promise<string[]>
  makeDir(dir: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Removes a file or a whole folder; nothing happens when it is missing. */
  remove(path: string): Promise<void>
  /** The whole file; undefined when it is missing. */
  readFile(path: string): Promise<Buffer | undefined>
  /** Writes the whole file; after a crash it may be empty or in part. For what can be told by its content. */
  writeFile(path: string, content: string | Buffer): Promise<void>
  /** Replaces the file so that a crash leaves the old or the new content, never a mixture. */
  replaceFile(path: string, content: string | Buffer): Promise<void>
  /** Makes created, renamed and removed names in the folder durable. */
  syncDir(dir: string): Promise<void>
  volume(dir: string): Promise<{ readonly totalBytes: bigint; readonly usableBytes: bigint }>
}

const openFile = promisify(open) as (path: PathLike, flags: number, mode: number) => Promise<number>

/** The real file system. */
export const nodeFs: LogFs = {
  open: (path, create) => openFile(path, constants.O_RDWR | (create ? constants.O_CREAT : 0), 0o644),
  close: promisify(close),

  // The callback forms are used on the hot path: a FileHandle costs several promises for each call.
  read: (fd, buffer, offset, length, position) =>
    new Promise((resolve, reject) => {
      read(fd, buffer, offset, length, position, (error, bytesRead) => (error ? reject(error) : resolve(bytesRead)))
    }),
  writev: makeWritev(),
  truncate: promisify(ftruncate),
  sync: promisify(fdatasync),

  async stat(path) {
    const found = await ignoreMissing(promisify(stat)(path))
    return found && { sizeBytes: found.size, modifiedMs: found.mtimeMs }
  },
  list: async (dir) => (await ignoreMissing(promisify(readdir)(dir))) ?? [],
  async makeDir(dir) {
    await promisify(mkdir)(dir, { recursive: true })
  },
  rename: promisify(rename),
  remove: (path) => promisify(rm)(path, { recursive: true, force: true }),
  readFile: (path) => ignoreMissing(promisify(readFile)(path)),
  writeFile: promisify(writeFile) as LogFs['writeFile'],

  async replaceFile(path, content) {
    const temporary = `${path}.tmp`
    const file = await promises.open(temporary, 'w')
    try {
      await file.writeFile(content)
      await file.datasync()
    } finally {
      await file.close()
    }
    await promisify(rename)(temporary, path)
    await nodeFs.syncDir(path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))))
  },

  async syncDir(dir) {
    // Windows cannot open a folder; there, a rename is durable by itself.
    if (process.platform === 'win32') return
    const folder = await promises.open(dir, 'r')
    try {
      await folder.sync()
    } finally {
      await folder.close()
    }
  },

  async volume(dir) {
    const { blocks, bavail, bsize } = await promisify(statfs)(dir, { bigint: true })
    return { totalBytes: blocks * bsize, usableBytes: bavail * bsize }
  },
}

/** For files that are removed when the broker ends: they need not outlive the machine, and syncing can take long. */
export const temporaryFs: LogFs = {
  ...nodeFs,
  async sync() {},
  async syncDir() {},
  replaceFile: nodeFs.writeFile,
}

async function ignoreMissing<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Writes everything, however often the system call stops early. @throws when a write fails or makes no progress */
export async function writeFully(fs: LogFs, fd: number, buffers: readonly Buffer[], position: number): Promise<void> {
  // One call takes at most IOV_MAX (1,024) buffers.
  for (let first = 0; first < buffers.length; first += 1024) {
    let rest = buffers.slice(first, first + 1024)
    while (rest.length > 0) {
      const written = await fs.writev(fd, rest, position)
      if (written === 0) throw new Error('the file system accepted no bytes')
      position += written
      rest = dropBytes(rest, written)
    }
  }
}

function dropBytes(buffers: Buffer[], count: number): Buffer[] {
  let index = 0
  while (index < buffers.length && count >= buffers[index]!.length) {
    count -= buffers[index]!.length
    index++
  }
  const rest = buffers.slice(index)
  if (count > 0) rest[0] = rest[0]!.subarray(count)
  return rest
}

/** Writes of at most this many bytes may happen on the main thread. */
const maxDirectBytes = 1024 * 1024
/** A write that took longer means that the system makes writers wait for the disk; for this long, another thread waits. */
const slowWriteMs = 10
const avoidDirectMs = 5000

/**
 * Writes to the page cache are copies of a few microseconds: handing them to another thread and back costs several times as
 * much. Large ones, and all of them while the disk is slow, go there nevertheless, so that the event loop stays free.
 */
function makeWritev(): LogFs['writev'] {
  let directFrom = 0
  return async (fd, buffers, position) => {
    const started = performance.now()
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0)
    if (bytes > maxDirectBytes || started < directFrom) {
      return new Promise((resolve, reject) => {
        writev(fd, buffers, position, (error, written) => (error ? reject(error) : resolve(written)))
      })
    }
    const written = writevSync(fd, buffers, position)
    const ended = performance.now()
    if (ended - started > slowWriteMs) directFrom = ended + avoidDirectMs
    return written
  }
}
