// Files that are made from others: what they should be, and which are not.
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The repository. */
export const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))))

export interface GeneratedFile {
  /** From the repository's root, with `/`. */
  readonly path: string
  /** null: must not be there. */
  readonly text: string | null
}

/** @returns those that are not on the disk as they should be. */
export async function differences(files: readonly GeneratedFile[]): Promise<GeneratedFile[]> {
  const current = await Promise.all(
    files.map(({ path }) =>
      readFile(join(root, path), 'utf8').catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return null
        throw error
      }),
    ),
  )
  return files.filter(({ text }, index) => text !== current[index])
}
