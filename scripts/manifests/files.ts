// Files that are generated from others: their expected contents, and the ones that differ.
import { readdir, readFile } from 'node:fs/promises'
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

/** The files that are made into a folder, and to be removed, those there that no longer are. */
export async function withoutOthers(folder: string, files: readonly GeneratedFile[]): Promise<GeneratedFile[]> {
  const wanted = new Set(files.map(({ path }) => path))
  const there = (await filesBelow(folder)).map((name) => `${folder}/${name}`)
  return [...files, ...there.filter((path) => !wanted.has(path)).map((path) => ({ path, text: null }))]
}

/** From the folder, with `/`; none when it is not there. */
export async function filesBelow(path: string): Promise<string[]> {
  const entries = await readdir(join(root, path), { recursive: true, withFileTypes: true }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    },
  )
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(join(root, path).length + 1)
        .replaceAll('\\', '/'),
    )
    .sort()
}
