// Fetches a pinned file once into the cache outside the repository, checks it, and moves what is made of it into place.
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Thrown when an outside tool cannot be had on this machine. `message` says why and what to do. */
export class ToolUnavailable extends Error {
  override readonly name = 'ToolUnavailable'
}

/**
 * Makes `folder` by `fill` unless it is there. `fill` works in a folder beside it that is moved into place when complete,
 * so that an interrupted download never counts; of two processes that do this at once, one wins and both have the same.
 */
export async function onceInCache(folder: string, fill: (partial: string) => Promise<void>): Promise<void> {
  if (existsSync(folder)) return
  const partial = `${folder}.partial-${process.pid}`
  await mkdir(dirname(folder), { recursive: true })
  await rm(partial, { recursive: true, force: true })
  await mkdir(partial)
  try {
    await fill(partial)
    await rename(partial, folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

/** @throws Error when the file is not the one that was pinned. `expected` is in the notation of npm: `sha512-<base64>`. */
export async function checkIntegrity(path: string, expected: string): Promise<void> {
  const algorithm = expected.slice(0, expected.indexOf('-'))
  const hash = createHash(algorithm)
    .update(await readFile(path))
    .digest('base64')
  const actual = `${algorithm}-${hash}`
  if (actual !== expected)
    throw new Error(
      `${path} is not the file that was pinned: its checksum is ${actual}, expected ${expected}. Do not use it; find out who changed it`,
    )
}

/**
 * What `get` gives, or why it cannot be had here: then the tests on it are skipped and named. In CI that is a failure.
 * @throws whatever `get` throws, unless it is a ToolUnavailable outside CI.
 */
export async function orMissing<T>(
  get: () => Promise<T>,
): Promise<{ readonly value: T } | { readonly missing: string }> {
  try {
    return { value: await get() }
  } catch (error) {
    if (!(error instanceof ToolUnavailable) || process.env.CI) throw error
    return { missing: error.message }
  }
}
