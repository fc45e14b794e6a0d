// A store in a folder: one file for each object, at the path of its key.
import { rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { checkKey, checkPrefix, type KeyRule, keyProblem } from '../keys.ts'
import { StoreError } from '../store-error.ts'
import type { ObjectStore, WriteOptions } from '../types.ts'
import { folderError, hasCode } from './errors.ts'
import { checkWay, removeLeftOvers } from './layout.ts'
import { listFolder } from './list.ts'
import { folderReader } from './read-object.ts'
import { folderWriter } from './write-object.ts'

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

  const { read, get } = folderReader(address, root, pathOf)

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
