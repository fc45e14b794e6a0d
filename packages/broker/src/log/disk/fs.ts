// The file system as the logs see it: few calls, all of which a test can make fail.
import {
  close,
  closeSync,
  constants,
  fdatasync,
  ftruncate,
  mkdir,
  open,
  openSync,
  type PathLike,
  promises,
  read,
  readdir,
  readdirSync,
  readFile,
  readFileSync,
  readSync,
  rename,
  renameSync,
  rm,
  stat,
  statfs,
  statSync,
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
  /** Undefined when the file does not exist. */
  stat(path: string): Promise<FileStat | undefined>
  /** Names in a folder; empty when the folder does not exist. */
  list(dir: string): Promise<string[]>
  makeDir(dir: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  /** Removes a file or a whole folder; nothing happens when it is missing. */
  remove(path: string): Promise<void>
  /** The whole file; undefined when it is missing. */
  readFile(path: string): Promise<Buffer | undefined>
  /** Writes the whole file. After a crash it may be empty or incomplete, so its content must show whether it is complete. */
  writeFile(path: string, content: string | Buffer): Promise<void>
  /** Replaces the file so that a crash leaves the old or the new content, never a mixture. */
  replaceFile(path: string, content: string | Buffer): Promise<void>
  /** Makes created, renamed and removed names in the folder durable. */
  syncDir(dir: string): Promise<void>
  volume(dir: string): Promise<{ readonly totalBytes: bigint; readonly usableBytes: bigint }>
}

const openFile = promisify(open) as (path: PathLike, flags: number, mode: number) => Promise<number>
const later = {
  close: promisify(close),
  stat: promisify(stat),
  readdir: promisify(readdir) as (path: PathLike) => Promise<string[]>,
  readFile: promisify(readFile) as (path: PathLike) => Promise<Buffer>,
  rename: promisify(rename),
}
const direct = createDirectCalls()

/** The real file system. */
export const nodeFs: LogFs = {
  open(path, create) {
    const flags = constants.O_RDWR | (create ? constants.O_CREAT : 0)
    return direct(
      () => openSync(path, flags, 0o644),
      () => openFile(path, flags, 0o644),
    )
  },
  close: (fd) =>
    direct(
      () => closeSync(fd),
      () => later.close(fd),
    ),

  // The callback forms are used on the hot path: a FileHandle costs several promises for each call.
  read(fd, buffer, offset, length, position) {
    const elsewhere = () =>
      new Promise<number>((resolve, reject) => {
        read(fd, buffer, offset, length, position, (error, bytesRead) => (error ? reject(error) : resolve(bytesRead)))
      })
    if (length > maxDirectReadBytes) return elsewhere()
    return direct(() => readSync(fd, buffer, offset, length, position), elsewhere)
  },
  writev(fd, buffers, position) {
    const elsewhere = () =>
      new Promise<number>((resolve, reject) => {
        writev(fd, buffers, position, (error, written) => (error ? reject(error) : resolve(written)))
      })
    const bytes = buffers.reduce((sum, { length }) => sum + length, 0)
    return bytes > maxDirectWriteBytes ? elsewhere() : direct(() => writevSync(fd, buffers, position), elsewhere)
  },
  truncate: promisify(ftruncate),
  sync: promisify(fdatasync),

  async stat(path) {
    const found = await ignoreMissing(
      direct(
        () => statSync(path),
        () => later.stat(path),
      ),
    )
    return found && { sizeBytes: found.size, modifiedMs: found.mtimeMs }
  },
  list: async (dir) =>
    (await ignoreMissing(
      direct(
        () => readdirSync(dir),
        () => later.readdir(dir),
      ),
    )) ?? [],
  async makeDir(dir) {
    await promisify(mkdir)(dir, { recursive: true })
  },
  rename: (from, to) =>
    direct(
      () => renameSync(from, to),
      () => later.rename(from, to),
    ),
  remove: (path) => promisify(rm)(path, { recursive: true, force: true }),
  readFile: (path) =>
    ignoreMissing(
      direct<Buffer>(
        () => readFileSync(path),
        () => later.readFile(path),
      ),
    ),
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
    await later.rename(temporary, path)
    await nodeFs.syncDir(path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'))))
  },

  async syncDir(dir) {
    // Windows cannot open a folder; a rename is already durable there.
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

/** Opens an existing file for `work` and closes it afterwards. `open-files.ts` is for files that are used again. */
export async function withFile<T>(fs: LogFs, path: string, work: (fd: number) => Promise<T>): Promise<T> {
  const fd = await fs.open(path, false)
  try {
    return await work(fd)
  } finally {
    await fs.close(fd)
  }
}

/** Fills the buffer from the file. @returns how many bytes it has now; fewer than its length only at the end of the file */
export async function readFully(fs: LogFs, fd: number, buffer: Buffer, position: number): Promise<number> {
  let done = 0
  while (done < buffer.length) {
    const count = await fs.read(fd, buffer, done, buffer.length - done, position + done)
    if (count === 0) break
    done += count
  }
  return done
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

/** Reads and writes of at most this many bytes may happen on the main thread. */
const maxDirectReadBytes = 64 * 1024
const maxDirectWriteBytes = 1024 * 1024
/** A call that took longer means that the disk is slow; then calls run on another thread for some time. */
const slowCallMs = 10
const avoidDirectMs = 5000

/**
 * What the system answers from memory (names, sizes, small reads, writes to the page cache) takes a few microseconds: handing it
 * to another thread and back costs many times as much. While the disk is slow, calls run there nevertheless, so that the
 * event loop stays free.
 * @returns runs `now`, or `later` while the disk is slow
 */
function createDirectCalls(): <T>(now: () => T, later: () => Promise<T>) => Promise<T> {
  let directFrom = 0
  return async (now, later) => {
    const started = performance.now()
    if (started < directFrom) return later()
    try {
      return now()
    } finally {
      const ended = performance.now()
      if (ended - started > slowCallMs) directFrom = ended + avoidDirectMs
    }
  }
}
