// Reads a platform file and its included files as trees. Their content is checked elsewhere.
import { readFile } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { fileProblem } from '@selfmonitor/cluster/file-problem'
import type { PlatformProblem } from '../model.ts'
import {
  type Environment,
  entriesOf,
  get,
  joinPath,
  type Position,
  problemAt,
  readDocument,
  scalars,
  type Tree,
} from './document.ts'
import { shownPath } from './schema-files.ts'

/** The environment of a file that declares none, and of a command that is given none. */
export const defaultEnvironment = 'development'

/** An entry of a section, with the position of its name. */
export interface Declared {
  readonly key: Position
  readonly value: Tree
}

export interface LoadedFile {
  readonly path: string
  readonly tree: Tree
}

/** The problem of a file that has no content. */
export const emptyFile = 'is empty; declare topics'

/**
 * The file and all that it includes, the file itself first.
 *
 * @param check of a file's shape; `main` is false for an included one, `unset` are values that are not known
 */
export async function readFiles(
  path: string,
  env: Environment,
  environment: string,
  problems: PlatformProblem[],
  check: (tree: Tree, main: boolean, unset: ReadonlySet<Tree>) => readonly PlatformProblem[],
): Promise<LoadedFile[]> {
  const loaded: LoadedFile[] = []
  const seen = new Set<string>()
  async function read(name: string, from: Position | null): Promise<void> {
    if (seen.has(name)) {
      return
    }
    seen.add(name)
    let text: string
    try {
      text = await readFile(name, 'utf8')
    } catch (error) {
      const at = from ?? { file: shownPath(name), line: 1, column: 1, path: '' }
      problems.push(problemAt(at, `${from === null ? '' : `${shownPath(name)} `}cannot be read: ${fileProblem(error)}`))
      return
    }
    const { tree, problems: found } = readDocument(shownPath(name), text, env)
    problems.push(...found)
    if (tree === null) {
      if (found.length === 0) {
        problems.push({ file: shownPath(name), line: 1, column: 1, path: '', message: emptyFile })
      }
      return
    }
    const unset = [...scalars(tree)].filter((scalar) => scalar.unset.length > 0)
    for (const scalar of unset) {
      // Variables that only another environment needs may be missing here.
      if (
        !scalar.at.path.startsWith('environments.') ||
        scalar.at.path.startsWith(`${joinPath('environments', environment)}.`)
      ) {
        for (const variable of scalar.unset) {
          problems.push(
            problemAt(
              scalar.at,
              `needs the environment variable ${variable}, which is not set; set it or write \${${variable}:-default}`,
            ),
          )
        }
      }
    }
    problems.push(...check(tree, from === null, new Set(unset)))
    loaded.push({ path: name, tree })
    const include = get(tree, 'include')
    for (const item of include?.kind === 'list' ? include.items : []) {
      if (item.kind === 'scalar' && typeof item.value === 'string' && item.unset.length === 0) {
        await read(resolve(dirname(name), item.value), item.at)
      }
    }
  }
  await read(path, null)
  return loaded
}

/** One section of all files; a name that two of them declare is a mistake. */
export function collect(trees: readonly Tree[], section: string, problems: PlatformProblem[]): Map<string, Declared> {
  const all = new Map<string, Declared>()
  for (const tree of trees) {
    for (const [name, entry] of entriesOf(get(tree, section))) {
      const first = all.get(name)
      if (first !== undefined) {
        problems.push(problemAt(entry.key, `is declared already, in ${first.key.file} line ${first.key.line}`))
        continue
      }
      all.set(name, entry)
    }
  }
  return all
}
