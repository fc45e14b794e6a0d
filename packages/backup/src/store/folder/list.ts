// The objects of a folder in the order of their keys' bytes, which is S3's. Folders are walked one after another: memory is that of
// the largest folder's names.
import type { Dirent } from 'node:fs'
import { lstat, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyRule } from '../keys.ts'
import type { StoredObject } from '../types.ts'
import { folderError, hasCode } from './errors.ts'

/** Objects with keys that begin with `prefix` and come after `after`. Links, other files and unfinished objects are not objects. */
export async function* listFolder(
  address: string,
  root: string,
  prefix: string,
  after: string,
  rule: KeyRule,
): AsyncGenerator<StoredObject, void, undefined> {
  try {
    yield* walk(root, '', prefix, after, rule)
  } catch (error) {
    throw folderError(`${address}: cannot list ${prefix === '' ? 'objects' : `objects of ${prefix}`}`, error)
  }
}

async function* walk(
  root: string,
  folder: string,
  prefix: string,
  after: string,
  rule: KeyRule,
): AsyncGenerator<StoredObject, void, undefined> {
  for (const name of sortedNames(await entriesOf(join(root, folder)), rule)) {
    const key = folder + name
    if (name.endsWith('/')) {
      const maybeMatches = key.startsWith(prefix) || prefix.startsWith(key)
      const maybeAfter = key > after || after.startsWith(key)
      if (maybeMatches && maybeAfter) yield* walk(root, key, prefix, after, rule)
    } else if (key.startsWith(prefix) && key > after) {
      const found = await lstat(join(root, key)).catch(ignoreMissing)
      if (found?.isFile()) yield { key, sizeBytes: found.size, modifiedMs: Math.floor(found.mtimeMs) }
    }
  }
}

/** A folder that another process has just removed has no entries. */
async function entriesOf(path: string): Promise<Dirent[]> {
  return (await readdir(path, { withFileTypes: true }).catch(ignoreMissing)) ?? []
}

/** Names that can be of keys; those of folders end with the "/" that their keys have there, so that the order is that of keys. */
function sortedNames(entries: readonly Dirent[], rule: KeyRule): string[] {
  const names: string[] = []
  for (const entry of entries) {
    if (rule(entry.name) !== null) continue
    if (entry.isDirectory()) names.push(`${entry.name}/`)
    else if (entry.isFile()) names.push(entry.name)
  }
  return names.sort()
}

function ignoreMissing(error: unknown): null {
  if (hasCode(error, 'ENOENT', 'ENOTDIR')) return null
  throw error
}
