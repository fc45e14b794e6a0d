// A store in a folder: one file for each object, at the path of its key.
import { constants } from 'node:fs'
import { type FileHandle, open, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checkKey, checkPrefix, type KeyRule, keyProblem } from '../keys.ts'
import { StoreError } from '../store-error.ts'
import { defaultMaxGetBytes, type ObjectStore, type WriteOptions } from '../types.ts'
import { folderError, hasCode } from './errors.ts'
import { checkWay, removeLeftOvers } from './layout.ts'
import { listFolder } from './list.ts'
import { folderWriter } from './write-object.ts'

const readBytes = 1024 * 1024

/** @param root an absolute path; it is made at the first write @param rule of the keys that are seen */
export function folderStore(root: string, rule: KeyRule = keyProblem): ObjectStore {
  const address = root
  let prepared: Promise<void> | undefined
  const prepare = () => {
    prepared ??= removeLeftOvers(root)
    return prepared
  }

  const pathOf = (key: string): string => {
    checkKey(address, key, rule)
    return join(root, ...key.split('/'))
  }

  function create(key: string, { lock }: WriteOptions = {}) {
    const path = pathOf(key)
    if (lock !== undefined) {
      throw new StoreError('INVALID_ARGUMENT', `${address}: cannot lock ${key}: a folder has no Object Lock`, {
        hint: 'Use a bucket of S3 that was created with Object Lock.',
      })
    }
    return folderWriter(address, root, key, path, prepare)
  }

  async function openObject(key: string): Promise<{ readonly file: FileHandle; readonly sizeBytes: number }> {
    const path = pathOf(key)
    await checkWay(root, path)
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const found = await file.stat()
      if (!found.isFile()) throw new StoreError('NOT_FOUND', `${address} has no object ${key}: it is not a file`)
      return { file, sizeBytes: found.size }
    } catch (error) {
      await file.close()
      throw error
    }
  }

  const readError = (key: string, error: unknown): StoreError =>
    hasCode(error, 'ENOENT', 'ENOTDIR')
      ? new StoreError('NOT_FOUND', `${address} has no object ${key}`, { cause: error })
      : folderError(`${address}: cannot read ${key}`, error)

  async function* read(key: string): AsyncGenerator<Buffer, void, undefined> {
    try {
      const { file, sizeBytes } = await openObject(key)
      try {
        for (let position = 0; position < sizeBytes; ) {
          const bytes = Buffer.allocUnsafe(Math.min(readBytes, sizeBytes - position))
          const { bytesRead } = await file.read(bytes, 0, bytes.length, position)
          if (bytesRead === 0) throw truncated(key, position, sizeBytes)
          position += bytesRead
          yield bytes.subarray(0, bytesRead)
        }
      } finally {
        await file.close()
      }
    } catch (error) {
      throw readError(key, error)
    }
  }

  async function get(key: string, maxBytes = defaultMaxGetBytes): Promise<Buffer> {
    try {
      const { file, sizeBytes } = await openObject(key)
      try {
        if (sizeBytes > maxBytes) {
          const message = `${address}: ${key} has ${sizeBytes} bytes, more than the ${maxBytes} that are allowed`
          throw new StoreError('TOO_LARGE', message)
        }
        const bytes = Buffer.allocUnsafe(sizeBytes)
        for (let position = 0; position < sizeBytes; ) {
          const { bytesRead } = await file.read(bytes, position, sizeBytes - position, position)
          if (bytesRead === 0) throw truncated(key, position, sizeBytes)
          position += bytesRead
        }
        return bytes
      } finally {
        await file.close()
      }
    } catch (error) {
      throw readError(key, error)
    }
  }

  const truncated = (key: string, position: number, sizeBytes: number): StoreError =>
    new StoreError('TRUNCATED', `${address}: ${key} ended after ${position} of its ${sizeBytes} bytes`)

  async function remove(key: string): Promise<void> {
    const path = pathOf(key)
    try {
      await checkWay(root, path)
      await unlink(path)
    } catch (error) {
      if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) return
      throw folderError(`${address}: cannot delete ${key}`, error)
    }
    // Folders that are empty now go too.
    for (let folder = dirname(path); folder !== root; folder = dirname(folder)) {
      const removed = await rmdir(folder).then(
        () => true,
        () => false,
      )
      if (!removed) return
    }
  }

  return {
    address,
    create,
    async put(key, bytes, options) {
      const writer = create(key, options)
      await writer.write(bytes)
      await writer.finish()
    },
    read,
    get,
    list(prefix, { after = '' } = {}) {
      checkPrefix(address, prefix, rule)
      return listFolder(address, root, prefix, after, rule)
    },
    async delete(keys) {
      for (const key of keys) checkKey(address, key)
      for (const key of keys) await remove(key)
    },
    close: async () => {},
  }
}
