// A store in a folder. An object is written beside its place, synced, and linked to its name: it is there whole or not at all, and a
// name that exists is never taken.

import { randomBytes } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { type FileHandle, link, lstat, mkdir, open, readdir, realpath, rm, stat, unlink } from 'node:fs/promises'
import { dirname, join, resolve, sep } from 'node:path'
import { checkKey } from './keys.ts'
import { StoreError, type StoreErrorOptions } from './store-error.ts'
import type { ObjectStore, ObjectWriter, StoredObject, StoreErrorCode } from './types.ts'

/** Files under way, of this process or of one that was killed. No key begins so, because the folder of a cluster does not. */
const partialFolder = '.partial'
const partialKeptMs = 86_400_000
const defaultMaxBytes = 256 * 1024 * 1024

/**
 * @param folder is made, with its parents, when it is not there
 * @throws StoreError NOT_ALLOWED, NO_SPACE, …
 */
export async function openFolder(folder: string): Promise<ObjectStore> {
  const root = resolve(folder)
  const partial = join(root, partialFolder)
  try {
    await mkdir(partial, { recursive: true, mode: 0o700 })
    await removeOld(partial)
  } catch (error) {
    throw storeError(error, root)
  }
  const real = await realpath(root)

  const place = (key: string): string => {
    checkKey(key)
    return join(real, key)
  }
  /** A symbolic link in the folder must not lead out of it. */
  const inside = async (path: string, key: string): Promise<string> => {
    const found = await realpath(path)
    if (found === real || found.startsWith(real + sep)) return found
    throw new StoreError('NOT_ALLOWED', `${key} in ${root} is a link to ${found}, outside of the folder`)
  }

  function create(key: string): ObjectWriter {
    const target = place(key)
    const temporary = join(real, partialFolder, randomBytes(12).toString('hex'))
    let file: FileHandle | null = null
    let sizeBytes = 0
    const opened = async (): Promise<FileHandle> => (file ??= await open(temporary, 'wx', 0o600))
    const abort = async (): Promise<void> => {
      await file?.close()
      file = null
      await rm(temporary, { force: true })
    }
    return {
      write: (bytes) =>
        attempt(key, async () => {
          await (await opened()).writeFile(bytes)
          sizeBytes += bytes.length
        }),
      finish: () =>
        attempt(key, async () => {
          try {
            const handle = await opened()
            await handle.sync()
            await handle.close()
            file = null
            await inside(await nearestFolder(dirname(target)), key)
            await makeFolder(real, dirname(target))
            await link(temporary, target)
            await syncFolder(dirname(target))
            return { sizeBytes }
          } finally {
            await abort()
          }
        }),
      abort,
    }
  }

  async function attempt<T>(key: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw storeError(error, `${key} in ${root}`)
    }
  }

  return {
    address: root,
    create,
    async put(key, bytes) {
      const writer = create(key)
      try {
        await writer.write(bytes)
      } catch (error) {
        await writer.abort()
        throw error
      }
      await writer.finish()
    },
    async *read(key) {
      const path = await attempt(key, async () => inside(place(key), key))
      try {
        for await (const part of createReadStream(path)) yield part as Buffer
      } catch (error) {
        throw storeError(error, `${key} in ${root}`)
      }
    },
    get: (key, maxBytes = defaultMaxBytes) =>
      attempt(key, async () => {
        const file = await open(await inside(place(key), key))
        try {
          const { size } = await file.stat()
          if (size > maxBytes) {
            throw new StoreError('TOO_LARGE', `${key} in ${root} has ${size} bytes, more than the ${maxBytes} expected`)
          }
          return await file.readFile()
        } finally {
          await file.close()
        }
      }),
    list: (prefix, { after = '' } = {}) => listed(real, '', prefix, after),
    delete: async (keys) => {
      for (const key of keys) await attempt(key, () => rm(place(key), { force: true }))
    },
    close: async () => {},
  }
}

/** The folder itself, or the nearest above it that is there. */
async function nearestFolder(folder: string): Promise<string> {
  const found = await lstat(folder).catch(() => null)
  return found === null ? nearestFolder(dirname(folder)) : folder
}

/** Folders are made one by one, each synced into the one above it. */
async function makeFolder(root: string, folder: string): Promise<void> {
  const made = await mkdir(folder, { recursive: true, mode: 0o700 })
  if (made === undefined) return
  for (let at = folder; at.length >= root.length && at.length >= dirname(made).length; at = dirname(at)) {
    await syncFolder(at)
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** In the order of keys: `a.b` comes before `a/b`, so a folder sorts as its name with a `/`. */
async function* listed(root: string, below: string, prefix: string, after: string): AsyncGenerator<StoredObject> {
  let entries: import('node:fs').Dirent[]
  try {
    entries = await readdir(join(root, below), { withFileTypes: true })
  } catch (error) {
    // Another process may have deleted it.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return
    throw storeError(error, join(root, below))
  }
  const named = entries
    .filter((entry) => entry.isFile() || (entry.isDirectory() && entry.name !== partialFolder))
    .map((entry) => ({ entry, key: `${below}${entry.name}${entry.isDirectory() ? '/' : ''}` }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
  for (const { entry, key } of named) {
    if (entry.isDirectory()) {
      const mayHave = key.startsWith(prefix) || prefix.startsWith(key)
      if (mayHave && (key > after || after.startsWith(key))) yield* listed(root, key, prefix, after)
    } else if (key.startsWith(prefix) && key > after) {
      const found = await stat(join(root, key)).catch(() => null)
      if (found !== null) yield { key, sizeBytes: found.size, modifiedMs: found.mtimeMs }
    }
  }
}

async function removeOld(partial: string): Promise<void> {
  for (const name of await readdir(partial)) {
    const path = join(partial, name)
    const found = await lstat(path).catch(() => null)
    if (found !== null && Date.now() - found.mtimeMs > partialKeptMs) await unlink(path).catch(() => {})
  }
}

const codes: Readonly<Record<string, StoreErrorCode>> = {
  ENOENT: 'NOT_FOUND',
  EEXIST: 'EXISTS',
  EACCES: 'NOT_ALLOWED',
  EPERM: 'NOT_ALLOWED',
  EROFS: 'NOT_ALLOWED',
  ENOSPC: 'NO_SPACE',
  EDQUOT: 'NO_SPACE',
  ENOTDIR: 'INVALID_ARGUMENT',
  EISDIR: 'INVALID_ARGUMENT',
  ENAMETOOLONG: 'INVALID_ARGUMENT',
}

const advice: Partial<Record<StoreErrorCode, StoreErrorOptions>> = {
  NOT_ALLOWED: { hint: 'Give this account the right to write there, or choose another folder.' },
  NO_SPACE: { hint: 'Free space, or choose another folder. Nothing half-written is left.' },
}

function storeError(error: unknown, what: string): unknown {
  if (error instanceof StoreError) return error
  const { code, message } = error as NodeJS.ErrnoException
  if (code === undefined) return error
  const own = codes[code] ?? 'UNAVAILABLE'
  return new StoreError(own, `${what}: ${own}: ${message}`, { ...advice[own], cause: error })
}
