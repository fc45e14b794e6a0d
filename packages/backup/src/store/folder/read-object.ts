// Reading of an object in a folder: in parts, or whole.
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { StoreError } from '../store-error.ts'
import { defaultMaxGetBytes, type ObjectStore } from '../types.ts'
import { folderError, hasCode } from './errors.ts'
import { checkWay } from './layout.ts'

const readBytes = 1024 * 1024

/** @param pathOf of a key, which it checks */
export function folderReader(
  address: string,
  root: string,
  pathOf: (key: string) => string,
): Pick<ObjectStore, 'read' | 'get'> {
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

  const truncated = (key: string, position: number, sizeBytes: number): StoreError =>
    new StoreError('TRUNCATED', `${address}: ${key} ended after ${position} of its ${sizeBytes} bytes`)

  return {
    async *read(key) {
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
    },
    async get(key, maxBytes = defaultMaxGetBytes) {
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
    },
  }
}
