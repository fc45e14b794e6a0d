// A platform file for every environment that it declares.
import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { invalidPlatform, PlatformError } from '../errors.ts'
import type { Platform, PlatformProblem } from '../model.ts'
import { type Environment, entriesOf, get, readDocument } from './document.ts'
import { loadPlatform } from './load.ts'
import { defaultEnvironment } from './read-files.ts'

/**
 * Loads a platform file once for each of its environments; a file that declares none is one for `development`.
 *
 * @throws PlatformError INVALID_PLATFORM with the mistakes of all environments. One that not all of them have names those
 *   that do.
 */
export async function loadEnvironments(file: string, options: { env?: Environment } = {}): Promise<Platform[]> {
  const environments = await declaredEnvironments(file)
  const platforms: Platform[] = []
  const found = new Map<string, { readonly problem: PlatformProblem; readonly environments: string[] }>()
  for (const environment of environments) {
    try {
      platforms.push(await loadPlatform(file, { ...options, environment }))
    } catch (error) {
      if (!(error instanceof PlatformError) || error.code !== 'INVALID_PLATFORM') {
        throw error
      }
      for (const problem of error.problems) {
        const key = JSON.stringify(problem)
        const known = found.get(key) ?? { problem, environments: [] }
        known.environments.push(environment)
        found.set(key, known)
      }
    }
  }
  if (found.size > 0) {
    throw invalidPlatform(
      [...found.values()].map(({ problem, environments: having }) =>
        having.length === environments.length
          ? problem
          : { ...problem, message: `${problem.message} (environment ${having.join(', ')})` },
      ),
    )
  }
  return platforms
}

/** A file that cannot be read or parsed has the default one, whose load says what is wrong with it. */
async function declaredEnvironments(file: string): Promise<string[]> {
  const text = await readFile(resolve(file), 'utf8').catch(() => '')
  const { tree } = readDocument(file, text, {})
  const declared = entriesOf(tree === null ? undefined : get(tree, 'environments')).map(([name]) => name)
  return declared.length === 0 ? [defaultEnvironment] : declared
}
