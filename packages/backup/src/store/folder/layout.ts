// Where a store's objects are below its folder, and that nothing leads out of it.
import { lstat, mkdir, open, readdir, realpath, rm } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { StoreError } from '../store-error.ts'
import { hasCode } from './errors.ts'

/** Holds what is being written. No key has a "~", so that this folder and its files are never taken for objects. */
export const unfinishedFolder = '~unfinished'
const unfinishedLifetimeMs = 24 * 60 * 60 * 1000

/**
 * Checks that the folders on the way to an object are real ones: a symbolic link that was put there would lead elsewhere.
 * @param path the object's, below `root`
 * @throws ENOENT, ENOTDIR; StoreError INVALID_ARGUMENT
 */
export async function checkWay(root: string, path: string): Promise<void> {
  const parent = dirname(path)
  if (parent === root) return
  const real = await realpath(parent)
  if (real !== join(await realpath(root), parent.slice(root.length)))
    throw new StoreError(
      'INVALID_ARGUMENT',
      `${path}: a folder on its way is a symbolic link, which a store does not follow`,
    )
}

/**
 * Makes the folders from `root` down to one below it, so that they survive a power failure. A link among them is refused, so that no
 * folder is made behind it.
 */
export async function makeFolders(root: string, folder: string): Promise<void> {
  const firstMade = await mkdir(root, { recursive: true, mode: 0o700 })
  if (firstMade !== undefined) {
    const top = dirname(firstMade)
    for (let at = dirname(root); at.length >= top.length; at = dirname(at)) {
      await syncFolder(at)
      if (at === top) break
    }
  }
  let at = root
  for (const name of folder.slice(root.length).split(sep)) {
    if (name === '') continue
    const next = join(at, name)
    if (await makeFolder(next)) await syncFolder(at)
    at = next
  }
}

/** @returns whether it was made here */
async function makeFolder(path: string): Promise<boolean> {
  try {
    await mkdir(path, 0o700)
    return true
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error
  }
  const found = await lstat(path)
  if (found.isDirectory()) return false
  const what = found.isSymbolicLink() ? 'a symbolic link, which a store does not follow' : 'an object'
  throw new StoreError('INVALID_ARGUMENT', `${path} is to be a folder and is ${what}`)
}

/** Makes a folder's list of names durable. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } catch (error) {
    // Some network file systems cannot, and keep names at once.
    if (!hasCode(error, 'EINVAL', 'ENOTSUP')) throw error
  } finally {
    await handle.close()
  }
}

/** Removes what a process that died has left, once it has not grown for a day. */
export async function removeLeftOvers(root: string, nowMs = Date.now()): Promise<void> {
  const folder = join(root, unfinishedFolder)
  const there = await lstat(folder).catch(() => null)
  if (!there?.isDirectory()) return
  for (const name of await readdir(folder)) {
    const path = join(folder, name)
    const found = await lstat(path).catch(() => null)
    if (found?.isFile() && found.mtimeMs < nowMs - unfinishedLifetimeMs) await rm(path, { force: true })
  }
}
