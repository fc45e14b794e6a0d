// Files that are generated from others: their expected contents, and the ones that differ.
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

/** @returns the files that differ from their expected contents. */
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
