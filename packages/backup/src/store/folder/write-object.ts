// Writes one object of a folder: into a file that does not count, then under its name, which must not exist.
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, lstat, open, rm, rmdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StoreError } from '../store-error.ts'
import type { ObjectWriter } from '../types.ts'
import { folderError, hasCode } from './errors.ts'
import { makeFolders, syncFolder, unfinishedFolder } from './layout.ts'

type Writing =
  | { readonly state: 'new' }
  | { readonly state: 'open'; readonly file: FileHandle; readonly path: string; readonly sizeBytes: number }
  | { readonly state: 'ended' }

/**
 * @param prepare is waited for before the first byte
 * @param path of the object, below `root`
 */
export function folderWriter(
  address: string,
  root: string,
  key: string,
  path: string,
  prepare: () => Promise<void>,
): ObjectWriter {
  const doing = `${address}: cannot write ${key}`
  let writing: Writing = { state: 'new' }

  async function opened(): Promise<Extract<Writing, { state: 'open' }>> {
    if (writing.state === 'ended')
      throw new StoreError('INVALID_ARGUMENT', `${doing}: it was finished or aborted before`)
    if (writing.state === 'open') return writing
    await prepare()
    const temporary = join(root, unfinishedFolder, `${process.pid}-${randomBytes(8).toString('hex')}`)
    await makeFolders(root, dirname(temporary))
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
    writing = { state: 'open', file: await open(temporary, flags, 0o600), path: temporary, sizeBytes: 0 }
    return writing
  }

  async function abort(): Promise<void> {
    const before = writing
    writing = { state: 'ended' }
    if (before.state !== 'open') return
    await before.file.close().catch(() => {})
    await rm(before.path, { force: true })
  }

  /** A writer that failed once has left nothing behind, also when `abort` is never called. */
  async function orAbort<T>(step: () => Promise<T>): Promise<T> {
    try {
      return await step()
    } catch (error) {
      await abort().catch(() => {})
      throw folderError(doing, error)
    }
  }

  return {
    write: (bytes) =>
      orAbort(async () => {
        const { file, path: temporary, sizeBytes } = await opened()
        for (let written = 0; written < bytes.length; )
          written += (await file.write(bytes, written, bytes.length - written)).bytesWritten
        writing = { state: 'open', file, path: temporary, sizeBytes: sizeBytes + bytes.length }
      }),
    finish: () =>
      orAbort(async () => {
        const { file, path: temporary, sizeBytes } = await opened()
        await file.sync()
        await publish(doing, root, temporary, path)
        await syncFolder(dirname(path))
        await abort()
        return { sizeBytes }
      }),
    abort: () => abort().catch((error) => Promise.reject(folderError(doing, error))),
  }
}

/**
 * Gives the finished file its name. link(2) does it at once and only where there is none: rename(2) would replace an object.
 * @throws StoreError EXISTS
 */
async function publish(doing: string, root: string, temporary: string, path: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await makeFolders(root, dirname(path))
      return await link(temporary, path)
    } catch (error) {
      // A deletion has just removed a folder because it was empty.
      if (hasCode(error, 'ENOENT') && attempt < 10) continue
      if (hasCode(error, 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK')) {
        throw new StoreError('INVALID_ARGUMENT', `${doing}: the file system has no hard links`, {
          hint: 'A store needs them to make a finished object visible without replacing another. Use ext4, XFS, APFS or NFS.',
          cause: error,
        })
      }
      if (!hasCode(error, 'EEXIST')) throw error
      const there = await lstat(path).catch(() => null)
      // It was deleted meanwhile.
      if (there === null && attempt < 10) continue
      if (there?.isDirectory()) {
        // An empty folder is what a deletion has left.
        const removed = await rmdir(path).then(
          () => true,
          () => false,
        )
        if (removed && attempt < 10) continue
        throw new StoreError('INVALID_ARGUMENT', `${doing}: it is a folder with other objects`, { cause: error })
      }
      // NFS repeats a request whose answer was lost: the name that it then finds is our own.
      const own = await lstat(temporary)
      if (there?.ino === own.ino && there.dev === own.dev) return
      throw new StoreError('EXISTS', `${doing}: it exists`, { cause: error })
    }
  }
}
