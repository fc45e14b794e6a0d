// A file system that fails when a test wants it to: full disk, short writes, errors on sync.
import { type LogFs, nodeFs } from '../disk/fs.ts'

export interface Faults {
  /** Bytes that can still be written to log files; then ENOSPC, after a part of the bytes has been written. */
  freeBytes: number
  /** Most bytes that one write call takes. */
  maxWriteBytes: number
  failSync: boolean
  failTruncate: boolean
  failOpen: boolean
  /** Closing a file fails once it is closed, as on a network file system that could not write. */
  failClose: boolean
  /** Lets the next write to a file that matches end with ENOSPC after `bytes` bytes. */
  failOnce(file: RegExp, bytes: number): void
}

export function createFaultyFs(): { readonly fs: LogFs; readonly faults: Faults } {
  const faults: Faults = {
    freeBytes: Number.POSITIVE_INFINITY,
    maxWriteBytes: Number.POSITIVE_INFINITY,
    failSync: false,
    failTruncate: false,
    failOpen: false,
    failClose: false,
    failOnce(file, bytes) {
      once = { file, bytes }
    },
  }
  const names = new Map<number, string>()
  let once: { readonly file: RegExp; readonly bytes: number } | undefined
  const fs: LogFs = {
    ...nodeFs,
    async open(path, create) {
      const fd = await (faults.failOpen ? fail('EMFILE') : nodeFs.open(path, create))
      names.set(fd, path)
      return fd
    },
    async writev(fd, buffers, position) {
      const bytes = Buffer.concat(buffers)
      if (once?.file.test(names.get(fd)!)) {
        const part = bytes.subarray(0, once.bytes)
        once = undefined
        await nodeFs.writev(fd, [part], position)
        return fail('ENOSPC')
      }
      const count = Math.min(bytes.length, faults.maxWriteBytes, faults.freeBytes)
      if (count === 0) return fail('ENOSPC')
      faults.freeBytes -= count
      return nodeFs.writev(fd, [bytes.subarray(0, count)], position)
    },
    async close(fd) {
      await nodeFs.close(fd)
      if (faults.failClose) await fail('EIO')
    },
    truncate: (fd, sizeBytes) => (faults.failTruncate ? fail('EIO') : nodeFs.truncate(fd, sizeBytes)),
    sync: (fd) => (faults.failSync ? fail('EIO') : nodeFs.sync(fd)),
  }
  return { fs, faults }
}

function fail(code: string): Promise<never> {
  return Promise.reject(Object.assign(new Error(`${code}: made to fail by the test`), { code }))
}
