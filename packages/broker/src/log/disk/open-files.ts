// A bounded set of open files: thousands of segments share a few hundred descriptors, and the least recently used ones are closed.
import type { LogFs } from './fs.ts'

export interface OpenFiles {
  readonly fs: LogFs
  /** Opens the file if need be (`create` makes a missing one) and keeps it open at least until `work` is done. */
  use<T>(path: string, work: (fd: number) => Promise<T>, create?: boolean): Promise<T>
  /**
   * Syncs the file to the disk.
   * @throws the system's error, also that of closing the file since its last sync: a network file system reports there what it
   *   could not write
   */
  sync(path: string): Promise<void>
  /** Closes the file once it is not in use. To be called before its name is used for another file. */
  forget(path: string): Promise<void>
  closeAll(): Promise<void>
  /** Number of files that are open now. */
  readonly size: number
}

interface OpenFile {
  readonly fd: Promise<number>
  users: number
  /** Set when the file is to be closed after its last use. */
  onIdle?: () => void
}

export function createOpenFiles(fs: LogFs, limit: number): OpenFiles {
  // Insertion order is the order of last use.
  const files = new Map<string, OpenFile>()
  /** Files that were closed to make room for others. Resolves to the error of closing one, which its next sync throws. */
  const evicted = new Map<string, Promise<unknown>>()

  async function close(file: OpenFile): Promise<void> {
    if (file.users > 0) await new Promise<void>((resolve) => (file.onIdle = resolve))
    // The error of a file that could not be opened has been reported to its user.
    const fd = await file.fd.catch(() => undefined)
    if (fd !== undefined) await fs.close(fd)
  }

  function evict(): void {
    for (const [path, file] of files) {
      if (files.size <= limit) return
      if (file.users > 0) continue
      files.delete(path)
      closeEvicted(path, file)
    }
  }

  function closeEvicted(path: string, file: OpenFile): void {
    const before = evicted.get(path)
    const closed = close(file).then(
      () => before,
      (error: unknown) => error,
    )
    evicted.set(path, closed)
    void closed.then((error) => {
      if (error === undefined) dropEvicted(path, closed)
    })
  }

  function dropEvicted(path: string, closed: Promise<unknown> | undefined): void {
    if (evicted.get(path) === closed) evicted.delete(path)
  }

  const openFiles: OpenFiles = {
    fs,
    get size() {
      return files.size
    },

    async use(path, work, create = false) {
      let file = files.get(path)
      if (file === undefined) {
        file = { fd: fs.open(path, create), users: 0 }
      } else {
        files.delete(path)
      }
      files.set(path, file)
      file.users++
      if (files.size > limit) evict()
      try {
        return await work(
          await file.fd.catch((error) => {
            if (files.get(path) === file) files.delete(path)
            throw error
          }),
        )
      } finally {
        file.users--
        if (file.users === 0) file.onIdle?.()
      }
    },

    async sync(path) {
      const closed = evicted.get(path)
      const error = await closed
      dropEvicted(path, closed)
      if (error !== undefined) throw error
      await openFiles.use(path, (fd) => fs.sync(fd))
    },

    async forget(path) {
      evicted.delete(path)
      const file = files.get(path)
      if (file === undefined) return
      files.delete(path)
      await close(file)
    },

    async closeAll() {
      const open = [...files.values()]
      files.clear()
      await Promise.all(open.map(close))
    },
  }
  return openFiles
}
